"""The tree back to source: canonical forms, and the round trip through the parser."""

from __future__ import annotations

import math

from hypothesis import HealthCheck, given, settings
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl import nodes
from smtpgate.hsl.grammar import parse
from smtpgate.hsl.unparse import quoted, unparse
from tests.support.hsl_programs import HERE, expressions, plain, programs

CANONICAL = r"""$x = 1 + 2 * 3;
$x = (1 + 2) * 3;
$x = 1 - (2 - 3) - 4;
$x = 2 ** 3 ** 2;
$x = (2 ** 3) ** -2;
$x = -(-$y) - -1 + !~$z;
$x = ($a = 1) + ($b ?? $c ?? 2) . ($d ? 1 : $e ?: 2);
$x[] = $y["k"][1:2] . $y[::-1] . $y[:];
[$a, [$b], $c = 3, ...$d] = f(...$rest, function ($q, $r = 1, ...$s) closure ($t) {
	return $q;
});
["k" => $o->p, "l" => C::$v] = ["k" => 1, "l" => 2];
cache ["ttl" => 5] builtin f(1)["x"]->else();
if ($a and ($b or $c)) {
	echo "a\"\\\$\n\r\t\x00\xe9${name}";
} else if (static::f()) {
	{ }
} else {
	break;
}
for ($i = 0, $j = 1; $i < 10; $i++, --$j) { }
foreach ($x as $k => [$v]) {
	continue;
}
switch ($x) {
	case 1:
	case 2:
		global $a, $b;
	default:
		return;
}
forever {
	while (unset($x)) { }
}
class C {
	$a;
	private static readonly $b = 1;
	constructor() { }
	private static function f() { }
}
import { f, g as h, $x, $y as $z } from "m";
import * as n from "m";
import $d from "d.csv" with ["header" => true];
include_once "i";
barrier "b" => $shared { }
"""


class CanonicalTests(SynchronousTestCase):
    def test_canonical_source_stays(self) -> None:
        """Source that is in the canonical form comes back letter by letter."""
        self.assertEqual(unparse(parse(CANONICAL, "c")), CANONICAL)

    def test_one_expression(self) -> None:
        """Any node can be unparsed, not only programs."""
        node = nodes.Binary(HERE, ".", nodes.Variable(HERE, "a"), nodes.Constant(HERE, 1e22))
        self.assertEqual(unparse(node), "$a . 1e+22")

    def test_numbers_that_have_no_literal(self) -> None:
        """What constant folding may leave is written as an expression of the same value."""
        for value, text in ((-1.0, "-1"), (math.inf, "1e999"), (-math.inf, "-1e999")):
            self.assertEqual(unparse(nodes.Constant(HERE, value)), text)
        self.assertEqual(unparse(nodes.Constant(HERE, math.nan)), "(1e999 - 1e999)")
        power = nodes.Binary(HERE, "**", nodes.Constant(HERE, -2.0), nodes.Constant(HERE, 2.0))
        self.assertEqual(unparse(power), "(-2) ** 2")

    def test_slice_that_looks_like_a_static_member(self) -> None:
        """A step behind a name is kept apart from `::`."""
        names = [nodes.FunctionName(HERE, name) for name in ("f", "g")]
        node = nodes.Slice(HERE, nodes.Variable(HERE, "a"), names[0], None, names[1])
        self.assertEqual(unparse(node), "$a[f: :g]")

    def test_quoted(self) -> None:
        """Quotes, backslashes, dollars and what is not printable are escaped."""
        self.assertEqual(quoted('a"\\$\n\x7f\xff'), '"a\\"\\\\\\$\\n\\x7f\\xff"')

    def test_deep_tree(self) -> None:
        """A chain of 20,000 terms comes back without any recursion."""
        source = "$x = " + " . ".join(["$a"] * 20_000) + ";\n"
        self.assertEqual(unparse(parse(source, "deep")), source)


class RoundTripTests(SynchronousTestCase):
    @settings(
        deadline=None,
        derandomize=True,
        max_examples=150,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(programs())
    def test_programs(self, program: nodes.Program) -> None:
        """Any program comes back from its source as it was."""
        self.assertEqual(plain(parse(unparse(program), "again")), plain(program))

    @settings(
        deadline=None,
        derandomize=True,
        max_examples=300,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(expressions)
    def test_expressions(self, expression: nodes.Expression) -> None:
        """Any expression comes back from its source as it was."""
        program = parse(f"echo {unparse(expression)};", "again")
        (echo,) = program.body
        assert isinstance(echo, nodes.Echo)
        self.assertEqual(plain(echo.value), plain(expression))
