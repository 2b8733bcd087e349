"""Replies: what they hold, and their form on the wire."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp import reply as replies
from smtpgate.smtp.refusal import Refusal
from smtpgate.smtp.reply import Reply, worst


class WireTests(SynchronousTestCase):
    """The octets that are sent."""

    def test_one_line(self) -> None:
        """A code, an enhanced code, the text."""
        self.assertEqual(Reply(250, ("OK",), (2, 1, 5)).wire, b"250 2.1.5 OK\r\n")

    def test_several_lines(self) -> None:
        """The enhanced code is on each line, and all but the last have a hyphen."""
        self.assertEqual(
            Reply(550, ("one", "two"), (5, 7, 1)).wire, b"550-5.7.1 one\r\n550 5.7.1 two\r\n"
        )

    def test_without_enhanced_code(self) -> None:
        """Some replies have none."""
        self.assertEqual(Reply(334, ("",)).wire, b"334 \r\n")

    def test_octets(self) -> None:
        """A character is an octet while it fits, else the text is UTF-8."""
        self.assertEqual(Reply(250, ("\xe4",)).wire, b"250 \xe4\r\n")
        self.assertEqual(Reply(250, ("\u20ac",)).wire, b"250 \xe2\x82\xac\r\n")

    def test_refuses_line_ends(self) -> None:
        """No line can hold the end of a line, or NUL."""
        for octet in "\r\n\0":
            with self.assertRaises(ValueError) as caught:
                Reply(250, ("a" + octet + "b",))
            self.assertEqual(
                str(caught.exception), f"a reply line holds no CR, LF or NUL: {'a' + octet + 'b'!r}"
            )

    def test_refuses_codes(self) -> None:
        """Codes are 200 to 599."""
        for code in (199, 600, 0, -250):
            with self.assertRaises(ValueError) as caught:
                Reply(code, ("x",))
            self.assertEqual(str(caught.exception), f"a reply code is 200 to 599, not {code}")

    def test_refuses_nothing(self) -> None:
        """There is at least one line."""
        with self.assertRaises(ValueError) as caught:
            Reply(250, ())
        self.assertEqual(str(caught.exception), "a reply has at least one line")

    @settings(deadline=None, derandomize=True)
    @given(st.text() | st.lists(st.text()))
    def test_any_text(self, text: str | list[str]) -> None:
        """Whatever text others give, the reply is lines with the code and nothing else."""
        wire = Reply.of(250, text, (2, 0, 0)).wire
        self.assertTrue(wire.endswith(b"\r\n"))
        lines = wire[:-2].split(b"\r\n")
        for number, line in enumerate(lines):
            self.assertNotIn(b"\n", line)
            self.assertNotIn(b"\r", line)
            self.assertNotIn(b"\0", line)
            last = number == len(lines) - 1
            self.assertTrue(line.startswith(b"250 2.0.0 " if last else b"250-2.0.0 "))

    def test_text_with_lines(self) -> None:
        """LF and CRLF begin new lines, CR alone and NUL become blanks."""
        self.assertEqual(Reply.of(250, "a\r\nb\nc\rd\0e").lines, ("a", "b", "c d e"))
        self.assertEqual(Reply.of(250, []).lines, ("",))


class MeaningTests(SynchronousTestCase):
    """What replies mean to the session."""

    def test_positive(self) -> None:
        """2xx and 3xx are positive."""
        self.assertEqual(
            [Reply(code, ("",)).positive for code in (250, 354, 450, 550)],
            [True, True, False, False],
        )

    def test_closing(self) -> None:
        """A reply can be made to close; it stays the same otherwise."""
        closing = replies.OK.closing()
        self.assertTrue(closing.close)
        self.assertEqual(closing.wire, replies.OK.wire)
        self.assertIs(closing.closing(), closing)

    def test_worst(self) -> None:
        """Permanent before temporary before success; the first of equals."""
        ok, busy, full, no = (Reply(code, ("x",)) for code in (250, 451, 452, 550))
        self.assertIs(worst([ok, busy, full]), busy)
        self.assertIs(worst([busy, no, ok]), no)
        self.assertIs(worst([ok]), ok)

    def test_refusing(self) -> None:
        """A parser's refusal is a reply."""
        self.assertEqual(Reply.refusing(Refusal(501, (5, 5, 4), "why")).wire, b"501 5.5.4 why\r\n")

    def test_codes_agree(self) -> None:
        """The class of every named reply's enhanced code is that of its code."""
        named = [value for value in vars(replies).values() if isinstance(value, Reply)]
        made = [
            make("host")
            for make in (
                replies.goodbye,
                replies.local_trouble,
                replies.shutting_down,
                replies.timed_out,
                replies.too_many_connections,
                replies.too_many_commands,
                replies.too_many_errors,
                replies.too_many_attempts,
                replies.early_talker,
                replies.queued,
            )
        ]
        self.assertGreater(len(named), 40)
        for reply in named + made:
            if reply.enhanced is not None:
                self.assertEqual(reply.enhanced[0], reply.code // 100, reply)
            else:
                self.assertEqual(reply.code, 354)

    def test_421_closes(self) -> None:
        """Every 421 closes, RFC 5321 3.8."""
        for make in (replies.local_trouble, replies.timed_out, replies.too_many_errors):
            self.assertTrue(make("host").close)
