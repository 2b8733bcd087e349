"""One worker as the supervisor sees it: a process, and a desk that serves it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet import process
from twisted.internet.defer import Deferred

from smtpgate.hsl.runtime.store import Store
from smtpgate.workers import commands
from smtpgate.workers.slotdesk import SlotDesk, Slots
from smtpgate.workers.storedesk import StoreDesk


class Desk(StoreDesk, SlotDesk):
    """Serves one worker."""

    def __init__(self, store: Store, slots: Slots) -> None:
        super().__init__()
        self.store = store
        self.slots = slots
        self.ready: Deferred[None] = Deferred()

    @commands.Ready.responder
    def is_ready(self) -> dict[str, Any]:
        """The worker takes connections now."""
        if not self.ready.called:
            self.ready.callback(None)
        return {}

    def connectionLost(self, reason: Any = None) -> None:
        """The worker is gone, and all that it has said has been heard."""
        super().connectionLost(reason)
        StoreDesk.abandon(self)
        SlotDesk.abandon(self)


class Child:
    """A worker's process.

    :param number: its place among the workers, from 1
    :param started: on the reactor's clock
    :param ended: told when it has ended, and how
    """

    def __init__(
        self,
        number: int,
        pid: int,
        started: float,
        store: Store,
        slots: Slots,
        ended: Callable[[Child, str], None],
    ) -> None:
        self.number = number
        self.pid = pid
        self.started = started
        self.desk = Desk(store, slots)
        #: What the supervisor has of it, to be closed in its siblings.
        self.transports: list[Any] = []
        self._ended = ended

    @property
    def ready(self) -> Deferred[None]:
        """Fires when it can serve; fails with an explanation if it ends before."""
        return self.desk.ready

    def attach(self, transport: Any) -> None:
        """A connection to it."""
        self.transports.append(transport)

    def kill(self) -> None:
        """End it at once; nobody waits for it to be ready any more."""
        self.ready.addErrback(lambda _: None)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    # What Twisted asks of whoever waits for a process

    def reapProcess(self) -> None:
        """Some process has ended: this one?"""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid:
            process.unregisterReapProcessHandler(self.pid, self)  # type: ignore[no-untyped-call]
            self.processEnded(status)

    def processEnded(self, status: int) -> None:
        """It has, with this wait status."""
        how = _how(status)
        if not self.ready.called:
            self.ready.errback(ChildEnded(f"it {how}"))
        self._ended(self, how)


class ChildEnded(Exception):
    """A worker has ended before it was ready."""


def _how(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"has ended with exit code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
