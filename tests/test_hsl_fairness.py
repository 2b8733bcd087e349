"""Endless loops share the reactor, and every budget has its own words."""

from __future__ import annotations

from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import ScriptBudgetError, ScriptCancelled
from smtpgate.hsl.runtime import Environment, Limits, compile_script
from smtpgate.hsl.runtime.execution import TURN
from tests.support.hsl import Machine, error


class RunningClock(Clock):
    """A clock on which every look takes 0.1 ms, as if the script had worked so long."""

    def seconds(self) -> float:
        self.rightNow += 0.0001
        return self.rightNow

    def turn(self) -> None:
        """One turn of a reactor: what is due now, not what that leads to."""
        for call in [call for call in self.calls if call.time <= self.rightNow]:
            self.calls.remove(call)
            call.called = True
            call.func(*call.args, **call.kw)


class FairnessTests(SynchronousTestCase):
    """A loop gives way."""

    def test_gives_way(self) -> None:
        """Of two endless loops each has the reactor for 2 ms, one of them between two turns."""
        clock = RunningClock()
        environment = Environment(clock, Limits(seconds=1000))
        script = compile_script("forever { $x = 1; }", "loop.hsl")
        results = [script.run({}, environment) for _ in range(2)]
        ended: list[object] = []
        for result in results:
            result.addErrback(lambda failure: ended.append(failure.value))
        longest = 0.0
        for _ in range(50):
            self.assertEqual(len(clock.calls), 1)
            begin = clock.rightNow
            clock.turn()
            longest = max(longest, clock.rightNow - begin)
        self.assertLess(longest, 2 * TURN)
        self.assertEqual(ended, [])
        for result in results:
            result.cancel()
        self.assertEqual([type(each) for each in ended], [ScriptCancelled, ScriptCancelled])

    def spend(self, source: str, memory: int) -> object:
        """What ends a script that loops, with so much memory."""
        clock = RunningClock()
        environment = Environment(clock, Limits(seconds=1000, steps=100_000, memory=memory))
        ended: list[object] = []
        compile_script(source, "loop.hsl").run({}, environment).addBoth(ended.append)
        while not ended:
            clock.turn()
        return ended[0].value

    def test_memory(self) -> None:
        """What a script keeps is bounded as a whole, however small its parts are."""
        hoard = 'forever { $i = ($i ?? 0) + 1; $kept[] = "$i" * 20000; }'
        self.assertEqual(
            str(self.spend(hoard, 16 * 1024 * 1024)),
            "loop.hsl:1:1: the script took more than its limit of 16777216 octets of memory",
        )

    def test_memory_given_back(self) -> None:
        """What a script forgets again is not charged."""
        forgetful = 'forever { $i = ($i ?? 0) + 1; $kept = "$i" * 20000; }'
        self.assertEqual(
            str(self.spend(forgetful, 16 * 1024 * 1024)),
            "loop.hsl:1:1: the script took more than its limit of 100000 steps",
        )

    def test_heavy_turns(self) -> None:
        """The slower a loop's turns are, the fewer pass between two looks at the clock."""
        clock = Clock()
        script = compile_script("forever { echo 1; }", "loop.hsl")
        since: list[float] = []
        looked = [0.0]

        def work(_text: str, _execution: object) -> None:
            clock.rightNow += 0.005
            since.append(clock.rightNow - looked[0])

        environment = Environment(clock, Limits(seconds=10), echo=work)
        original = clock.seconds

        def seconds() -> float:
            looked[0] = original()
            return looked[0]

        clock.seconds = seconds
        result = script.run({}, environment)
        while not result.called:
            clock.advance(0)
        self.failureResultOf(result, ScriptBudgetError)
        self.assertLess(max(since[200:]), 0.011)

    def test_steps(self) -> None:
        """Loop turns and calls are counted to the last one."""
        machine = Machine(Limits(steps=10))
        self.assertEqual(machine.start("for ($i = 0; $i < 9; $i++) {} echo $i;").lines, ["9"])
        run = machine.start("for ($i = 0; $i < 10; $i++) {} echo $i;")
        self.assertEqual(
            str(run.error), "test.hsl:1:1: the script took more than its limit of 10 steps"
        )
        self.assertIsInstance(run.error, ScriptBudgetError)
        self.assertEqual(
            error("function f() {} f(); f(); f();", limits=Limits(steps=2)),
            "1:1: the script took more than its limit of 2 steps",
        )

    def test_calls_multiply(self) -> None:
        """Functions that call each other twice end, however many there are."""
        source = "function f0() {} " + " ".join(
            f"function f{n + 1}() {{ f{n}(); f{n}(); }}" for n in range(40)
        )
        self.assertIn("steps", error(source + " f40();", limits=Limits(steps=5000)))

    def test_depth(self) -> None:
        """Closures that call each other's values are bounded in depth."""
        source = """
            function wrap($g) { return function ($x) closure ($g) { return $g($x); }; }
            $f = function ($x) { return $x; };
            for ($i = 0; $i < %d; $i++) $f = wrap($f);
            echo $f(0);
        """
        self.assertEqual(Machine(Limits(depth=50)).start(source % 50).lines, ["0"])
        self.assertEqual(
            error(source % 60, limits=Limits(depth=50)),
            "2:40: the script nests more than 50 calls",
        )


class LongWorkTests(SynchronousTestCase):
    """One operation on a large value is no single step."""

    def turns(self, source: str, **limits: float) -> tuple[list[str], str, int]:
        """What a script prints, its error, and how many turns it gave to others."""
        clock = RunningClock()
        lines: list[str] = []
        errors: list[str] = []
        environment = Environment(
            clock, Limits(**limits), echo=lambda text, _execution: lines.append(text)
        )
        try:
            result = compile_script(source, "long.hsl").run({}, environment)
        except ScriptBudgetError as error:
            return lines, str(error), 0
        if not isinstance(result, Deferred):
            return lines, "", 0
        result.addErrback(lambda failure: errors.append(str(failure.value)))
        count = 0
        while not result.called:
            clock.turn()
            count += 1
        return lines, "".join(errors), count

    def test_pauses_inside(self) -> None:
        """What goes through the items of a large array gives way in between."""
        for expression in (
            "strlen(string($a))", 'strlen("$a")', "strlen(json_encode($a))",
            "strlen(csv_encode($a))", 'strlen(array_join($a, ","))', "$a == $b", "count($a - [7])",
            "array_includes(none, $a)", "count(array_sort(pow, $a))",
            "count(array_sort(less, array_keys($a)))", "count(array_map(boolean, $a))",
            "count(array_filter(boolean, $a))", "array_every(boolean, $a)",
            "array_find(is_string, $a)", "array_reduce(pow, $a)", "count(array_keys($a))",
            "count(array_values($m))", "count(array_range(0, 40000))", "count(array_reverse($m))",
            "count($m * 1)", "count($m + $a)", "count($m[1:])", "count([...$a, 'k' => 1])",
            "count(slice($a))", "count(more($a))", "strlen(pack('C*', ...$a))",
            "memory_store('k', $m)", "count(json_decode(json_encode($a)))",
            "count(csv_decode(array_join($a, '\n'))) + 40000",
        ):  # fmt: skip
            source = (
                "function less($x, $y) { return $x < $y; }"
                "function slice($x) { $x[::2] = []; return $x; }"
                "function more($x) { $x['k'] = 1; return $x; }"
                "$a = [1, 2] * 20000; $b = $a * 1; $m = $a + ['k' => 1];"
                f"forever {{ $x = {expression}; break; }} echo 1;"
            ).replace("'", '"')
            with patch("smtpgate.hsl.runtime.execution.TURN", 0.0):
                lines, error, turns = self.turns(source, seconds=1000)
            self.assertEqual((lines, error), (["1"], ""), expression)
            self.assertGreater(turns, 15, expression)

    def test_pauses_in_strings(self) -> None:
        """So does what goes through a long string."""
        for expression in (
            "str_replace('ab', 'c', $s)", "str_replace('zz', 'c', $s)", "str_split($s, 'ab' * 10)",
            "str_strip($w)", "base64_encode($s)", "base64_decode($s)", "urlencode($s)",
            "urldecode('%41' * 400000)", "pcre_quote($s)", "json_encode('\xc3\xa5' * 500000)",
            "csv_encode([$s . ' '])", "pack('H*', $s)",
        ):  # fmt: skip
            source = (
                "$s = 'ab' * 550000; $w = ' ' * 1100000;"
                f"forever {{ $x = {expression}; break; }} echo 1;"
            ).replace("'", '"')
            with patch("smtpgate.hsl.runtime.execution.TURN", 0.0):
                lines, error, turns = self.turns(source)
            self.assertEqual((lines, error), (["1"], ""), expression)
            self.assertGreater(turns, 5, expression)

    def test_pauses_in_a_match(self) -> None:
        """A regular expression gives way while it matches, and finds the same."""
        source = (
            r"""$s = "ab" * 300 . "xabab"; $n = 0; forever {"""
            r"if ($s =~ ''(.*)\1\1[yz]'') $n++; if ($s =~ ''x(ab)\1$'') $n += 10; break; } echo $n;"
        )
        with (
            patch("smtpgate.hsl.runtime.execution.TURN", 0.0),
            patch("smtpgate.hsl.patterns.watching._LOOK", 0.0),
        ):
            lines, error, turns = self.turns(source)
        self.assertEqual((lines, error), (["10"], ""))
        self.assertGreater(turns, 500)

    def test_cancelled_in_a_match(self) -> None:
        """A client that leaves ends a match that is going on."""
        clock = RunningClock()
        source = r"""$s = "ab" * 1000; forever { $x = $s =~ ''(.*)\1\1[yz]''; }"""
        with (
            patch("smtpgate.hsl.runtime.execution.TURN", 0.0),
            patch("smtpgate.hsl.patterns.watching._LOOK", 0.0),
        ):
            result = compile_script(source, "match.hsl").run({}, Environment(clock))
            assert isinstance(result, Deferred)
            for _ in range(20):
                clock.turn()
            result.cancel()
        self.failureResultOf(result, ScriptCancelled)

    def test_learns(self) -> None:
        """A script without loops runs without a worker, until it has taken long once."""
        source = "$a = [1] * 20000; $x = $a == $a * 1;"
        script = compile_script(source, "learns.hsl")
        self.assertFalse(script.can_wait)
        with patch("smtpgate.hsl.runtime.execution.TURN", 0.0):
            first = script.run({}, Environment(RunningClock()))
            self.assertNotIsInstance(first, Deferred)
            clock = RunningClock()
            second = script.run({}, Environment(clock))
            assert isinstance(second, Deferred)
            while not second.called:
                clock.turn()
            self.successResultOf(second)

    def test_deadline_without_worker(self) -> None:
        """A script's time is looked at in the middle, also where it cannot give way."""
        script = compile_script("$a = [1] * 100000; $x = $a == $a * 1;", "late.hsl")
        with self.assertRaises(ScriptBudgetError) as caught:
            script.run({}, Environment(RunningClock(), Limits(seconds=0.001)))
        self.assertEqual(
            str(caught.exception),
            "late.hsl:1:28: the script took longer than its limit of 0.001 seconds",
        )

    def test_deadline_inside(self) -> None:
        """The script's time is looked at in the middle of an operation as well."""
        _, error, _ = self.turns(
            "forever { $a = [1] * 100000; echo strlen($a . 1); }", seconds=0.01
        )
        self.assertEqual(
            error, "long.hsl:1:42: the script took longer than its limit of 0.01 seconds"
        )

    def test_hurry(self) -> None:
        """After a large value the clock is looked at, and no step is charged twice."""
        looks = []
        for body in ('$s = "x" * $n;', "$s = 1;"):
            clock = RunningClock()
            environment = Environment(clock, Limits(steps=2000, seconds=1000))
            source = f"$n = 70000; for ($i = 0; $i < 1990; $i++) {{ {body} }}"
            result = compile_script(source, "hurry.hsl").run({}, environment)
            while isinstance(result, Deferred) and not result.called:
                clock.turn()
            looks.append(clock.rightNow)
        self.assertGreater(looks[0], 0.19)
        self.assertLess(looks[1], 0.02)
