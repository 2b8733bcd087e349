"""The chapter on data types."""

from math import isnan

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.values import Function, Map, Object
from tests.support.calls import call, function

VALUES = {
    "none": None,
    "boolean": False,
    "number": 1.5,
    "integer": 1,
    "string": "1",
    "list": [1],
    "map": Map(a=1),
    "function": function(len),
    "object": Object(),
}


class DatatypeTests(SynchronousTestCase):
    """Questions and conversions."""

    def test_questions(self):
        """Each question is true for its own type only."""
        for name, kinds in (
            ("is_array", {"list", "map"}),
            ("is_boolean", {"boolean"}),
            ("is_function", {"function"}),
            ("is_number", {"number", "integer"}),
            ("is_object", {"object"}),
            ("is_string", {"string"}),
        ):
            found = {kind for kind, value in VALUES.items() if call(name, value)}
            self.assertEqual(found, kinds, name)

    def test_length(self):
        """Items, octets, or none."""
        self.assertEqual(call("length", "\xff\x00a"), 3)
        self.assertEqual(call("count", [1, 2]), 2)
        self.assertEqual(call("strlen", Map(a=1)), 1)
        for value in (None, 12, True, function(len)):
            self.assertIsNone(call("length", value))

    def test_boolean(self):
        """The truth table."""
        for value in (None, False, 0, 0.0, "", []):
            self.assertIs(call("boolean", value), False, value)
        for value in (True, 1, -1.5, "0", "false", [None], Map(a=1), function(len), Object()):
            self.assertIs(call("boolean", value), True, value)
        self.assertIs(call("boolean", float("nan")), True)

    def test_number(self):
        """Decimal and hexadecimal strings; 0 for the rest."""
        for text, number in (
            ("12", 12), ("-1.5e3", -1500), (" 7\r\n", 7), ("0x1F", 31), ("-0xff", -255),
            (".5", 0.5), ("5.", 5), ("1 2", 0), ("0x", 0), ("", 0), ("ten", 0), ("1_000", 0),
            ("inf", 0), ("nan", 0), ("\xb2", 0), ("0b1", 0),
        ):  # fmt: skip
            self.assertEqual(call("number", text), number, text)
        for value, number in ((True, 1), (False, 0), (None, 0), ([1], 0), (1.5, 1.5)):
            self.assertEqual(call("number", value), number)
        self.assertFalse(isnan(call("number", "nan")))

    def test_huge_number(self):
        """What is too large is infinite, in either notation."""
        self.assertEqual(call("number", "1e999"), float("inf"))
        self.assertEqual(call("number", "-0x" + "f" * 400), float("-inf"))

    def test_string(self):
        """As echo prints it."""
        for value, text in (
            ("a", "a"), (1.0, "1"), (0.1, "0.1"), (1e20, "1e+20"), (True, "1"), (False, "0"),
            ([1, "a"], '[0=>1,1=>"a"]'), (Map(a=None), '["a"=>none]'),
        ):  # fmt: skip
            self.assertEqual(call("string", value), text)
        self.assertIsInstance(VALUES["function"], Function)
