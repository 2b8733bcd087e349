"""Address lists and DKIM tag lists."""

from __future__ import annotations

from email.headerregistry import HeaderRegistry
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.library.mail import header_addresslist_extract, header_dkim_decode
from tests.support.library import call, options


def addresses(value: str, **given: Any) -> Any:
    return call(header_addresslist_extract, value, options(**given))


def tags(value: str, **given: Any) -> Any:
    return call(header_dkim_decode, value, options(**given))


class AddressListTests(SynchronousTestCase):
    """header_addresslist_extract()."""

    def test_separators(self) -> None:
        """Commas and semicolons, also several and at the ends."""
        expected = ["charlie@example.org", "james@example.com"]
        for text in (
            "Charlie <charlie@example.org>, James <james@example.com>",
            "Charlie <charlie@example.org>; James <james@example.com>",
            "charlie@example.org,james@example.com",
            ",, charlie@example.org ;; james@example.com,",
        ):
            self.assertEqual(addresses(text), expected, text)

    def test_rfc5322(self) -> None:
        """RFC 5322 A.1.2, A.1.3, A.5 and A.6.1: quoted names, groups, comments, old forms."""
        for text, expected in (
            (
                "Mary Smith <mary@x.test>, jdoe@example.org, Who? <one@y.test>, <boss@nil.test>,"
                ' "Giant; \\"Big\\" Box" <sysservices@example.net>',
                [
                    "mary@x.test",
                    "jdoe@example.org",
                    "one@y.test",
                    "boss@nil.test",
                    "sysservices@example.net",
                ],
            ),
            (
                "A Group:Ed Jones <c@a.test>,joe@where.test,John <jdoe@one.test>;",
                ["c@a.test", "joe@where.test", "jdoe@one.test"],
            ),
            ("Undisclosed recipients:;", []),
            (
                "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
                ["pete@silly.test"],
            ),
            (
                "A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
                "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end)",
                ["c@public.example", "joe@example.org", "jdoe@one.test"],
            ),
            (
                "Joe Q. Public <john.q.public@example.com>, Mary Smith"
                " <@node.test:mary@example.net>, , jdoe@test  . example",
                ["john.q.public@example.com", "mary@example.net", "jdoe@test.example"],
            ),
        ):
            self.assertEqual(addresses(text), expected, text)

    def test_group_then_more(self) -> None:
        """A semicolon ends a group, and separates."""
        self.assertEqual(
            addresses("G: a@x, b@x; c@x; d@x, H:; e@x"), ["a@x", "b@x", "c@x", "d@x", "e@x"]
        )

    def test_left_as_written(self) -> None:
        """Case, quoted local parts, literals, encoded words and UTF-8 stay."""
        for text, expected in (
            ("Jo <Jo@EXAMPLE.org>", "Jo@EXAMPLE.org"),
            ('"jo doe"@example.org', '"jo doe"@example.org'),
            ('"a,b;c<d>"@example.org', '"a,b;c<d>"@example.org'),
            ("jo@[192.0.2.1]", "jo@[192.0.2.1]"),
            ("=?utf-8?q?J=2C?= <jo@x>", "jo@x"),
            ("=?utf-8?q?a=40b?=@x", "=?utf-8?q?a=40b?=@x"),
            ("j\xc3\xb6@b\xc3\xbc.example", "j\xc3\xb6@b\xc3\xbc.example"),
        ):
            self.assertEqual(addresses(text), [expected])

    def test_name_that_looks_like_an_address(self) -> None:
        """What stands in front of the angle brackets is a name."""
        self.assertEqual(addresses("ceo@bank.example <evil@x.test>"), ["evil@x.test"])
        self.assertEqual(addresses('"ceo@bank.example" <evil@x.test>'), ["evil@x.test"])

    def test_field(self) -> None:
        """With field the name goes away and the value is unfolded."""
        self.assertEqual(addresses("From: jo@x\r\n", field=True), ["jo@x"])
        self.assertEqual(addresses("TO : jo@x,\r\n\tsam@x", field=True), ["jo@x", "sam@x"])
        self.assertEqual(addresses("Cc:", field=True), [])
        self.assertIsNone(addresses("jo@x", field=True))
        self.assertIsNone(addresses(": jo@x", field=True))

    def test_more_than_one_field(self) -> None:
        """A line end that folds nothing is malformed."""
        self.assertIsNone(addresses("From: a@x\r\nTo: b@x", field=True))
        self.assertIsNone(addresses("a@x\nb@x"))

    def test_nothing(self) -> None:
        """An empty value has no addresses."""
        for text in ("", " ", ",", "(comment)"):
            self.assertEqual(addresses(text), [], text)

    def test_malformed(self) -> None:
        """What is no address list is none."""
        for text in (
            "jo", "jo doe@x", "@x", "jo@", "jo@x y", "<jo@x", "jo@x>", "<>", "<jo@x> <sam@x>",
            "a <jo@x> b", 'jo"@x', '"jo@x', "jo@x (comment", "jo@x)", "jo@@x", "j..o@x", ".jo@x",
            "G: jo@x", "G: H: jo@x;;", ": jo@x;", "a b: jo@x", "<jo@x>: a@x;", "jo@[1.2",
            "jo\x00@x", "jo@x,\x01", "a\\b@x", "=?utf-8?q?x?=", "<jo@x:a@b>", "jo@x:",
        ):  # fmt: skip
            self.assertIsNone(addresses(text), text)

    @settings(deadline=None, derandomize=True)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["", "Jo ", '"Doe, Jo" ', "J (c) "]),
                st.from_regex(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]{1,8}(\.[a-z]{1,4})?", fullmatch=True),
                st.from_regex(r"[a-z]{1,8}(\.[a-z]{2,4}){0,2}", fullmatch=True),
            ),
            max_size=5,
        )
    )
    def test_as_the_email_package(self, mailboxes: list[tuple[str, str, str]]) -> None:
        """Well-formed lists have the addresses that Python's own parser finds."""
        text = ", ".join(
            f"{name}<{local}@{domain}>" if name else f"{local}@{domain}"
            for name, local, domain in mailboxes
        )
        header: Any = HeaderRegistry()("To", text)
        self.assertEqual(addresses(text), [address.addr_spec for address in header.addresses])

    @settings(deadline=None, derandomize=True)
    @given(st.text(st.sampled_from('ab@.<>,;:"()[]\\ \xff')))
    def test_any_text(self, text: str) -> None:
        """Any text is none or addresses that are read again as they are."""
        found = addresses(text)
        if found is not None:
            self.assertEqual(addresses(",".join(found)), found)

    def test_long_values(self) -> None:
        """128 KiB are read in one pass, however nested; anything longer is none."""
        self.assertEqual(len(addresses("jo@x," * 26_000)), 26_000)
        for text in ("(" * 130_000, '"' + "a" * 130_000, "<" * 130_000, "a." * 65_000):
            self.assertIsNone(addresses(text))
        self.assertEqual(addresses("(" * 65_000 + ")" * 65_000), [])
        self.assertIsNone(addresses("(" * 65_537 + ")" * 65_537))
        self.assertIsNone(tags("a=" + "b" * 131_072))


class DKIMTests(SynchronousTestCase):
    """header_dkim_decode()."""

    def test_list(self) -> None:
        """Tags in their order, white space around them gone."""
        found = tags("v=1; a = rsa-sha256 ;d=example.org; s=mail;h=from : to;b=AbC d=;")
        self.assertEqual(
            list(found.items()),
            [
                ("v", "1"),
                ("a", "rsa-sha256"),
                ("d", "example.org"),
                ("s", "mail"),
                ("h", "from : to"),
                ("b", "AbC d="),
            ],
        )

    def test_field(self) -> None:
        """RFC 6376 3.5: a whole folded field."""
        found = tags(
            "DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=brisbane;\r\n"
            "   c=simple; q=dns/txt; i=@eng.example.net;\r\n"
            "   z=From:foo@eng.example.net|To:joe@example.com|\r\n"
            "     Subject:demo=20run;\r\n   b=dzdVyOfAKCdLXdJOc9G2q8\r\n",
            field=True,
        )
        self.assertEqual(found["i"], "@eng.example.net")
        self.assertEqual(
            found["z"], "From:foo@eng.example.net|To:joe@example.com|     Subject:demo=20run"
        )
        self.assertEqual(found["b"], "dzdVyOfAKCdLXdJOc9G2q8")

    def test_empty_values(self) -> None:
        """A value may be empty, as a revoked key's is; tags differ by case."""
        self.assertEqual(dict(tags("p=; P=x; x_1=")), {"p": "", "P": "x", "x_1": ""})

    def test_malformed(self) -> None:
        """RFC 6376 3.2: what is no tag list is none."""
        for text in (
            "", ";", " ", "v", "=1", "v=1;;d=x", ";v=1", "1v=1", "v-w=1", "v=1; v=1", "v=\xff",
            "v=\x00", "v=1\r\nd=x", "v=1; d", "v w=1",
        ):  # fmt: skip
            self.assertIsNone(tags(text), text)
        self.assertIsNone(tags("v=1", field=True))

    @settings(deadline=None, derandomize=True)
    @given(
        st.dictionaries(
            st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True), st.text("ab=,", max_size=9)
        )
    )
    def test_round_trip(self, given: dict[str, str]) -> None:
        """A list that is put together is taken apart."""
        text = " ;\t".join(f"{tag} = {value}" for tag, value in given.items())
        found = tags(text)
        self.assertEqual(found, given if given else None)
