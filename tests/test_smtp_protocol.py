"""The front of a session: order, the hook, and the end."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.protocols.basic import LineReceiver
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.reply import OK, Reply
from smtpgate.smtp.server.policy import Answer, Pass, Policy
from smtpgate.smtp.session import Connection
from tests.support.policies import Asked, Fixed, limits
from tests.support.smtp import Client, RecordingTransport, portal


class OrderTests(SynchronousTestCase):
    """One line at a time."""

    def test_line_receiver(self) -> None:
        """The protocol is Twisted's LineReceiver."""
        self.assertIsInstance(Client().protocol, LineReceiver)

    def test_banner(self) -> None:
        """The banner has no enhanced code."""
        self.assertEqual(Client().banner, "220 gw.example.org ESMTP\n")

    def test_next_line_waits(self) -> None:
        """The policy sees a line only when the last one has been answered."""
        policy = Asked()
        client = Client(policy)
        self.assertEqual(client.say("NOOP one", "NOOP two"), "")
        self.assertEqual(policy.lines, [b"NOOP one"])
        policy.answers[0].callback(Answer(Reply(250, ("one",))))
        self.assertEqual(client.heard(), "250 one\n")
        self.assertEqual(policy.lines, [b"NOOP one", b"NOOP two"])
        policy.answers[1].callback(Pass())
        self.assertEqual(client.heard(), "250 2.0.0 OK\n")

    def test_one_write_a_batch(self) -> None:
        """The replies to lines that came together are written together."""
        client = Client()
        client.wire.written.clear()
        client.say("EHLO me", "NOOP", "NOOP")
        self.assertEqual(len(client.wire.written), 1)

    def test_nothing_after_quit(self) -> None:
        """After QUIT nothing runs, not even what was sent before the answer."""
        client = Client()
        replies = client.say("EHLO me", "QUIT", "MAIL FROM:<a@example.org>")
        self.assertTrue(replies.endswith("221 2.0.0 gw.example.org Goodbye\n"))
        self.assertTrue(client.closed)
        self.assertEqual(client.say("NOOP"), "")

    def test_end_of_data_before_next_command(self) -> None:
        """A command behind the dot waits until the message is answered."""
        client = Client()
        finish: Deferred[Reply] = Deferred()
        client.transport.answers["finish"] = lambda: finish
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA")
        self.assertEqual(client.say("x", ".", "QUIT"), "")
        finish.callback(OK)
        self.assertEqual(client.heard(), "250 2.0.0 OK\n221 2.0.0 gw.example.org Goodbye\n")

    def test_slow_write_holds_the_client(self) -> None:
        """While a delivery cannot take more, the client is not read."""
        client = Client()
        room: Deferred[None] = Deferred()
        client.transport.answers["write"] = lambda: room
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA")
        client.say("x" * 100)
        self.assertEqual(client.wire.producerState, "paused")
        client.transport.answers.clear()
        room.callback(None)
        self.assertEqual(client.wire.producerState, "producing")
        self.assertEqual(client.say("."), "250 2.0.0 OK 1\n")


class HookTests(SynchronousTestCase):
    """The policy's command place."""

    def test_pass_another_line(self) -> None:
        """The machine gets the policy's line as if the client had sent it."""
        client = Client(Fixed(XHELO=Pass(b"EHLO other.example")))
        self.assertIn("250-gw.example.org\n", client.say("XHELO"))
        self.assertEqual(client.connection.helo, "other.example")

    def test_passed_line_is_checked(self) -> None:
        """A line of the policy's cannot hold a second line, nor be endless."""
        policy = Fixed(X1=Pass(b"NOOP\r\nQUIT"), X2=Pass(b"NOOP " + b"x" * 20000))
        self.assertEqual(
            Client(policy).say("X1", "X2"),
            "500 5.5.2 Control characters are not allowed in a command\n500 5.5.2 Line too long\n",
        )

    def test_unwanted_line(self) -> None:
        """A line that the policy does not want costs no question."""
        policy = Fixed(XFOO=Answer(OK))
        client = Client(policy)
        client.say("EHLO me", "NOOP", "XFOO")
        self.assertEqual(policy.lines, [b"XFOO"])

    def test_next_reaches_a_continuation(self) -> None:
        """After next the very next line goes to the policy, and only that one."""
        policy = Fixed(X=Answer(Reply(334, ("more",)), next=True))
        client = Client(policy)
        self.assertEqual(
            client.say("X", "secret", "NOOP"),
            "334 more\n500 5.5.1 Command not recognised\n250 2.0.0 OK\n",
        )
        self.assertEqual(policy.lines, [b"X", b"secret"])

    def test_next_reaches_an_auth_response(self) -> None:
        """Next on a passed AUTH gives the policy the response, which it may pass on."""
        policy = Fixed(AUTH=Pass(next=True))
        client = Client(
            policy, mechanisms=("PLAIN",), auth_require_tls=False, portal=portal(joe="x")
        )
        replies = client.say("EHLO me", "AUTH PLAIN", "*", "NOOP")
        self.assertIn("334 \n501 5.7.0 Authentication cancelled\n250 2.0.0 OK\n", replies)
        self.assertEqual(policy.lines, [b"AUTH PLAIN", b"*"])

    def test_continuation_without_next(self) -> None:
        """A response to a challenge goes straight to the machine."""
        policy = Asked()
        client = Client(
            policy, mechanisms=("PLAIN",), auth_require_tls=False, portal=portal(joe="x")
        )
        client.say("EHLO me", "AUTH PLAIN", "*", "NOOP")
        for answer in range(2):
            policy.answers[answer].callback(Pass())
        self.assertEqual(policy.lines, [b"EHLO me", b"AUTH PLAIN", b"NOOP"])

    def test_body_is_no_command(self) -> None:
        """The octets of DATA and BDAT never reach the policy."""
        policy = Fixed()
        policy.wants_command = lambda connection, line: True  # type: ignore[method-assign]
        client = Client(policy)
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", "body", ".")
        client.send(b"MAIL FROM:<>\r\nRCPT TO:<a@example.org>\r\nBDAT 6 LAST\r\nbody\r\nNOOP\r\n")
        self.assertNotIn(b"body", policy.lines)
        self.assertEqual(policy.lines[-1], b"NOOP")

    def test_chunk_that_the_policy_keeps_back(self) -> None:
        """When the policy answers BDAT, or passes something else, the chunk is no command."""
        policy = Fixed(BDAT=Answer(Reply(552, ("no chunks",), (5, 5, 1))))
        client = Client(policy)
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>")
        client.send(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\nBDAT x\r\n")
        self.assertEqual(client.heard(), "552 5.5.1 no chunks\n250 2.0.0 OK\n552 5.5.1 no chunks\n")
        client = Client(Fixed(BDAT=Pass(b"RSET")))
        client.say("EHLO me")
        client.send(b"bdat 0\r\nBDAT 6\r\nQUIT\r\nNOOP\r\n")
        self.assertEqual(
            client.heard(), "503 5.5.1 Say MAIL first\n250 2.0.0 Reset\n250 2.0.0 OK\n"
        )

    def test_commands_are_counted(self) -> None:
        """The policy can see which command of the connection it is asked about."""
        seen: list[int] = []

        class Counting(Policy):
            def wants_command(self, connection: Connection, line: bytes) -> bool:
                seen.append(connection.commands)
                return False

        Client(Counting()).say("EHLO me", "NOOP", "NOOP")
        self.assertEqual(seen, [1, 2, 3])

    def test_disconnecting_answer(self) -> None:
        """A reply that closes is written, then nothing runs."""
        client = Client(Fixed(BYE=Answer(Reply(250, ("bye",), close=True))))
        self.assertEqual(client.say("BYE", "NOOP"), "250 bye\n")
        self.assertTrue(client.closed)

    def test_failure(self) -> None:
        """A policy that raises ends the session with 421; the failure is reported."""
        client = Client(Fixed(X=ValueError("oops")))
        self.assertEqual(
            client.say("X", "NOOP"), "421 4.3.0 gw.example.org Temporary local problem\n"
        )
        self.assertTrue(client.closed)
        self.assertEqual(str(client.observer.of("trouble")[0][2].value), "oops")

    def test_late_failure(self) -> None:
        """So does one whose Deferred fails."""
        policy = Asked()
        client = Client(policy)
        client.say("NOOP")
        policy.answers[0].errback(ValueError("oops"))
        self.assertEqual(client.heard(), "421 4.3.0 gw.example.org Temporary local problem\n")

    def test_failing_after_a_wait(self) -> None:
        """And one that fails at a later place, after it has waited at this one."""

        class Bad(Asked):
            def helo(self, connection: Connection, verb: str, name: str, offered: Any) -> Any:
                raise ValueError("oops")

        policy = Bad()
        client = Client(policy)
        client.say("EHLO me")
        policy.answers[0].callback(Pass())
        self.assertEqual(client.heard(), "421 4.3.0 gw.example.org Temporary local problem\n")
        self.assertTrue(client.closed)

    def test_answer_after_the_end(self) -> None:
        """An answer that comes after the client has gone changes nothing."""
        answer: Deferred[Any] = Deferred(lambda late: late.callback(Answer(OK)))
        client = Client(Fixed(X=answer))
        client.say("X")
        client.leave()
        self.assertEqual(client.heard(), "")

    def test_leaving_cancels(self) -> None:
        """A client that leaves cancels the question; the policy is told once."""
        policy = Asked()
        client = Client(policy)
        client.say("NOOP")
        client.leave()
        self.assertEqual((policy.cancelled, policy.gone), (1, 1))
        self.assertEqual(client.observer.of("trouble"), [])

    def test_context_survives_starttls(self) -> None:
        """The scripts' context lives as long as the connection."""
        client = Client(tls=object())
        client.connection.context = "kept"
        client.say("EHLO me", "STARTTLS")
        client.handshake()
        self.assertEqual(client.connection.context, "kept")
        self.assertEqual(client.connection.helo, "")


class EndTests(SynchronousTestCase):
    """How sessions end."""

    def test_half_close(self) -> None:
        """A client that has sent all may still read its replies."""
        policy = Asked()
        client = Client(policy)
        client.say("NOOP", "NOOP")
        client.protocol.readConnectionLost()
        self.assertFalse(client.closed)
        policy.answers[0].callback(Pass())
        policy.answers[1].callback(Pass())
        self.assertEqual(client.heard(), "250 2.0.0 OK\n" * 2)
        self.assertTrue(client.closed)

    def test_half_close_is_not_for_ever(self) -> None:
        """A client that has sent its end is not worked for longer than it takes to close."""
        policy = Asked()
        client = Client(policy, **limits(close_timeout=10))
        client.say("NOOP")
        client.protocol.readConnectionLost()
        client.wait(10)
        self.assertTrue(client.wire.aborted)
        client.leave()
        self.assertEqual(policy.cancelled, 1)

    def test_half_close_in_a_message(self) -> None:
        """A message without its end is not delivered."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", "x")
        client.protocol.readConnectionLost()
        self.assertTrue(client.closed)
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))

    def test_leaving_aborts(self) -> None:
        """A client that leaves takes its transaction along."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>")
        client.leave()
        self.assertEqual(client.transport.aborted, 1)
        self.assertEqual(client.observer.of("closed")[0][1], "client left")

    def test_drain_idle(self) -> None:
        """The service stops: an idle client is told at once."""
        client = Client()
        drained = client.factory.drain(30)
        self.assertEqual(client.heard(), "421 4.3.2 gw.example.org Service is shutting down\n")
        self.assertNoResult(drained)
        client.leave()
        self.successResultOf(drained)

    def test_drain_with_a_message(self) -> None:
        """A message that is being taken in is finished first."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", "x")
        client.factory.drain(30)
        self.assertEqual(client.heard(), "")
        self.assertEqual(
            client.say("."),
            "250 2.0.0 OK 1\n421 4.3.2 gw.example.org Service is shutting down\n",
        )
        self.assertEqual(len(client.transport.messages), 1)

    def test_drain_has_an_end(self) -> None:
        """A message that does not end in time is given up."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", "x")
        client.factory.drain(30)
        self.assertEqual(client.wait(29), "")
        self.assertIn("421 4.", client.wait(1))
        self.assertTrue(client.closed)
        self.assertEqual(client.transport.aborted, 1)

    def test_drain_at_the_door(self) -> None:
        """A client that has no banner yet gets no words."""
        client = Client(**limits(greeting_delay=5))
        client.factory.drain(30)
        self.assertTrue(client.wire.aborted)
        self.assertEqual(client.heard(), "")

    def test_drain_between_chunks(self) -> None:
        """A message in chunks is taken in until its last one."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "BDAT 1")
        client.send(b"x")
        client.heard()
        client.factory.drain(30)
        client.send(b"BDAT 1\r\nyBDAT 1 LAST\r\nzNOOP\r\n")
        self.assertEqual(
            client.heard(),
            "250 2.0.0 Chunk received\n250 2.0.0 OK 1\n"
            "421 4.3.2 gw.example.org Service is shutting down\n",
        )

    def test_drain_twice(self) -> None:
        """Being told again changes nothing."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", "x")
        client.protocol.drain(30)
        client.protocol.drain(1)
        self.assertEqual(client.wait(5), "")

    def test_write_side_lost(self) -> None:
        """A client that reads no more is cut off."""
        client = Client()
        client.protocol.writeConnectionLost()
        self.assertTrue(client.wire.aborted)

    def test_drain_of_nobody(self) -> None:
        """Without sessions there is nothing to wait for."""
        self.successResultOf(Client(connect=False).factory.drain(30))

    def test_drain_cancels_a_script(self) -> None:
        """A script that runs is no message."""
        policy = Asked()
        client = Client(policy)
        client.say("NOOP")
        client.factory.drain(30)
        self.assertEqual(client.heard(), "421 4.3.2 gw.example.org Service is shutting down\n")
        self.assertEqual(policy.cancelled, 1)

    def test_leaving_cancels_a_delivery(self) -> None:
        """A client that leaves while its message is being stored cancels that, and aborts it."""
        client = Client()
        cancelled: list[Any] = []
        client.transport.answers["finish"] = lambda: Deferred(cancelled.append)
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA", ".")
        client.leave()
        self.assertEqual((len(cancelled), client.transport.aborted), (1, 1))
        self.assertEqual(client.observer.of("trouble"), [])

    def test_break_at_the_begin(self) -> None:
        """A transport that cannot begin costs the recipient."""
        client = Client()
        client.transport.begin = None  # type: ignore[assignment, method-assign]
        client.say("EHLO me", "MAIL FROM:<>")
        self.assertEqual(
            client.say("RCPT TO:<a@example.org>"),
            "451 4.3.0 Temporary local problem, try again later\n",
        )

    def test_break_in_a_delivery_is_no_end(self) -> None:
        """A delivery that breaks costs the message, not the session."""
        client = Client()
        client.transport.answers["finish"] = RuntimeError("disk")
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<a@example.org>", "DATA")
        self.assertEqual(
            client.say("x", ".", "NOOP"),
            "451 4.3.0 Temporary local problem, try again later\n250 2.0.0 OK\n",
        )

    def test_two_slow_transports(self) -> None:
        """Several transports are asked at once, and answered for together."""

        class Spread(Policy):
            def rcpt_to(self, connection: Connection, recipient: Any) -> None:
                recipient.transport = recipient.mailbox.local

        clock = Clock()
        slow = [RecordingTransport(clock, name, delay=lambda step: 1.0) for name in ("one", "two")]
        client = Client(Spread(), slow, clock=clock)
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<one@example.org>")
        client.say("RCPT TO:<two@example.org>", "DATA")
        for _ in range(5):
            client.clock.advance(1)
        self.assertTrue(client.heard().endswith("354 Start mail input, end with <CRLF>.<CRLF>\n"))
        client.say("x", ".")
        self.assertEqual(client.wait(1), "")
        self.assertEqual(client.wait(1), "250 2.0.0 OK 1\n")

    def test_two_transports(self) -> None:
        """Answers that differ: the client gets the worst, the observer learns who has it."""

        class Spread(Policy):
            def rcpt_to(self, connection: Connection, recipient: Any) -> None:
                recipient.transport = recipient.mailbox.local

        client = Client(connect=False)
        one = RecordingTransport(client.clock, "one")
        two = RecordingTransport(client.clock, "two", {"finish": Reply(452, ("full",), (4, 2, 2))})
        client = Client(Spread(), [one, two])
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<one@example.org>")
        client.say("RCPT TO:<two@example.org>", "DATA")
        self.assertEqual(client.say("x", "."), "452 4.2.2 full\n")
        _, _, answers = client.observer.of("deliveries_disagree")[0]
        self.assertEqual(
            {name: reply.code for name, reply in answers.items()}, {"one": 250, "two": 452}
        )
        self.assertEqual(one.messages[0].octets, two.messages[0].octets)
