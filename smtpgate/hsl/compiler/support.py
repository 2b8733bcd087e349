"""What compiled code calls: the names of a generated module, and nothing else."""

from __future__ import annotations

from collections.abc import MutableMapping
from functools import partial
from sys import getrefcount
from typing import Any, NoReturn

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array
from smtpgate.hsl.operations import operators
from smtpgate.hsl.operations.holders import own
from smtpgate.hsl.operations.objects import (
    OUTSIDE,
    Instance,
    Method,
    ScriptClass,
    get_property,
    member_code,
)
from smtpgate.hsl.operations.paths import APPEND, Change, count_at, remove_path, store_path
from smtpgate.hsl.operations.reading import (
    ABSENT,
    SPREAD,
    arguments,
    array_of,
    each_pair,
    each_value,
    element,
    has_item,
    item,
    named_item,
    peek,
    rest,
)
from smtpgate.hsl.operations.slices import (
    change_slice,
    has_slice,
    remove_slice,
    slice_of,
    store_slice,
)
from smtpgate.hsl.operations.writing import append, remove_item, remove_property, store
from smtpgate.hsl.runtime.execution import AGAIN, Execution
from smtpgate.hsl.runtime.sharing import Barrier, cached
from smtpgate.hsl.runtime.signals import Terminated
from smtpgate.hsl.runtime.tracing import undefined
from smtpgate.hsl.values import Function, Map, Object, Value, a_type, describe, format_number


def callable_of(value: Value, count: int) -> Any:
    """What runs when a value is called with ``count`` arguments.

    :raises Fault: if it is no function or takes another number of arguments
    """
    if isinstance(value, Function):
        if count < value.least or (value.most is not None and count > value.most):
            value.check_arity(count)
        return value.code
    raise Fault(f"a function is expected, {describe(value)} given")


def spread_call(function: Value, values: list[Value]) -> Value:
    """A call whose number of arguments is known only now."""
    check_array(len(values))
    return callable_of(function, len(values))(*values)


def call_member(
    execution: Execution, target: Value, name: str, inside: ScriptClass | None, *values: Value
) -> Value:
    """``target->name(...)``."""
    if len(values) > 255:
        check_array(len(values))
    if isinstance(target, Object):
        code, before = member_code(target, name, len(values), inside, execution)
        return code(*before, *values)
    if isinstance(target, (list, Map)):
        return callable_of(item(target, name), len(values))(*values)
    raise Fault(f"{a_type(target)} has no function {name}")


def property_of(target: Value, name: str, inside: ScriptClass | None) -> Value:
    """``target->name``; on an array as a subscript."""
    if target.__class__ is Instance:
        found = target.properties.get(name, ABSENT)
        if found is not ABSENT and target.kind is inside:
            return found
    if isinstance(target, Object):
        return get_property(target, name, inside)
    return item(target, name)


def item_inside(target: Value, subscript: Value, inside: ScriptClass | None) -> Value:
    """A subscript in a class's own code, which may see private members."""
    if isinstance(target, Object) and isinstance(subscript, str):
        return get_property(target, subscript, inside)
    return item(target, subscript)


def set_key(variables: MutableMapping[str, Value], name: str, value: Value) -> Value:
    variables[name] = value
    return value


def step(old: Value, one: float) -> float:
    """``++`` and ``--`` on an item or a property."""
    return operators.number(old) + one


def terminate(value: Any) -> NoReturn:
    raise Terminated(value)


def no_append() -> NoReturn:
    raise Fault("[] has no value to read")


_HELPERS: tuple[Any, ...] = (
    callable_of, spread_call, call_member, property_of, item_inside, set_key, step, terminate,
    no_append, arguments, array_of, each_pair, each_value, element, has_item, has_slice, item,
    named_item, peek, rest, slice_of, Barrier, cached, undefined, Function, Map,
    format_number, Change, append, count_at, own, remove_item, remove_path, remove_property,
    remove_slice, store, store_path, store_slice, change_slice, Instance, Method, ScriptClass,
    getrefcount, partial, len, zip, next, float, str, list, object, operators.number,
    operators.text, operators.negate, operators.bit_not, operators.bounded,
    *operators.BINARY.values(),
)  # fmt: skip
SUPPORT: dict[str, Any] = {made.__name__: made for made in _HELPERS}
SUPPORT |= {
    "ABSENT": ABSENT, "SPREAD": SPREAD, "APPEND": APPEND, "OUTSIDE": OUTSIDE, "ONCE": (None,),
    "AGAIN": AGAIN,
}  # fmt: skip

__all__ = ["SUPPORT"]
