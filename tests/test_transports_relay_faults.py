"""Next hops that fail at each step in each way: the client is told, and never told a lie."""

from __future__ import annotations

from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import TestCase

from tests.support.nexthop import (
    CLOSE,
    DEAF,
    FLOOD,
    RESET,
    SILENCE,
    After,
    NextHop,
    Raw,
)
from tests.support.relaying import SHORT, Gateway, relay_to

NO_HOST = "451 4.4.1 No next hop can be reached, try again later"
LOST = "451 4.4.2 The connection to the next hop was lost, try again later"
SENDER = "250 2.1.0 sender fine"
RECIPIENT = "250 2.1.5 recipient fine"
GO_ON = "354 go on"
TAKEN = "250 2.0.0 taken as 4711"
BEFORE = {
    "connect": [],
    "EHLO": [],
    "MAIL": [],
    "RCPT": [SENDER],
    "DATA": [SENDER, RECIPIENT],
    "body": [SENDER, RECIPIENT, GO_ON],
    "end": [SENDER, RECIPIENT, GO_ON],
}
#: Behaviours that make a connection useless, whenever they come.
USELESS = {
    "closes": CLOSE,
    "resets": RESET,
    "is silent": SILENCE,
    "floods": FLOOD,
    "reads no more": DEAF,
    "sends garbage": Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "sends a line without end": Raw(b"250 " + b"x" * 5000),
    "sends bare newlines": Raw(b"250 fine\n250 fine\n"),
    "sends a code of no class": Raw(b"150 hm\r\n"),
    "sends two codes in one reply": Raw(b"250-one\r\n550 two\r\n"),
    "sends NUL": Raw(b"250 a\0b\r\n"),
    "answers by 3xx": None,
}


class Case(TestCase):
    timeout = 30

    @inlineCallbacks
    def play(self, script, *recipients, hops=1, **options):
        """One transaction at a next hop with this script; all replies, then one to NOOP."""
        self.hop = NextHop(script).listen()
        self.addCleanup(self.hop.stop)
        gateway = Gateway(relay_to(self.hop, timeouts=options.pop("timeouts", SHORT)))
        self.addCleanup(gateway.stop)
        self.gateway = gateway
        client = yield gateway.connect()
        replies = yield client.send(*recipients, **options)
        noop = yield client.say("NOOP")
        self.assertEqual(noop, "250 2.0.0 OK", "the session goes on")
        return replies


class UselessTests(Case):
    """A connection that is of no use any more, at each step."""

    def expected(self, step):
        if step in ("connect", "EHLO", "MAIL"):
            return [NO_HOST]
        if step == "RCPT":
            return [SENDER, NO_HOST]
        return [*BEFORE[step], LOST]

    @inlineCallbacks
    def check(self, step, what):
        octets = b"x" * 70 + b"\r\n"
        if what is DEAF:
            octets *= 200_000
        replies = yield self.play({step: what}, octets=octets)
        self.assertEqual(replies, self.expected(step))
        if step != "body":  # there it may have the message, and the client sends it again
            self.assertEqual(self.hop.messages, [])


def _useless(step, words, what):
    def test(self):
        return self.check(step, what)

    test.__doc__ = f"A next hop that {words} at {step} is no success."
    return test


for _step in BEFORE:
    for _words, _what in USELESS.items():
        if _what is None:
            _what = "354 what" if _step not in ("DATA",) else "350 what"
        if _step == "body" and _what in (SILENCE,):
            continue  # nothing is to be said there
        _name = f"test_{_step}_{_words.replace(' ', '_')}"
        setattr(UselessTests, _name, _useless(_step, _words, _what))


class RefusalTests(Case):
    """What the next hop says is what the client hears."""

    @inlineCallbacks
    def check(self, step, reply, expected=None):
        replies = yield self.play({step: reply})
        self.assertEqual(replies, [*BEFORE[step], expected or reply])
        self.assertEqual(self.hop.messages, [])

    @inlineCallbacks
    def test_temporary(self):
        """A 4xx with its enhanced code and text passes at MAIL, RCPT, DATA and the dot."""
        for step in ("MAIL", "RCPT", "DATA", "end"):
            yield self.check(step, f"450 4.7.1 {step}: come back later")

    @inlineCallbacks
    def test_permanent(self):
        """So does a 5xx, with several lines."""
        for step in ("MAIL", "RCPT", "DATA", "end"):
            yield self.check(step, f"550-5.7.1 {step}: no\n550 5.7.1 never")

    @inlineCallbacks
    def test_without_enhanced_code(self):
        """A refusal without an enhanced code gets the general one of its class."""
        for step in ("MAIL", "RCPT", "DATA", "end"):
            yield self.check(step, "550 no such thing", "550 5.0.0 no such thing")

    @inlineCallbacks
    def test_closing(self):
        """A 421 closes our connection, not the client's: it becomes a 451 with the same text."""
        for step in ("MAIL", "RCPT", "DATA", "end"):
            yield self.check(step, "421 4.3.2 going down", "451 4.3.2 going down")

    @inlineCallbacks
    def test_closing_without_enhanced_code(self):
        """A 421 without an enhanced code speaks of the connection."""
        yield self.check("end", "421 going down", "451 4.4.2 going down")

    @inlineCallbacks
    def test_greeting(self):
        """A next hop that does not want us at all is one that cannot be reached."""
        for reply in ("421 4.3.2 busy", "554 5.3.2 no mail here", "250 hello"):
            yield self.check("connect", reply, NO_HOST)

    @inlineCallbacks
    def test_hello(self):
        """So is one that refuses EHLO and HELO."""
        yield self.check("EHLO", "450 4.7.1 not now", NO_HOST)
        self.hop.script["HELO"] = "550 5.7.1 not you"
        replies = yield self.play({"EHLO": "500 what", "HELO": "550 5.7.1 not you"})
        self.assertEqual(replies, [NO_HOST])

    @inlineCallbacks
    def test_inside_the_message(self):
        """A next hop that refuses while the message is coming is quoted, and gets no dot."""
        octets = b"x" * 70 + b"\r\n"
        replies = yield self.play({"body": "552 5.3.4 too much"}, octets=octets * 100_000)
        self.assertEqual(replies, [SENDER, RECIPIENT, GO_ON, "552 5.3.4 too much"])
        self.assertEqual(self.hop.messages, [])

    @inlineCallbacks
    def test_success_inside_the_message(self):
        """A 250 before the dot is no answer to the message."""
        octets = b"x" * 70 + b"\r\n"
        replies = yield self.play({"body": "250 2.0.0 fine already"}, octets=octets * 100_000)
        self.assertEqual(replies, [SENDER, RECIPIENT, GO_ON, LOST])

    @inlineCallbacks
    def test_some_recipients(self):
        """Each recipient has its own answer; the message goes to those that were accepted."""
        answers = ["250 2.1.5 one", "550 5.1.1 two", "251 2.1.5 three elsewhere", "450 4.2.2 four"]
        hop = NextHop({"RCPT": list(answers)}).listen()
        self.addCleanup(hop.stop)
        gateway = Gateway(relay_to(hop))
        self.addCleanup(gateway.stop)
        client = yield gateway.connect()
        yield client.say("MAIL FROM:<a@example.org>")
        replies = []
        for number in range(4):
            replies.append((yield client.say(f"RCPT TO:<{number}@example.net>")))
        self.assertEqual(replies, answers)
        self.assertEqual((yield client.say("DATA")), GO_ON)
        self.assertEqual((yield client.message(b"text\r\n")), TAKEN)
        [message] = hop.messages
        self.assertEqual(message.recipients, ["<0@example.net>", "<2@example.net>"])


class TimeTests(Case):
    """Next hops that are slow."""

    @inlineCallbacks
    def test_slow_answers(self):
        """Slow is not lost: the client waits, and hears what comes."""
        steps = {
            "connect": "220 next.example.org ESMTP",
            "MAIL": SENDER,
            "RCPT": RECIPIENT,
            "DATA": GO_ON,
            "end": TAKEN,
        }
        script = {step: After(0.05, reply) for step, reply in steps.items()}
        replies = yield self.play(script)
        self.assertEqual(replies, [SENDER, RECIPIENT, GO_ON, TAKEN])
        self.assertEqual(len(self.hop.messages), 1)

    @inlineCallbacks
    def test_octet_by_octet(self):
        """A reply in single octets is the same reply."""

        def dribble(session, line):
            for octet in b"250-2.1.0 one\r\n250 2.1.0 two":
                session.transport.write(bytes([octet]))
            return ""  # and its CRLF

        replies = yield self.play({"MAIL": dribble})
        self.assertEqual(replies[0], "250-2.1.0 one\n250 2.1.0 two")


class AcceptedRecipientTests(Case):
    """After an accepted recipient the transaction stands and falls with its host."""

    @inlineCallbacks
    def check(self, what, expected):
        replies = yield self.play({"RCPT": [RECIPIENT, what]}, "b@example.net", "c@example.net")
        self.assertEqual(replies, [SENDER, RECIPIENT, expected])
        client = self.gateway.talkers[0]
        # The client may try to send it all the same: there is no message without that host.
        self.assertEqual((yield client.say("MAIL FROM:<x@example.org>")).split()[0], "503")
        self.assertEqual((yield client.say("DATA")), LOST if expected == LOST else expected)
        self.assertEqual(self.hop.messages, [])

    def test_lost(self):
        """A host that is lost at the second recipient takes the first one with it."""
        return self.check(CLOSE, LOST)
