"""How large a value may grow.

A script pays for its steps, but one call can make a value of any size: every
operator and library function whose result can be much larger than what it was
given asks here first.
"""

from __future__ import annotations

from typing import Final

from smtpgate.hsl.errors import Fault

#: Octets in one string.
MAX_STRING: Final = 16 * 1024 * 1024
#: Items in one array.
MAX_ARRAY: Final = 1_000_000
#: Arrays within arrays that a function which walks them follows.
MAX_DEPTH: Final = 100


def check_string(length: float) -> None:
    """Refuse a string of ``length`` octets that would be too long.

    :raises Fault: if it is more than :data:`MAX_STRING`
    """
    if length > MAX_STRING:
        raise Fault(
            f"a string may have at most {MAX_STRING} octets, this one would have {_count(length)}"
        )


def check_array(count: float) -> None:
    """Refuse an array of ``count`` items that would be too large.

    :raises Fault: if it is more than :data:`MAX_ARRAY`
    """
    if count > MAX_ARRAY:
        raise Fault(
            f"an array may have at most {MAX_ARRAY} items, this one would have {_count(count)}"
        )


def _count(number: float) -> str:
    return str(int(number)) if number < 1e15 else f"{number:.3g}"
