"""Time as sessions need it: what Twisted's reactor and ``task.Clock`` (IReactorTime) both have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Timer(Protocol):
    """A call that is still to come (IDelayedCall)."""

    def active(self) -> bool:
        """Whether it is still to come."""

    def cancel(self) -> None:
        """Let it not come."""

    def getTime(self) -> float:
        """When it comes, in the clock's seconds."""


class Clock(Protocol):
    """Tells the time and calls back."""

    def seconds(self) -> float:
        """Seconds since 1970, for the reactor."""

    def callLater(self, delay: float, callable: Callable[..., Any], *args: Any) -> Any:
        """Call in so many seconds; gives a :class:`Timer`."""
