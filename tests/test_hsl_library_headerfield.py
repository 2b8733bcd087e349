"""Headers of messages that scripts build, by what Python's email package reads."""

from __future__ import annotations

import email
import email.policy
from email.header import decode_header, make_header
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from smtpgate.hsl.library import headerfield
from tests.support.library import method, options
from tests.support.messages import FaultCase, make, octets_of, parsed, text_of


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
