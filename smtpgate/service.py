"""The gateway as a Twisted service, in this process; with more workers it is a supervisor's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.defer import gatherResults, inlineCallbacks, maybeDeferred

from smtpgate.assembly import Assembly, assemble
from smtpgate.hsl.runtime.store import MemoryStore
from smtpgate.lifecycle import GRACE, Foundation, Lifecycle
from smtpgate.ports import Change, Port, StartError, unbind_all
from smtpgate.servers import THREADS, Servers, close_relays
from smtpgate.smtp.factory import SMTPFactory

__all__ = ["Gateway", "StartError", "make_gateway"]


class Gateway(Lifecycle):
    """All servers of one configuration, served by this process."""

    def __init__(self, foundation: Foundation) -> None:
        super().__init__(foundation)
        self._servers = Servers(self.reactor, self.events, MemoryStore())
        # Ports that a reload has closed; their sessions may still be open.
        self._former: list[SMTPFactory] = []

    def plan(self, assembly: Assembly) -> list[Port]:
        return self._servers.plan(assembly)

    def begin(self) -> None:
        self.reactor.suggestThreadPoolSize(THREADS)
        super().begin()

    @inlineCallbacks
    def change(self, assembly: Assembly) -> Any:
        """Bind what is new, replace what stays, close what has gone."""
        if assembly.config.workers > 1:
            raise StartError(
                f"workers is {assembly.config.workers}, and was 1 at the start: that takes a "
                "restart"
            )
        change = Change(self.reactor, self.ports, self.plan(assembly))
        yield change.bind()
        self.assembly = assembly
        for former, port in change.kept:
            former.factory.server = port.factory.server
            former.factory.listener = port.factory.listener
            port.factory = former.factory
        self.ports = change.planned
        yield change.finish()
        for port in change.gone:
            self._former.append(port.factory)
            self.events.listener_closed(port.server_id, port.endpoint)
        self._former = [factory for factory in self._former if factory.sessions]

    @inlineCallbacks
    def stopService(self) -> Any:
        """No new sessions; messages under way are finished, everybody else gets 421."""
        yield maybeDeferred(super().stopService)
        factories = [*(port.factory for port in self.ports), *self._former]
        self.events.stopping(sum(len(factory.sessions) for factory in factories))
        yield unbind_all(self.ports)
        yield gatherResults([factory.drain(GRACE) for factory in factories])
        yield close_relays(self.assembly)


def make_gateway(path: Path, reactor: Any = None) -> Lifecycle:
    """The service for a configuration file: this process alone, or a supervisor of workers.

    :raises Problems: with everything that is wrong
    """
    if reactor is None:
        from twisted.internet import reactor
    file = path.absolute()
    foundation = Foundation(file, assemble(file), reactor)
    if foundation.assembly.config.workers == 1:
        return Gateway(foundation)
    from smtpgate.workers.supervisor import Supervisor

    return Supervisor(foundation)
