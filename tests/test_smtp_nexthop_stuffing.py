"""Messages as DATA carries them: what the framing reads back is what went in."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.framing import BodyReader
from smtpgate.smtp.nexthop.stuffing import DotStuffer


def stuffed(*pieces):
    """A message in pieces, as it is sent."""
    stuffer = DotStuffer()
    return b"".join(stuffer.feed(piece) for piece in pieces) + stuffer.finish()


class StufferTests(SynchronousTestCase):
    def test_dots(self):
        """A dot that begins a line is doubled, and no other."""
        self.assertEqual(stuffed(b".a\r\nb.\r\n..\r\n"), b"..a\r\nb.\r\n...\r\n.\r\n")

    def test_empty(self):
        """A message without octets is a dot."""
        self.assertEqual(stuffed(), b".\r\n")
        self.assertEqual(stuffed(b""), b".\r\n")

    def test_no_line_end(self):
        """A message that ends inside a line gets its CRLF."""
        self.assertEqual(stuffed(b"a"), b"a\r\n.\r\n")
        self.assertEqual(stuffed(b"a\r"), b"a\r\r\n.\r\n")
        self.assertEqual(stuffed(b"a\n"), b"a\n\r\n.\r\n")

    def test_edges(self):
        """Line ends and dots may be in different pieces."""
        self.assertEqual(stuffed(b"a\r", b"\n", b".", b"b\r\n"), b"a\r\n..b\r\n.\r\n")

    def test_again(self):
        """After its end it is ready for another message."""
        stuffer = DotStuffer()
        stuffer.feed(b"a")
        stuffer.finish()
        self.assertEqual(stuffer.feed(b".") + stuffer.finish(), b"..\r\n.\r\n")

    @settings(deadline=None, derandomize=True, max_examples=500)
    @given(st.lists(st.text(alphabet="\r\n.a").map(str.encode), max_size=8))
    @example([b"\r\n", b".\r\n"])
    @example([b"a\r\n.", b"\r\n"])
    def test_round_trip(self, pieces):
        """The reader of bodies gives back what was sent, and finds the end where it is."""
        message = b"".join(pieces)
        whole = message if message.endswith(b"\r\n") or not message else message + b"\r\n"
        sent = stuffed(*pieces)
        self.assertEqual(sent, stuffed(message), "however it is cut")
        piece = BodyReader("pass", None).feed(sent + b"QUIT\r\n")
        self.assertEqual((piece.octets, piece.done, piece.rest), (whole, True, b"QUIT\r\n"))
