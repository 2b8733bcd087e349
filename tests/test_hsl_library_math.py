"""The chapter on mathematics: the results that C's library gives."""

from math import inf, isnan, nan

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from tests.support.calls import call


class MathTests(SynchronousTestCase):
    """Values, the ends of the domains, and beyond."""

    def check(self, name, *cases):
        for arguments, expected in cases:
            result = call(name, *arguments)
            if isnan(expected):
                self.assertTrue(isnan(result), (name, arguments, result))
            else:
                self.assertEqual(result, expected, (name, arguments))

    def test_abs(self):
        """Without the sign."""
        self.check("abs", ((-1.5,), 1.5), ((2,), 2), ((-inf,), inf), ((nan,), nan))

    def test_ceil_and_floor(self):
        """To whole numbers; what is not finite stays."""
        self.check(
            "ceil", ((1.1,), 2), ((-1.1,), -1), ((inf,), inf), ((nan,), nan), ((1e300,), 1e300)
        )
        self.check("floor", ((1.9,), 1), ((-1.1,), -2), ((-inf,), -inf), ((nan,), nan))

    def test_log(self):
        """Exact for powers of 2 and 10; -inf and nan outside of the domain."""
        self.check(
            "log",
            ((1,), 0), ((8, 2), 3), ((1000, 10), 3), ((1e15, 10), 15), ((0,), -inf), ((-1,), nan),
            ((0, 10), -inf), ((inf,), inf), ((inf, 10), inf), ((nan,), nan), ((5, 1), inf),
            ((0.5, 1), -inf), ((1, 1), nan), ((5, 0), 0), ((5, -2), nan),
        )  # fmt: skip

    def test_pow(self):
        """Overflow is infinite, a root of a negative number nan."""
        self.check(
            "pow",
            ((2, 10), 1024), ((2, -1), 0.5), ((10, 400), inf), ((-10, 401), -inf),
            ((-10, 400), inf), ((-8, 1 / 3), nan), ((0, -1), inf), ((-0.0, -3), -inf),
            ((0, -2), inf), ((0, 0), 1), ((nan, 0), 1),
        )  # fmt: skip

    def test_sqrt(self):
        """Of a negative number it is nan."""
        self.check("sqrt", ((9,), 3), ((0,), 0), ((-1,), nan), ((inf,), inf), ((nan,), nan))

    def test_round(self):
        """A half goes away from zero, as the number is printed."""
        self.check(
            "round",
            ((2.5,), 3), ((-2.5,), -3), ((0.49999999999999994,), 0), ((1.005, 2), 1.01),
            ((2.675, 2), 2.68), ((1250, -2), 1300), ((1.5, 0.9), 2), ((5e-324, 400), 5e-324),
            ((1e300, 5), 1e300), ((123, -400), 0), ((inf,), inf), ((nan, 2), nan),
        )  # fmt: skip

    def test_arguments(self):
        """A string is no number, and a count of decimals is finite."""
        error = self.assertRaises(Fault, call, "abs", "1")
        self.assertEqual(str(error), 'abs() parameter "number" must be a number, string given')
        error = self.assertRaises(Fault, call, "round", 1, inf)
        self.assertEqual(
            str(error), 'round() parameter "decimals" must be a finite number, inf given'
        )

    @settings(deadline=None, derandomize=True)
    @given(st.floats(), st.floats(allow_nan=False, min_value=-500, max_value=500))
    def test_total(self, number, other):
        """There is a number for every number."""
        for name, arguments in (
            ("abs", (number,)), ("ceil", (number,)), ("floor", (number,)), ("log", (number,)),
            ("log", (number, other)), ("pow", (number, other)), ("pow", (other, number)),
            ("round", (number, other)), ("sqrt", (number,)),
        ):  # fmt: skip
            self.assertIsInstance(call(name, *arguments), (float, int))
