"""Addresses of the envelope, and xtext."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import envelope
from smtpgate.hsl.limits.turns import LONG
from smtpgate.hsl.values import Map
from tests.support.library import call
from tests.support.pauses import counted

octets = st.text(st.characters(max_codepoint=255), max_size=30)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)


class AddressTests(SynchronousTestCase):
    """envelope_address_parse() and envelope_localpart_escape()."""

    def test_parts(self) -> None:
        """Dot-strings, quoted strings, literals and UTF-8."""
        for address, local, domain in (
            ("user@example.com", "user", "example.com"),
            ("a.b+c@mx1.example.com", "a.b+c", "mx1.example.com"),
            ('"a b"@example.com', "a b", "example.com"),
            (r'"a\"b\\c"@example.com', 'a"b\\c', "example.com"),
            ('""@example.com', "", "example.com"),
            ('"a@b"@example.com', "a@b", "example.com"),
            ("user@[192.0.2.1]", "user", "[192.0.2.1]"),
            ("user@[IPv6:2001:db8::1]", "user", "[IPv6:2001:db8::1]"),
            ("\xc3\xa9@\xc3\xa9.example", "\xc3\xa9", "\xc3\xa9.example"),
        ):
            found = call(envelope.envelope_address_parse, address)
            self.assertEqual(found, Map({"localpart": local, "domain": domain}), address)

    def test_no_addresses(self) -> None:
        """Everything else is none."""
        for address in (
            "", "user", "@example.com", "user@", "a..b@example.com", ".a@example.com", "a b@c",
            "user@-example.com", "user@example..com", "user@example.com ", "<user@example.com>",
            '"a@example.com', '"a\x00"@example.com', "user@[]", "a@b@c", "u\r\n@example.com",
            "u" * 1000 + "@example.com",
        ):  # fmt: skip
            self.assertIsNone(call(envelope.envelope_address_parse, address), address)

    @settings(deadline=None, derandomize=True, database=None)
    @given(printable)
    def test_escaped(self, local: str) -> None:
        """What is escaped is what is parsed."""
        address = call(envelope.envelope_localpart_escape, local) + "@example.com"
        found = call(envelope.envelope_address_parse, address)
        self.assertEqual(found, Map({"localpart": local, "domain": "example.com"}))

    def test_escaped_if_needed(self) -> None:
        """Only what needs quotes has them."""
        for local, escaped in (("a.b", "a.b"), ("a b", '"a b"'), ("", '""'), ('a"', r'"a\""')):
            self.assertEqual(call(envelope.envelope_localpart_escape, local), escaped)


class XtextTests(SynchronousTestCase):
    """xtext_encode() and xtext_decode()."""

    def test_rfc3461(self) -> None:
        """RFC 3461 4: what is outside of "!" to "~", and + and =."""
        for text, encoded in (
            ("a@b", "a@b"),
            ("+=", "+2B+3D"),
            ("a b\x7f\x00\xff", "a+20b+7F+00+FF"),
            ("", ""),
        ):
            self.assertEqual(call(envelope.xtext_encode, text), encoded)
            self.assertEqual(call(envelope.xtext_decode, encoded), text)

    def test_no_xtext(self) -> None:
        """Small hexadecimal digits, a bare sign, spaces and octets beyond US-ASCII."""
        for text in ("+2b", "+", "+2", "a=b", "a b", "\xe9", "+GG", "a\n"):
            self.assertIsNone(call(envelope.xtext_decode, text), text)

    @settings(deadline=None, derandomize=True, database=None)
    @given(octets)
    def test_round_trip(self, text: str) -> None:
        """Any octets come back."""
        self.assertEqual(call(envelope.xtext_decode, call(envelope.xtext_encode, text)), text)

    def test_too_long(self) -> None:
        """What would be longer than a string may be is a fault."""
        for function, text in (
            (envelope.xtext_encode, " "),
            (envelope.envelope_localpart_escape, '"'),
        ):
            with self.assertRaises(Fault) as caught:
                call(function, text * (9 * 1024 * 1024))
            self.assertIn("a string may have at most 16777216 octets", str(caught.exception))

    def test_long(self) -> None:
        """An escape on the border of two parts is whole, and others have their turns."""
        for shift in range(-4, 5):
            text = "x" * (LONG + shift) + " =+" + "y" * LONG
            written = text.replace("+", "+2B").replace(" ", "+20").replace("=", "+3D")
            with counted() as counter:
                self.assertEqual(call(envelope.xtext_encode, text), written)
                self.assertEqual(call(envelope.xtext_decode, written), text)
                self.assertIsNone(call(envelope.xtext_decode, written + "+2"))
                self.assertEqual(
                    call(envelope.envelope_localpart_escape, f'{text}"\\'), f'"{text}\\"\\\\"'
                )
            self.assertGreater(counter.pauses, 6)
