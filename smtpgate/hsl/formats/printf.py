"""The operator ``%`` on strings, a format: ``"%s has %5.2f" % [$name, $sum]``.

A specifier is ``%[argument][fill and align][width][.precision]type`` (manual:
Format).  The fill is any character in front of an align character, or, in the
form of later manuals, the character behind a single quote.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import isfinite
from typing import NamedTuple

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_string
from smtpgate.hsl.limits.turns import paced
from smtpgate.hsl.values import Array, Map, Value, format_number, to_string, type_name
from smtpgate.hsl.values.arrays import get, has

_SPECIFIER = re.compile(
    r"""%(?: (?P<percent>%)
      | (?:\[(?P<argument>[0-9]{1,9})\])?
        (?: (?P<fill>[^%])(?=[<>^=]) | '(?P<quoted>[^%]) )?
        (?P<align>[<>^=])?
        (?P<width>[0-9]{1,9})?
        (?:\.(?P<precision>[0-9]{1,9}))?
        (?P<type>[sfxcb])
    )""",
    re.VERBOSE | re.DOTALL,
)
_NUMERIC = "fxb"
_MOST_DECIMALS = 1000


class Specifier(NamedTuple):
    """One place in a template, with its defaults filled in."""

    argument: int | None
    fill: str
    align: str
    width: int
    precision: int | None
    type: str


@lru_cache(maxsize=256)
def template(string: str) -> tuple[str | Specifier, ...]:
    """The parts of a template: text and specifiers.

    :raises Fault: if a ``%`` begins no specifier
    """
    parts: list[str | Specifier] = []
    place = 0
    while (percent := string.find("%", place)) >= 0:
        if percent > place:
            parts.append(string[place:percent])
        found = _SPECIFIER.match(string, percent)
        if found is None:
            shown = string[percent : percent + 10]
            raise Fault(f'"{shown}" begins no format; a literal % is written %%')
        place = found.end()
        if found["percent"]:
            parts.append("%")
            continue
        kind = found["type"]
        parts.append(
            Specifier(
                argument=int(found["argument"]) if found["argument"] else None,
                fill=found["fill"] or found["quoted"] or " ",
                align=found["align"] or (">" if kind in _NUMERIC else "<"),
                width=int(found["width"] or 0),
                precision=int(found["precision"]) if found["precision"] else None,
                type=kind,
            )
        )
    if place < len(string):
        parts.append(string[place:])
    return tuple(parts)


def format_string(string: str, arguments: Value) -> str:
    """``string % arguments``.

    :raises Fault: if ``arguments`` is no array or lacks one, or does not fit
    """
    if not isinstance(arguments, (list, Map)):
        raise Fault(f"a format needs an array on the right of %, {type_name(arguments)} given")
    following = 0
    written: list[str] = []
    length = 0
    parts = template(string)
    for part in paced(parts, parts):
        if isinstance(part, str):
            formatted = part
        else:
            index = following if part.argument is None else part.argument
            following = index + 1
            check_string(part.width)
            formatted = _format(part, _argument(arguments, index))
        length += len(formatted)
        check_string(length)
        written.append(formatted)
    return "".join(written)


def _argument(arguments: Array, index: int) -> Value:
    if not has(arguments, float(index)):
        raise Fault(f"the format needs argument {index}, the array does not have it")
    return get(arguments, float(index))


def _format(specifier: Specifier, value: Value) -> str:
    kind = specifier.type
    if kind == "s":
        if value is None:
            raise Fault("none cannot be converted to a string")
        text = to_string(value)
        if specifier.precision is not None:
            text = text[: specifier.precision]
        return _pad(specifier, "", text)
    number = _number(value, kind)
    if kind == "c":
        if not 0 <= number < 256:
            raise Fault(f"%c needs a number from 0 to 255, {format_number(number)} given")
        return _pad(specifier, "", chr(int(number)))
    if kind == "f":
        text = _decimal(number, specifier.precision)
    else:
        text = _digits(number, kind)
    sign, text = ("-", text[1:]) if text.startswith("-") else ("", text)
    return _pad(specifier, sign, text)


def _number(value: Value, kind: str) -> float:
    if isinstance(value, (float, int)):
        return float(value)
    raise Fault(f"%{kind} needs a number, {type_name(value)} given")


def _decimal(number: float, precision: int | None) -> str:
    if precision is None or not isfinite(number):
        return format_number(number)
    return f"{number:.{min(precision, _MOST_DECIMALS)}f}"


def _digits(number: float, kind: str) -> str:
    if not isfinite(number):
        return format_number(number)
    return format(int(number), kind)


def _pad(specifier: Specifier, sign: str, text: str) -> str:
    missing = specifier.width - len(sign) - len(text)
    if missing <= 0:
        return sign + text
    fill = specifier.fill
    if specifier.align == "=":
        return sign + fill * missing + text
    if specifier.align == "<":
        return sign + text + fill * missing
    if specifier.align == ">":
        return fill * missing + sign + text
    before = missing // 2
    return fill * before + sign + text + fill * (missing - before)
