"""What tests of sessions share: a client at a StringTransport, and parts that can wait."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from unittest import mock

from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from smtpgate.smtp import arrival
from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.reply import OK, START_MAIL, Reply, queued
from smtpgate.smtp.server import Listener, Server
from smtpgate.smtp.server.credentials import IAccount, IProven
from smtpgate.smtp.server.observer import SessionObserver
from smtpgate.smtp.server.policy import Policy
from smtpgate.smtp.session import (
    Connection,
    Limits,
    Recipient,
    ServerSettings,
    TLSInfo,
    Transaction,
)


def later(clock: Clock, delay: float, value: Any) -> Any:
    """``value`` now, or after ``delay`` seconds of the clock."""
    if not delay:
        return value
    answer: Deferred[Any] = Deferred(lambda _: call.cancel())
    call = clock.callLater(delay, answer.callback, value)
    return answer


class RecordingDelivery:
    """Keeps what it is given.  ``answers`` says what to answer at which step, if not success."""

    def __init__(self, transport: RecordingTransport, transaction: Transaction) -> None:
        self.transport = transport
        self.transaction = transaction
        self.sender = transaction.sender
        self.recipients: list[str] = []
        self.octets = b""
        self.state = "begun"

    def _answer(self, step: str, default: Reply) -> Any:
        answer = self.transport.answers.get(step, default)
        if callable(answer):
            answer = answer()
        if isinstance(answer, Exception):
            raise answer
        return later(self.transport.clock, self.transport.delay(step), answer)

    def mail(self, transaction: Transaction) -> Any:
        return self._answer("mail", OK)

    def rcpt(self, recipient: Recipient) -> Any:
        self.recipients.append(recipient.mailbox.text)
        return self._answer("rcpt", OK)

    def data(self) -> Any:
        return self._answer("data", START_MAIL)

    def write(self, octets: bytes) -> Any:
        self.octets += octets
        return self._answer("write", None)  # type: ignore[arg-type]

    def finish(self) -> Any:
        self.state = "finished"
        self.transport.messages.append(self)
        return self._answer("finish", queued("1"))

    def abort(self) -> None:
        if self.state != "aborted":
            self.state = "aborted"
            self.transport.aborted += 1


class RecordingTransport:
    """Makes recording deliveries."""

    answers_mail = False
    keeps_tls = False

    def __init__(
        self,
        clock: Clock,
        name: str = "local",
        answers: Mapping[str, Any] | None = None,
        delay: Callable[[str], float] = lambda step: 0.0,
    ) -> None:
        self.clock = clock
        self.name = name
        self.answers = dict(answers or {})
        self.delay = delay
        self.begun: list[RecordingDelivery] = []
        self.messages: list[RecordingDelivery] = []
        self.aborted = 0

    def begin(self, connection: Connection, transaction: Transaction) -> RecordingDelivery:
        delivery = RecordingDelivery(self, transaction)
        self.begun.append(delivery)
        return delivery


class RecordingObserver(SessionObserver):
    """Notes events by name."""

    def __init__(self) -> None:
        self.events: list[tuple[str, tuple[Any, ...]]] = []

    def names(self) -> list[str]:
        return [name for name, _ in self.events]

    def of(self, name: str) -> list[tuple[Any, ...]]:
        return [arguments for event, arguments in self.events if event == name]


def _note(name: str) -> Callable[..., None]:
    def note(self: RecordingObserver, *arguments: Any) -> None:
        self.events.append((name, arguments))

    return note


for _name in [name for name in vars(SessionObserver) if not name.startswith("_")]:
    setattr(RecordingObserver, _name, _note(_name))


class Account:
    """An avatar."""

    def __init__(self, username: str) -> None:
        self.username = username
        self.logged_out = False

    def logout(self) -> None:
        self.logged_out = True


class Realm:
    """Gives accounts."""

    def __init__(self) -> None:
        self.accounts: list[Account] = []

    def requestAvatar(self, avatarId: Any, mind: Any, *interfaces: Any) -> Any:
        assert IAccount in interfaces
        username = avatarId.decode() if isinstance(avatarId, bytes) else avatarId
        account = Account(username)
        self.accounts.append(account)
        return IAccount, account, account.logout


class ProvenChecker:
    """Lets in who has proved who they are, if we know them."""

    credentialInterfaces = (IProven,)

    def __init__(self, *names: bytes) -> None:
        self.names = names

    def requestAvatarId(self, credentials: Any) -> Any:
        if credentials.username in self.names:
            return succeed(credentials.username)
        return fail(UnauthorizedLogin())


def portal(**users: str) -> Portal:
    """A portal with these users and passwords."""
    checker = InMemoryUsernamePasswordDatabaseDontUse()
    for name, password in users.items():
        checker.addUser(name.encode(), password.encode())
    return Portal(Realm(), [checker, ProvenChecker(*(name.encode() for name in users))])


class Wire(StringTransport):
    """A StringTransport that behaves at its end, and takes part in STARTTLS."""

    def __init__(self, peer: Any = None) -> None:
        super().__init__(peerAddress=peer or IPv4Address("TCP", "192.0.2.1", 40000))
        self.tls: list[Any] = []
        self.aborted = False
        self.written: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.written.append(data)
        super().write(data)

    def start_tls(self, creator: Any) -> None:
        """All goes on in clear: the test says what comes of the handshake."""
        self.tls.append(creator)

    def getHandle(self) -> None:
        return None

    def abortConnection(self) -> None:
        self.aborted = True
        self.disconnecting = True

    def loseConnection(self) -> None:
        self.disconnecting = True


TLS = TLSInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)
#: A transaction up to its message.
TRANSACTION = ("EHLO me", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>")


class Client:
    """A session under test and its other end.

    ``say`` sends octets and gives what came back since.
    """

    def __init__(
        self,
        policy: Policy | None = None,
        transports: list[Any] | None = None,
        limits: Limits | None = None,
        listener: Listener | None = None,
        clock: Clock | None = None,
        peer: Any = None,
        portal: Portal | None = None,
        scram: Any = None,
        connect: bool = True,
        **settings: Any,
    ) -> None:
        self.clock = clock or Clock()
        self.transport = RecordingTransport(self.clock)
        self.observer = RecordingObserver()
        named = {each.name: each for each in transports or [self.transport]}
        settings.setdefault("default_transport", "local")
        settings.setdefault("hostname", "gw.example.org")
        self.server = Server(
            ServerSettings(server_id="test", limits=limits or Limits(), **settings),
            named,
            self.clock,
            policy=policy or Policy(),
            portal=portal,
            scram=scram,
            observer=self.observer,
        )
        self.factory = SMTPFactory(self.server, listener)
        self.peer = peer
        if connect:
            self.connect()

    def connect(self) -> None:
        """Another connection to the same server."""
        self.wire = Wire(self.peer)
        self.protocol = self.factory.buildProtocol(None)
        self.protocol.secure = self.wire.start_tls
        self.protocol.makeConnection(self.wire)
        self.banner = self.heard()

    @property
    def connection(self) -> Connection:
        return self.protocol.connection

    def heard(self) -> str:
        octets = self.wire.value()
        self.wire.clear()
        return octets.decode("latin-1").replace("\r\n", "\n")

    def say(self, *lines: str | bytes) -> str:
        """Send lines in one piece."""
        self.send(
            b"".join(
                (line.encode("latin-1") if isinstance(line, str) else line) + b"\r\n"
                for line in lines
            )
        )
        return self.heard()

    def send(self, octets: bytes) -> None:
        self.protocol.dataReceived(octets)

    def wait(self, seconds: float) -> str:
        """Let time pass."""
        self.clock.advance(seconds)
        return self.heard()

    def handshake(self, tls: TLSInfo = TLS) -> str:
        """TLS is there."""
        with mock.patch.object(arrival, "tls_info", lambda handle, starttls: tls):
            self.protocol.handshakeCompleted()
        return self.heard()

    def leave(self) -> None:
        """The client has gone."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

    @property
    def closed(self) -> bool:
        return self.wire.disconnecting
