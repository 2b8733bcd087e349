"""Paths and mailboxes: what is accepted, what is refused in which words, and in linear time."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.address import (
    AddressError,
    Mailbox,
    parse_mailbox,
    parse_path,
    quote_local,
    require_ascii,
    walk_path,
)

PROPERTY = settings(deadline=None, derandomize=True, max_examples=400)

ATEXT = "abcXYZ019!#$%&'*+-/=?^_`{|}~"
atoms = st.lists(st.text(ATEXT, min_size=1, max_size=9), min_size=1, max_size=5).map(".".join)
printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=25)
quoted = printable.map(lambda text: '"' + text.replace("\\", r"\\").replace('"', r"\"") + '"')
labels = st.from_regex(r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,20}[a-zA-Z0-9])?", fullmatch=True)
domains = st.lists(labels, min_size=1, max_size=5).map(".".join)
literals = st.one_of(
    st.ip_addresses(v=4).map(lambda address: f"[{address}]"),
    st.ip_addresses(v=6).map(lambda address: f"[IPv6:{address}]"),
)
mailboxes = st.builds(Mailbox, st.one_of(atoms, quoted), st.one_of(domains, literals))


def sent(text: str) -> str:
    """The octets of UTF-8 text, one character each."""
    return text.encode().decode("latin-1")


class AcceptedTests(SynchronousTestCase):
    """Paths that are right."""

    def test_mailboxes(self) -> None:
        """Local part and domain come out as they were sent."""
        for local, domain in (
            ("jo", "example.org"),
            ("Jo.Doe+tag", "Example.ORG"),
            ("!#$%&'*+-/=?^_`{|}~", "a"),
            ('""', "example.org"),
            ('"jo doe"', "example.org"),
            (r'"a\"b\\c\ d"', "example.org"),
            ('"<a@b>,;:"', "example.org"),
            ("jo", "xn--bcher-kva.example"),
            ("jo", "1.2.3.4"),
            ("jo", "[192.0.2.1]"),
            ("jo", "[IPv6:2001:db8::1]"),
            ("jo", "[ipv6:::ffff:192.0.2.1]"),
            ("jo", "[x-tag:any{thing}!]"),
            ("x" * 64, "example.org"),
            ('"' + "x" * 62 + '"', "example.org"),
            ("a", "b" * 63 + "." + "c" * 63 + "." + "d" * 63 + "." + "e" * 60),
        ):
            octets = f"<{local}@{domain}>".encode("latin-1")
            mailbox, rest = parse_path(octets)
            self.assertEqual(mailbox, Mailbox(local, domain))
            self.assertEqual(rest, b"")
            self.assertEqual(mailbox and mailbox.text, f"{local}@{domain}")
            self.assertEqual(parse_mailbox(octets[1:-1]), mailbox)

    def test_utf8(self) -> None:
        """UTF-8 is accepted with SMTPUTF8, and kept as the octets that were sent."""
        for local, domain in (
            ("jürgen", "bücher.example"),
            ("用户", "例え.テスト"),
            ('"zoë doe"', "example.org"),
            ("a", "क्‍ष.example"),  # a joiner inside a label
            ("a", "ü" * 50 + ".example"),  # 100 octets, but its A-label has fewer than 63
        ):
            mailbox, _ = parse_path(f"<{local}@{domain}>".encode(), smtputf8=True)
            self.assertEqual(mailbox, Mailbox(sent(local), sent(domain)))
            self.assertFalse(mailbox is None or mailbox.is_ascii)

    def test_rest(self) -> None:
        """The parameters follow after a space; spaces around path and parameters are tolerated."""
        for octets, rest in (
            (b"<a@b> SIZE=3 BODY=7BIT", b"SIZE=3 BODY=7BIT"),
            (b"  <a@b>   SIZE=3  ", b"SIZE=3"),
            (b"<a@b> ", b""),
        ):
            self.assertEqual(parse_path(octets), (Mailbox("a", "b"), rest))

    def test_null(self) -> None:
        """The null path is a sender."""
        self.assertEqual(parse_path(b"<> SIZE=3", allow_null=True), (None, b"SIZE=3"))

    def test_postmaster(self) -> None:
        """A recipient may be the postmaster without a domain, in any case."""
        mailbox, _ = parse_path(b"<PostMaster>", allow_postmaster=True)
        self.assertEqual(mailbox, Mailbox("PostMaster", ""))
        self.assertEqual(str(mailbox), "PostMaster")
        for path in (b"<postmaster x>", b"<postmaster", b"<postmaster.>", b'<"postmaster">'):
            self.assertRaises(AddressError, parse_path, path, allow_postmaster=True)


class RefusedTests(SynchronousTestCase):
    """Paths that are wrong, and the whole reply to each."""

    def refused(self, octets: bytes, reply: str, **options: bool) -> None:
        error = self.assertRaises(AddressError, parse_path, octets, **options)
        self.assertEqual(str(error), reply, octets)

    def test_recipients(self) -> None:
        """The words for each fault, with a recipient's enhanced code."""
        for octets, text in (
            (b"", "The address must be in angle brackets"),
            (b"   ", "The address must be in angle brackets"),
            (b"a@b", "The address must be in angle brackets"),
            (b"\t<a@b>", "The address must be in angle brackets"),
            (b"Jo <a@b>", "The address must be in angle brackets"),
            (b"<a@b", "The address must end with a closing angle bracket"),
            (b"<a@[192.0.2.1]x>", "The address must end with a closing angle bracket"),
            (b"<>", "The null address cannot be a recipient"),
            (b"<postmaster>", "The address has no domain"),
            (b"<jo>", "The address has no domain"),
            (b"<jo", "The address has no domain"),
            (b"<", "The local part holds a character that is not allowed"),
            (b"< a@b>", "The local part holds a character that is not allowed"),
            (b'<""b@c>', "The local part holds a character that is not allowed"),
            (b"<a b@c>", "The local part holds a character that is not allowed"),
            (b"<a\0@c>", "The local part holds a character that is not allowed"),
            (b"<a\r\n@c>", "The local part holds a character that is not allowed"),
            (b"<(a)@c>", "The local part holds a character that is not allowed"),
            (b'<a"b"@c>', "The local part holds a character that is not allowed"),
            (b"<.a@b>", "The local part has a dot in the wrong place"),
            (b"<a.@b>", "The local part has a dot in the wrong place"),
            (b"<a..b@c>", "The local part has a dot in the wrong place"),
            (b'<"a".b@c>', "The local part has a dot in the wrong place"),
            (b'<"a@b>', "The quoted local part is not well-formed"),
            (b'<"a\\"@b>', "The quoted local part is not well-formed"),
            (b'<"a"b"@c>', "The local part holds a character that is not allowed"),
            (b'<"a\tb"@c>', "The quoted local part is not well-formed"),
            (b'<"a\\\0b"@c>', "The quoted local part is not well-formed"),
            (b'<"a\nb"@c>', "The quoted local part is not well-formed"),
            (b"<a@>", "The domain is empty"),
            (b"<a@", "The domain is empty"),
            (b"<a@b@c>", "The domain holds a character that is not allowed"),
            (b"<a@b c>", "The domain holds a character that is not allowed"),
            (b"<a@b_c>", "The domain holds a character that is not allowed"),
            (b"<a@b\0>", "The domain holds a character that is not allowed"),
            (b"<a@b\n>", "The domain holds a character that is not allowed"),
            (b"<a@.b>", "The domain has an empty label"),
            (b"<a@b.>", "The domain has an empty label"),
            (b"<a@b..c>", "The domain has an empty label"),
            (b"<a@-b>", "A label of the domain begins or ends with a hyphen"),
            (b"<a@b-.c>", "A label of the domain begins or ends with a hyphen"),
            (b"<a@[]>", "The address literal is not well-formed"),
            (b"<a@[192.0.2.1>", "The address literal is not well-formed"),
            (b"<a@[192.0.2.256]>", "The address literal is not well-formed"),
            (b"<a@[192.0.2.01]>", "The address literal is not well-formed"),
            (b"<a@[192.0.2]>", "The address literal is not well-formed"),
            (b"<a@[IPv6:192.0.2.1]>", "The address literal is not well-formed"),
            (b"<a@[IPv6:fe80::1%eth0]>", "The address literal is not well-formed"),
            (b"<a@[2001:db8::1]>", "The address literal is not well-formed"),
            (b"<a@[IPv6:]>", "The address literal is not well-formed"),
            (b"<a@[tag:]>", "The address literal is not well-formed"),
            (b"<a@[:x]>", "The address literal is not well-formed"),
            (b"<a@[tag-:x]>", "The address literal is not well-formed"),
            (b"<a@[tag:a b]>", "The address literal is not well-formed"),
            (b"<a@[tag:a\xffb]>", "The address literal is not well-formed"),
            (b"<" + b"x" * 65 + b"@b>", "The local part is longer than 64 octets"),
            (b'<"' + b"x" * 63 + b'"@b>', "The local part is longer than 64 octets"),
            (b"<a@" + b"x" * 64 + b">", "A label of the domain is longer than 63 octets"),
            (b"<a@" + b"x." * 127 + b"xx>", "The domain is longer than 255 octets"),
            (b"<a@" + b"x." * 127 + b"x>", "The path is longer than 256 octets"),
            (b"<a@[t:" + b"x" * 260 + b"]>", "The domain is longer than 255 octets"),
            (b"<aa@" + b"x." * 126 + b"x>", "The path is longer than 256 octets"),
        ):
            self.refused(octets, f"501 5.1.3 {text}")

    def test_path_limit(self) -> None:
        """A path has at most 256 octets with its brackets."""
        domain = b"x." * 125 + b"x"
        self.assertEqual(len(domain), 251)
        self.assertEqual(len(b"<aa@" + domain + b">"), 256)
        mailbox, _ = parse_path(b"<aa@" + domain + b">")
        self.assertIsNotNone(mailbox)
        self.refused(b"<aaa@" + domain + b">", "501 5.1.3 The path is longer than 256 octets")
        error = self.assertRaises(AddressError, parse_mailbox, b"aaa@" + domain)
        self.assertEqual(str(error), "501 5.1.3 The address is longer than 254 octets")

    def test_sender(self) -> None:
        """A sender's faults have the sender's enhanced code."""
        self.refused(b"a@b", "501 5.1.7 The address must be in angle brackets", allow_null=True)

    def test_source_route(self) -> None:
        """A source route is accepted and ignored, as RFC 5321 wants it."""
        for route in (b"@a:", b"@a,@b:", b"@one.example,@xn--nxasmq6b,@three.example:"):
            found, rest = parse_path(b"<" + route + b"user@dom> SIZE=3")
            self.assertEqual((found, rest), (Mailbox("user", "dom"), b"SIZE=3"))
        (found, _) = parse_path(b'<@a:"x@y,:"@[192.0.2.1]>')
        self.assertEqual(found, Mailbox('"x@y,:"', "[192.0.2.1]"))

    def test_wrong_source_routes(self) -> None:
        """Routes have domains, and lead to an address."""
        not_well_formed = "501 5.1.3 The source route is not well-formed"
        not_allowed = "501 5.1.3 The domain holds a character that is not allowed"
        for octets, text in (
            (b"<@a,b:user@dom>", not_well_formed),
            (b"<@a,:user@dom>", not_well_formed),
            (b"<@a,", not_well_formed),
            (b"<@a", not_well_formed),
            (b"<@a>", not_allowed),
            (b"<@a;@b:user@dom>", not_allowed),
            (b"<@a@b:user@dom>", not_allowed),
            (b"<@[192.0.2.1]:user@dom>", "501 5.1.3 The domain is empty"),
            (b"<@:user@dom>", "501 5.1.3 The domain is empty"),
            (b"<@a..b:user@dom>", "501 5.1.3 The domain has an empty label"),
            (b"<@a:>", "501 5.1.3 The local part holds a character that is not allowed"),
            (b"<@a:@b:user@dom>", "501 5.1.3 The local part is empty"),
            (b"<@" + b"a.b" * 60 + b",@" + b"a.b" * 25 + b":u@d>",
             "501 5.1.3 The path is longer than 256 octets"),
        ):  # fmt: skip
            self.refused(octets, text)
        self.refused(
            b"<@a:Postmaster>", "501 5.1.3 The address has no domain", allow_postmaster=True
        )
        self.refused(b"<@", "501 5.1.7 The domain is empty", allow_null=True)

    def test_no_space_before_parameters(self) -> None:
        """Parameters that stick to the path are refused."""
        text = "501 5.5.4 A space must separate the path and its parameters"
        for octets in (b"<a@b>SIZE=3", b"<a@b>>", b"<a@b>\tSIZE=3", b"<a@b>\r\n", b"<a@b>\0"):
            self.refused(octets, text)
        self.refused(b"<>SIZE=3", text, allow_null=True)

    def test_utf8_not_asked_for(self) -> None:
        """A UTF-8 address needs SMTPUTF8, told at once or later."""
        reply = "553 5.6.7 Non-ASCII addresses need the SMTPUTF8 parameter"
        for path in ("<jürgen@b>", "<a@bücher.example>"):
            self.refused(path.encode(), reply, smtputf8=False)
            mailbox, _ = parse_path(path.encode())
            error = self.assertRaises(AddressError, require_ascii, mailbox)
            self.assertEqual(str(error), reply)
        require_ascii(Mailbox("a", "b"))

    def test_bad_utf8(self) -> None:
        """UTF-8 must be valid and hold no control characters, disguised dots or spaces."""
        for octets in (b"\xff", b"\xc3", b"\xc0\xae", b"\xed\xa0\x80", b"\xf4\x90\x80\x80"):
            for path in (
                b"<a" + octets + b"@b>",
                b'<"a' + octets + b'"@b>',
                b"<a@b" + octets + b">",
            ):
                self.refused(path, "501 5.1.3 The address is not valid UTF-8")
        for path in ("<a\x80@b>", '<"a\x9f"@b>', "<a@b\x85c>"):
            self.refused(path.encode(), "501 5.1.3 The address holds a control character")
        for character in "。．｡\u3000\u2028\u00a0\u202e\ufeff\u2100\u2488＠／\u00ad\u0378":
            self.refused(
                f"<a@b{character}c>".encode(),
                "501 5.1.3 The domain holds a character that is not allowed",
            )
        self.refused(
            "<a@\u0301b>".encode(), "501 5.1.3 The domain holds a character that is not allowed"
        )
        # 30 characters whose A-label has more than 63 octets.
        long_label = "".join(chr(0x4E00 + 601 * at) for at in range(30))
        self.refused(
            f"<a@{long_label}>".encode(),
            "501 5.1.3 A label of the domain is longer than 63 octets",
        )
        self.refused(
            f"<a@{'ü' * 70}>".encode(), "501 5.1.3 A label of the domain is longer than 63 octets"
        )

    def test_trailing_octets(self) -> None:
        """An address without brackets must be all there is."""
        error = self.assertRaises(AddressError, parse_mailbox, b"a@b>c")
        self.assertEqual(str(error), "501 5.1.3 Nothing may follow the address")
        error = self.assertRaises(AddressError, parse_mailbox, b"@b")
        self.assertEqual(str(error), "501 5.1.3 The local part is empty")


# Paths at the edges of what is right: long and empty parts, a wrong octet here and there.
nearly_atoms = st.lists(st.sampled_from(["a", "b.", ".", "x" * 31, "+", "é"]), max_size=4).map(
    "".join
)
nearly_labels = st.lists(
    st.sampled_from(["a", "Z9", "b-", "-", ".", "c" * 62, "d" * 63, "_", "é", "e." * 60]),
    max_size=5,
).map("".join)
ends = st.sampled_from([">", ">", ">", "", "> ", "> SIZE=3", ">  A B ", ">x", ">>", "> é", ">\r\n"])
nearly_paths = st.builds(
    "{}<{}@{}{}".format, st.sampled_from(["", " ", "  ", "\t"]), nearly_atoms, nearly_labels, ends
)


class WalkTests(SynchronousTestCase):
    """The expression for what nearly all paths look like, beside the walk over their octets."""

    @PROPERTY
    @given(st.one_of(nearly_paths, st.builds("<{}>{}".format, mailboxes, st.just(" A=1"))))
    def test_same(self, path: str) -> None:
        """Both give the same, and in the same words."""

        def said(parse: Callable[[bytes], object]) -> object:
            try:
                return parse(path.encode())
            except AddressError as error:
                return str(error)

        self.assertEqual(
            said(parse_path), said(lambda octets: walk_path(octets, False, False, True))
        )


class MailboxTests(SynchronousTestCase):
    """The mailbox itself."""

    def test_lower(self) -> None:
        """Lower case touches A to Z only: the octets of UTF-8 stay what they are."""
        self.assertEqual(Mailbox("Jo.DOE", "Example.ORG").lower, "jo.doe@example.org")
        self.assertEqual(Mailbox(sent("ÄB"), "C").lower, sent("Äb") + "@c")
        self.assertEqual(Mailbox("POSTMASTER", "").lower, "postmaster")

    def test_unquoted(self) -> None:
        """Quotes and backslashes go, everything else stays."""
        self.assertEqual(Mailbox("jo", "b").unquoted, "jo")
        self.assertEqual(Mailbox(r'"a\"b\\c\ d"', "b").unquoted, r'a"b\c d')
        self.assertEqual(Mailbox('""', "b").unquoted, "")

    def test_quote_local(self) -> None:
        """A local part is quoted only when it must be."""
        self.assertEqual(quote_local("jo.doe"), "jo.doe")
        self.assertEqual(quote_local("jo doe"), '"jo doe"')
        self.assertEqual(quote_local('a"b\\c'), r'"a\"b\\c"')
        self.assertEqual(quote_local(""), '""')
        self.assertEqual(quote_local("a..b"), '"a..b"')
        self.assertEqual(quote_local(sent("jürgen")), sent("jürgen"))
        for control in "\0\r\n\t\x7f":
            error = self.assertRaises(ValueError, quote_local, "a" + control)
            self.assertEqual(str(error), "a local part cannot hold control characters")

    def test_frozen(self) -> None:
        """A mailbox can be a key and cannot be changed."""
        mailbox = Mailbox("a", "b")
        self.assertEqual({mailbox: 1}[Mailbox("a", "b")], 1)
        self.assertRaises(AttributeError, setattr, mailbox, "local", "x")


class PropertyTests(SynchronousTestCase):
    """What holds for any address and for any octets."""

    @PROPERTY
    @given(mailboxes)
    def test_round_trip(self, mailbox: Mailbox) -> None:
        """Every well-formed mailbox within the limits is read back as it was sent."""
        octets = f"<{mailbox.text}>".encode("latin-1")
        if len(mailbox.local) > 64 or len(octets) > 256:
            self.assertRaises(AddressError, parse_path, octets)
        else:
            self.assertEqual(parse_path(octets + b" X"), (mailbox, b"X"))

    @PROPERTY
    @given(printable)
    def test_quoting_round_trip(self, text: str) -> None:
        """A quoted local part means what it was before."""
        local = quote_local(text)
        self.assertEqual(Mailbox(local, "b").unquoted, text)
        if len(local) <= 64:
            self.assertEqual(parse_path(f"<{local}@b>".encode())[0], Mailbox(local, "b"))

    @PROPERTY
    @given(
        st.lists(
            st.sampled_from(
                [
                    b"<",
                    b">",
                    b"@",
                    b'"',
                    b"\\",
                    b".",
                    b" ",
                    b"a",
                    b"[",
                    b"]",
                    b"-",
                    b":",
                    b"IPv6:",
                    b"1.2.3.4",
                    b"\xc3\xbc",
                    b"\xff",
                    b"\0",
                    b"\r\n",
                    b"b.c",
                ]
            ),
            max_size=14,
        ).map(b"".join),
        st.booleans(),
        st.booleans(),
        st.booleans(),
    )
    def test_any_octets(self, octets: bytes, null: bool, postmaster: bool, smtputf8: bool) -> None:
        """Any octets are an address or an AddressError; what is accepted is safe to send on."""
        for start in (b"", b"<", b"<a@"):
            try:
                mailbox, _ = parse_path(
                    start + octets,
                    allow_null=null,
                    allow_postmaster=postmaster,
                    smtputf8=smtputf8,
                )
            except AddressError as error:
                self.assertIn(error.code, (501, 553))
                self.assertTrue(error.text.isascii() and error.text.isprintable())
                continue
            if mailbox is None:
                self.assertTrue(null)
                continue
            wire = mailbox.text.encode("latin-1")
            self.assertFalse(set(wire) & set(range(32)))
            self.assertIn(b"<" + wire + b">", start + octets)
            wire.decode("ascii" if not smtputf8 else "utf-8")
            # Whoever reads it next understands the same.
            self.assertEqual(parse_path(b"<" + wire + b">", allow_postmaster=True)[0], mailbox)

    def test_long_input(self) -> None:
        """Inputs that made a backtracking parser slow are answered at once.

        Nothing is timed: a quadratic parser would not get through tens of megabytes.
        """
        many = 1 << 22
        for octets in (
            b" " * many,
            b" " * many + b"<a@b>",
            b"<" + b"a" * many + b"@b>",
            b"<" + b"a." * many + b"@b>",
            b'<"' + b"\\a" * many + b'"@b>',
            b'<"' + b"\\a" * many,
            b"<a@" + b"a." * many + b">",
            b"<a@[" + b"a" * many + b"]>",
            b"<a@[" + b"a" * many,
            b"<a@b>" + b" " * many + b"x",
        ):
            try:
                parse_path(octets)
            except AddressError as error:
                self.assertEqual(error.code, 501)
