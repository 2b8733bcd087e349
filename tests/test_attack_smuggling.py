"""Smuggling: a message's end where there is none, for us or for the next hop.

CVE-2023-51764, CVE-2023-51765, CVE-2023-51766 and their like.
"""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet import defer
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.framing import BodyReader
from smtpgate.smtp.nexthop.stuffing import DotStuffer
from tests.support.cuts import pieces, sizes, streams
from tests.support.relaying import RelayCase, relay_to
from tests.support.smtp import Client

ENVELOPE = ("EHLO me", "MAIL FROM:<a@b.example>", "RCPT TO:<c@d.example>")
SMUGGLED = b"MAIL FROM:<evil@b.example>\r\nRCPT TO:<c@d.example>\r\nDATA\r\nevil\r\n.\r\n"
#: What stands for CRLF in front of and behind the dot, one or both of them wrong.
NEWLINES = (b"\r\n", b"\n", b"\r", b"\r\r\n", b"\r\n\r", b"\n\r", b"\r\0\n", b"\r\n\0", b"\0\r\n")
NEWLINES += (b" \r\n", b"\t\r\n", b"\x0b", b"\x0c", b"\x85", b"\xc2\x85", b"\xe2\x80\xa8", b"\x1c")
ENDS = [
    before + b"." + after
    for before, after in itertools.product(NEWLINES, NEWLINES)
    if not (before.endswith(b"\r\n") and after.startswith(b"\r\n"))  # a true end
]
BEGIN_MESSAGE = "354 Start mail input, end with <CRLF>.<CRLF>\n"


class EndOfDataTests(SynchronousTestCase):
    """Each variant that some server took for the end of a message."""

    def played(self, end: bytes, policy: str, singly: bool) -> Client:
        client = Client(bare_newlines=policy)
        self.assertTrue(client.say(*ENVELOPE, "DATA").endswith(BEGIN_MESSAGE))
        stream = b"x" + end + SMUGGLED + b"QUIT\r\n"
        for piece in [stream] if not singly else [stream[at : at + 1] for at in range(len(stream))]:
            client.send(piece)
        return client

    def test_variants(self) -> None:
        """Whatever the policy and the cuts, what follows is in the message, or with it refused."""
        for policy, singly in itertools.product(("reject", "normalize", "pass"), (False, True)):
            for end in ENDS:
                client = self.played(end, policy, singly)
                heard = client.heard().splitlines()
                self.assertEqual(2, len(heard), (end, policy, heard))
                self.assertEqual("221", heard[1][:3], (end, policy))
                refused = heard[0][:9] == "554 5.6.0"
                self.assertEqual(0 if refused else 1, len(client.transport.messages))
                self.assertNotIn("evil", [str(each.sender) for each in client.transport.begun])
                self.assertEqual(1, len(client.transport.begun))
                if not refused:
                    self.assertIn(b"MAIL FROM:<evil", client.transport.messages[0].octets)

    def test_bare_ones_are_refused(self) -> None:
        """By default each variant with a CR or an LF of its own costs the message."""
        for end in ENDS:
            stripped = end.replace(b"\r\n", b"")
            if b"\r" in stripped or b"\n" in stripped:
                heard = self.played(end, "reject", False).heard()
                self.assertEqual("554 5.6.0", heard[:9], end)

    def test_end_of_the_command(self) -> None:
        """The CRLF of DATA itself counts: a dot right behind it is the end, LF and a dot is not."""
        client = Client()
        client.say(*ENVELOPE)
        self.assertEqual(
            BEGIN_MESSAGE + "250 2.0.0 OK 1\n250 2.0.0 OK\n", client.say("DATA", ".", "NOOP")
        )
        client.say(*ENVELOPE[1:])
        client.send(b"DATA\r\n\n.\r\nNOOP\r\n.\r\n")
        self.assertEqual("554 5.6.0", client.heard().splitlines()[-1][:9])

    def test_data_without_its_end(self) -> None:
        """DATA that ends with a bare LF is no command; what follows is a message to nobody."""
        client = Client()
        client.say(*ENVELOPE)
        client.send(b"DATA\nNOOP\r\n")
        self.assertEqual(
            "500 5.5.2 Control characters are not allowed in a command\n", client.heard()
        )


class ChunkTests(SynchronousTestCase):
    """BDAT: only the count says where a chunk ends."""

    def client(self) -> Client:
        client = Client()
        client.say(*ENVELOPE)
        return client

    def test_dots_in_chunks(self) -> None:
        """An end of DATA inside a chunk is text."""
        client = self.client()
        body = b"x\r\n.\r\n" + SMUGGLED
        client.send(b"BDAT %d LAST\r\n" % len(body) + body + b"NOOP\r\n")
        self.assertEqual("250 2.0.0 OK 1\n250 2.0.0 OK\n", client.heard())
        self.assertTrue(client.transport.messages[0].octets.endswith(body))

    def test_data_between_chunks(self) -> None:
        """DATA amid chunks is refused, and its message does not become one."""
        client = self.client()
        client.send(b"BDAT 3\r\nx\r\nDATA\r\nRSET\r\n")
        self.assertEqual(
            "250 2.0.0 Chunk received\n503 5.5.1 Only BDAT and RSET may follow BDAT\n"
            "250 2.0.0 Reset\n",
            client.heard(),
        )
        self.assertEqual([], client.transport.messages)

    def test_sizes_that_are_none(self) -> None:
        """A size that cannot be read ends the session: its octets would be commands."""
        for size in (
            "-1", "+1", "0x10", "1e3", "1 2", "1_0", "٣", "1 LAST LAST", "1 FIRST", "LAST", "",
            "9" * 21, "1,2", "1.0", "\x0b3",
        ):  # fmt: skip
            client = self.client()
            client.send(b"BDAT " + size.encode() + b"\r\n" + SMUGGLED)
            heard = client.heard()
            self.assertEqual("501 5.5.4", heard[:9], size)
            self.assertEqual(1, heard.count("\n"), heard)
            self.assertTrue(client.closed, size)

    def test_refused_chunks(self) -> None:
        """Octets of a chunk that is refused are still no commands."""
        client = Client()
        client.say("EHLO me")
        client.send(b"BDAT %d LAST\r\n" % len(SMUGGLED) + SMUGGLED + b"NOOP\r\n")
        self.assertEqual("503 5.5.1 Say MAIL first\n250 2.0.0 OK\n", client.heard())
        self.assertEqual([], client.transport.begun)

    def test_chunks_behind_a_refused_one(self) -> None:
        """Nor are those of the chunks that were pipelined behind it."""
        client = self.client()
        client.transport.answers["data"] = OSError("full")
        client.send((b"BDAT %d\r\n" % len(SMUGGLED) + SMUGGLED) * 3 + b"BDAT 0 LAST\r\nNOOP\r\n")
        heard = [line[:3] for line in client.heard().splitlines()]
        self.assertEqual(["451", "503", "503", "503", "250"], heard)


class NextHopTests(RelayCase):
    """What the next hop reads is one message, and the one that the client sent."""

    BODIES = (
        b"x\r\n.\r\n" + SMUGGLED,
        b".\r\n" + SMUGGLED,
        b"x\r\n..\r\n.\r\n\r\n.",
        b".",
        b"x",
        b"\r\n.\r\n",
    )

    @defer.inlineCallbacks
    def test_chunks_to_data(self) -> Any:
        """A message of chunks, cut between CRLF and dot, for a next hop that takes only DATA."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        for body in self.BODIES:
            for at in range(min(len(body), 6)):
                yield client.say("MAIL FROM:<a@b.example>")
                yield client.say("RCPT TO:<c@d.example>")
                chunks = (b"BDAT %d\r\n" % at, body[:at], b"BDAT %d LAST\r\n" % (len(body) - at))
                client.transport.write(b"".join(chunks) + body[at:])
                for _ in range(2):
                    self.assertEqual("250", (yield client.reply())[:3])
                received = hop.messages.pop()
                self.assertEqual([], hop.messages)
                stored = received.octets.partition(b" +0000\r\n")[2]
                self.assertEqual(body if body.endswith(b"\r\n") else body + b"\r\n", stored)
                self.assertEqual("<a@b.example>", received.sender)

    @defer.inlineCallbacks
    def test_normalised(self) -> Any:
        """Bare newlines that become CRLF make no end either: the dot is stuffed behind them."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop), bare_newlines="normalize").connect()
        for newline in (b"\n", b"\r", b"\n\r"):
            body = b"x" + newline + b"." + newline + SMUGGLED.replace(b"\r\n.\r\n", b"")
            yield client.say("MAIL FROM:<a@b.example>")
            yield client.say("RCPT TO:<c@d.example>")
            yield client.say("DATA")
            reply = yield client.say(body.decode() + "\r\n.")
            self.assertEqual("250", reply[:3])
            self.assertEqual(1, len(hop.messages))
            self.assertIn(b"\r\nMAIL FROM:<evil@b.example>\r\n", hop.messages.pop().octets)


class StufferTests(SynchronousTestCase):
    """The writer for the next hop against the strict reader."""

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(streams, sizes)
    def test_inverse(self, message: bytes, sizes: list[int]) -> None:
        """However a message is cut, a strict reader finds its one end behind its last octet."""
        stuffer = DotStuffer()
        sent = b"".join(stuffer.feed(piece) for piece in pieces(message, sizes)) + stuffer.finish()
        piece = BodyReader("pass").feed(sent)
        self.assertEqual((True, b""), (piece.done, piece.rest))
        whole = message if message.endswith(b"\r\n") or not message else message + b"\r\n"
        self.assertEqual(whole, piece.octets)

    @settings(deadline=None, derandomize=True, max_examples=100)
    @given(st.binary(max_size=200))
    def test_any_octets(self, message: bytes) -> None:
        """The same for any octets."""
        stuffer = DotStuffer()
        sent = stuffer.feed(message) + stuffer.finish()
        self.assertEqual(1, (b"\r\n" + sent).count(b"\r\n.\r\n"))
        self.assertTrue(sent.endswith(b".\r\n"))
