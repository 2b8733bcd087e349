"""Which line of a TOML file a key is on: tomllib keeps the values and forgets the places.

The text has been read by tomllib already, so the scanner here may trust it to be
valid TOML.  It reads keys, brackets and strings and steps over everything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from .errors import KeyPath

_BLANK = re.compile(r"[ \t]*")
_FILLER = re.compile(r"(?:[ \t\r\n]+|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?!")'
    r"|'''.*?'''(?!')"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"[^,\]}#\n]*")
_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(["\\bfnrt]))')
_CONTROL = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def key_lines(text: str) -> Mapping[KeyPath, int]:
    """The line, from 1, of every key, table and list element of a valid TOML text."""
    return _Scanner(text).scan()


class _Scanner:
    """One pass over the text; ``at`` is the index of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        # How many [[tables]] of a name there were so far.
        self.counts: dict[KeyPath, int] = {}
        self._counted_to = 0
        self._line = 1

    def scan(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        while self.skip(_FILLER) < len(self.text):
            if self.text.startswith("[[", self.at):
                self.at += 2
                table = self.header(is_list=True)
                self.at += 2
            elif self.text[self.at] == "[":
                self.at += 1
                table = self.header(is_list=False)
                self.at += 1
            else:
                self.pair(table)
        return self.lines

    def skip(self, pattern: re.Pattern[str]) -> int:
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return self.at

    def mark(self, path: KeyPath) -> None:
        """Note the present line for a path and for its parents; the first mention counts."""
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], self._line)

    def header(self, is_list: bool) -> KeyPath:
        """``[a.b]`` or ``[[a.b]]``, behind the opening brackets: the table's path."""
        path: KeyPath = ()
        names = self.dotted_key()
        for position, name in enumerate(names):
            path = (*path, name)
            if is_list and position == len(names) - 1:
                self.counts[path] = self.counts.get(path, 0) + 1
            if path in self.counts:
                path = (*path, self.counts[path] - 1)
        self.mark(path)
        return path

    def dotted_key(self) -> list[str]:
        names = []
        while True:
            self.skip(_BLANK)
            start = self.at
            if self.text[start] in "\"'":
                self.skip(_STRING)
                names.append(_unquote(self.text[start : self.at]))
            else:
                self.skip(_BARE_KEY)
                names.append(self.text[start : self.at])
            self.skip(_BLANK)
            if not self.text.startswith(".", self.at):
                return names
            self.at += 1

    def pair(self, table: KeyPath) -> None:
        """``key = value``."""
        path = (*table, *self.dotted_key())
        self.mark(path)
        self.at += 1
        self.value(path)

    def value(self, path: KeyPath) -> None:
        self.skip(_BLANK)
        opening = self.text[self.at]
        if opening in "\"'":
            self.skip(_STRING)
        elif opening == "[":
            self.elements(path)
        elif opening == "{":
            self.inline_table(path)
        else:
            self.skip(_SCALAR)

    def elements(self, path: KeyPath) -> None:
        self.at += 1
        index = 0
        while self.text[self.skip(_FILLER)] != "]":
            self.mark((*path, index))
            self.value((*path, index))
            index += 1
            self.skip(_FILLER)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while self.text[self.skip(_FILLER)] != "}":
            self.pair(path)
            self.skip(_FILLER)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1


def _unquote(quoted: str) -> str:
    if quoted[0] == "'":
        return quoted[1:-1]

    def character(match: re.Match[str]) -> str:
        code = match[1] or match[2]
        return chr(int(code, 16)) if code else _CONTROL.get(match[3], match[3])

    return _ESCAPE.sub(character, quoted[1:-1])
