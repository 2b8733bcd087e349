"""The gateway as a service: start, reload and stop, on real ports of the loopback."""

from __future__ import annotations

import resource
import smtplib
import socket
import ssl
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpgate import config
from smtpgate.assembly import Problems, assemble
from smtpgate.events import Events
from smtpgate.hooks.table import HOOKS
from smtpgate.lifecycle import Foundation
from smtpgate.service import Gateway, StartError

SERVER = """\
hostname = "{hostname}"
[certificates.default]
self_signed = true
[transports.local]
type = "maildir"
path = "mail"
[[servers]]
id = "in"
transport = "local"
certificate = "default"
listeners = [{listeners}]
"""
PORT = '{{ endpoint = "tcp:{}:interface=127.0.0.1" }}'


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class GatewayTests(TestCase):
    timeout = 30

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.file = self.directory / "smtpgate.toml"
        self.logged: list[str] = []
        self.addCleanup(self._stop)
        self.gateway: Gateway | None = None

    def _stop(self) -> Any:
        if self.gateway is not None and self.gateway.running:
            return self.gateway.stopService()
        return None

    def configure(self, *ports: int, hostname: str = "one.test", more: str = "") -> None:
        listeners = ", ".join(PORT.format(port) for port in ports)
        self.file.write_text(SERVER.format(hostname=hostname, listeners=listeners) + more)

    def make(self) -> Gateway:
        def observe(event: Any) -> None:
            from twisted.logger import formatEvent

            self.logged.append(formatEvent(event))

        events = Events(Logger(namespace="smtpgate", observer=observe))  # type: ignore[arg-type]
        self.patch(Gateway, "_take_signals", lambda gateway: None)
        self.gateway = Gateway(Foundation(self.file, assemble(self.file), reactor, events))
        return self.gateway

    def start(self) -> Gateway:
        gateway = self.make()
        gateway.privilegedStartService()
        gateway.startService()
        return gateway

    def banner(self, port: int) -> Any:
        """The banner of a new session, or None when nobody listens."""

        def ask() -> bytes | None:
            try:
                with socket.create_connection(("127.0.0.1", port), 10) as client:
                    return client.recv(100)
            except (ConnectionRefusedError, ConnectionResetError):
                return None

        return deferToThread(ask)

    @inlineCallbacks
    def test_up(self) -> Any:
        """A server that is up says where, and with what."""
        port = free_port()
        self.configure(port)
        self.start()
        self.assertEqual(b"220 one.test ESMTP\r\n", (yield self.banner(port)))
        self.assertIn(
            f"server in is up on 127.0.0.1:{port} (STARTTLS); transport local; no hooks",
            self.logged,
        )

    @inlineCallbacks
    def test_echo(self) -> Any:
        """What a script says is logged with its session and its file."""
        (self.directory / "scripts").mkdir()
        source = 'echo "hello\\n"; syslog("warning", "hello, too");'
        (self.directory / "scripts/connect.hsl").write_text(source)
        port = free_port()
        self.configure(port, more='[servers.hooks]\nconnect = "connect.hsl"\n')
        self.start()
        self.assertEqual(b"220 one.test ESMTP\r\n", (yield self.banner(port)))
        echoed, logged = [line for line in self.logged if "hello" in line]
        self.assertRegex(echoed, r"^in 127\.0\.0\.1:\d+: .*/connect\.hsl: hello\\x0a$")
        self.assertRegex(logged, r"^in 127\.0\.0\.1:\d+: .*/connect\.hsl: hello, too$")

    def test_open_files(self) -> None:
        """The limit of open files is raised as far as it may be."""
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
        self.configure(free_port())
        self.start()
        self.assertEqual((before[1], before[1]), resource.getrlimit(resource.RLIMIT_NOFILE))

    @inlineCallbacks
    def test_taken_port(self) -> Any:
        """When one port is taken, none is bound, and the error names it."""
        first = free_port()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            second = taken.getsockname()[1]
            self.configure(first, second)
            error = self.assertRaises(StartError, self.make().privilegedStartService)
            self.assertEqual(
                f"server in: cannot listen on tcp:{second}:interface=127.0.0.1: "
                "Address already in use",
                str(error),
            )
        self.assertIsNone((yield self.banner(first)))

    @inlineCallbacks
    def test_state_in_the_way(self) -> Any:
        """A Maildir that cannot be made stops the start, and closes the ports."""
        port = free_port()
        self.configure(port)
        gateway = self.make()
        (self.directory / "var/mail").write_text("no directory")
        gateway.privilegedStartService()
        error = self.assertRaises(StartError, gateway.startService)
        self.assertIn("transport local: cannot write to ", str(error))
        self.assertIsNone((yield self.banner(port)))

    @inlineCallbacks
    def test_reload(self) -> Any:
        """New sessions follow the new file, on old and new ports; an open one does not."""
        kept, gone, new = free_port(), free_port(), free_port()
        self.configure(kept, gone)
        gateway = self.start()
        client = yield deferToThread(smtplib.SMTP, "127.0.0.1", kept)
        listening = gateway.ports[0].listening
        self.configure(kept, new, hostname="two.test")
        yield gateway.reload()
        self.assertIs(listening, gateway.ports[0].listening)
        self.assertEqual(b"220 two.test ESMTP\r\n", (yield self.banner(kept)))
        self.assertEqual(b"220 two.test ESMTP\r\n", (yield self.banner(new)))
        self.assertIsNone((yield self.banner(gone)))
        _, words = yield deferToThread(client.ehlo, "me")
        self.assertTrue(words.startswith(b"one.test"))
        yield deferToThread(client.quit)

    @inlineCallbacks
    def test_reload_with_errors(self) -> Any:
        """A file with errors changes nothing; all of them are logged."""
        port = free_port()
        self.configure(port)
        gateway = self.start()
        self.configure(port, hostname="two.test", more="limit = {}\nauto = 1\n")
        yield gateway.reload()
        self.assertIn("limit: unknown key, did you mean 'limits'?", self.logged[-1])
        self.assertIn("auto: unknown key, did you mean 'auth'?", self.logged[-1])
        self.assertEqual(b"220 one.test ESMTP\r\n", (yield self.banner(port)))

    @inlineCallbacks
    def test_reload_with_taken_port(self) -> Any:
        """A new port that is taken: the old ports stay, new ones that were bound are closed."""
        port, free = free_port(), free_port()
        self.configure(port)
        gateway = self.start()
        with socket.create_server(("127.0.0.1", 0)) as taken:
            self.configure(free, taken.getsockname()[1], hostname="two.test")
            yield gateway.reload()
        self.assertIn("Address already in use", self.logged[-1])
        self.assertEqual(b"220 one.test ESMTP\r\n", (yield self.banner(port)))
        self.assertIsNone((yield self.banner(free)))

    @inlineCallbacks
    def test_reload_moves_a_port(self) -> Any:
        """A port whose description changes is given up and taken again."""
        port = free_port()
        self.configure(port)
        gateway = self.start()
        text = self.file.read_text().replace("127.0.0.1", "0.0.0.0").replace("one.test", "two.test")
        self.file.write_text(text)
        yield gateway.reload()
        self.assertEqual(b"220 two.test ESMTP\r\n", (yield self.banner(port)))

    @inlineCallbacks
    def test_stop(self) -> Any:
        """A session that waits gets 421; a message that is being taken in is finished."""
        port = free_port()
        self.configure(port)
        gateway = self.start()

        def begin() -> tuple[smtplib.SMTP, smtplib.SMTP]:
            idle, busy = smtplib.SMTP("127.0.0.1", port), smtplib.SMTP("127.0.0.1", port)
            busy.ehlo("me")
            for command in ("MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"):
                busy.docmd(command)
            busy.send(b"Subject: x\r\n\r\nhel")
            return idle, busy

        idle, busy = yield deferToThread(begin)
        stopped = gateway.stopService()

        def end() -> list[Any]:
            replies = [idle.getreply()]
            busy.send(b"lo\r\n.\r\n")
            replies += [busy.getreply(), busy.getreply()]
            idle.close()
            busy.close()
            return replies

        (first, _), (stored, _), (last, _) = yield deferToThread(end)
        yield stopped
        self.assertEqual((421, 250, 421), (first, stored, last))
        (file,) = (self.directory / "var/mail/new").iterdir()
        self.assertTrue(file.read_bytes().endswith(b"Subject: x\r\n\r\nhello\r\n"))
        self.assertIsNone((yield self.banner(port)))

    @inlineCallbacks
    def test_no_tls_here(self) -> Any:
        """A listener with tls = "none" does not offer STARTTLS, its neighbour does."""
        plain, other = free_port(), free_port()
        self.configure(plain, other)
        text = self.file.read_text()
        text = text.replace('127.0.0.1" }', '127.0.0.1", tls = "none" }', 1)
        self.file.write_text(text)
        self.start()

        def offers(port: int) -> bool:
            with smtplib.SMTP("127.0.0.1", port) as client:
                client.ehlo("me")
                return client.has_extn("starttls")

        self.assertEqual(
            (False, True),
            ((yield deferToThread(offers, plain)), (yield deferToThread(offers, other))),
        )

    @inlineCallbacks
    def test_certificate(self) -> Any:
        """The certificate that was made at the first start is what clients get."""
        port = free_port()
        self.configure(port)
        self.start()
        made = self.directory / "var/certificates/default.cert.pem"

        def peer() -> bytes | None:
            context = ssl.create_default_context(cafile=str(made))
            with smtplib.SMTP("127.0.0.1", port) as client:
                client._host = "one.test"  # type: ignore[attr-defined]
                client.starttls(context=context)
                sock: Any = client.sock
                der: bytes | None = sock.getpeercert(True)
                return der

        self.assertEqual(ssl.PEM_cert_to_DER_cert(made.read_text()), (yield deferToThread(peer)))


class AssemblyTests(SynchronousTestCase):
    def test_hooks_are_known(self) -> None:
        """Every hook that scripts can be written for can be configured."""
        self.assertEqual(set(), set(HOOKS) - set(config.Hooks.model_fields))

    def test_everything_at_once(self) -> None:
        """Errors of the configuration and of scripts that it names come in one list."""
        directory = Path(self.mktemp()).absolute()
        (directory / "scripts").mkdir(parents=True)
        (directory / "scripts/proxy.hsl").write_text("$x = ;\n")
        file = directory / "smtpgate.toml"
        text = SERVER.format(hostname="bad name", listeners=PORT.format(25))
        file.write_text(text + '[servers.hooks]\nproxy = "proxy.hsl"\n')
        error = self.assertRaises(Problems, assemble, file)
        first, second = str(error).split("\n")
        self.assertEqual(
            f"{file}:1: hostname: is 'bad name', expected a host name such as 'gw.example.org'",
            first,
        )
        self.assertTrue(second.startswith(f"{directory}/scripts/proxy.hsl:1:6: "), second)
