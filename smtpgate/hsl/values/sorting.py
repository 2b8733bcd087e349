"""Sorting that asks a script's function, gives way in the middle, and is stable.

A large row is cut into runs that are sorted one after the other, then merged two by two;
what is sorted already costs one question for each two runs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cmp_to_key
from typing import Any, TypeAlias

from smtpgate.hsl.limits.turns import MANY, pause

Less: TypeAlias = Callable[[Any, Any], Any]


def order(keys: Sequence[Any], less: Less) -> list[int]:
    """The positions of ``keys`` in their order; equal ones as they stand.

    :param less: whether its first argument comes before the second one
    """
    key = _key(keys, less)
    count = len(keys)
    if count <= MANY:
        return sorted(range(count), key=key)
    runs: list[list[int]] = []
    for begin in range(0, count, MANY):
        runs.append(sorted(range(begin, min(begin + MANY, count)), key=key))
        pause()
    while len(runs) > 1:
        # Each list is given up as soon as it is merged: there is never more than one copy.
        runs.reverse()
        merged: list[list[int]] = []
        while runs:
            left = runs.pop()
            merged.append(_merged(left, runs.pop(), keys, less) if runs else left)
        runs = merged
    return runs[0]


def _key(keys: Sequence[Any], less: Less) -> Callable[[int], Any]:
    """A sort key for positions; ``sorted()`` never asks for more than ``<``: one call each."""

    def compare(left: int, right: int) -> int:
        return -1 if less(keys[left], keys[right]) else 0

    return cmp_to_key(compare)


def _merged(left: list[int], right: list[int], keys: Sequence[Any], less: Less) -> list[int]:
    if not less(keys[right[0]], keys[left[-1]]):
        pause()
        left += right
        return left
    merged: list[int] = []
    in_left = in_right = 0
    while in_left < len(left) and in_right < len(right):
        # Of two equal ones the left one comes first.
        for _ in range(min(MANY, len(left) - in_left, len(right) - in_right)):
            if less(keys[right[in_right]], keys[left[in_left]]):
                merged.append(right[in_right])
                in_right += 1
            else:
                merged.append(left[in_left])
                in_left += 1
        pause()
    merged += left[in_left:]
    merged += right[in_right:]
    return merged
