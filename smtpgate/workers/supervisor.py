"""The supervisor: holds the ports and what sessions share, and keeps the workers at work."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from twisted.internet import process
from twisted.internet.defer import (
    Deferred,
    DeferredList,
    FirstError,
    TimeoutError,
    inlineCallbacks,
    maybeDeferred,
)
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from smtpgate import ports
from smtpgate.assembly import Assembly
from smtpgate.hsl.runtime.store import MemoryStore
from smtpgate.lifecycle import GRACE, Foundation, Lifecycle
from smtpgate.ports import Change, Port, StartError, unbind_all
from smtpgate.workers import commands, logs
from smtpgate.workers.backoff import Backoff
from smtpgate.workers.child import Child
from smtpgate.workers.end import adopt
from smtpgate.workers.forking import can_fork, fork
from smtpgate.workers.slotdesk import Slots
from smtpgate.workers.worker import Worker

#: Seconds until a worker has to be ready, or to have answered.
PATIENCE = 30.0
#: Seconds that workers have to end, beyond those for messages under way and for clients to leave.
BEYOND = 5.0
#: Seconds at most between two looks at processes, before the reactor runs.
_TURN = 0.05


class Supervisor(Lifecycle):
    """A gateway whose sessions are served by other processes."""

    def __init__(self, foundation: Foundation) -> None:
        super().__init__(foundation)
        self._store = MemoryStore()
        self._slots = Slots(lambda: self.assembly.config.workers)
        #: All processes there are; those that serve, by number; those that are to come.
        self._children: set[Child] = set()
        self._serving: dict[int, Child] = {}
        self._replacing: dict[int, Any] = {}
        self._backoff = Backoff()
        self._planned: list[Port] = []
        self._stopping: Deferred[None] | None = None

    def plan(self, assembly: Assembly) -> list[Port]:
        return ports.plan(assembly.config, lambda *_: _Nobody())

    # Start

    def privilegedStartService(self) -> None:
        super().privilegedStartService()
        _rest(self.ports)

    def begin(self) -> None:
        if not can_fork(self.reactor):
            raise StartError(
                f"workers is {self.assembly.config.workers}: that takes the epoll, kqueue, poll "
                f"or select reactor, and this is {type(self.reactor).__name__}"
            )
        # The reactor does not run yet: whoever starts us still hears of a failure.
        outcome: list[Any] = []
        ready: Deferred[Any] = self._ready_generation(self.assembly, self.ports)
        ready.addBoth(outcome.append)
        while not outcome:
            self.reactor.iterate(_TURN)
            process.reapAllProcesses()
        if isinstance(outcome[0], Failure):
            outcome[0].raiseException()
        self.reactor.callWhenRunning(self._open, outcome[0])

    def _open(self, generation: list[Child]) -> None:
        self._take_over(generation)
        self.up()

    # Processes

    def _generation(self, assembly: Assembly, planned: list[Port]) -> list[Child]:
        """As many workers as there are to be, that serve a configuration when told to.

        :raises StartError: when they cannot all be made; there are none then
        """
        if self._stopping is not None:
            raise StartError("the gateway stops")
        made: list[Child] = []
        try:
            for number in range(1, assembly.config.workers + 1):
                made.append(self._fork(number, assembly, planned))
        except OSError as error:
            for child in made:
                child.kill()
            raise StartError(f"no more processes can be made: {error.strerror}") from None
        return made

    def _fork(self, number: int, assembly: Assembly, planned: list[Port]) -> Child:
        listening = [port.listening for port in planned]
        bound = {port.listening for port in (*self.ports, *self._planned)} - {None}
        others = [transport for child in self._children for transport in child.transports]
        ours, theirs = socket.socketpair()
        pens = [(observer, *socket.socketpair()) for observer in logs.rotating()]

        def work() -> int:
            ours.close()
            for observer, reader, writer in pens:
                reader.close()
                logs.write_to(writer, observer)
            return Worker(self.reactor, self.events, assembly, listening, theirs).run()

        try:
            pid = fork(self.reactor, [*others, *bound.difference(listening)], work)
        finally:
            theirs.close()
            for _, _, writer in pens:
                writer.close()
        child = Child(number, pid, self.reactor.seconds(), self._store, self._slots, self._ended)
        child.attach(adopt(self.reactor, ours, child.desk))
        for observer, reader, _ in pens:
            child.attach(adopt(self.reactor, reader, logs.Scribe(observer)))
        self._children.add(child)
        # Not now: it may have ended already, and nobody knows of it yet.
        self.reactor.callLater(0, process.registerReapProcessHandler, pid, child)
        return child

    def _enlist(self, child: Child) -> None:
        """Let a worker serve when it is ready."""
        self._serving[child.number] = child
        child.ready.addCallbacks(lambda _: self._let_serve(child), lambda _: None)

    def _let_serve(self, child: Child) -> None:
        if self._serving.get(child.number) is not child:
            return  # a reload has been faster
        child.desk.tell(commands.Serve).addErrback(lambda _: None)

    def _ended(self, child: Child, how: str) -> None:
        """A process has ended."""
        self._children.discard(child)
        if self._stopping is not None:
            if not self._children and not self._stopping.called:
                self._stopping.callback(None)
        elif self._serving.get(child.number) is child:
            self._lost(child, how)

    def _lost(self, child: Child, how: str) -> None:
        """There is to be another worker in the place of this one."""
        number = child.number
        del self._serving[number]
        delay = self._backoff.delay(number, self.reactor.seconds() - child.started)
        self.events.worker_ended(number, child.pid, how, delay)
        self._replacing[number] = self.reactor.callLater(delay, self._replace, number)

    def _replace(self, number: int) -> None:
        del self._replacing[number]
        try:
            child = self._fork(number, self.assembly, self.ports)
        except OSError as error:
            delay = self._backoff.delay(number, 0.0)
            self.events.worker_missing(number, str(error.strerror), delay)
            self._replacing[number] = self.reactor.callLater(delay, self._replace, number)
        else:
            self._enlist(child)

    # Reload

    @inlineCallbacks
    def change(self, assembly: Assembly) -> Any:
        """Make workers for the new configuration; when all are there, they take over.

        The old ones finish their sessions, and end.
        """
        change = Change(self.reactor, self.ports, self.plan(assembly))
        for port in change.in_the_way:
            yield self._tell_all(self._serving.values(), commands.Release, endpoint=port.endpoint)
        try:
            yield change.bind()
            _rest(change.new)
            for former, port in change.kept:
                port.listening = former.listening
            self._planned = change.planned
            try:
                generation = yield self._ready_generation(assembly, change.planned)
            except StartError:
                yield change.undo()
                raise
        except StartError:
            _rest(change.in_the_way)
            if change.in_the_way:
                # The present workers have given these ports up for good.
                again = yield self._ready_generation(self.assembly, self.ports)
                yield self._take_over(again)
            raise
        finally:
            self._planned = []
        self.assembly, self.ports = assembly, change.planned
        yield self._take_over(generation)
        yield change.finish()
        for port in change.gone:
            self.events.listener_closed(port.server_id, port.endpoint)

    @inlineCallbacks
    def _ready_generation(self, assembly: Assembly, planned: list[Port]) -> Any:
        """Workers that are ready to serve.

        :raises StartError: when one of them fails
        """
        generation = self._generation(assembly, planned)
        ready = [child.ready.addTimeout(PATIENCE, self.reactor) for child in generation]
        try:
            yield DeferredList(ready, fireOnOneErrback=True, consumeErrors=True)
        except FirstError as error:
            for child in generation:
                child.kill()
            reason: object = error.subFailure.value
            if isinstance(reason, TimeoutError):
                reason = f"it has not said so in {PATIENCE:g} seconds"
            raise StartError(f"a worker did not become ready: {reason}") from None
        return generation

    @inlineCallbacks
    def _take_over(self, generation: list[Child]) -> Any:
        """New workers serve; all others serve no more."""
        for timer in self._replacing.values():
            timer.cancel()
        self._replacing.clear()
        former = self._children.difference(generation)
        self._serving.clear()
        for child in generation:
            self._serving[child.number] = child
            if child in self._children:
                self._let_serve(child)
            else:
                self._lost(child, "has ended")
        yield self._tell_all(former, commands.Retire)

    def _tell_all(self, children: Iterable[Child], command: Any, **arguments: Any) -> Any:
        """Tell several workers something; fires when all have answered, or time is up."""
        answers = [
            child.desk.tell(command, **arguments).addTimeout(PATIENCE, self.reactor)
            for child in children
        ]
        return DeferredList(answers, consumeErrors=True)

    # End

    @inlineCallbacks
    def stopService(self) -> Any:
        """No new sessions; messages under way are finished, everybody else gets 421."""
        yield maybeDeferred(super().stopService)
        ended = self._stopping = Deferred()
        for timer in self._replacing.values():
            timer.cancel()
        leave = max(server.limits.close_timeout for server in self.assembly.config.servers)
        too_late = self.reactor.callLater(GRACE + leave + BEYOND, self._kill_all)
        answers = yield self._tell_all(self._children, commands.Stop)
        self.events.stopping(sum(answer["sessions"] for told, answer in answers if told))
        yield unbind_all(self.ports)
        if self._children:
            yield ended
        if too_late.active():
            too_late.cancel()

    def _kill_all(self) -> None:
        for child in self._children:
            child.kill()


class _Nobody(Factory):
    """Listens, and takes no connections: a supervisor's ports are its workers'."""

    noisy = False

    def logPrefix(self) -> str:
        """Who listens, as Twisted tells the log."""
        return "supervisor"


def _rest(bound: list[Port]) -> None:
    """Keep ports that were just bound, and take no connections."""
    for port in bound:
        if port.listening is not None:
            port.listening.stopReading()
