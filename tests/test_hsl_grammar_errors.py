"""Syntax errors: the sentence, the place, several in one run, and no nonsense behind them."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import ScriptErrors, ScriptSyntaxError
from smtpgate.hsl.grammar import parse
from smtpgate.hsl.grammar.tokens import KEYWORDS, SYMBOLS
from smtpgate.hsl.unparse import unparse
from tests.support.hsl_programs import programs

# Each script, and all of its errors as LINE:COLUMN: message.
ERRORS: dict[str, tuple[str, ...]] = {
    # What is missing.
    "$x = ;": ("1:6: expected an expression after `=`",),
    "$x = 1 +;": ("1:9: expected an expression after `+`",),
    "f(1,,2);": ("1:5: expected an expression after `,`",),
    "while () { }": ("1:8: expected an expression after `(`",),
    "f(1,\n  2;": ("2:4: expected `)` to close the argument list opened on line 1",),
    "f(1, 2": ("1:7: expected `)` to close the argument list",),
    "$x = (1;": ("1:8: expected `)` to close the parenthesis",),
    "$x = [1, 2;\n$y = 3;": ("1:11: expected `]` to close the array",),
    "$x[1;": ("1:5: expected `]` to close the subscript",),
    "$x[1:2;": ("1:7: expected `]` to close the slice",),
    "$x ? 1;": ("1:7: expected `:` and the other value of `?`",),
    "$x ?\n1;": ("2:2: expected `:` and the other value of `?` on line 1",),
    "if $x { }": ("1:4: expected `(` after `if`",),
    "if ($x { echo 1; } echo 2;": ("1:8: expected `)` to close the condition of `if`",),
    "if (1)": ("1:7: expected a statement or a block `{ ... }` after `)`",),
    "forever {\n  echo 1;\n": ("2:10: expected `}` to close the block opened on line 1",),
    "echo 1\necho 2;": ("1:7: expected `;` at the end of the statement",),
    "echo 1 2;": ("1:8: expected `;` at the end of the statement",),
    "return 5": ("1:9: expected `;` at the end of the statement",),
    "for ($i = 0, $i < 10, $i++) { }": ("1:27: expected `;` after the first part of `for`",),
    "for (;1) { }": ("1:8: expected `;` after the condition of `for`",),
    "foreach ($a in $b) { }": (
        "1:13: a loop over an array is written `foreach (array as $value)`",
    ),
    "foreach ($a as 5) { }": ("1:16: expected a variable or a pattern `[...]`",),
    "foreach ($a as [$k] => $v) { }": ("1:16: the key of `foreach` must be a variable",),
    "switch ($x) { echo 1; }": ("1:15: expected `case` or `default` in a `switch`",),
    "switch ($x) { case 1 break; }": ("1:22: expected `:` after the value of `case`",),
    "switch (1) {\n  default: f();\n  case 1:\n  default: g();\n}\necho -;": (
        "4:3: a `switch` has one `default` only",
        "6:7: expected an expression after `-`",
    ),
    "function default() { }": (
        "1:10: `default` is a keyword: it can not be the name of a function",
    ),
    "class if { }": ("1:7: `if` is a keyword: it can not be the name of a class",),
    "function f($a $b) { }": ("1:15: expected `)` to close the parameter list",),
    "function f(...$a, $b) { }": ("1:12: `...$a` must be the last parameter",),
    "function f($a = 1, $b) { }": ("1:20: `$b` needs a default value, as `$a` has one",),
    "function f() echo 1;": ("1:14: expected `{` after `)`",),
    "$x->5;": ("1:5: expected the name of a property after `->`",),
    "static->x;": ("1:7: expected `::` after `static`",),
    "static::5;": ("1:9: expected a static member after `::`",),
    "$x = builtin 5;": ("1:14: expected the name of a function after `builtin`",),
    "cache f();": ("1:7: expected `[` after `cache`",),
    'cache ["x"] f();': ('1:8: expected an option of `cache` as `"name" => value`',),
    "cache [] $f();": ("1:10: expected the call of a named function after `cache`",),
    'barrier "x" => { }': ("1:16: expected a variable after `=>`",),
    "global ;": ("1:8: expected a variable after `global`",),
    "import f from 'x'x'x';": (
        "1:8: expected `{ names }`, `* as name` or a variable after `import`",
    ),
    "include $x;": ("1:9: expected the path of a file as a string after `include`",),
    'include "a$b";': ("1:9: the path of a file can not have variables in it",),
    'import { f as $x } from "y";': ("1:15: `f` is a function: `$x` can not be its new name",),
    # What can not be where it is.
    "else { echo 1; }": ("1:1: unexpected `else` without `if`",),
    "elseif (1) { }": ("1:1: unexpected `else if` without `if`",),
    "case 1: break;": ("1:1: unexpected `case` outside of `switch`",),
    "}": ("1:1: unexpected `}`: no block is open here",),
    "private $x;": ("1:1: unexpected `private` outside of `class`",),
    "=> 5;": ("1:1: unexpected `=>`",),
    "$a && $b;": ("1:4: `&&` is no operator: write `and`",),
    "$a == 1 || $b;": ("1:9: `||` is no operator: write `or`",),
    "class C { echo 1; }": ("1:11: expected a variable, a function or the constructor in a class",),
    "class C { private private $x; }": ("1:19: `private` is there twice",),
    "class C { readonly function f() { } }": ("1:11: only a variable can be `readonly`",),
    "class C { static constructor() { } }": ("1:11: a constructor can not be `static`",),
    # What can not be assigned to.
    "$x + 1 = 3;": ("1:1: `$x + 1` cannot be assigned to",),
    "f() = 3;": ("1:1: `f()` cannot be assigned to",),
    "$y = [$a] += 3;": ("1:6: `[$a]` cannot be assigned to",),
    "$x++ = 3;": ("1:1: `$x++` cannot be assigned to",),
    '$x = "' + "a" * 60 + '" = 1;': ('1:6: `"' + "a" * 36 + "...` cannot be assigned to",),
    "f()++;": ("1:1: `++` needs a variable, not `f()`",),
    "--5;": ("1:3: `--` needs a variable, not `5`",),
    "++;": ("1:3: expected a variable after `++`",),
    "isset(5);": ("1:7: `isset` needs a variable, not `5`",),
    "unset(f());": ("1:7: `unset` needs a variable, not `f()`",),
    "$x = $a[];": ("1:8: `[]` appends to an array: it can only be assigned to",),
    "[$a[$b[]]] = $c;": ("1:7: `[]` appends to an array: it can only be assigned to",),
    "[] = f();": ("1:1: a pattern needs a variable",),
    '[$a, "x" => $b] = f();': ("1:6: a pattern has keys for all variables or for none",),
    "[...$a, $b] = f();": ("1:2: `...` must be the last in a pattern",),
    "[...$a = 3] = f();": ("1:2: `...` has no default value in a pattern",),
    "[$a, 5] = f();": ("1:6: a pattern can only have variables and patterns",),
    '"f"(3);': ('1:1: `"f"` cannot be called',),
    "$a[1:2:3:4];": ("1:10: a slice has at most `[first:last:step]`",),
    # What is no token.
    'echo 1;\necho "abc;\n\n': ('2:6: unterminated string: expected `"` to end it',),
    "echo 1;\n/* abc": ("2:1: unterminated comment: expected `*/` to end it",),
    "$x = 'END'abc'EN';": ("1:6: unterminated raw string: expected `'END'` to end it",),
    "$x = 'hello world';": (
        "1:6: unexpected `'`: a string is written \"...\", a raw string ''...''",
    ),
    "$x = 0x;": ("1:6: `0x` is not a number",),
    "$x = 12abc;": ("1:6: `12abc` is not a number",),
    "$x = 1__0;": ("1:6: `1__0` is not a number",),
    "$x = " + "1_" * 1_000 + ";": ("1:6: `" + "1_" * 18 + "1...` is not a number",),
    "# comment": ("1:1: unexpected `#`: a comment starts with `//`",),
    "$x = $1;": ("1:6: expected the name of a variable after `$`",),
    "$x = @f();": ("1:6: unexpected `@`",),
    "\xe9;": ("1:1: unexpected character \\xe9",),
    "\xff\xfee\0c\0h\0o\0": ("1:1: the script is in UTF-16: it has to be ASCII or UTF-8",),
    "\xfe\xff\0e\0c\0h\0o": ("1:1: the script is in UTF-16: it has to be ASCII or UTF-8",),
    # Several, and none that follow from another.
    "$x = ;\necho 1;\n$y = 1 +;": (
        "1:6: expected an expression after `=`",
        "3:9: expected an expression after `+`",
    ),
    "echo 1 2; $x = ;": (
        "1:8: expected `;` at the end of the statement",
        "1:16: expected an expression after `=`",
    ),
    "function f() {\n  echo 1 +;\n  echo 2;\n}\nfunction g() { return -; }": (
        "2:11: expected an expression after `+`",
        "5:24: expected an expression after `-`",
    ),
    "class C {\n  $x = ;\n  function f() { return +; }\n  $y 5;\n}": (
        "2:8: expected an expression after `=`",
        "3:26: expected an expression after `+`",
        "4:6: expected `;` at the end of the statement",
    ),
    "switch (1) {\n  case : break;\n  case 2: echo +;\n  default; }\necho 1 1;": (
        "2:8: expected an expression after `case`",
        "3:17: expected an expression after `+`",
        "4:10: expected `:` after `default`",
        "5:8: expected `;` at the end of the statement",
    ),
    "$f = array_map(function ($x) {\n  return $x + ;\n}, $y;\necho -;": (
        "2:15: expected an expression after `+`",
        "3:6: expected `)` to close the argument list opened on line 1",
        "4:7: expected an expression after `-`",
    ),
    "if ($x { echo 1; } else { echo 2; } echo 3;\necho 4 5;": (
        "1:8: expected `)` to close the condition of `if`",
        "2:8: expected `;` at the end of the statement",
    ),
    '$x = ["a" => 1; "b" => 2];\n$y = ;': (
        "1:15: expected `]` to close the array",
        "2:6: expected an expression after `=`",
    ),
    'echo "abc;\necho "def";\necho "ghi";': (
        "2:7: expected `;` at the end of the statement; the string before it started on line 1",
    ),
    "f(function ($a $b) {\n  echo 1;\n},\n1);\necho -;": (
        "1:16: expected `)` to close the parameter list",
        "5:7: expected an expression after `-`",
    ),
    "echo 1 2\n$y = 0x;": (
        "1:8: expected `;` at the end of the statement",
        "2:6: `0x` is not a number",
    ),
    "if (1) {\n  if (2) {\n    echo 1;": (
        "3:12: expected `}` to close the block opened on line 2",
    ),
}


def errors_of(source: str) -> tuple[ScriptSyntaxError, ...]:
    """All errors of a script; none when it parses."""
    try:
        parse(source, "test")
    except ScriptErrors as failure:
        return failure.errors
    return ()


class SentenceTests(SynchronousTestCase):
    def test_sentences_and_places(self) -> None:
        """Each wrong script has just the errors that it should have."""
        found = {
            source: tuple(
                f"{error.position.line}:{error.position.column}: {error.message}"
                for error in errors_of(source)
            )
            for source in ERRORS
        }
        wrong = {source: errors for source, errors in found.items() if errors != ERRORS[source]}
        self.assertEqual(wrong, {})

    def test_rendering(self) -> None:
        """An error has its file, the source line without its end, and a caret below the token."""
        (error,) = errors_of("echo 1;\r\n\t$x = ;\r\n")
        self.assertEqual(
            error.render(),
            "test:2:7: expected an expression after `=`\n    \t$x = ;\n    \t     ^",
        )

    def test_at_most_twenty(self) -> None:
        """After twenty errors the rest is not told."""
        errors = errors_of("echo +;\n" * 50)
        self.assertEqual([error.position.line for error in errors], list(range(1, 21)))


class DepthTests(SynchronousTestCase):
    def test_long_is_not_deep(self) -> None:
        """Thousands of terms, branches and statements are no nesting."""
        chain: nodes.Node = parse("$x = " + " . ".join(["$a"] * 2_000) + ";", "t").body[0]
        assert isinstance(chain, nodes.ExpressionStatement)
        self.assertIsInstance(chain.expression, nodes.Assign)
        ladder = parse("if (1) { }" + " else if (2) { }" * 1_000, "t").body[0]
        assert isinstance(ladder, nodes.If)
        self.assertEqual(len(ladder.branches), 1_001)
        self.assertEqual(len(parse("$x = 1 + 2 * 3;" * 3_000, "t").body), 3_000)

    def test_some_depth_is_fine(self) -> None:
        """What people nest works: 100 brackets, 50 blocks, 50 methods in a chain."""
        for source in (
            "$x = " + "(" * 100 + "1" + ")" * 100 + ";",
            "if (1) {" * 50 + "}" * 50,
            "$x" + "->f()" * 50 + ";",
        ):
            self.assertEqual(errors_of(source), ())

    def test_too_deep_is_an_error(self) -> None:
        """Whatever is nested, too much of it is one clear error."""
        for count in (150, 1_000, 20_000):
            for opening, closing in (
                ("(", "1" + ")" * count),
                ("[", "]" * count),
                ("f(", ")" * count),
                ("$a[", "1" + "]" * count),
                ("!", "1"),
                ("$a = ", "1"),
                ("1 ? 2 : ", "3"),
                ("$a ?? ", "1"),
                ("2 ** ", "1"),
                ("1 or 1 and 1 == 1 < 1 | 1 ^ 1 & 1 << 1 . 1 + 1 * (", "1" + ")" * count),
            ):
                (error,) = errors_of(f"$x = {opening * count}{closing};")
                self.assertEqual(error.message, "nested too deeply", opening)
            for statement in ("{", "if (1) {", "if (1) { } else {", "switch (1) { case 1: {"):
                closing = "}" * (statement.count("{") - statement.count("}"))
                (error,) = errors_of(statement * count + closing * count)
                self.assertEqual(error.message, "nested too deeply", statement)
            (error,) = errors_of("$x" + "->f()" * count + ";")
            self.assertEqual(error.message, "nested too deeply")

    def test_little_stack_left(self) -> None:
        """A caller that is deep in its own stack gets the same error."""

        def deeper(frames: int) -> tuple[ScriptSyntaxError, ...]:
            return deeper(frames - 1) if frames else errors_of("$x = " + "[" * 100 + "]" * 100)

        (error,) = deeper(600)
        self.assertEqual(error.message, "nested too deeply")


class FuzzTests(SynchronousTestCase):
    def check(self, source: str) -> None:
        """Assert that the parser gives a program or errors at places that are there."""
        for error in errors_of(source):
            self.assertIsInstance(error, ScriptSyntaxError)
            self.assertTrue(1 <= error.position.column <= len(error.source_line) + 1)
            self.assertFalse(error.message.startswith("Expected"))

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.text())
    def test_text(self, source: str) -> None:
        """Any text."""
        self.check(source)

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(st.binary(max_size=200))
    def test_octets(self, source: bytes) -> None:
        """Any octets, as a file is read."""
        self.check(source.decode("latin-1"))

    @settings(deadline=None, derandomize=True, max_examples=400)
    @given(
        st.lists(
            st.sampled_from(
                [
                    *SYMBOLS,
                    *sorted(KEYWORDS),
                    "$a",
                    "f",
                    "1",
                    ".5",
                    '"x$y"',
                    "''r''",
                    "\n",
                    '"',
                    "/*",
                ]
            ),
            max_size=40,
        )
    )
    def test_token_soup(self, words: list[str]) -> None:
        """Tokens in any order."""
        self.check(" ".join(words))

    @settings(deadline=None, derandomize=True, max_examples=150)
    @given(programs(), st.randoms(use_true_random=False))
    def test_mutated_programs(self, program: nodes.Program, choice: random.Random) -> None:
        """Programs with a few pieces taken out, doubled or moved."""
        source = unparse(program) or ";"
        for _ in range(3):
            start = choice.randrange(len(source) + 1)
            end = min(len(source), start + choice.randrange(8))
            place = choice.randrange(len(source) + 1)
            piece = source[start:end]
            if choice.random() < 0.5:
                source = source[:start] + source[end:]
            source = source[:place] + piece + source[place:]
        self.check(source)
