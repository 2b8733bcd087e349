"""Command lines and the argument of BDAT: where they end, whatever the network cuts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.framing import (
    AUTH_LINE_LIMIT,
    COMMAND_LINE_LIMIT,
    Bdat,
    LineBuffer,
    LineFault,
    parse_bdat,
)
from smtpgate.smtp.refusal import Refusal
from tests.support.cuts import pieces, singles, sizes, streams

PROPERTY = settings(deadline=None, derandomize=True, max_examples=400)


def take_all(buffer: LineBuffer, limit: int) -> list[bytes | LineFault]:
    lines: list[bytes | LineFault] = []
    while (line := buffer.take(limit)) is not None:
        lines.append(line)
    return lines


def reference_lines(octets: bytes, limit: int) -> list[bytes | LineFault]:
    """What the lines of a whole stream are, told line by line."""
    lines: list[bytes | LineFault] = []
    *whole, partial = octets.split(b"\r\n")
    for line in whole:
        if len(line) + 2 > limit:
            lines.append(LineFault.TOO_LONG)
        elif set(line) & set(b"\r\n\0"):
            lines.append(LineFault.CONTROL)
        else:
            lines.append(line)
    if len(partial) >= limit:
        lines.append(LineFault.TOO_LONG)
    return lines


class LineBufferTests(SynchronousTestCase):
    """Cutting command lines."""

    def test_one_line_at_a_time(self) -> None:
        """A line comes out only when it is asked for; the others wait as octets."""
        buffer = LineBuffer()
        buffer.append(b"EHLO a\r\nMAIL FROM:<>\r\nQU")
        self.assertEqual(len(buffer), 24)
        self.assertEqual(buffer.take(), b"EHLO a")
        self.assertEqual(len(buffer), 16)
        self.assertEqual(buffer.take(), b"MAIL FROM:<>")
        self.assertIsNone(buffer.take())
        self.assertEqual(len(buffer), 2)
        buffer.append(b"IT\r")
        self.assertIsNone(buffer.take())
        buffer.append(b"\n")
        self.assertEqual(buffer.take(), b"QUIT")
        self.assertEqual(len(buffer), 0)

    def test_empty_line(self) -> None:
        """CRLF alone is a line."""
        buffer = LineBuffer()
        buffer.append(b"\r\n")
        self.assertEqual(buffer.take(), b"")

    def test_longest_line(self) -> None:
        """A line may have 2048 octets with its CRLF, an answer to AUTH 12288, and not one more."""
        for limit in (COMMAND_LINE_LIMIT, AUTH_LINE_LIMIT):
            buffer = LineBuffer()
            buffer.append(b"x" * (limit - 2) + b"\r\n")
            self.assertEqual(buffer.take(limit), b"x" * (limit - 2))
            buffer.append(b"x" * (limit - 1) + b"\r\nNOOP\r\n")
            self.assertEqual(buffer.take(limit), LineFault.TOO_LONG)
            self.assertEqual(buffer.take(limit), b"NOOP")
            self.assertIsNone(buffer.take(limit))

    def test_default_limit(self) -> None:
        """Without a limit the one for commands holds."""
        self.assertEqual((COMMAND_LINE_LIMIT, AUTH_LINE_LIMIT), (2048, 12288))
        buffer = LineBuffer()
        buffer.append(b"x" * 2047)
        self.assertIsNone(buffer.take())
        buffer.append(b"x")
        self.assertEqual(buffer.take(), LineFault.TOO_LONG)

    def test_endless_line(self) -> None:
        """A line that never ends is reported once, and its octets are not kept."""
        buffer = LineBuffer()
        faults = []
        for _ in range(1000):
            buffer.append(b"x" * 1000)
            faults += take_all(buffer, COMMAND_LINE_LIMIT)
            self.assertLess(len(buffer), COMMAND_LINE_LIMIT)
        self.assertEqual(faults, [LineFault.TOO_LONG])
        buffer.append(b"\r\nNOOP\r\n")
        self.assertEqual(buffer.take(), b"NOOP")

    def test_bare_newline_ends_nothing(self) -> None:
        """A client that ends its lines with LF is told when the line gets too long, not before."""
        buffer = LineBuffer()
        buffer.append(b"EHLO a\nMAIL FROM:<>\n")
        self.assertIsNone(buffer.take())
        buffer.append(b"NOOP\n" * 410)
        self.assertEqual(buffer.take(), LineFault.TOO_LONG)

    def test_control_octets(self) -> None:
        """CR, LF and NUL inside a line are reported with the line."""
        for octet in (b"\r", b"\n", b"\0"):
            buffer = LineBuffer()
            buffer.append(b"NO" + octet + b"OP\r\nNOOP\r\n")
            self.assertEqual(buffer.take(), LineFault.CONTROL)
            self.assertEqual(buffer.take(), b"NOOP")
        buffer = LineBuffer()
        buffer.append(b"NOOP\r\r\n")
        self.assertEqual(buffer.take(), LineFault.CONTROL)

    def test_fault_texts(self) -> None:
        """The faults say what is wrong."""
        self.assertEqual(LineFault.TOO_LONG.value, "Line too long")
        self.assertEqual(LineFault.CONTROL.value, "CR, LF and NUL are not allowed inside a command")

    def test_drain(self) -> None:
        """What waits can be taken for a body; what is left over comes back."""
        buffer = LineBuffer()
        buffer.append(b"DATA\r\nbody\r")
        self.assertEqual(buffer.take(), b"DATA")
        self.assertIsNone(buffer.take())
        self.assertEqual(buffer.drain(), b"body\r")
        self.assertEqual(len(buffer), 0)
        buffer.append(b"\nQUIT\r\n")
        self.assertEqual(buffer.take(), LineFault.CONTROL)

    def test_clear(self) -> None:
        """Nothing survives clearing: no octet, no half line, no line that is being skipped."""
        buffer = LineBuffer()
        for junk in (b"MAIL", b"MAIL\r", b"x" * 5000):
            buffer.append(junk)
            buffer.take()
            buffer.clear()
            self.assertEqual(len(buffer), 0)
            buffer.append(b"\nEHLO a\r\n")
            self.assertEqual(buffer.take(), LineFault.CONTROL)

    def test_limit_may_change(self) -> None:
        """A half line that waits under a larger limit is judged by the smaller one that follows."""
        buffer = LineBuffer()
        buffer.append(b"x" * 3000)
        self.assertIsNone(buffer.take(AUTH_LINE_LIMIT))
        self.assertEqual(buffer.take(COMMAND_LINE_LIMIT), LineFault.TOO_LONG)
        buffer.append(b"\r\nNOOP\r\n")
        self.assertEqual(buffer.take(AUTH_LINE_LIMIT), b"NOOP")

    @PROPERTY
    @given(streams, sizes, st.integers(2, 40))
    def test_cuts_make_no_difference(self, octets: bytes, sizes: list[int], limit: int) -> None:
        """Whole, octet by octet and cut anywhere: the lines are those of the reference."""
        expected = reference_lines(octets, limit)
        for cut in ([octets], singles(octets), list(pieces(octets, sizes))):
            buffer = LineBuffer()
            lines = []
            for piece in cut:
                buffer.append(piece)
                lines += take_all(buffer, limit)
            self.assertEqual(lines, expected)
            late = LineBuffer()
            for piece in cut:
                late.append(piece)
            self.assertEqual(take_all(late, limit), expected)


class BdatArgumentTests(SynchronousTestCase):
    """The argument of BDAT."""

    def test_accepted(self) -> None:
        """A number, and LAST in any case."""
        for octets, expected in (
            (b"0", Bdat(0, False)),
            (b"86", Bdat(86, False)),
            (b"0 LAST", Bdat(0, True)),
            (b"12345678901234567890 last ", Bdat(12345678901234567890, True)),
        ):
            self.assertEqual(parse_bdat(octets), expected)

    def test_refused(self) -> None:
        """Anything else is 501."""
        for octets in (
            b"",
            b"LAST",
            b" 1",
            b"-1",
            b"+1",
            b"1.0",
            b"0x10",
            b"1_000",
            b"1  LAST",
            b"1\tLAST",
            b"1 LASTING",
            b"1 LAST LAST",
            b"1 2",
            b"1\n",
            b"123456789012345678901",
            "\u0663".encode(),
        ):
            refusal = self.assertRaises(Refusal, parse_bdat, octets)
            self.assertEqual(str(refusal), "501 5.5.4 Syntax: BDAT size [LAST]")
            self.assertEqual(
                (refusal.code, refusal.enhanced, refusal.text),
                (501, (5, 5, 4), "Syntax: BDAT size [LAST]"),
            )
