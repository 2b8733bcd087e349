"""Floods and slow ones: what a client can cost is bounded, whatever it does."""

from __future__ import annotations

import socket
import time
from ipaddress import ip_network
from threading import Event
from typing import Any

from twisted.internet import defer, reactor, task
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.protocol import TURN
from smtpgate.smtp.server import Listener
from smtpgate.smtp.server.policy import Policy
from smtpgate.smtp.session import Connection, Limits
from tests.support.smtp import Client, portal
from tests.support.sockets import SocketTestCase

ENVELOPE = ("EHLO me", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>")


class CommandTests(SynchronousTestCase):
    """More commands than anybody needs."""

    def test_commands(self) -> None:
        """The limit on commands ends the session; what is behind it does not run."""
        client = Client(limits=Limits(commands=100))
        client.send(b"NOOP\r\n" * 5000)
        heard = client.heard().splitlines()
        self.assertEqual(101, len(heard))
        self.assertEqual("421 4.7.0 gw.example.org Too many commands", heard[-1])
        self.assertTrue(client.closed)

    def test_turns(self) -> None:
        """One flood at a time runs some lines only, then the others have their turn."""
        client = Client()
        client.send(b"NOOP\r\n" * (3 * TURN))
        self.assertEqual(TURN, client.heard().count("250 "))
        self.assertEqual(2 * TURN, client.wait(0).count("250 "))
        client.send(b"NOOP\r\n" * (3 * TURN))
        client.leave()
        self.assertEqual([], [call for call in client.clock.getDelayedCalls() if call.active()])

    def test_turns_of_one_octet(self) -> None:
        """Octets that come one by one do not outrun the queue, and none is lost."""
        client = Client()
        for octet in b"NOOP\r\n" * (2 * TURN):
            client.send(bytes([octet]))
        self.assertEqual(2 * TURN, client.wait(0).count("250 "))

    def test_recipients(self) -> None:
        """Recipients beyond the limit are refused one by one, and not kept."""
        client = Client(limits=Limits(recipients=10))
        client.say(*ENVELOPE[:2])
        heard = client.say(*(f"RCPT TO:<u{n}@d.example>" for n in range(100))).splitlines()
        self.assertEqual(["250"] * 10 + ["452"] * 90, [line[:3] for line in heard])
        self.assertEqual(10, len(client.connection.transaction.recipients))

    def test_transactions(self) -> None:
        """Transactions that are begun and given up leave nothing behind."""
        client = Client()
        for _ in range(500):
            client.say(*ENVELOPE)
            client.say("RSET")
        self.assertEqual(500, client.transport.aborted)

    def test_messages(self) -> None:
        """So many messages, then another connection."""
        client = Client(limits=Limits(messages=2))
        client.say("EHLO me")
        heard = ""
        for _ in range(3):
            heard = client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", ".")
        self.assertEqual("452 4.5.3 Too many messages on this connection", heard.split("\n")[0])

    def test_chunks_of_nothing(self) -> None:
        """Empty chunks count as commands."""
        client = Client(limits=Limits(commands=1000))
        client.say(*ENVELOPE)
        client.send(b"BDAT 0\r\n" * 2000)
        client.wait(0)
        self.assertTrue(client.closed)
        self.assertEqual(1, client.transport.aborted)

    def test_queue_behind_a_slow_one(self) -> None:
        """While a script runs, a flood waits in the socket, not in memory."""

        class Slow(Policy):
            def wants_command(self, connection: Connection, line: bytes) -> bool:
                return True

            def command(self, connection: Connection, line: bytes) -> Any:
                return Deferred()

        client = Client(Slow(), limits=Limits(backlog=65_536))
        client.say("NOOP")
        sent = 0
        while client.wire.producerState == "producing":
            client.send(b"x" * 16_384)
            sent += 16_384
        self.assertEqual(65_536, sent)


class OversizeTests(SynchronousTestCase):
    """Everything too long."""

    def test_endless_line(self) -> None:
        """100 MB without a line end: one answer, and nothing is kept."""
        client = Client()
        block = b"A" * 65_536
        for _ in range(1600):
            client.send(block)
            self.assertLess(len(client.protocol.lines), 70_000)
        self.assertEqual("500 5.5.2 Line too long\n", client.heard())

    def test_endless_response(self) -> None:
        """The same in AUTH: the exchange ends, the line is no command."""
        client = Client(portal=portal(joe="x"), mechanisms=("PLAIN",), auth_require_tls=False)
        client.say("EHLO me", "AUTH PLAIN")
        for _ in range(100):
            client.send(b"A" * 10_000)
        self.assertEqual("500 5.5.6 Authentication exchange line is too long\n", client.heard())
        self.assertEqual("250 2.0.0 OK\n", client.say("", "NOOP"))

    def test_message(self) -> None:
        """A message beyond the limit is read to its end, thrown away as it comes, and refused."""
        client = Client(limits=Limits(message_size=1000))
        client.say(*ENVELOPE, "DATA")
        for _ in range(1000):
            client.send(b"x" * 998 + b"\r\n")
        self.assertLess(len(client.transport.begun[0].octets), 2000)
        self.assertEqual("aborted", client.transport.begun[0].state)
        self.assertEqual("552 5.3.4 Message too large\n250 2.0.0 OK\n", client.say(".", "NOOP"))

    def test_declared(self) -> None:
        """One that says so is refused before it comes, a chunk too."""
        client = Client(limits=Limits(message_size=1000))
        client.say("EHLO me")
        self.assertEqual("552 5.3.4", client.say("MAIL FROM:<a@b> SIZE=1001")[:9])
        self.assertIn("501 5.5.4", client.say("MAIL FROM:<a@b> SIZE=" + "9" * 30))
        client.say(*ENVELOPE[1:])
        client.send(b"BDAT 1001\r\n")
        client.send(b"x" * 1001)
        self.assertEqual("552 5.3.4 Message too large\n", client.heard())
        self.assertEqual(b"", client.transport.begun[0].octets)

    def test_chunk_without_end(self) -> None:
        """A chunk of 10^20 octets ends with the time of a message."""
        client = Client(limits=Limits(message_timeout=100, data_timeout=30, close_timeout=1))
        client.say(*ENVELOPE)
        client.send(b"BDAT 99999999999999999999 LAST\r\n")
        for _ in range(9):
            client.send(b"x" * 65_536)
            self.assertEqual("", client.wait(10))
        client.send(b"x")
        self.assertEqual("421 4.4.2 gw.example.org Timeout, closing connection\n", client.wait(10))
        self.assertEqual(0, len(client.protocol.lines))

    def test_arguments(self) -> None:
        """Names, addresses and parameters beyond their limits are refused, one answer each."""
        client = Client(limits=Limits(errors=0))
        client.say("EHLO me")
        self.assertIn("501", client.say("EHLO " + "a" * 256))
        for line in (
            "MAIL FROM:<" + "a" * 65 + "@b.example>",
            "MAIL FROM:<a@" + "b." * 127 + "example>",
            "MAIL FROM:<a@" + "b" * 64 + ".example>",
            'MAIL FROM:<"' + "a" * 1000 + '"@b>',
            "MAIL FROM:<a@b> ENVID=" + "x" * 200,
            "MAIL FROM:<a@b>" + " SIZE=1" * 100,
            "MAIL FROM:<a@[" + "1" * 300 + "]>",
            "MAIL FROM:<" + "@a," * 500 + "@b:c@d>",
        ):
            heard = client.say(line)
            self.assertEqual(("5", 1), (heard[0], heard.count("\n")), line)
        self.assertFalse(client.connection.transaction.has_sender)


class SlowTests(SynchronousTestCase):
    """Slow loris, at each step: octets that trickle win no time."""

    def cut_off(self, client: Client, octet: bytes, every: float) -> float:
        """Send an octet now and then; the seconds until the connection is gone."""
        began = client.clock.seconds()
        while not client.wire.aborted and client.clock.seconds() - began < 100_000:
            if not client.closed:
                client.send(octet)
            client.wait(every)
        return client.clock.seconds() - began

    def test_command(self) -> None:
        """A command has its time from its first octet to its last."""
        client = Client(limits=Limits(command_timeout=300, close_timeout=10))
        self.assertEqual(310, self.cut_off(client, b"x", 1))
        self.assertEqual("timeout", client.protocol.reason)

    def test_silence(self) -> None:
        """So has silence, also behind QUIT."""
        client = Client(limits=Limits(command_timeout=300, close_timeout=10))
        client.wait(300)
        self.assertTrue(client.closed)
        client.wait(10)
        self.assertTrue(client.wire.aborted)

    def test_response(self) -> None:
        """And an answer to a challenge."""
        client = Client(
            portal=portal(joe="x"),
            mechanisms=("LOGIN",),
            auth_require_tls=False,
            limits=Limits(command_timeout=300, close_timeout=10),
        )
        client.say("EHLO me", "AUTH LOGIN")
        self.assertEqual(310, self.cut_off(client, b"x", 1))

    def test_message(self) -> None:
        """A message has its time as a whole, however little it is silent."""
        limits = Limits(data_timeout=300, message_timeout=3600, close_timeout=10)
        client = Client(limits=limits)
        client.say(*ENVELOPE, "DATA")
        self.assertEqual(3610, self.cut_off(client, b"x", 10))
        client = Client(limits=limits)
        client.say(*ENVELOPE, "DATA")
        self.assertEqual(310, self.cut_off(client, b"", 10))

    def test_many_messages(self) -> None:
        """A session that does all in time has an end too."""
        limits = Limits(session_timeout=7200, close_timeout=10)
        client = Client(limits=limits)
        self.assertEqual(7210, self.cut_off(client, b"NOOP\r\n", 10))

    def test_handshake(self) -> None:
        """A handshake that stalls is cut off, with implicit TLS and with STARTTLS."""
        client = Client(tls=object(), limits=Limits(handshake_timeout=30))
        client.say("STARTTLS")
        client.wait(29)
        self.assertFalse(client.wire.aborted)
        client.wait(1)
        self.assertTrue(client.wire.aborted)

    def test_session_in_a_handshake(self) -> None:
        """The end of the session also ends a handshake that stalls, and a PROXY header."""
        limits = Limits(handshake_timeout=1000, session_timeout=60)
        client = Client(tls=object(), limits=limits)
        client.wait(50)
        client.say("STARTTLS")
        client.wait(10)
        self.assertTrue(client.wire.aborted)
        client = Client(limits=limits, listener=Listener(proxies=(ip_network("192.0.2.0/24"),)))
        client.wait(60)
        self.assertTrue(client.wire.aborted)

    def test_taking_the_last_reply(self) -> None:
        """Nor does a client that takes its 221 octet by octet, or never."""
        client = Client(limits=Limits(close_timeout=10))
        client.wire.producer.pauseProducing()
        client.send(b"QUIT\r\n")
        client.wait(300)
        client.wait(10)
        self.assertTrue(client.wire.aborted)


class ReplyTests(SocketTestCase):
    """A client that sends and never reads, on a real socket."""

    @defer.inlineCallbacks
    def test_replies_that_nobody_reads(self) -> Any:
        """The server stops working for it, keeps little, and cuts it off in the end."""
        port = self.serve(
            limits=Limits(commands=0, errors=0, command_timeout=0.5, close_timeout=0.3)
        )
        release = Event()
        self.addCleanup(release.set)

        def work() -> int:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                sent = 0
                client.settimeout(5)
                try:
                    while not release.is_set():
                        sent += client.send(b"EHLO me\r\nHELP\r\n" * 500)
                except OSError:
                    return sent
            return sent

        most = 0
        flood = self.in_thread(work)
        while True:
            yield task.deferLater(reactor, 0.01)
            sessions = list(self.factory.sessions)
            if not sessions and self.observer.of("closed"):
                break
            for session in sessions:
                waiting = session.transport
                held = len(session.lines) + session._queued
                held += len(waiting.dataBuffer) + waiting._tempDataLen
                most = max(most, held)
        release.set()
        sent = yield flood
        self.assertGreater(sent, 100_000)
        self.assertLess(most, 400_000)
        self.assertEqual("timeout", self.observer.of("closed")[0][1])


class GoodbyeTests(SocketTestCase):
    """The last reply arrives, whatever the client still sends."""

    @defer.inlineCallbacks
    def test_junk_behind_quit(self) -> Any:
        """What nobody reads must not make the kernel reset the connection."""
        port = self.serve()

        def work() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"EHLO me\r\nQUIT\r\n" + b"NOOP\r\n" * 50_000)
                time.sleep(0.2)  # for a reset to overtake what was written
                client.sendall(b"NOOP\r\n" * 1000)
                heard = b""
                while octets := client.recv(10_000):
                    heard += octets
                return heard

        for _ in range(3):
            heard = yield self.in_thread(work)
            self.assertTrue(heard.endswith(b"\r\n221 2.0.0 gw.example.org Goodbye\r\n"), heard)

    @defer.inlineCallbacks
    def test_endless_junk(self) -> Any:
        """A client that never ends is cut off after the grace."""
        port = self.serve(limits=Limits(close_timeout=0.3))

        def work() -> float:
            began = time.monotonic()
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"QUIT\r\n")
                try:
                    while time.monotonic() - began < 10:
                        client.sendall(b"x" * 10_000)
                except OSError:
                    pass
            return time.monotonic() - began

        took = yield self.in_thread(work)
        self.assertLess(took, 5)

    @defer.inlineCallbacks
    def test_polite(self) -> Any:
        """A client that closes when it has its 221 is gone at once."""
        port = self.serve(limits=Limits(close_timeout=1000))

        def work() -> bytes:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"QUIT\r\n")
                heard = b""
                while octets := client.recv(10_000):
                    heard += octets
                return heard

        heard = yield self.in_thread(work)
        self.assertTrue(heard.endswith(b"Goodbye\r\n"))
        yield self.factory.sessions.emptied()
        self.assertEqual("quit", self.observer.of("closed")[0][1])

    @defer.inlineCallbacks
    def test_turned_away(self) -> Any:
        """A client over the limit is not waited for: it is in nobody's count."""
        port = self.serve(limits=Limits(connections=1, close_timeout=1000))

        def work() -> bytes:
            with (
                socket.create_connection(("127.0.0.1", port), timeout=10) as first,
                socket.create_connection(("127.0.0.1", port), timeout=10) as second,
            ):
                first.recv(100)
                heard = second.recv(1000)
                # Still open on this side; the server has let go of it.
                deadline = time.monotonic() + 5
                while len(self.factory.sessions) > 1 and time.monotonic() < deadline:
                    time.sleep(0.01)
                return heard if len(self.factory.sessions) == 1 else b"it stays"

        heard = yield self.in_thread(work)
        self.assertEqual(
            b"421 4.7.0 gw.example.org Too many connections, try again later\r\n", heard
        )
        yield self.factory.sessions.emptied()
