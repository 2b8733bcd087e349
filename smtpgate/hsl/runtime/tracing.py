"""From a Python traceback to an error at its place in the script."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING

from smtpgate.hsl.errors import (
    Fault,
    Frame,
    Position,
    ScriptBudgetError,
    ScriptCancelled,
    ScriptRuntimeError,
)
from smtpgate.hsl.runtime.signals import Cancelled, Exhausted

if TYPE_CHECKING:
    from smtpgate.hsl.runtime import Script

_DEEPEST_STACK = 50


class Reentered(Fault):
    """A function noticed that it runs already: the place of the error is its call."""


def translate(error: BaseException, script: Script) -> Exception:
    """The script's error for whatever ended it.

    An exception that is neither a fault nor a spent budget is a mistake in the
    gateway: the script's error says no more than that, and has it as its cause.
    """
    if isinstance(error, Cancelled):
        return ScriptCancelled()
    frames, inside = _frames(error.__traceback__, script)
    if isinstance(error, Reentered):
        del frames[:1]
    place = frames[0].position if frames else script.position
    message, budget = _message(error, place, inside, script)
    kind = ScriptBudgetError if budget else ScriptRuntimeError
    made = kind(message, place, script.source_line(place), frames)
    if not isinstance(error, (Fault, Exhausted)):
        made.__cause__ = error
    return made


def _frames(traceback: TracebackType | None, script: Script) -> tuple[list[Frame], bool]:
    """The script's frames, innermost first; and whether the innermost frame is the script's."""
    found: list[Frame] = []
    inside = False
    while traceback is not None:
        code = traceback.tb_frame.f_code
        inside = code.co_filename == script.tag
        if inside:
            line, column = _place(traceback)
            found.append(Frame(script.function_name(code), script.locate(line, column)))
        traceback = traceback.tb_next
    found.reverse()
    return _merged(found)[:_DEEPEST_STACK], inside


def _place(traceback: TracebackType) -> tuple[int, int]:
    """Line and column (from 0) of the instruction; column 0 where Python has none."""
    positions = traceback.tb_frame.f_code.co_positions()
    for number, (line, _, column, _) in enumerate(positions):
        if number * 2 == traceback.tb_lasti:
            return line or traceback.tb_lineno or 1, column or 0
    return traceback.tb_lineno or 1, 0


def _merged(frames: list[Frame]) -> list[Frame]:
    """Without the frames that deeply nested loops add to the function they stand in."""
    kept: list[Frame] = []
    for number, frame in enumerate(frames):
        if number and frames[number - 1].function == LOOP:
            kept[-1] = Frame(frame.function, kept[-1].position)
        else:
            kept.append(frame)
    return kept


#: The name of a Python function that is a part of the script function around it.
LOOP = "loop"


def _message(
    error: BaseException, place: Position, inside: bool, script: Script
) -> tuple[str, bool]:
    """The sentence, and whether a budget was spent."""
    if isinstance(error, Undefined):
        return _undefined(error.name, script), False
    if isinstance(error, Fault):
        return str(error), False
    if isinstance(error, Exhausted):
        return error.message, True
    if isinstance(error, RecursionError):
        return "the script nests too many calls", True
    if isinstance(error, MemoryError):
        return "the script needs too much memory", True
    if inside and isinstance(error, ZeroDivisionError):
        return "division by zero", False
    if inside and isinstance(error, NameError):
        name = script.variable_at(place)
        return (_undefined(name, script) if name else "undefined variable"), False
    return "internal error", False


def _undefined(name: str, script: Script) -> str:
    elsewhere = script.context.elsewhere(f"${name}")
    return f"undefined variable ${name}" + (f": {elsewhere}" if elsewhere else "")


class Undefined(Fault):
    """A variable has no value."""

    def __init__(self, name: str) -> None:
        super().__init__(f"undefined variable ${name}")
        self.name = name


def undefined(name: str) -> None:
    """Stands where a script reads a variable that has no value.

    :raises Undefined: always
    """
    raise Undefined(name)


__all__ = ["LOOP", "Position", "translate", "undefined"]
