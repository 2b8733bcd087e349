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

from smtpgate.hsl.bounds import MAX_DEPTH, check_string
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.turns import chunks, paced


class Map(dict[Any, Any]):
    """An array whose keys are not 0..n-1; keys are made by :func:`arrays.key`.

    ``following`` is the key of the next appended item where :mod:`writing` knows it.
    """

    __slots__ = ("following",)

    following: int | None


class Function:
    """A callable value: a script's function, a closure or a builtin.

    ``least`` and ``most`` bound the number of arguments; ``most`` is ``None``
    for a variadic function.  Two values are the same function if their ``origin`` is
    the same: the code, unless the code is made anew for each value.
    """

    __slots__ = ("code", "least", "most", "name", "origin")

    def __init__(
        self,
        name: str,
        code: Callable[..., Any],
        least: int,
        most: int | None,
        origin: object = None,
    ) -> None:
        self.name = name
        self.code = code
        self.origin = code if origin is None else origin
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


def a_type(value: Value) -> str:
    """The type's name with its article: ``a string``, ``an array``, ``none``."""
    kind = type_name(value)
    if kind == "none":
        return kind
    return f"an {kind}" if kind[0] in "ao" else f"a {kind}"


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
    whole_part, _, decimals = digits.partition(".")
    fraction = (whole_part[1:] + decimals).rstrip("0")
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
    """The value as it stands inside a printed array: strings quoted.

    :raises Fault: if the text would be too long, or the array is nested too deeply
    """
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPES)}"'
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, Map)):
        return _printed(value, 0, {})
    if isinstance(value, Function):
        return f"function {value.name}"
    if isinstance(value, Object):
        return f"object {value.class_name}"
    return to_string(value)


#: Octets of a text that is made again rather than remembered.
_SHORT = 64
#: Items of an array without arrays that is compared again rather than remembered.
_FEW = 16


def _printed(array: Array, depth: int, done: dict[int, str]) -> str:
    """``done`` has the texts of inner arrays: one that is held often is written once."""
    if depth > MAX_DEPTH:
        raise Fault("the array is nested too deeply to be printed")
    texts: list[str] = []
    length = 0
    pairs = enumerate(array) if isinstance(array, list) else array.items()
    for chunk in chunks(pairs, array):
        parts: list[str] = []
        for key, item in chunk:
            if isinstance(item, (list, Map)):
                text = done.get(id(item))
                if text is None:
                    text = _printed(item, depth + 1, done)
                    if len(text) > _SHORT:
                        done[id(item)] = text
            else:
                text = literal(item)
            part = f"{key if type(key) is int else literal(key)}=>{text}"
            # Small arrays that hold each other can stand for an endless text.
            length += len(part) + 1
            check_string(length)
            parts.append(part)
        texts.append(",".join(parts))
    return f"[{','.join(texts)}]"


#: Octets of a string that is read as a number, with the space around it.
LONGEST_NUMBER = 1024 * 1024

# Possessive throughout: a long row of digits is looked at once.
_NUMBER = re.compile(
    r"[ \t\r\n]*+"
    r"(?:([+-]?(?:\d++(?:\.\d*+)?|\.\d++)(?:[eE][+-]?\d++)?)|([+-]?)0[xX]([0-9a-fA-F]++))"
    r"[ \t\r\n]*+",
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
    if len(text) > LONGEST_NUMBER:
        return None
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
    pairs = zip(
        enumerate(left) if isinstance(left, list) else left.items(),
        enumerate(right) if isinstance(right, list) else right.items(),
        strict=True,
    )
    inner = False
    for (left_key, left_item), (right_key, right_item) in paced(pairs, left):
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
