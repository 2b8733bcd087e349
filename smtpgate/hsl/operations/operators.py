"""The operators on values of any type; compiled code does the plain number cases itself.

Numbers are calculated as floats: an ``int`` that a library function returned
becomes one, so no number can grow without bound.  Booleans count as 1 and 0.
"""

from __future__ import annotations

from math import fmod, isfinite, isnan
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats.printf import format_string
from smtpgate.hsl.limits.bounds import check_array, check_string
from smtpgate.hsl.limits.turns import paced
from smtpgate.hsl.patterns import compile_pattern
from smtpgate.hsl.values import (
    Array,
    Map,
    Value,
    describe,
    is_number,
    loose_equal,
    strict_equal,
    to_string,
)
from smtpgate.hsl.values.arrays import from_pairs, pairs, renumbered


def number(value: Value) -> float:
    """The operand as a float.

    :raises Fault: if it is neither number nor boolean
    """
    if value.__class__ is float:
        return value
    if isinstance(value, (float, int)):
        return float(value)
    raise Fault(f"number expected, {describe(value)} given")


def text(value: Value) -> str:
    """The operand of a concatenation as a string.

    :raises Fault: if it is none
    """
    if value.__class__ is str:
        return value
    if value is None:
        raise Fault("none cannot be converted to a string")
    return to_string(value)


def concatenate(left: Value, right: Value) -> str:
    joined = text(left) + text(right)
    if len(joined) > 65536:
        check_string(len(joined))
    return joined


def bounded(joined: str) -> str:
    """A concatenation that compiled code found to be long.

    :raises Fault: if it is too long
    """
    check_string(len(joined))
    return joined


def add(left: Value, right: Value) -> Value:
    if left.__class__ is float and right.__class__ is float:
        return left + right
    if isinstance(left, (list, Map)):
        return join(left, right) if isinstance(right, (list, Map)) else push(left, right)
    if left.__class__ is str or right.__class__ is str:
        return concatenate(left, right)
    return number(left) + number(right)


def push(array: Array, value: Value) -> Array:
    """A new array with ``value`` behind the others."""
    check_array(len(array) + 1)
    return [*array, value] if isinstance(array, list) else join(array, [value])


def join(left: Array, right: Array) -> Array:
    """Both arrays in one: integer keys renumber, later string keys win."""
    check_array(len(left) + len(right))
    if isinstance(left, list) and isinstance(right, list):
        return left + right
    return renumbered(paced(pairs(left), left), paced(pairs(right), right))


def subtract(left: Value, right: Value) -> Value:
    if left.__class__ is float and right.__class__ is float:
        return left - right
    if isinstance(left, (list, Map)):
        return remove(left, right)
    return number(left) - number(right)


def remove(array: Array, values: Value) -> Array:
    """The array without the items that are ``===`` the value (or one of the values)."""
    unwanted = (
        (values if isinstance(values, list) else list(values.values()))
        if isinstance(values, (list, Map))
        else [values]
    )
    strings: set[str] = set()
    numbers: set[float] = set()
    others: list[Value] = []
    for value in paced(unwanted, unwanted):
        if value.__class__ is str:
            strings.add(value)
        elif not is_number(value):
            others.append(value)
        elif value == value:
            # nan equals nothing, itself neither.
            numbers.add(float(value))

    def wanted(value: Value) -> bool:
        if value.__class__ is str:
            return value not in strings
        if is_number(value):
            return value not in numbers
        return not any(strict_equal(value, other) for other in paced(others, others))

    return from_pairs(item for item in paced(pairs(array), array) if wanted(item[1]))


def multiply(left: Value, right: Value) -> Value:
    if left.__class__ is float and right.__class__ is float:
        return left * right
    if isinstance(left, (str, list, Map)):
        return repeat(left, number(right))
    if isinstance(right, (str, list, Map)):
        return repeat(right, number(left))
    return number(left) * number(right)


def repeat(value: str | Array, times: float) -> Value:
    """A string or an array ``times`` times; decimals are ignored, below one is empty.

    :raises Fault: if the result is too large
    """
    if isnan(times):
        raise Fault("a repeat count must be a number, nan given")
    # The bound comes first: the count may be infinite.
    if isinstance(value, str):
        check_string(len(value) * times)
        return value * int(times) if value else ""
    check_array(len(value) * times)
    if not value:
        return []
    whole = max(0, int(times))
    if isinstance(value, list):
        return value * whole
    if not whole:
        return []
    # String keys are there once, at their first place; the others come again and again.
    items = [item for key, item in paced(pairs(value), value) if type(key) is int]
    return join(value, items * (whole - 1))


def divide(left: Value, right: Value) -> float:
    divisor = number(right)
    if not divisor:
        number(left)
        raise Fault("division by zero")
    return number(left) / divisor


def modulo(left: Value, right: Value) -> Value:
    """The remainder with the sign of the left side; on a string, format."""
    if left.__class__ is str:
        return format_string(left, right)
    dividend, divisor = number(left), number(right)
    if not divisor:
        raise Fault("division by zero")
    if not isfinite(dividend):
        return float("nan")
    return fmod(dividend, divisor)


def power(left: Value, right: Value) -> float:
    base, exponent = number(left), number(right)
    try:
        result = base**exponent
    except OverflowError:
        odd = base < 0 and exponent % 2 == 1
        return float("-inf") if odd else float("inf")
    except ZeroDivisionError:
        raise Fault("division by zero") from None
    return float("nan") if isinstance(result, complex) else result


def negate(value: Value) -> float:
    return -number(value)


def int32(value: Value) -> int:
    """The operand of a bitwise operator as a signed 32-bit integer."""
    operand = number(value)
    if not isfinite(operand):
        return 0
    return (int(operand) + 0x80000000) % 0x100000000 - 0x80000000


def bit_and(left: Value, right: Value) -> float:
    return float(int32(left) & int32(right))


def bit_or(left: Value, right: Value) -> float:
    return float(int32(left) | int32(right))


def bit_xor(left: Value, right: Value) -> float:
    return float(int32(left) ^ int32(right))


def bit_not(value: Value) -> float:
    return float(~int32(value))


def shift_left(left: Value, right: Value) -> float:
    return float(int32(float(int32(left) << (int32(right) & 31))))


def shift_right(left: Value, right: Value) -> float:
    return float(int32(left) >> (int32(right) & 31))


def _ordered(left: Value, right: Value) -> tuple[Any, Any]:
    """Two operands that have an order: strings by octets, numbers and booleans.

    :raises Fault: for anything else
    """
    if left.__class__ is str and right.__class__ is str:
        return left, right
    if isinstance(left, (float, int)) and isinstance(right, (float, int)):
        return left, right
    raise Fault(
        f"two numbers or two strings expected, {describe(left)} and {describe(right)} given"
    )


def less(left: Value, right: Value) -> bool:
    if left.__class__ is float and right.__class__ is float:
        return left < right
    left, right = _ordered(left, right)
    return bool(left < right)


def less_or_equal(left: Value, right: Value) -> bool:
    if left.__class__ is float and right.__class__ is float:
        return left <= right
    left, right = _ordered(left, right)
    return bool(left <= right)


def greater(left: Value, right: Value) -> bool:
    if left.__class__ is float and right.__class__ is float:
        return left > right
    left, right = _ordered(left, right)
    return bool(left > right)


def greater_or_equal(left: Value, right: Value) -> bool:
    if left.__class__ is float and right.__class__ is float:
        return left >= right
    left, right = _ordered(left, right)
    return bool(left >= right)


def not_equal(left: Value, right: Value) -> bool:
    return not loose_equal(left, right)


def not_identical(left: Value, right: Value) -> bool:
    return not strict_equal(left, right)


def matches(subject: Value, pattern: Value) -> bool:
    return compile_pattern(pattern).matches(subject)


def not_matches(subject: Value, pattern: Value) -> bool:
    return not compile_pattern(pattern).matches(subject)


#: Binary operators by their sign in the language.
BINARY = {
    "+": add, "-": subtract, "*": multiply, "/": divide, "%": modulo, "**": power,
    ".": concatenate, "&": bit_and, "|": bit_or, "^": bit_xor, "<<": shift_left,
    ">>": shift_right, "==": loose_equal, "!=": not_equal, "===": strict_equal,
    "!==": not_identical, "<": less, "<=": less_or_equal, ">": greater,
    ">=": greater_or_equal, "=~": matches, "!~": not_matches,
}  # fmt: skip
