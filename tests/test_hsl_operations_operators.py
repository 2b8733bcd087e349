"""Operators on values of any type, patterns and formats: the edges."""

from __future__ import annotations

import itertools
import re
from itertools import islice
from math import inf, isnan, nan
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats.printf import format_string
from smtpgate.hsl.operations import operators
from smtpgate.hsl.patterns import Regex, compile_pattern
from smtpgate.hsl.values import Map


class NumberTests(SynchronousTestCase):
    """Numbers are floats, whatever a library function returned."""

    def test_whole_numbers(self) -> None:
        """An int becomes a float, so that none can grow without bound."""
        for operation in (operators.add, operators.subtract, operators.multiply, operators.power):
            self.assertIs(type(operation(3, 2)), float)
        self.assertEqual(operators.power(10, 400), inf)

    def test_modulo(self) -> None:
        """The sign is the left side's, for infinite operands too."""
        self.assertEqual(operators.modulo(-7.0, 3.0), -1.0)
        self.assertEqual(operators.modulo(5.0, inf), 5.0)
        self.assertTrue(isnan(operators.modulo(inf, 3.0)))

    def test_bits(self) -> None:
        """What is not finite is 0, what is too large wraps."""
        self.assertEqual(operators.int32(nan), 0)
        self.assertEqual(operators.int32(4294967295.0), -1)
        self.assertEqual(operators.shift_left(1.0, 33.0), 2.0)

    def test_repeat(self) -> None:
        """Bounds are checked before anything is made."""
        for value in ("ab", [1.0], Map({"a": 1.0})):
            with self.assertRaises(Fault):
                operators.repeat(value, inf)
        with self.assertRaisesRegex(Fault, "^a repeat count must be a number, nan given$"):
            operators.repeat("ab", nan)
        self.assertEqual(operators.repeat([], 1e300), [])


class PatternTests(SynchronousTestCase):
    """Regular expressions over octets."""

    def test_modifiers(self) -> None:
        """Each modifier does what the manual says."""
        for pattern, subject, expected in (
            ("/B/i", "abc", True),
            ("/^b/m", "a\nb", True),
            ("/a.b/s", "a\nb", True),
            ("/a b/x", "ab", True),
            ("/^.$/u", "\xc3\xa5", True),
            ("^.$", "\xc3\xa5", False),
            ("/a/X", "a", True),
            ("/a", "/a", True),
        ):
            self.assertIs(compile_pattern(pattern).matches(subject), expected, pattern)
        self.assertEqual(compile_pattern("/a+/U").search("aaa").group(0), b"a")

    def test_captures(self) -> None:
        """By number and by name; a group without a match is empty."""
        regex = compile_pattern("(?<host>[a-z]+)(:[0-9]+)?")
        found = regex.captures(regex.search("mail"))
        self.assertEqual(found, {0: "mail", "host": "mail", 1: "mail", 2: ""})

    def test_wrong(self) -> None:
        """Mistakes in the script's words."""
        for pattern, message in (
            ("(a", 'invalid regular expression "(a": missing closing parenthesis'),
            ("/a/q", 'unknown modifier "q" in the regular expression "/a/q"'),
            (5.0, "a regular expression must be a string, number given"),
        ):
            with self.assertRaises(Fault) as caught:
                compile_pattern(pattern)
            self.assertEqual(str(caught.exception), message)

    def test_long_subject(self) -> None:
        """A subject too long for the fast matcher's stack is matched all the same."""
        self.assertTrue(compile_pattern("(?:(.)|x)*y").matches("a" * 100000 + "y"))

    def test_ways(self) -> None:
        """However a match is bounded, it finds the same."""
        quick = ((1_000_000, 20_000),)
        watched, thorough = ((1_000_000, 20_000),), ((1_000_000, 1),)
        for length in (100, 8000, 9000, 60_000):
            subject = ("hello world, user@example.org and more\n" * (length // 38 + 1))[:length]
            for pattern in (r"\w+@\w+", "(o.)|(l+)", r"\b", "(?i)HELLO.*MORE", "(?=.*@)user"):
                wanted = [found.span() for found in re.finditer(pattern, subject)]
                for first, second in ((quick, watched), ((), watched), ((), thorough)):
                    with (
                        patch("smtpgate.hsl.patterns.regex._QUICK", first or ((-1, 1),)),
                        patch("smtpgate.hsl.patterns.regex._QUICK_FLAT", first or ((-1, 1),)),
                        patch("smtpgate.hsl.patterns.regex._WATCHED", second),
                    ):
                        regex = Regex(pattern, 1_000_000)
                        seen = [found.span() for found in islice(regex.finditer(subject), 2000)]
                        self.assertEqual(seen, wanted[:2000], (pattern, length, first, second))
                        self.assertEqual(regex.search(subject).span(), wanted[0])
                        start = min(70, length)
                        after = re.compile(pattern).search(subject, start)
                        found = regex.search(subject, start)
                        self.assertEqual(found and found.span(), after and after.span())

    def test_time(self) -> None:
        """Work that grows with the square of the subject's length ends by the clock."""
        clock = itertools.count(0.0, 0.01)
        subject = "x" * 200_000
        with patch("time.monotonic", lambda: next(clock)):
            for pattern in (r"x+\dy?", "(?=.*[0-9])[xa]", "(*NO_START_OPT)(?=.*[0-9])a"):
                for use in (Regex.search, lambda regex, text: list(regex.finditer(text))):
                    with self.assertRaises(Fault) as caught:
                        use(compile_pattern(pattern), subject)
                    self.assertEqual(
                        str(caught.exception),
                        "the regular expression takes more than its limit of 1 second "
                        "on a string of 200000 octets",
                    )

    def test_costly_steps(self) -> None:
        """Where a step costs as much as the subject is long, the work is watched all the same."""
        looks = 0
        pattern = r"(.*)\1\1[xy]"

        def paused() -> None:
            nonlocal looks
            looks += 1

        with (
            patch("smtpgate.hsl.patterns.watching.pause", paused),
            patch("smtpgate.hsl.patterns.watching._LOOK", 0.0),
        ):
            self.assertFalse(Regex(pattern, 1_000_000).matches("ab" * 100))
            self.assertEqual(looks, 0)
            self.assertFalse(Regex(pattern, 1_000_000).matches("ab" * 300))
            self.assertEqual(looks, 600)
            looks = 0
            with self.assertRaises(Fault) as caught:
                Regex(r"(?:\w(?!\w*+[!?]))*+[^\w]", 2000).matches("b" * 10_000)
            self.assertEqual(
                str(caught.exception),
                "the regular expression needs too many steps (match limit)",
            )
            self.assertGreater(looks, 1000)

    def test_memory(self) -> None:
        """A match may not take gigabytes for what it would have to come back to."""
        with self.assertRaises(Fault) as caught:
            Regex("(z)?" * 500 + "(?:(?:a|ab)(?:a|b|ab))+$", 1_000_000).matches("a" * 50_000 + "c")
        self.assertEqual(str(caught.exception), "the regular expression needs too much memory")

    def test_limit(self) -> None:
        """The match limit is the running script's; the pattern cannot raise it."""
        for pattern in ("(a+)+$", "(*LIMIT_MATCH=4000000000)(a+)+$"):
            with self.assertRaises(Fault) as caught:
                Regex(pattern, 500_000).matches("a" * 40 + "b$")
            self.assertEqual(
                str(caught.exception),
                "the regular expression needs too many steps (match limit)",
            )
        self.assertTrue(Regex("(*UTF)(*UCP)^\\w{70}$", 5_000_000).matches("\xc3\xa5" * 70))

    def test_long_pattern(self) -> None:
        """A pattern is bounded as well."""
        with self.assertRaises(Fault) as caught:
            compile_pattern("a" * 65_537)
        self.assertEqual(
            str(caught.exception),
            "a regular expression may have at most 65536 octets, this one has 65537",
        )


class FormatTests(SynchronousTestCase):
    """``%`` on a string."""

    def test_wrong(self) -> None:
        """Mistakes in the script's words."""
        for template, arguments, message in (
            ("%d", [1.0], '"%d" begins no format; a literal % is written %%'),
            ("%s", "a", "a format needs an array on the right of %, string given"),
            ("%s", [None], "none cannot be converted to a string"),
            ("%c", [300.0], "%c needs a number from 0 to 255, 300 given"),
        ):
            with self.assertRaises(Fault) as caught:
                format_string(template, arguments)
            self.assertEqual(str(caught.exception), message)

    def test_named(self) -> None:
        """Arguments are taken by their number, whatever else is in the array."""
        self.assertEqual(format_string("%s %[5]s", Map({"a": "x", 0: "y", 5: "z"})), "y z")
