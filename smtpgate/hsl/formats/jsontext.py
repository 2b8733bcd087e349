"""JSON texts (RFC 8259) and the values they stand for.

A string of the language holds octets; in a JSON text they are UTF-8.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from math import isfinite
from typing import Any, Final, NoReturn

from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.limits.bounds import MAX_DEPTH, check_array, check_string
from smtpgate.hsl.limits.turns import LONG, MANY, chunks, paced, pause, pieces
from smtpgate.hsl.values import Array, Map, Value, arrays, format_number, octets_of


class JSONError(ValueError):
    """The text is no JSON, or the value has none."""


#: A string, also one without its end, so that no text is looked at twice.
_STRING: Final = r'"(?:[^"\\]++|\\.)*+"?'
_COMMENTS: Final = re.compile(rf"({_STRING})|//[^\r\n]*+|/\*(?:.*?(\*/)|.*)", re.DOTALL)
_STRUCTURE: Final = re.compile(rf"{_STRING}|[\[\]{{}},]", re.DOTALL)

#: Octets of a text that is made again rather than remembered.
_SHORT: Final = 64

#: Four spaces a level.
_INDENT: Final = "    "


def decode(text: str, allow_comments: bool = False) -> Value:
    """The value that a JSON text stands for.

    Of an object's members with the same name the last one counts.

    :param text: UTF-8 as a string of octets
    :param allow_comments: whether ``//`` and ``/* */`` are taken for space
    :raises JSONError: if it is no JSON, or nested deeper than
        :data:`~smtpgate.hsl.limits.bounds.MAX_DEPTH`
    :raises Fault: if it would make too large an array
    """
    if allow_comments:
        text = _without_comments(text)
    _check_size(text)
    try:
        # Numbers are floats, also those that are too large for one to be exact.
        number, members = (_number, _object) if len(text) <= LONG else _giving_way()
        value = json.loads(
            _unicode(text),
            object_pairs_hook=members,
            parse_int=number,
            parse_float=number,
            parse_constant=_refuse_constant,
        )
        if "\\u" in text or not text.isascii():
            return _to_octets(value)
    except json.JSONDecodeError as error:
        raise JSONError(f"no JSON at line {error.lineno}, column {error.colno}") from None
    except UnicodeDecodeError:
        raise JSONError("the text is no UTF-8") from None
    except UnicodeEncodeError:
        raise JSONError("a string has half a surrogate pair") from None
    return value


def _unicode(octets: str) -> str:
    """:raises UnicodeDecodeError: if the octets are no UTF-8"""
    if octets.isascii():
        return octets
    decoder = codecs.getincrementaldecoder("utf-8")()
    texts = [decoder.decode(piece.encode("latin-1")) for piece in pieces(octets)]
    return "".join([*texts, decoder.decode(b"", True)])


def _giving_way() -> tuple[Callable[[str], float], Callable[[list[tuple[str, Any]]], Array]]:
    """What makes the numbers and the objects of a long text, with turns for others."""
    made = 0

    def number(digits: str) -> float:
        nonlocal made
        made += 1
        if not made % MANY:
            pause()
        return _number(digits)

    def members(found: list[tuple[str, Any]]) -> Array:
        nonlocal made
        made += len(found) + 1
        if made >= MANY:
            made = 0
            pause()
        return arrays.from_pairs((arrays.key(name), value) for name, value in paced(found, found))

    return number, members


def _without_comments(text: str) -> str:
    count = 0

    def blank(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        if not count % MANY:
            pause()
        if found[1] is not None:
            return found[1]
        if found[0].startswith("/*") and found[2] is None:
            raise JSONError("a comment has no end")
        return " "

    return _COMMENTS.sub(blank, text)


def _check_size(text: str) -> None:
    """Refuse what would need too much memory or stack, before anything is made."""
    openings = text.count("[") + text.count("{")
    commas = text.count(",")
    if openings <= MAX_DEPTH and commas < ACTIVE.limits.array:
        return
    depth = 0
    items = 1
    for found in paced(_STRUCTURE.finditer(text), text):
        mark = found[0]
        if mark == ",":
            items += 1
        elif mark in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise JSONError("nested too deeply")
        elif mark in "]}":
            depth -= 1
    check_array(items)


def _number(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise JSONError("a number is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise JSONError(f"{name} is no JSON")


def _object(members: list[tuple[str, Any]]) -> Array:
    return arrays.from_pairs((arrays.key(name), value) for name, value in members)


def _to_octets(value: Any) -> Any:
    if isinstance(value, str):
        return octets_of(value)
    if isinstance(value, Map):
        items = paced(value.items(), value)
        return Map((_to_octets(key), _to_octets(item)) for key, item in items)
    if isinstance(value, list):
        return [_to_octets(item) for item in paced(value, value)]
    return value


def encode(value: Value, ensure_ascii: bool = True, pretty: bool = False) -> str:
    """The JSON text of a value, as a string of octets.

    An array with the keys 0 to n-1 becomes an array, any other one an object.

    :param ensure_ascii: whether characters beyond US-ASCII are written as ``\\uXXXX``
    :param pretty: whether to write an item a line
    :raises JSONError: for a string that is no UTF-8, a number that is not
        finite, a function, an object, and arrays nested deeper than
        :data:`~smtpgate.hsl.limits.bounds.MAX_DEPTH`
    :raises Fault: if the text would be too long
    """
    return _Writer(ensure_ascii, pretty).text(value, 0)


class _Writer:
    """Writes values; an array that is held often is written once for each depth."""

    def __init__(self, ensure_ascii: bool, pretty: bool) -> None:
        self._ensure_ascii = ensure_ascii
        self._pretty = pretty
        self._done: dict[tuple[int, int], str] = {}

    def text(self, value: Any, depth: int) -> str:
        if isinstance(value, str):
            return self._string(value)
        if value is None:
            return "null"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, (float, int)):
            if not isfinite(value):
                raise JSONError("the number is not finite")
            return format_number(value)
        if isinstance(value, (list, Map)):
            known = (id(value), depth)
            text = self._done.get(known)
            if text is None:
                text = self._array(value, depth)
                if len(text) > _SHORT:
                    self._done[known] = text
            return text
        raise JSONError("a function or an object has no JSON")

    def _array(self, array: Array, depth: int) -> str:
        if depth >= MAX_DEPTH:
            raise JSONError("nested too deeply")
        if not array:
            return "[]"
        between, colon, end = ",", ":", ""
        if self._pretty:
            end = "\n" + _INDENT * depth
            between, colon = f",{end}{_INDENT}", ": "
        is_list = isinstance(array, list)
        texts: list[str] = []
        length = 2
        for chunk in chunks(arrays.pairs(array), array):
            parts: list[str] = []
            for key, item in chunk:
                part = self.text(item, depth + 1)
                if not is_list:
                    part = f"{self._key(key)}{colon}{part}"
                # Small arrays that hold each other can stand for an endless text.
                length += len(part) + len(between)
                check_string(length)
                parts.append(part)
            texts.append(between.join(parts))
        opening, closing = "[]" if is_list else "{}"
        return f"{opening}{between[1:]}{between.join(texts)}{end}{closing}"

    def _key(self, key: Any) -> str:
        if isinstance(key, int):
            return f'"{key}"'
        if isinstance(key, str):
            return self._string(key)
        raise JSONError("the key is neither a number nor a string")

    def _string(self, octets: str) -> str:
        try:
            text = _unicode(octets)
        except UnicodeDecodeError:
            raise JSONError("the string is no UTF-8") from None
        if len(text) <= LONG:
            return self._written(text)
        texts: list[str] = []
        length = 2
        for piece in pieces(text):
            texts.append(self._written(piece)[1:-1])
            length += len(texts[-1])
            check_string(length)
        return f'"{"".join(texts)}"'

    def _written(self, text: str) -> str:
        written = encode_basestring_ascii(text) if self._ensure_ascii else encode_basestring(text)
        return octets_of(written)


__all__ = ["JSONError", "decode", "encode"]
