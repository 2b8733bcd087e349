"""Every error that is found before a script runs: its whole sentence and its place."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import ScriptErrors
from smtpgate.hsl.runtime import Context, Texts, compile_script

PLACE = Context("place", frozenset({"senderip"}), frozenset({"context"}), functions={})
FILES = {
    "m": "$x = 1; function f() {}",
    "a": 'include "a";',
    "x.yml": "",
    "bad.json": "{",
}


def errors(source: str) -> list[str]:
    try:
        compile_script(source, "t", PLACE, Texts(FILES))
    except ScriptErrors as found:
        return [str(each).removeprefix("t:") for each in found.errors]
    return []


class SentenceTests(SynchronousTestCase):
    """Source, and the errors as LINE:COLUMN: message."""

    def check(self, cases: tuple[tuple[str, list[str]], ...]) -> None:
        for source, wanted in cases:
            self.assertEqual(errors(source), wanted, source)

    def test_sentences(self) -> None:
        """One mistake each, of names, definitions, targets, imports and jumps."""
        cases = (
            ('if (1) {\n import { f } from "m"; }', ["2:2: import cannot depend on a condition"]),
            (
                'function g() {\n import { f } from "m"; }',
                ["2:2: import belongs outside functions"],
            ),
            ('import { h } from "m";', ["1:10: m has no function h"]),
            ('import { $q } from "m";', ["1:10: m has no variable $q"]),
            (
                '$x = 1;\nimport { $x } from "m";',
                ["2:10: $x exists already, import it as another name"],
            ),
            ('function f() {}\nimport { f } from "m";', ["2:10: f is defined already"]),
            ('import * as n from "m"; import * as n from "m";', ["1:25: n is defined already"]),
            (
                'import $d from "x.yml";',
                ['1:16: "x.yml" cannot be imported: only .json, .csv and .txt can'],
            ),
            (
                'import $d from "bad.json";',
                ['1:16: "bad.json" cannot be imported: it is no valid JSON'],
            ),
            ('include "a";', ["a:1:9: cyclic inclusion: a -> a"]),
            ('include "none";', ['1:9: there is no file "none"']),
            ("function f() {}\nfunction f() {}", ["2:1: function f is defined already"]),
            ("class A {}\nclass A {}", ["2:1: class A is defined already"]),
            ("function f($a, $a) {}", ["1:16: two parameters are called $a"]),
            ('function f($a = strlen("x")) {}', ["1:17: the default of $a must be constant"]),
            ("function f($a = 1, $b) {}", ["1:20: `$b` needs a default value, as `$a` has one"]),
            ('class A { $x = strlen("x"); }', ["1:16: the initial value of $x must be constant"]),
            (
                "class A { $x; function x() {} function x() {} }",
                ["1:24: A has two members called x", "1:40: A has two members called x"],
            ),
            ("class A { function m($this) {} }", ["1:20: $this cannot be a parameter"]),
            ("$f = function ($a) closure ($a) {};", ["1:29: $a is a parameter already"]),
            ("class Addres {}\nnew();", ["2:1: unknown function new"]),
            (
                "echo Foo;",
                [
                    "1:6: unknown function Foo: the name of a variable begins with `$`, "
                    "a text stands in quotes"
                ],
            ),
            ('strlne("x");', ["1:1: unknown function strlne, did you mean strlen?"]),
            ("str_upper();", ["1:1: str_upper() takes 1 argument, 0 given"]),
            ("str_upper(1, 2);", ["1:1: str_upper() takes 1 argument, 2 given"]),
            ("function f() { f(); }", ["1:16: f() calls itself: recursion is not allowed"]),
            (
                "function f() { g(); }\nfunction g() { f(); }",
                [
                    "1:16: f() calls itself through g(): recursion is not allowed",
                    "2:16: g() calls itself through f(): recursion is not allowed",
                ],
            ),
            ("echo static::$x;", ["1:6: static:: belongs inside classes"]),
            ("class A { private static function m() {} }\nA::m();", ["2:1: A::m is private"]),
            (
                "class A { static function make() {} }\nA::mke();",
                ["2:1: A has no static function mke, did you mean make?"],
            ),
            (
                "class A { static $local; }\necho A::$locl;",
                ["2:6: A has no static variable $locl, did you mean $local?"],
            ),
            ("echo $a[];", ["1:8: `[]` appends to an array: it can only be assigned to"]),
            (
                'function f() {}\ncache ["tll" => 5] f();',
                ["2:8: cache has no option tll, did you mean ttl?"],
            ),
            (
                'function f() {}\ncache ["ttl" => 5, "ttl" => 6] f();',
                ["2:20: the option ttl is given twice"],
            ),
            ("cache [] $f();", ["1:10: expected the call of a named function after `cache`"]),
            ("class A { static $x; }\nunset(A::$x);", ["2:7: a static variable cannot be unset"]),
            ("unset($senderip);", ["1:7: $senderip is read-only"]),
            ("unset($context);", ["1:7: $context is predefined and cannot be unset"]),
            ("unset(1 + 1);", ["1:7: `unset` needs a variable, not `1 + 1`"]),
            ("f() = 1;\nfunction f() {}", ["1:1: `f()` cannot be assigned to"]),
            ("$a[] += 1;", ["1:3: `[]` appends to an array: it can only be assigned to"]),
            ("none = 1;", ["1:1: `none` cannot be assigned to"]),
            ('["a" => $x, $y] = [];', ["1:13: a pattern has keys for all variables or for none"]),
            ("[...$x, $y] = [];", ["1:2: `...` must be the last in a pattern"]),
            ("$senderip = 1;", ["1:1: $senderip is read-only"]),
            ("$a[0:1][0] = 1;", ["1:1: `$a[0:1][0]` cannot be assigned to"]),
            ("switch (1) { default: default: }", ["1:23: a `switch` has one `default` only"]),
            ("break;", ["1:1: break outside a loop or switch"]),
            ("continue;", ["1:1: continue outside a loop"]),
            ("switch (1) { case 1: continue; }", ["1:22: continue outside a loop"]),
            ("global $x;", ["1:1: global belongs inside functions"]),
            (
                "function f() { $x = 1;\n global $x; }",
                ["2:9: $x is used in this function before it becomes global"],
            ),
            ("function f() { break; } forever { f(); }", ["1:16: break outside a loop or switch"]),
            ("1 = 2;", ["1:1: `1` cannot be assigned to"]),
            ("$x->y() = 1;", ["1:1: `$x->y()` cannot be assigned to"]),
            ("class A { constructor($x) {} }\nA();", ["2:1: A() takes 1 argument, 0 given"]),
        )
        self.check(cases)

    def test_several(self) -> None:
        """Independent mistakes in one run, in source order."""
        source = 'strlne("x");\nbreak;\necho Foo::$x;\nf(1);\nfunction f() {}\n$senderip = 1;'
        self.assertEqual(
            errors(source),
            [
                "1:1: unknown function strlne, did you mean strlen?",
                "2:1: break outside a loop or switch",
                "3:6: unknown class Foo",
                "4:1: f() takes 0 arguments, 1 given",
                "6:1: $senderip is read-only",
            ],
        )
