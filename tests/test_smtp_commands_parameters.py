"""The parameters of MAIL and RCPT: what is accepted, and the whole reply to what is not."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.commands.parameters import (
    ParameterError,
    decode_xtext,
    encode_xtext,
    parse_mail_parameters,
    parse_rcpt_parameters,
)

PROPERTY = settings(deadline=None, derandomize=True, max_examples=400)

# Words that are right or nearly right.
names = st.sampled_from(
    b"SIZE BODY SMTPUTF8 AUTH RET ENVID NOTIFY ORCPT size Orcpt X-Y \xff".split()
)
values = st.lists(
    st.sampled_from(
        b"7BIT 8bitmime 1 20 <> FULL NEVER SUCCESS DELAY , + +41 rfc822; utf-8; \\x{FC} \\ = "
        b"\xc3\xbc \xff \0 \r\n x".split(b" ")
    ),
    max_size=3,
).map(b"".join)
words = st.one_of(names, st.tuples(names, values).map(b"=".join), values)


def sent(text: str) -> str:
    """The octets of UTF-8 text, one character each."""
    return text.encode().decode("latin-1")


class XtextTests(SynchronousTestCase):
    """xtext (RFC 3461 section 4)."""

    def test_encode(self) -> None:
        """Plus, equals, space and everything outside printable ASCII are encoded."""
        self.assertEqual(encode_xtext(b"a+b=c d\r\n\xff~"), "a+2Bb+3Dc+20d+0D+0A+FF~")

    def test_decode_malformed(self) -> None:
        """Raw specials, half and lower-case hexadecimal digits are no xtext."""
        for text in ("+", "+4", "+4g", "+2b", "a=b", "a b", "\xff", "a\n"):
            error = self.assertRaises(ValueError, decode_xtext, text)
            self.assertEqual(str(error), "not well-formed xtext")

    @PROPERTY
    @given(st.binary(max_size=60))
    def test_round_trip(self, octets: bytes) -> None:
        """Any octets survive."""
        self.assertEqual(decode_xtext(encode_xtext(octets)), octets)


class MailTests(SynchronousTestCase):
    """Parameters of MAIL."""

    def test_none(self) -> None:
        """No parameters are fine."""
        self.assertEqual(parse_mail_parameters(b""), {})
        self.assertEqual(parse_mail_parameters(b"  "), {})

    def test_all(self) -> None:
        """All of them, in the order they came, names and keywords in upper case."""
        found = parse_mail_parameters(
            b"size=1000 Body=8bitmime SMTPUTF8  AUTH=jo+40example.org RET=hdrs ENVID=Q+2B1"
        )
        self.assertEqual(
            list(found.items()),
            [
                ("SIZE", "1000"),
                ("BODY", "8BITMIME"),
                ("SMTPUTF8", ""),
                ("AUTH", "jo+40example.org"),
                ("RET", "HDRS"),
                ("ENVID", "Q+2B1"),
            ],
        )

    def test_values(self) -> None:
        """Other values that are right."""
        for word, name, value in (
            (b"SIZE=0", "SIZE", "0"),
            (b"SIZE=12345678901234567890", "SIZE", "12345678901234567890"),
            (b"BODY=7bit", "BODY", "7BIT"),
            (b"AUTH=<>", "AUTH", "<>"),
            (b"AUTH=j+C3+BC@example.org", "AUTH", "j+C3+BC@example.org"),
            (b"RET=Full", "RET", "FULL"),
            (b"ENVID=" + b"x" * 100, "ENVID", "x" * 100),
        ):
            self.assertEqual(parse_mail_parameters(word), {name: value})

    def refused(self, octets: bytes, reply: str, **options: object) -> None:
        error = self.assertRaises(ParameterError, parse_mail_parameters, octets, **options)
        self.assertEqual(str(error), reply, octets)

    def test_malformed_words(self) -> None:
        """What is no keyword, or a keyword with a value."""
        for octets in (
            b"=",
            b"=1",
            b"SIZE=",
            b"SIZE==1",
            b"SIZE=1=2",
            b"-SIZE=1",
            b"SI_ZE=1",
            b"SIZE=1\tBODY=7BIT",
            b"SIZE=1\0",
            b"SIZE=1\r\nDATA",
            b"ENVID=a\nb",
            b"\xff",
        ):
            self.refused(octets, "501 5.5.4 A parameter is not well-formed")

    def test_unknown(self) -> None:
        """A keyword that nobody offered, or one that belongs to RCPT."""
        for octets in (b"FOO", b"FOO=bar", b"NOTIFY=NEVER", b"SIZE=1 X-Y=1", b"BY=1;R"):
            self.refused(octets, "555 5.5.4 A parameter is not known")

    def test_not_offered(self) -> None:
        """A parameter is known only with its extension."""
        for octets, extension in (
            (b"SIZE=1", "SIZE"),
            (b"BODY=7BIT", "8BITMIME"),
            (b"SMTPUTF8", "SMTPUTF8"),
            (b"AUTH=<>", "AUTH"),
            (b"RET=FULL", "DSN"),
            (b"ENVID=1", "DSN"),
        ):
            self.refused(octets, "555 5.5.4 A parameter is not known", offered=())
            self.assertEqual(len(parse_mail_parameters(octets, offered=[extension])), 1)

    def test_repeated(self) -> None:
        """The same parameter twice is refused, also when the values agree."""
        self.refused(b"SIZE=1 size=1", "501 5.5.4 SIZE is given more than once")
        self.refused(b"SMTPUTF8 SMTPUTF8", "501 5.5.4 SMTPUTF8 is given more than once")

    def test_size(self) -> None:
        """A number of octets, and not more than the limit."""
        for octets in (b"SIZE", b"SIZE=x", b"SIZE=-1", b"SIZE=+1", b"SIZE=1.5", b"SIZE=1_0",
                       b"SIZE=123456789012345678901", b"SIZE=\xb2"):  # fmt: skip
            self.refused(octets, "501 5.5.4 SIZE must be a number of 1 to 20 digits")
        self.assertEqual(parse_mail_parameters(b"SIZE=100", size_limit=100), {"SIZE": "100"})
        self.refused(b"SIZE=101", "552 5.3.4 The message is larger than 100 octets", size_limit=100)

    def test_body(self) -> None:
        """Only the bodies that are offered."""
        for octets in (b"BODY", b"BODY=BINARYMIME", b"BODY=8BIT"):
            self.refused(octets, "504 5.5.4 BODY must be 7BIT or 8BITMIME")

    def test_smtputf8(self) -> None:
        """SMTPUTF8 has no value."""
        self.refused(b"SMTPUTF8=yes", "501 5.5.4 SMTPUTF8 takes no value")

    def test_auth(self) -> None:
        """AUTH is xtext without hidden control characters, or <>."""
        for octets in (
            b"AUTH",
            b"AUTH=a+4",
            b"AUTH=a+0D+0Ab",
            b"AUTH=+00",
            b"AUTH=+1F",
            b"AUTH=+7F",
            b"AUTH=\xff",
        ):
            self.refused(octets, "501 5.5.4 AUTH must be an address as xtext, or <>")

    def test_ret(self) -> None:
        """RET is one of two words."""
        for octets in (b"RET", b"RET=ALL", b"RET=FULL,HDRS"):
            self.refused(octets, "501 5.5.4 RET must be FULL or HDRS")

    def test_envid(self) -> None:
        """ENVID is printable and short."""
        for octets in (
            b"ENVID",
            b"ENVID=+1F",
            b"ENVID=+7F",
            b"ENVID=+FF",
            b"ENVID=+4",
            b"ENVID=\xff",
        ):
            self.refused(octets, "501 5.5.4 ENVID must be xtext of printable characters")
        self.refused(b"ENVID=" + b"x" * 101, "501 5.5.4 ENVID is longer than 100 characters")


class RcptTests(SynchronousTestCase):
    """Parameters of RCPT."""

    def test_values(self) -> None:
        """Values that are right."""
        for word, name, value in (
            (b"NOTIFY=never", "NOTIFY", "NEVER"),
            (b"NOTIFY=Success,failure,DELAY", "NOTIFY", "SUCCESS,FAILURE,DELAY"),
            (b"ORCPT=rfc822;Jo+2BDoe@example.org", "ORCPT", "rfc822;Jo+2BDoe@example.org"),
            (b"ORCPT=utf-8;j\\x{FC}@b\\x{10FFFF}", "ORCPT", "utf-8;j\\x{FC}@b\\x{10FFFF}"),
            ("ORCPT=UTF-8;jü@b".encode(), "ORCPT", sent("UTF-8;jü@b")),
            (b"ORCPT=rfc822;" + b"x" * 493, "ORCPT", "rfc822;" + "x" * 493),
        ):
            self.assertEqual(parse_rcpt_parameters(word), {name: value})

    def refused(self, octets: bytes, reply: str, **options: object) -> None:
        error = self.assertRaises(ParameterError, parse_rcpt_parameters, octets, **options)
        self.assertEqual(str(error), reply, octets)

    def test_notify(self) -> None:
        """NEVER stands alone; nothing twice, nothing empty."""
        for value in (b"", b"=NEVER,DELAY", b"=SUCCESS,SUCCESS", b"=SUCCESS,", b"=,", b"=LATER"):
            self.refused(
                b"NOTIFY" + value,
                "501 5.5.4 NOTIFY must be NEVER or a list of SUCCESS, FAILURE and DELAY",
            )

    def test_orcpt(self) -> None:
        """ORCPT is a type and a printable address."""
        for value in (
            b"",
            b"=rfc822",
            b"=rfc822;",
            b"=;a@b",
            b"=rfc(822;a@b",
            b"=rfc822;a+0Ab",
            b"=rfc822;a+2",
            b"=rfc822;a\xc3\xbc",
            b"=utf-8;\xff",
            b"=utf-8;a\\b",
            b"=utf-8;\\x{110000}",
        ):
            self.refused(
                b"ORCPT" + value,
                "501 5.5.4 ORCPT must be an address type, a semicolon and xtext",
            )
        self.refused(b"ORCPT=rfc822;" + b"x" * 494, "501 5.5.4 ORCPT is longer than 500 characters")

    def test_utf8_not_asked_for(self) -> None:
        """UTF-8 in a parameter belongs to SMTPUTF8 transactions."""
        self.refused(
            "ORCPT=utf-8;jü@b".encode(), "501 5.5.4 A parameter is not well-formed", smtputf8=False
        )

    def test_others(self) -> None:
        """Unknown, not offered, repeated."""
        self.refused(b"SIZE=1", "555 5.5.4 A parameter is not known")
        self.refused(b"NOTIFY=NEVER", "555 5.5.4 A parameter is not known", offered=["SIZE"])
        self.refused(b"NOTIFY=NEVER notify=DELAY", "501 5.5.4 NOTIFY is given more than once")


class PropertyTests(SynchronousTestCase):
    """What holds for any octets."""

    @PROPERTY
    @given(st.lists(words, max_size=5).map(b" ".join))
    def test_any_octets(self, octets: bytes) -> None:
        """Any octets are parameters or a ParameterError; what is accepted is safe to send on."""
        for parse in (parse_mail_parameters, parse_rcpt_parameters):
            try:
                found = parse(octets)
            except ParameterError as error:
                self.assertIn(error.code, (501, 504, 555))
                self.assertTrue(error.text.isascii() and error.text.isprintable())
                continue
            words = [f"{name}={value}" if value else name for name, value in found.items()]
            again = " ".join(words).encode("latin-1")
            self.assertFalse(set(again) & set(range(32)))
            self.assertEqual(parse(again), found)

    def test_long_input(self) -> None:
        """Long inputs are answered at once: nothing is timed, a quadratic parser would hang."""
        many = 1 << 22
        self.assertEqual(parse_mail_parameters(b" " * many), {})
        for octets in (
            b"=" * many,
            b"a" * many,
            b"a" * many + b"=" + b"b" * many + b"=",
            b"SIZE=" + b"1" * many,
            b"ENVID=" + b"+4" * many,
            b"AUTH=" + b"+41" * many + b"+",
            b"AUTH=" + b"a" * many + b"+",
        ):
            error = self.assertRaises(ParameterError, parse_mail_parameters, octets)
            self.assertIn(error.code, (501, 555))
        error = self.assertRaises(ParameterError, parse_rcpt_parameters, b"NOTIFY=" + b"," * many)
        self.assertEqual(error.code, 501)
