"""Relaying to real servers: Postfix, Exim, and Dovecot by LMTP."""

from __future__ import annotations

import re

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import SkipTest

from smtpgate.smtp.nexthop.opening import Timeouts
from tests.support.mta import Dovecot, Exim, Postfix, running
from tests.support.relaying import Gateway, RelayCase, relay_to

#: Lines that break careless clients: dots, dots at the edges, an end that is none.
LINES = (
    b".",
    b"..",
    b".a",
    b"a.",
    b"",
    b".\tx",
    b"x" * 900,
    b"From here",
    "grüße".encode(),
    b". . .",
    b"",
)
MESSAGE = b"From: <a@example.org>\r\nSubject: lines\r\n\r\n" + b"\r\n".join(LINES) + b"\r\n"
PATIENCE = Timeouts(connect=10.0, greeting=30.0, command=30.0, block=30.0, message=60.0)


def text(message):
    """The body of a delivered message with CRLF line ends, whatever its server keeps."""
    lines = message.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return lines.partition(b"\r\n\r\n")[2]


class _Real:
    """What holds for each server."""

    timeout = 60
    server_class = None
    options = {}

    def setUp(self):
        why = self.server_class.why()
        if why is not None:
            raise SkipTest(why)
        self.server = running(self.server_class)
        self.before = len(self.server.messages())

    def connect(self, **options):
        options = {"timeouts": PATIENCE, **self.options, **options}
        self.gateway = Gateway(relay_to(self.server.port, **options))
        self.addCleanup(self.gateway.stop)
        return self.gateway.connect()

    @inlineCallbacks
    def delivered(self, count):
        """The messages that have come since the test began."""
        for _ in range(300):
            messages = self.server.messages()
            if len(messages) >= self.before + count:
                break
            yield self.pause(0.05)
        self.assertEqual(len(messages), self.before + count, self.server.said()[-3000:])
        return messages

    def check_accepted(self, replies):
        self.assertEqual([reply[:3] for reply in replies], ["250", "250", "354", "250"], replies)
        for reply in (replies[0], replies[1], replies[3]):
            self.assertRegex(reply, r"^250 2\.\d\.\d ")

    @inlineCallbacks
    def test_exactly(self):
        """A message arrives as it was sent, whatever its lines look like."""
        client = yield self.connect()
        self.check_accepted((yield client.send(octets=MESSAGE)))
        messages = yield self.delivered(1)
        self.assertIn(text(MESSAGE), [text(message) for message in messages])

    @inlineCallbacks
    def test_chunks(self):
        """A message by BDAT arrives too."""
        client = yield self.connect()
        yield client.say("MAIL FROM:<a@example.org> BODY=8BITMIME")
        yield client.say("RCPT TO:<b@example.net>")
        octets = MESSAGE.replace(b"Subject: lines", b"Subject: chunks") + b".chunks\r\n"
        client.transport.write(b"BDAT 50\r\n" + octets[:50])
        self.assertEqual((yield client.reply())[:3], "250")
        client.transport.write(b"BDAT %d LAST\r\n" % (len(octets) - 50) + octets[50:])
        self.assertEqual((yield client.reply())[:3], "250")
        messages = yield self.delivered(1)
        self.assertIn(text(octets), [text(message) for message in messages])

    @inlineCallbacks
    def test_unknown_recipient(self):
        """The server's refusal is the client's, and other recipients get the message."""
        client = yield self.connect()
        yield client.say("MAIL FROM:<a@example.org>")
        refused = yield client.say("RCPT TO:<nobody@example.net>")
        self.assertRegex(refused, self.unknown)
        self.assertEqual((yield client.say("RCPT TO:<b@example.net>"))[:3], "250")
        yield client.say("DATA")
        self.assertEqual((yield client.message(MESSAGE))[:3], "250")
        yield self.delivered(1)

    @inlineCallbacks
    def test_many(self):
        """Many messages over one connection, some transactions given up in between."""
        client = yield self.connect()
        for number in range(20):
            if number % 5 == 4:
                yield client.say("MAIL FROM:<a@example.org>")
                yield client.say("RCPT TO:<c@example.net>")
                yield client.say("RSET")
            octets = MESSAGE + b"number %d\r\n" % number
            self.check_accepted((yield client.send("c@example.net", octets=octets)))
        messages = yield self.delivered(20)
        found = {int(each) for each in re.findall(rb"number (\d+)", b"".join(messages))}
        self.assertEqual(found, set(range(20)))

    @inlineCallbacks
    def test_large(self):
        """A large message keeps every octet."""
        client = yield self.connect()
        block = b"".join(b"%07d .%s\r\n" % (n, b"y" * (n % 80)) for n in range(1000))
        octets = b"Subject: large\r\n\r\n" + block * 100
        self.check_accepted((yield client.send(octets=octets)))
        messages = yield self.delivered(1)
        self.assertIn(text(octets), [text(message) for message in messages])

    @inlineCallbacks
    def test_given_up(self):
        """A message whose client leaves in its middle is nowhere."""
        client = yield self.connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        yield client.say("DATA")
        client.transport.write(MESSAGE * 50)
        client.transport.abortConnection()
        yield client.closed
        other = yield self.connect()
        self.check_accepted((yield other.send(octets=MESSAGE)))
        yield self.delivered(1)


class PostfixTests(_Real, RelayCase):
    """Postfix."""

    server_class = Postfix
    unknown = (
        r"^550 5\.1\.1 <nobody@example\.net>: Recipient address rejected: "
        r"User unknown in virtual mailbox table$"
    )

    @inlineCallbacks
    def test_xclient(self):
        """Postfix believes who the client is, and judges it by that."""
        client = yield self.connect(xclient=True)
        self.check_accepted((yield client.send(octets=MESSAGE)))
        yield self.delivered(1)
        session = next(iter(self.gateway.factory.sessions))
        session.connection.peer_ip = "192.0.2.66"
        replies = yield client.send(octets=MESSAGE)
        self.assertEqual(
            replies[1],
            "554 5.7.1 <unknown[192.0.2.66]>: Client host rejected: this client is known",
        )

    @inlineCallbacks
    def test_xforward(self):
        """Postfix logs who the client is."""
        client = yield self.connect(xforward=True)
        self.check_accepted((yield client.send(octets=MESSAGE)))
        yield self.delivered(1)
        self.assertIn("client=unknown[127.0.0.1]", self.server.said())
        self.assertIn("orig_client=", self.server.said())

    @inlineCallbacks
    def test_international(self):
        """SMTPUTF8 is passed on."""
        client = yield self.connect()
        address = "björn@exämple.org".encode().decode("latin-1")
        reply = yield client.say(f"MAIL FROM:<{address}> SMTPUTF8 BODY=8BITMIME")
        self.assertEqual(reply, "250 2.1.0 Ok")
        yield client.say("RCPT TO:<b@example.net>")
        yield client.say("DATA")
        self.assertEqual((yield client.message(MESSAGE))[:3], "250")
        messages = yield self.delivered(1)
        self.assertTrue(any("björn".encode() in message for message in messages))


class EximTests(_Real, RelayCase):
    """Exim."""

    server_class = Exim
    unknown = r"^550 5\.0\.0 unknown user$"

    def check_accepted(self, replies):
        self.assertEqual([reply[:3] for reply in replies], ["250", "250", "354", "250"], replies)


class DovecotTests(_Real, RelayCase):
    """Dovecot, by LMTP."""

    server_class = Dovecot
    options = {"lmtp": True}
    unknown = r"^550 5\.1\.1 <nobody@example\.net> User doesn't exist: nobody@example\.net$"

    @inlineCallbacks
    def test_full(self):
        """A full mailbox among others: the client hears of it, the others have the message."""
        client = yield self.connect()
        replies = yield client.send("b@example.net", "d@example.net", octets=MESSAGE)
        self.assertEqual(replies[-1], "552 5.2.2 <d@example.net> Quota exceeded (mailbox is full)")
        yield self.delivered(1)

    @inlineCallbacks
    def test_all(self):
        """Several recipients: one answer, a copy for each."""
        client = yield self.connect()
        replies = yield client.send("b@example.net", "c@example.net", octets=MESSAGE)
        self.assertEqual(replies[-1][:9], "250 2.0.0")
        yield self.delivered(2)
