"""Replies of next hops: read strictly, however the network cuts them, and never too long."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.nexthop.replyreader import LINE_LIMIT, REPLY_LIMIT, BadReply, ReplyReader
from smtpgate.smtp.reply import Reply


def read(*pieces):
    """All replies in some octets."""
    reader = ReplyReader()
    found = []
    for piece in pieces:
        reader.append(piece)
        while (reply := reader.next()) is not None:
            found.append(reply)
    return found


class ReadTests(SynchronousTestCase):
    """What is a reply."""

    def test_one_line(self):
        """Code, enhanced code and text."""
        self.assertEqual(read(b"250 2.1.0 fine\r\n"), [Reply(250, ("fine",), (2, 1, 0))])

    def test_several_lines(self):
        """The enhanced code of all lines is the reply's."""
        octets = b"550-5.7.1 no\r\n550-5.7.1\r\n550 5.7.1 never\r\n"
        self.assertEqual(read(octets), [Reply(550, ("no", "", "never"), (5, 7, 1))])

    def test_bare_code(self):
        """A code alone is a reply, RFC 5321 4.2."""
        self.assertEqual(read(b"250\r\n354 \r\n"), [Reply(250, ("",)), Reply(354, ("",))])

    def test_enhanced_codes_that_differ(self):
        """Enhanced codes that differ between lines stay in the text."""
        [reply] = read(b"550-5.7.1 no\r\n550 5.1.1 never\r\n")
        self.assertEqual(reply, Reply(550, ("5.7.1 no", "5.1.1 never")))

    def test_enhanced_code_of_another_class(self):
        """So does one that contradicts the reply, and what only looks like one."""
        for text in ("5.7.1 fine", "2.0 fine", "2.0.0fine", "2.0.1234 fine", "10.0.0.1 fine"):
            self.assertEqual(read(f"250 {text}\r\n".encode()), [Reply(250, (text,))])

    def test_octets_beyond_ascii(self):
        """Text keeps its octets."""
        [reply] = read("250 grüße\r\n".encode())
        self.assertEqual(reply.wire, "250 grüße\r\n".encode())

    def test_in_pieces(self):
        """An incomplete reply waits, and is counted."""
        reader = ReplyReader()
        reader.append(b"250-one\r\n25")
        self.assertIsNone(reader.next())
        self.assertEqual(len(reader), 11)
        reader.append(b"0 two\r\n")
        self.assertEqual(reader.next(), Reply(250, ("one", "two")))
        self.assertEqual(len(reader), 0)

    @settings(deadline=None, derandomize=True, max_examples=200)
    @given(
        st.lists(
            st.tuples(
                st.integers(200, 599),
                st.lists(
                    st.text(
                        st.characters(max_codepoint=255, exclude_characters="\r\n\0"), max_size=30
                    ),
                    min_size=1,
                    max_size=4,
                ),
            ),
            max_size=4,
        ),
        st.lists(st.integers(0, 400), max_size=6),
    )
    def test_any_cut(self, replies, cuts):
        """How the octets are cut makes no difference, and what comes out is what went in."""
        octets = b"".join(Reply(code, tuple(lines)).wire for code, lines in replies)
        edges = sorted({0, len(octets), *(cut for cut in cuts if cut < len(octets))})
        pieces = [octets[a:b] for a, b in pairwise(edges)]
        found = read(*pieces)
        self.assertEqual(found, read(octets))
        self.assertEqual([reply.code for reply in found], [code for code, _ in replies])


class BadTests(SynchronousTestCase):
    """What is no reply."""

    def check(self, octets, words):
        error = self.assertRaises(BadReply, read, octets)
        self.assertEqual(str(error), words)

    def test_no_reply(self):
        """Other protocols, other codes, bare newlines, NUL."""
        for line in (
            b"HTTP/1.1 200 OK",
            b"",
            b"25 short",
            b"2500 long",
            b"150 too low",
            b"650 too high",
            b"250+what",
            b" 250 x",
            b"250 a\nb",
            b"250 a\rb",
            b"250 a\0b",
        ):
            self.check(line + b"\r\n", f"no SMTP reply: {line!r}")

    def test_two_codes(self):
        """All lines of a reply have one code."""
        self.check(b"250-one\r\n550 two\r\n", "a reply with two codes: b'550 two'")

    def test_long_line(self):
        """A line has its limit, whether its end comes or not."""
        fits = b"250 ".ljust(LINE_LIMIT - 2, b"x") + b"\r\n"
        self.assertEqual(len(read(fits)), 1)
        words = f"a line is longer than {LINE_LIMIT} octets"
        self.check(b"250 ".ljust(LINE_LIMIT, b"x"), words)
        self.check(b"250 ".ljust(LINE_LIMIT - 1, b"x") + b"\r\n", words)

    def test_flood(self):
        """A reply has its limit too."""
        line = b"250-" + b"x" * 1018 + b"\r\n"
        lines = REPLY_LIMIT // len(line)
        self.assertEqual(read(line * lines), [])
        self.check(line * (lines + 1), f"a reply is longer than {REPLY_LIMIT} octets")

    def test_limit_is_of_each_reply(self):
        """Many replies may be longer together."""
        reply = b"250-" + b"x" * 1018 + b"\r\n250 y\r\n"
        self.assertEqual(len(read(reply * 100)), 100)
