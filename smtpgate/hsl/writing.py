"""Writing into arrays: copy-on-write by reference count.

An array is changed in place only when the variable (or the array or object)
that holds it is its only holder; else it is copied first, without its items.
The counts that mean "no other holder" differ between versions of CPython, so
they are measured when this module is imported.  Where they make no sense every
write copies, which is slower and still correct.

Every function takes the container as it is and returns the one to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from sys import getrefcount
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array
from smtpgate.hsl.objects import Instance, ScriptClass, writable
from smtpgate.hsl.reading import ABSENT, bounds, item, slice_of
from smtpgate.hsl.turns import MANY, paced, pause
from smtpgate.hsl.values import Map, Object, Value, a_type, type_name
from smtpgate.hsl.values.arrays import from_pairs, key, next_index, normal, pairs

#: The key of the append form ``$a[] = x``.
APPEND: Any = object()


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
    if array.__class__ is list:
        return array[:]
    return Map(array) if array.__class__ is Map else array


def _copied(array: Map) -> Map:
    made = Map(array)
    if len(made) > MANY:
        # The first thing that is written may take as long again: the copy has no room.
        pause()
    return made


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
            array = _copied(array)
        _append_to_map(array, value)
        return array
    _no_object(array)
    return [value]


def _append_to_map(array: Map, value: Value) -> None:
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
        made = Map(paced(enumerate(array), array))
        made[found] = value
        return made
    if kind is Map:
        if getrefcount(array) > ARGUMENT:
            array = _copied(array)
        _store_in_map(array, key(subscript), value)
        return array
    if isinstance(array, Object):
        _member(array, subscript, None, None).properties[subscript] = value
        return array
    found = key(subscript)
    return [value] if found == 0 and found.__class__ is int else Map({found: value})


def _store_in_map(array: Map, found: Any, value: Value) -> None:
    array[found] = value
    if found.__class__ is int:
        following = getattr(array, "following", None)
        if following is not None and found >= following:
            array.following = found + 1


def _no_object(value: Value) -> None:
    if isinstance(value, Object):
        raise Fault(f"a {value.class_name} object is no array to append to")


def _member(target: Value, name: Any, inside: ScriptClass | None, this: Value) -> Instance:
    if name.__class__ is not str:
        raise Fault(f"an object's member is named by a string, {type_name(name)} given")
    return writable(target, name, inside, this)


class Member:
    """The name of a property in a path, as against a subscript."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Change:
    """One write at the end of a path of subscripts: what replaces the old value."""

    __slots__ = ("operator", "result", "value")

    def __init__(self, value: Value, operator: Callable[[Value, Value], Value] | None) -> None:
        self.value = value
        self.operator = operator
        self.result: Value = None

    def of(self, old: Value) -> Value:
        operator = self.operator
        self.result = result = self.value if operator is None else operator(old, self.value)
        return result


def store_path(
    root: Value, path: Sequence[Any], change: Change, access: tuple[ScriptClass | None, bool]
) -> Value:
    """``$root[a][b] = value`` and ``$root->p[a] op= value``.

    :param path: the subscripts; ``APPEND`` appends
    :param access: the class whose code this is, and whether it is its constructor
    """
    if isinstance(root, (list, Map)) and getrefcount(root) > ARGUMENT:
        root = root[:] if root.__class__ is list else Map(root)
    if path[0].__class__ is Member:
        _has_properties(root, path[0])
    kept = root = _container(root)
    last = len(path) - 1
    # Each container on the way is its holder's own before it is changed.
    holder: Value = None
    holder_key: Any = None
    for place, subscript in enumerate(path):
        if subscript.__class__ is Member:
            subscript = subscript.name
        if place == last:
            old = None
            if change.operator is not None and subscript is not APPEND:
                old = (
                    item(root, subscript)
                    if not isinstance(root, Instance)
                    else _read(root, subscript, access)
                )
            made = _set(root, subscript, change, old, access)
            if made is not root:
                if holder is None:
                    kept = made
                else:
                    _put(holder, holder_key, made)
            return kept
        root, holder, holder_key, replaced = _step(root, subscript, access, holder, holder_key)
        if replaced is not None:
            kept = replaced
    return kept


def _read(target: Instance, subscript: Any, access: tuple[ScriptClass | None, bool]) -> Value:
    member = _member(target, subscript, *access)
    return member.properties.get(subscript)


def _has_properties(value: Value, member: Member) -> None:
    if not isinstance(value, (list, Map, Object)):
        raise Fault(f"only an object has the property {member.name}")


def _container(value: Value) -> Value:
    return value if isinstance(value, (list, Map, Object)) else []


def _put(holder: Value, subscript: Any, value: Value) -> None:
    if isinstance(holder, Instance):
        holder.properties[subscript] = value
    else:
        holder[subscript] = value


def _step(
    root: Value,
    subscript: Any,
    access: tuple[ScriptClass | None, bool],
    holder: Value,
    holder_key: Any,
) -> tuple[Value, Value, Any, Value]:
    """Go one container deeper; it belongs to ``root`` alone afterwards.

    Returns the inner container, ``root`` (or what replaced it), the key in it, and
    the replacement if ``root`` was the outermost one and had to become a mapping.
    """
    replaced = None
    if isinstance(root, Object):
        target = _member(root, subscript, *access)
        inner = target.properties.get(subscript)
        if inner.__class__ is list or inner.__class__ is Map:
            if getrefcount(inner) > ITEM:
                inner = inner[:] if inner.__class__ is list else Map(inner)
        else:
            inner = _container(inner)
        target.properties[subscript] = inner
        return inner, target, subscript, None
    found = next_index(root) if subscript is APPEND else key(subscript)
    if root.__class__ is list and not (found.__class__ is int and 0 <= found <= len(root)):
        made = Map(paced(enumerate(root), root))
        if holder is None:
            replaced = made
        else:
            _put(holder, holder_key, made)
        root = made
    if root.__class__ is list:
        if found == len(root):
            root.append([])
        inner = root[found]
    else:
        inner = root.get(found)
    if inner.__class__ is list or inner.__class__ is Map:
        if getrefcount(inner) > ITEM:
            inner = inner[:] if inner.__class__ is list else Map(inner)
            root[found] = inner
    elif not isinstance(inner, Object):
        inner = []
        if root.__class__ is Map:
            _store_in_map(root, found, inner)
        else:
            root[found] = inner
    return inner, root, found, replaced


def _set(
    container: Value,
    subscript: Any,
    change: Change,
    old: Value,
    access: tuple[ScriptClass | None, bool],
) -> Value:
    """Write into a container that is its holder's own; a list may become a mapping."""
    if isinstance(container, Object):
        _no_append(container, subscript)
        member = _member(container, subscript, *access)
        member.properties[subscript] = change.of(old)
        return container
    value = change.of(old)
    if subscript is APPEND:
        if container.__class__ is list:
            container.append(value)
        else:
            _append_to_map(container, value)
        return container
    found = key(subscript)
    if container.__class__ is list:
        if found.__class__ is int and 0 <= found < len(container):
            container[found] = value
            return container
        if found.__class__ is int and found == len(container):
            container.append(value)
            return container
        made = Map(paced(enumerate(container), container))
        made[found] = value
        return made
    _store_in_map(container, found, value)
    return container


def _no_append(container: Object, subscript: Any) -> None:
    if subscript is APPEND:
        _no_object(container)


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
    made = Map()
    following = 0
    for part in (
        _beside(array, selected, range(place)),
        paced(pairs(value), value),
        _beside(array, selected, range(place, len(array))),
    ):
        for found, each in part:
            if type(found) is int:
                made[following] = each
                following += 1
            else:
                made[found] = each
    return normal(made)


def _beside(array: Value, selected: range, where: range) -> Iterator[tuple[Any, Value]]:
    """The pairs that a slice did not select, of those at some positions."""
    for number, pair in paced(enumerate(pairs(array)), array):
        if number in where and number not in selected:
            yield pair


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
        made = Map(paced(enumerate(array), array))
        del made[found]
        return made
    if array.__class__ is Map:
        found = key(subscript)
        if found in array:
            if getrefcount(array) > ARGUMENT:
                array = _copied(array)
            del array[found]
            array.following = None
            return array if len(array) else []
        return array
    if array is None or array is ABSENT:
        return array
    if isinstance(array, Object):
        remove_property(array, subscript, (None, False))
        return array
    raise Fault(f"{a_type(array)} has no items to unset")


def remove_property(target: Value, name: Any, access: tuple[ScriptClass | None, bool]) -> bool:
    """``unset($target->name)``: whether it was there."""
    if not isinstance(target, Object):
        raise Fault(f"only an object has the property {name}")
    properties = _member(target, name, *access).properties
    there = name in properties
    properties.pop(name, None)
    return there


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


def _at_end(root: Value, path: Sequence[Any], access: tuple[ScriptClass | None, bool]) -> Value:
    """What a path leads to, none where it ends too early."""
    found = root
    for subscript in path:
        if subscript.__class__ is Member:
            subscript = subscript.name
        if isinstance(found, Instance):
            found = _member(found, subscript, *access).properties.get(subscript)
        elif isinstance(found, (list, Map)):
            found = item(found, subscript)
        else:
            return None
    return found


def count_at(root: Value, path: Sequence[Any], access: tuple[ScriptClass | None, bool]) -> int:
    """How many items or properties there are at the end of a path: what ``unset`` changes."""
    found = _at_end(root, path, access)
    if isinstance(found, Instance):
        return len(found.properties)
    return len(found) if isinstance(found, (list, Map)) else 0


def remove_path(
    root: Value,
    path: Sequence[Any],
    remove: Callable[..., Value],
    arguments: Sequence[Value],
    access: tuple[ScriptClass | None, bool],
) -> Value:
    """``unset($root[a][b])``: apply ``remove`` to what the path leads to, if it exists."""
    found = _at_end(root, path, access)
    if isinstance(found, Object):
        remove_property(found, arguments[0], access)
        return root
    if not isinstance(found, (list, Map)):
        return root
    # Two names hold it here: the removal makes a copy, which is then stored.
    made = remove(found, *arguments)
    if made is found:
        return root
    if not path:
        return made
    return store_path(root, path, Change(made, None), access)
