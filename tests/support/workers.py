"""Supervisor and workers in one process: their ends, and a wire between them."""

from __future__ import annotations

from typing import Any

from twisted.internet.error import ConnectionLost
from twisted.python.failure import Failure
from twisted.test.iosim import FakeTransport, connect

from smtpgate.hsl.runtime.store import MemoryStore
from smtpgate.workers import commands
from smtpgate.workers.child import Desk
from smtpgate.workers.end import End
from smtpgate.workers.leases import LeasedAdmission
from smtpgate.workers.remotestore import RemoteStore
from smtpgate.workers.slotdesk import Slots


class WorkerEnd(End):
    """What a worker has of its link, without the worker."""

    def __init__(self) -> None:
        super().__init__()
        self.store = RemoteStore(self.tell)
        self.admission = LeasedAdmission("in", self.tell)

    @commands.CacheReady.responder
    def cache_ready(self, number: int) -> dict[str, Any]:
        self.store.ready(number)
        return {}

    @commands.BarrierGranted.responder
    def barrier_granted(self, number: int, value: bytes | None) -> dict[str, Any]:
        self.store.granted(number, value)
        return {}

    @commands.KeepNoSlots.responder
    def keep_no_slots(self, server: str) -> dict[str, Any]:
        self.admission.keep_none()
        return {}


class Office:
    """One supervisor's store and slots, and several workers."""

    def __init__(self, workers: int) -> None:
        self.memory = MemoryStore()
        self.slots = Slots(lambda: workers)
        self.workers = [WorkerEnd() for _ in range(workers)]
        self._pumps = []
        for worker in self.workers:
            desk = Desk(self.memory, self.slots)
            self._pumps.append(
                connect(desk, FakeTransport(desk, True), worker, FakeTransport(worker, False))
            )

    def flush(self) -> None:
        """Until nobody has anything to say."""
        while sum(pump.pump() for pump in self._pumps):
            pass

    def crash(self, number: int) -> None:
        """A worker is gone, without a word more than it has sent."""
        pump = self._pumps[number]
        pump.clientIO.abortConnection()
        while pump.pump():
            pass

    def orphan(self, number: int) -> None:
        """The supervisor is gone, as one worker sees it."""
        self.workers[number].connectionLost(Failure(ConnectionLost()))
