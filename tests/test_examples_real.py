"""The example policies in real sessions: a server on a port, clients of the standard library."""

from __future__ import annotations

import base64
import hmac
import re
import smtplib
import socket
import time
from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks

from smtpgate.hooks.evaluator import Binding, ScriptPolicy
from smtpgate.hsl.runtime import Environment
from smtpgate.smtp.server import Listener
from tests.support.dialog import hook_of
from tests.support.network import Names
from tests.support.session import EXAMPLES, compiled
from tests.support.smtp import RecordingTransport
from tests.support.sockets import SocketTestCase

MESSAGE = b"Subject: hello\r\n\r\nHello\r\n"
PROXIES = Listener(proxies=(ip_network("127.0.0.0/8"),))


class Client(smtplib.SMTP):
    """A client behind a proxy, which tells its address."""

    def __init__(self, port: int, address: str) -> None:
        self.address = address
        super().__init__("127.0.0.1", port, "client.example.org", timeout=10)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # type: ignore[override]
        found = socket.create_connection((host, port), timeout)
        family = "TCP6" if ":" in self.address else "TCP4"
        server = "2001:db8::25" if ":" in self.address else "192.0.2.25"
        found.sendall(f"PROXY {family} {self.address} {server} 5000 25\r\n".encode())
        return found


class PolicyTests(SocketTestCase):
    """Each of them."""

    def policy(
        self,
        name: str,
        change: tuple[str, str] = ("", ""),
        listener: Listener = PROXIES,
        **records: Any,
    ) -> int:
        """The port of a server with a policy.

        :param change: a part of the script, and what it is instead
        :param listener: what is particular to the port
        """
        source = (EXAMPLES / name).read_text("latin-1").replace(*change)
        hook = hook_of(name)
        self.errors: list[Any] = []
        environment = Environment(reactor)
        environment.resolver = Names(self.records)
        policy = ScriptPolicy(
            {hook: Binding(compiled(source, name, hook))},
            environment,
            "gw.example.org",
            lambda *error: self.errors.append(error),
        )
        port = self.serve(listener, policy, auth_require_tls=False, tls=None, **records)
        self.others = {each: RecordingTransport(reactor, each) for each in ("bulk", "lists")}
        self.server.transports.update(self.others)  # type: ignore[attr-defined]
        return port

    def setUp(self) -> None:
        self.records: dict[tuple[str, str], Any] = {}

    @inlineCallbacks
    def ask(self, work: Callable[[], Any]) -> Any:
        found = yield self.in_thread(work)
        self.assertEqual(self.errors, [])
        return found

    @inlineCallbacks
    def test_quick_start(self) -> Any:
        """The first lines of the documentation, as Python reads them."""
        text = (EXAMPLES.parents[1] / "docs/quickstart.rst").read_text("utf-8")
        first, *more = re.findall(r'^   (?:\$ .*-c "|>>> )(.*?)"?$', text, re.MULTILINE)
        port = self.policy("proxy.hsl", listener=Listener())
        names: dict[str, Any] = {}

        def type_them() -> list[Any]:
            exec(first.replace("2525", str(port)), names)
            with names["server"]:
                return [eval(line, names) for line in more]

        status, refused = yield self.ask(type_them)
        self.assertEqual((250, {}), (status[0], refused))
        self.assertIn(b"2.0.0 server test at", status[1])
        (message,) = self.transport.messages
        self.assertIn(b"It works.", message.octets)

    @inlineCallbacks
    def test_dnsbl(self) -> Any:
        """Who is listed, by IPv4 or IPv6, has no banner; others have."""
        nibbles = "9." + "0." * 23 + "8.b.d.0.1.0.0.2."
        self.records = {
            ("9.2.0.192.bl.example.net", "A"): ("127.0.0.2",),
            (nibbles + "more.example.net", "A"): ("127.0.0.4",),
        }
        port = self.policy("connect/dnsbl.hsl")

        def codes() -> list[int]:
            found = []
            for address in ("192.0.2.9", "2001:db8::9", "192.0.2.8", "2001:db8::8"):
                try:
                    with Client(port, address) as client:
                        found.append(client.noop()[0])
                except smtplib.SMTPConnectError as error:
                    found.append(error.smtp_code)
            return found

        self.assertEqual((yield self.ask(codes)), [554, 554, 250, 250])

    @inlineCallbacks
    def test_greylisting(self) -> Any:
        """Later, then welcome, from another machine of the same network; a friend at once."""
        port = self.policy("rcptto/greylisting.hsl", ("$wait = 60;", "$wait = 0.2;"))

        def code(address: str) -> int:
            with Client(port, address) as client:
                client.ehlo()
                client.mail("jo@example.org")
                return client.rcpt("al@example.com")[0]

        def codes() -> list[int]:
            found = [code("2001:db8::1"), code("10.0.0.1")]
            time.sleep(0.3)
            return [*found, code("2001:db8::2"), code("192.0.2.1")]

        self.assertEqual((yield self.ask(codes)), [451, 250, 250, 451])

    @inlineCallbacks
    def test_rate_limit(self) -> Any:
        """A user has so many messages, whatever connection they come by; strangers have more."""
        port = self.policy("mailfrom/rate-limit.hsl", ("?? 100", "?? 2"))

        def codes() -> list[int]:
            found = []
            for _ in range(3):
                with Client(port, "192.0.2.1") as client:
                    client.login("joe", "secret")
                    found.append(client.mail("joe@example.org")[0])
            with Client(port, "192.0.2.1") as client:
                client.ehlo()
                found.append(client.mail("al@example.org")[0])
            return found

        self.assertEqual((yield self.ask(codes)), [250, 250, 450, 250])

    @inlineCallbacks
    def test_recipients(self) -> Any:
        """Those who are here, and nobody else; who has logged in writes to everybody."""
        port = self.policy("rcptto/recipients.hsl")

        def codes() -> list[Any]:
            with Client(port, "192.0.2.1") as client:
                client.ehlo()
                client.mail("x@example.net")
                names = ("Jo+lists@example.com", "postmaster", "bo@example.com", "al@example.net")
                found = [client.rcpt(name) for name in names]
                client.rset()
                client.login("joe", "secret")
                client.mail("joe@example.org")
                return [*found, client.rcpt("al@example.net")]

        found = yield self.ask(codes)
        self.assertEqual([code for code, _ in found], [250, 250, 550, 550, 250])
        self.assertEqual(found[2][1], b"5.1.1 Nobody here has that name")
        self.assertEqual(found[3][1], b"5.7.1 We take no mail for example.net")

    @inlineCallbacks
    def test_routing(self) -> Any:
        """Mail goes the way of its user, of its recipient, or the server's."""
        port = self.policy("rcptto/routing.hsl", ('"newsletter"', '"joe"'))

        def send() -> None:
            with Client(port, "192.0.2.1") as client:
                everybody = ["dogs@lists.example.com", "al@example.com"]
                client.sendmail("x@example.net", everybody, MESSAGE)
                client.login("joe", "secret")
                client.sendmail("joe@example.org", everybody, MESSAGE)

        yield self.ask(send)
        everywhere = {"local": self.transport, **self.others}
        found = {name: [m.recipients for m in each.messages] for name, each in everywhere.items()}
        self.assertEqual(
            found,
            {
                "local": [["al@example.com"]],
                "lists": [["dogs@lists.example.com"]],
                "bulk": [["dogs@lists.example.com", "al@example.com"]],
            },
        )

    @inlineCallbacks
    def test_cram_md5(self) -> Any:
        """The client of the standard library proves that it knows the password, and another not."""
        port = self.policy("auth/cram-md5.hsl", mechanisms=("CRAM-MD5",))

        def login(password: str) -> tuple[int, bytes]:
            with Client(port, "192.0.2.1") as client:
                client.ehlo()
                client.user, client.password = "printer", password
                try:
                    return client.auth("CRAM-MD5", client.auth_cram_md5)
                except smtplib.SMTPAuthenticationError as error:
                    return error.smtp_code, error.smtp_error  # type: ignore[return-value]

        self.assertEqual((yield self.ask(lambda: login("tanstaaftanstaaf")))[0], 235)
        self.assertEqual((yield self.ask(lambda: login("guess")))[0], 535)

    @inlineCallbacks
    def test_cram_md5_replayed(self) -> Any:
        """A proof for another challenge is none."""
        port = self.policy("auth/cram-md5.hsl", mechanisms=("CRAM-MD5",))

        def replay() -> list[int]:
            with Client(port, "192.0.2.1") as client:
                client.ehlo()
                challenge = base64.b64decode(client.docmd("AUTH", "CRAM-MD5")[1])
                proof = hmac.digest(b"tanstaaftanstaaf", challenge, "md5").hex()
                response = base64.b64encode(f"printer {proof}".encode()).decode()
                codes = [client.docmd("*")[0], client.docmd("AUTH", "CRAM-MD5")[0]]
                return [*codes, client.docmd(response)[0]]

        self.assertEqual((yield self.ask(replay)), [501, 334, 535])

    @inlineCallbacks
    def test_tag_subject(self) -> Any:
        """Mail from elsewhere has the mark, once; a user's has none."""
        port = self.policy("eodonce/tag-subject.hsl")

        def send() -> None:
            with Client(port, "192.0.2.1") as client:
                client.sendmail("x@example.net", "al@example.com", MESSAGE)
                marked = MESSAGE.replace(b"hello", b"Re: [External] hello")
                client.sendmail("x@example.net", "al@example.com", marked)
                client.login("joe", "secret")
                client.sendmail("joe@example.org", "al@example.com", MESSAGE)

        yield self.ask(send)
        subjects = [
            line
            for message in self.transport.messages
            for line in message.octets.split(b"\r\n")
            if line.startswith(b"Subject:")
        ]
        self.assertEqual(
            subjects,
            [
                b"Subject: [External] hello",
                b"Subject: Re: [External] hello",
                b"Subject: hello",
            ],
        )

    def test_every_policy(self) -> None:
        """None of them is forgotten here."""
        tests = {name.removeprefix("test_").replace("_", "-") for name in dir(self)}
        policies = {path.stem for path in EXAMPLES.glob("*/*.hsl")}
        self.assertEqual(policies - tests, set())
