"""Copy-on-write: what is copied, and what is not."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.builtin import Value, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.operations import holders
from smtpgate.hsl.operations.slices import remove_slice, store_slice
from smtpgate.hsl.operations.writing import append, remove_item, store
from smtpgate.hsl.runtime import Context
from smtpgate.hsl.values import Map
from tests.support.hsl import Machine


class CountTests(SynchronousTestCase):
    """The reference counts that mean "no other holder"."""

    def test_measured(self) -> None:
        """They make sense on this Python, so that writes are done in place."""
        self.assertGreater(holders.LOCAL, 0)
        self.assertEqual(holders.ARGUMENT, holders.LOCAL + 1)
        self.assertTrue(holders.PARAMETERS_COUNT)

    def test_only_holder(self) -> None:
        """A variable's only array is changed in place."""
        array: list[Value] = [1.0]
        before = id(array)
        array = append(array, 2.0)
        array = store(array, 0.0, 5.0)
        self.assertEqual((array, id(array)), ([5.0, 2.0], before))

    def test_other_holder(self) -> None:
        """An array that another variable holds stays as it was."""
        for change in (
            lambda array: append(array, 2.0),
            lambda array: store(array, 0.0, 2.0),
            lambda array: store(array, "k", 2.0),
            lambda array: store_slice(array, 0.0, 1.0, None, [2.0, 3.0]),
            lambda array: remove_item(array, 0.0),
            lambda array: remove_slice(array, 0.0, 1.0, None),
        ):
            for original in ([1.0], Map({5: 1.0, 0: 3.0})):
                copy = original.copy()
                changed = change(original)
                self.assertEqual(original, copy)
                self.assertNotEqual(changed, original)

    def test_objects(self) -> None:
        """What is no array and cannot become one is refused."""
        with self.assertRaisesRegex(Fault, "^a slice of a string cannot be assigned to$"):
            store_slice("abc", 0.0, 1.0, None, [])
        with self.assertRaisesRegex(Fault, "^a number has no items to unset$"):
            remove_item(5.0, 0.0)

    def test_wide_map(self) -> None:
        """The key of an appended item is the highest one and one."""
        array = Map({5: "a", "x": "b"})
        array = append(array, "c")
        array = store(array, 9.0, "d")
        array = append(array, "e")
        self.assertEqual(list(array), [5, "x", 6, 9, 10])
        array = remove_item(array, 10.0)
        self.assertEqual(list(append(array, "f")), [5, "x", 6, 9, 10])


class ScriptTests(SynchronousTestCase):
    """The same from a script: arrays seen by identity."""

    def run_script(self, source: str) -> list[int]:
        seen: list[int] = []

        @builtin("look")
        def look(array: Value) -> Value:
            """Note which array this is."""
            seen.append(id(array))

        context = Context("test", functions={"look": look})
        run = Machine().start(source, context=context)
        self.assertIsNone(run.error)
        return seen

    def test_no_hidden_copies(self) -> None:
        """Appends, stores, nested writes and properties change what is there."""
        for write in (
            "$a[] = $i;",
            "$a[0] = $i;",
            '$a["k"]["l"][] = $i;',
            '$a["k"]["l"] = $i;',
            "$a[1:2] = [$i];",
            "unset($a[1]);",
            "[$a[0], $x] = [1, 2];",
            "$a[0]++;",
        ):
            source = f'$a = ["k" => [], 0, 1, 2]; $a["k"] = ["l" => []]; {write}' if "k" in write \
                else f"$a = [0, 1, 2]; {write}"  # fmt: skip
            source += f" look($a); for ($i = 0; $i < 5; $i++) {{ {write} look($a); }}"
            self.assertEqual(len(set(self.run_script("$i = 0; " + source))), 1, write)

    def test_properties(self) -> None:
        """An object's array is its own."""
        source = """
            class Box { $list = []; function add($x) { $this->list[] = $x; look($this->list); } }
            $box = Box(); $box->add(0);
            for ($i = 0; $i < 5; $i++) $box->add($i);
        """
        self.assertEqual(len(set(self.run_script(source))), 1)

    def test_closures_and_globals(self) -> None:
        """A captured and a global array are changed in place."""
        source = """
            $a = [0];
            function f() { global $a; $a[] = 1; look($a); }
            $g = function () closure ($a) { $a[] = 2; look($a); };
            for ($i = 0; $i < 3; $i++) { f(); $g(); }
        """
        self.assertEqual(len(set(self.run_script(source))), 1)

    def test_one_copy(self) -> None:
        """The first write to a shared array copies it, the next ones do not."""
        source = "$a = [0]; $b = $a; look($a); $a[] = 1; look($a); $a[] = 2; look($a); look($b);"
        first, second, third, other = self.run_script(source)
        self.assertEqual((second, other), (third, first))
        self.assertNotEqual(first, second)

    def test_in_itself(self) -> None:
        """An array put into itself is a copy of what it was."""
        run = Machine().start('$a = [1]; $a[] = $a; $a["x"] = $a; $a[0] = $a; echo $a;')
        self.assertEqual(
            run.lines,
            ['[0=>[0=>1,1=>[0=>1],"x"=>[0=>1,1=>[0=>1]]],1=>[0=>1],"x"=>[0=>1,1=>[0=>1]]]'],
        )
