"""DATA and BDAT: how a message is taken."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server.policy import Policy
from smtpgate.smtp.session import Connection, Limits, Recipient
from tests.support.smtp import TRANSACTION, Client, RecordingTransport


class MessageTests(SynchronousTestCase):
    """DATA and BDAT."""

    def bodies(self, client: Client) -> list[bytes]:
        return [each.octets.partition(b"+0000\r\n")[2] for each in client.transport.messages]

    def test_data(self) -> None:
        """The message arrives unstuffed; the next transaction has another name."""
        client = Client()
        before = client.connection.transaction.id
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("..a", "", "b", "."), "250 2.0.0 OK 1\n")
        self.assertEqual(self.bodies(client), [b".a\r\n\r\nb\r\n"])
        self.assertNotEqual(client.connection.transaction.id, before)
        self.assertEqual(client.transport.aborted, 0)

    def test_empty_message(self) -> None:
        """A message may hold nothing; the trace header is there."""
        client = Client()
        client.say(*TRANSACTION, "DATA", ".")
        self.assertEqual(self.bodies(client), [b""])
        self.assertTrue(client.transport.messages[0].octets.startswith(b"Received: from me "))

    def test_slow_empty_message(self) -> None:
        """A delivery that cannot take the trace header at once is waited for."""
        client = Client()
        room: Deferred[None] = Deferred()
        client.transport.answers["write"] = lambda: room
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("."), "")
        self.assertEqual(client.transport.messages, [])
        room.callback(None)
        self.assertEqual(client.heard(), "250 2.0.0 OK 1\n")

    def test_data_refused(self) -> None:
        """A delivery that wants no message says so instead of 354; the transaction is over."""
        client = Client()
        client.transport.answers["data"] = Reply(452, ("full",), (4, 3, 1))
        client.say(*TRANSACTION)
        self.assertEqual(client.say("DATA", "NOOP"), "452 4.3.1 full\n250 2.0.0 OK\n")
        self.assertFalse(client.connection.transaction.has_sender)
        self.assertEqual(client.transport.aborted, 1)

    def test_left_before_all_have_answered(self) -> None:
        """A client that leaves aborts the deliveries that have not answered, and no other."""

        class Spread(Policy):
            def rcpt_to(self, connection: Connection, recipient: Recipient) -> None:
                recipient.transport = recipient.mailbox.local

        clock = Clock()
        quick, slow = (RecordingTransport(clock, name) for name in ("quick", "slow"))
        slow.delay = lambda step: float(step == "finish")
        client = Client(Spread(), [quick, slow], clock=clock)
        client.say("EHLO me", "MAIL FROM:<>", "RCPT TO:<quick@a.example>")
        client.say("RCPT TO:<slow@a.example>", "DATA")
        self.assertEqual(client.say("x", "."), "")
        client.leave()
        self.assertEqual((quick.aborted, slow.aborted), (0, 1))

    def test_too_large(self) -> None:
        """A message that is too large is read to its end, refused and not kept."""
        client = Client(limits=Limits(message_size=10))
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(
            client.say("x" * 11, ".", "NOOP"), "552 5.3.4 Message too large\n250 2.0.0 OK\n"
        )
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))
        self.assertEqual(client.observer.of("message_refused")[0][3].code, 552)

    def test_end_of_data(self) -> None:
        """The policy may refuse the whole message; no transport is asked to keep it."""

        class No(Policy):
            def end_of_data(self, connection: Connection) -> Reply:
                return Reply(554, ("spam",), (5, 7, 1))

        client = Client(No())
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("x", "."), "554 5.7.1 spam\n")
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))

    def test_broken_write(self) -> None:
        """A delivery that breaks inside a message: the rest is read, the answer is 451."""
        client = Client()
        client.transport.answers["write"] = RuntimeError("disk")
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(
            client.say("x", ".", "NOOP"),
            "451 4.3.0 Temporary local problem, try again later\n250 2.0.0 OK\n",
        )
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))

    def test_late_broken_write(self) -> None:
        """The same when it breaks later."""
        client = Client()
        room: Deferred[None] = Deferred()
        client.transport.answers["write"] = lambda: room
        client.say(*TRANSACTION, "DATA", "x")
        client.transport.answers.clear()
        room.errback(RuntimeError("disk"))
        self.assertEqual(client.say("."), "451 4.3.0 Temporary local problem, try again later\n")

    def test_bdat(self) -> None:
        """Chunks, cut anywhere and pipelined, make one message; a dot means nothing."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 4\r\nab\r\nBDAT 0\r\nBDAT 5\r\n.\r\n\r\nBDAT 2 LAST\r\n..NOOP\r\n")
        self.assertEqual(
            client.heard(), "250 2.0.0 Chunk received\n" * 3 + "250 2.0.0 OK 1\n250 2.0.0 OK\n"
        )
        self.assertEqual(self.bodies(client), [b"ab\r\n.\r\n\r\n.."])

    def test_bdat_last_of_nothing(self) -> None:
        """The last chunk may be empty."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 3\r\nabcBDAT 0 LAST\r\n")
        self.assertEqual(client.heard(), "250 2.0.0 Chunk received\n250 2.0.0 OK 1\n")
        self.assertEqual(self.bodies(client), [b"abc"])

    def test_bdat_without_envelope(self) -> None:
        """A refused chunk is read all the same: its octets are no commands."""
        client = Client()
        client.send(b"EHLO me\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        self.assertTrue(client.heard().endswith("503 5.5.1 Say MAIL first\n250 2.0.0 OK\n"))

    def test_bdat_error_in_the_middle(self) -> None:
        """After a refused chunk the pipelined ones are read and refused."""
        client = Client(limits=Limits(message_size=5))
        client.say(*TRANSACTION)
        client.send(b"BDAT 3\r\nabcBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        self.assertEqual(
            client.heard(),
            "250 2.0.0 Chunk received\n552 5.3.4 Message too large\n"
            "503 5.5.1 Say MAIL first\n250 2.0.0 OK\n",
        )
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))

    def test_bdat_bare_newline(self) -> None:
        """A bare LF refuses the chunk that shows it."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 3\r\na\nbBDAT 1 LAST\r\nx")
        self.assertEqual(
            client.heard(),
            "554 5.6.0 Bare CR or LF in the message, lines end with CRLF\n"
            "503 5.5.1 Say MAIL first\n",
        )

    def test_bdat_and_data(self) -> None:
        """They are not mixed, and only a few commands come between chunks."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 1\r\nxDATA\r\nRCPT TO:<a@b>\r\nMAIL FROM:<>\r\nEHLO me\r\nNOOP\r\n")
        refused = "503 5.5.1 Only BDAT and RSET may follow BDAT\n"
        self.assertEqual(
            client.heard(), "250 2.0.0 Chunk received\n" + refused * 4 + "250 2.0.0 OK\n"
        )
        self.assertEqual(client.say("RSET", "DATA"), "250 2.0.0 Reset\n503 5.5.1 Say MAIL first\n")
        self.assertEqual(client.transport.aborted, 1)

    def test_bdat_malformed(self) -> None:
        """When nobody knows how many octets follow, the session ends."""
        client = Client()
        client.say(*TRANSACTION)
        self.assertEqual(client.say("BDAT x", "NOOP"), "501 5.5.4 Syntax: BDAT size [LAST]\n")
        self.assertTrue(client.closed)

    def test_bdat_asks_first(self) -> None:
        """The deliveries are asked for a message before the first chunk is taken."""
        client = Client()
        client.transport.answers["data"] = Reply(452, ("full",), (4, 3, 1))
        client.say(*TRANSACTION)
        client.send(b"BDAT 3 LAST\r\nabc")
        self.assertEqual(client.heard(), "452 4.3.1 full\n")
