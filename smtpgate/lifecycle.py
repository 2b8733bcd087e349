"""Start, reload and stop of a gateway, whether it serves in this process or in others.

Starting is all or nothing, and so is reloading: first everything is read and
compiled, then new ports are bound, and only then does anything change.
"""

from __future__ import annotations

import resource
import signal
from abc import abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.defer import inlineCallbacks

from smtpgate.assembly import Assembly, Problems, assemble
from smtpgate.events import Events
from smtpgate.ports import Port, StartError, bind_all, unbind_all
from smtpgate.servers import details, prepare

#: Seconds that a message under way has at SIGTERM.
GRACE = 30.0


@dataclass(frozen=True, slots=True)
class Foundation:
    """What a gateway is built on.

    :param file: the configuration: named in the log, and read again at SIGHUP
    :param assembly: what to start with
    """

    file: Path
    assembly: Assembly
    reactor: Any
    events: Events = field(default_factory=Events)


class Lifecycle(MultiService):
    """What all gateways do."""

    def __init__(self, foundation: Foundation) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.file = foundation.file
        self.reactor = foundation.reactor
        self.events = foundation.events
        self.assembly = foundation.assembly
        self.ports: list[Port] = []
        self._reloading = False

    @abstractmethod
    def plan(self, assembly: Assembly) -> list[Port]:
        """The ports that a configuration wants, not bound."""

    @abstractmethod
    def change(self, assembly: Assembly) -> Any:
        """Go over to another configuration, whose directories are there; a Deferred.

        :raises StartError: when that is not possible; nothing has changed then
        """

    # Start

    def privilegedStartService(self) -> None:
        """Bind all ports, still with the rights that low ports take.

        :raises StartError: when one cannot be bound; none is bound then
        """
        _allow_open_files()
        self.ports = self.plan(self.assembly)
        bind_all(self.reactor, self.ports)
        super().privilegedStartService()  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Make what mail is written to, and begin.

        :raises StartError: when a transport cannot work
        """
        try:
            prepare(self.assembly)
            self.begin()
        except StartError:
            unbind_all(self.ports)
            raise
        super().startService()  # type: ignore[no-untyped-call]

    def begin(self) -> None:
        """Start to serve; :meth:`up` when it is so.

        :raises StartError: when that is not possible
        """
        self.reactor.callWhenRunning(self.up)

    def up(self) -> None:
        """All servers take connections."""
        # Who reads that a server is up may stop it at once.
        self._take_signals()
        self._tell()

    def _take_signals(self) -> None:
        # SIGTERM is how the service is meant to be stopped: Twisted would end with the signal.
        signal.signal(signal.SIGTERM, lambda *_: self.reactor.callFromThread(self._stop))
        signal.signal(signal.SIGHUP, lambda *_: self.reactor.callFromThread(self.reload))

    def _stop(self) -> None:
        if self.running:
            self.reactor.stop()

    def _tell(self) -> None:
        """What is up, and what the operator should know about it."""
        assembly = self.assembly
        for name, file in assembly.made.items():
            self.events.certificate_made(name, str(file))
        for name, expires in assembly.expiring(datetime.now(UTC)):
            self.events.certificate_expires(name, expires)
        for warning in assembly.warnings:
            self.events.log.warn("{warning}", warning=warning)
        for model in assembly.config.servers:
            self.events.server_up(
                model.id,
                [port.describe() for port in self.ports if port.server_id == model.id],
                details(model),
            )

    # Reload

    @inlineCallbacks
    def reload(self) -> Any:
        """Read everything again.  Open sessions keep what they began with."""
        if self._reloading or not self.running:
            return
        self._reloading = True
        try:
            assembly = assemble(self.file)
            prepare(assembly)
            yield self.change(assembly)
        except (Problems, StartError) as error:
            self.events.reload_failed(str(error).split("\n"))
        else:
            self.events.reloaded(str(self.file))
            self._tell()
        finally:
            self._reloading = False


def _allow_open_files() -> None:
    """Raise the limit of open files as far as it may be: each connection takes one.

    Systems give programs a low one, because of select().
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        # Where it may not be, in spite of what the system says, it stays.
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
