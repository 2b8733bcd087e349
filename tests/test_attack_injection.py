"""Injection: a client's words in the trace header, in replies, in the log."""

from __future__ import annotations

import io
from email import message_from_bytes
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.logger import FileLogObserver, Logger, formatEventAsClassicLogText
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.events import Events
from smtpgate.smtp.reply import Reply
from tests.support.smtp import Client

TRANSACTION = ("MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>", "DATA", "Subject: x", "", ".")


class TraceTests(SynchronousTestCase):
    """The Received header."""

    NAMES = (
        b"x\tby evil", b"x;Mon", b"x)(y", b"<script>", b"x\x0by", b"x\x1b[2J", b"\xff\xfe",
        b"a,b", b'a"b', b"a\\b", b"[1.2.3.4] (evil", b"x" * 255, b"[IPv6:::1%a]", b"-x", b"a=b",
    )  # fmt: skip

    def test_helo(self) -> None:
        """A name that could break the header is refused, or there is one header all the same."""
        for name in self.NAMES:
            client = Client()
            client.say(b"EHLO " + name)
            client.say("EHLO fallback.example", *TRANSACTION)
            self.check(client)
            client = Client()
            client.say(b"HELO " + name, *TRANSACTION)
            if client.transport.messages:
                self.check(client)

    def test_recipient(self) -> None:
        """So is a recipient's address, quoted or not."""
        for path in (
            b'<"a;b"@c.example>', b'<"a>b"@c.example>', b'<"a\\"b"@c.example>',
            b'<"a b"@[192.0.2.1]>', b'<"\tx"@c.example>',
        ):  # fmt: skip
            client = Client()
            client.say("EHLO me", "MAIL FROM:<>")
            client.say(b"RCPT TO:" + path)
            client.say("DATA", "Subject: x", "", ".")
            if client.transport.messages:
                self.check(client)

    def check(self, client: Client) -> None:
        (stored,) = client.transport.messages
        message = message_from_bytes(stored.octets)
        self.assertEqual(["Received", "Subject"], list(message.keys()))
        header = stored.octets.partition(b"Subject:")[0]
        self.assertEqual(header.count(b"\r\n"), header.count(b"\n"))
        self.assertEqual(header.count(b"\r\n"), header.count(b"\r"))
        self.assertNotRegex(header, b"[\0\x0b\x0c\x1b]")


class ReplyTests(SynchronousTestCase):
    """Replies."""

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.text(max_size=60), st.integers(200, 599))
    def test_any_text(self, text: str, code: int) -> None:
        """From whatever text a reply is made, each of its lines begins with its code."""
        wire = Reply.of(code, text).wire
        self.assertTrue(wire.endswith(b"\r\n"))
        lines = wire[:-2].split(b"\r\n")
        for line in lines:
            self.assertEqual(b"%d" % code, line[:3])
            self.assertNotRegex(line, b"[\r\n\0]")
        self.assertEqual([b"-"] * (len(lines) - 1) + [b" "], [line[3:4] for line in lines])

    def test_strict(self) -> None:
        """A reply of lines takes no line ends at all."""
        for text in ("a\r\nb", "a\nb", "a\rb", "a\0b"):
            self.assertRaises(ValueError, Reply, 250, (text,))


class LogTests(SynchronousTestCase):
    """The log: one line an event, printable, whatever was sent."""

    def logged(self, *lines: bytes, **settings: Any) -> str:
        text = io.StringIO()
        observer: Any = FileLogObserver(text, formatEventAsClassicLogText)
        client = Client(**settings)
        object.__setattr__(client.server, "observer", Events(Logger("smtpgate", observer=observer)))
        client.connect()
        client.say("EHLO me")
        for line in lines:
            client.say(line)
        client.leave()
        return text.getvalue()

    def test_lines(self) -> None:
        """Control characters, escapes of terminals and format codes stay what they are: text."""
        evil = (
            b"X \x1b[2J\x1b]0;title\x07", b"X \x85 \x0b \x0c", b"X {password}", b"X {log_source}",
            b"X %s %(x)s", b"X \xe2\x80\xae gnp", b"X\r2026-01-01 [-] faked", b"X\n[-] faked",
            b"X " + b"A" * 1500,
        )  # fmt: skip
        log = self.logged(*evil)
        for line in log.splitlines():
            self.assertRegex(line, r"^\d{4}-\d\d-\d\dT", "a line of its own")
        self.assertNotRegex(log, "[^\n -~]")
        self.assertIn("X {password}", log)
        self.assertLess(max(map(len, log.splitlines())), 500)

    def test_envelope(self) -> None:
        """So do addresses."""
        log = self.logged(
            "MAIL FROM:<j\u202eörg@b.example> SMTPUTF8".encode(), b"RCPT TO:<c@d.example>",
            b"DATA", b".",
        )  # fmt: skip
        self.assertNotRegex(log, "[^\n -~]")
        self.assertIn("accepted", log)
