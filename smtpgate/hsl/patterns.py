"""Regular expressions: PCRE over octets, with a bound on the work of one match.

A pattern is the bare expression, or ``/expression/modifiers`` with the
modifiers ``i m u s x U X`` (manual: Pattern modifiers).  Subjects are strings
of octets; ``u`` reads both sides as UTF-8.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import pcre2

from smtpgate.hsl.arrays import from_pairs
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.values import Array, Value, literal, type_name

# PCRE2_UNGREEDY has no name in the binding.
_UNGREEDY = 0x00040000
_MODIFIERS = {
    "i": int(pcre2.IGNORECASE),
    "m": int(pcre2.MULTILINE),
    "u": int(pcre2.UNICODE),
    "s": int(pcre2.DOTALL),
    "x": int(pcre2.VERBOSE),
    "U": _UNGREEDY,
    "X": 0,  # PCRE2 is always as strict about escapes as PCRE_EXTRA made PCRE.
}
_ENCLOSED = re.compile(r"/(.*)/([a-zA-Z]*)", re.DOTALL)
# Error numbers of the PCRE2 library (pcre2api, "ERROR RETURN VALUES FROM pcre2_match").
_MATCH_LIMIT = (-47, -53, -63)
_JIT_STACK_LIMIT = -46


class Regex:
    """A compiled pattern.  Matches are ``pcre2.Match`` objects over octets."""

    __slots__ = ("_compiled", "_interpreted", "groups", "names", "pattern")

    def __init__(self, pattern: str, limit: int) -> None:
        """:raises Fault: if the pattern is not a valid regular expression"""
        self.pattern = pattern
        expression, flags = _split(pattern)
        octets = b"(*LIMIT_MATCH=%d)" % limit
        try:
            octets += expression.encode("latin-1")
            self._compiled: Any = pcre2.compile(octets, flags)
        except pcre2.PatternError as error:
            reason = str(error).partition("; ")[2] or str(error)
            raise Fault(f"invalid regular expression {literal(pattern)}: {reason}") from None
        self._interpreted: Any = None
        self.groups: int = self._compiled.groups
        #: Name of a group -> its number.
        self.names: dict[str, int] = {
            name.decode("latin-1") if isinstance(name, bytes) else name: number
            for name, number in dict(self._compiled.groupindex).items()
        }

    def matches(self, subject: Value) -> bool:
        """``subject =~ pattern``.

        :raises Fault: if ``subject`` is no string, or the match limit is spent
        """
        if subject.__class__ is not str:
            raise Fault(f"a string is expected on the left of =~, {type_name(subject)} given")
        try:
            return self._compiled.search(subject.encode("latin-1")) is not None
        except pcre2.LibraryError as error:
            octets = subject.encode("latin-1")
            return self._guarded(self._again(error), octets, 0) is not None

    def search(self, subject: str, start: int = 0) -> Any:
        """The first match at or after ``start``, or ``None``.

        :raises Fault: if the match limit is spent
        """
        octets = subject.encode("latin-1")
        try:
            return self._compiled.search(octets, start)
        except pcre2.LibraryError as error:
            return self._guarded(self._again(error), octets, start)

    def finditer(self, subject: str) -> Iterator[Any]:
        """All matches that do not overlap, from the left, each found when it is asked for.

        :raises Fault: if the match limit is spent
        """
        octets = subject.encode("latin-1")
        done = 0
        try:
            for match in self._compiled.finditer(octets):
                yield match
                done += 1
        except pcre2.LibraryError as error:
            try:
                yield from islice(self._again(error).finditer(octets), done, None)
            except pcre2.LibraryError as second:
                raise _fault(second) from None

    def captures(self, match: Any) -> Array:
        """A match as scripts see it: groups by number from 0, named ones by name too.

        A group that took no part in the match is ``""``.
        """
        texts = [_text(match.group(number)) for number in range(self.groups + 1)]
        if not self.names:
            return texts
        named = {number: name for name, number in self.names.items()}
        pairs: list[tuple[Any, str]] = []
        for number, text in enumerate(texts):
            if number in named:
                pairs.append((named[number], text))
            pairs.append((number, text))
        return from_pairs(pairs)

    def _again(self, error: Any) -> Any:
        """The interpreter's pattern, when only the compiled one's small stack was spent."""
        if error.code != _JIT_STACK_LIMIT:
            raise _fault(error) from None
        if self._interpreted is None:
            self._interpreted = pcre2.compile(
                self._compiled.pattern, self._compiled.flags, jit=False
            )
        return self._interpreted

    @staticmethod
    def _guarded(compiled: Any, octets: bytes, start: int) -> Any:
        try:
            return compiled.search(octets, start)
        except pcre2.LibraryError as error:
            raise _fault(error) from None


def _split(pattern: str) -> tuple[str, int]:
    enclosed = _ENCLOSED.fullmatch(pattern)
    if enclosed is None:
        return pattern, 0
    flags = 0
    for modifier in enclosed[2]:
        if modifier not in _MODIFIERS:
            raise Fault(
                f'unknown modifier "{modifier}" in the regular expression {literal(pattern)}'
            )
        flags |= _MODIFIERS[modifier]
    return enclosed[1], flags


def _text(octets: bytes | None) -> str:
    return "" if octets is None else octets.decode("latin-1")


def _fault(error: Any) -> Fault:
    if error.code in _MATCH_LIMIT:
        return Fault("the regular expression needs too many steps (match limit)")
    return Fault(f"the regular expression cannot be matched: {error}")


@lru_cache(maxsize=512)
def _cached(pattern: str, limit: int) -> Regex:
    return Regex(pattern, limit)


def compile_pattern(pattern: Value) -> Regex:
    """The pattern, compiled; recent ones are kept.

    :raises Fault: if it is no string or no valid regular expression
    """
    if pattern.__class__ is not str:
        raise Fault(f"a regular expression must be a string, {type_name(pattern)} given")
    return _cached(pattern, ACTIVE.limits.matching)
