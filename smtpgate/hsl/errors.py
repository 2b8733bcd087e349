"""What goes wrong in a script, in the script author's words.

A message never shows Python or the parser behind the language.  ``str()`` of
an error is one line, ``FILE:LINE:COLUMN: message``; ``render()`` adds the
source line and a caret.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


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
        return f"{self.position}: {self.message}"

    def render(self) -> str:
        """The one-line form, then the source line with a caret under the token."""
        if not self.source_line:
            return str(self)
        before = self.source_line[: self.position.column - 1]
        # A tab in front of the token must take as much room under it.
        margin = "".join("\t" if char == "\t" else " " for char in before)
        return f"{self}\n    {self.source_line}\n    {margin}^"


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
