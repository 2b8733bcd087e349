"""Scripts that wait: on a Clock, each step seen."""

from __future__ import annotations

import gc

from twisted.internet.defer import Deferred, fail, succeed
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.builtin import Number, Value, builtin
from smtpgate.hsl.errors import Fault, ScriptBudgetError, ScriptCancelled, ScriptRuntimeError
from smtpgate.hsl.runtime import Context, Limits, compile_script
from smtpgate.hsl.runtime.waiting import time_message
from tests.support.hsl import Machine


class WaitingTests(SynchronousTestCase):
    """What ``execution.wait`` promises."""

    def setUp(self) -> None:
        self.fired: list[Deferred] = []

        @builtin("wait", waits=True)
        def wait(execution: Value) -> Value:
            """Wait for the test."""
            self.fired.append(Deferred())
            return execution.wait(self.fired[-1])

        @builtin("now", waits=True)
        def now(execution: Value, value: Value) -> Value:
            """Wait for what is there."""
            return execution.wait(succeed(value))

        @builtin("broken", waits=True)
        def broken(execution: Value) -> Value:
            """Wait for what has failed."""
            return execution.wait(fail(Fault("it failed at once")))

        @builtin("fire")
        def fire(number: Number) -> Value:
            """Let another script's wait end while this one runs."""
            self.fired[int(number)].callback("from a script")

        @builtin("Done", terminates=True)
        def done(value: Value = None) -> Value:
            """End the script."""
            return value

        functions = {b.name: b for b in (wait, now, broken, fire, done)}
        self.context = Context("test", frozenset(), frozenset({"context"}), functions)
        self.machine = Machine(Limits(seconds=30))

    def start(self, source: str, **variables: Value):
        return self.machine.start(source, dict(variables), self.context)

    def test_waits(self) -> None:
        """A script stops at its wait and goes on with the result."""
        run = self.start('echo "before"; echo wait(); Done(5);')
        self.assertEqual((run.lines, run.ended), (["before"], False))
        self.fired[0].callback("result")
        self.assertEqual((run.lines, run.value), (["before", "result"], 5.0))

    def test_at_once(self) -> None:
        """What has a result already makes no Deferred."""
        run = self.start("echo now(7);")
        self.assertEqual((run.lines, run.deferred), (["7"], None))

    def test_others_go_on(self) -> None:
        """While one script waits others run, and they may end in any order."""
        first = self.start('echo wait() . "1";')
        second = self.start('echo wait() . "2";')
        self.assertEqual(self.start("echo 3;").lines, ["3"])
        self.fired[1].callback("b")
        self.fired[0].callback("a")
        self.assertEqual((first.lines, second.lines), (["a1"], ["b2"]))

    def test_in_a_callback(self) -> None:
        """A function called by the library may wait."""
        run = self.start("echo array_map(function ($x) { return wait() . $x; }, [1, 2]);")
        self.fired[0].callback("a")
        self.fired[1].callback("b")
        self.assertEqual(run.lines, ['[0=>"a1",1=>"b2"]'])

    def test_failure(self) -> None:
        """A failed wait is an error of the script, at its place."""
        run = self.start("wait();")
        self.fired[0].errback(Fault("no answer"))
        self.assertIsInstance(run.error, ScriptRuntimeError)
        self.assertEqual(str(run.error), "test.hsl:1:1: no answer")
        run = self.start("broken();")
        self.assertEqual(str(run.error), "test.hsl:1:1: it failed at once")

    def test_woken_by_another_script(self) -> None:
        """What fires while another script runs goes on a turn later, from the reactor."""
        run = self.start("echo wait();")
        other = self.start('fire(0); echo "still running"; for ($i = 0; $i < 3; $i++) {}')
        self.assertEqual((other.lines, run.lines), (["still running"], []))
        self.machine.clock.advance(0)
        self.assertEqual(run.lines, ["from a script"])

    def test_cancelled(self) -> None:
        """Cancelling ends the wait, and cancels what was waited for."""
        cancelled: list[Deferred] = []
        run = self.start('wait(); echo "never";')
        self.fired[0]._canceller = cancelled.append
        run.deferred.cancel()
        self.assertIsInstance(run.error, ScriptCancelled)
        self.assertEqual((run.lines, len(cancelled)), ([], 1))

    def test_time(self) -> None:
        """Time spent waiting counts."""
        run = self.start("wait();")
        self.machine.clock.advance(29)
        self.assertFalse(run.ended)
        self.machine.clock.advance(2)
        self.assertIsInstance(run.error, ScriptBudgetError)
        self.assertEqual(
            str(run.error), "test.hsl:1:1: the script took longer than its limit of 30 seconds"
        )
        self.assertEqual(
            time_message(Limits(seconds=1)), "the script took longer than its limit of 1 second"
        )
        self.assertEqual(self.machine.clock.getDelayedCalls(), [])

    def test_timer_ends_with_the_script(self) -> None:
        """A script that ended in time leaves no timer."""
        run = self.start("wait();")
        self.fired[0].callback(None)
        self.assertTrue(run.ended)
        self.assertEqual(self.machine.clock.getDelayedCalls(), [])

    def test_barrier_is_freed(self) -> None:
        """A script cancelled inside a barrier writes its variable and lets the next in."""
        first = self.start('barrier "b" => $v { $v = "mine"; wait(); }')
        second = self.start('barrier "b" => $v { echo $v; }')
        self.assertFalse(second.ended)
        first.deferred.cancel()
        self.machine.clock.advance(0)
        self.assertEqual(second.lines, ["mine"])

    def test_queue_is_left(self) -> None:
        """A script cancelled while it queues is forgotten by the barrier."""
        first = self.start('barrier "b" { wait(); }')
        second = self.start('barrier "b" { echo "second"; }')
        third = self.start('barrier "b" { echo "third"; }')
        second.deferred.cancel()
        self.fired[0].callback(None)
        self.machine.clock.advance(0)
        self.assertEqual((first.ended, second.lines, third.lines), (True, [], ["third"]))

    def test_terminated_in_a_barrier(self) -> None:
        """A script that ends inside a barrier frees it."""
        self.start('barrier "b" => $v { $v = 1; Done(); }')
        self.assertEqual(self.start('barrier "b" => $v { echo $v; }').lines, ["1"])

    def test_cache_runs_once(self) -> None:
        """Two scripts that miss at the same time run the function once."""
        source = "function slow($x) { return wait() . $x; } echo cache [] slow(1);"
        first, second = self.start(source), self.start(source)
        self.assertEqual(len(self.fired), 1)
        self.fired[0].callback("r")
        self.machine.clock.advance(0)
        self.assertEqual((first.lines, second.lines, len(self.fired)), (["r1"], ["r1"], 1))

    def test_cache_after_a_failure(self) -> None:
        """When the one that works fails, the one that waits works itself."""
        source = "function slow($x) { return wait() . $x; } echo cache [] slow(1);"
        first, second = self.start(source), self.start(source)
        self.fired[0].errback(Fault("failed"))
        self.machine.clock.advance(0)
        self.fired[1].callback("r")
        self.assertEqual((str(first.error)[-6:], second.lines), ("failed", ["r1"]))

    def test_dropped(self) -> None:
        """A script whose Deferred nobody keeps ends quietly, and the pool goes on."""
        run = self.start('barrier "x" { wait(); }')
        self.fired.clear()
        del run
        gc.collect()
        self.assertEqual(self.start("function f() { return 1; } echo f();").lines, ["1"])

    def test_context_variable(self) -> None:
        """A writable variable is assigned back, also in place and in a function."""
        variables: dict[str, Value] = {"context": None}
        source = (
            'function f() { global $context; $context["n"][] = 1; } f(); f(); $context["m"] = 2;'
        )
        self.machine.start(source, variables, self.context)
        self.assertEqual(variables, {"context": {"n": [1.0, 1.0], "m": 2.0}})

    def test_outlived_functions(self) -> None:
        """What a script leaves behind is data; its functions end with it."""
        outlived = "a function of a script that has ended cannot be called"
        for left, later, place in (
            ("$context = function () { return 1; };", "$context();", "1:1"),
            ("$context = function () { wait(); };", "$context();", "1:1"),
            ("$context = wait;", "echo $context();", "1:6"),
            ("function f() { return 1; } $context = f;", "$context();", "1:1"),
            ("class A { function m() { } } $context = A();", "$context->m();", "1:11"),
            (
                "$context = function () { }; for ($i = 0; $i < 9; $i++) { }",
                "function f() { global $context; $context(); } f();",
                "1:33",
            ),
        ):
            variables: dict[str, Value] = {}
            self.assertIsNone(self.start_with(left, variables).error)
            error = self.start_with(later, variables).error
            self.assertEqual(str(error), f"test.hsl:{place}: {outlived}")

    def test_outlived_objects(self) -> None:
        """Code of its class reaches an object of an earlier run, code of another class does not;
        and a class that is made in each run is no other one for that."""
        source = """
            class A {
                STATIC
                private $n;
                constructor($n) { $this->n = $n; COUNT }
                function of($other) { return $other->n; }
                function has($other) { return isset($other->n); }
                function change($other) { $other->n += 1; }
            }
            class B { function of($other) { return $other->n; } }
            if (!$again) { $context = A(5); return; }
            $a = A(0);
            $a->change($context);
            echo $a->of($context);
            echo $a->has($context);
            echo B()->of($context);
        """
        for static, count in (("", ""), ("static $made = 0;", "A::$made += 1;")):
            written = source.replace("STATIC", static).replace("COUNT", count)
            context = Context("test", frozenset({"again"}), frozenset({"context"}))
            script = compile_script(written, "test.hsl", context)
            variables: dict[str, Value] = {"again": False}
            self.assertIsNone(self.machine.start(script, variables, context).error)
            variables["again"] = True
            run = self.machine.start(script, variables, context)
            self.assertEqual(run.lines, ["6", "1"])
            self.assertTrue(str(run.error).endswith(": A->n is private"), run.error)

    def test_outlived_data(self) -> None:
        """An object's variables, and the library's functions, may stay."""
        variables: dict[str, Value] = {}
        self.start_with("class A { $n = 5; } $context = [A(), strlen];", variables)
        run = self.start_with('echo $context[0]->n; echo $context[1]("abc");', variables)
        self.assertEqual(run.lines, ["5", "3"])

    def start_with(self, source: str, variables: dict[str, Value]):
        return self.machine.start(source, variables, self.context)
