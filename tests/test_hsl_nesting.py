"""Deep nesting and long rows: what Python's compiler would refuse works or is a script's error."""

from __future__ import annotations

from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from tests.support.hsl import echo, error


def switches(depth: int, inside: str) -> str:
    """``inside`` within so many switches, each with a statement behind it in its case."""
    return "switch (1) { case 1: " * depth + inside + ' echo "."; }' * depth


class SwitchTests(SynchronousTestCase):
    """Switches with more cases, or deeper, than one Python expression or function takes."""

    def test_cases_that_assign(self) -> None:
        """What the tests of cases assign stays assigned, wherever the match is."""
        cases = "".join(f"case ($x = {n}): $hit = {n}; break; " for n in range(130))
        for subject in (0, 39, 40, 77, 129):
            source = f"$x = -1; switch ({subject}) {{ {cases} }} "
            self.assertEqual(echo(source + 'echo "$x $hit";'), [f"{subject} {subject}"])
            source = f"function f() {{ {source} return $x; }} echo f();"
            self.assertEqual(echo(source), [str(subject)])
        self.assertEqual(echo(f'switch (500) {{ {cases} default: $hit = "no"; }} echo "$x $hit";'),
                         ["129 no"])  # fmt: skip

    def test_tests_in_order(self) -> None:
        """Tests are evaluated up to the first that matches and no further."""
        cases = "".join(f"case f({n}): break; " for n in range(100))
        function = "function f($x) { global $n; $n[] = $x; return $x; }"
        source = f"$n = []; {function} switch (61) {{ {cases} }}"
        self.assertEqual(echo(source + " echo count($n);"), ["62"])

    def test_default_between(self) -> None:
        """default is taken when no case matches, also behind it, and falls through."""
        cases = "".join(f"case {n}: echo {n}; break; " for n in range(60))
        source = f"switch (%d) {{ case 99: default: echo 'x'; {cases} }}".replace("'", '"')
        self.assertEqual(echo(source % 55), ["55"])
        self.assertEqual(echo(source % 70), ["x", "0"])

    def test_skipped_test_defines_nothing(self) -> None:
        """A variable that only a later case's test assigns has no value."""
        self.assertEqual(
            error("switch (0) { case 0: break; case ($z = 5): break; } echo $z;"),
            "1:58: undefined variable $z",
        )
        self.assertEqual(
            echo("switch (0) { case ($z = 5): break; case 0: break; } echo $z;"), ["5"]
        )

    def test_deep(self) -> None:
        """Forty switches: break leaves the innermost, what follows in the others runs."""
        for depth in (3, 13, 14, 15, 16, 17, 25, 40):
            self.assertEqual(echo(switches(depth, "break;")), ["."] * (depth - 1), depth)

    def test_deep_continue(self) -> None:
        """continue goes on with the loop around all the switches."""
        for depth in (3, 13, 14, 15, 16, 17, 25, 40):
            inside = switches(depth, "if ($i == 1) continue; echo $i;")
            source = f"for ($i = 0; $i < 3; $i++) {{ {inside} }}"
            wanted = ["0", *"." * depth, "2", *"." * depth]
            self.assertEqual(echo(source), wanted, depth)
            source = f"foreach ([0, 1, 2] as $i) {{ {inside} echo 9; }}"
            wanted = ["0", *"." * depth, "9", "2", *"." * depth, "9"]
            self.assertEqual(echo(source), wanted, depth)

    def test_deep_mixed(self) -> None:
        """Switches and loops in turn: continue and break are the nearest loop's."""
        for depth in (3, 12, 20):
            pair = "switch (1) { case 1: foreach ([1, 2] as $v) { "
            source = pair * depth + "continue; echo 0;" + ' } echo "s"; break; } ' * depth
            self.assertEqual(len(echo(source.replace("[1, 2]", "[1]"))), depth)
            source = "foreach ([1] as $a) { " * depth + switches(depth, "continue;") + "}" * depth
            self.assertEqual(echo(source + ' echo "end";'), ["end"])

    def test_deep_return(self) -> None:
        """return gives its value through all of them, also none."""
        for depth in (3, 14, 17, 40):
            for value, printed in (("5", "5"), ("none", "none"), ("[]", "[]")):
                inside = switches(depth, f"return {value};")
                source = (
                    f"function f() {{ foreach ([1] as $x) {{ {inside} }} return 7; }} echo f();"
                )
                self.assertEqual(echo(source), [printed], depth)


class PlaceTests(SynchronousTestCase):
    """What is nested too deeply is shown where it is."""

    def test_barriers(self) -> None:
        """Barriers within barriers beyond any use are refused at the first that is too deep."""
        nested = "".join(f'barrier "{n}" {{\n' for n in range(12))
        self.assertEqual(echo(nested + "echo 1;" + "}" * 12), ["1"])
        shared = "".join(f'barrier "{n}" => $v{n} {{\n' for n in range(9))
        source = shared + "echo 1;" + "}" * 9
        self.assertEqual(echo(source), ["1"])
        held = f"$f = function () {{ {source} strlen(1 . ''); }}; $f();".replace("'", '"')
        self.assertEqual(echo(held), ["1"])
        nested = "".join(f'barrier "{n}" {{\n' for n in range(25))
        self.assertEqual(
            error(nested + "}" * 25), "19:1: barriers, loops and switches are nested too deeply"
        )

    def test_expressions(self) -> None:
        """Two thousand terms of what nests to the right are refused at the term too deep."""
        for chain in (" ?? ".join(["$a"] * 2000), "$a ?: " * 2000 + "1", "1 ? 2 : " * 2000 + "3",
                      "$a = " * 2000 + "1", " ** ".join(["$a"] * 2000), "(" * 2000):  # fmt: skip
            self.assertRegex(error(f"$a = 1;\necho {chain};"), "^2:[0-9]{3,4}: nested too deeply$")
        for chain in ("$a" + "->m()" * 2000, "$a" + "[0]" * 2000):
            self.assertRegex(
                error(f"$a = 1;\necho 1;\n echo {chain};"),
                "^3:[0-9]+: (the script is )?nested too deeply$",
            )

    def test_generated(self) -> None:
        """What only the generated code nests too deeply is shown where it is, not at 1:1."""
        nested = "if ($a) { " * 30 + "$b = " + "[" * 30 + "$a" + "]" * 30 + ";" + "}" * 30
        self.assertEqual(echo(f"$a = 1; {nested} echo count($b);"), ["1"])
        chain = "".join(f" . ({n} + $a" for n in range(99)) + ")" * 99
        with patch("smtpgate.hsl.compiler._DEEPEST_TREE", 60):
            self.assertRegex(
                error(f"$a = 1;\n\necho 1{chain};"),
                r"^3:[0-9]{2,4}: the script is nested too deeply$",
            )


class LengthTests(SynchronousTestCase):
    """Long rows work."""

    def test_literals(self) -> None:
        """An array of ten thousand items, a string of a megabyte, ten thousand variables in one."""
        items = ",".join(["$x"] * 10_000)
        self.assertEqual(echo(f"$x = 1; echo count([{items}]);"), ["10000"])
        self.assertEqual(echo(f'echo strlen("{"x" * 1_000_000}");'), ["1000000"])
        self.assertEqual(echo(f'$a = 1; echo strlen("{"$a " * 10_000}");'), ["20000"])

    def test_mixed_operators(self) -> None:
        """Two thousand terms of - * | and <<."""
        for operator, result in (("-", "-1998"), ("*", "1"), ("|", "1"), ("or", "1")):
            chain = f" {operator} ".join(["$a"] * 2000)
            self.assertEqual(echo(f"$a = 1; echo {chain};"), [result])
