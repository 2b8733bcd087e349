"""Writing one item: ``$array[] = x``, ``$array[x] = y`` and ``unset``.

Every function takes the container as it is and returns the one to keep; ``holders`` says when
it is the same.  A write through several subscripts is in ``paths``, one to a slice in ``slices``.
"""

from __future__ import annotations

from sys import getrefcount
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array
from smtpgate.hsl.operations.holders import ARGUMENT, copied, mapped
from smtpgate.hsl.operations.objects import OUTSIDE, Access, writable
from smtpgate.hsl.operations.reading import ABSENT
from smtpgate.hsl.values import Map, Object, Value, a_type
from smtpgate.hsl.values.arrays import key, next_index


def append(array: Value, value: Value) -> Value:
    """``$array[] = value``; what is no array becomes one first."""
    if array.__class__ is list:
        if getrefcount(array) > ARGUMENT:
            check_array(len(array) + 1)
            return [*array, value]
        array.append(value)
        return array
    if array.__class__ is Map:
        if getrefcount(array) > ARGUMENT:
            array = copied(array)
        append_to_map(array, value)
        return array
    refuse_object(array)
    return [value]


def append_to_map(array: Map, value: Value) -> None:
    """Append to a mapping that is its holder's own."""
    following = getattr(array, "following", None)
    if following is None:
        following = next_index(array)
    array[following] = value
    array.following = following + 1


def store(array: Value, subscript: Value, value: Value) -> Value:
    """``$array[subscript] = value``; what is no array becomes one first."""
    kind = array.__class__
    if kind is list:
        found = (
            int(subscript)
            if subscript.__class__ is float and 0.0 <= subscript <= len(array)
            else key(subscript)
        )
        if found.__class__ is int and 0 <= found < len(array):
            if getrefcount(array) > ARGUMENT:
                array = array[:]
            array[found] = value
            return array
        if found.__class__ is int and found == len(array):
            if getrefcount(array) > ARGUMENT:
                array = array[:]
            array.append(value)
            return array
        made = mapped(array)
        made[found] = value
        return made
    if kind is Map:
        if getrefcount(array) > ARGUMENT:
            array = copied(array)
        store_in_map(array, key(subscript), value)
        return array
    if isinstance(array, Object):
        writable(array, subscript, *OUTSIDE).properties[subscript] = value
        return array
    found = key(subscript)
    return [value] if found == 0 and found.__class__ is int else Map({found: value})


def store_in_map(array: Map, found: Any, value: Value) -> None:
    """Store at a key in a mapping that is its holder's own."""
    array[found] = value
    if found.__class__ is int:
        following = getattr(array, "following", None)
        if following is not None and found >= following:
            array.following = found + 1


def refuse_object(value: Value) -> None:
    """Nothing can be appended to an object.

    :raises Fault: if it is one
    """
    if isinstance(value, Object):
        raise Fault(f"a {value.class_name} object is no array to append to")


def remove_item(array: Value, subscript: Value) -> Value:
    """``unset($array[subscript])``; keys stay as they are."""
    if array.__class__ is list:
        found = key(subscript)
        if not (found.__class__ is int and 0 <= found < len(array)):
            return array
        if found == len(array) - 1:
            if getrefcount(array) > ARGUMENT:
                return array[:-1]
            del array[found]
            return array
        made = mapped(array)
        del made[found]
        return made
    if array.__class__ is Map:
        found = key(subscript)
        if found in array:
            if getrefcount(array) > ARGUMENT:
                array = copied(array)
            del array[found]
            array.following = None
            return array if len(array) else []
        return array
    if array is None or array is ABSENT:
        return array
    if isinstance(array, Object):
        remove_property(array, subscript, OUTSIDE)
        return array
    raise Fault(f"{a_type(array)} has no items to unset")


def remove_property(target: Value, name: Any, access: Access) -> bool:
    """``unset($target->name)``: whether it was there."""
    if not isinstance(target, Object):
        raise Fault(f"only an object has the property {name}")
    properties = writable(target, name, *access).properties
    there = name in properties
    properties.pop(name, None)
    return there
