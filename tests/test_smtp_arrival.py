"""The door of a session: PROXY headers, TLS from the start, early talkers."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import Listener
from smtpgate.smtp.server.policy import Accept, Policy
from smtpgate.smtp.session import Connection
from tests.support.policies import limits
from tests.support.smtp import Client, Wire


class DoorTests(SynchronousTestCase):
    """What comes before the banner."""

    def test_greeting_delay(self) -> None:
        """The banner waits; who waits too is welcome."""
        client = Client(**limits(greeting_delay=5))
        self.assertEqual(client.banner, "")
        self.assertEqual(client.wait(5), "220 gw.example.org ESMTP\n")
        self.assertEqual(client.say("NOOP"), "250 2.0.0 OK\n")

    def test_early_talker(self) -> None:
        """Who speaks first is turned away."""
        client = Client(**limits(greeting_delay=5))
        self.assertEqual(
            client.say("EHLO me"),
            "554 5.5.1 gw.example.org Protocol error, wait for the greeting\n",
        )
        self.assertTrue(client.closed)
        self.assertEqual(client.wait(5), "")

    def test_early_talker_while_connect_decides(self) -> None:
        """So is who speaks while the policy still thinks about the connection."""
        decision: Deferred[None] = Deferred()

        class Slow(Policy):
            def connect(self, connection: Connection) -> Any:
                return decision

        client = Client(Slow(), **limits(greeting_delay=5))
        client.say("EHLO me")
        decision.callback(None)
        self.assertTrue(client.heard().startswith("554 5.5.1 gw.example.org Protocol error"))
        self.assertTrue(client.closed)

    def test_leaving_at_the_door(self) -> None:
        """A client that leaves before its banner leaves nothing behind."""
        client = Client(**limits(greeting_delay=5))
        client.leave()
        self.assertEqual(client.clock.getDelayedCalls(), [])
        self.assertEqual(client.server.admission.sessions, 0)

    def test_proxy_with_a_unix_client(self) -> None:
        """A client of the proxy's at a UNIX socket has no address."""
        client = self.proxied()
        signature = b"\r\n\r\n\0\r\nQUIT\n"
        client.send(signature + b"\x21\x31" + (216).to_bytes(2, "big") + bytes(216))
        self.assertEqual(client.heard(), "220 gw.example.org ESMTP\n")
        self.assertEqual((client.connection.peer_ip, client.connection.peer_port), ("", 0))

    def test_failing_connect(self) -> None:
        """A policy that fails at the door ends the session with 421."""

        class Bad(Policy):
            def connect(self, connection: Connection) -> Any:
                raise ValueError("oops")

        client = Client(Bad())
        self.assertEqual(client.banner, "421 4.3.0 gw.example.org Temporary local problem\n")
        self.assertTrue(client.closed)

    def test_failing_tls(self) -> None:
        """TLS that cannot be started ends the connection without words in clear."""
        client = Client(listener=Listener(implicit_tls=True), connect=False)

        def fail(wire: Wire, options: Any) -> None:
            raise ValueError("no certificate")

        self.patch(Wire, "start_tls", fail)
        client.connect()
        self.assertEqual(client.banner, "")
        self.assertTrue(client.wire.aborted)
        self.assertEqual(str(client.observer.of("trouble")[0][2].value), "no certificate")

    def test_failing_goodbye(self) -> None:
        """A policy that fails when told of the end does not keep the session."""

        class Bad(Policy):
            def closed(self, connection: Connection) -> None:
                raise ValueError("oops")

        client = Client(Bad())
        client.leave()
        self.assertEqual(client.observer.names()[-2:], ["trouble", "closed"])
        self.assertEqual(client.server.admission.sessions, 0)

    def test_connect_refuses(self) -> None:
        """The policy may turn a client away."""

        class No(Policy):
            def connect(self, connection: Connection) -> Reply:
                return Reply(554, ("no",), (5, 7, 1))

        client = Client(No())
        self.assertEqual(client.banner, "554 5.7.1 no\n")
        self.assertTrue(client.closed)
        client.leave()
        self.assertEqual(client.observer.of("closed"), [(client.connection, "replied 554 no")])

    def test_connect_accepts_with_words(self) -> None:
        """The policy may choose the banner, the address and its name."""

        class Words(Policy):
            def connect(self, connection: Connection) -> Accept:
                return Accept(
                    Reply(220, ("welcome",)), peer_ip="198.51.100.7", peer_ptr="c.example"
                )

        client = Client(Words())
        self.assertEqual(client.banner, "220 welcome\n")
        self.assertEqual(
            (client.connection.peer_ip, client.connection.peer_ptr), ("198.51.100.7", "c.example")
        )
        self.assertEqual(client.connection.client_ip, "192.0.2.1")

    def proxied(self, **values: Any) -> Client:
        return Client(listener=Listener(proxies=(ip_network("192.0.2.0/24"),), **values))

    def test_proxy_header(self) -> None:
        """The banner comes after the header, and the session has the header's addresses."""
        client = self.proxied()
        self.assertEqual(client.banner, "")
        client.send(b"PROXY TCP4 198.51.100.7 10.0.0.1 5000 25\r\nEHLO me\r\n")
        self.assertTrue(client.heard().startswith("220 gw.example.org ESMTP\n250-gw.example.org\n"))
        connection = client.connection
        self.assertEqual(
            (connection.peer_ip, connection.peer_port, connection.local_ip, connection.local_port),
            ("198.51.100.7", 5000, "10.0.0.1", 25),
        )
        self.assertEqual(connection.proxy_ip, "192.0.2.1")

    def test_proxy_header_octet_by_octet(self) -> None:
        """However the header is cut."""
        client = self.proxied()
        for octet in b"PROXY UNKNOWN\r\n":
            self.assertEqual(client.heard(), "")
            client.send(bytes([octet]))
        self.assertEqual(client.heard(), "220 gw.example.org ESMTP\n")
        self.assertEqual(client.connection.peer_ip, "192.0.2.1")

    def test_bad_proxy_header(self) -> None:
        """What is no header closes without a word."""
        client = self.proxied()
        client.send(b"EHLO me\r\n")
        self.assertEqual(client.heard(), "")
        self.assertTrue(client.wire.aborted)
        self.assertEqual(
            client.observer.of("refused"),
            [(client.connection, "PROXY header: the connection does not begin with one")],
        )

    def test_missing_proxy_header(self) -> None:
        """A proxy that says nothing is cut off."""
        client = self.proxied()
        client.wait(30)
        self.assertTrue(client.wire.aborted)

    def test_no_proxy(self) -> None:
        """A client that is no proxy has no header to send, and none is believed."""
        client = Client(listener=Listener(proxies=(ip_network("10.0.0.0/8"),)))
        self.assertEqual(client.banner, "220 gw.example.org ESMTP\n")
        self.assertEqual(
            client.say("PROXY TCP4 1.2.3.4 1.2.3.4 1 2"), "500 5.5.1 Command not recognised\n"
        )

    def test_implicit_tls(self) -> None:
        """TLS comes before the banner, and is not offered again."""
        client = Client(listener=Listener(implicit_tls=True), tls=object())
        self.assertEqual((client.banner, len(client.wire.tls)), ("", 1))
        self.assertEqual(client.handshake(), "220 gw.example.org ESMTP\n")
        self.assertNotIn("STARTTLS", client.say("EHLO me"))
        self.assertEqual(client.say("STARTTLS"), "503 5.5.1 TLS is active already\n")

    def test_proxy_then_tls(self) -> None:
        """The header comes in clear, in front of the handshake."""
        client = self.proxied(implicit_tls=True)
        self.assertEqual(client.wire.tls, [])
        client.send(b"PROXY TCP4 198.51.100.7 10.0.0.1 5000 25\r\n")
        self.assertEqual(len(client.wire.tls), 1)
        self.assertEqual(client.handshake(), "220 gw.example.org ESMTP\n")

    def test_unix_peer(self) -> None:
        """A client at a UNIX socket has no address, and a session all the same."""
        client = Client(peer=UNIXAddress(b"/run/x"))
        self.assertIn("250-PIPELINING", client.say("EHLO me"))
        self.assertEqual(client.connection.peer_ip, "")
        client.say("MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", ".")
        self.assertIn(b"from me (local)", client.transport.messages[0].octets)
