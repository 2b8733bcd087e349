"""Drives one SMTP session with scripts, without a socket: StringTransport and Clock."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest import mock

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from smtpgate.hooks.evaluator import Binding, ScriptPolicy
from smtpgate.hooks.table import HOOKS
from smtpgate.hsl.runtime import Environment, Limits, ScriptRoot, compile_script
from smtpgate.smtp import arrival, reply
from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.server import Server
from smtpgate.smtp.server.policy import AcceptAll
from smtpgate.smtp.session import ServerSettings
from tests.support.network import Names
from tests.support.smtp import TLS, RecordingObserver, RecordingTransport, Wire, portal

HOSTNAME = "gw.example.org"
EXAMPLES = Path(__file__).parents[2] / "etc" / "scripts"


def compiled(source, name="proxy.hsl", hook="proxy", root=EXAMPLES):
    """A hook's script from its source."""
    return compile_script(source, name, HOOKS[hook].context, ScriptRoot(root))


class Session:
    """One client and its server.

    :param proxy: the source of a proxy script, or None for none
    :param commands: as in the configuration
    :param hooks: the sources of other scripts, by hook
    :param transports: names of other transports that there are
    :param records: what name servers know, by name and type
    :param context: another session of the same server shares its clock, mail and scripts
    """

    def __init__(
        self,
        proxy=None,
        *,
        commands="all",
        hooks=None,
        transports=(),
        records=None,
        root=EXAMPLES,
        name="proxy.hsl",
        client=("192.0.2.7", 41666),
        users=None,
        limits=None,
        policy=None,
        beside=None,
        **settings,
    ):
        if beside is None:
            self.clock = Clock()
            self.errors = []
            self.echoed = []
            self.observer = RecordingObserver()
            self.mailbox = RecordingTransport(
                self.clock, answers={"mail": reply.SENDER_OK, "rcpt": reply.RECIPIENT_OK}
            )
            self.environment = self._environment(limits or Limits())
            self.environment.resolver = Names(records or {})
            bindings = {
                hook: Binding(compiled(source, f"{hook}.hsl", hook, root))
                for hook, source in (hooks or {}).items()
            }
            if proxy is not None:
                bindings["proxy"] = Binding(compiled(proxy, name, root=root), commands)
            if policy is None and bindings:
                policy = ScriptPolicy(bindings, self.environment, HOSTNAME, self._report)
            self.others = {
                each: RecordingTransport(self.clock, each, self.mailbox.answers)
                for each in transports
            }
            defaults = ServerSettings("inbound", HOSTNAME, "local", auth_require_tls=False)
            if users:
                settings.setdefault("mechanisms", ("PLAIN", "LOGIN"))
            self.factory = SMTPFactory(
                Server(
                    replace(defaults, **settings),
                    {"local": self.mailbox, **self.others},
                    self.clock,
                    policy or AcceptAll(),
                    portal(**users) if users else None,
                    observer=self.observer,
                )
            )
        else:
            self.__dict__.update(beside.__dict__)
        peer = IPv4Address("TCP", *client)
        self.transport = Wire(peer)
        self.transport.hostAddr = IPv4Address("TCP", "10.0.0.1", 25)
        self.protocol = self.factory.buildProtocol(peer)
        self.protocol.secure = self.transport.start_tls
        self.protocol.makeConnection(self.transport)
        self._gone = False

    def _environment(self, limits):
        return Environment(
            limits=limits,
            clock=self.clock,
            hostname=HOSTNAME,
            echo=lambda text, execution: self.echoed.append(text),
        )

    def _report(self, connection, hook, error):
        self.errors.append(error)

    @property
    def connection(self):
        """What the server knows about this session."""
        return self.protocol.connection

    @property
    def mail(self):
        """The messages that were accepted."""
        return self.mailbox.messages

    @property
    def troubles(self):
        """Failures that the session could not deal with."""
        return [failure for _, _, failure in self.observer.of("trouble")]

    @property
    def closed(self):
        """Whether the server has closed the connection."""
        return self.transport.disconnecting

    def send(self, *lines):
        """Send command lines in one segment; return the replies' lines."""
        return self.send_octets(b"".join(line.encode("latin-1") + b"\r\n" for line in lines))

    def send_octets(self, octets):
        """Send octets in one segment; return the replies' lines."""
        self.protocol.dataReceived(octets)
        return self.replies()

    def replies(self):
        """What the server has said since the last time, line by line."""
        said = self.transport.value().decode("latin-1")
        self.transport.clear()
        if said and not said.endswith("\r\n"):
            raise AssertionError(f"the server ended in the middle of a line: {said!r}")
        return said.split("\r\n")[:-1]

    def advance(self, seconds):
        """Let time pass; return the replies' lines."""
        self.clock.advance(seconds)
        return self.replies()

    def shake_hands(self):
        """TLS has started; the client is happy with it."""
        if not self.transport.tls:
            raise AssertionError("the server did not start TLS")
        with mock.patch.object(arrival, "tls_info", lambda handle, starttls: TLS):
            self.protocol.handshakeCompleted()
        return self.replies()

    def leave(self):
        """The client goes."""
        if not self._gone:
            self._gone = True
            self.protocol.connectionLost(Failure(ConnectionDone()))
