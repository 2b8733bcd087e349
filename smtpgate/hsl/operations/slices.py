"""Slices: reading, replacing and removing ``$array[start:stop:step]``."""

from __future__ import annotations

from collections.abc import Iterator
from sys import getrefcount
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array
from smtpgate.hsl.limits.turns import listed, paced
from smtpgate.hsl.operations.holders import ARGUMENT
from smtpgate.hsl.operations.paths import Change
from smtpgate.hsl.operations.reading import ABSENT
from smtpgate.hsl.values import Map, Value, a_type, is_number, type_name
from smtpgate.hsl.values.arrays import from_pairs, pairs, renumbered


def bounds(length: int, start: Value, stop: Value, step: Value) -> range:
    """The positions that a slice selects.

    :raises Fault: if a bound is no number, or the step is 0
    """
    wanted = slice(_bound(start), _bound(stop), _bound(step))
    if wanted.step == 0:
        raise Fault("a slice step cannot be 0")
    return range(*wanted.indices(length))


def _bound(value: Value) -> int | None:
    if value is None:
        return None
    if is_number(value):
        if value != value:
            raise Fault("a slice bound cannot be nan")
        # Python clamps; an infinite bound is only very large.
        return int(max(-1e15, min(1e15, value)))
    raise Fault(f"a slice bound must be a number, {type_name(value)} given")


def slice_of(value: Value, start: Value, stop: Value, step: Value) -> Value:
    """``value[start:stop:step]`` of a string or an array; integer keys from 0.

    :raises Fault: for anything else
    """
    if value.__class__ is str or value.__class__ is list:
        chosen = slice(_bound(start), _bound(stop), _bound(step))
        if chosen.step == 0:
            raise Fault("a slice step cannot be 0")
        return value[chosen]
    if value.__class__ is Map:
        items = listed(value.values(), value)
        selected = bounds(len(items), start, stop, step)
        return [items[position] for position in paced(selected, selected)]
    if value is None:
        return None
    raise Fault(f"{a_type(value)} cannot be sliced")


def has_slice(value: Value, start: Value, stop: Value, step: Value) -> bool:
    """``isset($a[start:stop])``: whether the slice has items."""
    if isinstance(value, (str, list, Map)):
        return len(bounds(len(value), start, stop, step)) > 0
    return False


def store_slice(array: Value, start: Value, stop: Value, step: Value, value: Value) -> Value:
    """``$array[start:stop] = value``: the items of ``value`` take the place of the slice.

    Integer keys are numbered anew, string keys stay.

    :raises Fault: if either side is no array
    """
    array = [] if array is None or array is ABSENT else array
    if not isinstance(array, (list, Map)):
        raise Fault(f"a slice of {a_type(array)} cannot be assigned to")
    if not isinstance(value, (list, Map)):
        raise Fault(f"an array must be assigned to a slice, {a_type(value)} given")
    check_array(len(array) + len(value))
    selected = bounds(len(array), start, stop, step)
    if array.__class__ is list and value.__class__ is list and selected.step == 1:
        if getrefcount(array) > ARGUMENT:
            array = array[:]
        array[selected.start : max(selected.start, selected.stop)] = value
        return array
    # Behind the removed items; an empty slice inserts where it stands.
    place = max(selected[0], selected[-1]) + 1 if selected else selected.start
    return renumbered(
        _beside(array, selected, range(place)),
        paced(pairs(value), value),
        _beside(array, selected, range(place, len(array))),
    )


def _beside(array: Value, selected: range, where: range) -> Iterator[tuple[Any, Value]]:
    """The pairs that a slice did not select, of those at some positions."""
    for number, pair in paced(enumerate(pairs(array)), array):
        if number in where and number not in selected:
            yield pair


def change_slice(array: Value, start: Value, stop: Value, step: Value, change: Change) -> Value:
    """``$array[start:stop] op= value``: the slice is what the operator's left side is."""
    array = [] if array is None or array is ABSENT else array
    changed = change.of(slice_of(array, start, stop, step))
    return store_slice(array, start, stop, step, changed)


def remove_slice(array: Value, start: Value, stop: Value, step: Value) -> Value:
    """``unset($array[start:stop])``; keys stay as they are."""
    if array is None or array is ABSENT:
        return array
    if not isinstance(array, (list, Map)):
        raise Fault(f"{a_type(array)} has no items to unset")
    selected = bounds(len(array), start, stop, step)
    kept = paced(enumerate(pairs(array)), array)
    return from_pairs(pair for number, pair in kept if number not in selected)
