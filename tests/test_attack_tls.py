"""TLS: injection into STARTTLS on both sides, and everything that is no handshake."""

from __future__ import annotations

import random
import socket
import ssl
import struct
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from OpenSSL import SSL
from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.server import Listener
from smtpgate.smtp.session import Limits
from smtpgate.tls import ServerTLS, load_credential, self_signed
from smtpgate.transports.clienttls import ClientTLS
from tests.support.certificates import authority, server_options
from tests.support.nexthop import Raw
from tests.support.relaying import RelayCase, relay_to
from tests.support.smtp import Client, portal
from tests.support.sockets import SocketTestCase

NO_HOST = "451 4.4.1 No next hop can be reached, try again later"
#: Commands that would be somebody's, if they were run inside TLS.
INJECTED = (
    b"NOOP\r\n",
    b"EHLO evil\r\n",
    b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nevil\r\n.\r\n",
    b"BDAT 3 LAST\r\nabc",
    b"AUTH PLAIN\r\nAGpvZQBzZWNyZXQ=\r\n",
    b"QUIT\r\n",
    b"RS",
    b"\r\n",
    b"x" * 5000,
    b"\x16\x03\x01",
)


class CommandInjectionTests(SynchronousTestCase):
    """CVE-2011-0411 and its like: words in clear that are run inside TLS."""

    def client(self, **values: Any) -> Client:
        return Client(
            tls=object(),
            portal=portal(joe="secret"),
            mechanisms=("PLAIN",),
            auth_require_tls=False,
            **values,
        )

    def test_behind_starttls(self) -> None:
        """Whatever comes behind STARTTLS is dropped: nothing is answered, run or kept."""
        for injected in INJECTED:
            for cut in (1, 9, 10, 11, len(injected) + 10):
                client = self.client()
                client.say("EHLO me")
                stream = b"STARTTLS\r\n" + injected
                client.send(stream[:cut])
                client.send(stream[cut:])
                said = client.heard()
                if cut >= 10:
                    # The transport takes what comes later for TLS; here it comes to us.
                    client.protocol.lines.clear()
                self.assertEqual("220 2.0.0 Ready to start TLS\n", said)
                self.assertEqual("", client.handshake(), injected)
                self.assertEqual("250 2.0.0 OK\n", client.say("NOOP"), injected)
                self.assertEqual([], client.transport.begun)
                self.assertIsNone(client.connection.username)

    def test_behind_pending_starttls(self) -> None:
        """Also when STARTTLS itself had to wait in the queue."""
        client = self.client()
        client.send(b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nSTARTTLS\r\nRCPT TO:<c@d.example>\r\n")
        self.assertTrue(client.heard().endswith("\n220 2.0.0 Ready to start TLS\n"))
        client.handshake()
        self.assertEqual("503 5.5.1 Say EHLO or HELO first\n", client.say("RCPT TO:<c@d.example>"))

    def test_amid_a_message(self) -> None:
        """STARTTLS inside a message is text, amid chunks it is refused."""
        client = self.client()
        client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "STARTTLS", ".")
        self.assertEqual([], client.wire.tls)
        client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        client.send(b"BDAT 1\r\nxSTARTTLS\r\n")
        self.assertIn("503 5.5.1", client.heard())
        self.assertEqual([], client.wire.tls)

    def test_amid_auth(self) -> None:
        """STARTTLS as an answer to a challenge is a bad answer."""
        client = self.client()
        client.say("EHLO me", "AUTH PLAIN")
        self.assertEqual("501 5.5.2 Cannot decode the response\n", client.say("STARTTLS"))
        self.assertEqual([], client.wire.tls)

    def test_twice(self) -> None:
        """There is no TLS inside TLS."""
        client = self.client()
        client.say("STARTTLS")
        client.handshake()
        self.assertEqual("503 5.5.1 TLS is active already\n", client.say("STARTTLS"))
        self.assertEqual(1, len(client.wire.tls))


class ReplyInjectionTests(RelayCase):
    """CVE-2021-38371 and its like: words in clear that are believed inside TLS."""

    @defer.inlineCallbacks
    def test_behind_the_answer(self) -> Any:
        """Replies that are added in clear, in front of a good handshake, end the connection."""
        tls = server_options()
        for injected in (
            b"",
            b"250 2.0.0 evil\r\n",
            b"250-evil\r\n250 AUTH PLAIN\r\n",
            b"2",
            b"\r\n",
            b"354 go\r\n250 taken\r\n",
        ):
            hop = self.hop({"STARTTLS": partial(self.add, tls, injected)})
            hop.extensions = ("STARTTLS",)
            relay = relay_to(("localhost", hop.number), tls=self.trusting(), mode="required")
            client = yield self.gateway(relay).connect()
            replies = yield client.send()
            if injected:
                self.assertEqual([NO_HOST], replies, injected)
                self.assertEqual(["EHLO gw.example.org", "STARTTLS"], hop.commands)
                self.assertEqual([], hop.messages)
            else:
                self.assertEqual("250", replies[-1][:3])

    def trusting(self) -> ClientTLS:
        file = Path(self.mktemp())
        file.write_bytes(authority().certificate)
        return ClientTLS("required", file)

    def add(self, tls: Any, octets: bytes, session: Any, line: str) -> Any:
        """Ready for TLS, and more in the same segment."""
        session.transport.write(b"220 2.0.0 ready\r\n" + octets)
        session.transport.startTLS(tls)
        session.tls = True
        return Raw(b"")


def hello() -> bytes:
    """A whole ClientHello."""
    outgoing = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(
        ssl.MemoryBIO(), outgoing, server_hostname="gw.test"
    )
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def malformed() -> list[bytes]:
    """Octets that are no handshake, from nearly right to nonsense."""
    whole = hello()
    dice = random.Random(4)
    found = [
        b"EHLO me\r\nQUIT\r\n",
        b"GET / HTTP/1.0\r\n\r\n",
        b"\x80\x2e\x01\0\x02" + bytes(50),  # SSL 2
        b"\x16\x03\x00" + whole[3:],  # SSL 3
        b"\x15\x03\x01\0\x02\x02\x28",  # an alert
        b"\x17\x03\x03\0\x05hello",  # data before the handshake
        b"\x14\x03\x03\0\x01\x01",  # ChangeCipherSpec at once
        b"\x16\x03\x01\xff\xff" + bytes(70_000),  # a record too large
        b"\x16\x03\x01\0\0" * 1000,  # empty records
        b"\x16\x03\x01\0\x04\x01\xff\xff\xff" + bytes(1000),  # a ClientHello of 16 MB
        b"\x18\x03\x02\0\x03\x01\x40\0",  # Heartbleed
        whole + whole,
        whole[:-1] + b"\xff" * 1000,
        dice.randbytes(5000),
        bytes(5000),
    ]
    for _ in range(20):
        broken = bytearray(whole)
        for _ in range(dice.randint(1, 8)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        found.append(bytes(broken))
    found += [whole[:at] for at in (1, 4, 5, 9, 43, len(whole) // 2, len(whole) - 1)]
    return found


class HandshakeTests(SocketTestCase):
    """On a real socket with real TLS: each ends soon, and none is reported as our trouble."""

    LIMITS = Limits(handshake_timeout=0.3, close_timeout=0.3)

    def attack(self, port: int, octets: bytes, starttls: bool, hang: bool) -> bytes:
        """What the server says in clear before it closes; it must close."""
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            if starttls:
                client.recv(1000)
                client.sendall(b"STARTTLS\r\n")
                client.recv(1000)
            heard = b""
            try:
                client.sendall(octets)
                if not hang:
                    client.shutdown(socket.SHUT_WR)
                while received := client.recv(10_000):
                    heard += received
            except ConnectionError:
                pass
            return heard

    @defer.inlineCallbacks
    def check(self, starttls: bool) -> Any:
        port = self.serve(Listener(implicit_tls=not starttls), limits=self.LIMITS)
        for number, octets in enumerate(malformed()):
            heard = yield self.in_thread(
                lambda octets=octets, hang=number % 2 == 0: self.attack(
                    port, octets, starttls, hang
                )
            )
            for word in (b"220 gw.", b"250-gw", b"421 4.", b"500 5.", b"503 5."):
                self.assertNotIn(word, heard, octets)
        yield self.factory.sessions.emptied()
        self.assertEqual([], self.observer.of("trouble"))
        self.assertEqual([], self.transport.begun)
        self.assertEqual(0, self.server.admission.sessions)
        self.assertEqual([], self.flushLoggedErrors())

    def test_implicit(self) -> Any:
        """From the first octet on."""
        return self.check(False)

    def test_starttls(self) -> Any:
        """Behind STARTTLS."""
        return self.check(True)

    @defer.inlineCallbacks
    def test_cut_off(self) -> Any:
        """TLS that is cut off without its end, amid a message, is a client that has left."""
        port = self.serve(Listener(implicit_tls=True))

        def work(finish: Callable[[ssl.SSLSocket], None]) -> None:
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            secure = self.client_context().wrap_socket(plain, server_hostname="localhost")
            secure.recv(1000)
            secure.sendall(
                b"EHLO me\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nx"
            )
            finish(secure)

        def reset(secure: ssl.SSLSocket) -> None:
            secure.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            secure.close()

        def garbage(secure: ssl.SSLSocket) -> None:
            raw = socket.socket(fileno=secure.detach())
            raw.settimeout(10)
            raw.sendall(b"\r\n.\r\nin clear" * 100)
            try:
                while raw.recv(10_000):
                    pass
            except ConnectionError:
                pass
            raw.close()

        for finish in (reset, garbage, ssl.SSLSocket.close):
            yield self.in_thread(lambda finish=finish: work(finish))
            yield self.factory.sessions.emptied()
        self.assertEqual([], self.transport.messages)
        self.assertEqual([], self.observer.of("trouble"))
        self.assertEqual([], self.flushLoggedErrors())

    @defer.inlineCallbacks
    def test_renegotiation(self) -> Any:
        """TLS 1.2 is not negotiated again: no client can make us compute for nothing."""
        certificate, key, _ = self_signed(Path(self.mktemp()), "default", "localhost")
        credential = load_credential("default", certificate, key)
        port = self.serve(Listener(implicit_tls=True), tls=ServerTLS([credential]))

        def work() -> str:
            context = SSL.Context(SSL.TLS_CLIENT_METHOD)
            context.set_max_proto_version(SSL.TLS1_2_VERSION)
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            plain.setblocking(True)
            connection = SSL.Connection(context, plain)
            connection.set_connect_state()
            connection.do_handshake()
            connection.recv(1000)
            before = connection.total_renegotiations()
            connection.renegotiate()
            try:
                connection.do_handshake()
                connection.send(b"NOOP\r\n")
                connection.recv(100)
            except SSL.Error as error:
                return f"{before} {type(error).__name__}"
            finally:
                plain.close()
            return f"{connection.total_renegotiations()} renegotiated"

        outcome = yield self.in_thread(work)
        self.assertTrue(outcome.startswith("0 "), outcome)
        self.assertNotIn("renegotiated", outcome)
