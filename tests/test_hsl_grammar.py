"""What the parser makes of each form of the language.

Expected trees are written as canonical source with all parentheses where
precedence is the question, and as nodes where the form of the tree is.
"""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import Position
from smtpgate.hsl.grammar import parse
from smtpgate.hsl.unparse import unparse
from tests.support.hsl_programs import plain


def expression(source: str) -> Any:
    """The tree of one expression."""
    (statement,) = parse(f"{source};", "test").body
    assert isinstance(statement, nodes.ExpressionStatement)
    return statement.expression


def only(source: str) -> Any:
    """The one statement of a script."""
    (statement,) = parse(source, "test").body
    return statement


class ParserTestCase(SynchronousTestCase):
    def same(self, source: str, meaning: str) -> None:
        """Assert that two scripts have the same tree."""
        self.assertEqual(plain(parse(source, "a")), plain(parse(meaning, "b")), source)

    def values(self, pairs: dict[str, Any]) -> None:
        """Assert the values of constants; their types count too."""
        for source, value in pairs.items():
            node = expression(source)
            self.assertIsInstance(node, nodes.Constant, source)
            self.assertEqual((type(node.value), node.value), (type(value), value), source)


class LiteralTests(ParserTestCase):
    def test_numbers(self) -> None:
        """All forms of numbers are floats."""
        self.values(
            {
                "0": 0.0,
                "007": 7.0,
                "1.50": 1.5,
                "5.": 5.0,
                ".5": 0.5,
                "1e3": 1000.0,
                "2.5E-1": 0.25,
                "0xfa": 250.0,
                "0XFF": 255.0,
                "0o372": 250.0,
                "0b11111010": 250.0,
                "1_000_000.000_1": 1000000.0001,
                "0xff_ff": 65535.0,
                "1e999": float("inf"),
                "0x" + "f" * 300: float("inf"),
            }
        )

    def test_dots_between_operands_concatenate(self) -> None:
        """A dot that touches an operand on its left is no part of a number."""
        self.same('$x = 5."x";', '$x = 5 . "x";')
        self.same("$x = $y.5;", "$x = $y . 5;")
        self.same('$x = 5. . "x";', '$x = 5 . "x";')
        self.same("$x = f().5;", "$x = f() . 5;")

    def test_words(self) -> None:
        """true, false and none."""
        self.values({"true": True, "false": False, "none": None})

    def test_escapes(self) -> None:
        """The manual's escapes; all others stay as they are."""
        self.values(
            {
                r'"\\ \" \$ \n \r \t \x41\xfF"': '\\ " $ \n \r \t A\xff',
                r'"\q \x4 \xg1 \0"': r"\q \x4 \xg1 \0",
                '""': "",
                '"two\nlines"': "two\nlines",
            }
        )

    def test_raw_strings(self) -> None:
        """Nothing has a meaning in raw strings but their own end."""
        self.values(
            {
                r"''raw \n $x \" string''": r"raw \n $x \" string",
                "''it's''": "it's",
                "'#'two '' quotes'#'": "two '' quotes",
                "'END'a'EN'\nb'END'": "a'EN'\nb",
                "''''": "",
            }
        )

    def test_interpolation(self) -> None:
        """`$name` and `${name}` are variables, every other dollar is itself."""
        node = expression('"a $b${c}d $1 ${ e } $"')
        self.assertEqual(
            plain(node.parts),
            plain(
                (
                    "a ",
                    nodes.Variable(node.position, "b"),
                    nodes.Variable(node.position, "c"),
                    "d $1 ${ e } $",
                )
            ),
        )
        self.values({'"5 $"': "5 $", r'"\$x"': "$x"})

    def test_position_inside_a_string(self) -> None:
        """A variable in a string knows its own line and column."""
        node = expression('"one\n  $two"')
        self.assertEqual(node.parts[1].position, Position("test", 2, 3))

    def test_arrays(self) -> None:
        """Both forms of array literals, with keys, spread and a comma at the end."""
        self.same('$x = array("a" => 1, 2,);', '$x = ["a" => 1, 2];')
        elements = expression("[1, 'k'k'k' => 2, ...$x]").elements
        self.assertEqual([element.spread for element in elements], [False, False, True])
        self.assertEqual(elements[1].key.value, "k")


class OperatorTests(ParserTestCase):
    def test_precedence(self) -> None:
        """Each operator binds tighter than those that come before it in the list."""
        for source, meaning in {
            '2 + 2 . "test"': '(2 + 2) . "test"',
            '"a" . 1 + 2': '"a" . (1 + 2)',
            "1 + 2 * 3 % 4": "1 + ((2 * 3) % 4)",
            "1 - 2 - 3": "(1 - 2) - 3",
            "2 ** 3 ** 2": "2 ** (3 ** 2)",
            "-2 ** 2": "-(2 ** 2)",
            "2 ** -1": "2 ** (-1)",
            "!$a == $b": "(!$a) == $b",
            "not $a == $b": "(!$a) == $b",
            "1 << 2 . 3": "1 << (2 . 3)",
            "1 & 2 << 3": "1 & (2 << 3)",
            "1 ^ 2 & 3": "1 ^ (2 & 3)",
            "1 | 2 ^ 3": "1 | (2 ^ 3)",
            "1 < 2 | 3": "1 < (2 | 3)",
            "1 == 2 < 3": "1 == (2 < 3)",
            "$a and $b == $c": "$a and ($b == $c)",
            "$a or $b and $c": "$a or ($b and $c)",
            "$a ?? $b or $c": "$a ?? ($b or $c)",
            "$a ?? $b ?? $c": "$a ?? ($b ?? $c)",
            "$a ?? $b ? 1 : 2": "($a ?? $b) ? 1 : 2",
            "$a ? 1 : $b ? 2 : 3": "$a ? 1 : ($b ? 2 : 3)",
            "$a ? : $b ?: $c": "$a ?: ($b ?: $c)",
            "$a =~ ''x'' and $b !~ ''y''": "($a =~ ''x'') and ($b !~ ''y'')",
            "!~$a": "!(~$a)",
            "- -$a": "-(-$a)",
            "+$a + +$b": "(+$a) + (+$b)",
            "-$x++ ** 2": "-(($x++) ** 2)",
            "++$x ** 2": "(++$x) ** 2",
            "$a+++$b": "($a++) + $b",
        }.items():
            self.same(f"echo {source};", f"echo {meaning};")

    def test_assignment_is_an_operand(self) -> None:
        """An assignment may stand where an operand does, and takes all that follows."""
        for source, meaning in {
            "!$x = f() . 1": "!($x = (f() . 1))",
            "$a and $x = 1 or 2": "$a and ($x = (1 or 2))",
            "$a = $b = 1": "$a = ($b = 1)",
            "$a ? $b = 1 : $c = 2": "$a ? ($b = 1) : ($c = 2)",
            "1 + $x += 2": "1 + ($x += 2)",
        }.items():
            self.same(f"echo {source};", f"echo {meaning};")

    def test_augmented_assignments(self) -> None:
        """Every arithmetic and bitwise operator has its assignment."""
        for operator in ("+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>"):
            node = expression(f"$x {operator}= 1")
            self.assertIsInstance(node, nodes.Assign)
            self.assertEqual(node.operator, operator)

    def test_subscripts_and_slices(self) -> None:
        """The forms of `[...]` behind an operand, and `::` as two colons."""
        self.assertIsNone(expression("$a[] = 1").target.index)
        for source, bounds in {
            "[:]": (None, None, None),
            "[1:]": (1, None, None),
            "[:2]": (None, 2, None),
            "[1:2:3]": (1, 2, 3),
            "[::4]": (None, None, 4),
            "[1::4]": (1, None, 4),
            "[1:2:]": (1, 2, None),
            "[: :4]": (None, None, 4),
        }.items():
            node = expression(f'"Halon"{source}')
            found = tuple(bound and bound.value for bound in (node.start, node.stop, node.step))
            self.assertEqual(found, bounds, source)
        self.assertIsInstance(expression("$a[f::2]"), nodes.Slice)
        self.assertIsInstance(expression("$a[C::$x]"), nodes.Subscript)

    def test_nested_targets(self) -> None:
        """Places in variables, objects, classes and what calls return."""
        for target in (
            '$a["x"][0]',
            '$a["x"][]',
            "$a[][0]",
            "$this->list[]",
            "C::$x[1]",
            "static::$x",
            "$a[1:2]",
            "f()->x",
            'C::f()["x"]',
        ):
            self.assertIsInstance(expression(f"{target} = 1"), nodes.Assign, target)

    def test_patterns(self) -> None:
        """Destructuring with defaults, keys, nesting, appends and the rest."""
        node = expression("[$a, [$b, $c] = [1, 2], $d[] = 3, ...$e] = f()")
        pattern = node.target
        self.assertIsInstance(pattern, nodes.Pattern)
        self.assertEqual([item.rest for item in pattern.items], [False, False, False, True])
        self.assertIsInstance(pattern.items[1].target, nodes.Pattern)
        self.assertEqual(pattern.items[2].default.value, 3.0)
        keyed = expression('["r" => $r = [], "e" => $e] = f()').target
        self.assertEqual([item.key.value for item in keyed.items], ["r", "e"])

    def test_calls(self) -> None:
        """Names, values, methods, static functions, IIFE and chains can be called."""
        call = expression("f(1, ...$x,)")
        self.assertEqual(call.callee.name, "f")
        self.assertEqual([argument.spread for argument in call.arguments], [False, True])
        self.assertTrue(expression("builtin f()").callee.builtin)
        self.assertIsInstance(expression('$c["inc"]()').callee, nodes.Subscript)
        self.assertIsInstance(expression("C::f()").callee, nodes.StaticMember)
        self.assertIsNone(expression("static::f()").callee.scope)
        self.assertIsInstance(
            expression("function ($x) { return $x * 2 }(1)").callee, nodes.AnonymousFunction
        )
        self.same("$o->a(1)->b()[0]->c = 1;", "((($o->a(1))->b())[0])->c = 1;")

    def test_names_as_values(self) -> None:
        """A bare name is a pointer to a function."""
        self.assertEqual(plain(expression("strlen")), ("FunctionName", *plain(("strlen", False))))
        self.assertEqual(
            plain(expression("builtin strlen")), ("FunctionName", *plain(("strlen", True)))
        )

    def test_keywords_name_members(self) -> None:
        """Behind `->` and `::` a keyword is a name."""
        self.assertEqual(expression("$this->default()").callee.name, "default")
        self.assertEqual(expression("C::if()").callee.name, "if")
        self.assertEqual(expression("$x->else").name, "else")

    def test_cache(self) -> None:
        """Options with keys as names and as strings; the cached call is an operand."""
        node = expression('cache [ttl => 5, "size" => 1] f($x)["y"]').target
        self.assertIsInstance(node, nodes.Cached)
        self.assertEqual([option.name for option in node.options], ["ttl", "size"])
        self.assertEqual(node.call.callee.name, "f")
        self.assertTrue(expression("cache [] builtin f()").call.callee.builtin)
        self.assertEqual(expression("cache [] C::f()").call.callee.scope, "C")

    def test_isset_and_unset(self) -> None:
        """They are forms of their own, not calls."""
        self.assertIsInstance(expression('isset($a["x"]->y)'), nodes.Isset)
        self.assertIsInstance(expression("unset($a[1:2])").target, nodes.Slice)

    def test_anonymous_functions(self) -> None:
        """Parameters, captures and body of a function literal."""
        node = expression("function ($a, $b = 1, ...$c) closure ($d, $e) { $a = 1; }")
        self.assertEqual(
            [(item.name, item.variadic) for item in node.parameters],
            [("a", False), ("b", False), ("c", True)],
        )
        self.assertEqual([item.name for item in node.captures], ["d", "e"])
        self.assertEqual(len(node.body), 1)


class StatementTests(ParserTestCase):
    def test_if_ladder_is_flat(self) -> None:
        """`else if` and `elseif` add branches; an `else` belongs to the nearest `if`."""
        node = only("if (1) echo 1; else if (2) { echo 2; } elseif (3); else echo 4;")
        self.assertEqual([test.value for test, _ in node.branches], [1.0, 2.0, 3.0])
        self.assertEqual([len(body) for _, body in node.branches], [1, 1, 0])
        self.assertEqual(len(node.otherwise), 1)
        self.same("if (1) if (2) echo 1; else echo 2;", "if (1) { if (2) echo 1; else echo 2; }")

    def test_for(self) -> None:
        """Every part of the head may be missing or be several."""
        node = only("for ($i = 0, $j = 1; $i < 3; $i++, $j--) { }")
        self.assertEqual((len(node.initial), len(node.final)), (2, 2))
        node = only("for (;;) ;")
        self.assertEqual((node.initial, node.condition, node.final, node.body), ((), None, (), ()))

    def test_foreach(self) -> None:
        """With and without a key, and with a pattern."""
        self.assertEqual(only("foreach ([1] as $v) { }").value.name, "v")
        node = only("foreach ($x as $k => [$a, $b]) { }")
        self.assertEqual(node.key.name, "k")
        self.assertIsInstance(node.value, nodes.Pattern)

    def test_loops(self) -> None:
        """`forever` is a `while` without a condition."""
        self.assertIsNone(only("forever { break; continue; }").condition)
        self.assertEqual(len(only("while (1) { break; continue; }").body), 2)

    def test_switch(self) -> None:
        """Cases fall through by having no body; braces in a case are a block."""
        node = only('switch ($x) { case "a": case C::$b: { echo 1; } break; default: }')
        self.assertEqual([len(case.body) for case in node.cases], [0, 2, 0])
        self.assertIsNone(node.cases[2].test)
        self.same(
            "switch (1) { case $x ? 1 : 2: break; }", "switch (1) { case ($x ? 1 : 2): break; }"
        )

    def test_functions(self) -> None:
        """A named function, with a nested one in it."""
        node = only("function f() { function g($x = [1, 2]) { global $y, $z; return; } }")
        inner = node.body[0]
        self.assertEqual((node.name, inner.name), ("f", "g"))
        self.assertEqual([item.name for item in inner.body[0].variables], ["y", "z"])
        self.assertIsNone(inner.body[1].value)

    def test_classes(self) -> None:
        """Members of every kind; `;` behind a function does no harm."""
        node = only(
            """class C {
                constructor($a) { }
                $x; private $y = 1; static $z = 2; private static readonly $w = 3;
                function default() { }
                private p() { };
                static private function s() { }
            }"""
        )
        self.assertEqual(
            [(item.name, item.static, item.private, item.readonly) for item in node.variables],
            [
                ("x", False, False, False),
                ("y", False, True, False),
                ("z", True, False, False),
                ("w", True, True, True),
            ],
        )
        self.assertEqual(
            [(item.name, item.static, item.private) for item in node.functions],
            [
                ("constructor", False, False),
                ("default", False, False),
                ("p", False, True),
                ("s", True, True),
            ],
        )

    def test_imports(self) -> None:
        """Each form of `include` and `import`."""
        node = only('import { f, g as h, $x as $y, } from "m";')
        self.assertEqual(
            [(name.name, name.alias, name.variable) for name in node.names],
            [("f", "f", False), ("g", "h", False), ("x", "y", True)],
        )
        self.assertEqual(only("import * as m from ''m'';").alias, "m")
        self.assertIsNone(only('import $c from "c.json";').options)
        self.assertEqual(
            len(only('import $d from "d" with ["array" => true];').options.elements), 1
        )
        self.assertTrue(only('include_once "x";').once)
        self.assertFalse(only('include "x";').once)

    def test_barrier(self) -> None:
        """With and without a shared variable."""
        self.assertEqual(only('barrier "n" => $v { }').variable.name, "v")
        self.assertIsNone(only('barrier "a" . "b" { }').variable)

    def test_semicolons(self) -> None:
        """One may be missing right before `}`, and may stand alone."""
        self.same("if (1) { echo 1 } ;;", "if (1) { echo 1; }")
        self.same("function f() { return }", "function f() { return; }")

    def test_bare_block(self) -> None:
        """Braces group statements."""
        self.assertIsInstance(only("{ echo 1; { } }"), nodes.Block)


class SourceTests(ParserTestCase):
    def test_space(self) -> None:
        """CRLF, form feeds, no-break spaces and comments are all space."""
        self.same(
            "\xef\xbb\xbf$x\xa0=\xc2\xa0/* a ** / */1\r\n;// end\r\n$y\f=\v2;//",
            "$x = 1; $y = 2;",
        )

    def test_positions(self) -> None:
        """Octet columns from 1, at the operator, the name and the keyword."""
        program = parse('"\xe9x";\r\n\t$abc = 1 +\n f($o->p());', "file")
        assignment = program.body[1]
        assert isinstance(assignment, nodes.ExpressionStatement)
        assign: Any = assignment.expression
        place = [
            assignment.position,
            assign.position,
            assign.value.position,
            assign.value.right.position,
            assign.value.right.arguments[0].value.position,
        ]
        self.assertEqual(
            [(position.line, position.column) for position in place],
            [(2, 2), (2, 7), (2, 11), (3, 2), (3, 8)],
        )

    def test_program(self) -> None:
        """The root has the source, and an empty script is a script."""
        program = parse("// nothing", "file")
        self.assertEqual((program.body, program.source), ((), "// nothing"))
        self.assertEqual(program.position, Position("file", 1, 1))

    def test_canonical_form(self) -> None:
        """Parsing knows nothing of layout."""
        self.assertEqual(unparse(parse("if(1){echo 1}", "a")), "if (1) {\n\techo 1;\n}\n")
