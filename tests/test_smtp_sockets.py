"""Sessions over real sockets and real TLS, driven by other people's clients."""

from __future__ import annotations

import contextlib
import smtplib
import socket
import ssl
from ipaddress import ip_network
from threading import Event
from typing import Any

from scramp import ScramClient
from twisted.internet import defer, reactor, task

from smtpgate.smtp.server import Listener
from smtpgate.smtp.server.policy import Policy
from smtpgate.smtp.session import Connection, Limits
from tests.support.certificates import server_options
from tests.support.sockets import SocketTestCase


class SmtplibTests(SocketTestCase):
    """Python's own client."""

    @defer.inlineCallbacks
    def test_starttls_and_login(self) -> Any:
        """STARTTLS, AUTH PLAIN and a message: what was sent arrives, under the trace header."""
        port = self.serve()

        def work() -> None:
            with smtplib.SMTP("localhost", port, timeout=10) as client:
                client.starttls(context=self.client_context())
                client.login("joe", "secret")
                client.sendmail("a@example.org", ["b@example.org"], "Subject: x\r\n\r\n.dot\r\n")

        yield self.in_thread(work)
        message = self.transport.messages[0]
        header, _, body = message.octets.partition(b"+0000\r\n")
        self.assertEqual(body, b"Subject: x\r\n\r\n.dot\r\n")
        self.assertIn(b" with ESMTPSA id ", header)
        self.assertIn(b"using TLSv1.3 with cipher TLS_AES_", header)
        self.assertIn("tls_started", self.observer.names())

    @defer.inlineCallbacks
    def test_implicit_tls(self) -> Any:
        """TLS from the first octet."""
        port = self.serve(Listener(implicit_tls=True))

        def work() -> list[bytes]:
            context = self.client_context()
            with smtplib.SMTP_SSL("localhost", port, timeout=10, context=context) as client:
                heard = [client.ehlo()[1], client.docmd("AUTH", "LOGIN am9l")[1]]
                client.docmd("*")
                return heard

        hello, prompt = yield self.in_thread(work)
        self.assertNotIn(b"STARTTLS", hello)
        self.assertIn(b"AUTH PLAIN LOGIN SCRAM-SHA-256\n", hello + b"\n")
        self.assertEqual(prompt, b"UGFzc3dvcmQ6")

    @defer.inlineCallbacks
    def test_external(self) -> Any:
        """A verified client certificate is offered EXTERNAL, and says who it is."""
        port = self.serve(tls=server_options(verify_clients=True))

        def work() -> tuple[bytes, int]:
            with smtplib.SMTP("localhost", port, timeout=10) as client:
                client.starttls(context=self.client_context("joe", "joe@example.org"))
                hello = client.ehlo()[1]
                return hello, client.docmd("AUTH", "EXTERNAL am9l")[0]

        hello, code = yield self.in_thread(work)
        self.assertIn(b"EXTERNAL", hello)
        self.assertEqual(code, 235)
        connection = self.observer.of("authenticated")[0][0]
        self.assertEqual((connection.username, connection.mechanism), ("joe", "EXTERNAL"))
        self.assertTrue(connection.tls.peer_verified)

    @defer.inlineCallbacks
    def test_scram(self) -> Any:
        """SCRAM-SHA-256 with a real client: both sides prove that they know the password."""
        port = self.serve()

        def attempt(name: str, password: str) -> int:
            with smtplib.SMTP("localhost", port, timeout=10) as client:
                client.starttls(context=self.client_context())
                client.ehlo()
                scram = ScramClient(["SCRAM-SHA-256"], name, password)

                def answer(challenge: bytes | None = None) -> str:
                    if not challenge:
                        return scram.get_client_first()
                    message = challenge.decode()
                    if message.startswith("r="):
                        scram.set_server_first(message)
                        return scram.get_client_final()
                    scram.set_server_final(message)
                    return ""

                try:
                    return client.auth("SCRAM-SHA-256", answer)[0]
                except smtplib.SMTPAuthenticationError as error:
                    return error.smtp_code

        codes = []
        for name, password in (("joe", "secret"), ("joe", "wrong"), ("nobody", "secret")):
            codes.append((yield self.in_thread(lambda n=name, p=password: attempt(n, p))))
        self.assertEqual(codes, [235, 535, 535])

    @defer.inlineCallbacks
    def test_proxy_header_with_the_handshake(self) -> Any:
        """PROXY header and ClientHello in one segment."""
        port = self.serve(Listener(implicit_tls=True, proxies=(ip_network("127.0.0.0/8"),)))

        def work() -> bytes:
            context = self.client_context()
            incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
            tls = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                pending = b"PROXY TCP4 198.51.100.7 10.0.0.1 5000 25\r\n"
                while True:
                    try:
                        banner = tls.read(1000)
                        return banner
                    except ssl.SSLWantReadError:
                        plain.sendall(pending + outgoing.read())
                        pending = b""
                        incoming.write(plain.recv(10000))

        banner = yield self.in_thread(work)
        self.assertEqual(banner, b"220 gw.example.org ESMTP\r\n")
        self.assertEqual(self.observer.of("connected")[0][0].peer_ip, "198.51.100.7")


class AttackTests(SocketTestCase):
    """Clients that do not play by the rules."""

    @defer.inlineCallbacks
    def test_starttls_injection(self) -> Any:
        """What is sent behind STARTTLS in clear is never run, neither before TLS nor inside."""
        port = self.serve()

        def work() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                plain.recv(1000)
                plain.sendall(b"EHLO me\r\nSTARTTLS\r\nNOOP\r\nMAIL FROM:<evil@example.org>\r\nRC")
                heard = b""
                while b"220 2.0.0" not in heard:
                    heard += plain.recv(10000)
                with self.client_context().wrap_socket(
                    plain, server_hostname="localhost"
                ) as secure:
                    secure.sendall(b"RCPT TO:<a@example.org>\r\nEHLO me\r\nQUIT\r\n")
                    heard = b""
                    while octets := secure.recv(10000):
                        heard += octets
                    return heard

        heard = yield self.in_thread(work)
        self.assertTrue(heard.startswith(b"503 5.5.1 Say EHLO or HELO first\r\n250-gw."), heard)
        self.assertEqual(self.transport.begun, [])

    @defer.inlineCallbacks
    def test_silent_tls_peer(self) -> Any:
        """A TLS client that has sent more and never answers the close is cut off in the end."""
        port = self.serve(limits=Limits(close_timeout=0.2))
        release = Event()
        self.addCleanup(release.set)

        def work() -> None:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                plain.recv(1000)
                plain.sendall(b"STARTTLS\r\n")
                plain.recv(1000)
                with self.client_context().wrap_socket(
                    plain, server_hostname="localhost"
                ) as secure:
                    secure.sendall(b"QUIT\r\nNOOP\r\n")
                    secure.recv(1000)
                    release.wait(10)  # neither reads nor closes

        silent = self.in_thread(work)
        while "tls_started" not in self.observer.names():
            yield task.deferLater(reactor, 0.01, lambda: None)
        yield self.factory.sessions.emptied()
        self.assertFalse(release.is_set())
        self.assertEqual(self.observer.of("closed")[0][1], "quit")
        release.set()
        yield silent

    @defer.inlineCallbacks
    def test_last_words_in_tls(self) -> Any:
        """What is said last is read whole, and TLS says that no more comes, however it ends."""
        port = self.serve(Listener(implicit_tls=True), limits=Limits(errors=1))

        def work(last: bytes) -> bytes:
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            with self.client_context().wrap_socket(
                plain, server_hostname="localhost", suppress_ragged_eofs=False
            ) as secure:
                secure.recv(1000)
                secure.sendall(last)
                heard = b""
                while octets := secure.recv(10000):
                    heard += octets
                return heard

        bye = b"221 2.0.0 gw.example.org Goodbye\r\n"
        self.assertEqual((yield self.in_thread(lambda: work(b"QUIT\r\n"))), bye)
        much = b"NOOP " + b"x" * 400 + b"\r\n"
        self.assertEqual((yield self.in_thread(lambda: work(b"QUIT\r\n" + much * 50))), bye)
        heard = yield self.in_thread(lambda: work(b"NONSENSE\r\n" + much * 50))
        self.assertEqual((heard[:4], heard.count(b"\r\n")), (b"421 ", 1))

    @defer.inlineCallbacks
    def test_deaf_in_tls(self) -> Any:
        """A TLS client that does not read its replies is not read from either."""
        port = self.serve(Listener(implicit_tls=True), limits=Limits(commands=0))
        release = Event()
        self.addCleanup(release.set)

        def work() -> None:
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            context = self.client_context()
            with context.wrap_socket(plain, server_hostname="localhost") as secure:
                secure.recv(1000)
                secure.settimeout(0.5)
                with contextlib.suppress(TimeoutError):
                    while not release.is_set():
                        secure.sendall(b"EHLO me\r\n" * 1000)
                release.wait(10)

        deaf = self.in_thread(work)
        while not any(session.write_paused for session in self.factory.sessions):
            yield task.deferLater(reactor, 0.01, lambda: None)
        yield task.deferLater(reactor, 0.2, lambda: None)
        [session] = self.factory.sessions
        self.assertTrue(session.write_paused)
        self.assertTrue(session.paused)
        plug = session.transport.transport
        unsent = len(plug.dataBuffer) - plug.offset + plug._tempDataLen
        self.assertGreater(unsent, 0)
        self.assertLess(unsent + len(session.lines), 512 * 1024)
        release.set()
        yield deaf

    @defer.inlineCallbacks
    def test_stalled_handshake(self) -> Any:
        """A handshake that never comes does not stay."""
        port = self.serve(Listener(implicit_tls=True), limits=Limits(handshake_timeout=0.2))

        def work() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                try:
                    return plain.recv(100)
                except ConnectionResetError:
                    return b""

        self.assertEqual((yield self.in_thread(work)), b"")

    @defer.inlineCallbacks
    def test_no_tls_at_all(self) -> Any:
        """Clear text where TLS is wanted ends the connection, with no banner, and is told."""
        port = self.serve(Listener(implicit_tls=True))

        def work() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                plain.sendall(b"EHLO me\r\n")
                heard = b""
                try:
                    while octets := plain.recv(100):
                        heard += octets
                except ConnectionResetError:
                    pass
                return heard

        self.assertNotIn(b"220", (yield self.in_thread(work)))
        yield self.factory.sessions.emptied()
        self.assertEqual(self.observer.of("closed")[0][1], "TLS failed: wrong version number")

    @defer.inlineCallbacks
    def test_certificate_refused(self) -> Any:
        """A client that does not trust the certificate says so, and that is told."""
        port = self.serve()

        def work() -> None:
            with smtplib.SMTP("localhost", port, timeout=10) as client:
                with self.assertRaises(ssl.SSLCertVerificationError):
                    client.starttls(context=ssl.create_default_context())
                client.close()

        yield self.in_thread(work)
        yield self.factory.sessions.emptied()
        self.assertEqual(self.observer.of("closed")[0][1], "TLS failed: tlsv1 alert unknown ca")

    @defer.inlineCallbacks
    def test_reset(self) -> Any:
        """A client that resets while a script runs cancels it."""
        cancelled: defer.Deferred[None] = defer.Deferred()

        class Slow(Policy):
            def wants_command(self, connection: Connection, line: bytes) -> bool:
                return True

            def command(self, connection: Connection, line: bytes) -> Any:
                return defer.Deferred(lambda _: cancelled.callback(None))

        port = self.serve(policy=Slow())

        def work() -> None:
            plain = socket.create_connection(("127.0.0.1", port), timeout=10)
            plain.recv(1000)
            plain.sendall(b"NOOP\r\n")
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            plain.close()

        yield self.in_thread(work)
        yield cancelled

    @defer.inlineCallbacks
    def test_half_close(self) -> Any:
        """A client that sends all and shuts its side gets all its replies."""
        port = self.serve()

        def work() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
                plain.sendall(b"EHLO me\r\nNOOP\r\nVRFY x\r\n")
                plain.shutdown(socket.SHUT_WR)
                heard = b""
                while octets := plain.recv(10000):
                    heard += octets
                return heard

        heard = yield self.in_thread(work)
        self.assertTrue(
            heard.endswith(b"252 2.5.0 Cannot verify, but will take a message and try\r\n")
        )
