"""Arrays: keys, the two shapes, and that a change never shows anywhere else."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.operations import holders, reading, slices, writing
from smtpgate.hsl.runtime import Context
from smtpgate.hsl.values import Function, Map, arrays, literal
from tests.support import hsl
from tests.support.trees import ARRAYS, SUBSCRIPTS, same

KEEPING = Context(
    "keeping", readonly=frozenset(), writable=frozenset({"a", "b", "c"}), functions={}
)
NAMES = "abc"


class KeyTests(SynchronousTestCase):
    """What stands in square brackets, and the key it means."""

    def test_integers(self) -> None:
        """Numbers, booleans and canonical decimal strings are integer keys of 32 bits."""
        for subscript, key in (
            (0.0, 0), (-0.0, 0), (1.9, 1), (-1.9, -1), (7, 7), (True, 1), (False, 0), ("0", 0),
            ("10", 10), ("-1", -1), ("2147483647", 0x7FFFFFFF), ("-2147483648", -0x80000000),
            (2147483648.0, -0x80000000), (4294967296.0, 0), (-2147483649.0, 0x7FFFFFFF),
        ):  # fmt: skip
            found = arrays.key(subscript)
            self.assertEqual((type(found), found), (int, key), subscript)

    def test_others(self) -> None:
        """Every other string stays, and so do none, functions and objects."""
        function = Function("f", print, 0, 0)
        for subscript in (
            "", "01", "-0", "+1", "1.0", " 1", "1 ", "-", "2147483648", "-2147483649", "1e3",
            "\xb2", "99999999999", "a", None, function,
        ):  # fmt: skip
            self.assertIs(arrays.key(subscript), subscript)

    def test_wrong(self) -> None:
        """Arrays and numbers without end are no keys."""
        for subscript, sentence in (
            ([], "an array cannot be an array key"),
            (Map(), "an array cannot be an array key"),
            (float("inf"), "the number inf cannot be an array key"),
            (float("nan"), "the number nan cannot be an array key"),
        ):
            self.assertEqual(str(self.assertRaises(Fault, arrays.key, subscript)), sentence)

    @settings(max_examples=300, deadline=None, derandomize=True)
    @given(SUBSCRIPTS)
    def test_stable(self, subscript: Any) -> None:
        """The key of a key is the same key."""
        key = arrays.key(subscript)
        again = arrays.key(key)
        self.assertEqual((type(again), again), (type(key), key))


class Shapes(SynchronousTestCase):
    """What holds for every array, at any time."""

    def check(self, array: Any) -> None:
        """It is of one shape, its keys are keys, and it knows what follows."""
        if isinstance(array, list):
            self.assertIs(type(array), list)
            return
        self.assertIs(type(array), Map)
        for key in array:
            found = arrays.key(key)
            self.assertEqual((type(found), found), (type(key), key))
        known = getattr(array, "following", None)
        if known is not None:
            self.assertEqual(arrays.next_index(array), known)


class ShapeTests(Shapes):
    """An array is a list while its keys are 0..n-1 in order, else a Map."""

    @settings(max_examples=200, deadline=None, derandomize=True)
    @given(ARRAYS)
    def test_reading(self, array: Any) -> None:
        """Both shapes are read alike."""
        self.check(array)
        pairs = list(arrays.pairs(array))
        self.assertEqual([key for key, _ in pairs], list(arrays.keys(array)))
        self.assertEqual([value for _, value in pairs], list(arrays.values(array)))
        numbered = [key for key, _ in pairs] == list(range(len(pairs)))
        self.assertTrue(
            same(arrays.from_pairs(pairs), [v for _, v in pairs] if numbered else array)
        )
        for key, value in pairs:
            self.assertTrue(arrays.has(array, key))
            self.assertIs(arrays.get(array, key, reading.ABSENT), value)
            self.assertIs(reading.item(array, key), value)
        for missing in (len(array) * 1.0 + 1000, "no such key", -7.0):
            self.assertFalse(arrays.has(array, missing))
            self.assertEqual(arrays.get(array, missing, "default"), "default")
            self.assertIsNone(reading.item(array, missing))
        integers = [key for key, _ in pairs if type(key) is int and key >= 0]
        self.assertEqual(arrays.next_index(array), max(integers, default=-1) + 1)

    def test_normal(self) -> None:
        """True is no 1, and the order counts."""
        for mapping, expected in (
            (Map(), []), (Map({0: "a", 1: "b"}), ["a", "b"]), (Map({1: "b", 0: "a"}), None),
            (Map({0: "a", 2: "b"}), None), (Map({"": "a"}), None), (Map({False: "a"}), None),
        ):  # fmt: skip
            found = arrays.normal(mapping)
            self.assertTrue(found is mapping if expected is None else same(found, expected))

    def test_expect(self) -> None:
        """What must be an array and is none has one sentence."""
        array = Map(a=1.0)
        self.assertIs(arrays.expect_array(array, "this"), array)
        self.assertEqual(
            str(self.assertRaises(Fault, arrays.expect_array, "x", "the third argument")),
            "the third argument must be an array, string given",
        )


#: A model of an array: its pairs, as a plain dictionary keeps them.
Model = dict[Any, Any]


def modelled(value: Any) -> Any:
    """A value with every array in it as pairs."""
    if isinstance(value, (list, Map)):
        return [(type(key), key, modelled(item)) for key, item in arrays.pairs(value)]
    if isinstance(value, dict):
        return [(type(key), key, modelled(item)) for key, item in value.items()]
    return type(value), value


def following(model: Model) -> int:
    return max((key for key in model if type(key) is int and key >= 0), default=-1) + 1


def chosen(model: Model, low: int | None, high: int | None) -> list[Any]:
    return list(model)[low:high]


def renumbered(*parts: Model) -> Model:
    made: Model = {}
    number = 0
    for part in parts:
        for key, value in part.items():
            if type(key) is int:
                made[number] = value
                number += 1
            else:
                made[key] = value
    return made


_NAME = st.sampled_from(NAMES)
_KEY = st.sampled_from([0.0, 1.0, 2.0, 5.0, -1.0, "x", "y", "1"])
_END = st.none() | st.integers(-3, 5)
_OPERATION = st.one_of(
    st.tuples(st.just("append"), _NAME, st.integers(0, 9)),
    st.tuples(st.just("store"), _NAME, _KEY, st.integers(0, 9)),
    st.tuples(st.just("deep"), _NAME, _KEY, _KEY, st.integers(0, 9)),
    st.tuples(st.just("push deep"), _NAME, _KEY, st.integers(0, 9)),
    st.tuples(st.just("unset"), _NAME, _KEY),
    st.tuples(st.just("unset deep"), _NAME, _KEY, _KEY),
    st.tuples(st.just("unset slice"), _NAME, _END, _END),
    st.tuples(st.just("slice"), _NAME, _NAME, _END, _END),
    st.tuples(st.just("into slice"), _NAME, _NAME, _END, _END),
    st.tuples(st.just("copy"), _NAME, _NAME),
    st.tuples(st.just("put"), _NAME, _KEY, _NAME),
    st.tuples(st.just("take"), _NAME, _NAME, _KEY),
    st.tuples(st.just("join"), _NAME, _NAME),
    st.tuples(st.just("twice"), _NAME),
    st.tuples(st.just("loop"), _NAME),
    st.tuples(st.just("rest"), _NAME, _NAME),
)


def _literal(value: Any) -> str:
    return literal(float(value) if isinstance(value, int) else value)


def _range(low: int | None, high: int | None) -> str:
    return f"{'' if low is None else low}:{'' if high is None else high}"


class Twin:
    """A row of operations, as a script and on plain dictionaries that are copied each time."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.models: dict[str, Model] = {name: {} for name in NAMES}

    def fresh(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {key: self.fresh(item) for key, item in value.items()}
        return value

    def inner(self, name: str, subscript: Any) -> Model:
        """The array at a key, made where there is none."""
        model = self.models[name]
        key = arrays.key(subscript)
        if not isinstance(model.get(key), dict):
            model[key] = {}
        found: Model = model[key]
        return found

    def do(self, kind: str, name: str, *given: Any) -> None:
        getattr(self, kind.replace(" ", "_"))(name, *given)

    def append(self, name: str, value: int) -> None:
        self.lines.append(f"${name}[] = {value};")
        self.models[name][following(self.models[name])] = float(value)

    def store(self, name: str, subscript: Any, value: int) -> None:
        self.lines.append(f"${name}[{_literal(subscript)}] = {value};")
        self.models[name][arrays.key(subscript)] = float(value)

    def deep(self, name: str, outer: Any, subscript: Any, value: int) -> None:
        self.lines.append(f"${name}[{_literal(outer)}][{_literal(subscript)}] = {value};")
        self.inner(name, outer)[arrays.key(subscript)] = float(value)

    def push_deep(self, name: str, outer: Any, value: int) -> None:
        self.lines.append(f"${name}[{_literal(outer)}][] = {value};")
        inner = self.inner(name, outer)
        inner[following(inner)] = float(value)

    def unset(self, name: str, subscript: Any) -> None:
        self.lines.append(f"unset(${name}[{_literal(subscript)}]);")
        self.models[name].pop(arrays.key(subscript), None)

    def unset_deep(self, name: str, outer: Any, subscript: Any) -> None:
        self.lines.append(
            f"if (is_array(${name}[{_literal(outer)}])) "
            f"unset(${name}[{_literal(outer)}][{_literal(subscript)}]);"
        )
        inner = self.models[name].get(arrays.key(outer))
        if isinstance(inner, dict):
            inner.pop(arrays.key(subscript), None)

    def unset_slice(self, name: str, low: int | None, high: int | None) -> None:
        self.lines.append(f"unset(${name}[{_range(low, high)}]);")
        for key in chosen(self.models[name], low, high):
            del self.models[name][key]

    def slice(self, name: str, source: str, low: int | None, high: int | None) -> None:
        self.lines.append(f"${name} = ${source}[{_range(low, high)}];")
        model = self.fresh(self.models[source])
        self.models[name] = dict(enumerate(model[key] for key in chosen(model, low, high)))

    def into_slice(self, name: str, source: str, low: int | None, high: int | None) -> None:
        self.lines.append(f"${name}[{_range(low, high)}] = ${source};")
        model = self.models[name]
        begin, end, _ = slice(low, high).indices(len(model))
        items = list(model.items())
        self.models[name] = renumbered(
            dict(items[:begin]), self.fresh(self.models[source]), dict(items[max(begin, end) :])
        )

    def copy(self, name: str, source: str) -> None:
        self.lines.append(f"${name} = ${source};")
        self.models[name] = self.fresh(self.models[source])

    def put(self, name: str, subscript: Any, source: str) -> None:
        self.lines.append(f"${name}[{_literal(subscript)}] = ${source};")
        kept = self.fresh(self.models[source])
        self.models[name][arrays.key(subscript)] = kept

    def take(self, name: str, source: str, subscript: Any) -> None:
        self.lines.append(
            f"if (is_array(${source}[{_literal(subscript)}])) "
            f"${name} = ${source}[{_literal(subscript)}];"
        )
        found = self.models[source].get(arrays.key(subscript))
        if isinstance(found, dict):
            self.models[name] = self.fresh(found)

    def join(self, name: str, source: str) -> None:
        self.lines.append(f"${name} = ${name} + ${source};")
        left, right = self.models[name], self.fresh(self.models[source])
        self.models[name] = renumbered(left, right)

    def twice(self, name: str) -> None:
        self.lines.append(f"${name} = ${name} * 2;")
        model = self.models[name]
        # A string key is there once.
        self.models[name] = renumbered(model, self.fresh(model))

    def loop(self, name: str) -> None:
        """A loop goes through the array as it was, whatever is done to the variable."""
        self.lines.append(f'foreach (${name} as $key => $value) ${name}["x"] = $value;')
        model = self.models[name]
        for value in list(model.values()):
            model["x"] = self.fresh(value)

    def rest(self, name: str, source: str) -> None:
        self.lines.append(f"[$_first, ...${name}] = ${source};")
        model = self.fresh(self.models[source])
        self.models[name] = dict(enumerate(v for key, v in model.items() if key != 0))


class ModelTests(Shapes):
    """Copy-on-write against copies."""

    @settings(max_examples=400, deadline=None, derandomize=True)
    @given(st.lists(_OPERATION, max_size=14))
    def test_operations(self, operations: list[tuple[Any, ...]]) -> None:
        """Whatever three variables share, a change of one is seen in that one only."""
        twin = Twin()
        for kind, name, *given_ in operations:
            twin.do(kind, name, *given_)
            if sum(str(model).count(":") for model in twin.models.values()) > 500:
                break
        source = "$a = $b = $c = [];\n" + "\n".join(twin.lines)
        variables: dict[str, Any] = {}
        run = hsl.Machine().start(source, variables, KEEPING)
        self.assertIsNone(run.error, source)
        for name in NAMES:
            found = modelled(variables[name])
            self.assertEqual(found, modelled(twin.models[name]), f"${name} of\n{source}")
            self.check(variables[name])


class WritingTests(SynchronousTestCase):
    """Who is the only holder is written to in place; who is not is copied."""

    def test_in_place(self) -> None:
        """An array that nobody else holds is not copied: not by append, store or a slice."""
        array = [1.0, 2.0, 3.0]
        at = id(array)
        array = writing.append(array, 4.0)
        array = writing.store(array, 0.0, 5.0)
        array = slices.store_slice(array, 1.0, 2.0, None, [7.0, 8.0])
        array = writing.remove_item(array, 4.0)
        if holders.LOCAL:
            self.assertEqual(id(array), at)
        self.assertEqual(array, [5.0, 7.0, 8.0, 3.0])

    def test_copied(self) -> None:
        """Another holder sees none of it."""
        for change in (
            lambda array: writing.append(array, 4.0),
            lambda array: writing.store(array, 0.0, 5.0),
            lambda array: writing.store(array, 2.0, 5.0),
            lambda array: writing.store(array, "x", 5.0),
            lambda array: slices.store_slice(array, 0.0, 1.0, None, [7.0]),
            lambda array: writing.remove_item(array, 0.0),
            lambda array: writing.remove_item(array, 1.0),
            lambda array: slices.remove_slice(array, 0.0, None, None),
        ):
            for array in ([1.0, [2.0]], Map({0: 1.0, 1: [2.0], "k": 3.0})):
                holder = [array]
                before = modelled(array)
                made = change(holder[0])
                self.assertIsNot(made, array)
                self.assertEqual(modelled(array), before)
                self.assertNotEqual(modelled(made), before)
