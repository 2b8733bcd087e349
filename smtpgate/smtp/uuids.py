"""Random UUIDs, RFC 9562 5.4: the names of transactions.

The system is asked for randomness once for many names: to ask costs more than to make one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

#: Names that one question to the system is good for.
STOCK = 256


def _names() -> Iterator[str]:
    while True:
        digits = os.urandom(16 * STOCK).hex()
        for at in range(0, len(digits), 32):
            variant = "89ab"[int(digits[at + 16], 16) & 3]
            yield (
                f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-4{digits[at + 13 : at + 16]}"
                f"-{variant}{digits[at + 17 : at + 20]}-{digits[at + 20 : at + 32]}"
            )


_fresh = _names()


def _forget() -> None:
    """A fork gives none of the names that its parent gives."""
    global _fresh
    _fresh = _names()


os.register_at_fork(after_in_child=_forget)


def new_uuid() -> str:
    """A name that nobody else has, nor can guess.  Not for several threads."""
    return next(_fresh)
