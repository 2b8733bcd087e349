"""Commands: one in, one reply out."""

from __future__ import annotations

from typing import Any

from twisted.mail.smtp import ESMTP
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.machine import COMMANDS
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server.policy import Accept, Policy
from smtpgate.smtp.session import Connection, Limits
from tests.support.smtp import TRANSACTION, Client, RecordingTransport, portal


class TableTests(SynchronousTestCase):
    """The table of commands."""

    def test_is_esmtp(self) -> None:
        """The machine is Twisted's, and has no socket."""
        machine = Client().protocol.machine
        self.assertIsInstance(machine, ESMTP)
        self.assertIsNone(machine.transport)

    def test_case_and_blanks(self) -> None:
        """Verbs have no case; blanks behind a line are forgiven."""
        self.assertEqual(
            Client().say("nOoP", "NOOP  ", "RSET "), "250 2.0.0 OK\n250 2.0.0 OK\n250 2.0.0 Reset\n"
        )

    def test_arguments(self) -> None:
        """Commands without arguments refuse them."""
        client = Client()
        client.say(*TRANSACTION)
        for verb in (name.decode() for name, row in COMMANDS.items() if not row.argument):
            self.assertEqual(
                client.say(f"{verb} x"), "501 5.5.4 This command takes no arguments\n", verb
            )
        self.assertTrue(client.connection.transaction.has_sender)

    def test_every_row_answers_once(self) -> None:
        """Whatever command comes, with or without an argument, there is one reply."""
        for verb in COMMANDS:
            for argument in (b"", b" x", b" 0", b" 0 LAST"):
                client = Client(limits=Limits(errors=0))
                heard = client.say(verb + argument).splitlines()
                self.assertEqual([line[3] for line in heard].count(" "), 1, (verb, argument))

    def test_sendcode(self) -> None:
        """Twisted's way to answer gives a reply with an enhanced code."""
        machine = Client().protocol.machine
        machine.sendCode(250, b"one\ntwo")
        self.assertEqual(machine._said, Reply(250, ("one", "two"), (2, 0, 0)))

    def test_noise(self) -> None:
        """Empty lines and blanks are bad commands."""
        self.assertEqual(Client().say("", " NOOP"), "500 5.5.2 Command not recognised\n" * 2)


class GreetingTests(SynchronousTestCase):
    """HELO and EHLO."""

    def test_helo(self) -> None:
        """HELO offers nothing, and is enough for mail."""
        client = Client()
        self.assertEqual(client.say("HELO me"), "250 gw.example.org\n")
        self.assertEqual(client.say("MAIL FROM:<a@b>"), "250 2.1.0 Sender OK\n")
        self.assertEqual((client.connection.helo, client.connection.helo_verb), ("me", "HELO"))

    def test_bad_names(self) -> None:
        """A name cannot hold what would break a header."""
        for name in ("a b", "a(b", "a<b>", "ä", "x" * 256):
            self.assertEqual(Client().say(f"EHLO {name}"), "501 5.5.4 A host name is needed\n")

    def test_ehlo_resets(self) -> None:
        """EHLO gives up a transaction; who has authenticated stays so."""
        client = Client(portal=portal(joe="secret"), mechanisms=("PLAIN",), auth_require_tls=False)
        client.say("EHLO me", "AUTH PLAIN AGpvZQBzZWNyZXQ=", *TRANSACTION[1:])
        before = client.connection.transaction.id
        client.say("EHLO me")
        self.assertNotEqual(client.connection.transaction.id, before)
        self.assertFalse(client.connection.transaction.has_sender)
        self.assertEqual(client.transport.aborted, 1)
        self.assertEqual(client.connection.username, "joe")

    def test_policy(self) -> None:
        """The policy may change the name, the words and the keywords, or refuse."""

        class Changing(Policy):
            def helo(self, connection: Connection, verb: str, name: str, offered: Any) -> Any:
                if name == "no":
                    return Reply(550, ("no",), (5, 7, 1))
                return Accept(Reply(250, ("hi",)), helo="other", extensions=("X", "Y Z"))

        client = Client(Changing())
        self.assertEqual(client.say("EHLO no"), "550 5.7.1 no\n")
        self.assertEqual(client.connection.helo, "")
        self.assertEqual(client.say("EHLO me"), "250-hi\n250-X\n250 Y Z\n")
        self.assertEqual(client.connection.helo, "other")


class EnvelopeTests(SynchronousTestCase):
    """MAIL and RCPT."""

    def test_order(self) -> None:
        """One MAIL, then RCPT, then a message."""
        client = Client()
        client.say("EHLO me")
        self.assertEqual(
            client.say("RCPT TO:<a@b>", "DATA", "MAIL FROM:<>", "MAIL FROM:<>", "DATA"),
            "503 5.5.1 Say MAIL first\n503 5.5.1 Say MAIL first\n250 2.1.0 Sender OK\n"
            "503 5.5.1 A sender was given already\n554 5.5.1 No valid recipients\n",
        )

    def test_syntax(self) -> None:
        """The keyword is part of the command."""
        client = Client()
        client.say("EHLO me")
        self.assertEqual(client.say("MAIL TO:<a@b>"), "501 5.5.4 Syntax: FROM:<address>\n")
        client.say("mail from:<a@b>")
        self.assertEqual(client.say("RCPT <a@b>"), "501 5.5.4 Syntax: TO:<address>\n")

    def test_null_sender(self) -> None:
        """The null path is a sender too."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>")
        transaction = client.connection.transaction
        self.assertEqual((transaction.sender, transaction.has_sender), (None, True))

    def test_recipients_limit(self) -> None:
        """Too many recipients are refused for now, the others are kept."""
        client = Client(limits=Limits(recipients=1))
        self.assertEqual(
            client.say(*TRANSACTION, "RCPT TO:<c@d>").splitlines()[-1],
            "452 4.5.3 Too many recipients",
        )
        self.assertEqual(len(client.connection.transaction.recipients), 1)

    def test_messages_limit(self) -> None:
        """Too many messages on one connection."""
        client = Client(limits=Limits(messages=1))
        client.say(*TRANSACTION, "DATA", ".")
        self.assertEqual(
            client.say("MAIL FROM:<>"), "452 4.5.3 Too many messages on this connection\n"
        )

    def test_policy(self) -> None:
        """The policy may change sender, recipient and transport, choose words, or refuse."""

        class Changing(Policy):
            def mail_from(self, connection: Connection, mailbox: Any, params: Any) -> Any:
                if mailbox is None:
                    return Reply(550, ("no bounces",), (5, 7, 1))
                return Accept(Reply(250, ("fine",)), sender=Mailbox("new", "example.org"))

            def rcpt_to(self, connection: Connection, recipient: Any) -> Any:
                recipient.mailbox = Mailbox("moved", recipient.mailbox.domain)
                recipient.transport = "other"
                return Reply(251, ("will forward",))

        client = Client(connect=False)
        other = RecordingTransport(client.clock, "other")
        client = Client(Changing(), [client.transport, other])
        client.say("EHLO me")
        self.assertEqual(
            client.say("MAIL FROM:<>", "MAIL FROM:<a@b>", "RCPT TO:<c@d>"),
            "550 5.7.1 no bounces\n250 fine\n251 will forward\n",
        )
        self.assertEqual(other.begun[0].sender, Mailbox("new", "example.org"))
        self.assertEqual(other.begun[0].recipients, ["moved@d"])

    def test_refused_recipient_is_none(self) -> None:
        """A recipient that the transport refuses is not in the envelope."""
        client = Client()
        client.transport.answers["rcpt"] = Reply(550, ("who?",), (5, 1, 1))
        self.assertIn("550 5.1.1 who?\n", client.say(*TRANSACTION))
        self.assertEqual(client.connection.transaction.recipients, [])
        self.assertEqual(client.say("DATA"), "554 5.5.1 No valid recipients\n")

    def test_refused_sender(self) -> None:
        """A transport that refuses the sender refuses all its recipients, and is asked once."""
        client = Client()
        client.transport.answers["mail"] = Reply(550, ("not you",), (5, 7, 1))
        heard = client.say(*TRANSACTION, "RCPT TO:<c@d>")
        self.assertEqual(heard.count("550 5.7.1 not you\n"), 2)
        self.assertEqual((len(client.transport.begun), client.transport.aborted), (1, 1))

    def test_unknown_transport(self) -> None:
        """A transport that does not exist is our mistake: the client may try again."""
        client = Client(default_transport="nowhere")
        self.assertIn("451 4.3.5 Server configuration error\n", client.say(*TRANSACTION))
        self.assertEqual(
            str(client.observer.of("trouble")[0][2].value), "there is no transport 'nowhere'"
        )

    def test_lost_recipient(self) -> None:
        """A delivery that breaks after it took a recipient costs the message, not the recipient."""
        client = Client()
        client.say(*TRANSACTION)
        client.transport.answers["rcpt"] = RuntimeError("gone")
        self.assertEqual(
            client.say("RCPT TO:<c@d>", "DATA"),
            "451 4.3.0 Temporary local problem, try again later\n" * 2,
        )
        self.assertEqual(client.transport.messages, [])
