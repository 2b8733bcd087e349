"""An answer is a value now, or a Deferred of it; most are values, and those cost no Deferred."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

T = TypeVar("T")
R = TypeVar("R")


def when(answer: T | Deferred[T], then: Callable[[T], R | Deferred[R]]) -> R | Deferred[R]:
    """Go on with an answer: at once when it is a value, else when its Deferred fires.

    A Deferred that fails skips ``then``; cancelling what is returned cancels ``answer``.
    """
    if isinstance(answer, Deferred):
        return answer.addCallback(then)
    return then(answer)


def caught() -> Failure:
    """The exception that is being handled."""
    return Failure()  # type: ignore[no-untyped-call]


def cancelled(failure: Failure) -> bool:
    """Whether nobody waits for the answer any more: the client has left."""
    return isinstance(failure.value, CancelledError)
