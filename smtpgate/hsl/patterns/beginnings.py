"""How every match of a regular expression begins, where that is plain to see.

Most scripts look for a command at the beginning of a line, and most lines begin otherwise: to
compare a few octets tells so in a tenth of the time that a call of PCRE takes.
"""

from __future__ import annotations

import re

# Octets that stand for themselves, whatever is around them.  One that is repeated may be
# missing, all but with ``+``.
_LITERALS = re.compile(rb"\^((?:[-A-Za-z0-9 !\"%&',/:;<=>@_`~](?![*?{]))+)")


class Beginning:
    """Compares the first octets of a subject; ``caseless`` for A to Z."""

    __slots__ = ("_caseless", "_length", "_octets")

    def __init__(self, octets: bytes, caseless: bool) -> None:
        self._octets = octets.upper() if caseless else octets
        self._length = len(octets)
        self._caseless = caseless

    def __call__(self, subject: bytes) -> bool:
        first = subject[: self._length]
        return (first.upper() if self._caseless else first) == self._octets


def beginning(expression: bytes, caseless: bool) -> Beginning | None:
    """What a subject begins with if ``expression`` matches it at all; None if that is not plain.

    :param expression: neither multi-line nor extended, on octets
    """
    if b"|" in expression:  # it may be an alternative to all of the rest
        return None
    found = _LITERALS.match(expression)
    return None if found is None else Beginning(found[1], caseless)
