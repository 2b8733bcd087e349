"""What a script does without a greenlet is what it does in one."""

from __future__ import annotations

from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl import compiler
from smtpgate.hsl.builtin import CALLBACK, Value, builtin
from smtpgate.hsl.compiler.trial import LIBRARY
from smtpgate.hsl.library import FUNCTIONS
from smtpgate.hsl.runtime import Context, Limits, Script, compile_script
from smtpgate.hsl.runtime.execution import Execution
from tests.support.hsl import Machine
from tests.support.hsl_valid import atoms, expressions, statements
from tests.test_scripts import ROOT, cases
from tests.test_scripts import run as run_case

CONTEXT = Context(
    "test", readonly=frozenset({"command"}), writable=frozenset({"context"}),
)  # fmt: skip
LOOP = "foreach ([1, 2] as $x) echo $x;"
#: A script, and whether it comes to its end without a greenlet if $command is QUIT.
TRIED = [
    (f'if ($command == "HELP") {{ {LOOP} }}', True),
    (f'if ($command == "QUIT") {{ {LOOP} }}', False),
    (f'if ($command == "QUIT") return; {LOOP}', False),
    (f'if ($command == "QUIT") return; else {LOOP}', True),
    (f'$context = 1; if ($command == "HELP") {{ {LOOP} }}', False),
    (f'if ($command == "HELP") {{ {LOOP} }} $context = [1]; echo $context;', True),
    (f'if ($command == "HELP") {{ {LOOP} }} $context[] = 1; echo 2;', False),
    (f'echo 1; if ($command == "QUIT") {{ {LOOP} }}', False),
    (f'if ($command == "HELP") {{ {LOOP} }} else echo "no loop $command";', True),
    (
        f'if ($command == "HELP") {{ {LOOP} }} $a = $context ?? 1; if ($a) echo str_upper("x");',
        True,
    ),
    (f'if ($command == "HELP") {{ {LOOP} }} else {{ $a = 1 / 0; }}', True),
    (f'if ($command == "HELP") {{ {LOOP} }} else {{ echo 1; echo $b; }}', True),
    ('function f() { return 1; } if ($command == "HELP") echo f();', True),
    ('function f() { return 1; } if ($command == "QUIT") echo f();', False),
    ('$n = 1; function f() { global $n; return $n; } if ($command == "HELP") echo f();', True),
    ("if ($command =~ ''^HELP'') sleep(1);", True),
    ("if ($command =~ ''^QUIT'') { echo 1; sleep(1); } echo 2;", False),
    ('class A { $n = 1; } if ($command == "HELP") $a = A();', True),
    ('class A { constructor() { } } $a = A(); if ($command == "HELP") sleep(1);', False),
]
#: What generated programs use.
HEAD = """
function f($x, $y = 1) { $x[] = $y; $y .= "f"; return $x; }
class O { $p = []; constructor($v) { $this->v = $v; } function m($x) { return $this->v; } }
$a = 1; $b = "text"; $c = [1, [2, 3]]; $g = strlen;
"""
#: Mostly without what a trial cannot do.
SHORT = st.lists(
    st.one_of(
        atoms.map(lambda value: f"echo {value};"),
        st.tuples(atoms, atoms).map(lambda pair: f"$d = {pair[0]} . {pair[1]} ?? 1;"),
        st.tuples(atoms, atoms).map(lambda pair: f"if ({pair[0]} == {pair[1]}) return;"),
        expressions.map(lambda value: f"$context = {value};"),
        expressions.map(lambda value: f"if ({value}) $a = 2; else $b = $c[1];"),
    ),
    max_size=3,
).map(" ".join)
QUIET = settings(
    deadline=None, derandomize=True, max_examples=150, database=None,
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


class TrialTests(SynchronousTestCase):
    def test_both_ways(self) -> None:
        """With the trial and without it a script does the same, once."""
        for source, ends in TRIED:
            script = compile_script(source, "test.hsl", CONTEXT)
            first, direct = seen(script)
            self.assertEqual(direct, ends, source)
            self.assertEqual(seen(script), (first, direct), source)
            script.direct = None
            self.assertEqual(seen(script), (first, False), source)

    def test_cases(self) -> None:
        """The language's own cases do in a greenlet what they do otherwise."""
        for path in sorted(ROOT.glob("*/*.hsl")):
            for name, source in cases(path):
                first = run_case(source, path)
                with patch.object(compiler, "trial_of", return_value=None):
                    second = run_case(f"{source}\n", path)
                self.assertEqual(first, second, f"{path}, {name}")

    @QUIET
    @given(SHORT, statements, SHORT, SHORT)
    def test_programs(self, first: str, rare: str, often: str, last: str) -> None:
        """A generated program, some of which is not run, does the same in a greenlet."""
        source = f'{HEAD} if ($c[0] == 1) {{ {first} }} if ($command == "HELP") {{ {rare} {LOOP} }}'
        source += f" elseif ($a) {{ {often} }} $context = $b; {last} echo $d ?? 5;"
        script = compile_script(source, "test.hsl", CONTEXT)
        found, _ = seen(script)
        script.direct = None
        self.assertEqual(seen(script)[0], found, source)

    def test_library(self) -> None:
        """What a trial calls of the library needs no session, does not wait and calls nothing."""
        for name in LIBRARY:
            function = FUNCTIONS[name]
            self.assertFalse(function.needs_execution or function.waits or function.terminates)
            self.assertFalse([each for each in function.parameters if CALLBACK in each.kinds], name)

    def test_much_work(self) -> None:
        """A script whose trial took long gives others their turn from then on."""
        machine = Machine()

        @builtin("Work", terminates=True)
        def work(execution: Value) -> Value:
            """Work."""
            machine.clock.advance(0.01)
            execution.pause()
            return None

        context = Context("work", writable=frozenset({"context"}), functions={"Work": work})
        script = compile_script("if ($context) sleep(1); Work();", "test.hsl", context)
        self.assertIsNotNone(script.direct)
        self.assertTrue(machine.start(script, {}, context).ended)
        self.assertIsNone(script.direct)
        again = machine.start(script, {}, context)
        self.assertFalse(again.ended)
        machine.clock.advance(0)
        self.assertTrue(again.ended)
        self.assertIsNone(again.error)

    def test_nothing_to_try(self) -> None:
        """A script that usually needs a greenlet has no trial, and one that never does is one."""
        self.assertIsNone(compile_script("function f() { return 1; } echo f();", "t").direct)
        self.assertIsNone(compile_script("if (1 < time()) sleep(1); else forever {}", "t").direct)
        self.assertIsNone(compile_script(f"if (time() == 1) return; {LOOP}", "t").direct)
        script = compile_script("echo 1;", "t")
        self.assertIs(script.direct, script.main)


def seen(script: Script) -> tuple[tuple[list[str], str, object], bool]:
    """What it echoes, its error, and what it leaves in $context; and if it took no greenlet."""
    variables: dict[str, object] = {"command": "QUIT", "context": None}
    machine = Machine(Limits(steps=2000))
    started: list[Execution] = []
    start = Execution.start

    def noted(execution: Execution) -> object:
        started.append(execution)
        return start(execution)

    with patch.object(Execution, "start", noted):
        run = machine.start(script, variables, CONTEXT)
        machine.clock.advance(2)
    return (run.lines, str(run.error), variables["context"]), not started
