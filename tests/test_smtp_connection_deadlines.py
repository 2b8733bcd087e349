"""The patience of a session: deadlines, pressure and limits."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.reply import OK
from smtpgate.smtp.server.policy import Answer, Pass
from tests.support.policies import Asked, limits
from tests.support.smtp import Client


class DeadlineTests(SynchronousTestCase):
    """Time-outs of the client's, and only of the client's."""

    timed_out = "421 4.4.2 gw.example.org Timeout, closing connection\n"

    def test_command(self) -> None:
        """A client that says nothing is told and closed."""
        client = Client(**limits(command_timeout=60))
        self.assertEqual(client.wait(59), "")
        self.assertEqual(client.wait(1), self.timed_out)
        self.assertTrue(client.closed)

    def test_octets_do_not_count(self) -> None:
        """Parts of a line do not move the deadline; whole lines do."""
        client = Client(**limits(command_timeout=60))
        client.wait(50)
        client.say("NOOP")
        client.wait(50)
        client.send(b"NO")
        self.assertEqual(client.wait(9), "")
        self.assertEqual(client.wait(1), self.timed_out)

    def test_off_while_policy_runs(self) -> None:
        """Time that the policy takes is not the client's; afterwards the clock starts anew."""
        policy = Asked()
        client = Client(policy, **limits(command_timeout=60))
        client.say("NOOP")
        self.assertEqual(client.wait(1000), "")
        policy.answers[0].callback(Answer(OK))
        client.heard()
        self.assertEqual(client.wait(59), "")
        self.assertEqual(client.wait(1), self.timed_out)

    def test_silence_in_data(self) -> None:
        """Silence inside a message ends it, and the delivery is aborted."""
        client = Client(**limits(data_timeout=30))
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", "x")
        client.wait(29)
        client.say("y")
        self.assertEqual(client.wait(29), "")
        self.assertEqual(client.wait(1), self.timed_out)
        self.assertEqual(client.transport.aborted, 1)

    def test_slow_message(self) -> None:
        """A message that trickles in has its own deadline."""
        client = Client(**limits(data_timeout=30, message_timeout=100))
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA")
        for _ in range(4):
            self.assertEqual(client.wait(24), "")
            client.send(b"x")
        self.assertEqual(client.wait(4), self.timed_out)

    def test_session(self) -> None:
        """A session ends, however lively it is."""
        client = Client(**limits(session_timeout=100))
        for _ in range(4):
            client.wait(24)
            client.say("NOOP")
        self.assertEqual(client.wait(4), self.timed_out)

    def test_grace(self) -> None:
        """A peer that does not let the connection close is cut off."""
        client = Client(**limits(close_timeout=5))
        client.say("QUIT")
        self.assertTrue(client.closed)
        client.wait(4.9)
        self.assertFalse(client.wire.aborted)
        client.wait(0.1)
        self.assertTrue(client.wire.aborted)

    def test_handshake(self) -> None:
        """A handshake that stalls is cut off."""
        client = Client(tls=object(), **limits(handshake_timeout=20))
        client.say("EHLO me", "STARTTLS")
        client.wait(19)
        self.assertFalse(client.wire.aborted)
        client.wait(1)
        self.assertTrue(client.wire.aborted)

    def test_no_timer_left(self) -> None:
        """A session that is over leaves nothing in the reactor."""
        client = Client()
        client.say("NOOP", "QUIT")
        client.leave()
        self.assertEqual(client.clock.getDelayedCalls(), [])


class PressureTests(SynchronousTestCase):
    """What waits is bounded."""

    def test_backlog(self) -> None:
        """The transport is paused when too much waits, and resumed when it was worked off."""
        policy = Asked()
        client = Client(policy)
        client.say("NOOP")
        client.send(b"NOOP\r\n" * 10000)
        self.assertEqual(client.wire.producerState, "producing")
        client.send(b"NOOP\r\n" * 1000)
        self.assertEqual(client.wire.producerState, "paused")
        policy.wants_command = lambda connection, line: False  # type: ignore[method-assign]
        policy.answers[0].callback(Pass())
        self.assertEqual(client.wait(0).count("250 2.0.0 OK\n"), 11001)
        self.assertEqual(client.wire.producerState, "producing")

    def test_unread_replies(self) -> None:
        """While the client does not read, nothing new is started; and it is not waited for."""
        client = Client(**limits(command_timeout=60))
        client.wire.producer.pauseProducing()
        self.assertEqual(client.say("NOOP", "NOOP"), "")
        client.wire.producer.resumeProducing()
        self.assertEqual(client.heard(), "250 2.0.0 OK\n" * 2)
        client.wire.producer.pauseProducing()
        client.say("NOOP")
        client.wait(60)
        self.assertTrue(client.closed)
        client.wait(10)
        self.assertTrue(client.wire.aborted)

    def test_batches_stop_when_unread(self) -> None:
        """Even in one batch of lines, replies stop when the transport says so."""
        client = Client()
        written: list[bytes] = []

        def write(octets: bytes) -> None:
            written.append(octets)
            client.wire.producer.pauseProducing()

        client.wire.write = write  # type: ignore[method-assign]
        client.send(b"NOOP\r\n" * 10000)
        self.assertEqual(len(written), 1)
        self.assertLess(len(written[0]), 20_000)


class LimitTests(SynchronousTestCase):
    """How much one server takes."""

    def refusal(self, client: Client) -> str:
        client.connect()
        return client.banner if client.closed else ""

    too_many = "421 4.7.0 gw.example.org Too many connections, try again later\n"

    def test_connections(self) -> None:
        """Of the server; one that ends makes room."""
        client = Client(**limits(connections=2))
        first = client.protocol
        client.connect()
        self.assertEqual(self.refusal(client), self.too_many)
        client.leave()
        client.protocol = first
        client.leave()
        self.assertEqual(self.refusal(client), "")

    def test_connections_of_an_address(self) -> None:
        """Of one address; another one is not concerned."""
        client = Client(**limits(connections_per_address=1))
        self.assertEqual(self.refusal(client), self.too_many)
        client.leave()
        client.peer = IPv4Address("TCP", "192.0.2.2", 1)
        self.assertEqual(self.refusal(client), "")

    def test_connections_of_a_network(self) -> None:
        """Of one /24; a refused session is not counted."""
        client = Client(**limits(connections_per_network=1))
        client.peer = IPv4Address("TCP", "192.0.2.77", 1)
        self.assertEqual(self.refusal(client), self.too_many)
        client.leave()
        self.assertEqual(client.server.admission.sessions, 1)
        client.peer = IPv4Address("TCP", "192.0.3.1", 1)
        self.assertEqual(self.refusal(client), "")

    def test_commands(self) -> None:
        """Of one connection."""
        client = Client(**limits(commands=2))
        self.assertEqual(
            client.say("NOOP", "NOOP", "NOOP", "NOOP"),
            "250 2.0.0 OK\n" * 2 + "421 4.7.0 gw.example.org Too many commands\n",
        )
        self.assertTrue(client.closed)

    def test_errors(self) -> None:
        """Repeated errors close; an accepted message forgives."""
        client = Client(**limits(errors=2))
        client.say("FOO", "EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", ".")
        self.assertEqual(
            client.say("FOO", "FOO"),
            "500 5.5.1 Command not recognised\n421 4.7.0 gw.example.org Too many errors\n",
        )
        self.assertTrue(client.closed)

    def test_web_client(self) -> None:
        """A web client is turned away at its first word."""
        client = Client()
        self.assertEqual(
            client.say("POST / HTTP/1.1", "Host: x"), "554 5.5.1 This is a mail server\n"
        )
        self.assertTrue(client.closed)
