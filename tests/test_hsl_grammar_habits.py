"""Mistakes of people who come from other languages: each gets the sentence that helps."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import ScriptErrors
from smtpgate.hsl.resolver.familiar import distance, hint
from smtpgate.hsl.runtime import compile_script

# Each script, and all of its errors as LINE:COLUMN: message.
HABITS: dict[str, tuple[str, ...]] = {
    "$a = 1\n$b = 2;": ("1:7: expected `;` at the end of the statement",),
    'echo "x"': ("1:9: expected `;` at the end of the statement",),
    "elseif (true) { }": ("1:1: unexpected `else if` without `if`",),
    "function ($x) { return 1; }": ("1:28: expected `;` at the end of the statement",),
    "function { return 1; }": ("1:10: expected the name of the function",),
    "a = 1;": ("1:1: `a` cannot be assigned to: the name of a variable begins with `$`",),
    "foo;": (
        (
            "1:1: unknown function foo: the name of a variable begins with `$`, a text stands in "
            "quotes"
        ),
    ),
    "echo a + 1;": (
        (
            "1:6: unknown function a: the name of a variable begins with `$`, a text stands in "
            "quotes"
        ),
    ),
    "function f($a) {} f(1,2);": ("1:19: f() takes 1 argument, 2 given",),
    "Pass;": (
        (
            "1:1: unknown function Pass: the name of a variable begins with `$`, a text stands "
            "in quotes"
        ),
    ),
    "$a = 1; if ($a ==== 1) echo 1;": ("1:16: `====` is no operator: write `===`",),
    "$a = 1; if ($a => 1) echo 1;": ("1:16: `=>` is no operator: write `>=`",),
    "$a = 1; if ($a =< 1) echo 1;": ("1:16: `=<` is no operator: write `<=`",),
    "$a = 1; if ($a <> 1) echo 1;": ("1:16: `<>` is no operator: write `!=`",),
    "$a = 1; if ($a != 1 && $a == 2) echo 1;": ("1:21: `&&` is no operator: write `and`",),
    "$a = 1; if ($a && $b and $c || $d) echo 1;": ("1:16: `&&` is no operator: write `and`",),
    "$a = 1; if (!$a AND $a) echo 1;": ("1:17: `AND` is no operator: write `and`",),
    "/* abc\necho 1;": ("1:1: unterminated comment: expected `*/` to end it",),
    "$a = array(1, 2; echo 1;": ("1:16: expected `)` to close the array",),
    "let $x = 1;": ("1:1: `let` is not needed: assigning to a variable makes it",),
    "var $x = 1;": ("1:1: `var` is not needed: assigning to a variable makes it",),
    "const $x = 1;": ("1:1: `const` is not needed: assigning to a variable makes it",),
    "$x = 'hello';": (
        (
            "1:6: unterminated raw string: expected `'hello'` to end it; a string is written "
            "\"hello\" or ''hello''"
        ),
    ),
    "$x = 'it''s';": ("1:6: unterminated raw string: expected `'it'` to end it",),
    "$x = `ls`;": ("1:6: unexpected backtick: a string is written \"...\", a raw string ''...''",),
    "$x = <<<EOT\nabc\nEOT;": (
        (
            "1:6: expected an expression after `=`; a text of several lines is a string like any "
            "other"
        ),
    ),
    "foreach ($x in $y) { }": (
        "1:13: a loop over an array is written `foreach (array as $value)`",
    ),
    "foreach ($x of $y) { }": (
        "1:13: a loop over an array is written `foreach (array as $value)`",
    ),
    "foreach ($y as $k, $v) { }": ("1:18: expected `)` to close the head of `foreach`",),
    "foreach $y as $k { }": ("1:9: expected `(` after `foreach`",),
    "for ($i = 0, $i < 1, $i++) { }": ("1:26: expected `;` after the first part of `for`",),
    "for ($i in $x) { }": ("1:9: a loop over an array is written `foreach (array as $value)`",),
    "for $i = 0; $i < 1; $i++ { }": ("1:5: expected `(` after `for`",),
    "break;": ("1:1: break outside a loop or switch",),
    "function f() { }\nf() {\n}": ("2:5: expected `;` at the end of the statement",),
    "return 1\n}": ("2:1: unexpected `}`: no block is open here",),
    "if (true) { echo 1;": ("1:20: expected `}` to close the block",),
    "if (true { echo 1; }": ("1:10: expected `)` to close the condition of `if`",),
    "if true { echo 1; }": ("1:4: expected `(` after `if`",),
    "if (true)) { echo 1; }": ("1:10: unexpected `)`",),
    "while true { }": ("1:7: expected `(` after `while`",),
    "do { } while (true);": (
        "1:1: `do` is not known: write `forever { ... }` and leave it with `break`",
    ),
    "switch (1) { 1: echo 1; }": ("1:14: expected `case` or `default` in a `switch`",),
    "switch (1) { case 1; echo 1; }": ("1:20: expected `:` after the value of `case`",),
    "try { } catch ($e) { }": (
        "1:1: `try` is not known: errors are not caught, what may fail is asked before",
    ),
    "$x = null;": ("1:6: unknown function null, did you mean none?",),
    "$x = True;": ("1:6: unknown function True, did you mean true?",),
    "$x = undefined;": ("1:6: unknown function undefined, did you mean none?",),
    "$x = new Foo();": ("1:6: `new` is not needed: calling `Foo(...)` makes an object",),
    "class Foo extends Bar { }": (
        "1:11: `extends` is not known: a class is made from no other one",
    ),
    "class Foo { public $x; }": (
        "1:13: `public` is not needed: members are public unless they are `private`",
    ),
    "class Foo { var $x; }": (
        "1:13: `var` is not needed: members are public unless they are `private`",
    ),
    "class Foo { x = 1; }": (
        (
            "1:13: expected a variable, a function or the constructor in a class; the name of a "
            "variable begins with `$`"
        ),
    ),
    "class Foo { foo() { } }": (
        (
            "1:13: expected a variable, a function or the constructor in a class; a function "
            "begins with `function`"
        ),
    ),
    "$this.x = 1;": ("1:1: `$this.x` cannot be assigned to: a property is written `$this->x`",),
    "$o = []; $o.x = 1;": ("1:10: `$o.x` cannot be assigned to: a property is written `$o->x`",),
    'print("x");': ("1:1: unknown function print: `echo` prints a value",),
    'echo "a", "b";': (
        (
            "1:9: expected `;` at the end of the statement; `echo` prints one value, `.` joins "
            "several"
        ),
    ),
    '$a = {"x": 1};': (
        '1:6: expected an expression after `=`; an array is written `["key" => value]`',
    ),
    '$a = ["x": 1];': (
        "1:10: expected `]` to close the array; an item with a key is written `key => value`",
    ),
    '$a = ["x" = 1];': (
        '1:7: `"x"` cannot be assigned to; an item with a key is written `key => value`',
    ),
    '$a = ("x", 1);': ("1:10: expected `)` to close the parenthesis",),
    "$a = 127.0.0.1;": ('1:6: `127.0.0.1` is not a number: write it as a string, "127.0.0.1"',),
    "$a = 1.2.3;": ('1:6: `1.2.3` is not a number: write it as a string, "1.2.3"',),
    "$a == 127.0.0.1 ;": ('1:7: `127.0.0.1` is not a number: write it as a string, "127.0.0.1"',),
    "$a = 1,5;": ("1:7: expected `;` at the end of the statement; decimals stand behind a point",),
    "$a = 10MB;": ("1:6: `10MB` is not a number",),
    "$a = 0o9;": ("1:6: `0o9` is not a number",),
    "$a = 5 % ;": ("1:10: expected an expression after `%`",),
    "$x = $a[0;": ("1:10: expected `]` to close the subscript",),
    "$x = $a{0};": ("1:8: expected `;` at the end of the statement; an item is written `$a[key]`",),
    "def f($x): return 1;": ("1:1: `def` is not known: a function begins with `function`",),
    "fn($x) => $x;": ("1:1: `fn` is not known: a function begins with `function`",),
    "$f = fn($x) => $x;": (
        (
            "1:13: expected `;` at the end of the statement; a function without a name is "
            "written `function ($x) { ... }`"
        ),
    ),
    "$f = ($x) => $x;": (
        (
            "1:11: expected `;` at the end of the statement; a function without a name is "
            "written `function ($x) { ... }`"
        ),
    ),
    "function f(x) { }": (
        "1:12: expected a parameter `$name`; the name of a variable begins with `$`",
    ),
    "function f(string $x) { }": ("1:12: expected a parameter `$name`; parameters have no types",),
    "function f($x): string { }": (
        "1:15: expected `{` after `)`; a function does not say what it returns",
    ),
    "function f(&$x) { }": (
        "1:12: expected a parameter `$name`; there are no references: values are copied",
    ),
    "$f = function () use ($x) { };": (
        "1:18: `use` is not known: write `closure` in front of the captured variables",
    ),
    "global $x;": ("1:1: global belongs inside functions",),
    'include("x");': (
        "1:8: expected the path of a file as a string after `include`, without parentheses",
    ),
    'require "x";': ("1:1: `require` is not known: write `include`",),
    'import "x";': ("1:8: expected `{ names }`, `* as name` or a variable after `import`",),
    'import foo from "x";': (
        "1:8: expected `{ names }`, `* as name` or a variable after `import`",
    ),
    'import { foo } "x";': ("1:16: expected `from` and the path of a file",),
    "import { foo };": ("1:15: expected `from` and the path of a file",),
    'import * from "x";': ("1:10: expected `as` and a name after `*`",),
    'from "x" import foo;': ("1:1: unexpected `from`",),
    'cache ["foo"=>1] strlen("x");': ("1:8: cache has no option foo",),
    "cache [ttl=>1] $f();": ("1:16: expected the call of a named function after `cache`",),
    "barrier { }": ("1:9: expected an expression after `barrier`",),
    'barrier "x" => foo { }': ("1:16: expected a variable after `=>`",),
    "$x =~ /foo/i;": (
        "1:7: expected an expression after `=~`; a regular expression is a string: ''/.../''",
    ),
    "\"x\" =~ ''foo('' ;": ('1:8: invalid regular expression "foo(": missing closing parenthesis',),
    "\"x\" =~ '/foo/';": (
        (
            "1:8: unterminated raw string: expected `'/foo/'` to end it; a string is written "
            "\"/foo/\" or ''/foo/''"
        ),
    ),
    "unset $x;": ("1:7: expected `(` after `unset`",),
    "isset $x;": ("1:7: expected `(` after `isset`",),
    "isset(f());": ("1:7: `isset` needs a variable, not `f()`",),
    "static::$x;": ("1:1: static:: belongs inside classes",),
    "Foo::bar();": ("1:1: unknown class Foo",),
    '$x = "abc;\necho $x;\necho "def";': (
        ("3:7: expected `;` at the end of the statement; the string before it started on line 1"),
    ),
    '$x = "a"b";': (
        (
            '1:9: expected `;` at the end of the statement; a `"` inside of a string is written '
            '`\\"`'
        ),
    ),
    'if ($x == "a" { echo 1; }': ("1:15: expected `)` to close the condition of `if`",),
    'if ($x == "a") { echo 1; } else if { }': ("1:36: expected `(` after `else if`",),
    "else { }": ("1:1: unexpected `else` without `if`",),
    "if ($x) then echo 1;": ("1:9: `then` is not needed: the statement follows the condition",),
    "if ($x): echo 1; endif;": ("1:8: unexpected `:`: a block is written `{ ... }`",),
    "$x ? 1 : ;": ("1:10: expected an expression after `:`",),
    "$x ?? ;": ("1:7: expected an expression after `??`",),
    "$x = $y ? : ;": ("1:13: expected an expression after `:`",),
    "$x++ ++;": ("1:6: expected `;` at the end of the statement",),
    "5 = $x;": ("1:1: `5` cannot be assigned to",),
    "$x + 1 = 2;": ("1:1: `$x + 1` cannot be assigned to",),
    '"x" = $x;': ('1:1: `"x"` cannot be assigned to',),
    '$x . "a" = 2;': ('1:1: `$x . "a"` cannot be assigned to',),
    "$$x = 1;": ("1:1: expected the name of a variable after `$`",),
    "$x-y = 1;": ("1:1: `$x-y` cannot be assigned to",),
    "$x y = 1;": ("1:4: expected `;` at the end of the statement",),
    "$ x = 1;": ("1:1: expected the name of a variable after `$`",),
    "#comment": ("1:1: unexpected `#`: a comment starts with `//`",),
    "-- comment": ("1:4: `--` needs a variable, not `comment`",),
    "<?php echo 1; ?>": (
        "1:1: a script has no tags around it",
        "1:15: a script has no tags around it",
    ),
    "echo 1 if (true);": ("1:8: expected `;` at the end of the statement",),
    "goto x;": ("1:1: `goto` is not known: write a loop, or a function",),
    'throw "x";': (
        "1:1: `throw` is not known: errors are not caught, what may fail is asked before",
    ),
    "$x = @foo();": ("1:6: unexpected `@`",),
    "$x = &$y;": (
        "1:6: expected an expression after `=`; there are no references: values are copied",
    ),
    "$x = (int)$y;": ("1:6: there are no casts: write `number($y)`",),
    "$x = $y instanceof Foo;": (
        "1:9: `instanceof` is no operator: ask with `is_object`, `is_array` and their like",
    ),
    "$x = not $y in $z;": ("1:13: `in` is no operator: write `in_array(value, array)`",),
    '$x = "a" in ["a"];': ("1:10: `in` is no operator: write `in_array(value, array)`",),
    "if ($x is none) { }": ("1:8: `is` is no operator: write `==`",),
    "if ($x equals 1) { }": ("1:8: `equals` is no operator: write `==`",),
    "if ($x xor $y) { }": ("1:8: `xor` is no operator: write `!=` between two conditions",),
    "yield 1;": ("1:1: `yield` is not known: add to an array, and return it",),
    "$x = [1, 2, 3\n$y = 2;": ("1:14: expected `]` to close the array",),
    'f("a" "b");': ("1:7: expected `)` to close the argument list",),
    "f(a: 1);": ("1:4: expected `)` to close the argument list",),
    "f($x = 1);": ("1:1: unknown function f",),
    "“x”;": ("1:1: unexpected `“`: quotes are straight, \" and '",),
    "echo “hello”;": ("1:6: unexpected `“`: quotes are straight, \" and '",),
    "$a = 1；": ("1:7: unexpected character `；`",),
    "$a = function f() { };": ("1:15: a function in an expression has no name",),
    "function class() { }": ("1:10: `class` is a keyword: it can not be the name of a function",),
    "class C { private function () {} }": ("1:28: expected the name of the function",),
    "class C { constructor { } }": ("1:23: expected `(` and the parameters of the function",),
    "$x = function () closure $y { };": ("1:26: expected `(` after `closure`",),
    "$x = function () closure ($a $b) { };": (
        "1:30: expected `)` to close the list of captured variables",
    ),
    "if (strlen($a) =< 5) echo 1;": ("1:16: `=<` is no operator: write `<=`",),
    '$a["x" = 5;': ("1:8: expected `]` to close the subscript",),
    "echo A::;": ("1:9: expected a static member after `::`",),
    "echo $a::b;": (
        (
            "1:8: expected `;` at the end of the statement; `->` reaches the members of an "
            "object, `::` those of a class"
        ),
    ),
    "[$a, $b] = 1, 2;": ("1:13: expected `;` at the end of the statement",),
    "list($a, $b) = [1, 2];": (
        "1:1: `list($a, $b)` cannot be assigned to: a pattern is written `[$a, $b]`",
    ),
    "$a ??= 5;": ("1:4: `??=` is no operator: write `$a = $a ?? value`",),
    "echo 1 <=> 2;": ("1:8: `<=>` is no operator: write `<` or `>`",),
    "$a ||= 5; $b &&= 4;": (
        "1:4: `||` is no operator: write `or`",
        "1:14: `&&` is no operator: write `and`",
    ),
    "global $a, b;": ("1:12: expected a variable after `global`",),
    'include "a"\necho 1;': ("1:12: expected `;` at the end of the statement",),
    'include_once "a" . "b";': ("1:18: expected `;` at the end of the statement",),
    "class A { constructor() {} constructor() {} }": (
        "1:28: A has two members called constructor",
    ),
    "function f($a, $a) { }": ("1:16: two parameters are called $a",),
    "if ($x == 1) { echo 1; } } else { echo 2; }": ("1:26: unexpected `}`: no block is open here",),
    'cache ["ttl"] strlen("a");': ('1:8: expected an option of `cache` as `"name" => value`',),
    "echo $a->;": ("1:10: expected the name of a property after `->`",),
    "$x = null; $y = True; echo NULL; echo undefined; $z = FALSE;": (
        "1:6: unknown function null, did you mean none?",
        "1:17: unknown function True, did you mean true?",
        "1:28: unknown function NULL, did you mean none?",
        "1:39: unknown function undefined, did you mean none?",
        "1:55: unknown function FALSE, did you mean false?",
    ),
    (
        'print("x"); sprintf("a"); exit(); die("x"); is_null($x); empty($x); array_push($a, '
        '1); strtolwer("A"); preg_match("a", "b"); intval("5"); foo(); len("x"); join(",", '
        "[]);"
    ): (
        "1:1: unknown function print: `echo` prints a value",
        "1:13: unknown function sprintf: `template % [values]` formats",
        "1:27: unknown function exit: `return` ends the script",
        "1:35: unknown function die: `return` ends the script",
        "1:45: unknown function is_null: `== none` asks that",
        "1:58: unknown function empty: `!` asks that",
        "1:69: unknown function array_push: `$array[] = value` does that",
        "1:88: unknown function strtolwer, did you mean strtolower?",
        "1:104: unknown function preg_match, did you mean pcre_match?",
        "1:126: unknown function intval, did you mean number?",
        "1:139: unknown function foo",
        "1:146: unknown function len, did you mean length?",
        "1:156: unknown function join, did you mean array_join?",
    ),
    "$foo = 1; echo foo; echo bar; echo Foo;": (
        "1:16: unknown function foo, did you mean $foo?",
        (
            "1:26: unknown function bar: the name of a variable begins with `$`, a text stands "
            "in quotes"
        ),
        (
            "1:36: unknown function Foo: the name of a variable begins with `$`, a text stands "
            "in quotes"
        ),
    ),
    "array_sum([]);": ("1:1: unknown function array_sum, did you mean array_map?",),
    "class Foo { } $x = foo(); $x = Fooo();": (
        "1:20: unknown function foo, did you mean Foo?",
        "1:32: unknown function Fooo, did you mean Foo?",
    ),
    "exit;": ("1:1: unknown function exit: `return` ends the script",),
    "if ($a is 1) {} elif ($b) { }": ("1:8: `is` is no operator: write `==`",),
    "if (1) {} elif (2) {}": ("1:11: `elif` is not known: write `else if`",),
    "$a ?-> b;": ("1:4: `?->` is no operator: write `->`",),
    '$a ~= "x";': ("1:4: `~=` is no operator: write `=~`",),
    "$a := 1;": ("1:4: `:=` is no operator: write `=`",),
    "$a .. $b;": ("1:4: `..` is no operator: write `.`",),
    "$x = $a !=== 1;": ("1:9: `!===` is no operator: write `!==`",),
    "until (1) { }": ("1:1: `until` is not known: write `while` and the opposite condition",),
    "function f($x) { return $x } unless (1) { }": (
        "1:30: `unless` is not known: write `if` and the opposite condition",
    ),
    "for ($i = 0; $i < 3; $i++ { }": ("1:27: expected `)` to close the head of `for`",),
    '$a = ["a" => 1 "b" => 2];': ("1:16: expected `]` to close the array",),
    "f(1 2);": ("1:5: expected `)` to close the argument list",),
    "class C { const X = 1; }": ("1:11: `const` is not known: write `readonly` or `static`",),
    "class C { protected $x; }": ("1:11: `protected` is not known: write `private`",),
    "class C extends B { }": ("1:9: `extends` is not known: a class is made from no other one",),
    "if ($x) throw 5; else let $y = 1;": (
        "1:9: `throw` is not known: errors are not caught, what may fail is asked before",
    ),
}


class HabitTests(SynchronousTestCase):
    maxDiff = None

    def test_sentences(self) -> None:
        """Each script has just the errors that it should have, at their places."""
        wrong = {}
        for source, expected in HABITS.items():
            found: tuple[str, ...] = ()
            try:
                compile_script(source.encode().decode("latin-1"), "t")
            except ScriptErrors as errors:
                found = tuple(str(error).removeprefix("t:") for error in errors.errors)
            if found != expected:
                wrong[source] = found
        self.assertEqual(wrong, {})

    def test_legal(self) -> None:
        """What only looks like a habit compiles: other languages' words may be names here."""
        for source in (
            "function let($x) { return $x; } let(1);",
            "function print($x) { echo $x; } print(1);",
            "class C { $in; function new() { } function is($x) { return $x; } } C()->is(1);",
            '$eq = 1; $a = ["in" => $eq]; echo $a["in"];',
            "function do() { } do();",
            "$a =! 1; $b = - -1; echo 1 <-1;",
        ):
            self.assertIsNotNone(compile_script(source, "t"), source)


class NearNameTests(SynchronousTestCase):
    def test_distance(self) -> None:
        """Letters left out, added, changed and swapped count one each."""
        for one, other, expected in (
            ("", "", 0), ("a", "", 1), ("", "ab", 2), ("strlen", "strlne", 1), ("abc", "axc", 1),
            ("kitten", "sitting", 3), ("ab", "ba", 1), ("abcd", "badc", 2),
        ):  # fmt: skip
            self.assertEqual(distance(one, other), expected, (one, other))

    def test_hint(self) -> None:
        """Case first, then the nearest that is not too far."""
        known = ["strlen", "floor", "Address", "err2string"]
        for name, expected in (
            ("STRLEN", ", did you mean strlen?"), ("strlne", ", did you mean strlen?"),
            ("foo", ""), ("Adress", ", did you mean Address?"), ("zzz", ""),
            ("err2str", ", did you mean err2string?"),
        ):  # fmt: skip
            self.assertEqual(hint(name, known), expected, name)
        self.assertEqual(hint("adres", ["address"], "$"), ", did you mean $address?")
