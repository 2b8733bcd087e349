"""Functions that need nothing of a run are made once, others where their variables are."""

from __future__ import annotations

import ast

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.runtime import Context, Texts, compile_script

#: A script, and the functions and classes that are made in each run of it.
CASES = [
    ("function f($x) { return $x; } f(1);", ""),
    ("function f($x) { global $senderip; return $senderip . $x; }", ""),
    ("$x = 1; function f() { global $x; return $x; }", "f"),
    ("$x = 1; function f() { global $x; } function g() { f(); } function h() { g; }", "f g h"),
    ("function f() { g(); } function g() { return strlen(1); } $f = f;", ""),
    ("function f() { function g() { return 1; } return g(); }", ""),
    ("function f() { $x = 1; return function () closure ($x) { return $x; }; }", ""),
    ("function f() { return function () { global $x; return $x; }; } $x = 1;", "f"),
    ("function f() { function g() { global $x; return $x; } g(); } $x = 1;", "f g"),
    ("function strlen($x) { return builtin strlen($x); } function f() { return strlen(1); }", ""),
    ("class A { function m() { return $this; } } function f() { return A(); }", ""),
    ("class A { function m() { global $x; } static function s() { return 1; } } $x = 1;", "A m s"),
    ("class A { static $n = 1; static function s() { return static::$n; } } A::s();", "s"),
    ("class A { static $n = 1; function m() { return 2; } } echo A::$n;", ""),
    ("$x = 1; class A { constructor() { global $x; } } function f() { A(); }", "A constructor f"),
    ("class A { function m() { function g() { global $x; } } } $x = 1;", "A m g"),
    # The module's own g() reaches the module's variable.
    ('import { f } from "m"; function h() { return f(); }', "g"),
    ('import { g } from "m"; function h() { return g(); }', "g h"),
    ('import * as m from "m"; function h() { return m::f(); }', "g"),
    ('import * as m from "m"; function h() { return m::f() . m::$x; }', "g h"),
]
CONTEXT = Context("test", readonly=frozenset({"senderip"}))
MODULE = "$x = 5; function f() { return 1; } function g() { global $x; return $x; }"


class ClosureTests(SynchronousTestCase):
    def test_made_once(self) -> None:
        """What reaches no variable outside stands before the main function, the rest in it."""
        for source, expected in CASES:
            self.assertEqual(self.made_in_main(source), set(expected.split()), source)

    def test_once_for_all_runs(self) -> None:
        """A function's code is the same object in all runs, which need not define it."""
        script = compile_script("function f() { return 1; } echo f();", "t")
        self.assertEqual(script.main.__code__.co_cellvars, ())
        self.assertIn("f1_f", script.main.__globals__)

    def made_in_main(self, source: str) -> set[str]:
        """The script's names of what is defined anywhere in the Python function of a script."""
        script = compile_script(source, "t", CONTEXT, Texts({"m": MODULE}))
        main = ast.parse(script.python).body[-1]
        names = {each.name for each in ast.walk(main) if isinstance(each, ast.FunctionDef)}
        return {
            name.removesuffix("_new").partition("_")[2]
            for name in names
            if name[0] in "fc" and name[1].isdigit()
        }
