"""From the configuration of servers to what their sessions share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from twisted.internet.defer import gatherResults

from smtpgate import config as configuration
from smtpgate.assembly import Assembly
from smtpgate.directories import SPOOL
from smtpgate.events import Events
from smtpgate.hooks.evaluator import ScriptPolicy
from smtpgate.hooks.mailing import Mailer
from smtpgate.hooks.variables import Variables
from smtpgate.hsl.runtime import Environment, Execution, ScriptRoot
from smtpgate.hsl.runtime import Limits as ScriptLimits
from smtpgate.hsl.runtime.store import Store
from smtpgate.ports import Port, StartError, plan
from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.server import Listener, Server
from smtpgate.smtp.server.admission import Admission
from smtpgate.smtp.server.policy import AcceptAll, Policy
from smtpgate.smtp.session import Connection, Limits, ServerSettings
from smtpgate.tls import ServerTLS
from smtpgate.transports.folders import Folders
from smtpgate.transports.maildir import Maildir

#: Threads for disks, hashes and name look-ups.
THREADS = 24


class Servers:
    """Makes the servers of one configuration after the other.

    :param store: what their scripts share
    :param admission: makes what counts the sessions of a server, by its id; a server that is
        configured again keeps its own
    """

    def __init__(
        self,
        reactor: Any,
        events: Events,
        store: Store,
        admission: Callable[[str], Admission] = lambda server_id: Admission(),
    ) -> None:
        self._reactor = reactor
        self._events = events
        self._store = store
        self._make_admission = admission
        self._admissions: dict[str, Admission] = {}

    def plan(self, assembly: Assembly) -> list[Port]:
        """The ports that a configuration wants, with their servers, not bound."""
        made: dict[str, Server] = {}

        def factory(model: configuration.Server, listener: configuration.Listener) -> SMTPFactory:
            server = made.get(model.id)
            if server is None:
                server = made[model.id] = self._server(assembly, model)
            if listener.tls == "none":
                server = replace(server, settings=replace(server.settings, tls=None))
            return SMTPFactory(
                server, Listener(listener.tls == "implicit", tuple(listener.proxy_protocol))
            )

        return plan(assembly.config, factory)

    def _server(self, assembly: Assembly, model: configuration.Server) -> Server:
        credentials = [assembly.credentials[name] for name in model.certificate]
        if model.id not in self._admissions:
            self._admissions[model.id] = self._make_admission(model.id)
        accounts = assembly.accounts
        return Server(
            settings=server_settings(
                model,
                assembly.hostname,
                ServerTLS(credentials) if credentials else None,
                assembly.config.state / SPOOL,
            ),
            transports=assembly.transports,
            clock=self._reactor,
            policy=self._policy(assembly, model),
            portal=None if accounts is None else accounts.portal(),
            scram=accounts,
            observer=self._events if model.log_sessions else self._events.terse(),
            admission=self._admissions[model.id],
        )

    def _echo(self, text: str, execution: Execution) -> None:
        self._events.script_echo(_connection(execution), text, execution.script.file)

    def _syslog(self, priority: int, text: str, execution: Execution | None) -> None:
        if execution is None:
            self._events.late_syslog(priority, text)
        else:
            self._events.script_syslog(
                _connection(execution), priority, text, execution.script.file
            )

    def _policy(self, assembly: Assembly, model: configuration.Server) -> Policy:
        bindings = assembly.bindings[model.id]
        if not bindings:
            return AcceptAll()
        events = self._events
        environment = Environment(
            clock=self._reactor,
            limits=ScriptLimits(
                steps=model.limits.script_steps, seconds=model.limits.script_timeout
            ),
            echo=self._echo,
            syslog=self._syslog,
            store=self._store,
            files=ScriptRoot(assembly.config.scripts),
            hostname=assembly.hostname,
            mailer=Mailer(assembly.transports, events, model.id),
        )
        return ScriptPolicy(bindings, environment, assembly.hostname, events.script_failed)


def _connection(execution: Execution) -> Connection:
    variables = execution.variables
    assert isinstance(variables, Variables)
    return variables.connection


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


def details(model: configuration.Server) -> list[str]:
    """What a server does, for its log line."""
    found = [f"transport {model.transport}"]
    if model.auth is not None:
        found.append(f"AUTH {' '.join(model.auth.mechanisms)}")
    hooks = []
    for name, hook in model.hooks.configured():
        commands = getattr(hook, "commands", None)
        when = ""
        if commands is not None:
            verbs = commands if isinstance(commands, str) else " ".join(commands)
            when = f" ({verbs} command)" if verbs == "first" else f" ({verbs} commands)"
        hooks.append(f"{name} {hook.script}{when}")
    found.append(f"hooks: {', '.join(hooks)}" if hooks else "no hooks")
    return found


def prepare(assembly: Assembly) -> None:
    """Make the directories of transports, and the spool when a script examines messages.

    :raises StartError: when one cannot be made
    """
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


def close_relays(assembly: Assembly) -> Any:
    """Leave the next hops; a Deferred."""
    relays: list[Any] = [
        assembly.transports[name]
        for name, model in assembly.config.transports.items()
        if isinstance(model, configuration.Relay)
    ]
    return gatherResults([relay.close() for relay in relays])
