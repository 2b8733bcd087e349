"""Memory that all scripts of the gateway share (later manuals: Shared memory).

A key is the name of a barrier, and its value that barrier's variable: each
function is in the barrier while it works, so that what a callback returns is
written before another script sees the old value.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smtpgate.hsl.builtin import Boolean, Callback, Number, String, Value, builtin
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.runtime.sharing import plain
from smtpgate.hsl.runtime.store import ABSENT
from smtpgate.hsl.runtime.waiting import Gate
from smtpgate.hsl.values import type_name


class _Cell:
    """A key's value, while nobody else can touch it."""

    def __init__(self, execution: Execution, key: str) -> None:
        self._execution = execution
        self._store = execution.environment.store
        self._key = key

    def read(self) -> Any:
        return self._execution.settle(self._store.barrier_value(self._key))

    def write(self, value: Any) -> None:
        """:raises Fault: if the value is no plain data"""
        kept = value if value is ABSENT else plain(value, "shared")
        self._execution.settle(self._store.barrier_write(self._key, kept))


@contextmanager
def _inside(execution: Execution, key: str) -> Iterator[_Cell]:
    """Be in the barrier of a key; a script that is in it already just goes on."""
    cell = _Cell(execution, key)
    if key in execution.barriers:
        yield cell
        return
    store = execution.environment.store
    gate = Gate()
    try:
        if not execution.settle(store.barrier_enter(key, cell, gate.open)):
            gate.wait(execution)
        execution.barriers.add(key)
        yield cell
    finally:
        execution.barriers.discard(key)
        store.barrier_forget(key, cell)


@builtin("memory_add", waits=True)
def memory_add(execution: Execution, key: String, value: Value) -> Boolean:
    """Store a value, unless the key has one.

    :param string key: the key
    :param any value: the value: no function, no object
    :return: true if it was stored
    :rtype: boolean

    .. code-block:: hsl

       echo memory_add("first", 10); // => 1
       echo memory_add("first", 20); // => 0
    """
    with _inside(execution, key) as cell:
        if cell.read() is not ABSENT:
            return False
        cell.write(value)
        return True


def _count(execution: Execution, key: str, offset: float) -> float | None:
    with _inside(execution, key) as cell:
        value = cell.read()
        if value is ABSENT:
            value = 0.0
        if type_name(value) != "number":
            return None
        counted = float(value + offset)
        cell.write(counted)
        return counted


@builtin("memory_dec", waits=True)
def memory_dec(execution: Execution, key: String, offset: Number = 1.0) -> Number | None:
    """Subtract from a number; a key without a value begins with 0.

    :param string key: the key
    :param number offset: how much
    :return: the new number; none if the value is no number, which stays
    :rtype: number or none

    .. code-block:: hsl

       echo memory_dec("free places"); // => -1
    """
    return _count(execution, key, -offset)


@builtin("memory_delete", waits=True)
def memory_delete(execution: Execution, key: String, callback: Callback | None = None) -> Boolean:
    """Forget a key.

    :param string key: the key
    :param function callback: called with the key and the value, if there is one
    :return: true if there was one
    :rtype: boolean

    .. code-block:: hsl

       memory_store("once", "this");
       echo memory_delete("once", function ($key, $value) { echo $value; });
       // => this
       // => 1
       echo memory_delete("once"); // => 0
    """
    with _inside(execution, key) as cell:
        value = cell.read()
        if value is ABSENT:
            return False
        cell.write(ABSENT)
        if callback is not None:
            callback.accepting(2)(key, value)
        return True


@builtin("memory_exists", waits=True)
def memory_exists(execution: Execution, key: String, callback: Callback | None = None) -> Boolean:
    """Whether a key has a value, which may be none.

    :param string key: the key
    :param function callback: called with the key and the value, if there is one
    :return: true if it has
    :rtype: boolean

    .. code-block:: hsl

       memory_store("nothing", none);
       echo memory_exists("nothing"); // => 1
       echo memory_exists("unheard of"); // => 0
    """
    with _inside(execution, key) as cell:
        value = cell.read()
        if value is ABSENT:
            return False
        if callback is not None:
            callback.accepting(2)(key, value)
        return True


@builtin("memory_fetch", waits=True)
def memory_fetch(execution: Execution, key: String, callback: Callback | None = None) -> Value:
    """The value of a key.

    :param string key: the key
    :param function callback: called with the key if it has no value; what it
        returns is the result, and is not stored
    :return: the value; none if there is neither value nor callback
    :rtype: any

    .. code-block:: hsl

       function load($key) {
           $value = str_upper($key);
           memory_store($key, $value);
           return $value;
       }
       echo memory_fetch("colour", load); // => COLOUR
       echo memory_fetch("colour"); // => COLOUR
    """
    with _inside(execution, key) as cell:
        value = cell.read()
        if value is not ABSENT:
            return value
        return None if callback is None else callback.accepting(1)(key)


@builtin("memory_inc", waits=True)
def memory_inc(execution: Execution, key: String, offset: Number = 1.0) -> Number | None:
    """Add to a number; a key without a value begins with 0.

    :param string key: the key
    :param number offset: how much
    :return: the new number; none if the value is no number, which stays
    :rtype: number or none

    .. code-block:: hsl

       echo memory_inc("visits"); // => 1
       echo memory_inc("visits", 10); // => 11
    """
    return _count(execution, key, offset)


@builtin("memory_store", waits=True)
def memory_store(
    execution: Execution, key: String, value: Value, callback: Callback | None = None
) -> Boolean:
    """Give a key a value.

    The memory is the gateway's: it is empty after a restart, and a key stays
    until it is deleted.  Keys that clients choose, such as addresses, belong
    into a ``cache`` or a :func:`rate`, which forget.

    :param string key: the key; a ``barrier`` of this name has the same variable
    :param any value: the value: no function, no object
    :param function callback: called with the key and the value that is
        overwritten, if there is one
    :return: true if there was one
    :rtype: boolean

    .. code-block:: hsl

       echo memory_store("mode", "calm"); // => 0
       echo memory_store("mode", "busy"); // => 1
       barrier "mode" => $mode { echo $mode; } // => busy
    """
    with _inside(execution, key) as cell:
        before = cell.read()
        cell.write(value)
        if before is ABSENT:
            return False
        if callback is not None:
            callback.accepting(2)(key, before)
        return True


@builtin("memory_update", waits=True)
def memory_update(
    execution: Execution, key: String, value: Value, callback: Callback, initial: Value = ABSENT
) -> Boolean:
    """Change the value of a key to what a function makes of it.

    The function gets the key, the value as it is and ``value``; no other script
    sees or changes the key before it has returned.  If it fails nothing changes.

    :param string key: the key
    :param any value: what the function gets
    :param function callback: returns the new value
    :param any initial: the value as it is if there is none; if it is left out
        nothing happens then
    :return: true if there was a value
    :rtype: boolean

    .. code-block:: hsl

       $append = function ($key, $list, $item) { $list[] = $item; return $list; };
       echo memory_update("guests", "jo", $append); // => 0
       echo memory_update("guests", "jo", $append, []); // => 0
       echo memory_update("guests", "sam", $append); // => 1
       echo memory_fetch("guests"); // => [0=>"jo",1=>"sam"]
    """
    with _inside(execution, key) as cell:
        before = cell.read()
        current = initial if before is ABSENT else before
        if current is ABSENT:
            return False
        cell.write(callback.accepting(3)(key, current, value))
        return before is not ABSENT


FUNCTIONS = (
    memory_add,
    memory_dec,
    memory_delete,
    memory_exists,
    memory_fetch,
    memory_inc,
    memory_store,
    memory_update,
)
