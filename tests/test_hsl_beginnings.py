"""How every match of a regular expression begins."""

from __future__ import annotations

import pcre2
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.patterns import Regex
from smtpgate.hsl.patterns.beginnings import beginning

pieces = st.sampled_from(
    ["a", "B", "MAIL", " ", ":", "-", "?", "*", "+", "{2}", "{0,1}", "{", "}", "(", ")", "(b)",
     "(?:a)?", "(?i)", "(?m)", "(?#x)", "[aB]", ".", "$", "^", "\\b", "\\Qa\\E", "\\K", "(?=a)",
     "|"]
)  # fmt: skip
expressions = st.lists(pieces, min_size=1, max_size=7).map(lambda found: "^" + "".join(found))
subjects = st.text("aAbB MAIL:-\n\xe9", max_size=8)


class BeginningTests(SynchronousTestCase):
    """Nothing that matches is turned away."""

    @settings(deadline=None, derandomize=True, max_examples=2000)
    @given(expressions, st.sampled_from(["", "i", "s", "U", "m", "x", "u"]), subjects)
    def test_no_match_is_lost(self, expression: str, modifiers: str, subject: str) -> None:
        """Wherever PCRE finds a match, we do."""
        flags = {
            "": 0, "i": pcre2.IGNORECASE, "s": pcre2.DOTALL, "U": 0x40000, "m": pcre2.MULTILINE,
            "x": pcre2.VERBOSE, "u": 0,
        }[modifiers]  # fmt: skip
        if modifiers == "u":
            subject = subject.replace("\xe9", "")
        try:
            plain = pcre2.compile(expression.encode("latin-1"), int(flags))
        except pcre2.PatternError:
            return
        found = plain.search(subject.encode("latin-1"))
        ours = Regex(f"/{expression}/{modifiers}", 1_000_000).search(subject)
        self.assertEqual(
            None if found is None else found.span(), None if ours is None else ours.span()
        )

    def test_known(self) -> None:
        """Where a beginning is plain: mostly, commands."""
        for expression, begins, not_so in (
            (rb"^XCLIENT\b", b"XCLIENT A", b"XCLIEN"),
            (rb"^MAIL FROM:<(.*)>$", b"MAIL FROM:<a>", b"mail from:<a>"),
            (rb"^ab+c", b"abbc", b"ac"),
            (rb"^ab*c", b"ac", b"bc"),
        ):
            found = beginning(expression, caseless=False)
            assert found is not None
            self.assertTrue(found(begins), expression)
            self.assertFalse(found(not_so), expression)
        caseless = beginning(b"^Mail", caseless=True)
        assert caseless is not None
        self.assertTrue(caseless(b"mAIL FROM"))
        self.assertFalse(caseless(b"\xcdAIL"))

    def test_unknown(self) -> None:
        """Where it is not, PCRE is asked at once."""
        for expression in (b"MAIL", b"^a?b", b"^(MAIL)", b"^MAIL|RCPT", rb"^\s", b"^", b"^a{0}"):
            self.assertIsNone(beginning(expression, caseless=False), expression)
