"""The messages of DATA and BDAT: where they end, and that the network's cuts change nothing."""

from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.framing import BodyReader, ChunkReader
from tests.support.cuts import pieces, singles, sizes, streams

PROPERTY = settings(deadline=None, derandomize=True, max_examples=400)
POLICIES = ("reject", "normalize", "pass")


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

    def test_one_octet_in_long_lines(self) -> None:
        """A bare CR or LF, and a dot, are seen wherever they are in lines as attachments have."""
        lines = (b"0123456789abcdef" * 5)[:76] + b"\r\n"
        message = lines * 5
        for place in range(len(message) + 1):
            for octet in (b"\r", b"\n"):
                changed = message[:place] + octet + message[place:]
                reader = BodyReader("reject")
                reader.feed(changed + b"\r\n.\r\n")
                self.assertEqual(reader.bare, is_bare(changed), changed)
            stream = message[:place] + b"." + message[place:] + b"\r\n.\r\n"
            got = BodyReader("pass").feed(stream)
            self.assertEqual((got.octets, got.rest), reference_body(stream))

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
    @given(streams, sizes, st.sampled_from(POLICIES), st.one_of(st.none(), st.integers(0, 60)))
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
    @given(streams, sizes)
    def test_stuffed_messages_survive(self, message: bytes, sizes: list[int]) -> None:
        """What a correct client stuffs comes out as it was."""
        message += b"\r\n"
        stuffed = (b"\r\n" + message).replace(b"\r\n.", b"\r\n..")[2:]
        reader = BodyReader("pass")
        self.assertEqual(
            read(reader, list(pieces(stuffed + b".\r\nQUIT", sizes))), (message, True, b"QUIT")
        )


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
        sizes,
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
