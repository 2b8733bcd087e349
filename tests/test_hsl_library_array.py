"""The chapter on arrays."""

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE, Limits
from smtpgate.hsl.values import Map
from tests.support.calls import array, call, function

even = function(lambda x: x % 2 == 0)


class CallbackTests(SynchronousTestCase):
    """Functions that call back."""

    def test_filter_keeps_keys(self):
        """What passes stays under its key; a list that is whole stays a list."""
        self.assertEqual(call("array_filter", even, [0, 1, 2, 3]), Map({0: 0, 2: 2}))
        self.assertEqual(call("array_filter", even, array(a=1, b=2)), array(b=2))
        self.assertIs(type(call("array_filter", even, [2, 4, 5])), list)

    def test_filter_takes_truth(self):
        """Whatever a callback returns is taken by its truth."""
        same = function(lambda x: x)
        self.assertEqual(call("array_filter", same, ["", "a", None, [], 0]), Map({1: "a"}))

    def test_find(self):
        """The first fit is found, later values are not asked."""
        asked = []
        fits = function(lambda x: asked.append(x) or x > 1)
        self.assertEqual(call("array_find", fits, [1, 2, 3]), 2)
        self.assertEqual(asked, [1, 2])
        self.assertIsNone(call("array_find", fits, [0]))

    def test_map(self):
        """Keys stay, the argument is not changed."""
        double = function(lambda x: x * 2)
        given = array(a=1)
        self.assertEqual(call("array_map", double, given), array(a=2))
        self.assertEqual(given, array(a=1))
        self.assertIs(type(call("array_map", double, [1, 2])), list)
        self.assertIs(type(call("array_map", double, given)), Map)

    def test_every(self):
        """All have to pass; of nothing, all do."""
        self.assertIs(call("array_every", even, [0, 2]), True)
        self.assertIs(call("array_every", even, [0, 1, 2]), False)
        self.assertIs(call("array_every", even, []), True)

    def test_includes(self):
        """A value is compared strictly, a function is asked."""
        self.assertIs(call("array_includes", "1", [1.0, "1"]), True)
        self.assertIs(call("array_includes", 1.0, ["1", True]), False)
        self.assertIs(call("array_includes", [1.0], [[1]]), True)
        self.assertIs(call("array_includes", even, [1, 3]), False)
        self.assertIs(call("array_includes", even, array(x=4)), True)

    def test_reduce(self):
        """From the left, with and without an initial value."""
        join = function(lambda carry, x: f"{carry}{x}", 2)
        self.assertEqual(call("array_reduce", join, ["a", "b", "c"]), "abc")
        self.assertEqual(call("array_reduce", join, ["a", "b"], "0"), "0ab")
        self.assertEqual(call("array_reduce", join, ["a"]), "a")
        self.assertEqual(call("array_reduce", join, [], "0"), "0")
        self.assertEqual(call("array_reduce", join, ["a"], None), "Nonea")

    def test_reduce_nothing(self):
        """Nothing to start from is an error."""
        error = self.assertRaises(Fault, call, "array_reduce", function(max, 2), [])
        self.assertEqual(str(error), "array_reduce() of an empty array needs an initial value")

    def test_arity(self):
        """A callback that cannot take its arguments is an error, also for an empty array."""
        error = self.assertRaises(Fault, call, "array_map", function(max, 2), [])
        self.assertEqual(str(error), "callback() takes 2 arguments, 1 given")

    def test_kind(self):
        """What is no function is an error."""
        error = self.assertRaises(Fault, call, "array_map", "strlen", [])
        self.assertEqual(
            str(error), 'array_map() parameter "callback" must be a function, string given'
        )

    def test_errors_pass(self):
        """What a callback raises reaches the script as it is."""

        def fail(*_arguments):
            raise KeyError("as it is")

        for name in ("array_filter", "array_map", "array_find", "array_includes", "array_every"):
            self.assertRaises(KeyError, call, name, function(fail), [1])
        self.assertRaises(KeyError, call, "array_reduce", function(fail, 2), [1, 2])
        self.assertRaises(KeyError, call, "array_sort", function(fail, 2), [1, 2])


class SortTests(SynchronousTestCase):
    """array_sort()."""

    less = function(lambda a, b: a < b, 2)

    def test_values(self):
        """Values in order, each with its key."""
        ordered = call("array_sort", self.less, [2, 3, 1])
        self.assertEqual(list(ordered.items()), [(2, 1), (0, 2), (1, 3)])

    def test_already_sorted(self):
        """An array that is in order stays a list."""
        self.assertEqual(call("array_sort", self.less, [1, 2]), [1, 2])
        self.assertEqual(call("array_sort", self.less, []), [])

    def test_keys(self):
        """By keys, when asked to."""
        ordered = call("array_sort", self.less, array(b=1, a=2), Map(keys=True))
        self.assertEqual(list(ordered.items()), [("a", 2), ("b", 1)])

    def test_stable(self):
        """What is equal stays in its order."""
        shorter = function(lambda a, b: len(a) < len(b), 2)
        ordered = call("array_sort", shorter, ["bb", "c", "aa", "a"])
        self.assertEqual(list(ordered.values()), ["c", "a", "bb", "aa"])

    def test_unknown_option(self):
        """A mistyped option is an error."""
        error = self.assertRaises(Fault, call, "array_sort", self.less, [], Map(key=True))
        self.assertEqual(str(error), 'array_sort() has no option "key", did you mean "keys"?')


class PlainTests(SynchronousTestCase):
    """Functions without callbacks."""

    def test_join(self):
        """Strings, numbers and booleans, in order, without their keys."""
        self.assertEqual(call("array_join", ["a", 1.0, 1.5, True, False], ","), "a,1,1.5,1,0")
        self.assertEqual(call("array_join", array(x="a", y="b")), "ab")
        self.assertEqual(call("array_join", [], ","), "")
        self.assertEqual(call("implode", "-", ["a", "b"]), "a-b")

    def test_join_what_has_no_text(self):
        """none and arrays do not join; the older name complains under its own name."""
        for name, arguments, kind in (
            ("array_join", ([None],), "none"),
            ("implode", (",", [["a"]]), "array"),
        ):
            error = self.assertRaises(Fault, call, name, *arguments)
            self.assertEqual(
                str(error),
                f'{name}() parameter "array" must hold strings, numbers or booleans, {kind} given',
            )

    def test_keys_and_values(self):
        """In order."""
        self.assertEqual(call("array_keys", ["a", "b"]), [0, 1])
        self.assertEqual(call("array_keys", Map({"b": 1, 7: 2})), ["b", 7])
        self.assertEqual(call("array_values", Map({"b": 1, 7: 2})), [1, 2])

    def test_values_is_a_copy(self):
        """What comes back can be changed without changing the argument."""
        given = [1]
        self.assertIsNot(call("array_values", given), given)

    def test_range(self):
        """Half-open, in either direction, with decimals."""
        self.assertEqual(call("array_range", 0, 3), [0, 1, 2])
        self.assertEqual(call("array_range", 5, 0, -2), [5, 3, 1])
        self.assertEqual(call("array_range", 0, 1, 0.25), [0, 0.25, 0.5, 0.75])
        self.assertEqual(call("array_range", 0, 2.5), [0, 1, 2])
        self.assertEqual(call("array_range", 3, 0), [])
        self.assertEqual(call("array_range", 0, 3, -1), [])
        self.assertEqual(call("array_range", 1, 1), [])

    def test_range_refused(self):
        """No step, no end, no room."""
        for arguments, message in (
            ((0, 1, 0), 'array_range() parameter "step" must not be 0'),
            (
                (0, float("inf")),
                'array_range() parameter "stop" must be a finite number, inf given',
            ),
            (
                (float("nan"), 1),
                'array_range() parameter "start" must be a finite number, nan given',
            ),
            (
                (0, 1e9),
                "an array may have at most 1000000 items, this one would have 1000000000",
            ),
            (
                (-1e308, 1e308),
                "an array may have at most 1000000 items, this one would have inf",
            ),
        ):
            self.assertEqual(
                str(self.assertRaises(Fault, call, "array_range", *arguments)), message
            )

    def test_reverse(self):
        """Numbers are given anew, names stay."""
        self.assertEqual(call("array_reverse", [1, 2, 3]), [3, 2, 1])
        turned = call("array_reverse", Map({"a": 1, 5: 2, "b": 3, 9: 4}))
        self.assertEqual(list(turned.items()), [(0, 4), ("b", 3), (1, 2), ("a", 1)])
        self.assertEqual(call("array_reverse", Map({5: 1, 9: 2})), [2, 1])

    def test_running_limits(self):
        """The bounds are those of the running script."""
        self.patch(ACTIVE, "limits", Limits(array=3, string=5))
        error = self.assertRaises(Fault, call, "array_range", 0, 4)
        self.assertEqual(str(error), "an array may have at most 3 items, this one would have 4")
        error = self.assertRaises(Fault, call, "array_join", ["abc", "def"])
        self.assertEqual(str(error), "a string may have at most 5 octets, this one would have 6")
