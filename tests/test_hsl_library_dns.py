"""The chapter on DNS, as far as no network is needed."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from tests.support.calls import call


def utf8(text):
    return text.encode("utf-8").decode("latin-1")


class IDNATests(SynchronousTestCase):
    """Internationalised names."""

    #: From RFC 3492 section 7.1, RFC 5891 and the registries' own examples.
    BOTH_WAYS = (
        ("fußball.example", "xn--fuball-cta.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("παράδειγμα.δοκιμή", "xn--hxajbheg2az3al.xn--jxalpdlp"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("실례.테스트", "xn--9n2bp8q.xn--9t4b11yi5a"),
        ("www.example.com", "www.example.com"),
        ("_dmarc.example.com.", "_dmarc.example.com."),
    )

    def test_both_ways(self):
        """Encoded and decoded."""
        for name, encoded in self.BOTH_WAYS:
            self.assertEqual(call("idna_encode", utf8(name)), encoded)
            self.assertEqual(call("idna_decode", encoded), utf8(name))

    def test_mapped(self):
        """Capitals and wide dots are mapped as UTS #46 says."""
        self.assertEqual(call("idna_encode", utf8("BÜCHER。Example")), "xn--bcher-kva.example")
        self.assertEqual(call("idna_decode", "XN--BCHER-KVA.Example"), utf8("bücher.Example"))
        self.assertEqual(call("idna_encode", "xn--bcher-kva.example"), "xn--bcher-kva.example")

    def test_no_domain(self):
        """none for what is no domain name."""
        for name in (
            "", ".", "a..b", ".a", "\xff", "a b.example", utf8("\u2603.example"), "a" * 64,
            "xn--a", "xn--" + utf8("é"), utf8("ü" * 60), ".".join(["a" * 60] * 5), utf8("a\u200db"),
            "a\x00b",
        ):  # fmt: skip
            self.assertIsNone(call("idna_encode", name), name)
        for name in ("", "a..b", "xn--a", "xn--\xff", "\xff", "xn--" + utf8("é")):
            self.assertIsNone(call("idna_decode", name), name)

    @settings(deadline=None, derandomize=True)
    @given(
        st.text(st.characters(codec="utf-8"), max_size=20).map(utf8)
        | st.binary(max_size=20).map(lambda data: data.decode("latin-1"))
    )
    def test_total(self, name):
        """Any octets give a name or none, and a name can be encoded again."""
        encoded = call("idna_encode", name)
        if encoded is not None:
            self.assertTrue(encoded.isascii())
            self.assertEqual(call("idna_encode", call("idna_decode", encoded)), encoded)


class IncludesTests(SynchronousTestCase):
    """domain_includes()."""

    def test_included(self):
        """The domain and what is below it."""
        for subdomain, domain, expected in (
            ("www.halon.io", "halon.io", True),
            ("halon.io", "halon.io", True),
            ("www.halon.io", ".halon.io", True),
            ("halon.io", ".halon.io", False),
            ("WWW.Example.Com", "example.COM", True),
            ("badexample.com", "example.com", False),
            ("example.com", "www.example.com", False),
            ("www.example.com.", "example.com", True),
            ("www.example.com", "example.com.", True),
            ("example.com", "", False),
            ("", "", True),
            ("example.com", ".", False),
            ("\xc4.example", "\xe4.example", False),
        ):
            self.assertIs(call("is_subdomain", subdomain, domain), expected, (subdomain, domain))
