"""A worker: serves sessions on the supervisor's ports until it is told to end."""

from __future__ import annotations

import signal
import socket
from typing import Any

from twisted.internet.defer import gatherResults, inlineCallbacks

from smtpgate.assembly import Assembly
from smtpgate.events import Events
from smtpgate.lifecycle import GRACE
from smtpgate.ports import Port
from smtpgate.servers import THREADS, Servers, close_relays
from smtpgate.smtp.server.admission import Admission
from smtpgate.workers import commands
from smtpgate.workers.door import Door
from smtpgate.workers.end import End, adopt
from smtpgate.workers.leases import LeasedAdmission
from smtpgate.workers.remotestore import RemoteStore


class _Link(End):
    """To the supervisor."""

    def __init__(self, worker: Worker) -> None:
        super().__init__()
        self._worker = worker

    def connectionLost(self, reason: Any = None) -> None:
        """All is said, or the supervisor is gone."""
        super().connectionLost(reason)
        self._worker.alone()

    @commands.Serve.responder
    def serve(self) -> dict[str, Any]:
        self._worker.serve()
        return {}

    @commands.Release.responder
    def release(self, endpoint: str) -> dict[str, Any]:
        self._worker.release(endpoint)
        return {}

    @commands.Retire.responder
    def retire(self) -> dict[str, Any]:
        self._worker.retire()
        return {}

    @commands.Stop.responder
    def stop(self) -> dict[str, Any]:
        return {"sessions": self._worker.stop()}

    @commands.CacheReady.responder
    def cache_ready(self, number: int) -> dict[str, Any]:
        self._worker.store.ready(number)
        return {}

    @commands.BarrierGranted.responder
    def barrier_granted(self, number: int, value: bytes | None) -> dict[str, Any]:
        self._worker.store.granted(number, value)
        return {}

    @commands.KeepNoSlots.responder
    def keep_no_slots(self, server: str) -> dict[str, Any]:
        self._worker.keep_no_slots(server)
        return {}


class Worker:
    """All of a process that serves.

    :param listening: the supervisor's listening ports, in the order of the configuration
    :param supervisor: one end of a socket pair
    """

    def __init__(
        self,
        reactor: Any,
        events: Events,
        assembly: Assembly,
        listening: list[Any],
        supervisor: socket.socket,
    ) -> None:
        self._reactor = reactor
        self._assembly = assembly
        self._link = _Link(self)
        self._supervisor = supervisor
        self._admissions: dict[str, LeasedAdmission] = {}
        self.store = RemoteStore(self._link.tell)
        servers = Servers(reactor, events, self.store, self._admission)
        self._ports = servers.plan(assembly)
        for port, inherited in zip(self._ports, listening, strict=True):
            port.listening = inherited
        self._doors: dict[str, Door] = {}
        self._retired = False
        self._stopped = False
        self._over = False

    def _admission(self, server_id: str) -> Admission:
        admission = LeasedAdmission(server_id, self._link.tell)
        self._admissions[server_id] = admission
        return admission

    def run(self) -> int:
        """Serve until the end; gives the exit code."""
        self._reactor.suggestThreadPoolSize(THREADS)
        self._reactor.callWhenRunning(self._begin)
        self._reactor.run()
        return 0

    def _begin(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self._reactor.callFromThread(self.stop))
        adopt(self._reactor, self._supervisor, self._link)
        self._link.tell(commands.Ready).addErrback(_gone)

    def serve(self) -> None:
        """Take connections."""
        for port in self._ports:
            if port.listening is not None:
                port.listening.factory = port.factory
                port.factory.doStart()
                door = self._doors[port.endpoint] = Door(self._reactor, port.listening)
                door.open()

    def keep_no_slots(self, server_id: str) -> None:
        """Give back a server's idle slots."""
        if server_id in self._admissions:
            self._admissions[server_id].keep_none()

    def release(self, endpoint: str) -> None:
        """Give up one port."""
        for port in self._ports:
            if port.endpoint == endpoint:
                self._let_go(port)

    def _let_go(self, port: Port) -> None:
        """Close a port here, and only here: it is the supervisor's.

        To stop listening would shut the socket down, for everybody.
        """
        listening, port.listening = port.listening, None
        if listening is not None:
            door = self._doors.pop(port.endpoint, None)
            if door is not None:
                door.close()
            listening.socket.close()

    def _take_no_more(self) -> None:
        for port in self._ports:
            self._let_go(port)
        for admission in self._admissions.values():
            admission.keep_none()

    def retire(self) -> None:
        """Take no more connections; end when the sessions are over, however long they take."""
        if not self._retired:
            self._retired = True
            self._take_no_more()
            self._end([port.factory.sessions.emptied() for port in self._ports])

    def stop(self) -> int:
        """Finish the messages under way, and end; gives the number of open sessions."""
        sessions = sum(len(port.factory.sessions) for port in self._ports)
        if not self._stopped:
            self._stopped = True
            self._take_no_more()
            drained = [port.factory.drain(GRACE) for port in self._ports]
            if not self._retired:
                self._retired = True
                self._end(drained)
        return sessions

    @inlineCallbacks
    def _end(self, over: list[Any]) -> Any:
        yield gatherResults(over)
        yield close_relays(self._assembly)
        self._over = True
        transport: Any = self._link.transport
        if transport is None:
            self._reactor.stop()
        else:
            transport.loseConnection()  # when all is written that we have said

    def alone(self) -> None:
        """The supervisor is gone, or has heard that we go."""
        if self._over:
            self._reactor.stop()
        else:
            self.stop()


def _gone(_: object) -> None:
    """The supervisor has ended before we began; the link says so too."""
