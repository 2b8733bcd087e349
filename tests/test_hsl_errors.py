"""What a script's author is told: sentences, places, call stacks, warnings."""

from __future__ import annotations

import ast
import gc

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Value, builtin
from smtpgate.hsl.errors import Frame, Position, ScriptErrors, ScriptRuntimeError
from smtpgate.hsl.runtime import Context, compile_script
from tests.support.hsl import Machine, echo, error

PROXY = Context("proxy", frozenset({"senderip", "command"}), frozenset({"context"}), functions={})


def errors(source: str, context: Context = PROXY) -> list[str]:
    """The compile errors as ``LINE:COLUMN: message``."""
    try:
        compile_script(source, "test.hsl", context)
    except ScriptErrors as found:
        return [str(each).removeprefix("test.hsl:") for each in found.errors]
    return []


class CompileErrorTests(SynchronousTestCase):
    """Found before the script runs, all at once."""

    def test_several(self) -> None:
        """Independent errors are reported in one run, in source order."""
        source = "echo strlne($a);\n$senderip = 1;\nbreak;\nfunction f($x) {}\nf();\n"
        self.assertEqual(
            errors(source),
            [
                "1:6: unknown function strlne, did you mean strlen?",
                "2:1: $senderip is read-only",
                "3:1: break outside a loop or switch",
                "5:1: f() takes 1 argument, 0 given",
            ],
        )

    def test_behind_a_missing_end(self) -> None:
        """A statement that lacks its semicolon does not hide what is wrong with the next one."""
        self.assertEqual(
            errors("$x = 1\nif ($x == 1) {\n  echo ;\n}\n$y = 2\n$z = [1, 2;\n"),
            [
                "1:7: expected `;` at the end of the statement",
                "3:8: expected an expression after `echo`",
                "5:7: expected `;` at the end of the statement",
                "6:11: expected `]` to close the array",
            ],
        )

    def test_rendered(self) -> None:
        """The source line with a caret under the token, also behind a tab."""
        with self.assertRaises(ScriptErrors) as caught:
            compile_script("\tforever { brek(); }", "test.hsl")
        self.assertEqual(
            caught.exception.render(),
            "test.hsl:1:12: unknown function brek\n    \tforever { brek(); }\n    \t          ^",
        )

    def test_octets(self) -> None:
        """The line as people read it: UTF-8, wide letters, Latin-1, control characters."""
        for line, shown, margin in (
            (b'echo "\xc3\xa5" 5;', 'echo "\xe5" 5;', 9),
            ('echo "日本" 5;'.encode(), 'echo "日本" 5;', 12),
            ('echo "xe\u0301x" 5;'.encode(), 'echo "xe\u0301x" 5;', 11),
            (b'echo "\xe5" 5;', 'echo "\xe5" 5;', 9),
            (b'echo "\x1b[1m" 5;', 'echo "\ufffd[1m" 5;', 12),
        ):
            with self.assertRaises(ScriptErrors) as caught:
                compile_script(line.decode("latin-1"), "t")
            rendered = caught.exception.render().split("\n")
            self.assertEqual(rendered[1:], [f"    {shown}", f"    {' ' * margin}^"])

    def test_read_only(self) -> None:
        """Every way to write to a read-only variable is refused."""
        for source in (
            "$command = 1;", "$command .= 1;", "$command++;", "[$command] = [1];",
            "$command[] = 1;", "$command[0:1] = [];", "foreach ([] as $command) {}",
            "foreach ([] as $command => $x) {}", "unset($command[0]);",
            'barrier "x" => $command {}', "function f() { global $command; $command = 1; }",
            "$f = function () closure ($command) { $command = 1; };",
        ):  # fmt: skip
            found = errors(source)
            self.assertEqual(len(found), 1, source)
            self.assertRegex(found[0], r"^1:[0-9]+: \$command is read-only$", source)

    def test_writable(self) -> None:
        """Writable predefined variables may be written to in all these ways."""
        self.assertEqual(errors("$context = 1; $context[] = 1; $context++; [$context] = [1];"), [])

    def test_hints(self) -> None:
        """Names near to what was written are offered."""
        self.assertEqual(
            errors("class Address { static $local = 1; } echo Adress::$local; Address::$locl;"),
            [
                "1:43: unknown class Adress, did you mean Address?",
                "1:59: Address has no static variable $locl, did you mean $local?",
            ],
        )

    def test_warnings_of_conditions_and_idle_statements(self) -> None:
        """An assignment where a comparison was meant, a call without parentheses."""
        for source, expected in (
            ("if ($a = 1) echo 1;", ["1:8: `=` assigns, `==` compares"]),
            ("while ($a = none) { }", ["1:11: `=` assigns, `==` compares"]),
            ('if (($a = strlen("")) > 1) echo 1;', []),
            ('if ($a = strlen("x")) echo 1;', []),
            ("strlen;", ["1:1: this does not call strlen, write strlen()"]),
            ("$a = 1; $a == 2;", ["1:12: `==` compares, and nothing uses what it gives"]),
            ("$a = 1; $a;", ["1:9: this does nothing"]),
            ('"text";', ["1:1: this does nothing"]),
            ("$a = 1; $a == 1 and strlen($a);", []),
        ):
            found = [each.removeprefix("t:") for each in compile_script(source, "t").warnings]
            self.assertEqual(found, expected, source)

    def test_warnings(self) -> None:
        """What compiles and is likely wrong is a warning."""
        script = compile_script(
            "$message = 1;\necho $mesage;\nfunction f() { return $command; echo 1; }",
            "t.hsl",
            PROXY,
        )
        self.assertEqual(
            script.warnings,
            (
                "t.hsl:2:6: $mesage is never assigned, did you mean $message?",
                't.hsl:3:23: $command is never assigned, "global $command" reaches the one outside',
                "t.hsl:3:33: this is never reached",
            ),
        )


class RuntimeErrorTests(SynchronousTestCase):
    """Found when the script runs."""

    def test_stack(self) -> None:
        """The calls that led to an error, the innermost first."""
        source = (
            "class Box {\n"
            "  function open($x) { return $x - 1; }\n"
            "}\n"
            "function each($x) {\n"
            "  return array_map(function ($y) { return Box()->open($y); }, $x);\n"
            "}\n"
            'each(["a"]);\n'
        )
        run = Machine().start(source)
        self.assertIsInstance(run.error, ScriptRuntimeError)
        self.assertEqual(
            run.error.stack,
            (
                Frame("Box->open", Position("test.hsl", 2, 33)),
                Frame("function", Position("test.hsl", 5, 50)),
                Frame("each", Position("test.hsl", 5, 10)),
                Frame("main", Position("test.hsl", 7, 1)),
            ),
        )
        self.assertEqual(str(run.error), 'test.hsl:2:33: number expected, string "a" given')
        self.assertEqual(run.error.source_line, "  function open($x) { return $x - 1; }")
        self.assertEqual(
            run.error.render(),
            'test.hsl:2:33: number expected, string "a" given\n'
            "      function open($x) { return $x - 1; }\n"
            "                                    ^\n"
            "  Box->open() was called at test.hsl:5:50\n"
            "  function() was called at test.hsl:5:10\n"
            "  each() was called at test.hsl:7:1",
        )

    def test_deep_loop(self) -> None:
        """A loop that became a Python function of its own is no call in the stack."""
        loops = "".join(f"foreach ([1] as $v{n}) {{" for n in range(25))
        run = Machine().start("function f() {" + loops + "echo -none;" + "}" * 26 + "f();")
        self.assertEqual([frame.function for frame in run.error.stack], ["f", "main"])

    def test_library_mistake(self) -> None:
        """A mistake of the gateway shows nothing of Python; the cause is kept for the log."""

        @builtin("wrong")
        def wrong() -> Value:
            """Fail."""
            return {}["secret"]

        run = Machine().start("wrong();", context=Context("c", functions={"wrong": wrong}))
        self.assertEqual(str(run.error), "test.hsl:1:1: internal error")
        self.assertIsInstance(run.error.__cause__, KeyError)

    def test_undefined(self) -> None:
        """An undefined variable is named, in every position."""
        for source, place in (
            ("echo $a;", "1:6"),
            ("$a .= 1;", "1:1"),
            ("$a += 1;", "1:1"),
            ("$a++;", "1:1"),
            ('echo "x$a";', "1:8"),
            ("echo [$a];", "1:7"),
            ("if (false) $a = 1; echo $a;", "1:25"),
            ("while (false) { $a = 1; } echo $a;", "1:32"),
            ("foreach ([] as $a) {} echo $a;", "1:28"),
            ("$a = 1; unset($a); echo $a;", "1:25"),
            ("function f() { global $a; echo $a; } f();", "1:32"),
            ("function f() { global $a; unset($a); } $a = 1; f(); echo $a;", "1:58"),
            ("$a = 1; foreach ([1, 2] as $x) { echo $a; unset($a); }", "1:39"),
            ('$a = 1; barrier "b" => $a { } echo $a;', "1:36"),
            ("$f = function () closure ($a) { return $a; }; $f();", "1:40"),
        ):
            self.assertEqual(error(source), f"{place}: undefined variable $a", source)

    def test_echo_before(self) -> None:
        """What was echoed before an error stays."""
        run = Machine().start("echo 1; echo 1 / 0;")
        self.assertEqual((run.lines, run.ended), (["1"], True))


class RunTests(SynchronousTestCase):
    """What compiling and running promise besides."""

    def test_shared(self) -> None:
        """The same script for the same context is compiled once."""
        self.assertIs(compile_script("echo 1;", "a"), compile_script("echo 1;", "a"))
        self.assertIsNot(compile_script("echo 1;", "a"), compile_script("echo 1;", "b"))

    def test_directly(self) -> None:
        """Only scripts that wait, loop or call need a greenlet."""
        self.assertFalse(compile_script('$a = strlen("x"); if ($a) echo $a;', "t").can_wait)
        for source in ("forever {}", "function f() {}", "sleep(1);", '$f = strlen; $f("x");'):
            self.assertTrue(compile_script(source, "t").can_wait, source)

    def test_python(self) -> None:
        """The generated code can be seen."""
        self.assertIn("X.echo(", compile_script("echo 1;", "t").python)

    def test_no_tree_is_kept(self) -> None:
        """A compiled script is code: the collector has no trees to walk through."""

        def trees() -> int:
            gc.collect()
            return sum(isinstance(each, ast.AST | nodes.Node) for each in gc.get_objects())

        before = trees()
        script = compile_script("echo 1 + $x;\n" * 1_000, "no_tree")
        self.assertLess(trees() - before, 100)
        self.assertIn("X.echo(", script.python)

    def test_terminates(self) -> None:
        """A terminating function ends the script at any depth with its result."""

        @builtin("Done", terminates=True)
        def done(value: Value = None) -> Value:
            """End."""
            return ("done", value)

        context = Context("c", functions={"Done": done})
        for source in (
            "Done(1); echo 2;",
            "function f() { Done(1); } f(); echo 2;",
            "foreach ([1] as $x) { Done($x); } echo 2;",
            "array_map(function ($x) { Done($x); }, [1]); echo 2;",
            "$d = Done; $d(1); echo 2;",
            "array_map(Done, [1]); echo 2;",
            "Done(...[1]); echo 2;",
            "$x = true ? Done(1) : 2; echo 2;",
            "builtin Done(1); function Done() {}",
        ):
            run = Machine().start(source, context=context)
            self.assertEqual((run.value, run.lines, run.error), (("done", 1.0), [], None), source)
        self.assertEqual(echo("echo 1; return 5; echo 2;"), ["1"])
