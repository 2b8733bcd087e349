"""The language's values: their types, conversions and equality.

=========  =============================================================
none       ``None``
boolean    ``bool``
number     ``float``; an ``int`` within 2**53 is accepted everywhere
string     ``str``, one character an octet (U+0000 to U+00FF)
array      ``list`` when the keys are 0..n-1, else :class:`Map`
function   :class:`Function`
object     :class:`Object`
=========  =============================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import isfinite
from typing import Any, TypeAlias

from smtpgate.hsl.errors import Fault


class Map(dict[Any, Any]):
    """An array whose keys are not 0..n-1; keys are made by :func:`arrays.key`.

    ``following`` is the key of the next appended item where :mod:`writing` knows it.
    """

    __slots__ = ("following",)

    following: int | None


class Function:
    """A callable value: a script's function, a closure or a builtin.

    ``least`` and ``most`` bound the number of arguments; ``most`` is ``None``
    for a variadic function.
    """

    __slots__ = ("code", "least", "most", "name")

    def __init__(self, name: str, code: Callable[..., Any], least: int, most: int | None) -> None:
        self.name = name
        self.code = code
        self.least = least
        self.most = most

    def check_arity(self, count: int) -> None:
        """Raise :class:`Fault` if the function can not take ``count`` arguments."""
        if count < self.least or (self.most is not None and count > self.most):
            raise Fault(arity_message(self.name, self.least, self.most, count))

    def accepting(self, count: int) -> Callable[..., Any]:
        """The Python callable, once it is known to take ``count`` arguments."""
        self.check_arity(count)
        return self.code


def arity_message(name: str, least: int, most: int | None, given: int) -> str:
    """The one sentence for a wrong number of arguments."""
    if most is None:
        wanted = f"at least {least}"
    elif least == most:
        wanted = str(least)
    else:
        wanted = f"{least} to {most}"
    noun = "argument" if wanted in ("1", "at least 1") else "arguments"
    return f"{name}() takes {wanted} {noun}, {given} given"


class Object:
    """Base of everything a script sees as an object; equality is identity."""

    __slots__ = ()

    class_name = "object"


Array: TypeAlias = list[Any] | Map
Value: TypeAlias = Any


def type_name(value: Value) -> str:
    """The type's name in the language's words, as error messages use it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (float, int)):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (list, Map)):
        return "array"
    if isinstance(value, Function):
        return "function"
    return "object"


def format_number(number: float) -> str:
    """The shortest form that reads back; integers below 1e15 without exponent."""
    if not isfinite(number):
        return "nan" if number != number else "inf" if number > 0 else "-inf"
    if -1e15 < number < 1e15:
        whole = int(number)
        if whole == number:
            return str(whole)
        return repr(number)
    digits = repr(float(number))
    if "e" in digits:
        return digits
    # repr() switches to an exponent at 1e16 only.
    sign, digits = ("-", digits[1:]) if number < 0 else ("", digits)
    whole_part = digits.partition(".")[0]
    fraction = whole_part[1:].rstrip("0")
    return f"{sign}{whole_part[0]}{'.' + fraction if fraction else ''}e+{len(whole_part) - 1}"


def to_string(value: Value) -> str:
    """What ``echo`` prints and ``string()`` returns.

    An array is written as ``["key"=>value]``, as the manual's examples are.
    """
    if isinstance(value, str):
        return value
    if value is None:
        return "none"
    if value is True:
        return "1"
    if value is False:
        return "0"
    if isinstance(value, (float, int)):
        return format_number(value)
    return literal(value)


_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r"})


def literal(value: Value) -> str:
    """The value as it stands inside a printed array: strings quoted."""
    parts: list[str] = []
    _write_literal(value, parts, 0)
    return "".join(parts)


def _write_literal(value: Value, parts: list[str], depth: int) -> None:
    if isinstance(value, str):
        parts.append(f'"{value.translate(_ESCAPES)}"')
    elif isinstance(value, bool):
        parts.append("true" if value else "false")
    elif isinstance(value, (list, Map)):
        if depth > 100:
            raise Fault("the array is nested too deeply to be printed")
        parts.append("[")
        pairs = enumerate(value) if isinstance(value, list) else value.items()
        for number, (key, item) in enumerate(pairs):
            if number:
                parts.append(",")
            _write_literal(key, parts, depth + 1)
            parts.append("=>")
            _write_literal(item, parts, depth + 1)
        parts.append("]")
    elif isinstance(value, Function):
        parts.append(f"function {value.name}")
    elif isinstance(value, Object):
        parts.append(f"object {value.class_name}")
    else:
        parts.append(to_string(value))


_NUMBER = re.compile(
    r"[ \t\r\n]*(?:([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|([+-]?)0[xX]([0-9a-fA-F]+))[ \t\r\n]*",
    re.ASCII,
)


def to_number(value: Value) -> float:
    """``number()``: decimal and hexadecimal strings; what is no number is 0."""
    if isinstance(value, bool):
        return 1.0 if value else 0.0
    if isinstance(value, (float, int)):
        return value
    if isinstance(value, str):
        number = parse_number(value)
        return 0.0 if number is None else number
    return 0.0


def parse_number(text: str) -> float | None:
    """The number that a string stands for, or ``None`` if it stands for none."""
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    if found[1] is not None:
        return float(found[1])
    magnitude = int(found[3], 16)
    number = float(magnitude) if magnitude.bit_length() <= 1023 else float("inf")
    return -number if found[2] == "-" else number


def to_boolean(value: Value) -> bool:
    """The manual's truth table; Python's own truth is the same by construction."""
    return bool(value)


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
        return isinstance(right, (list, Map)) and _arrays_equal(left, right, 0)
    if isinstance(left, Function) and isinstance(right, Function):
        return left.code is right.code
    return left is right


def _arrays_equal(left: Array, right: Array, depth: int) -> bool:
    if left is right:
        return True
    if len(left) != len(right):
        return False
    if depth > 100:
        raise Fault("the arrays are nested too deeply to be compared")
    pairs = zip(
        enumerate(left) if isinstance(left, list) else left.items(),
        enumerate(right) if isinstance(right, list) else right.items(),
        strict=True,
    )
    for (left_key, left_item), (right_key, right_item) in pairs:
        if left_key != right_key or type(left_key) is not type(right_key):
            return False
        if isinstance(left_item, (list, Map)):
            if not isinstance(right_item, (list, Map)):
                return False
            if not _arrays_equal(left_item, right_item, depth + 1):
                return False
        elif not strict_equal(left_item, right_item):
            return False
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
