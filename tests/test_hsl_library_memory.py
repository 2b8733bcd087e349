"""The functions for shared memory."""

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import ScriptCancelled
from tests.support.hsl import Machine


class MemoryTests(SynchronousTestCase):
    """Scripts that run one after the other, on one store."""

    def setUp(self):
        """A gateway."""
        self.machine = Machine()

    def echo(self, source):
        run = self.machine.start(source)
        if run.error is not None:
            raise run.error
        self.assertTrue(run.ended)
        return run.lines

    def error(self, source):
        run = self.machine.start(source)
        return str(run.error)

    def test_kept(self):
        """A value outlives its script, whatever it is."""
        for literal in ("none", "12.5", '"text"', '[1,["a"=>true]]', '""', "[]", "false"):
            self.echo(f'memory_store("key", {literal});')
            self.assertEqual(self.echo(f'echo memory_fetch("key") === {literal};'), ["1"], literal)

    def test_store_tells(self):
        """memory_store() returns whether there was a value, and shows it."""
        show = "function ($k, $v) { echo [$k, $v]; }"
        self.assertEqual(self.echo(f'echo memory_store("k", none, {show});'), ["0"])
        self.assertEqual(
            self.echo(f'echo memory_store("k", 2, {show});'), ['[0=>"k",1=>none]', "1"]
        )

    def test_add(self):
        """memory_add() does not overwrite, not even none."""
        self.assertEqual(self.echo('echo memory_add("k", none);'), ["1"])
        self.assertEqual(self.echo('echo memory_add("k", 5);'), ["0"])
        self.assertEqual(self.echo('echo memory_fetch("k") === none;'), ["1"])

    def test_counting(self):
        """memory_inc() and memory_dec() begin with 0 and leave other values alone."""
        self.assertEqual(
            self.echo('echo memory_inc("k"); echo memory_inc("k", 2.5);'), ["1", "3.5"]
        )
        self.assertEqual(
            self.echo('echo memory_dec("k"); echo memory_dec("k", 3);'), ["2.5", "-0.5"]
        )
        self.assertEqual(self.echo('echo memory_dec("new", 2);'), ["-2"])
        self.echo('memory_store("word", "5");')
        self.assertEqual(
            self.echo('echo memory_inc("word") === none; echo memory_fetch("word");'), ["1", "5"]
        )

    def test_delete(self):
        """memory_delete() tells what it forgot."""
        self.echo('memory_store("k", 7);')
        self.assertEqual(
            self.echo('echo memory_delete("k", function ($k, $v) { echo "$k=$v"; });'), ["k=7", "1"]
        )
        self.assertEqual(self.echo('echo memory_delete("k"); echo memory_exists("k");'), ["0", "0"])

    def test_exists(self):
        """memory_exists() tells none from nothing."""
        self.assertEqual(
            self.echo('echo memory_exists("k", function ($k, $v) { echo 1; });'), ["0"]
        )
        self.echo('memory_store("k", none);')
        self.assertEqual(
            self.echo('echo memory_exists("k", function ($k, $v) { echo $v; });'), ["none", "1"]
        )

    def test_fetch_callback(self):
        """It may store into the key that is being fetched."""
        make = 'function ($k) { memory_store($k, 1); return "made"; }'
        self.assertEqual(self.echo(f'echo memory_fetch("k", {make});'), ["made"])
        self.assertEqual(self.echo(f'echo memory_fetch("k", {make});'), ["1"])

    def test_update(self):
        """The manual's list, and its compare-and-swap."""
        append = "function ($k, $c, $v) { $c[] = $v; return $c; }"
        self.assertEqual(self.echo(f'echo memory_update("l", "a", {append});'), ["0"])
        self.assertEqual(self.echo('echo memory_exists("l");'), ["0"])
        self.assertEqual(self.echo(f'echo memory_update("l", "a", {append}, []);'), ["0"])
        self.assertEqual(self.echo(f'echo memory_update("l", "b", {append}, []);'), ["1"])
        self.assertEqual(self.echo('echo memory_fetch("l");'), ['[0=>"a",1=>"b"]'])
        swap = (
            '$swapped = false; memory_update("x", 5, function ($k, $c, $v) closure ($swapped) {'
            " if ($c != 3) return $c; $swapped = true; return $v; }); echo $swapped;"
        )
        self.echo('memory_store("x", 3);')
        self.assertEqual(self.echo(swap), ["1"])
        self.assertEqual(self.echo(swap), ["0"])
        self.assertEqual(self.echo('echo memory_fetch("x");'), ["5"])

    def test_copies(self):
        """What a script does with a value changes nothing that is stored."""
        self.assertEqual(
            self.echo(
                '$a = [1]; memory_store("k", $a); $a[] = 2; $b = memory_fetch("k"); $b[] = 3;'
                'echo memory_fetch("k"); barrier "k" => $c { $c[] = 4; } echo memory_fetch("k");'
            ),
            ["[0=>1]", "[0=>1,1=>4]"],
        )

    def test_only_data(self):
        """Functions and objects stay in their script."""
        for source, message in (
            ('memory_store("k", function () {});', "test.hsl:1:1: a function cannot be shared"),
            ('memory_add("k", [[MIME()]]);', "test.hsl:1:1: an object cannot be shared"),
            (
                'memory_update("k", 1, function ($k, $c, $v) { return str_lower; }, 1);',
                "test.hsl:1:1: a function cannot be shared",
            ),
        ):
            self.assertEqual(self.error(source), message)
            self.assertEqual(self.echo('echo memory_exists("k");'), ["0"])

    def test_failing_callback(self):
        """The key is as it was, and free."""
        self.echo('memory_store("k", 1);')
        self.assertIn(
            "division by zero",
            self.error('memory_update("k", 1, function ($k, $c, $v) { return 1 / 0; });'),
        )
        self.assertEqual(self.echo('echo memory_inc("k");'), ["2"])

    def test_barrier_variable(self):
        """It is the key's value; what is written inside without it stays."""
        self.assertEqual(
            self.echo(
                'barrier "k" => $v { $v = 5; } echo memory_fetch("k");'
                'barrier "k" { memory_store("k", 6); } echo memory_fetch("k");'
                'barrier "k" => $v { memory_inc("k"); } echo memory_fetch("k");'
            ),
            ["5", "6", "7"],
        )


class WaitingTests(SynchronousTestCase):
    """Scripts that run at the same time."""

    def setUp(self):
        """A script that changes a key slowly."""
        self.machine = Machine()
        self.machine.start('memory_store("k", 1);')
        self.slow = self.machine.start(
            'memory_update("k", 10, function ($k, $c, $v) { sleep(1); return $c + $v; });'
            'echo "done";'
        )

    def test_atomic(self):
        """Nobody comes between the old value and the new one."""
        others = [
            self.machine.start('echo memory_inc("k");'),
            self.machine.start('echo memory_fetch("k");'),
            self.machine.start('barrier "k" => $v { echo $v; }'),
        ]
        elsewhere = self.machine.start('echo memory_inc("other");')
        self.assertEqual([run.ended for run in others], [False] * 3)
        self.assertEqual(elsewhere.lines, ["1"])
        for _ in range(3):
            self.machine.clock.advance(1)
        self.assertEqual(self.slow.lines, ["done"])
        self.assertEqual([run.lines for run in others], [["12"], ["12"], ["12"]])

    def test_client_leaves_inside(self):
        """A script that is cancelled in its callback changes nothing, and lets others in."""
        other = self.machine.start('echo memory_inc("k");')
        self.slow.deferred.cancel()
        self.machine.clock.advance(0)
        self.assertIsInstance(self.slow.error, ScriptCancelled)
        self.machine.clock.advance(0)
        self.assertEqual(other.lines, ["2"])

    def test_client_leaves_outside(self):
        """A script that is cancelled in the queue is not waited for."""
        gone = self.machine.start('echo memory_inc("k");')
        other = self.machine.start('echo memory_inc("k");')
        self.assertIsInstance(gone.deferred, Deferred)
        gone.deferred.cancel()
        for _ in range(3):
            self.machine.clock.advance(1)
        self.assertEqual(gone.lines, [])
        self.assertEqual(other.lines, ["12"])
