"""How a script waits: it runs in a pooled greenlet that switches to the reactor.

Rules:

- A script runs in a :class:`Worker`; the greenlet that started or woke it (the
  reactor's) is its parent, and a waiting script switches there.
- A script is woken from the reactor's greenlet only.  What fires while another
  script runs is put off to the reactor's next turn.
- A worker goes back to the pool when its script has ended, never before.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from greenlet import getcurrent, greenlet
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smtpgate.hsl.errors import Fault, ScriptCancelled
from smtpgate.hsl.limits import ACTIVE, Limits
from smtpgate.hsl.runtime.signals import Cancelled, Exhausted, Signal

if TYPE_CHECKING:
    from smtpgate.hsl.runtime.environment import Environment

#: Said when a function is called that a script has left in ``$context``, say.
OUTLIVED = "a function of a script that has ended cannot be called"

_IDLE_WORKERS = 64
_WOKEN = object()


class Delayed(Protocol):
    """What ``callLater`` gives back."""

    def cancel(self) -> None: ...


class Timekeeper(Protocol):
    """Twisted's IReactorTime."""

    def seconds(self) -> float: ...

    def callLater(self, delay: float, call: Any, *arguments: Any) -> Any: ...


class Worker(greenlet):  # type: ignore[misc]
    """A greenlet that performs one execution after the other."""

    def run(self, execution: Suspendable) -> Suspendable:
        while True:
            execution.perform()
            if len(_idle) >= _IDLE_WORKERS:
                return execution
            _idle.append(self)
            execution = self.parent.switch(execution)


_idle: list[Worker] = []


class TurnQueue:
    """Scripts that gave way to the reactor: one goes on each reactor turn.

    However many scripts loop, the reactor has only one of them between two turns.
    """

    def __init__(self, clock: Timekeeper) -> None:
        self._clock = clock
        self._queue: deque[Suspendable] = deque()
        self._scheduled = False

    def add(self, execution: Suspendable) -> None:
        self._queue.append(execution)
        self._schedule()

    def discard(self, execution: Suspendable) -> bool:
        """Forget a script; whether it was here."""
        if execution not in self._queue:
            return False
        self._queue.remove(execution)
        return True

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._clock.callLater(0, self._go_on)

    def _go_on(self) -> None:
        self._scheduled = False
        if self._queue:
            execution = self._queue.popleft()
            if self._queue:
                self._schedule()
            execution.wake(_WOKEN)


class Suspendable:
    """The part of an execution that starts, waits, goes on and ends."""

    environment: Environment
    #: Seconds on the environment's clock.
    started: float

    # Most scripts end at once, and never set what they have no use for.
    _worker: Worker | None = None
    _waiting: Deferred[Any] | None = None
    _result: Deferred[Any] | None = None
    _timer: Delayed | None = None
    _stop: Signal | None = None
    #: Its code has run to the end; ``ended``: whoever started it knows.
    closed = False
    ended = False
    outcome: Any = None
    failure: Exception | None = None

    @property
    def deadline(self) -> float:
        """When it must have ended, in seconds on the environment's clock."""
        return self.started + self.environment.limits.seconds

    def perform(self) -> None:
        """Run the script; sets ``outcome`` or ``failure``, raises nothing."""
        raise AssertionError("an execution says what it performs")

    def start(self) -> Any:
        """Run in a worker: the outcome, or a Deferred of it if the script waits."""
        hub = getcurrent()
        if isinstance(hub, Worker):
            # Started by another script: that one must not become the parent.
            self.environment.clock.callLater(0, self._begin)
            self._result = Deferred(self._cancelled)
            return self._result
        worker = _idle.pop() if _idle else Worker()
        if worker.parent is not hub:
            worker.parent = hub
        self._worker = worker
        if worker.switch(self) is self:
            return self._end()
        self._result = Deferred(self._cancelled)
        return self._result

    def _begin(self) -> None:
        if self._stop is not None:
            self.failure = self.stopped(self._stop)
            self._finish()
            return
        self._worker = worker = _idle.pop() if _idle else Worker()
        worker.parent = getcurrent()
        if worker.switch(self) is self:
            self._finish()

    def stopped(self, signal: Signal) -> Exception:
        """The error of a script that was stopped before it began."""
        raise AssertionError("an execution says how it stops")

    def wait(self, deferred: Deferred[Any]) -> Any:
        """Block this script, and nothing else, until ``deferred`` has a result.

        :raises Exception: what the Deferred failed with
        """
        if self.closed or self._stop is not None:
            deferred.addErrback(_ignore)
            deferred.cancel()
            raise self._stop or Fault(OUTLIVED)
        at_once: list[Any] = []

        def fired(result: Any) -> None:
            if self._waiting is deferred:
                self._waiting = None
                self.wake(result)
            else:
                at_once.append(result)

        deferred.addBoth(fired)
        if at_once:
            result = at_once[0]
        else:
            if self._worker is None:
                raise AssertionError("this script cannot wait")
            if self._timer is None:
                left = max(0.0, self.deadline - self.environment.clock.seconds())
                self._timer = self.environment.clock.callLater(left, self._expire)
            self._waiting = deferred
            result = self._suspend()
        if isinstance(result, Failure):
            result.raiseException()
        return result

    def hurry(self) -> None:
        """Look at the clock at the next step."""
        raise AssertionError("an execution counts its steps")

    def pause(self) -> None:
        """Look at the clock now."""
        raise AssertionError("an execution counts its steps")

    def give_way(self) -> None:
        """Let the reactor have a turn."""
        if self._worker is not None:
            self.environment.turns.add(self)
            self._suspend()

    def _suspend(self) -> Any:
        result = self._worker.parent.switch(None)  # type: ignore[union-attr]
        ACTIVE.limits, ACTIVE.running = self.environment.limits, self
        if self._stop is not None:
            raise self._stop
        return result

    def wake(self, result: Any) -> None:
        """Go on with the script; from the reactor's greenlet only, else a turn later."""
        worker = self._worker
        if worker is None or self.ended:
            return
        hub = getcurrent()
        if isinstance(hub, Worker):
            self.environment.clock.callLater(0, self.wake, result)
            return
        worker.parent = hub
        if worker.switch(result) is self:
            self._finish()

    def cancel(self) -> None:
        """Stop the script: at its wait now, or at its next tick."""
        self._interrupt(Cancelled())

    def _expire(self) -> None:
        self._timer = None
        self._interrupt(Exhausted(time_message(self.environment.limits)))

    def _interrupt(self, stop: Signal) -> None:
        if self.ended or self._stop is not None:
            return
        self._stop = stop
        if self._waiting is not None:
            deferred, self._waiting = self._waiting, None
            deferred.cancel()
            self.wake(_WOKEN)
        elif self.environment.turns.discard(self):
            self.wake(_WOKEN)

    def _cancelled(self, result: Deferred[Any]) -> None:
        self.cancel()
        if not result.called:
            # It runs right now, and stops at its next wait or tick.
            result.errback(ScriptCancelled())

    def _end(self) -> Any:
        self.ended = True
        self._worker = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self.failure is not None:
            raise self.failure
        return self.outcome

    def _finish(self) -> None:
        result = self._result
        assert result is not None
        try:
            outcome = self._end()
        except Exception as error:  # noqa: BLE001 - handed to whoever started the script
            if not result.called:
                result.errback(error)
        else:
            if not result.called:
                result.callback(outcome)


def time_message(limits: Limits) -> str:
    """What is said of a script that has had no end."""
    unit = "second" if limits.seconds == 1 else "seconds"
    return f"the script took longer than its limit of {limits.seconds:g} {unit}"


def _ignore(_failure: Failure) -> None:
    """A result nobody waits for any more."""


class Gate:
    """Something that a script waits for and another opens."""

    __slots__ = ("_deferred",)

    def __init__(self, cancelled: Callable[[], None] | None = None) -> None:
        def cancel(_deferred: Deferred[Any]) -> None:
            if cancelled is not None:
                cancelled()

        self._deferred: Deferred[Any] = Deferred(cancel)

    def open(self, value: Any = None) -> None:
        if not self._deferred.called:
            self._deferred.callback(value)

    def wait(self, execution: Suspendable) -> Any:
        return execution.wait(self._deferred)
