"""Functions that need nothing of a run are made once, others where their variables are."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.runtime import Context, Texts, compile_script
from tests.support.hsl import echo

#: A script, and the functions and classes that are made in each run of it.
CASES = [
    ("function f($x) { return $x; } f(1);", ""),
    ("function f($x) { global $senderip; return $senderip . $x; } f(1);", ""),
    ("$x = 1; function f() { global $x; return $x; } f();", "f"),
    ("$x = 1; function f() { global $x; } function g() { f(); } function h() { g; } h;", "f g h"),
    ("function f() { g(); } function g() { return strlen(1); } $f = f;", ""),
    ("function f() { function g() { return 1; } return g(); } f();", ""),
    ("function f() { $x = 1; return function () closure ($x) { return $x; }; } f();", ""),
    ("function f() { return function () { global $x; return $x; }; } $x = 1; f();", "f"),
    ("function f() { function g() { global $x; return $x; } g(); } $x = 1; f();", "f g"),
    ("function strlen($x) { return builtin strlen($x); } function f() { strlen(1); } f();", ""),
    ("class A { function m() { return $this; } } function f() { return A(); } f();", ""),
    (
        "class A { function m() { global $x; } static function s() { return 1; } }"
        " $x = 1; A(); A::s();",
        "A m s",
    ),
    ("class A { static $n = 1; static function s() { return static::$n; } } A::s();", "s"),
    ("class A { static $n = 1; function m() { return 2; } } echo A::$n; A();", ""),
    (
        "$x = 1; class A { constructor() { global $x; } } function f() { A(); } f();",
        "A constructor f",
    ),
    ("class A { function m() { function g() { global $x; } g(); } } $x = 1; A();", "A m g"),
    # The module's own g() reaches the module's variable.
    ('import { f } from "m"; function h() { return f(); } h();', ""),
    ('import { g } from "m"; function h() { return g(); } h();', "g h"),
    ('import * as m from "m"; function h() { return m::f(); } h();', ""),
    ('import * as m from "m"; function h() { return m::f() . m::$x; } h();', "h"),
]
CONTEXT = Context("test", readonly=frozenset({"senderip"}))
MODULE = "$x = 5; function f() { return 1; } function g() { global $x; return $x; }"

#: A function that is made in each run, and another one that needs it.
BOUND = "$n = 0; function f() { global $n; return $n; } function g() { return f(); }"
#: What follows, and where these are made then: inside what, and before which statement.
PLACES = [
    ("", {}),
    ("echo 1; echo f(); echo 2;", {"f": "main: X.echo(f1_f(X))"}),
    (
        "echo 1; echo g(); echo f();",
        {"f": "main: X.echo(f2_g(X))", "g": "main: X.echo(f2_g(X))"},
    ),
    ("if ($n) echo f();", {"f": "main If: X.echo(f1_f(X))"}),
    ("if ($n) echo 1; else echo f();", {"f": "main If: X.echo(f1_f(X))"}),
    ("if ($n) echo f(); else echo g();", {"f": "main: if v_n:", "g": "main If: X.echo(f2_g(X))"}),
    ("if (f()) echo f();", {"f": "main: if f1_f(X):"}),
    (
        "if ($n) echo f(); if ($n) if ($n) echo g();",
        {"f": "main: if v_n:", "g": "main If If: X.echo(f2_g(X))"},
    ),
    ("if ($n) while ($n) echo f();", {"f": "main If: for _ in X:"}),
    (
        "switch ($n) { case 1: echo f(); case 2: echo 2; }",
        {"f": "main For If: X.echo(f1_f(X))"},
    ),
    ("forever if ($n) echo f();", {"f": "main: for _ in X:"}),
    (
        "if ($n) $f = function () { return g(); };",
        dict.fromkeys("fg", "main If: def anonymous_1(*, R=object()):"),
    ),
    (
        "function h() { if ($senderip ?? 0) k(); function k() { return f(); } } h();",
        {"f": "main: f3_h(X)", "h": "main: f3_h(X)", "k": "main FunctionDef If: f4_k(X)"},
    ),
]


class ClosureTests(SynchronousTestCase):
    def test_made_once(self) -> None:
        """What reaches no variable outside stands before the main function, the rest in it."""
        for source, expected in CASES:
            main = python(source).body[-1]
            found = {each.name for each in ast.walk(main) if isinstance(each, ast.FunctionDef)}
            self.assertEqual(set(map(shown, found)) - {""}, set(expected.split()), source)

    def test_once_for_all_runs(self) -> None:
        """A function's code is the same object in all runs, which need not define it."""
        script = compile_script("function f() { return 1; } echo f();", "t")
        self.assertEqual(script.main.__code__.co_cellvars, ())
        self.assertIn("f1_f", script.main.__globals__)

    def test_places(self) -> None:
        """The rest is made where it is needed first, and in no branch that does not need it."""
        for source, expected in PLACES:
            main = python(BOUND + source).body[-1]
            self.assertEqual(dict(places(main.body, "main")), expected, source)

    def test_static_variables(self) -> None:
        """A static variable that one branch uses keeps its value there."""
        source = """
            class A {
                static $n = 5;
                static function next() { static::$n += 1; return static::$n; }
            }
            foreach ([1, 2, 3] as $i) {
                if ($i > 1)
                    echo A::next();
            }
            if (A::$n > 6)
                echo A::$n;
        """
        self.assertEqual(echo(source), ["6", "7", "7"])


def places(block: list[ast.stmt], path: str) -> Iterator[tuple[str, str]]:
    """The names of what is defined, and where each stands."""
    for number, statement in enumerate(block):
        name = statement.name if isinstance(statement, ast.FunctionDef) else ""
        if name and shown(name):
            after = next(
                each
                for each in block[number:]
                if not (isinstance(each, ast.FunctionDef) and shown(each.name))
            )
            yield shown(name), f"{path}: {ast.unparse(after).strip().splitlines()[0]}"
        for inner in ("body", "orelse"):
            yield from places(getattr(statement, inner, []), f"{path} {type(statement).__name__}")


def python(source: str) -> ast.Module:
    return ast.parse(compile_script(source, "t", CONTEXT, Texts({"m": MODULE})).python)


def shown(name: str) -> str:
    """The script's name of a function or a class; "" of what is neither."""
    if name[0] in "fc" and name[1].isdigit():
        return name.removesuffix("_new").partition("_")[2]
    return ""
