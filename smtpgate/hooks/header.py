"""The header of a message in the hands of a script: fields in their order, changed by name.

What is not changed stays as it came, octet for octet.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import headerfield
from smtpgate.smtp.mail.spool import LONGEST_HEADER, MOST_LINES

#: A field with its folds, or a line that is none.
_LINES = re.compile(r"[^\n]*\n(?:[ \t][^\n]*\n)*")
_FIELD = re.compile(r"([!-9;-~]+)[ \t]*:")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_ENCODED = re.compile(r"=\?([!->@-~]{1,60})\?([BbQq])\?([!->@-~]*)\?=")
#: White space between two encoded words is not part of the text, RFC 2047 6.2.
_BETWEEN = re.compile(r"(?<=\?=)[ \t]+(?==\?[!->@-~]{1,60}\?[BbQq]\?)")


#: From the old value of a field to the new one.
Change: TypeAlias = Callable[[str], str]


class Header:
    """The fields of one message.  ``changed`` says whether it is still as it came."""

    __slots__ = ("_fields", "changed")

    def __init__(self, octets: bytes) -> None:
        self._fields: list[tuple[str, str]] = []
        for match in _LINES.finditer(octets.decode("latin-1")):
            field = _FIELD.match(match[0])
            self._fields.append(("" if field is None else field[1].lower(), match[0]))
        self.changed = False

    def copy(self) -> Header:
        """Another one, that is changed on its own."""
        copied = Header(b"")
        copied._fields = list(self._fields)
        copied.changed = self.changed
        return copied

    def octets(self) -> bytes:
        """All fields as they are sent."""
        return "".join(text for _, text in self._fields).encode("latin-1")

    def values(self, name: str, decode: bool) -> Iterator[str]:
        """The values of the fields with a name, from the top."""
        wanted = name.lower()
        return (_value(text, decode) for key, text in self._fields if key and key == wanted)

    def fields(self, decode: bool) -> Iterator[str]:
        """All fields as ``name: value``, from the top."""
        for key, text in self._fields:
            if key:
                yield f"{text[: len(key)]}: {_value(text, decode)}"

    def add(self, function: str, name: str, value: str, encode: bool) -> None:
        """Put a field on top.

        :raises Fault: for a name or a value that no field can have
        """
        self._change([_made(function, name, value, encode), *self._fields])

    def set(self, function: str, name: str, value: str, encode: bool) -> int:
        """Change the fields with a name, or add one; tells how many there are."""
        return self._replace(function, name, encode, lambda _: value)

    def prepend(self, function: str, name: str, value: str, encode: bool) -> int:
        """Put text in front of the values."""
        return self._replace(function, name, encode, lambda old: value + old)

    def append(self, function: str, name: str, value: str, encode: bool) -> int:
        """Put text behind the values."""
        return self._replace(function, name, encode, lambda old: old + value)

    def delete(self, name: str) -> int:
        """Remove the fields with a name; tells how many there were."""
        wanted = name.lower()
        left = [field for field in self._fields if not field[0] or field[0] != wanted]
        removed = len(self._fields) - len(left)
        if removed:
            self._change(left)
        return removed

    def _replace(self, function: str, name: str, encode: bool, change: Change) -> int:
        wanted = name.lower()
        fields: list[tuple[str, str]] = []
        count = size = 0
        for key, text in self._fields:
            if key and key == wanted:
                count += 1
                field = _made(function, name, change(_value(text, encode)), encode)
                size += len(field[1])
                _check(size, count)
                fields.append(field)
            else:
                fields.append((key, text))
        if not count:
            self.add(function, name, change(""), encode)
            return 1
        self._change(fields)
        return count

    def _change(self, fields: list[tuple[str, str]]) -> None:
        _check(sum(len(text) for _, text in fields), len(fields))
        self._fields, self.changed = fields, True


def _check(size: int, count: int) -> None:
    if size > LONGEST_HEADER:
        raise Fault(f"the header may have at most {LONGEST_HEADER} octets")
    if count > MOST_LINES:
        raise Fault(f"the header may have at most {MOST_LINES} fields")


def _made(function: str, name: str, value: str, encode: bool) -> tuple[str, str]:
    return name.lower(), headerfield.make(f"{function}()", name, value, encode) + "\r\n"


def _value(text: str, decode: bool) -> str:
    """What stands behind the colon, unfolded."""
    value = _FOLD.sub("", text.partition(":")[2]).rstrip("\r\n").strip(" \t")
    return _ENCODED.sub(_decoded, _BETWEEN.sub("", value)) if decode else value


def _decoded(word: re.Match[str]) -> str:
    """An encoded word in UTF-8, RFC 2047; as it is when it cannot be read."""
    charset, encoding, text = word.groups()
    try:
        if encoding in "Bb":
            octets = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        else:
            octets = quopri.decodestring(text.encode("ascii"), header=True)
        characters = octets.decode(charset.partition("*")[0], "replace")  # RFC 2231 5: a language
        return characters.encode("utf-8", "replace").decode("latin-1")
    except (LookupError, ValueError, binascii.Error):
        return word[0]
