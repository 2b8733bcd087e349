"""Reading through subscripts and slices, and making arrays from literals."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array
from smtpgate.hsl.objects import ScriptClass, get_property, has_property
from smtpgate.hsl.turns import listed, paced
from smtpgate.hsl.values import Array, Map, Object, Value, a_type, type_name
from smtpgate.hsl.values.arrays import from_pairs, key, normal, pairs

#: What stands for a variable without a value, and for the key of an item without one.
ABSENT: Any = object()


def item(container: Value, subscript: Value) -> Value:
    """``container[subscript]``: none where there is nothing.

    :raises Fault: if ``container`` is neither array, string, object nor none
    """
    kind = container.__class__
    if kind is list:
        # Compiled numbers are floats; a key drops the decimals.
        if subscript.__class__ is float and 0.0 <= subscript < len(container):
            return container[int(subscript)]
        found = key(subscript)
        if found.__class__ is int and 0 <= found < len(container):
            return container[found]
        return None
    if kind is Map:
        return container.get(key(subscript))
    if kind is str:
        found = key(subscript)
        if found.__class__ is int and 0 <= found < len(container):
            return container[found]
        return None
    if container is None:
        return None
    if isinstance(container, Object):
        return get_property(container, _name(subscript), None)
    raise Fault(f"{a_type(container)} has no items")


def named_item(container: Value, name: Any) -> Value:
    """``container[name]`` for a name that is its own key (a literal such as ``"a"``)."""
    if container.__class__ is Map:
        return container.get(name)
    if container.__class__ is list:
        if name.__class__ is int and 0 <= name < len(container):
            return container[name]
        return None
    return item(container, name)


def peek(container: Value, subscript: Value, inside: ScriptClass | None) -> Value:
    """As :func:`item`, and none where that is a fault: for ``??`` and ``isset``."""
    if isinstance(container, (list, Map, str)):
        return item(container, subscript)
    if isinstance(container, Object) and has_item(container, subscript, inside):
        return get_property(container, _name(subscript), inside)
    return None


def has_item(container: Value, subscript: Value, inside: ScriptClass | None) -> bool:
    """``isset(container[subscript])``: whether it exists, also as none."""
    if isinstance(container, list) or container.__class__ is str:
        found = key(subscript)
        return found.__class__ is int and 0 <= found < len(container)
    if container.__class__ is Map:
        return key(subscript) in container
    if isinstance(container, Object):
        return has_property(container, _name(subscript), inside)
    return False


def _name(subscript: Value) -> str:
    if subscript.__class__ is str:
        return subscript
    raise Fault(f"an object's member is named by a string, {type_name(subscript)} given")


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
    if isinstance(value, (float, int)) and not isinstance(value, bool):
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


def array_of(*items: Value) -> Array:
    """An array literal with keys: key, value, key, value, ...; ``ABSENT`` for no key."""
    made = Map()
    following = 0
    for number in range(0, len(items), 2):
        subscript, value = items[number], items[number + 1]
        if subscript is ABSENT:
            made[following] = value
            following += 1
        elif subscript is SPREAD:
            check_array(len(made) + len(spread(value)))
            for found, each in paced(pairs(value), value):
                if type(found) is int:
                    made[following] = each
                    following += 1
                else:
                    made[found] = each
        else:
            found = key(subscript)
            made[found] = value
            if type(found) is int and found >= following:
                following = found + 1
    return normal(made)


#: The key of a spread item of :func:`array_of`.
SPREAD: Any = object()


def spread(value: Value) -> Array:
    """The operand of ``...`` in an array literal.

    :raises Fault: if it is no array
    """
    if isinstance(value, (list, Map)):
        return value
    raise Fault(f"an array is expected behind ..., {type_name(value)} given")


def arguments(value: Value) -> Collection[Value]:
    """The operand of ``...`` in a call: its values."""
    found = spread(value)
    return found if isinstance(found, list) else found.values()


def each_value(array: Value) -> Iterable[Value]:
    """What ``foreach`` goes through.

    :raises Fault: if it is no array
    """
    if array.__class__ is list:
        return array
    if array.__class__ is Map:
        return array.values()
    raise Fault(f"foreach needs an array, {type_name(array)} given")


def each_pair(array: Value) -> Iterable[tuple[Any, Value]]:
    """What ``foreach`` with keys goes through.

    :raises Fault: if it is no array
    """
    if array.__class__ is list:
        return enumerate(array)
    if array.__class__ is Map:
        return array.items()
    raise Fault(f"foreach needs an array, {type_name(array)} given")


def element(array: Value, subscript: Value, default: Value = None) -> Value:
    """What a destructuring pattern takes from a value: the default from what is no array."""
    if array.__class__ is list or array.__class__ is Map:
        found = key(subscript)
        if array.__class__ is Map:
            return array.get(found, default)
        if found.__class__ is int and 0 <= found < len(array):
            return array[found]
    return default


def rest(array: Value, taken: Collection[Any]) -> Array:
    """What a pattern's ``...$rest`` gets: the items that no other target took."""
    if array.__class__ is list:
        left = len(taken)
        if all(number in taken for number in range(left)):
            return array[left:]
    elif array.__class__ is not Map:
        return []
    keys = {key(found) for found in taken}
    left_over = ((found, value) for found, value in paced(pairs(array), array) if found not in keys)
    if all(type(found) is int for found in keys):
        return [value for _, value in left_over]
    return from_pairs(left_over)
