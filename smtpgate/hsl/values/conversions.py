"""Values as numbers and as booleans."""

from __future__ import annotations

import re

from smtpgate.hsl.values.types import Value

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
