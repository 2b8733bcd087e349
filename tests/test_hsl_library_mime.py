"""The class MIME, by what Python's email package and another DKIM implementation read."""

from __future__ import annotations

import base64
import email
import email.policy
import re
from email.header import decode_header, make_header
from typing import Any

import dkim as verifier
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import headerfield
from smtpgate.hsl.library.mime import CLASSES
from tests.support.library import Running, call, method, options

MIME = CLASSES[0]


def make() -> Any:
    return call(MIME.constructor)


def text_of(part: Any, running: Any = None) -> str:
    return method(part, "toString", running=running)


def parsed(part: Any) -> Any:
    """The message as Python's email package reads it, which finds nothing wrong with it."""
    octets = text_of(part).encode("latin-1")
    message = email.message_from_bytes(octets, policy=email.policy.SMTP)
    for found in message.walk():
        assert found.defects == [], found.defects
    return message


def octets_of(text: str) -> str:
    """A script's string of UTF-8."""
    return text.encode().decode("latin-1")


class FaultCase(SynchronousTestCase):
    def fault(self, this: Any, name: str, *arguments: Any, running: Any = None) -> str:
        return str(self.assertRaises(Fault, method, this, name, *arguments, running=running))


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


class HeaderTests(FaultCase):
    """addHeader()."""

    def header(self, name: str, value: str, **given: Any) -> str:
        """The field's lines as they stand in the message."""
        text = text_of(method(make(), "addHeader", name, value, options(**given)))
        return text[: text.index("\r\nMIME-Version")]

    def test_short(self) -> None:
        """A short value in ASCII stays as it is, encoded words too."""
        for value in ("Hello", "", "=?utf-8?q?x?=", 'a "b" <c@d>', "a\tb"):
            self.assertEqual(self.header("X-Test", value), f"X-Test: {value}")

    def test_fold(self) -> None:
        """A long value is folded at white space, into lines of 78, and reads the same."""
        value = " ".join(f"<{number}@example.org>" for number in range(50))
        folded = self.header("References", value)
        self.assertTrue(all(len(line) <= 78 for line in folded.split("\r\n")))
        self.assertEqual(folded.replace("\r\n", ""), f"References: {value}")

    def test_long_word(self) -> None:
        """A word of 500 stays whole; one that no line can hold is encoded."""
        self.assertEqual(self.header("X", "a" * 500), "X: " + "a" * 500)
        folded = self.header("X", "a" * 2000)
        self.assertTrue(all(len(line) <= 78 for line in folded.split("\r\n")))
        self.assertEqual(parsed(method(make(), "addHeader", "X", "a" * 2000))["X"], "a" * 2000)

    def test_unicode(self) -> None:
        """UTF-8 becomes encoded words, in lines of 78."""
        value = "Gr\u00fc\u00dfe aus K\u00f6ln \U0001f600 " * 10
        folded = self.header("Subject", octets_of(value))
        self.assertTrue(folded.isascii())
        self.assertTrue(all(len(line) <= 78 for line in folded.split("\r\n")))
        message = parsed(method(make(), "addHeader", "Subject", octets_of(value)))
        self.assertEqual(message["Subject"], value.strip())

    def test_addresses(self) -> None:
        """In an address list only the names are encoded."""
        value = octets_of('"J\u00f6, X" <jo@example.org>, sam@example.com')
        to = parsed(method(make(), "addHeader", "To", value))["To"]
        self.assertEqual(
            [(address.display_name, address.addr_spec) for address in to.addresses],
            [("J\u00f6, X", "jo@example.org"), ("", "sam@example.com")],
        )
        self.assertIn("jo@example.org", self.header("To", value))

    def test_address_lists(self) -> None:
        """Groups, comments and quoted names stay; a list that is none is encoded as a whole."""
        for value, expected in (
            ("J\u00f6 <a@b>", "=?utf-8?b?SsO2?= <a@b>"),
            ('"a, b" <c@d>, J\u00f6<a@b>', '"a, b" <c@d>, =?utf-8?b?SsO2?= <a@b>'),
            ("Gr\u00fc: a@b, c@d;", "=?utf-8?q?Gr=C3=BC?= : a@b, c@d;"),
            ("a@b (c), J\u00f6 <\u00f6@b>", None),
            ("a@b (J\u00f6)", None),
            ("J\u00f6 <a@b", "=?utf-8?b?SsO2?= <a@b"),
            ('J\u00f6 "', None),
        ):
            field = self.header("To", octets_of(value))
            if expected is None:
                self.assertEqual(str(make_header(decode_header(field.partition(": ")[2]))), value)
            else:
                self.assertEqual(field, f"To: {expected}")

    def test_long_address_list(self) -> None:
        """A thousand names are encoded one by one, and folded between."""
        value = octets_of(", ".join(f"J\u00f6 {n} <jo{n}@example.org>" for n in range(1000)))
        folded = self.header("Cc", value)
        self.assertTrue(all(len(line) <= 78 for line in folded.split("\r\n")))
        self.assertEqual(folded.count("=?utf-8?"), 1000)
        self.assertIn("<jo999@example.org>", folded)

    def test_file_name(self) -> None:
        """RFC 2231: a file name in UTF-8."""
        value = octets_of('attachment; filename="\u00fc.txt"')
        part = parsed(method(make(), "addHeader", "Content-Disposition", value))
        self.assertEqual(part.get_filename(), "\u00fc.txt")

    def test_no_utf8(self) -> None:
        """Octets that are no UTF-8 become replacement characters."""
        self.assertEqual(
            parsed(method(make(), "addHeader", "Subject", "a\xff"))["Subject"], "a\ufffd"
        )

    def test_line_ends_become_spaces(self) -> None:
        """A value cannot start another header."""
        for end in ("\r\n", "\n", "\r", "\r\n\r\n", "\n ", "\r\n\t"):
            self.assertEqual(self.header("X", f"a{end}Bcc: b"), "X: a Bcc: b")

    def test_line_ends_verbatim(self) -> None:
        """Without encoding a fold stays, and any other line end is a fault."""
        self.assertEqual(self.header("X", "a\n b\r\n\tc", encode=False), "X: a\r\n b\r\n\tc")
        self.assertEqual(
            self.header("X", octets_of("\u00fc"), encode=False), octets_of("X: \u00fc")
        )
        for value in (
            "a\nB: c",
            "a\r\nB: c",
            "a\rb",
            "a\n",
            "a\n \nB: c",
            "a\n \n b",
            "\n a",
            "a\0",
        ):
            self.assertEqual(
                self.fault(make(), "addHeader", "X", value, options(encode=False)),
                'addHeader() parameter "value" must not have line ends or NUL',
            )

    def test_names(self) -> None:
        """What is no name of a header."""
        for name in ("", "a b", "a:", "a\r\nb", "\xfc", "a" * 77, "a\0"):
            self.assertIn(
                'addHeader() parameter "name" is no header name: ',
                self.fault(make(), "addHeader", name, "x"),
            )

    def test_bounds(self) -> None:
        """Values of 64 KiB and 1000 headers, and no more."""
        self.assertEqual(
            self.fault(make(), "addHeader", "X", "a" * 65537),
            "addHeader(): a header value may have at most 65536 octets, this one has 65537",
        )
        part = make()
        for _ in range(1000):
            method(part, "addHeader", "X", "a")
        self.assertEqual(
            self.fault(part, "addHeader", "X", "a"),
            "addHeader(): a part may have at most 1000 headers",
        )

    @settings(deadline=None, derandomize=True)
    @given(
        st.sampled_from(["Subject", "To", "Content-Disposition", "X-Any"]),
        st.one_of(
            st.text(st.characters(max_codepoint=255)),
            st.text().map(lambda text: text.encode("utf-8", "replace").decode("latin-1")),
            st.text(st.sampled_from('a<@>"(),;:=?\r\n \xc3\xbc\x0b\x85')),
        ),
    )
    def test_any_value(self, name: str, value: str) -> None:
        """Whatever the value: one header, in ASCII, of lines that are not too long."""
        field = headerfield.make("addHeader()", name, value, True)
        self.assertTrue(field.isascii())
        self.assertRegex(field, r"\A[!-9;-~]+: ?[\t -~]*(\r\n[ \t][\t -~]*[!-~][\t -~]*)*\Z")
        self.assertTrue(all(len(line) <= 998 for line in field.split("\r\n")))

    @settings(deadline=None, derandomize=True)
    @given(st.text(st.characters(exclude_categories=("C", "Z")), max_size=200))
    def test_round_trip(self, value: str) -> None:
        """Python's email package reads the text that was given."""
        field = headerfield.make("addHeader()", "Subject", octets_of(value), True)
        message: Any = email.message_from_string(field + "\r\n\r\n", policy=email.policy.SMTP)
        if "=?" not in value:
            self.assertEqual(message["Subject"], value)


RSA = rsa.generate_private_key(65537, 2048)
PEM = RSA.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
).decode()
RSA_RECORD = b"v=DKIM1; k=rsa; p=" + base64.b64encode(
    RSA.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
)
# RFC 8463 A.2: the key of the examples.
ED25519 = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").decode("latin-1")
ED25519_RECORD = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


class DKIMTests(FaultCase):
    """signDKIM(), verified by dkimpy."""

    def setUp(self) -> None:
        self.running = Running()
        self.running.clock.advance(1_500_000_000)

    def message(self) -> Any:
        part = method(make(), "addHeader", "From", "Jo <jo@example.org>")
        method(part, "addHeader", "Subject", octets_of("Gr\u00fc\u00dfe  aus   K\u00f6ln " * 5))
        method(part, "addHeader", "To", "sam@example.com")
        method(part, "addHeader", "Content-Transfer-Encoding", "8bit")
        return method(part, "setBody", "Hello  World \n\n  x\t\n\n\n")

    def sign(self, part: Any, key: str = PEM, **given: Any) -> Any:
        return method(part, "signDKIM", "mail", "example.org", key, options(**given))

    def verify(self, octets: bytes, record: bytes = RSA_RECORD) -> bool:
        asked: list[bytes] = []

        def lookup(name: bytes, timeout: int = 5) -> bytes:
            asked.append(name)
            return record

        try:
            good = bool(verifier.DKIM(octets).verify(dnsfunc=lookup))
        except verifier.ValidationError:
            return False
        self.assertEqual(asked, [b"mail._domainkey.example.org."])
        return good

    def octets(self, part: Any) -> bytes:
        """The message as it is on the wire."""
        octets = text_of(part, self.running).encode("latin-1")
        return octets.removesuffix(b"\r\n") + b"\r\n"

    def test_canonicalizations(self) -> None:
        """Both forms of header and body, with RSA and Ed25519."""
        for header in ("simple", "relaxed"):
            for body in ("simple", "relaxed"):
                for algorithm, key, record in (
                    ("rsa-sha256", PEM, RSA_RECORD),
                    ("ed25519-sha256", ED25519, ED25519_RECORD),
                ):
                    part = self.sign(
                        self.message(),
                        key,
                        canonicalization_header=header,
                        canonicalization_body=body,
                        algorithm=algorithm,
                    )
                    octets = self.octets(part)
                    self.assertIn(f"a={algorithm}; c={header}/{body};".encode(), octets)
                    self.assertIs(self.verify(octets, record), True)
                    self.assertIs(self.verify(octets.replace(b"Hello", b"Hullo"), record), False)

    def test_bodies(self) -> None:
        """Empty bodies, and bodies of nothing but empty lines and spaces."""
        for body in ("", "\n", "\n\n\n", " ", " \n", "a", "a \n ", "\n\na\n\n"):
            for form in ("simple", "relaxed"):
                part = self.sign(
                    method(self.message(), "setBody", body), canonicalization_body=form
                )
                self.assertIs(self.verify(self.octets(part)), True, (body, form))

    def test_multipart(self) -> None:
        """A whole multipart, signed before its last headers are added."""
        part = method(make(), "setType", "multipart/mixed")
        self.sign(part)
        method(part, "addHeader", "From", "jo@example.org")
        method(part, "addHeader", "Subject", "late")
        method(part, "appendPart", method(make(), "setBody", "x"))
        octets = self.octets(part)
        self.assertIs(self.verify(octets), True)
        self.assertIs(self.verify(octets.replace(b"late", b"lazy")), False)

    def tags(self, octets: bytes) -> dict[str, str]:
        field = octets.decode("latin-1").split("\r\nFrom:")[0].partition(":")[2]
        return dict(tag.strip().split("=", 1) for tag in re.sub(r"\s", "", field).split(";"))

    def test_tags(self) -> None:
        """The header's lines, time and list of signed headers; From is oversigned."""
        octets = self.octets(self.sign(self.message()))
        tags = self.tags(octets)
        self.assertEqual(tags["v"], "1")
        self.assertEqual((tags["d"], tags["s"], tags["t"]), ("example.org", "mail", "1500000000"))
        self.assertEqual(tags["h"], "from:from:subject:to")
        self.assertTrue(all(len(line) <= 78 for line in octets.split(b"\r\n")[:12]))
        forged = b"From: evil@example.com\r\n" + octets
        self.assertIs(self.verify(forged), False)

    def test_body_hashes(self) -> None:
        """RFC 6376 3.4.3 and 3.4.4: hashes of the empty body; RFC 8463 A.3: of its example."""
        game = "Hi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n"
        for body, form, algorithm, expected in (
            ("", "simple", "rsa-sha1", "uoq1oCgLlTqpdDX/iUbLy7J1Wic="),
            ("", "simple", "rsa-sha256", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
            ("", "relaxed", "rsa-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
            ("", "relaxed", "rsa-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
            (game, "relaxed", "rsa-sha256", "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="),
        ):
            part = method(self.message(), "setBody", body)
            self.sign(part, canonicalization_body=form, algorithm=algorithm)
            self.assertEqual(self.tags(self.octets(part))["bh"], expected)

    def test_others_have_their_turn(self) -> None:
        """A loop that signs lets the reactor in after each one."""
        self.octets(self.message())
        self.assertEqual(self.running.turns, 0)
        self.running.slow_by(0.01)
        self.octets(self.sign(self.message()))
        self.assertEqual(self.running.turns, 1)

    def test_chosen_headers(self) -> None:
        """Headers of one's own choice, more of them, and oversigned ones that are not there."""
        part = method(self.message(), "addHeader", "X-A", "1")
        method(part, "addHeader", "x-a", "2")
        self.sign(
            part,
            headers=["From", "To"],
            additional_headers=["X-A"],
            oversign_headers=["cc", "To"],
        )
        octets = self.octets(part)
        self.assertEqual(self.tags(octets)["h"], "from:to:to:x-a:x-a:cc")
        self.assertIs(self.verify(octets), True)
        self.assertIs(self.verify(octets.replace(b"x-a: 2", b"x-a: 3")), False)
        self.assertIs(self.verify(octets.replace(b"\r\nTo:", b"\r\nCc: x@y\r\nTo:", 1)), False)

    def test_sha1(self) -> None:
        """rsa-sha1, which verifiers do not take any more (RFC 8301), by hand."""
        part = make()
        method(part, "addHeader", "From", "jo@example.org")
        self.sign(part, algorithm="rsa-sha1", headers=["from"], oversign_headers=[])
        text = self.octets(part).decode("latin-1")
        field = text[: text.index("\r\nFrom:")]
        unsigned = field[: field.index("\tb=") + 3]
        relaxed = "dkim-signature:" + re.sub(r"\s+", " ", unsigned.partition(":")[2]).strip()
        RSA.public_key().verify(
            base64.b64decode(field[len(unsigned) :].replace("\r\n\t ", "")),
            f"from:jo@example.org\r\n{relaxed}".encode(),
            padding.PKCS1v15(),
            hashes.SHA1(),
        )

    def test_two_signatures(self) -> None:
        """RFC 8463 3: a message with an RSA and an Ed25519 signature; each one verifies."""
        part = self.sign(self.sign(self.message()), ED25519, algorithm="ed25519-sha256")
        checker = verifier.DKIM(self.octets(part))
        for number, record in enumerate((RSA_RECORD, ED25519_RECORD)):
            self.assertIs(checker.verify(number, dnsfunc=lambda *_a, r=record, **_k: r), True)

    def test_key_in_pem(self) -> None:
        """An Ed25519 key as PEM text, and an RSA key as PKCS #8 with text and a key around it."""
        key = ed25519.Ed25519PrivateKey.from_private_bytes(ED25519.encode("latin-1"))
        pem = [
            found.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            for found in (key, RSA)
        ]
        part = self.sign(self.message(), pem[0], algorithm="ed25519-sha256")
        self.assertIs(self.verify(self.octets(part), ED25519_RECORD), True)
        part = self.sign(self.message(), "the keys:\n" + pem[1] + "\n" + pem[0])
        self.assertIs(self.verify(self.octets(part)), True)

    def test_faults(self) -> None:
        """Keys, names and headers that cannot be."""
        for arguments, message in (
            (("mail", "example.org", "no key"), "signDKIM(): the private key cannot be read"),
            (
                ("mail", "example.org", PEM, options(algorithm="ed25519-sha256")),
                "signDKIM(): the private key is not one for ed25519-sha256",
            ),
            (
                ("mail", "example.org", "pki:1"),
                'signDKIM(): keys named "pki:" are not available here; pass the key itself',
            ),
            (
                ("m;x", "example.org", PEM),
                'signDKIM() parameter "selector" is no domain name: "m;x"',
            ),
            (
                ("mail", "a\r\nb", PEM),
                'signDKIM() parameter "domain" is no domain name: "a\\r\\nb"',
            ),
            (("mail", "a..b", PEM), 'signDKIM() parameter "domain" is no domain name: "a..b"'),
            (
                ("mail", "example.org", PEM, options(headers=["to"], oversign_headers=[])),
                "signDKIM(): the From header must be signed",
            ),
            (
                ("mail", "example.org", PEM, options(additional_headers=["a;b"])),
                'signDKIM(): "a;b" is no header name',
            ),
            (
                ("mail", "example.org", PEM, options(headers=[1.0])),
                'signDKIM() option "headers" must hold strings, number given',
            ),
        ):
            self.assertEqual(self.fault(self.message(), "signDKIM", *arguments), message)
        self.assertEqual(
            self.fault(self.sign(make()), "toString", running=self.running),
            "signDKIM(): the message has no From header",
        )


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
