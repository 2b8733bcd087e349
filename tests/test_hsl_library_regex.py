"""The chapter on regular expressions."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE, Limits
from smtpgate.hsl.values import Map
from tests.support.calls import StubExecution, call, function

octets = st.binary().map(lambda data: data.decode("latin-1"))


class MatchTests(SynchronousTestCase):
    """pcre_match() and pcre_match_all()."""

    def test_groups(self):
        """Numbered from 0; one that took no part is empty."""
        self.assertEqual(call("pcre_match", "(a)(b)?(c)", "xacx"), ["a", "", "c"])
        self.assertEqual(call("pcre_match", "(a)(b)?", "a"), ["a", ""])
        self.assertEqual(call("pcre_match", "(a)", "b"), [])

    def test_named(self):
        """Under both the number and the name."""
        found = call("pcre_match", "(?<user>.*)@(.*)", "a@b")
        self.assertEqual(found, Map({"user": "a", 0: "a", 1: "b"}))

    def test_without_groups(self):
        """The whole match."""
        self.assertEqual(call("pcre_match", "b+", "abbc"), ["bb"])

    def test_modifiers(self):
        """Between slashes, as for the operator."""
        self.assertEqual(call("pcre_match", "/(B.)/is", "ab\n"), ["b\n"])
        self.assertEqual(call("pcre_match", "/^(.)$/u", "\xc3\xa9"), ["\xc3\xa9"])
        self.assertEqual(call("pcre_match", "^(.)$", "\xc3\xa9"), [])
        self.assertEqual(call("pcre_match", "/(a+)/U", "aaa"), ["a"])
        self.assertEqual(call("pcre_match", "/( a ) # x/x", "a"), ["a"])

    def test_all(self):
        """By group, then by match."""
        self.assertEqual(call("pcre_match_all", "(\\w)(\\d)?", "a1b"), [["a", "b"], ["1", ""]])
        self.assertEqual(call("pcre_match_all", "b", "abab"), [["b", "b"]])
        self.assertEqual(call("pcre_match_all", "(x)", "abab"), [])
        self.assertEqual(
            call("pcre_match_all", "(?<d>\\d)", "12"), Map({"d": ["1", "2"], 0: ["1", "2"]})
        )
        self.assertEqual(
            call("pcre_match_all", "(.{4}|.+)", "abcdefghij")[0], ["abcd", "efgh", "ij"]
        )

    def test_bad_pattern(self):
        """The message names the pattern and what is wrong with it."""
        error = self.assertRaises(Fault, call, "pcre_match", "(a", "a")
        self.assertEqual(str(error), 'invalid regular expression "(a": missing closing parenthesis')
        error = self.assertRaises(Fault, call, "pcre_match", "/a/q", "a")
        self.assertEqual(str(error), 'unknown modifier "q" in the regular expression "/a/q"')

    def test_match_limit(self):
        """A catastrophe is an error, not a wait."""
        for name in ("pcre_match", "pcre_match_all"):
            error = self.assertRaises(Fault, call, name, "(a|aa)+$", "a" * 60 + "b")
            self.assertEqual(
                str(error), "the regular expression needs too many steps (match limit)"
            )

    def test_array_bound(self):
        """There is a most of matches."""
        self.patch(ACTIVE, "limits", Limits(array=10))
        error = self.assertRaises(Fault, call, "pcre_match_all", "(.)(.)", "ab" * 6)
        self.assertEqual(str(error), "an array may have at most 10 items, this one would have 12")

    def test_each_match_is_a_step(self):
        """The execution is asked before each match, so that the budget holds and others go on."""
        execution = StubExecution()

        class Spent(Exception):
            pass

        def turns():
            yield from (None, None)
            raise Spent

        execution.turns = turns
        self.assertRaises(Spent, call, "pcre_match_all", "(a)", "aaaa", execution=execution)
        self.assertRaises(Spent, call, "pcre_replace", "a", "b", "aaaa", execution=execution)


class QuoteTests(SynchronousTestCase):
    """pcre_quote()."""

    def test_quoted(self):
        """Only what has a meaning."""
        self.assertEqual(call("pcre_quote", "user+1@example.com"), "user\\+1@example\\.com")
        self.assertEqual(call("pcre_quote", "\xe9_a,%"), "\xe9_a,%")

    @settings(deadline=None, derandomize=True)
    @given(octets, st.sampled_from(["", "i", "x", "s"]))
    def test_matches_itself(self, string, modifiers):
        """The quoted string matches the string, with every modifier."""
        # NEL is space to the modifier x, and may be half a character to u: it stays.
        string = string.replace("\x85", "")
        pattern = f"/^({call('pcre_quote', string)})$/{modifiers}"
        self.assertEqual(call("pcre_match", pattern, string), [string])


class ReplaceTests(SynchronousTestCase):
    """pcre_replace()."""

    def test_references(self):
        """Groups by number; what is no group stays."""
        for replacement, expected in (
            ("<$0>", "<ab>"), ("$2$1", "ba"), ("$3 $", "$3 $"), ("$12", "a2"), ("$x $$1", "$x $a"),
            ("\\1", "\\1"), ("$00", "ab"), ("", ""),
        ):  # fmt: skip
            self.assertEqual(call("pcre_replace", "(a)(b)", replacement, "ab"), expected)
        self.assertEqual(call("pcre_replace", "(a)(b)?", "[$2]", "a"), "[]")
        ten = "".join(f"({letter})" for letter in "abcdefghij")
        self.assertEqual(call("pcre_replace", ten, "$10-$1", "abcdefghij"), "j-a")

    def test_everywhere(self):
        """All matches, or as many as the limit says."""
        self.assertEqual(call("pcre_replace", "\\d", "($0)", "foo1bar2baz"), "foo(1)bar(2)baz")
        self.assertEqual(call("pcre_replace", "a", "b", "aaa", 2), "bba")
        self.assertEqual(call("pcre_replace", "a", "b", "aaa", 0), "bbb")
        self.assertEqual(call("pcre_replace", "x*", "-", "axb"), "-a--b-")
        self.assertEqual(call("pcre_replace", "x", "-", "abc"), "abc")

    def test_octets(self):
        """Positions are octets, also where the pattern reads UTF-8."""
        text = "\xc3\xa9a\xc3\xa9"
        self.assertEqual(call("pcre_replace", "/a/u", "b", text), "\xc3\xa9b\xc3\xa9")
        self.assertEqual(call("pcre_replace", "/./u", ".", text), "...")

    def test_function(self):
        """It is given the whole match and the groups."""
        given = []
        callback = function(lambda groups: given.append(groups) or groups[0].upper())
        self.assertEqual(call("pcre_replace", "\\b([a-z])(x)?", callback, "ab cd"), "Ab Cd")
        self.assertEqual(given, [["a", "a", ""], ["c", "c", ""]])

    def test_function_with_names(self):
        """Named groups are there by name."""
        callback = function(lambda groups: groups["n"] * 2)
        self.assertEqual(call("pcre_replace", "(?<n>a)", callback, "ab"), "aab")

    def test_function_returns(self):
        """A number is written, an array is an error."""
        self.assertEqual(call("pcre_replace", "a", function(lambda groups: 1.0), "aa"), "11")
        error = self.assertRaises(Fault, call, "pcre_replace", "a", function(lambda g: None), "a")
        self.assertEqual(
            str(error), "the function given to pcre_replace() must return a string, none returned"
        )
        error = self.assertRaises(Fault, call, "pcre_replace", "a", function(max, 2), "a")
        self.assertEqual(str(error), "callback() takes 2 arguments, 1 given")

    def test_kind(self):
        """A replacement is a string or a function."""
        error = self.assertRaises(Fault, call, "pcre_replace", "a", 1, "a")
        self.assertEqual(
            str(error),
            'pcre_replace() parameter "replace" must be a string or function, number given',
        )

    def test_bound(self):
        """The result has a bound."""
        error = self.assertRaises(Fault, call, "pcre_replace", "a", "b" * 100000, "a" * 1000)
        self.assertSubstring("a string may have at most 16777216 octets", str(error))
