"""Messages that scripts send on their own, in sessions and from a real gateway."""

import smtplib
from base64 import b64encode
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpgate.assembly import assemble
from smtpgate.events import Events
from smtpgate.hooks.mailing import Mailer
from smtpgate.lifecycle import Foundation
from smtpgate.service import Gateway
from smtpgate.smtp.reply import Reply
from tests.support.session import Session
from tests.test_service import PORT, SERVER, free_port

HELLO = 'mail("jo@example.org", "al@example.com", "Hello", "caf\\xc3\\xa9\\n.\\n", "local")'


class MailerTests(SynchronousTestCase):
    """What becomes of a message."""

    def session(self, source, **answers):
        session = Session(hooks={"helo": source}, transports=["lists"])
        transports = {"local": session.mailbox, **session.others}
        session.environment.mailer = Mailer(transports, session.observer, "inbound")
        session.mailbox.answers.update(answers)
        self.said = session.send("EHLO client.example.org")
        return session

    def test_sent(self):
        """The transport has it, with its envelope; the script has its id."""
        session = self.session(f"echo {HELLO};")
        [mail] = session.mail
        self.assertEqual(
            (mail.sender.text, mail.recipients), ("jo@example.org", ["al@example.com"])
        )
        self.assertTrue(mail.octets.startswith(b"From: jo@example.org\r\nTo: al@example.com\r\n"))
        self.assertIn(b"\r\nMIME-Version: 1.0\r\n", mail.octets)
        self.assertEqual(mail.octets.count(b"\n"), mail.octets.count(b"\r\n"))
        self.assertTrue(mail.octets.endswith(b"\r\n"))
        self.assertEqual(session.echoed, [mail.transaction.id])
        [(connection, transaction, size, _)] = session.observer.of("message_accepted")
        self.assertEqual(size, len(mail.octets))
        self.assertEqual((connection.peer_ip, len(transaction.recipients)), ("", 1))
        self.assertEqual(session.connection.transaction.recipients, [])

    def test_metadata_and_transport(self):
        """They are the script's; the null sender is one."""
        session = self.session(
            'MIME()->addHeader("Subject", "x")->setBody("y")'
            '->send("", ["al", "example.com"], "lists", ["metadata" => ["a" => "b"]]);'
        )
        [mail] = session.others["lists"].messages
        self.assertIsNone(mail.sender)
        self.assertEqual(mail.transaction.metadata, {"a": "b"})
        self.assertEqual(session.mail, [])

    def test_refused(self):
        """A transport that does not take it: none, and the log knows; the script goes on."""
        for step in ("mail", "rcpt", "data", "finish"):
            session = self.session(
                f'echo {HELLO} ?? "none"; echo "on";', **{step: Reply(550, ("No",))}
            )
            self.assertEqual(session.echoed, ["none", "on"], step)
            self.assertEqual(self.said[-1][:3], "250")
            [(_, _, _, reply)] = session.observer.of("message_refused")
            self.assertEqual(reply.code, 550)

    def test_failing(self):
        """One that raises is no more to the script."""
        session = self.session(f'echo {HELLO} ?? "none";', finish=RuntimeError("disk"))
        self.assertEqual(session.echoed, ["none"])
        self.assertEqual([str(each.value) for each in session.troubles], ["disk"])

    def test_mistakes(self):
        """What can be nobody's mail is an error of the script."""
        for call, words in (
            ('mail("jo", "al@b.c", "x", "y", "local")',
             "the sender is no address: the address has no domain"),
            ('mail("", "", "x", "y", "local")', "the recipient must not be empty"),
            ('mail("", "al@b.c", "x", "y", "nowhere")', 'there is no transport "nowhere"'),
            ('mail("", "a@b.c> SIZE=1", "x", "y", "local")',
             "the recipient is no address: a domain cannot hold '>'"),
        ):  # fmt: skip
            session = self.session(f"{call};")
            [error] = session.errors
            self.assertTrue(error.message.startswith(words.split(":")[0]), error.message)
            self.assertEqual(session.mail, [])

    def test_waits(self):
        """The script waits for the transport; a client that leaves takes the message along."""
        session = Session(hooks={"helo": f'{HELLO}; echo "sent";'})
        session.environment.mailer = Mailer({"local": session.mailbox}, session.observer, "in")
        session.mailbox.delay = lambda step: 1.0
        session.send("EHLO client.example.org")
        self.assertEqual(session.echoed, [])
        session.advance(1)
        session.leave()
        session.clock.advance(30)
        self.assertEqual(session.echoed, [])
        self.assertEqual([each.state for each in session.mailbox.begun], ["aborted"])
        self.assertEqual(session.troubles, [])


class GatewayTests(TestCase):
    """The gateway supplies it."""

    timeout = 30

    @inlineCallbacks
    def test_maildir(self):
        """A script at connect tells the postmaster; the message is in the Maildir."""
        directory = Path(self.mktemp()).absolute()
        (directory / "scripts").mkdir(parents=True)
        name = SERVER.split("[transports.")[1].split("]")[0]
        (directory / "scripts" / "connect.hsl").write_text(
            f'mail("", "postmaster@example.org", "A client", "It is $senderip", "{name}");'
        )
        port = free_port()
        file = directory / "smtpgate.toml"
        file.write_text(
            SERVER.format(hostname="one.test", listeners=PORT.format(port))
            + '[servers.hooks]\nconnect = "connect.hsl"\n'
        )
        logged = []
        self.patch(Gateway, "_take_signals", lambda gateway: None)
        events = Events(Logger(namespace="smtpgate", observer=logged.append))
        gateway = Gateway(Foundation(file, assemble(file), reactor, events))
        gateway.privilegedStartService()
        gateway.startService()
        self.addCleanup(gateway.stopService)

        def talk():
            with smtplib.SMTP("127.0.0.1", port, "client.test", timeout=20) as client:
                return client.noop()[0]

        self.assertEqual((yield deferToThread(talk)), 250)
        [mail] = (directory / "var" / "mail" / "new").iterdir()
        self.assertIn(b64encode(b"It is 127.0.0.1"), mail.read_bytes())
        self.assertIn(b"Subject: A client", mail.read_bytes())
