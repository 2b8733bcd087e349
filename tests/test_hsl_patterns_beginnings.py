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
        for expression, begins in (
            (r"^XCLIENT\b", "XCLIENT"),
            (r"^MAIL FROM:<(.*)>$", "MAIL FROM:<"),
            (r"^ab+c", "ab"),
            (r"^ab*c", "a"),
        ):
            self.assertEqual(begins, beginning(expression))

    def test_case(self) -> None:
        """Letters are compared as the pattern says, and only those of ASCII have a case."""
        for pattern, subject, matches in (
            ("/^Mail F/i", "mAIL FROM", True),
            ("/^Mail F/i", "\xcdAIL FROM", False),
            ("/^SS/i", "\xdf", False),
            ("/^Mail F/", "Mail FROM", True),
            ("/^Mail F/", "mail FROM", False),
        ):
            regex = Regex(pattern, 1_000_000)
            self.assertIs(matches, regex.matches(subject), pattern)
            self.assertIs(matches, regex.search(subject) is not None, pattern)

    def test_unknown(self) -> None:
        """Where it is not, PCRE is asked at once."""
        for expression in ("MAIL", "^a?b", "^(MAIL)", "^MAIL|RCPT", r"^\s", "^", "^a{0}"):
            self.assertEqual("", beginning(expression), expression)
