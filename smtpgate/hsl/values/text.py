"""Values as text: what ``echo`` prints, and what error messages say of a value; texts as values."""

from __future__ import annotations

from math import isfinite

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import MAX_DEPTH, check_string
from smtpgate.hsl.limits.turns import chunks
from smtpgate.hsl.values.arrays import pairs
from smtpgate.hsl.values.types import Array, Function, Map, Object, Value, type_name


def octets_of(text: str) -> str:
    """A text as scripts have it: in UTF-8, a character an octet."""
    return text if text.isascii() else text.encode("utf-8").decode("latin-1")


def ascii_lower(string: str) -> str:
    """A string with A to Z as small letters, and all other octets as they are."""
    return string.encode("latin-1").lower().decode("latin-1")


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


def _printed(array: Array, depth: int, done: dict[int, str]) -> str:
    """``done`` has the texts of inner arrays: one that is held often is written once."""
    if depth > MAX_DEPTH:
        raise Fault("the array is nested too deeply to be printed")
    texts: list[str] = []
    length = 0
    for chunk in chunks(pairs(array), array):
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


_LONGEST_SHOWN = 40


def describe(value: Value) -> str:
    """The value at fault, for an error message: its type, and itself if it is short."""
    kind = type_name(value)
    if kind not in ("string", "number", "boolean"):
        return kind
    shown = literal(value)
    if len(shown) > _LONGEST_SHOWN:
        shown = shown[: _LONGEST_SHOWN - 4] + '..."'
    return f"{kind} {shown}"
