"""What ends a script from within; library code and script callbacks never catch these."""

from __future__ import annotations

from typing import Any


class Signal(BaseException):
    """Unwinds a whole script, through library functions too."""


class Terminated(Signal):
    """A terminating builtin (Pass, Reply) was called; ``value`` is its result."""

    def __init__(self, value: Any) -> None:
        super().__init__(value)
        self.value = value


class Exhausted(Signal):
    """A budget is spent; the message says which."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Cancelled(Signal):
    """Whoever started the script does not want it any more."""
