"""The gateway as a Twisted service: servers, their ports, reload and the end.

Starting is all or nothing, and so is reloading: first everything is read and
compiled, then new ports are bound, and only then does anything change.
"""

from __future__ import annotations

import signal
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.python.failure import Failure

from smtpgate import config as configuration
from smtpgate.assembly import Assembly, Problems
from smtpgate.config.endpoints import parse_endpoint
from smtpgate.events import Events
from smtpgate.hooks.evaluator import ScriptPolicy
from smtpgate.hsl.runtime import Environment, ScriptRoot
from smtpgate.hsl.runtime import Limits as ScriptLimits
from smtpgate.hsl.store import MemoryStore
from smtpgate.smtp.admission import Admission
from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.policy import AcceptAll, Policy
from smtpgate.smtp.server import Listener, Server
from smtpgate.smtp.session import Limits, ServerSettings
from smtpgate.tls import ServerTLS
from smtpgate.transports.folders import Folders
from smtpgate.transports.maildir import Maildir
from smtpgate.transports.relay import Relay

#: Seconds that a message under way has at SIGTERM.
GRACE = 30.0
#: Directory of messages that scripts examine, below the state directory.
SPOOL = "spool"
#: Threads for disks, hashes and name look-ups.
THREADS = 24


class StartError(Exception):
    """The service cannot start; the message is for the operator."""


@dataclass(slots=True)
class _Port:
    """One endpoint of a server, and what listens there."""

    server_id: str
    endpoint: str
    mode: str
    factory: SMTPFactory
    listening: Any = None  # IListeningPort

    def describe(self) -> str:
        """Where it really listens, as for port 0, and with which TLS."""
        where = self.endpoint
        if self.listening is not None:
            address = self.listening.getHost()
            if isinstance(address, IPv4Address):
                where = f"{address.host}:{address.port}"
            elif isinstance(address, IPv6Address):
                where = f"[{address.host}]:{address.port}"
            elif isinstance(address, UNIXAddress):
                where = f"unix:{_text(address.name)}"
        return f"{where} ({self.mode})"


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


class Gateway(MultiService):
    """All servers of one configuration.

    :param file: the configuration, named in the log
    :param assembly: what to start with
    :param reassemble: reads the configuration again, at SIGHUP
    """

    def __init__(
        self,
        file: Path,
        assembly: Assembly,
        reassemble: Callable[[], Assembly],
        reactor: Any = None,
        events: Events | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if reactor is None:
            from twisted.internet import reactor
        self.file = file
        self.reactor = reactor
        self.assembly = assembly
        self.events = Events() if events is None else events
        self.ports: list[_Port] = []
        self._reassemble = reassemble
        self._store = MemoryStore()
        self._admissions: dict[str, Admission] = {}
        # Ports that a reload has closed; their sessions may still be open.
        self._former: list[SMTPFactory] = []
        self._reloading = False

    # Start

    def privilegedStartService(self) -> None:
        """Bind all ports, still with the rights that low ports take.

        :raises StartError: when one cannot be bound; none is bound then
        """
        self.ports = self._plan(self.assembly)
        bound: list[_Port] = []
        for port in self.ports:
            try:
                self._bind(port)
            except StartError:
                for other in bound:
                    self._unbind(other)
                raise
            bound.append(port)
        super().privilegedStartService()  # type: ignore[no-untyped-call]

    def startService(self) -> None:
        """Make what mail is written to, and say what is up.

        :raises StartError: when a transport cannot work
        """
        self.reactor.suggestThreadPoolSize(THREADS)
        try:
            _prepare(self.assembly)
        except StartError:
            for port in self.ports:
                self._unbind(port)
            raise
        super().startService()  # type: ignore[no-untyped-call]
        self.reactor.callWhenRunning(self._up)

    def _up(self) -> None:
        # Who reads that a server is up may stop it at once.
        self._take_signals()
        self._tell(self.assembly)

    def _take_signals(self) -> None:
        # SIGTERM is how the service is meant to be stopped: Twisted would end with the signal.
        signal.signal(signal.SIGTERM, lambda *_: self.reactor.callFromThread(self._stop))
        signal.signal(signal.SIGHUP, lambda *_: self.reactor.callFromThread(self.reload))

    def _stop(self) -> None:
        if self.running:
            self.reactor.stop()

    def _plan(self, assembly: Assembly) -> list[_Port]:
        """The ports that a configuration wants, with their servers, not bound."""
        ports = []
        for model in assembly.config.servers:
            server = self._server(assembly, model)
            for listener in model.listeners:
                own = server
                if listener.tls == "none":
                    own = replace(server, settings=replace(server.settings, tls=None))
                factory = SMTPFactory(
                    own, Listener(listener.tls == "implicit", tuple(listener.proxy_protocol))
                )
                ports.append(_Port(model.id, listener.endpoint, _mode(listener, own), factory))
        return ports

    def _server(self, assembly: Assembly, model: configuration.Server) -> Server:
        credentials = [assembly.credentials[name] for name in model.certificate]
        admission = self._admissions.setdefault(model.id, Admission())
        accounts = assembly.accounts
        return Server(
            settings=server_settings(
                model,
                assembly.hostname,
                ServerTLS(credentials) if credentials else None,
                assembly.config.state / SPOOL,
            ),
            transports=assembly.transports,
            clock=self.reactor,
            policy=self._policy(assembly, model),
            portal=None if accounts is None else accounts.portal(),
            scram=accounts,
            observer=self.events,
            admission=admission,
        )

    def _policy(self, assembly: Assembly, model: configuration.Server) -> Policy:
        bindings = assembly.bindings[model.id]
        if not bindings:
            return AcceptAll()
        environment = Environment(
            clock=self.reactor,
            limits=ScriptLimits(
                steps=model.limits.script_steps, seconds=model.limits.script_timeout
            ),
            echo=lambda text, execution: self.events.script_echo(text, execution.script.file),
            syslog=self.events.script_syslog,
            store=self._store,
            files=ScriptRoot(assembly.config.scripts),
            hostname=assembly.hostname,
        )
        return ScriptPolicy(bindings, environment, assembly.hostname, self.events.script_failed)

    def _bind(self, port: _Port) -> None:
        outcome: list[Any] = []
        endpoint = serverFromString(self.reactor, port.endpoint)  # type: ignore[no-untyped-call]
        listening = maybeDeferred(endpoint.listen, port.factory)
        listening.addBoth(outcome.append)
        if not outcome or isinstance(outcome[0], Failure):
            reason = outcome[0].value if outcome else "no answer"
            # CannotListenError wraps what the system has said.
            reason = getattr(reason, "socketError", reason)
            words = getattr(reason, "strerror", None) or str(reason)
            raise StartError(f"server {port.server_id}: cannot listen on {port.endpoint}: {words}")
        port.listening = outcome[0]

    def _unbind(self, port: _Port) -> Deferred[Any]:
        listening, port.listening = port.listening, None
        assert listening is not None
        stopped: Deferred[Any] = maybeDeferred(listening.stopListening)
        return stopped

    def _tell(self, assembly: Assembly) -> None:
        """What is up, and what the operator should know about it."""
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
                _details(model),
            )

    # Reload

    @inlineCallbacks
    def reload(self) -> Any:
        """Read everything again.  Open sessions keep what they began with."""
        if self._reloading or not self.running:
            return
        self._reloading = True
        try:
            assembly = self._reassemble()
            yield self._change(assembly)
        except (Problems, StartError) as error:
            self.events.reload_failed(str(error).split("\n"))
        else:
            self.events.reloaded(str(self.file))
            self._tell(assembly)
        finally:
            self._reloading = False

    @inlineCallbacks
    def _change(self, assembly: Assembly) -> Any:
        """Bind what is new, replace what stays, close what has gone.

        :raises StartError: when something new cannot be bound; the old ports are all back then
        """
        _prepare(assembly)
        present = {port.endpoint: port for port in self.ports}
        planned = self._plan(assembly)
        wanted = {port.endpoint for port in planned}
        gone = [port for port in self.ports if port.endpoint not in wanted]
        new = [port for port in planned if port.endpoint not in present]
        # A port whose description changed only a little has to be given up before it is taken.
        in_the_way = [port for port in gone if any(_collide(port, other) for other in new)]
        yield gatherResults([self._unbind(port) for port in in_the_way])
        bound: list[_Port] = []
        try:
            for port in new:
                self._bind(port)
                bound.append(port)
        except StartError:
            yield gatherResults([self._unbind(port) for port in bound])
            for port in in_the_way:
                self._bind(port)
            raise
        self.assembly = assembly
        for port in planned:
            former = present.get(port.endpoint)
            if former is not None:
                former.factory.server = port.factory.server
                former.factory.listener = port.factory.listener
                port.factory, port.listening = former.factory, former.listening
        self.ports = planned
        for port in gone:
            if port not in in_the_way:
                yield self._unbind(port)
            self._former.append(port.factory)
            self.events.listener_closed(port.server_id, port.endpoint)
        self._former = [factory for factory in self._former if factory.sessions]

    # End

    @inlineCallbacks
    def stopService(self) -> Any:
        """No new sessions; messages under way are finished, everybody else gets 421."""
        yield maybeDeferred(super().stopService)
        factories = [*(port.factory for port in self.ports), *self._former]
        self.events.stopping(sum(len(factory.sessions) for factory in factories))
        yield gatherResults(
            [self._unbind(port) for port in self.ports if port.listening is not None]
        )
        yield gatherResults([factory.drain(GRACE) for factory in factories])
        relays = [each for each in self.assembly.transports.values() if isinstance(each, Relay)]
        yield gatherResults([relay.close() for relay in relays])


def server_settings(
    model: configuration.Server, hostname: str, tls: Any, spool: Path | None = None
) -> ServerSettings:
    """What the sessions of a server have to know, from its configuration."""
    limits = model.limits.model_dump(exclude={"script_timeout", "script_steps"})
    auth = model.auth
    return ServerSettings(
        server_id=model.id,
        hostname=hostname,
        default_transport=model.transport,
        limits=Limits(**limits),
        tls=tls,
        mechanisms=() if auth is None else tuple(auth.mechanisms),
        auth_require_tls=auth is None or auth.require_tls,
        auth_required=auth is not None and auth.required,
        bare_newlines=model.bare_newlines,
        xclient=tuple(model.xclient),
        spool=spool,
    )


def _mode(listener: configuration.Listener, server: Server) -> str:
    if listener.tls == "implicit":
        mode = "TLS"
    else:
        mode = "plain" if server.settings.tls is None else "STARTTLS"
    return f"{mode} behind PROXY" if listener.proxy_protocol else mode


def _details(model: configuration.Server) -> list[str]:
    """What a server does, for its log line."""
    details = [f"transport {model.transport}"]
    if model.auth is not None:
        details.append(f"AUTH {' '.join(model.auth.mechanisms)}")
    hooks = []
    for name, hook in model.hooks.configured():
        commands = getattr(hook, "commands", None)
        when = ""
        if commands is not None:
            verbs = commands if isinstance(commands, str) else " ".join(commands)
            when = f" ({verbs} command)" if verbs == "first" else f" ({verbs} commands)"
        hooks.append(f"{name} {hook.script}{when}")
    details.append(f"hooks: {', '.join(hooks)}" if hooks else "no hooks")
    return details


def _collide(one: _Port, other: _Port) -> bool:
    return parse_endpoint(one.endpoint).collides(parse_endpoint(other.endpoint))


def _prepare(assembly: Assembly) -> None:
    """Make the directories of transports, and the spool when a script examines messages."""
    if any({"eodonce", "eodrcpt"} & set(bound) for bound in assembly.bindings.values()):
        spool = assembly.config.state / SPOOL
        try:
            spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise StartError(f"the spool {spool} cannot be made: {error.strerror}") from None
    for name, transport in assembly.transports.items():
        if isinstance(transport, Maildir | Folders):
            try:
                transport.prepare()
            except OSError as error:
                raise StartError(
                    f"transport {name}: cannot write to {error.filename or transport.path}: "
                    f"{error.strerror}"
                ) from None


def make_gateway(path: Path, reactor: Any = None) -> Gateway:
    """The service for a configuration file.

    :raises Problems: with everything that is wrong
    """
    from smtpgate.assembly import assemble

    file = path.absolute()
    return Gateway(file, assemble(file), lambda: assemble(file), reactor)
