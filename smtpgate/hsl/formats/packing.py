"""Binary formats as ``pack`` and ``unpack`` know them.

A format is a row of one-letter codes, each with an optional repeater: a number,
or ``*`` for all that is left.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from math import isfinite
from typing import Final

from smtpgate.hsl.limits.bounds import check_array, check_string, rewritten
from smtpgate.hsl.limits.turns import LONG, MANY, chunks, pieces
from smtpgate.hsl.values import Value, type_name


class PackingError(ValueError):
    """The format cannot be read, or does not fit the arguments or the data."""


_ITEM: Final = re.compile(r"([a-zA-Z])([0-9]+|\*)?")
#: Integers: the form that ``struct`` gives them, and how many bits they have.
_INTEGERS: Final = {
    "c": ("b", 8),
    "C": ("B", 8),
    "n": (">H", 16),
    "N": (">I", 32),
    "v": ("<H", 16),
    "V": ("<I", 32),
}
_DOUBLES: Final = {"e": "<d", "E": ">d"}
_ALL: Final = -1
#: Octets of a format.
_LONGEST: Final = 65_536


def _items(form: str, codes: str) -> Iterator[tuple[str, int]]:
    """The codes of a format with their counts; ``_ALL`` for ``*``."""
    if len(form) > _LONGEST:
        raise PackingError("the format is too long")
    place = 0
    while place < len(form):
        found = _ITEM.match(form, place)
        if found is None or found[1] not in codes:
            raise PackingError(f"no code at {place}")
        place = found.end()
        repeater = found[2]
        if repeater is None:
            yield found[1], 1
        elif repeater == "*":
            if found[1] == "x":
                raise PackingError("x takes no *")
            yield found[1], _ALL
        else:
            if len(repeater) > 9:
                raise PackingError("the repeater is too large")
            yield found[1], int(repeater)


def pack(form: str, arguments: Sequence[Value]) -> str:
    """The octets of ``arguments`` as the format says.

    Numbers that do not fit lose their upper bits, as in C.

    :raises PackingError: for a wrong format, argument or number of arguments
    :raises Fault: if the string would be too long
    """
    parts: list[str] = []
    length = 0
    rest = list(reversed(arguments))
    for code, count in _items(form, "aCeEHnNvVxZ"):
        if code == "x":
            check_string(count)
            packed = ["\0" * count]
        elif code in "aHZ":
            packed = [_pack_string(code, count, rest.pop() if rest else None)]
        else:
            wanted = len(rest) if count == _ALL else count
            if wanted > len(rest):
                raise PackingError("too few arguments")
            packed = [
                "".join([_pack_number(code, rest.pop()) for _ in chunk])
                for chunk in chunks(range(wanted), range(wanted))
            ]
        parts += packed
        length += sum(map(len, packed))
        check_string(length)
    if rest:
        raise PackingError("too many arguments")
    return "".join(parts)


def _pack_string(code: str, count: int, value: object) -> str:
    if not isinstance(value, str):
        raise PackingError(f"{code} takes a string, {type_name(value)} given")
    if code == "H":
        return _pack_hexadecimal(value if count == _ALL else value[:count], count)
    if code == "Z":
        # The last octet is always the NUL that ends the string.
        value = (value if count == _ALL else value[: max(count - 1, 0)]) + "\0" * (count != 0)
    if count == _ALL:
        return value
    check_string(count)
    return value[:count].ljust(count, "\0")


def _pack_hexadecimal(digits: str, count: int) -> str:
    if count > len(digits):
        raise PackingError("too few digits")
    # bytes.fromhex() would also take spaces.
    # Of an octet with one digit that is the upper half.
    return rewritten(digits + "0" * (len(digits) % 2), _from_hexadecimal)


def _from_hexadecimal(digits: str) -> str:
    if digits.strip("0123456789abcdefABCDEF"):
        raise PackingError("no hexadecimal digits")
    return bytes.fromhex(digits).decode("latin-1")


def _pack_number(code: str, value: object) -> str:
    if not isinstance(value, (float, int)) or isinstance(value, bool):
        raise PackingError(f"{code} takes a number, {type_name(value)} given")
    if code in _DOUBLES:
        return struct.pack(_DOUBLES[code], value).decode("latin-1")
    if not isfinite(value):
        raise PackingError("the number is not finite")
    form, bits = _INTEGERS[code]
    return struct.pack(form, int(value) & ((1 << bits) - 1)).decode("latin-1")


def unpack(form: str, data: str, offset: int = 0) -> list[Value]:
    """The values that a string of octets holds; what follows them does not matter.

    :param offset: where in ``data`` to begin
    :raises PackingError: for a wrong format, or where the data ends too early
    :raises Fault: if the array would be too large
    """
    if not 0 <= offset <= len(data):
        raise PackingError("the offset is outside of the data")
    octets = data.encode("latin-1")
    place = offset
    found: list[Value] = []
    for code, count in _items(form, "acCeEHnNvVxZ"):
        left = len(octets) - place
        if code in "aHZx":
            size, value = _unpack_string(code, count, octets, place)
            if size > left:
                raise PackingError("too little data")
            if value is not None:
                found.append(value)
            place += size
        else:
            kind = _DOUBLES.get(code) or _INTEGERS[code][0]
            size = struct.calcsize(kind)
            many = left // size if count == _ALL else count
            if many * size > left:
                raise PackingError("too little data")
            check_array(len(found) + many)
            end = place + many * size
            for piece in pieces(octets[place:end], MANY * size):
                found += [float(item) for (item,) in struct.iter_unpack(kind, piece)]
            place = end
    return found


def _unpack_string(code: str, count: int, octets: bytes, place: int) -> tuple[int, str | None]:
    """How many octets an item takes, and its value (``x`` has none)."""
    if code == "x":
        return count, None
    if code == "H":
        digits = 2 * (len(octets) - place) if count == _ALL else count
        size = (digits + 1) // 2
        if size <= LONG:
            return size, octets[place : place + size].hex()[:digits]
        texts = [piece.hex() for piece in pieces(octets[place : place + size])]
        if digits % 2:
            texts[-1] = texts[-1][:-1]
        return size, "".join(texts)
    if code == "Z" and count == _ALL:
        end = octets.find(b"\0", place)
        if end < 0:
            raise PackingError("the string has no end")
        return end + 1 - place, octets[place:end].decode("latin-1")
    size = len(octets) - place if count == _ALL else count
    text = octets[place : place + size].decode("latin-1")
    return size, text.partition("\0")[0] if code == "Z" else text


__all__ = ["PackingError", "pack", "unpack"]
