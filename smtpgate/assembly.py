"""From a configuration file to parts that work: scripts compiled, keys and accounts read.

Nothing listens yet and nothing has been written.  All that is wrong, in the
configuration, in scripts and in the files it names, is found in one run.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from smtpgate import config as configuration
from smtpgate import tls
from smtpgate.config import Config, ConfigError, ConfigErrors, KeyPath
from smtpgate.directories import CERTIFICATES, unwritable
from smtpgate.hooks.commands import Commands
from smtpgate.hooks.evaluator import Binding
from smtpgate.hooks.outofstep import positive_replies
from smtpgate.hooks.table import HOOKS, PROXY
from smtpgate.hsl.errors import ScriptError, ScriptErrors
from smtpgate.hsl.runtime import Script, ScriptFileError, ScriptRoot, compile_script
from smtpgate.smtp.server.delivery import Transport
from smtpgate.transports.discard import Discard
from smtpgate.transports.folders import PLACES, Folders
from smtpgate.transports.maildir import Maildir

if TYPE_CHECKING:
    from smtpgate.accounts import Accounts

Problem = ConfigError | ScriptError


class Problems(Exception):
    """Everything that is wrong; never empty."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__(*problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)

    def render(self) -> str:
        """With the source line and a caret where there is one."""
        return "\n".join(problem.render() for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Assembly:
    """A configuration with all that it speaks of.

    ``bindings`` are the scripts of each server by hook.
    """

    config: Config
    hostname: str
    transports: Mapping[str, Transport]
    bindings: Mapping[str, Mapping[str, Binding]]
    accounts: Accounts | None = None
    credentials: Mapping[str, tls.Credential] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    made: Mapping[str, Path] = field(default_factory=dict)

    def expiring(self, now: datetime) -> list[tuple[str, str]]:
        """Certificates that have expired, as (name, when)."""
        return [
            (name, credential.expires.date().isoformat())
            for name, credential in self.credentials.items()
            if credential.expires < now
        ]


def assemble(path: Path, make: bool = True) -> Assembly:
    """Read everything.

    :param make: make self-signed certificates that are missing; without, they are left out, and
        it is seen to that they and mail could be written
    :raises Problems: with all errors there are
    """
    assembler = _Assembler(path, make)
    try:
        return assembler.assemble()
    except ConfigErrors as error:
        raise Problems(error.errors) from None


def machine_name() -> str:
    """The machine's full name, or its short one when it knows no other than localhost."""
    name = socket.getfqdn()
    return socket.gethostname() if name.partition(".")[0] == "localhost" else name


def open_relays(config: configuration.Config) -> list[str]:
    """A warning for each server that relays by SMTP for whoever asks.

    What an LMTP next hop or a store takes is for its own users; SMTP goes on to anywhere.
    """
    warnings = []
    for server in config.servers:
        hooks = server.hooks
        guarded = (server.auth is not None and server.auth.required) or hooks.proxy or hooks.rcptto
        relay = config.transports[server.transport]
        if isinstance(relay, configuration.SMTPRelay) and not guarded:
            warnings.append(
                f"server {server.id} relays for everybody: AUTH is not required, and neither a "
                "proxy nor a rcptto hook looks at recipients; what its next hop takes is all that "
                "limits it"
            )
    return warnings


class _Assembler:
    def __init__(self, path: Path, make: bool) -> None:
        self.path = path
        self.make = make
        self.problems: list[Problem] = []
        self.warnings: list[str] = []
        self.made: dict[str, Path] = {}
        self.files: dict[str, tuple[Path, Path]] = {}

    def assemble(self) -> Assembly:
        document = configuration.read(self.path)
        config, errors = configuration.validate(document)
        self.problems += errors
        scripts = self.compile_scripts(document)
        if config is None:
            raise Problems(self.problems)
        hostname = config.hostname or machine_name()
        accounts = self.read_accounts(config)
        credentials = self.read_credentials(config, hostname)
        transports = {
            name: transport
            for name, model in config.transports.items()
            if (transport := self.transport(config, name, model, hostname)) is not None
        }
        if not self.make:
            # At start it shows when they are made.
            self.problems += unwritable(config, transports)
        if self.problems:
            raise Problems(self.problems)
        self.warnings += open_relays(config)
        bindings = {
            server.id: {
                name: Binding(scripts[name, hook.script], getattr(hook, "commands", "all"))
                for name, hook in server.hooks.configured()
            }
            for server in config.servers
        }
        return Assembly(
            config,
            hostname,
            transports,
            bindings,
            accounts,
            credentials,
            tuple(self.warnings),
            self.made,
        )

    def compile_scripts(self, document: configuration.Document) -> dict[tuple[str, str], Script]:
        """Each script that is named, once for each hook, as far as it is there."""
        root = ScriptRoot(document.places.scripts)
        compiled: dict[tuple[str, str], Script] = {}
        asked: dict[tuple[str, str], list[Commands]] = {}
        for named in document.scripts():
            if named.hook in HOOKS:  # validation knows all names of hooks
                asked.setdefault((named.hook, named.script), []).append(named.commands)
        for (name, script), commands in asked.items():
            hook = HOOKS[name]
            if hook is PROXY:
                hook = replace(PROXY, checks=(positive_replies(*commands),))
            try:
                file, source = root.read(script, "")
                compiled[name, script] = compile_script(source, file, hook.context, root)
            except ScriptFileError:
                continue  # validation has said so, in better words
            except ScriptErrors as errors:
                self.problems += errors.errors
            else:
                self.warnings += compiled[name, script].warnings
        return compiled

    def config_problem(self, problem: ConfigError) -> None:
        self.problems.append(problem)

    def read_accounts(self, config: Config) -> Accounts | None:
        if config.users is None:
            return None
        # With Argon2, for those who have accounts.
        from smtpgate import accounts as users

        try:
            return users.Accounts(users.read_accounts(config.users.file))
        except users.AccountsError as error:
            for line, words in error.problems:
                self.config_problem(ConfigError(error.file, line, "", words))
        return None

    def read_credentials(self, config: Config, hostname: str) -> dict[str, tls.Credential]:
        credentials = {}
        for name, model in config.certificates.items():
            path: KeyPath = ("certificates", name)
            try:
                certificate, private_key = model.certificate, model.private_key
                if certificate is None or private_key is None:
                    if not self.make:
                        continue
                    certificate, private_key, made = tls.self_signed(
                        config.state / CERTIFICATES, name, hostname
                    )
                    if made:
                        self.made[name] = certificate
                self.files[name] = certificate, private_key
                credentials[name] = tls.load_credential(
                    name, certificate, private_key, model.client_ca
                )
            except tls.CertificateProblem as problem:
                self.config_problem(config.error((*path, problem.key), problem.message))
            except OSError as error:
                self.config_problem(
                    config.error(
                        (*path, "self_signed"),
                        f"cannot be made ({error.strerror}: {error.filename}), "
                        "expected `state` to be writable",
                    )
                )
        return credentials

    def transport(
        self, config: Config, name: str, model: configuration.Transport, hostname: str
    ) -> Transport | None:
        match model:
            case configuration.Maildir():
                if any(place in str(model.path) for place in PLACES):
                    return Folders(name, model.path, model.create, hostname)
                return Maildir(name, model.path)
            case configuration.Discard():
                return Discard(name)
        # Next hops, with their TLS and their DNS, are imported for those who have some.
        from smtpgate.relaying import make_relay
        from smtpgate.transports.clienttls import ClientTLSProblem

        try:
            return make_relay(name, model, hostname, self.files.get(model.certificate or ""))
        except ClientTLSProblem as problem:
            self.config_problem(config.error(("transports", name, problem.key), problem.message))
        return None
