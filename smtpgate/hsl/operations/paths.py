"""Writing through several subscripts and properties: ``$a[x]->b[y] = z``.

Each container on the way is its holder's own before it is changed, see ``holders``.  Every
function takes the outermost one as it is and returns the one to keep.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.operations.holders import ARGUMENT, ITEM, copied, mapped
from smtpgate.hsl.operations.objects import Access, Instance, writable
from smtpgate.hsl.operations.reading import item
from smtpgate.hsl.operations.writing import (
    append_to_map,
    refuse_object,
    remove_property,
    store_in_map,
)
from smtpgate.hsl.values import Map, Object, Value
from smtpgate.hsl.values.arrays import key, next_index

#: The key of the append form ``$a[] = x``.
APPEND: Any = object()


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


def store_path(root: Value, path: Sequence[Any], change: Change, access: Access) -> Value:
    """``$root[a][b] = value`` and ``$root->p[a] op= value``.

    :param path: the subscripts; ``APPEND`` appends
    :raises Fault: if ``access`` does not allow it
    """
    if isinstance(root, (list, Map)) and getrefcount(root) > ARGUMENT:
        root = copied(root)
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


def _read(target: Instance, subscript: Any, access: Access) -> Value:
    member = writable(target, subscript, *access)
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
    access: Access,
    holder: Value,
    holder_key: Any,
) -> tuple[Value, Value, Any, Value]:
    """Go one container deeper; it belongs to ``root`` alone afterwards.

    Returns the inner container, ``root`` (or what replaced it), the key in it, and
    the replacement if ``root`` was the outermost one and had to become a mapping.
    """
    replaced = None
    if isinstance(root, Object):
        target = writable(root, subscript, *access)
        inner = target.properties.get(subscript)
        if inner.__class__ is list or inner.__class__ is Map:
            if getrefcount(inner) > ITEM:
                inner = copied(inner)
        else:
            inner = _container(inner)
        target.properties[subscript] = inner
        return inner, target, subscript, None
    found = next_index(root) if subscript is APPEND else key(subscript)
    if root.__class__ is list and not (found.__class__ is int and 0 <= found <= len(root)):
        made = mapped(root)
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
            inner = copied(inner)
            root[found] = inner
    elif not isinstance(inner, Object):
        inner = []
        if root.__class__ is Map:
            store_in_map(root, found, inner)
        else:
            root[found] = inner
    return inner, root, found, replaced


def _set(
    container: Value,
    subscript: Any,
    change: Change,
    old: Value,
    access: Access,
) -> Value:
    """Write into a container that is its holder's own; a list may become a mapping."""
    if isinstance(container, Object):
        if subscript is APPEND:
            refuse_object(container)
        member = writable(container, subscript, *access)
        member.properties[subscript] = change.of(old)
        return container
    value = change.of(old)
    if subscript is APPEND:
        if container.__class__ is list:
            container.append(value)
        else:
            append_to_map(container, value)
        return container
    found = key(subscript)
    if container.__class__ is list:
        if found.__class__ is int and 0 <= found < len(container):
            container[found] = value
            return container
        if found.__class__ is int and found == len(container):
            container.append(value)
            return container
        made = mapped(container)
        made[found] = value
        return made
    store_in_map(container, found, value)
    return container


def _at_end(root: Value, path: Sequence[Any], access: Access) -> Value:
    """What a path leads to, none where it ends too early."""
    found = root
    for subscript in path:
        if subscript.__class__ is Member:
            subscript = subscript.name
        if isinstance(found, Instance):
            found = writable(found, subscript, *access).properties.get(subscript)
        elif isinstance(found, (list, Map)):
            found = item(found, subscript)
        else:
            return None
    return found


def count_at(root: Value, path: Sequence[Any], access: Access) -> int:
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
    access: Access,
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
