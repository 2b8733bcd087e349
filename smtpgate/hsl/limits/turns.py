"""Turns for others in the middle of long work.

One call or operator may have a million items or 16 MB to go through.  Whatever does asks for a
:func:`pause` every so often, and there the script gives way if it is time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

from smtpgate.hsl.limits import ACTIVE

#: Values that are larger than this take so long to make that the clock is looked at.
LONG: Final = 65_536
#: Arrays with more items are gone through with turns for others.
MANY: Final = 2048

_Item = TypeVar("_Item")
_Text = TypeVar("_Text", str, bytes)


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
