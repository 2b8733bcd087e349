"""How large a value may grow.

A script pays for its steps, but one call can make a value of any size: every
operator and library function whose result can be much larger than what it was
given asks here first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE, Limits

#: Octets in one string, unless an execution has other limits.
MAX_STRING: Final = Limits().string
#: Arrays within arrays that a function which walks them follows.
MAX_DEPTH: Final = 100
#: Values that are larger than this take so long to make that the clock is looked at.
LONG: Final = 65_536
#: Arrays with more items are gone through with turns for others.
MANY: Final = 2048

_Item = TypeVar("_Item")
_Text = TypeVar("_Text", str, bytes)


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


def hurry() -> None:
    """After work that takes longer than a step should: look at the clock at the next one."""
    if ACTIVE.running is not None:
        ACTIVE.running.hurry()


def pause() -> None:
    """In the middle of long work: let others have their turn, if it is time."""
    if ACTIVE.running is not None:
        ACTIVE.running.pause()


def paced(items: Iterable[_Item], size: Collection[object]) -> Iterable[_Item]:
    """The items of a large array, with a turn for others every so many.

    :param size: what has as many items
    """
    return items if len(size) <= MANY else _with_pauses(items)


def _with_pauses(items: Iterable[_Item]) -> Iterator[_Item]:
    for chunk in _chunks(items):
        yield from chunk


def chunks(items: Iterable[_Item], size: Collection[object]) -> Iterable[Iterable[_Item]]:
    """The items of a large array in parts, with a turn for others between two; else as they are.

    :param size: what has as many items
    """
    return (items,) if len(size) <= MANY else _chunks(items)


def _chunks(items: Iterable[_Item]) -> Iterator[list[_Item]]:
    rest = iter(items)
    while chunk := list(islice(rest, MANY)):
        yield chunk
        pause()


def listed(items: Iterable[_Item], size: Collection[object]) -> list[_Item]:
    """The items of a large array as a list, made with turns for others.

    :param size: what has as many items
    """
    if len(size) <= MANY:
        return list(items)
    made: list[_Item] = []
    for chunk in _chunks(items):
        made += chunk
    return made


def pieces(string: _Text, size: int = LONG) -> Iterator[_Text]:
    """A long string in parts, with a turn for others between two; a short one as it is."""
    if len(string) <= size:
        yield string
        return
    for begin in range(0, len(string), size):
        yield string[begin : begin + size]
        pause()


def escaped_pieces(string: str, mark: str) -> Iterator[str]:
    """A long string in parts as :func:`pieces` has them, without cutting escapes in two.

    :param mark: what an escape begins with; two digits follow
    """
    place = 0
    while place < len(string):
        end = place + LONG
        if end < len(string):
            if string[end - 1] == mark:
                end -= 1
            elif string[end - 2] == mark:
                end -= 2
        yield string[place:end]
        place = end
        if place < len(string):
            pause()


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
