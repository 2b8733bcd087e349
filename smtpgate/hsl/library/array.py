"""Functions on arrays; none changes the array that it is given."""

from __future__ import annotations

from math import ceil, isfinite
from typing import Any, Final

from smtpgate.hsl.builtin import (
    BOOLEAN,
    NO_OPTIONS,
    Array,
    Boolean,
    Callback,
    Number,
    Option,
    Options,
    String,
    Value,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array, check_string
from smtpgate.hsl.limits.turns import chunks, listed, paced
from smtpgate.hsl.values import Function, Map, arrays, literal, strict_equal, to_string, type_name
from smtpgate.hsl.values.sorting import order


@builtin("array_every")
def array_every(callback: Callback, array: Array) -> Boolean:
    """Whether a callback is true for every value of an array.

    The callback takes the value; it is not called again once it was false.

    :param function callback: a function of one argument
    :param array array: the array
    :return: true if no value fails, so also for an empty array
    :rtype: boolean

    .. code-block:: hsl

       echo array_every(is_number, [1, 2, 3]); // => 1
       echo array_every(is_number, [1, "2", 3]); // => 0
    """
    holds = callback.accepting(1)
    return all(holds(value) for value in paced(arrays.values(array), array))


@builtin("array_filter")
def array_filter(callback: Callback, array: Array) -> Array:
    """The items of an array for whose values a callback is true.

    :param function callback: a function of one argument, the value
    :param array array: the array
    :return: the items that passed, under their keys
    :rtype: array

    .. code-block:: hsl

       echo array_filter(function ($x) { return $x % 2 == 0; }, [1, 2, 3, 4]); // => [1=>2,3=>4]
       echo array_filter(is_number, [0, "one", 2]); // => [0=>0,2=>2]
    """
    passes = callback.accepting(1)
    return arrays.from_pairs(pair for pair in paced(arrays.pairs(array), array) if passes(pair[1]))


@builtin("array_find")
def array_find(callback: Callback, array: Array) -> Value:
    """The first value of an array for which a callback is true.

    :param function callback: a function of one argument, the value
    :param array array: the array
    :return: the value; none if there is none
    :rtype: any

    .. code-block:: hsl

       $users = [["id" => 1, "name" => "ann"], ["id" => 2, "name" => "bob"]];
       echo array_find(function ($user) { return $user["id"] === 2; }, $users)["name"]; // => bob
    """
    fits = callback.accepting(1)
    for value in paced(arrays.values(array), array):
        if fits(value):
            return value
    return None


@builtin("array_includes", aliases=("in_array",))
def array_includes(needle: Value, array: Array) -> Boolean:
    """Whether an array has a value.

    A value is compared with ``===``.  A function is called with each value
    instead, until it returns true.

    :param any needle: the value, or a function of one argument
    :param array array: the array
    :return: true if it is there
    :rtype: boolean

    .. code-block:: hsl

       echo array_includes("25", ["25", "587"]); // => 1
       echo array_includes(false, [0, none, ""]); // => 0
       echo array_includes(function ($port) { return $port > 500; }, [25, 587]); // => 1
    """
    if isinstance(needle, Function):
        fits = needle.accepting(1)
        return any(fits(value) for value in paced(arrays.values(array), array))
    return any(strict_equal(needle, value) for value in paced(arrays.values(array), array))


def _joined(name: str, array: Array, separator: str) -> str:
    texts: list[str] = []
    length = len(separator) * max(len(array) - 1, 0)
    for chunk in chunks(arrays.values(array), array):
        parts: list[str] = []
        for value in chunk:
            if type(value) is not str:
                if value is None or not isinstance(value, (str, bool, float, int)):
                    raise Fault(
                        f'{name}() parameter "array" must hold strings, numbers or booleans, '
                        f"{type_name(value)} given"
                    )
                value = to_string(value)
            parts.append(value)
        length += sum(map(len, parts))
        check_string(length)
        texts.append(separator.join(parts))
    return separator.join(texts)


@builtin("array_join")
def array_join(array: Array, separator: String = "") -> String:
    """Join the values of an array to a string.

    The opposite is :func:`str_split`.

    :param array array: strings, numbers and booleans
    :param string separator: what stands between two values
    :return: the string
    :rtype: string

    .. code-block:: hsl

       echo array_join(["mx", 1, "example.com"], "."); // => mx.1.example.com
       echo array_join(["a", "b"]); // => ab
    """
    return _joined("array_join", array, separator)


@builtin("implode")
def implode(separator: String, array: Array) -> String:
    """The older name of :func:`array_join`, with the separator first.

    :param string separator: what stands between two values
    :param array array: strings, numbers and booleans
    :return: the string
    :rtype: string

    .. code-block:: hsl

       echo implode(", ", ["a", "b"]); // => a, b
    """
    return _joined("implode", array, separator)


@builtin("array_keys")
def array_keys(array: Array) -> Array:
    """The keys of an array.

    :param array array: the array
    :return: its keys, in order
    :rtype: array

    .. code-block:: hsl

       echo array_keys(["size" => 10, "8bitmime" => true]); // => [0=>"size",1=>"8bitmime"]
    """
    return listed(arrays.keys(array), array)


@builtin("array_map")
def array_map(callback: Callback, array: Array) -> Array:
    """What a callback makes of each value of an array.

    :param function callback: a function of one argument, the value
    :param array array: the array
    :return: the results, under the keys of the values
    :rtype: array

    .. code-block:: hsl

       echo array_map(function ($x) { return $x * 2; }, [1, 2, 3]); // => [0=>2,1=>4,2=>6]
       echo array_map(strtoupper, ["a" => "b"]); // => ["a"=>"B"]
    """
    change = callback.accepting(1)
    if isinstance(array, list):
        return [change(value) for value in paced(array, array)]
    return Map((key, change(value)) for key, value in paced(array.items(), array))


@builtin("array_range", aliases=("range",))
def array_range(start: Number, stop: Number, step: Number = 1) -> Array:
    """The numbers from a start up to, but without, a stop.

    A negative step counts down.

    :param number start: the first number
    :param number stop: where to end; it is not part of the range
    :param number step: the distance between two numbers, not 0
    :return: the numbers
    :rtype: array

    .. code-block:: hsl

       echo array_range(0, 3); // => [0=>0,1=>1,2=>2]
       echo array_range(3, 0, -1); // => [0=>3,1=>2,2=>1]
       echo array_range(0, 1, 0.5); // => [0=>0,1=>0.5]
    """
    for name, value in (("start", start), ("stop", stop), ("step", step)):
        if not isfinite(value):
            raise Fault(
                f'array_range() parameter "{name}" must be a finite number, {literal(value)} given'
            )
    if step == 0:
        raise Fault('array_range() parameter "step" must not be 0')
    exact = (stop - start) / step
    if exact <= 0:
        return []
    check_array(exact)
    numbers = range(ceil(exact))
    return [float(start + number * step) for number in paced(numbers, numbers)]


#: Tells "left out" from none, which may be an initial value.
_LEFT_OUT: Final[Any] = object()


@builtin("array_reduce")
def array_reduce(callback: Callback, array: Array, initial: Value = _LEFT_OUT) -> Value:
    """Bring the values of an array down to a single one, from the first to the last.

    The callback takes what it returned before and the next value.  Without an
    initial value it starts with the first two; an array of one value is then
    that value, and an empty array is an error.

    :param function callback: a function of two arguments, the carry and the value
    :param array array: the array
    :param any initial: what to start from
    :return: the last result
    :rtype: any

    .. code-block:: hsl

       echo array_reduce(function ($sum, $x) { return $sum + $x; }, [1, 2, 3]); // => 6
       echo array_reduce(function ($sum, $x) { return $sum + $x; }, [], 0); // => 0
    """
    combine = callback.accepting(2)
    rest = iter(paced(arrays.values(array), array))
    if initial is _LEFT_OUT:
        for first in rest:
            carry = first
            break
        else:
            raise Fault("array_reduce() of an empty array needs an initial value")
    else:
        carry = initial
    for value in rest:
        carry = combine(carry, value)
    return carry


@builtin("array_reverse")
def array_reverse(array: Array) -> Array:
    """An array in reverse order.

    String keys stay with their values; the other values are numbered anew.

    :param array array: the array
    :return: its items, last first
    :rtype: array

    .. code-block:: hsl

       echo array_reverse([1, 2, 3]); // => [0=>3,1=>2,2=>1]
       echo array_reverse(["a" => 1, "b" => 2]); // => ["b"=>2,"a"=>1]
    """
    if isinstance(array, list):
        return array[::-1]
    return arrays.renumbered(paced(reversed(array.items()), array))


@builtin(
    "array_sort",
    options={"keys": Option((BOOLEAN,), False, "Sort by the keys instead of the values")},
)
def array_sort(callback: Callback, array: Array, options: Options = NO_OPTIONS) -> Array:
    """Sort an array by a callback that tells what comes first.

    Every value keeps its key.  Values of which neither is less than the other
    stay in their order.

    :param function callback: a function of two arguments that returns true if the
        first one is less than the second
    :param array array: the array
    :param array options: an options array
    :return: the sorted array
    :rtype: array

    .. code-block:: hsl

       echo array_sort(function ($a, $b) { return $a < $b; }, [2, 3, 1]); // => [2=>1,0=>2,1=>3]
       echo array_sort(function ($a, $b) { return $a > $b; }, [2, 3, 1]); // => [1=>3,0=>2,2=>1]
    """
    less = callback.accepting(2)
    keys = listed(arrays.keys(array), array)
    values = listed(arrays.values(array), array)
    positions = order(keys if options["keys"] else values, less)
    return arrays.from_pairs((keys[at], values[at]) for at in paced(positions, positions))


@builtin("array_values")
def array_values(array: Array) -> Array:
    """The values of an array, numbered from 0.

    :param array array: the array
    :return: its values, in order
    :rtype: array

    .. code-block:: hsl

       echo array_values(["a" => 1, "b" => 2]); // => [0=>1,1=>2]
    """
    return listed(arrays.values(array), array)


FUNCTIONS = (
    array_every, array_filter, array_find, array_includes, array_join, array_keys, array_map,
    array_range, array_reduce, array_reverse, array_sort, array_values, implode,
)  # fmt: skip
