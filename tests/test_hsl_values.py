"""Values: their types, conversions, texts and equality."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime import Context, Limits
from smtpgate.hsl.values import (
    Function,
    Map,
    Object,
    a_type,
    format_number,
    literal,
    loose_equal,
    parse_number,
    strict_equal,
    to_boolean,
    to_number,
    to_string,
    type_name,
)
from tests.support import hsl
from tests.support.trees import VALUES, same

FUNCTION = Function("f", lambda value: value, 1, 1)


class Thing(Object):
    """An object of a test."""

    __slots__ = ()

    class_name = "Thing"


OBJECT = Thing()
KEEPING = Context("keeping", readonly=frozenset(), writable=frozenset({"kept"}), functions={})
#: A value of each type, and its name.
KINDS: tuple[tuple[Any, str], ...] = (
    (None, "none"), (True, "boolean"), (False, "boolean"), (1.0, "number"), (1, "number"),
    ("", "string"), ([], "array"), (Map(a=1.0), "array"), (FUNCTION, "function"),
    (OBJECT, "object"),
)  # fmt: skip


def nested(depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = [inner]
    return inner


class TypeTests(SynchronousTestCase):
    """The seven types."""

    def test_names(self) -> None:
        """Every value has one type, as messages name it."""
        self.assertEqual([type_name(value) for value, _ in KINDS], [name for _, name in KINDS])
        self.assertEqual(
            [a_type(value) for value in (None, True, 1.0, "", [], FUNCTION, OBJECT)],
            ["none", "a boolean", "a number", "a string", "an array", "a function", "an object"],
        )

    def test_truth(self) -> None:
        """What is empty or zero is false, and nothing else."""
        for value in (None, False, 0.0, -0.0, 0, "", [], Map()):
            self.assertFalse(to_boolean(value), repr(value))
        for value in (True, 0.1, float("nan"), "0", " ", [None], Map(a=None), FUNCTION, OBJECT):
            self.assertTrue(to_boolean(value), repr(value))

    def test_arity(self) -> None:
        """A wrong number of arguments has one sentence."""
        for least, most, given_, sentence in (
            (0, 0, 1, "f() takes 0 arguments, 1 given"),
            (1, 1, 0, "f() takes 1 argument, 0 given"),
            (1, 2, 3, "f() takes 1 to 2 arguments, 3 given"),
            (1, None, 0, "f() takes at least 1 argument, 0 given"),
            (2, None, 1, "f() takes at least 2 arguments, 1 given"),
        ):
            function = Function("f", print, least, most)
            self.assertEqual(str(self.assertRaises(Fault, function.check_arity, given_)), sentence)
            self.assertEqual(str(self.assertRaises(Fault, function.accepting, given_)), sentence)
            self.assertIs(function.accepting(least), print)


class NumberTests(SynchronousTestCase):
    """Numbers and their texts."""

    def test_format(self) -> None:
        """Whole numbers have no decimals, large ones an exponent."""
        for number, text in (
            (0.0, "0"), (-0.0, "0"), (7, "7"), (-1.0, "-1"), (0.5, "0.5"), (1 / 3, repr(1 / 3)),
            (1e-7, "1e-07"), (999_999_999_999_999.0, "999999999999999"), (1e15, "1e+15"),
            (-1e15, "-1e+15"), (1.5e15, "1.5e+15"), (2.0**53, "9.007199254740992e+15"),
            (1e16, "1e+16"), (1e300, "1e+300"), (1000000000000000.5, "1.0000000000000005e+15"),
            (float("inf"), "inf"), (float("-inf"), "-inf"), (float("nan"), "nan"),
        ):  # fmt: skip
            self.assertEqual(format_number(number), text)

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(st.floats(allow_nan=False, allow_infinity=False))
    def test_reads_back(self, number: float) -> None:
        """A number's text stands for the same number."""
        self.assertEqual(parse_number(format_number(number)), number)
        self.assertEqual(to_number(to_string(number)), number)

    def test_parse(self) -> None:
        """Decimal and hexadecimal texts, with space around; nothing else is a number."""
        for text, number in (
            ("1", 1.0), ("-1.5", -1.5), ("+.5", 0.5), ("1.", 1.0), ("1e3", 1000.0), (" 7\r\n", 7.0),
            ("0x1F", 31.0), ("-0xff", -255.0), ("007", 7.0), ("1" * 400, float("inf")),
            ("0x" + "f" * 400, float("inf")), ("-0x" + "f" * 400, float("-inf")),
        ):  # fmt: skip
            self.assertEqual(parse_number(text), number)
            self.assertEqual(to_number(text), number)
        for text in ("", " ", ".", "-", "e3", "1e", "1 2", "0x", "1_000", "inf", "nan", "\xb2",
                     "1a", "0b1", "\xa01"):  # fmt: skip
            self.assertIsNone(parse_number(text), text)
            self.assertEqual(to_number(text), 0.0)

    def test_parse_long(self) -> None:
        """What has more than a megabyte is no number."""
        digits = "0." + "1" * (1024 * 1024 - 2)
        self.assertEqual(parse_number(digits), 1 / 9)
        self.assertIsNone(parse_number(digits + " "))

    def test_to_number(self) -> None:
        """Booleans count, what is no number is 0."""
        self.assertEqual(
            [to_number(value) for value in (True, False, None, [1.0], FUNCTION, OBJECT)],
            [1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
        )


class TextTests(SynchronousTestCase):
    """What echo prints, and what a value looks like inside an array."""

    def test_to_string(self) -> None:
        """Each type has its text."""
        for value, text in (
            (None, "none"), (True, "1"), (False, "0"), (1.0, "1"), ("a\"b", 'a"b'), ([], "[]"),
            (["a", 1.0], '[0=>"a",1=>1]'), (Map({5: None, "k": [True]}),
            '[5=>none,"k"=>[0=>true]]'), (FUNCTION, "function f"), (OBJECT, "object Thing"),
        ):  # fmt: skip
            self.assertEqual(to_string(value), text)

    def test_escapes(self) -> None:
        """A string inside an array is written so that it reads back."""
        self.assertEqual(literal('a"\\$\r\n\t\xff'), '"a\\"\\\\\\$\\r\\n\t\xff"')

    def test_depth(self) -> None:
        """A hundred arrays in each other are printed, more are a fault."""
        self.assertEqual(to_string(nested(101, "x")).count("["), 101)
        self.assertEqual(
            str(self.assertRaises(Fault, to_string, nested(102, "x"))),
            "the array is nested too deeply to be printed",
        )

    @settings(max_examples=150, deadline=None, derandomize=True)
    @given(VALUES)
    def test_reads_back(self, value: Any) -> None:
        """The text of plain data is a literal of the language that stands for it."""
        text = literal(value)
        if re.search(r"\binf\b", re.sub(r'"(?:[^"\\]|\\.)*"', "", text)):
            return
        variables: dict[str, Any] = {}
        run = hsl.Machine().start(f"$kept = {text};", variables, KEEPING)
        self.assertIsNone(run.error)
        # 0 and -0 have one text.
        self.assertEqual(literal(variables["kept"]), text)
        self.assertTrue(strict_equal(variables["kept"], value))


class EqualityTests(SynchronousTestCase):
    """=== and ==."""

    #: Pairs that are == though they are not ===.
    LOOSE: tuple[tuple[Any, Any], ...] = (
        (True, 1.0), (False, 0.0), (True, "0"), (False, ""), (True, [0.0]), (False, []),
        (True, FUNCTION), (True, OBJECT), (1.0, "1"), (31.0, "0x1f"), (0.0, "word"), (0.0, ""),
        (1.0, ["a"]), (0.0, []), (1.0, FUNCTION), (1.0, OBJECT),
    )  # fmt: skip
    #: Pairs of different types that are not even ==.
    DIFFERENT: tuple[tuple[Any, Any], ...] = (
        (None, False), (None, 0.0), (None, ""), (None, []), (True, 2.0), (True, ""), (1.0, "2"),
        (2.0, ["a"]), ("a", ["a"]), ("", []), ("f", FUNCTION), ("Thing", OBJECT), ([], OBJECT),
        (FUNCTION, OBJECT),
    )  # fmt: skip

    def both(self, equal: Callable[[Any, Any], bool], left: Any, right: Any) -> bool:
        """Equality has no direction."""
        found = equal(left, right)
        self.assertIs(equal(right, left), found, (left, right))
        return found

    def test_tables(self) -> None:
        """Values of different types are never ===, and == by the table."""
        for left, right in self.LOOSE:
            self.assertTrue(self.both(loose_equal, left, right), (left, right))
            self.assertFalse(self.both(strict_equal, left, right), (left, right))
        for left, right in self.DIFFERENT:
            self.assertFalse(self.both(loose_equal, left, right), (left, right))
            self.assertFalse(self.both(strict_equal, left, right), (left, right))

    def test_same_type(self) -> None:
        """Within a type both ask the same."""
        other = Function("g", FUNCTION.code, 1, 1)
        for left, right, expected in (
            (None, None, True), (True, True, True), (True, False, False), (1, 1.0, True),
            (0.0, -0.0, True), (float("nan"), float("nan"), False), ("a", "a", True),
            ("1", "1.0", False), (FUNCTION, other, True), (OBJECT, OBJECT, True),
            (OBJECT, Thing(), False), (Function("f", print, 0, 1), FUNCTION, False),
        ):  # fmt: skip
            for equal in (loose_equal, strict_equal):
                self.assertIs(self.both(equal, left, right), expected, (left, right))

    def test_arrays(self) -> None:
        """Arrays are equal with the same keys and === values in the same order."""
        for left, right, expected in (
            ([1.0], [1], True), ([1.0], ["1"], False), ([1.0], [True], False), ([], Map(), True),
            ([1.0, 2.0], [2.0, 1.0], False), ([1.0], [1.0, 1.0], False),
            (Map(a=1.0, b=2.0), Map(b=2.0, a=1.0), False), (Map(a=[1.0]), Map(a=[1.0]), True),
            (Map({0: "a"}), ["a"], True), (Map({"0x": "a"}), ["a"], False),
            ([[1.0, [2.0]]], [[1.0, [2.0]]], True), ([[1.0, [2.0]]], [[1.0, [3.0]]], False),
            ([[]], ["[]"], False), ([float("nan")], [float("nan")], False),
        ):  # fmt: skip
            for equal in (loose_equal, strict_equal):
                self.assertIs(self.both(equal, left, right), expected, (left, right))

    def test_held_often(self) -> None:
        """Arrays that hold each other again and again are compared once."""
        left: Any = ["x"]
        right: Any = ["x"]
        for _ in range(90):
            left, right = [left, left], [right, right]
        self.assertTrue(strict_equal(left, right))

    def test_depth(self) -> None:
        """Too deep a nest is a fault, unless both are the same array or differ before."""
        deep = nested(150, "x")
        self.assertEqual(
            str(self.assertRaises(Fault, strict_equal, deep, nested(150, "x"))),
            "the arrays are nested too deeply to be compared",
        )
        self.assertTrue(strict_equal(deep, deep))
        self.assertFalse(strict_equal(nested(50, "x"), nested(150, "x")))

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(VALUES, VALUES)
    def test_agree(self, left: Any, right: Any) -> None:
        """=== is what it is to the last bit, but for the sign of 0, and implies ==."""
        self.assertTrue(strict_equal(left, left))
        found = self.both(strict_equal, left, right)
        if same(left, right):
            self.assertTrue(found)
        if found:
            self.assertTrue(self.both(loose_equal, left, right))
            self.assertEqual(literal(left), literal(right))
        self.both(loose_equal, left, right)


class LimitTests(SynchronousTestCase):
    """The script's limits hold for texts of arrays."""

    def test_printed(self) -> None:
        """Small arrays that hold each other cannot stand for an endless text."""
        source = '$a = ["abc"]; for ($i = 0; $i < 40; $i++) $a = [$a, $a]; echo "$a";'
        self.assertEqual(
            hsl.error(source, limits=Limits(string=1000)),
            "1:64: a string may have at most 1000 octets, this one would have 1206",
        )
