"""What goes wrong in a script, in the script author's words.

A message never shows Python or the parser behind the language.  ``str()`` of
an error is one line, ``FILE:LINE:COLUMN: message``; ``render()`` adds the
source line and a caret.  Both are text; ``message`` and ``source_line`` are octets of
the script, one a character, and columns count those.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


def readable(text: str) -> str:
    """A script's octets, one a character, as people read them: UTF-8 where they are that."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _room_of(char: str) -> str:
    """What takes as much room as ``char`` in a terminal: a tab and wide letters take more."""
    if char == "\t":
        return char
    if unicodedata.combining(char):
        return ""
    return "  " if unicodedata.east_asian_width(char) in "WF" else " "


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a script; ``line`` and ``column`` count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Frame:
    """One level of a script's call stack: the function and where it was."""

    function: str
    position: Position


class Fault(Exception):
    """Raised by operators and library functions: a message without a place.

    The runtime turns it into a :class:`ScriptRuntimeError` that knows where in
    the script it happened.
    """


class ScriptError(Exception):
    """An error at a known place of a script."""

    def __init__(self, message: str, position: Position, source_line: str = "") -> None:
        super().__init__(message, position, source_line)
        self.message = message
        self.position = position
        self.source_line = source_line

    def __str__(self) -> str:
        return f"{self.position}: {readable(self.message)}"

    def render(self) -> str:
        """The one-line form, then the source line with a caret under the token."""
        if not self.source_line:
            return str(self)
        line = readable(self.source_line)
        before = self.source_line[: self.position.column - 1]
        if line != self.source_line:
            before = readable(before)
        margin = "".join(map(_room_of, before))
        shown = "".join(char if char.isprintable() or char == "\t" else "\ufffd" for char in line)
        return f"{self}\n    {shown}\n    {margin}^"


class ScriptSyntaxError(ScriptError):
    """Found before the script runs: by the parser, the resolver or the compiler."""


class ScriptErrors(Exception):
    """All errors of one compilation, in source order; never empty."""

    def __init__(self, errors: Sequence[ScriptSyntaxError]) -> None:
        super().__init__(*errors)
        self.errors: tuple[ScriptSyntaxError, ...] = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)

    def render(self) -> str:
        return "\n".join(error.render() for error in self.errors)


class ScriptRuntimeError(ScriptError):
    """Raised while a script runs; ``stack`` has the innermost call first."""

    def __init__(
        self,
        message: str,
        position: Position,
        source_line: str = "",
        stack: Sequence[Frame] = (),
    ) -> None:
        super().__init__(message, position, source_line)
        self.stack: tuple[Frame, ...] = tuple(stack)

    def render(self) -> str:
        """As any error, then the calls that led there, the nearest first."""
        calls = [
            f"  {inner.function}() was called at {outer.position}"
            for inner, outer in pairwise(self.stack)
        ]
        return "\n".join((super().render(), *calls))


class ScriptBudgetError(ScriptRuntimeError):
    """The script spent its steps, its time or its memory; the message says which."""


class ScriptCancelled(Exception):
    """The execution was cancelled, as when the client has left."""
