"""The static functions of LDAP."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.protocols import CLASSES
from smtpgate.hsl.values import Map
from tests.support.library import call

LDAP = CLASSES[0]


def ldap(name: str, *arguments: object) -> object:
    return call(LDAP.statics[name], *arguments)


class Err2StringTests(SynchronousTestCase):
    """LDAP::err2string()."""

    def test_known(self) -> None:
        """OpenLDAP's texts for results of the server and of the client."""
        self.assertEqual(ldap("err2string", 0.0), "Success")
        self.assertEqual(ldap("err2string", 32.0), "No such object")
        self.assertEqual(ldap("err2string", 49.0), "Invalid credentials")
        self.assertEqual(ldap("err2string", 80.0), "Other (e.g., implementation specific) error")
        self.assertEqual(ldap("err2string", -1.0), "Can't contact LDAP server")

    def test_unknown(self) -> None:
        """Any other number has a text as well."""
        self.assertEqual(ldap("err2string", 15.0), "Unknown error")
        self.assertEqual(ldap("err2string", -99.0), "Unknown API error")


class FilterEscapeTests(SynchronousTestCase):
    """LDAP::filter_escape()."""

    def test_rfc4515(self) -> None:
        """RFC 4515 4: parentheses, asterisk, backslash, NUL and octets above 127."""
        self.assertEqual(
            ldap("filter_escape", "Parens R Us (for all your parenthetical needs)"),
            "Parens R Us \\28for all your parenthetical needs\\29",
        )
        self.assertEqual(ldap("filter_escape", "*"), "\\2a")
        self.assertEqual(ldap("filter_escape", "C:\\MyFile"), "C:\\5cMyFile")
        self.assertEqual(ldap("filter_escape", "\x00\x00\x00\x04"), "\\00\\00\\00\x04")
        self.assertEqual(ldap("filter_escape", "Lu\xc4\x8di\xc4\x87"), "Lu\\c4\\8di\\c4\\87")
        self.assertEqual(ldap("filter_escape", "plain & simple|!"), "plain & simple|!")


class NameTests(SynchronousTestCase):
    """LDAP::str2dn() and LDAP::dn2str()."""

    def test_rfc4514(self) -> None:
        """RFC 4514 4: the examples."""
        for text, parts in (
            (
                "UID=jsmith,DC=example,DC=net",
                [["UID", "jsmith"], ["DC", "example"], ["DC", "net"]],
            ),
            (
                "OU=Sales+CN=J.  Smith,DC=example,DC=net",
                [["OU", "Sales", "CN", "J.  Smith"], ["DC", "example"], ["DC", "net"]],
            ),
            (
                'CN=James \\"Jim\\" Smith\\, III,DC=example,DC=net',
                [["CN", 'James "Jim" Smith, III'], ["DC", "example"], ["DC", "net"]],
            ),
            ("CN=Before\\0dAfter,DC=example", [["CN", "Before\rAfter"], ["DC", "example"]]),
            ("1.3.6.1.4.1.1466.0=#04024869", [["1.3.6.1.4.1.1466.0", "Hi"]]),
            ("CN=Lu\\C4\\8Di\\C4\\87", [["CN", "Lu\xc4\x8di\xc4\x87"]]),
        ):
            self.assertEqual(ldap("str2dn", text), parts)

    def test_spaces(self) -> None:
        """Spaces around separators do not count, escaped ones do."""
        self.assertEqual(ldap("str2dn", " cn = a b  ,  dc= c\\  "), [["cn", "a b"], ["dc", "c "]])
        self.assertEqual(ldap("str2dn", "cn=a\\\\  "), [["cn", "a\\"]])

    def test_empty(self) -> None:
        """The empty name has no parts; an empty value is one."""
        self.assertEqual(ldap("str2dn", ""), [])
        self.assertEqual(ldap("dn2str", []), "")
        self.assertEqual(ldap("str2dn", "cn="), [["cn", ""]])

    def test_malformed(self) -> None:
        """What is no distinguished name is none."""
        for text in (
            "cn", "=a", "cn=a,", ",cn=a", "cn=a,,dc=b", "cn=a;dc=b", 'cn="a"', "cn=a\\", "cn=a\\zz",
            "cn=#0", "cn=#3003020101", "cn=#040248", "1=a", "c n=a", "cn=a\x00", "cn=a+", "cn=<a>",
        ):  # fmt: skip
            self.assertIsNone(ldap("str2dn", text), text)

    def test_dn2str(self) -> None:
        """RFC 4514 2.4: what is escaped, and how."""
        self.assertEqual(
            ldap("dn2str", [["cn", 'James "Jim" Smith, III'], ["dc", "net"]]),
            'cn=James \\"Jim\\" Smith\\, III,dc=net',
        )
        self.assertEqual(ldap("dn2str", [["ou", "Sales", "cn", "J"]]), "ou=Sales+cn=J")
        self.assertEqual(ldap("dn2str", [["cn", "#a "], ["cn", " "]]), "cn=\\#a\\ ,cn=\\ ")
        self.assertEqual(
            ldap("dn2str", [["cn", "a+b;c<d>e\\f\x00"]]), "cn=a\\+b\\;c\\<d\\>e\\\\f\\00"
        )
        self.assertEqual(ldap("dn2str", [["cn", "\xc3\xa9"]]), "cn=\xc3\xa9")
        self.assertEqual(ldap("dn2str", [["cn", "\xe9"]]), "cn=\\E9")

    def test_dn2str_faults(self) -> None:
        """Arrays of another shape are faults that say what is wrong."""
        for name, message in (
            (["cn"], "dn2str() part of the name must be an array, string given"),
            (
                [["cn"]],
                "dn2str() part of the name must be an array of an attribute and its value",
            ),
            ([[]], "dn2str() part of the name must be an array of an attribute and its value"),
            ([["cn", 1.0]], "dn2str() attribute and value must be strings, number given"),
            ([["c n", "a"]], 'dn2str(): "c n" is no name of an attribute'),
        ):
            error = self.assertRaises(Fault, ldap, "dn2str", name)
            self.assertEqual(str(error), message)

    def test_keys_do_not_matter(self) -> None:
        """The order of the values counts, not their keys."""
        self.assertEqual(ldap("dn2str", Map({"x": Map({"type": "cn", "value": "a"})})), "cn=a")

    @settings(deadline=None, derandomize=True)
    @given(
        st.lists(
            st.lists(
                st.tuples(
                    st.sampled_from(["cn", "dc", "2.5.4.3"]),
                    st.text(st.characters(max_codepoint=255)),
                ),
                min_size=1,
                max_size=3,
            ),
            max_size=4,
        )
    )
    def test_round_trip(self, names: list[list[tuple[str, str]]]) -> None:
        """str2dn() gives back what dn2str() was given."""
        parts = [[text for pair in name for text in pair] for name in names]
        self.assertEqual(ldap("str2dn", ldap("dn2str", parts)), parts)

    @settings(deadline=None, derandomize=True)
    @given(st.text(st.sampled_from('cn=a,+\\ #"0\xff')))
    def test_any_text(self, text: str) -> None:
        """No text is more than malformed; what is read is written and read as the same."""
        parts = ldap("str2dn", text)
        if parts is not None:
            self.assertEqual(ldap("str2dn", ldap("dn2str", parts)), parts)

    def test_long_names(self) -> None:
        """64 KiB are read in one pass; anything longer is none."""
        self.assertIsNone(ldap("str2dn", "cn=" + " " * 65_000 + "\x00"))
        self.assertEqual(len(ldap("str2dn", ",".join(["cn=a"] * 13_000))), 13_000)
        self.assertIsNone(ldap("str2dn", ",".join(["cn=a"] * 14_000)))


class ConnectionTests(SynchronousTestCase):
    """What is not there."""

    def test_constructor(self) -> None:
        """Connections are refused with a clear sentence."""
        error = self.assertRaises(Fault, call, LDAP.constructor, "ldap://127.0.0.1")
        self.assertEqual(str(error), "LDAP connections are not available here")
        self.assertEqual(LDAP.methods, {})
