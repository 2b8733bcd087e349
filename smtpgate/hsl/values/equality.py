"""When two values are equal: ``===`` and ``==``."""

from __future__ import annotations

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import MAX_DEPTH
from smtpgate.hsl.limits.turns import paced
from smtpgate.hsl.values.arrays import pairs
from smtpgate.hsl.values.conversions import to_number
from smtpgate.hsl.values.types import Array, Function, Map, Value, type_name

#: Items of an array without arrays that is compared again rather than remembered.
_FEW = 16


def strict_equal(left: Value, right: Value) -> bool:
    """``===``: same type and same value.

    Arrays are equal with the same pairs in the same order; functions and
    objects when they are the same one.
    """
    if isinstance(left, str):
        return isinstance(right, str) and left == right
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, (float, int)):
        return isinstance(right, (float, int)) and left == right
    if isinstance(left, (list, Map)):
        return isinstance(right, (list, Map)) and _arrays_equal(left, right, 0, set())
    if isinstance(left, Function) and isinstance(right, Function):
        return left.origin is right.origin
    return left is right


def _arrays_equal(left: Array, right: Array, depth: int, equal: set[tuple[int, int]]) -> bool:
    """``equal`` are the arrays found equal so far: those that are held often are compared once."""
    if left is right or (id(left), id(right)) in equal:
        return True
    if len(left) != len(right):
        return False
    if depth > MAX_DEPTH:
        raise Fault("the arrays are nested too deeply to be compared")
    inner = False
    both = zip(pairs(left), pairs(right), strict=True)
    for (left_key, left_item), (right_key, right_item) in paced(both, left):
        if left_key != right_key or type(left_key) is not type(right_key):
            return False
        if isinstance(left_item, (list, Map)):
            if not isinstance(right_item, (list, Map)):
                return False
            inner = True
            if not _arrays_equal(left_item, right_item, depth + 1, equal):
                return False
        elif not strict_equal(left_item, right_item):
            return False
    if depth and (inner or len(left) > _FEW):
        equal.add((id(left), id(right)))
    return True


def loose_equal(left: Value, right: Value) -> bool:
    """``==`` by the manual's loose equality table."""
    if left.__class__ is right.__class__ and (left.__class__ is str or left.__class__ is float):
        return bool(left == right)
    left_type = type_name(left)
    right_type = type_name(right)
    if left_type == right_type:
        return strict_equal(left, right)
    if left is None or right is None:
        return False
    if left_type == "boolean":
        return _equals_boolean(right, right_type, left)
    if right_type == "boolean":
        return _equals_boolean(left, left_type, right)
    if left_type == "number":
        return _equals_number(right, right_type, left)
    if right_type == "number":
        return _equals_number(left, left_type, right)
    return False


def _equals_boolean(value: Value, kind: str, boolean: bool) -> bool:
    if kind == "number":
        return bool(value == (1 if boolean else 0))
    return bool(value) is boolean


def _equals_number(value: Value, kind: str, number: float) -> bool:
    if kind == "string":
        return to_number(value) == number
    return number == (1 if bool(value) else 0)
