"""Reading through subscripts and patterns, going through arrays, and making them from literals."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array
from smtpgate.hsl.limits.turns import paced
from smtpgate.hsl.operations.objects import ScriptClass, get_property, has_property, member_name
from smtpgate.hsl.values import Array, Map, Object, Value, a_type, type_name
from smtpgate.hsl.values.arrays import from_pairs, get, key, normal, pairs, values

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
        return get_property(container, member_name(subscript), None)
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
        return get_property(container, member_name(subscript), inside)
    return None


def has_item(container: Value, subscript: Value, inside: ScriptClass | None) -> bool:
    """``isset(container[subscript])``: whether it exists, also as none."""
    if isinstance(container, list) or container.__class__ is str:
        found = key(subscript)
        return found.__class__ is int and 0 <= found < len(container)
    if container.__class__ is Map:
        return key(subscript) in container
    if isinstance(container, Object):
        return has_property(container, member_name(subscript), inside)
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
    return values(spread(value))


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
    return get(array, subscript, default) if isinstance(array, (list, Map)) else default


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
