"""Values of scripts as octets, exactly: what comes out is what went in.

Only plain data has a form here: none, booleans, numbers, strings and arrays.  That is why it is
not pickle, which can make any object and run any code; JSON would lose octets, the kind of a
key, and which arrays are one and the same (small arrays that hold each other can stand for a very
large one, and must not become it).

====  =======================================================================
tag   what follows
====  =======================================================================
N     none
T, F  true, false
D     a number, 8 octets (IEEE 754, big-endian)
I     a whole number: length of its decimal digits, the digits
S     a string: length, octets
L     a list: number of items, items
M     a map: number of pairs, keys and values in turn
R     an array that came before: its number, counted from 0 as they begin
====  =======================================================================

Lengths and numbers are 4 octets, big-endian.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Any

from smtpgate.hsl.limits.turns import paced
from smtpgate.hsl.values import Map, Value

_LENGTH = Struct(">cI")
_DOUBLE = Struct(">cd")
_NUMBER = Struct(">I")
_REAL = Struct(">d")


class CodecError(ValueError):
    """A value without a form, or octets that are none."""


def encode(value: Value) -> bytes:
    """The octets of a value.

    :raises CodecError: if it is no plain data
    """
    parts: list[bytes] = []
    _encode(value, parts, {})
    return b"".join(parts)


def _encode(value: Value, parts: list[bytes], arrays: dict[int, int]) -> None:
    """``arrays`` are the arrays that have been written, by identity, with their numbers."""
    kind = value.__class__
    if kind is str:
        try:
            octets = value.encode("latin-1")
        except UnicodeEncodeError:
            raise CodecError("a string has characters that are no octets") from None
        parts.append(_LENGTH.pack(b"S", len(octets)))
        parts.append(octets)
    elif kind is float:
        parts.append(_DOUBLE.pack(b"D", value))
    elif value is None:
        parts.append(b"N")
    elif kind is bool:
        parts.append(b"T" if value else b"F")
    elif kind is int:
        digits = b"%d" % value
        parts.append(_LENGTH.pack(b"I", len(digits)))
        parts.append(digits)
    elif kind is list or kind is Map:
        number = arrays.get(id(value))
        if number is not None:
            parts.append(_LENGTH.pack(b"R", number))
            return
        arrays[id(value)] = len(arrays)
        parts.append(_LENGTH.pack(b"L" if kind is list else b"M", len(value)))
        if kind is list:
            for item in paced(value, value):
                _encode(item, parts, arrays)
        else:
            for key, item in paced(value.items(), value):
                _encode(key, parts, arrays)
                _encode(item, parts, arrays)
    else:
        raise CodecError(f"{kind.__name__} is no plain data")


def decode(octets: bytes) -> Value:
    """The value of octets that :func:`encode` has made; with turns for others where it is large.

    :raises CodecError: if they are none
    """
    try:
        value, end = _decode(octets, 0, [])
    except (error, IndexError, ValueError, TypeError, RecursionError) as problem:
        raise CodecError(f"these octets are no value: {problem}") from None
    if end != len(octets):
        raise CodecError("there is something behind the value")
    return value


def _decode(octets: bytes, place: int, arrays: list[Any]) -> tuple[Value, int]:
    """The value at a place, and where it ends."""
    tag = octets[place]
    place += 1
    if tag == 0x53:  # S
        (length,) = _NUMBER.unpack_from(octets, place)
        place += 4
        return _octets(octets, place, length).decode("latin-1"), place + length
    if tag == 0x44:  # D
        return _REAL.unpack_from(octets, place)[0], place + 8
    if tag == 0x4E:  # N
        return None, place
    if tag == 0x54:  # T
        return True, place
    if tag == 0x46:  # F
        return False, place
    (count,) = _NUMBER.unpack_from(octets, place)
    place += 4
    if tag == 0x49:  # I
        return int(_octets(octets, place, count)), place + count
    if tag == 0x52:  # R
        return arrays[count], place
    if tag == 0x4C:  # L
        items: list[Any] = []
        arrays.append(items)
        for _ in paced(range(count), range(count)):
            item, place = _decode(octets, place, arrays)
            items.append(item)
        return items, place
    if tag == 0x4D:  # M
        pairs = Map()
        arrays.append(pairs)
        for _ in paced(range(count), range(count)):
            key, place = _decode(octets, place, arrays)
            pairs[key], place = _decode(octets, place, arrays)
        return pairs, place
    raise CodecError(f"there is no tag {tag}")


def _octets(octets: bytes, place: int, length: int) -> bytes:
    found = octets[place : place + length]
    if len(found) != length:
        raise CodecError("they end too early")
    return found
