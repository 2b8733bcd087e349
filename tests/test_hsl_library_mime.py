"""The class MIME: parts, and sending, by what Python's email package reads."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import succeed

from tests.support.library import Running, method, options
from tests.support.messages import MIME, FaultCase, make, octets_of, parsed, text_of


class PartTests(FaultCase):
    """Types, bodies and parts."""

    def test_plain(self) -> None:
        """By default a text in UTF-8, in Base64."""
        message = parsed(method(make(), "setBody", octets_of("Gr\u00fc\u00dfe\nJo")))
        self.assertEqual(message.get_content_type(), "text/plain")
        self.assertEqual(message.get_content_charset(), "utf-8")
        self.assertEqual(message["Content-Transfer-Encoding"], "base64")
        self.assertEqual(message["MIME-Version"], "1.0")
        self.assertEqual(message.get_content(), "Gr\u00fc\u00dfe\nJo")

    def test_whole(self) -> None:
        """The whole text of a small message."""
        part = method(make(), "addHeader", "Subject", "Hello")
        method(part, "setBody", "Hello World")
        self.assertEqual(
            text_of(part),
            "Subject: Hello\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8gV29ybGQ=\r\n",
        )

    def test_binary(self) -> None:
        """Any octets come through in Base64, in lines of 76."""
        body = "".join(map(chr, range(256))) * 10
        part = method(method(make(), "setType", "application/pdf"), "setBody", body)
        message = parsed(part)
        self.assertEqual(message.get_content(), body.encode("latin-1"))
        self.assertIsNone(message.get_content_charset())
        self.assertTrue(all(len(line) <= 76 for line in text_of(part).split("\r\n")))

    def test_alternatives(self) -> None:
        """Parts within parts, with boundaries of their own, and a preamble."""
        inner = method(make(), "setType", "multipart/alternative")
        method(inner, "appendPart", method(make(), "setBody", "*Hello*"))
        html = method(method(make(), "setType", "text/html"), "setBody", "<b>Hello</b>")
        method(inner, "appendPart", html)
        outer = method(method(make(), "setType", "multipart/mixed"), "setBody", "Preamble\nhere")
        method(method(outer, "appendPart", inner), "appendPart", make())
        message = parsed(outer)
        self.assertEqual(message.preamble, "Preamble\r\nhere")
        first, second = message.iter_parts()
        self.assertEqual(
            [part.get_content() for part in first.iter_parts()], ["*Hello*", "<b>Hello</b>"]
        )
        self.assertEqual(second.get_content(), "")
        self.assertIsNone(first["MIME-Version"])
        self.assertNotEqual(message.get_boundary(), first.get_boundary())
        self.assertEqual(text_of(outer), text_of(outer))

    def test_boundary(self) -> None:
        """One of RFC 2046's own, with characters that need quotes."""
        part = method(
            method(make(), "setType", "multipart/mixed"), "setBoundary", "gc0pJq0M:08jU534c0p"
        )
        method(part, "appendPart", method(make(), "setBody", "x"))
        self.assertEqual(parsed(part).get_boundary(), "gc0pJq0M:08jU534c0p")
        for boundary in ("", "a" * 71, "a ", 'a"b', "a\r\nb", "\xff"):
            self.assertIn(
                'setBoundary() parameter "boundary" is no boundary: ',
                self.fault(part, "setBoundary", boundary),
            )

    def test_boundary_in_a_part(self) -> None:
        """A boundary that occurs in a part is a fault, not another message."""
        part = method(method(make(), "setType", "multipart/mixed"), "setBoundary", "line")
        child = method(make(), "addHeader", "Content-Transfer-Encoding", "7bit")
        method(part, "appendPart", method(child, "setBody", "x\n--line--\ny"))
        self.assertEqual(
            self.fault(part, "toString"), 'toString(): the boundary "line" occurs in a part'
        )

    def test_transfer_encoding(self) -> None:
        """With one's own encoding the body stays, but for its line ends."""
        part = method(make(), "addHeader", "Content-Transfer-Encoding", "8bit")
        method(part, "setBody", octets_of("\u00fc\nb\r\nc\rd"))
        self.assertTrue(text_of(part).endswith(octets_of("\r\n\r\n\u00fc\r\nb\r\nc\r\nd")))
        binary = method(make(), "addHeader", "Content-Transfer-Encoding", "Binary")
        method(binary, "setBody", "a\nb\r")
        self.assertTrue(text_of(binary).endswith("\r\n\r\na\nb\r"))

    def test_content_type_header(self) -> None:
        """One's own Content-Type replaces the type."""
        part = method(make(), "addHeader", "content-type", "text/x; charset=us-ascii")
        method(part, "setType", "text/html")
        self.assertEqual(len(parsed(part).get_all("Content-Type")), 1)
        self.assertIn("content-type: text/x; charset=us-ascii\r\n", text_of(part))

    def test_own_multipart_header(self) -> None:
        """With one's own multipart type and boundary the parts are there."""
        part = method(make(), "addHeader", "Content-Type", 'multipart/report; boundary="b"')
        method(method(part, "setBoundary", "b"), "appendPart", make())
        self.assertEqual(len(list(parsed(part).iter_parts())), 1)

    def test_attached_message(self) -> None:
        """RFC 2046 5.2.1: a message is attached without Base64."""
        inner = method(method(make(), "setType", "message/rfc822"), "setBody", "Subject: x\n\nbody")
        outer = method(method(make(), "setType", "multipart/mixed"), "appendPart", inner)
        attached = next(parsed(outer).iter_parts())
        self.assertEqual(attached.get_content()["Subject"], "x")
        self.assertEqual(attached["Content-Transfer-Encoding"], "7bit")

    def test_type_is_needed(self) -> None:
        """Parts in what is no multipart are a fault that says what to do."""
        part = method(make(), "appendPart", make())
        self.assertEqual(
            self.fault(part, "toString"),
            "toString(): a part with parts must have a multipart type;"
            ' call setType("multipart/mixed")',
        )

    def test_wrong_type(self) -> None:
        """What is no type."""
        for kind in ("", "text", "text/", "text/plain; x=y", "text/plain\r\nX: y", "t\xe9xt/x"):
            self.assertIn(
                'setType() parameter "type" is no content type: ',
                self.fault(make(), "setType", kind),
            )

    def test_within_itself(self) -> None:
        """A part cannot be in itself, however deep."""
        outer = method(make(), "setType", "multipart/mixed")
        inner = method(make(), "setType", "multipart/mixed")
        method(outer, "appendPart", inner)
        for part in (outer, inner):
            self.assertEqual(
                self.fault(part, "appendPart", outer), "appendPart(): a part cannot contain itself"
            )
        self.assertEqual(
            self.fault(outer, "appendPart", "x"),
            'appendPart() parameter "part" must be a MIME, string given',
        )

    def test_depth(self) -> None:
        """Parts are nested so deep and no deeper."""
        part = make()
        for _ in range(51):
            part = method(method(make(), "setType", "multipart/mixed"), "appendPart", part)
        self.assertEqual(
            self.fault(part, "toString"), "toString(): parts may be nested at most 50 deep"
        )

    def test_size(self) -> None:
        """A part within itself many times over is too long, soon."""
        part = method(make(), "setBody", "x" * 1000)
        for _ in range(40):
            outer = method(make(), "setType", "multipart/mixed")
            part = method(method(outer, "appendPart", part), "appendPart", part)
        self.assertIn("a string may have at most 16777216 octets", self.fault(part, "toString"))


class SendTests(FaultCase):
    """send()."""

    def test_submitted(self) -> None:
        """Envelope, transport, octets and metadata reach the mailer, whose id comes back."""
        taken: list[Any] = []

        class Mailer:
            def submit(self, *arguments: Any) -> Any:
                taken.append(arguments)
                return succeed("id-1")

        part = method(method(make(), "addHeader", "Subject", "Hello"), "setBody", "x")
        running = Running(mailer=Mailer())
        given = options(metadata=options(k="v"))
        found = method(part, "send", "", ["jo", "example.org"], "local", given, running=running)
        self.assertEqual(found, "id-1")
        self.assertEqual(
            taken, [("", "jo@example.org", "local", text_of(part).encode("latin-1"), {"k": "v"})]
        )
        self.assertTrue(MIME.methods["send"].waits)

    def test_not_available(self) -> None:
        """Without a mailer, a clear sentence."""
        self.assertEqual(
            self.fault(make(), "send", "", "jo@example.org", "local"),
            "MIME->send() is not available here",
        )
