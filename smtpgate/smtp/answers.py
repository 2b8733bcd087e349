"""An answer is a value now, or a Deferred of it; most are values, and those cost no Deferred."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

if TYPE_CHECKING:
    from typing_extensions import TypeIs

T = TypeVar("T")
R = TypeVar("R")


def later(answer: T | Deferred[T]) -> TypeIs[Deferred[T]]:
    """Whether an answer is still to come.

    ``isinstance`` would say the same, but for a class with an ABC above it, which Deferred
    is, a no takes five times as long.
    """
    return hasattr(answer, "addCallbacks")


def when(
    answer: T | Deferred[T], then: Callable[..., R | Deferred[R]], *about: Any
) -> R | Deferred[R]:
    """Go on with an answer: at once when it is a value, else when its Deferred fires.

    A Deferred that fails skips ``then``; cancelling what is returned cancels ``answer``.

    :param then: called with ``about`` and the answer
    """
    if hasattr(answer, "addCallbacks"):  # as `later` asks, without a call: every line comes here
        return cast("Deferred[T]", answer).addCallback(partial(then, *about))
    return then(*about, answer)


def caught() -> Failure:
    """The exception that is being handled."""
    return Failure()  # type: ignore[no-untyped-call]


def cancelled(failure: Failure) -> bool:
    """Whether nobody waits for the answer any more: the client has left."""
    return isinstance(failure.value, CancelledError)
