"""How large a value may grow.

A script pays for its steps, but one call can make a value of any size: every
operator and library function whose result can be much larger than what it was
given asks here first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE, Limits
from smtpgate.hsl.limits.turns import LONG, MANY, hurry, pieces

#: Octets in one string, unless an execution has other limits.
MAX_STRING: Final = Limits().string
#: Arrays within arrays that a function which walks them follows.
MAX_DEPTH: Final = 100


def check_string(length: float) -> None:
    """Refuse a string of ``length`` octets that would be too long.

    :raises Fault: if it is more than the running script's limit
    """
    most = ACTIVE.limits.string
    if length > most:
        raise Fault(
            f"a string may have at most {most} octets, this one would have {_count(length)}"
        )
    if length > LONG:
        hurry()


def check_array(count: float) -> None:
    """Refuse an array of ``count`` items that would be too large.

    :raises Fault: if it is more than the running script's limit
    """
    most = ACTIVE.limits.array
    if count > most:
        raise Fault(f"an array may have at most {most} items, this one would have {_count(count)}")
    if count > MANY:
        hurry()


def rewritten(string: str, rewrite: Callable[[str], str]) -> str:
    """A string of which each part is made on its own, with turns for others.

    :raises Fault: if the result is too long
    """
    if len(string) <= LONG:
        made = rewrite(string)
        check_string(len(made))
        return made
    texts: list[str] = []
    length = 0
    for piece in pieces(string):
        texts.append(rewrite(piece))
        length += len(texts[-1])
        check_string(length)
    return "".join(texts)


def _count(number: float) -> str:
    return str(int(number)) if number < 1e15 else f"{number:.3g}"
