"""Random UUIDs, RFC 9562 5.4: the names of transactions.

The system is asked for randomness once for many names: to ask costs more than to make one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from struct import iter_unpack

#: Names that one question to the system is good for.
STOCK = 256


# The version, 4, and the variant, binary 10: which bits are random, and what the others are.
_RANDOM = int.from_bytes(bytes.fromhex("ffffffffffff0fff3fffffffffffffff") * STOCK)
_FIXED = int.from_bytes(bytes.fromhex("00000000000040008000000000000000") * STOCK)


def _names() -> Iterator[str]:
    while True:
        drawn = int.from_bytes(os.urandom(16 * STOCK)) & _RANDOM | _FIXED
        digits = drawn.to_bytes(16 * STOCK).hex().encode("ascii")
        for parts in iter_unpack("8s4s4s4s12s", digits):
            yield b"-".join(parts).decode("ascii")


_fresh = _names()


def _forget() -> None:
    """A fork gives none of the names that its parent gives."""
    global _fresh
    _fresh = _names()


os.register_at_fork(after_in_child=_forget)


def new_uuid() -> str:
    """A name that nobody else has, nor can guess.  Not for several threads."""
    return next(_fresh)
