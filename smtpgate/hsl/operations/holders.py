"""Who holds an array: copy-on-write by reference count.

An array is changed in place only when the variable (or the array or object)
that holds it is its only holder; else it is copied first, without its items.
The counts that mean "no other holder" differ between versions of CPython, so
they are measured when this module is imported.  Where they make no sense every
write copies, which is slower and still correct.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

from smtpgate.hsl.limits.turns import MANY, paced, pause
from smtpgate.hsl.values import Array, Map, Value


def _count_argument(array: Any) -> int:
    return getrefcount(array)


def _count_item(array: Any) -> int:
    found = array[0]
    return getrefcount(found)


def _measure() -> tuple[int, int, int]:
    """Counts without another holder: of a local, of an argument, of an item of an array."""
    local: list[Any] = []
    own = getrefcount(local)
    argument = _count_argument(local)
    holder: list[Any] = [[]]
    inner = _count_item(holder)
    other, another = local, holder[0]
    sensible = (
        getrefcount(local) == own + 1
        and _count_argument(local) == argument + 1
        and _count_item(holder) == inner + 1
        and other is local
        and another is holder[0]
    )
    return (own, argument, inner) if sensible else (0, 0, 0)


#: Reference counts of an array that nobody else holds.
LOCAL, ARGUMENT, ITEM = _measure()


def _parameters_count() -> bool:
    """Whether a function's parameter counts beside the caller's variable."""

    def callee(array: Any) -> int:
        return getrefcount(array)

    array: list[Any] = []
    return callee(array) > getrefcount(array)


#: Whether compiled functions need not copy a parameter before they write to it.
PARAMETERS_COUNT = LOCAL > 0 and _parameters_count()


def own(array: Value) -> Value:
    """A parameter that its function writes to, where parameters do not count."""
    return copied(array) if array.__class__ is list or array.__class__ is Map else array


def copied(array: Array) -> Array:
    """An array of its own with the same items."""
    if isinstance(array, list):
        return array[:]
    made = Map(array)
    if len(made) > MANY:
        # The first thing that is written may take as long again: the copy has no room.
        pause()
    return made


def mapped(array: list[Any]) -> Map:
    """The array with its keys, for a key that a list cannot have."""
    return Map(paced(enumerate(array), array))
