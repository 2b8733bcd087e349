"""What values are: their types, their texts, and when they are equal.

Arrays have a module of their own, :mod:`~smtpgate.hsl.values.arrays`; so has their sorting.
What operators and subscripts do with values is in :mod:`smtpgate.hsl.operations`.
"""

from __future__ import annotations

from smtpgate.hsl.values.conversions import LONGEST_NUMBER, parse_number, to_boolean, to_number
from smtpgate.hsl.values.equality import loose_equal, strict_equal
from smtpgate.hsl.values.text import (
    ascii_lower,
    describe,
    format_number,
    literal,
    octets_of,
    to_string,
)
from smtpgate.hsl.values.types import (
    Array,
    Function,
    Map,
    Object,
    Value,
    a_type,
    arity_message,
    is_number,
    type_name,
    with_article,
)

__all__ = [
    "Array", "Function", "LONGEST_NUMBER", "Map", "Object", "Value", "a_type", "arity_message",
    "ascii_lower", "describe", "format_number", "is_number", "literal", "loose_equal",
    "octets_of", "parse_number", "strict_equal", "to_boolean", "to_number", "to_string",
    "type_name", "with_article",
]  # fmt: skip
