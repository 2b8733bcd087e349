"""Lines, DATA and BDAT: where they end, and that the network's cuts make no difference."""

from __future__ import annotations

from collections.abc import Iterator

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.framing import (
    AUTH_LINE_LIMIT,
    COMMAND_LINE_LIMIT,
    Bdat,
    BodyReader,
    ChunkReader,
    Line,
    LineBuffer,
    LineFault,
    parse_bdat,
)
from smtpgate.smtp.refusal import Refusal

PROPERTY = settings(deadline=None, derandomize=True, max_examples=400)
POLICIES = ("reject", "normalize", "pass")

# Streams made of what matters to framing: much denser in edges than random octets.
tokens = st.sampled_from(
    [
        b"\r\n",
        b"\r",
        b"\n",
        b".",
        b"\r\n.",
        b"\r\n.\r\n",
        b"\n.\n",
        b"a",
        b"\0",
        b"\xff",
        b"xyz" * 9,
    ]
)
streams = st.lists(tokens, max_size=30).map(b"".join)
cuts = st.lists(st.integers(0, 12), max_size=60)


def pieces(octets: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut octets into pieces of these sizes, empty ones too, and a last one with the rest."""
    at = 0
    for size in sizes:
        yield octets[at : at + size]
        at += size
    yield octets[at:]


def singles(octets: bytes) -> list[bytes]:
    """The octets one by one."""
    return [octets[at : at + 1] for at in range(len(octets))]


# --- command lines -------------------------------------------------------------------------------


def take_all(buffer: LineBuffer, limit: int) -> list[Line]:
    lines = []
    while (line := buffer.take(limit)) is not None:
        lines.append(line)
    return lines


def reference_lines(octets: bytes, limit: int) -> list[Line]:
    """What the lines of a whole stream are, told line by line."""
    lines = []
    *whole, partial = octets.split(b"\r\n")
    for line in whole:
        if len(line) + 2 > limit:
            lines.append(Line(b"", LineFault.TOO_LONG))
        elif set(line) & set(b"\r\n\0"):
            lines.append(Line(line, LineFault.CONTROL))
        else:
            lines.append(Line(line))
    if len(partial) >= limit:
        lines.append(Line(b"", LineFault.TOO_LONG))
    return lines


class LineBufferTests(SynchronousTestCase):
    """Cutting command lines."""

    def test_one_line_at_a_time(self) -> None:
        """A line comes out only when it is asked for; the others wait as octets."""
        buffer = LineBuffer()
        buffer.append(b"EHLO a\r\nMAIL FROM:<>\r\nQU")
        self.assertEqual(len(buffer), 24)
        self.assertEqual(buffer.take(), Line(b"EHLO a"))
        self.assertEqual(len(buffer), 16)
        self.assertEqual(buffer.take(), Line(b"MAIL FROM:<>"))
        self.assertIsNone(buffer.take())
        self.assertEqual(len(buffer), 2)
        buffer.append(b"IT\r")
        self.assertIsNone(buffer.take())
        buffer.append(b"\n")
        self.assertEqual(buffer.take(), Line(b"QUIT"))
        self.assertEqual(len(buffer), 0)

    def test_empty_line(self) -> None:
        """CRLF alone is a line."""
        buffer = LineBuffer()
        buffer.append(b"\r\n")
        self.assertEqual(buffer.take(), Line(b""))

    def test_longest_line(self) -> None:
        """A line may have 2048 octets with its CRLF, an answer to AUTH 12288, and not one more."""
        for limit in (COMMAND_LINE_LIMIT, AUTH_LINE_LIMIT):
            buffer = LineBuffer()
            buffer.append(b"x" * (limit - 2) + b"\r\n")
            self.assertEqual(buffer.take(limit), Line(b"x" * (limit - 2)))
            buffer.append(b"x" * (limit - 1) + b"\r\nNOOP\r\n")
            self.assertEqual(buffer.take(limit), Line(b"", LineFault.TOO_LONG))
            self.assertEqual(buffer.take(limit), Line(b"NOOP"))
            self.assertIsNone(buffer.take(limit))

    def test_default_limit(self) -> None:
        """Without a limit the one for commands holds."""
        self.assertEqual((COMMAND_LINE_LIMIT, AUTH_LINE_LIMIT), (2048, 12288))
        buffer = LineBuffer()
        buffer.append(b"x" * 2047)
        self.assertIsNone(buffer.take())
        buffer.append(b"x")
        self.assertEqual(buffer.take(), Line(b"", LineFault.TOO_LONG))

    def test_endless_line(self) -> None:
        """A line that never ends is reported once, and its octets are not kept."""
        buffer = LineBuffer()
        faults = []
        for _ in range(1000):
            buffer.append(b"x" * 1000)
            faults += take_all(buffer, COMMAND_LINE_LIMIT)
            self.assertLess(len(buffer), COMMAND_LINE_LIMIT)
        self.assertEqual(faults, [Line(b"", LineFault.TOO_LONG)])
        buffer.append(b"\r\nNOOP\r\n")
        self.assertEqual(buffer.take(), Line(b"NOOP"))

    def test_bare_newline_ends_nothing(self) -> None:
        """A client that ends its lines with LF is told when the line gets too long, not before."""
        buffer = LineBuffer()
        buffer.append(b"EHLO a\nMAIL FROM:<>\n")
        self.assertIsNone(buffer.take())
        buffer.append(b"NOOP\n" * 410)
        self.assertEqual(buffer.take(), Line(b"", LineFault.TOO_LONG))

    def test_control_octets(self) -> None:
        """CR, LF and NUL inside a line are reported with the line."""
        for octet in (b"\r", b"\n", b"\0"):
            buffer = LineBuffer()
            buffer.append(b"NO" + octet + b"OP\r\nNOOP\r\n")
            self.assertEqual(buffer.take(), Line(b"NO" + octet + b"OP", LineFault.CONTROL))
            self.assertEqual(buffer.take(), Line(b"NOOP"))
        buffer = LineBuffer()
        buffer.append(b"NOOP\r\r\n")
        self.assertEqual(buffer.take(), Line(b"NOOP\r", LineFault.CONTROL))

    def test_fault_texts(self) -> None:
        """The faults say what is wrong."""
        self.assertEqual(LineFault.TOO_LONG.value, "Line too long")
        self.assertEqual(LineFault.CONTROL.value, "CR, LF and NUL are not allowed inside a command")

    def test_drain(self) -> None:
        """What waits can be taken for a body; what is left over comes back."""
        buffer = LineBuffer()
        buffer.append(b"DATA\r\nbody\r")
        self.assertEqual(buffer.take(), Line(b"DATA"))
        self.assertIsNone(buffer.take())
        self.assertEqual(buffer.drain(), b"body\r")
        self.assertEqual(len(buffer), 0)
        buffer.append(b"\nQUIT\r\n")
        self.assertEqual(buffer.take(), Line(b"\nQUIT", LineFault.CONTROL))

    def test_clear(self) -> None:
        """Nothing survives clearing: no octet, no half line, no line that is being skipped."""
        buffer = LineBuffer()
        for junk in (b"MAIL", b"MAIL\r", b"x" * 5000):
            buffer.append(junk)
            buffer.take()
            buffer.clear()
            self.assertEqual(len(buffer), 0)
            buffer.append(b"\nEHLO a\r\n")
            self.assertEqual(buffer.take(), Line(b"\nEHLO a", LineFault.CONTROL))

    def test_limit_may_change(self) -> None:
        """A half line that waits under a larger limit is judged by the smaller one that follows."""
        buffer = LineBuffer()
        buffer.append(b"x" * 3000)
        self.assertIsNone(buffer.take(AUTH_LINE_LIMIT))
        self.assertEqual(buffer.take(COMMAND_LINE_LIMIT), Line(b"", LineFault.TOO_LONG))
        buffer.append(b"\r\nNOOP\r\n")
        self.assertEqual(buffer.take(AUTH_LINE_LIMIT), Line(b"NOOP"))

    @PROPERTY
    @given(streams, cuts, st.integers(2, 40))
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


# --- DATA ----------------------------------------------------------------------------------------


def read(reader: BodyReader, cut: list[bytes]) -> tuple[bytes, bool, bytes]:
    """Feed pieces: the octets handed out, whether the end came, and all that followed it."""
    out = b""
    for index, piece in enumerate(cut):
        got = reader.feed(piece)
        out += got.octets
        if got.done:
            return out, True, got.rest + b"".join(cut[index + 1 :])
        assert got.rest == b""
    return out, False, b""


def is_bare(octets: bytes) -> bool:
    return bool(set(octets.replace(b"\r\n", b"")) & set(b"\r\n"))


def normalized(octets: bytes) -> bytes:
    """Octet by octet: CRLF, CR and LF each become CRLF."""
    out = bytearray()
    for index, octet in enumerate(octets):
        if octet == 10 and octets[max(index - 1, 0) : index] == b"\r":
            continue
        out += b"\r\n" if octet in b"\r\n" else bytes([octet])
    return bytes(out)


def reference_body(stream: bytes) -> tuple[bytes, bytes] | None:
    """The unstuffed message and what follows it, told line by line; None when no end is there."""
    body = b""
    while True:
        line, newline, stream = stream.partition(b"\r\n")
        if not newline:
            return None
        if line == b".":
            return body, stream
        body += line.removeprefix(b".") + newline


class BodyReaderTests(SynchronousTestCase):
    """Reading the message after DATA."""

    def test_plain_message(self) -> None:
        """The message keeps its last CRLF; the dot's line is not part of it."""
        reader = BodyReader()
        self.assertEqual(
            reader.feed(b"Subject: a\r\n\r\nb\r\n.\r\nQUIT\r\n"),
            (b"Subject: a\r\n\r\nb\r\n", True, b"QUIT\r\n"),
        )
        self.assertEqual(reader.size, 17)
        self.assertFalse(reader.refused)
        self.assertFalse(reader.bare)

    def test_empty_message(self) -> None:
        """A dot that comes first ends an empty message."""
        reader = BodyReader()
        self.assertEqual(reader.feed(b".\r\n"), (b"", True, b""))
        self.assertEqual(reader.size, 0)

    def test_dots(self) -> None:
        """One dot goes from the beginning of each line, the first line too, and nowhere else."""
        self.assertEqual(
            BodyReader().feed(b"..a\r\n...\r\na.\r\n.b\r\n..\r\n.\r\n").octets,
            b".a\r\n..\r\na.\r\nb\r\n.\r\n",
        )

    def test_only_the_first_end_counts(self) -> None:
        """What follows the end is not looked at, even when it holds another end."""
        self.assertEqual(
            BodyReader().feed(b"a\r\n.\r\n..b\r\n.\r\n"), (b"a\r\n", True, b"..b\r\n.\r\n")
        )

    def test_nothing_but_the_end_ends(self) -> None:
        """None of the variants that other servers took for the end is one, in any policy."""
        newlines = (
            b"\r\n",
            b"\n",
            b"\r",
            b"\r\r\n",
            b"\n\r",
            b"\0\r\n",
            b"\r\0\n",
            b"\r\n\0",
            b" \r\n",
        )
        marks = (b".", b".\0", b"\0.", b". ", b" .", b"..", b"\x2e\xcc\x80")
        for policy in POLICIES:
            for before in newlines:
                for mark in marks:
                    for after in newlines:
                        # In these the line before or after the mark really is CRLF . CRLF.
                        if before.endswith(b"\r\n") and mark == b"." and after.startswith(b"\r\n"):
                            continue
                        smuggled = b"MAIL FROM:<evil@example.com>\r\n"
                        stream = b"a" + before + mark + after + smuggled
                        for cut in ([stream], singles(stream)):
                            reader = BodyReader(policy)  # type: ignore[arg-type]
                            _, done, _ = read(reader, cut)
                            self.assertFalse(done, stream)
                            got = reader.feed(b".\r\nQUIT\r\n")
                            self.assertEqual((got.done, got.rest), (True, b"QUIT\r\n"), stream)

    def test_bare_newlines_are_refused(self) -> None:
        """With `reject` the message is read to its end, refused, and no more of it handed out."""
        for bare in (b"\r", b"\n", b"\n\r", b"\r\r\n", b"\n.\n"):
            reader = BodyReader("reject")
            self.assertEqual(reader.feed(b"one\r\ntwo\r\n"), (b"one\r\ntwo", False, b""))
            self.assertFalse(reader.refused)
            self.assertEqual(reader.feed(b"a" + bare + b"b"), (b"", False, b""))
            self.assertEqual(reader.feed(b"clean\r\n"), (b"", False, b""))
            self.assertEqual(reader.feed(b".\r\nQUIT"), (b"", True, b"QUIT"))
            self.assertTrue(reader.bare)
            self.assertTrue(reader.bare_refused)
            self.assertTrue(reader.refused)
            self.assertFalse(reader.too_large)

    def test_bare_newlines_become_crlf(self) -> None:
        """With `normalize` each bare CR and LF becomes CRLF, also at the edges of pieces."""
        stream = b"a\nb\rc\r\r\nd\n\re\n.\nf\r\n.\r\n"
        expected = b"a\r\nb\r\nc\r\n\r\nd\r\n\r\ne\r\n.\r\nf\r\n"
        for cut in ([stream], singles(stream)):
            reader = BodyReader("normalize")
            self.assertEqual(read(reader, cut), (expected, True, b""))
            self.assertEqual(reader.size, len(expected))
            self.assertTrue(reader.bare)
            self.assertFalse(reader.refused)

    def test_bare_newlines_pass(self) -> None:
        """With `pass` they stay, and nobody looks for them."""
        reader = BodyReader("pass")
        self.assertEqual(reader.feed(b"a\nb\rc\r\n.\r\n").octets, b"a\nb\rc\r\n")
        self.assertFalse(reader.bare)
        self.assertFalse(reader.refused)

    def test_size_limit(self) -> None:
        """A message of exactly the limit passes; one octet more and it is refused at its end."""
        # A stuffed dot does not count, the last CRLF does: 10 octets.
        reader = BodyReader(limit=10)
        self.assertEqual(
            read(reader, singles(b"..2345678\r\n.\r\nQUIT")), (b".2345678\r\n", True, b"QUIT")
        )
        self.assertEqual(reader.size, 10)
        self.assertFalse(reader.refused)
        reader = BodyReader(limit=10)
        out, done, rest = read(reader, singles(b"..23456789\r\n.\r\nQUIT"))
        self.assertEqual((done, rest, reader.size), (True, b"QUIT", 11))
        self.assertTrue(reader.too_large)
        self.assertTrue(reader.refused)
        self.assertFalse(reader.bare_refused)
        self.assertEqual(out, b".23456789")

    def test_nothing_is_kept(self) -> None:
        """After the size limit only the reader's few octets of memory remain in use."""
        reader = BodyReader(limit=1000)
        handed = 0
        for _ in range(200):
            got = reader.feed(b"x" * 10000)
            handed += len(got.octets)
            self.assertLessEqual(len(reader._held), 4)
        self.assertEqual(handed, 0)
        self.assertEqual(reader.size, 2_000_000)

    @PROPERTY
    @given(streams, cuts, st.sampled_from(POLICIES), st.one_of(st.none(), st.integers(0, 60)))
    @example(b"\n\r\n.\r\n", [1, 1, 1], "normalize", None)
    @example(b"\r\r\n.\r\n", [1, 1, 1], "reject", None)
    def test_cuts_make_no_difference(
        self, stream: bytes, sizes: list[int], policy: str, limit: int | None
    ) -> None:
        """Whole, octet by octet and cut anywhere: message and verdict are the reference's."""
        expected = reference_body(stream)
        for cut in ([stream], singles(stream), list(pieces(stream, sizes))):
            reader = BodyReader(policy, limit)  # type: ignore[arg-type]
            out, done, rest = read(reader, cut)
            if expected is None:
                self.assertFalse(done)
                continue
            body, after = expected
            if policy == "normalize":
                body = normalized(body)
            bare = policy != "pass" and is_bare(expected[0])
            too_large = limit is not None and len(body) > limit
            self.assertTrue(done)
            self.assertEqual(rest, after)
            self.assertEqual(reader.size, len(body))
            self.assertEqual(reader.bare, bare)
            self.assertEqual(reader.too_large, too_large)
            self.assertEqual(reader.bare_refused, bare and policy == "reject")
            self.assertEqual(reader.refused, too_large or (bare and policy == "reject"))
            if reader.refused:
                self.assertTrue(body.startswith(out))
            else:
                self.assertEqual(out, body)

    @PROPERTY
    @given(st.lists(tokens, max_size=30).map(b"".join), cuts)
    def test_stuffed_messages_survive(self, message: bytes, sizes: list[int]) -> None:
        """What a correct client stuffs comes out as it was."""
        message += b"\r\n"
        stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
        reader = BodyReader("pass")
        self.assertEqual(
            read(reader, list(pieces(stuffed + b".\r\nQUIT", sizes))), (message, True, b"QUIT")
        )


# --- BDAT ----------------------------------------------------------------------------------------


class ChunkReaderTests(SynchronousTestCase):
    """Reading the chunks of BDAT."""

    def test_counts(self) -> None:
        """A chunk is its octets, whatever they are; a dot means nothing."""
        reader = ChunkReader()
        reader.begin(9, last=True)
        self.assertEqual(reader.feed(b"a\r\n.\r\n"), (b"a\r\n.\r\n", False, b""))
        self.assertEqual(reader.feed(b"..bQUIT"), (b"..b", True, b"QUIT"))
        self.assertEqual(reader.size, 9)
        self.assertFalse(reader.refused)

    def test_empty_chunk(self) -> None:
        """A chunk of no octets is over at once."""
        reader = ChunkReader()
        reader.begin(0, last=True)
        self.assertEqual(reader.feed(b"QUIT"), (b"", True, b"QUIT"))
        reader = ChunkReader()
        reader.begin(0, last=False)
        self.assertEqual(reader.feed(b""), (b"", True, b""))

    def test_crlf_across_chunks(self) -> None:
        """A CRLF that two chunks share is whole, even with empty chunks between them."""
        reader = ChunkReader()
        reader.begin(2, last=False)
        self.assertEqual(reader.feed(b"a\rBDAT"), (b"a", True, b"BDAT"))
        reader.begin(0, last=False)
        self.assertEqual(reader.feed(b""), (b"", True, b""))
        reader.begin(2, last=True)
        self.assertEqual(reader.feed(b"\nb"), (b"\r\nb", True, b""))
        self.assertFalse(reader.bare)

    def test_cr_at_the_end(self) -> None:
        """A CR that ends the message is bare: refused, or made CRLF."""
        for policy, octets, refused in (
            ("reject", b"", True),
            ("normalize", b"\r\n", False),
            ("pass", b"\r", False),
        ):
            reader = ChunkReader(policy)  # type: ignore[arg-type]
            reader.begin(2, last=False)
            self.assertEqual(reader.feed(b"a\r"), (b"a", True, b""))
            reader.begin(0, last=True)
            self.assertEqual(reader.feed(b""), (octets, True, b""))
            self.assertEqual(reader.refused, refused)

    def test_size_limit(self) -> None:
        """The limit is for all chunks together; the rest is counted and not handed out."""
        reader = ChunkReader(limit=5)
        reader.begin(3, last=False)
        self.assertEqual(reader.feed(b"abc"), (b"abc", True, b""))
        reader.begin(3, last=True)
        self.assertEqual(reader.feed(b"defQUIT"), (b"", True, b"QUIT"))
        self.assertTrue(reader.too_large)
        self.assertTrue(reader.refused)

    @PROPERTY
    @given(
        st.lists(streams, min_size=1, max_size=5),
        cuts,
        st.sampled_from(POLICIES),
        st.one_of(st.none(), st.integers(0, 60)),
    )
    def test_cuts_make_no_difference(
        self, chunks: list[bytes], sizes: list[int], policy: str, limit: int | None
    ) -> None:
        """However chunks and network cut a message, message and verdict are the same."""
        message = b"".join(chunks)
        body = normalized(message) if policy == "normalize" else message
        bare = policy != "pass" and is_bare(message)
        reader = ChunkReader(policy, limit)  # type: ignore[arg-type]
        out = b""
        for index, chunk in enumerate(chunks):
            reader.begin(len(chunk), last=index == len(chunks) - 1)
            done, rest = False, b""
            for piece in pieces(chunk + b"JUNK", sizes):
                if done:
                    rest += piece
                    continue
                got = reader.feed(piece)
                out += got.octets
                done, rest = got.done, got.rest
            self.assertTrue(done)
            self.assertEqual(rest, b"JUNK")
        self.assertEqual(reader.size, len(body))
        self.assertEqual(reader.bare, bare)
        self.assertEqual(reader.too_large, limit is not None and len(body) > limit)
        if reader.refused:
            self.assertTrue(body.startswith(out))
        else:
            self.assertEqual(out, body)


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
