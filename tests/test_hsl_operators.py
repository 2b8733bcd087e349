"""Operators on values of any type, patterns and formats: the edges."""

from __future__ import annotations

from math import inf, isnan, nan

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl import operators
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.format import format_string
from smtpgate.hsl.patterns import compile_pattern
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
