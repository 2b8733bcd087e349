"""Arrays: keys, making and reading them.

An array is an exact ``list`` while its keys are 0..n-1 in order, else a
:class:`~smtpgate.hsl.values.types.Map`.  Nothing here changes an array that it was
given: writing, which knows who else holds the array, is in ``operations``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.turns import MANY, listed, paced
from smtpgate.hsl.values.types import Array, Map, Value, type_name


def key(value: Value) -> Any:
    """The array key that a value stands for (manual: Subscript).

    Booleans and integer strings become integers, numbers lose their decimals
    and wrap to 32 signed bits; other strings, none, functions and objects stay.

    :raises Fault: for an array, and for a number that is not finite
    """
    kind = type(value)
    if kind is str:
        return _string_key(value)
    if kind is float or kind is int:
        try:
            whole = int(value)
        except (ValueError, OverflowError):
            raise Fault(f"the number {value} cannot be an array key") from None
        if -0x80000000 <= whole <= 0x7FFFFFFF:
            return whole
        return (whole + 0x80000000) % 0x100000000 - 0x80000000
    if kind is bool:
        return int(value)
    if kind is list or kind is Map:
        raise Fault("an array cannot be an array key")
    return value


def _string_key(text: str) -> int | str:
    # Only the canonical decimal form is an integer: "012", "+1" and "1.5" stay strings.
    if not text or len(text) > 11 or text[0] > "9":
        return text
    digits = text[1:] if text[0] == "-" else text
    if not digits.isascii() or not digits.isdigit() or (digits[0] == "0" and text != "0"):
        return text
    whole = int(text)
    return whole if -0x80000000 <= whole <= 0x7FFFFFFF else text


def from_pairs(pairs: Iterable[tuple[Any, Value]]) -> Array:
    """An array of (key, value) pairs whose keys :func:`key` has made; later ones win."""
    return normal(Map(pairs))


def normal(mapping: Map) -> Array:
    """The mapping as a list if its keys are 0..n-1 in order, else itself."""
    large = len(mapping) > MANY
    for expected, found in paced(enumerate(mapping), mapping) if large else enumerate(mapping):
        if found != expected or type(found) is not int:
            return mapping
    return listed(mapping.values(), mapping) if large else list(mapping.values())


def renumbered(*parts: Iterable[tuple[Any, Value]]) -> Array:
    """The pairs of all parts in one array: integer keys are numbered anew, later string keys win.

    :param parts: pairs whose keys :func:`key` has made
    """
    made = Map()
    following = 0
    for part in parts:
        for found, value in part:
            if type(found) is int:
                made[following] = value
                following += 1
            else:
                made[found] = value
    return normal(made)


def keys(array: Array) -> Iterable[Any]:
    """The keys in order; integers and strings."""
    return range(len(array)) if isinstance(array, list) else array.keys()


def values(array: Array) -> Collection[Value]:
    """The values in order."""
    return array if isinstance(array, list) else array.values()


def pairs(array: Array) -> Iterable[tuple[Any, Value]]:
    """The (key, value) pairs in order."""
    return enumerate(array) if isinstance(array, list) else array.items()


def get(array: Array, subscript: Value, default: Value = None) -> Value:
    """The value at a key, or ``default`` where there is none."""
    found = key(subscript)
    if isinstance(array, list):
        if type(found) is int and 0 <= found < len(array):
            return array[found]
        return default
    return array.get(found, default)


def has(array: Array, subscript: Value) -> bool:
    """Whether the key exists, also when its value is none."""
    found = key(subscript)
    if isinstance(array, list):
        return type(found) is int and 0 <= found < len(array)
    return found in array


def next_index(array: Array) -> int:
    """The key that an appended value gets: the highest integer key plus one, or 0."""
    if isinstance(array, list):
        return len(array)
    numbers = (found for found in paced(array, array) if type(found) is int and found >= 0)
    return max(numbers, default=-1) + 1


def expect_array(value: Value, what: str) -> Array:
    """``value`` if it is an array.

    :raises Fault: otherwise; ``what`` begins the sentence
    """
    if isinstance(value, (list, Map)):
        return value
    raise Fault(f"{what} must be an array, {type_name(value)} given")
