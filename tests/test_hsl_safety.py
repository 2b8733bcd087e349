"""What must not happen: Python in sight, work without bound, one type mistaken for another."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.compiler.kinds import Kinds
from smtpgate.hsl.errors import ScriptErrors, ScriptRuntimeError
from smtpgate.hsl.runtime import Limits, compile_script
from smtpgate.hsl.scopes import Kind
from smtpgate.hsl.unparse import unparse
from tests.support.hsl import Machine, echo, error
from tests.support.hsl_programs import programs
from tests.support.hsl_valid import valid_programs

QUIET = settings(
    deadline=None,
    derandomize=True,
    max_examples=80,
    database=None,
    suppress_health_check=list(HealthCheck),
)
LETTERS = "abcdefghijklmnopqrstuvwxy"


def _untyped(variable) -> bool:
    variable.kind = Kind.OTHER
    return True


class GeneratedProgramTests(SynchronousTestCase):
    """Programs nobody wrote."""

    @QUIET
    @given(programs())
    def test_any_program(self, program) -> None:
        """Any tree gives errors of the language, or runs to an end or an error of the language."""
        try:
            run = Machine(Limits(steps=300)).start(unparse(program))
        except ScriptErrors:
            return
        if run.error is not None:
            self.assertIsInstance(run.error, ScriptRuntimeError)
            self.assertNotIn("internal error", str(run.error))

    @QUIET
    @given(valid_programs())
    def test_types_change_nothing(self, source: str) -> None:
        """What the compiler infers makes no difference to what a script does."""
        seen = []
        for untyped in (False, True):
            with patch.object(Kinds, "_fixed", staticmethod(_untyped if untyped else Kinds._fixed)):
                script = compile_script(source, f"test{untyped}.hsl")
            run = Machine(Limits(steps=2000)).start(script)
            message = str(run.error).partition(":")[2] if run.error else ""
            self.assertNotIn("internal error", message, source)
            seen.append((run.lines, message))
        self.assertEqual(seen[0], seen[1], source)


class BoundTests(SynchronousTestCase):
    """Deep and large scripts work or are refused in the language's words."""

    def test_nested_loops(self) -> None:
        """Twenty-five nested loops, with break, continue and return in the innermost."""
        source = "$count = 0;" + "".join(f"foreach ([1] as ${each}) {{" for each in LETTERS)
        self.assertEqual(echo(source + "$count++; continue;" + "}" * 25 + "echo $count;"), ["1"])
        loops = "".join(f"forever {{ ${each} = 1; " for each in LETTERS)
        self.assertEqual(
            echo("function f() {" + loops + "return 5;" + "}" * 26 + "echo f();"), ["5"]
        )
        counted = "".join(f"for (${each} = 0; ${each} < 1; ${each}++) {{" for each in LETTERS)
        self.assertEqual(
            echo(counted + 'if ($y == 0) { $found = $a; break; } echo "no";' + "}" * 25
                 + 'echo "$found$y$a";'), ["001"]
        )  # fmt: skip

    def test_long_chains(self) -> None:
        """Two thousand terms of any operator."""
        for operator, result in ((".", "1" * 2000), ("+", "2000"), ("and", "1"), ("==", "1")):
            chain = f" {operator} ".join(["$a"] * 2000)
            self.assertEqual(echo(f"$a = 1; echo {chain};"), [result])
            source = f"function f($a) {{ return {chain}; }} echo f(1);"
            self.assertEqual(echo(source), [result])

    def test_ladders(self) -> None:
        """A thousand else-ifs and a thousand cases."""
        ladder = "".join(f" else if ($a == {n}) echo {n};" for n in range(1000))
        source = f"$a = %d; if ($a == -1) echo 1;{ladder} else echo 2;"
        self.assertEqual([echo(source % n) for n in (999, 0, 1000)], [["999"], ["0"], ["2"]])
        cases = "".join(f" case {n}: echo {n}; break;" for n in range(1000))
        self.assertEqual(echo(f"$a = 999; switch ($a) {{{cases}}}"), ["999"])

    def test_brackets(self) -> None:
        """Two hundred brackets of any sort are refused in the language's words, or work."""
        for left, right in (("(", ")"), ("[", "]"), ("!", ""), ("- ", ""), ("$b[", "]")):
            source = "$b = []; $a = 1; echo " + left * 200 + "$a" + right * 200 + ";"
            try:
                echo(source)
            except (ScriptErrors, ScriptRuntimeError) as errors:
                self.assertNotIn("internal", str(errors))

    def test_memory(self) -> None:
        """Strings and arrays do not outgrow their bounds."""
        for source in (
            '$s = "x"; forever { $s .= $s; }',
            '$s = "x"; forever { $s = "$s$s"; }',
            '$s = "x"; forever { $s = $s + $s; }',
            'function f($s) { return $s . $s; } $s = "x"; forever { $s = f($s); }',
            'echo "x" * 1e300;',
            'echo "%16777217s" % ["x"];',
        ):
            self.assertIn("a string may have at most 16777216 octets", error(source), source)
        for source in ("$a = [1]; forever { $a = $a + $a; }", "echo [1] * 1e300;"):
            self.assertIn("an array may have at most 1000000 items", error(source), source)

    def test_patterns(self) -> None:
        """A regular expression that would take years ends at once."""
        self.assertEqual(
            error('$s = "a" * 40 . "b"; echo $s =~ "(a+)+$";'),
            "1:30: the regular expression needs too many steps (match limit)",
        )

    def test_deep_values(self) -> None:
        """Arrays a hundred thousand deep are made, compared and dropped."""
        source = "$a = []; for ($i = 0; $i < 100000; $i++) $a = [$a];"
        self.assertEqual(echo(source + "$b = $a; echo $a == $b; $a = 1; unset($b);"), ["1"])
        self.assertIn("nested too deeply", error(source + "echo $a;"))


class IsolationTests(SynchronousTestCase):
    """No way leads from a script to Python."""

    def test_names(self) -> None:
        """Names of Python and of the compiler's own are unknown to scripts."""
        for name in ("print", "eval", "getattr", "__import__", "v_a", "X", "store", "getrefcount"):
            self.assertIn(f"unknown function {name}", error(f"{name}(1);"))
        for name in ("__class__", "__dict__", "kind", "properties", "code"):
            source = (
                f'class A {{}} $a = A(); echo isset($a->{name}); echo $a["{name}"] ?? "nothing";'
            )
            self.assertEqual(echo(source), ["0", "nothing"], name)

    def test_variables(self) -> None:
        """Variables named like Python's keywords and helpers are variables."""
        names = ("T", "V", "X", "None", "lambda", "def", "class_", "len", "t1", "K1", "ABSENT")
        source = "".join(f"${name} = {number};" for number, name in enumerate(names))
        total = " + ".join(f"${name}" for name in names)
        self.assertEqual(echo(source + f"for ($i = 0; $i < 2; $i++) {{}} echo {total};"), ["55"])
