"""``smtpgate repl``: what it shows, and what it remembers."""

from __future__ import annotations

from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document

from smtpgate.cli.inputs import incomplete
from smtpgate.cli.repl import Session, completer, show
from smtpgate.hsl.runtime import Texts
from tests.support.commands import CommandTestCase


class ReplTests(CommandTestCase):
    def session(self, *lines: str) -> list[str]:
        code, output, errors = self.run_command(
            "repl", stdin="".join(f"{line}\n" for line in lines)
        )
        self.assertEqual((0, ""), (code, errors))
        return output.splitlines()

    def test_values_and_definitions(self) -> None:
        """Expressions show their values; variables and functions stay."""
        self.assertEqual(
            ["2", '["a" => [1, none, true]]', '"x\\"y"', "42", "43"],
            self.session(
                "1 + 1", '$a = ["a" => [1, none, true]]', "$a", "''x\"y''",
                "function f($x) {", "  return $x + 1;", "}", "f(41)",
                "function f($x) { return $x + 2; }", "f(41)",
            ),
        )  # fmt: skip

    def test_errors(self) -> None:
        """An error is shown at its place in what was typed, and the session goes on."""
        self.assertEqual(
            [
                "<input>:1:1: undefined variable $zz", "    $zz", "    ^",
                "<input>:1:4: expected an expression after `+`", "    1 +", "       ^",
                '<input>:1:6: expected an expression after `echo`', "    echo }", "         ^",
                "1",
            ],
            self.session("$zz", "1 +", "echo }", "1"),
        )  # fmt: skip

    def test_existence(self) -> None:
        """What has no value is not there; what is unset is gone."""
        self.assertEqual(
            ["false", "7", "true", "false", "none"],
            self.session(
                "isset($a)", "$a ?? 7", "$a = 1", "isset($a)", "unset($a)", "isset($a)",
                "$a ?? none",
            ),
        )  # fmt: skip

    def test_functions_and_objects_stay_alive(self) -> None:
        """Functions, closures and objects of earlier inputs can be called."""
        self.assertEqual(
            ["<function function>", "1", "<object Box>", "5", "6", "none", "77"],
            self.session(
                "$f = function () { return 1; }", "$f", "$f()",
                "class Box { $x = 1; function get() { return $this->x; } }", "$box = Box()",
                "$box", "$box->x = 5", "$box->get()", "class Box { $y; }", "$box->x = 6",
                "$box->get()", "function set() { global $gg; $gg = 77; }", "set();", "$gg",
            ),
        )  # fmt: skip

    def test_imports(self) -> None:
        """Imports and what files define stay; a module runs where it is needed."""
        self.file("m.hsl", 'echo "runs"; $x = 1; function inc() { global $x; return $x += 1; }')
        self.file("part.hsl", "$part = 3; function part() { return 4; }")
        self.assertEqual(
            ["runs", "runs", "2", "3", "runs", "1", "runs", "runs", "2", "3", "4"],
            self.session(
                'import { inc as add, $x } from "m.hsl"', "add()", "1 + 2", "$x",
                "function f() { return add(); }", "f()", 'include "part.hsl"', "$part", "part()",
            ),
        )  # fmt: skip

    def test_bodies_on_the_next_line(self) -> None:
        """A loop and a function may have their bodies on the next line, a string several lines."""
        self.assertEqual(
            ["0", "1", "5", '"a\\nb"', "1"],
            self.session(
                "for ($i = 0; $i < 2; $i++)", "  echo $i;", "function five()", "{", "  return 5;",
                "}", "five()", '"a', 'b"', "/* a", "comment */ 1",
            ),
        )  # fmt: skip

    def test_completion(self) -> None:
        """Tab completes functions, keywords, variables, commands and what was defined."""
        session = Session(None, Texts({}))  # type: ignore[arg-type]
        session.variables["counter"] = 1.0
        session.definitions["countess"] = "function countess() { }"

        def complete(text: str) -> list[str]:
            found = completer(session).get_completions(Document(text), CompleteEvent())
            return [each.text for each in found]

        self.assertEqual(["$counter"], complete("1 + $coun"))
        self.assertEqual(["count", "countess"], complete("f(coun"))
        self.assertEqual([":help"], complete(":he"))
        self.assertEqual(["foreach"], complete("forea"))
        self.assertEqual(["MIME"], complete("$m = MI"))

    def test_python(self) -> None:
        """:python shows what the last input became."""
        self.assertIn("def main", "\n".join(self.session("1", ":python")))

    def test_incomplete(self) -> None:
        """What is open asks for more lines, unless it stands in strings and comments."""
        for text in (
            "f(", "if (1) {", '["a" => [', '"abc', "''abc", "/* abc", "if (1)",
            "for (;;)", "foreach ($a as $b)", "while (1)", "forever", "if (1) 2; else",
            "function f($x)", "class C", "switch (1)", "$f = function ()",
        ):  # fmt: skip
            self.assertTrue(incomplete(text), text)
        for text in (
            "f()", '"("', "'x'{'x'", "1 // (", "''/(/''", "'abc", "'abc'", "if (1) 2;", "1 +", ")",
            "# {}", "class C { }", "$x",
        ):  # fmt: skip
            self.assertFalse(incomplete(text), text)

    def test_show(self) -> None:
        """Values are written as a script would write them."""
        self.assertEqual('[1, "a\\n\\$b", none, [], false]', show([1.0, "a\n$b", None, [], False]))
