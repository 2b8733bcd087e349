"""``cache`` and ``barrier``: what scripts share through the environment's store."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import MAX_DEPTH
from smtpgate.hsl.limits.turns import paced
from smtpgate.hsl.operations.reading import ABSENT as NO_VALUE
from smtpgate.hsl.runtime.store import ABSENT, BUSY, CacheSlot
from smtpgate.hsl.runtime.waiting import Gate
from smtpgate.hsl.values import (
    Function,
    Map,
    Value,
    a_type,
    describe,
    literal,
    type_name,
    with_article,
)
from smtpgate.hsl.values.arrays import get, has, pairs

if TYPE_CHECKING:
    from smtpgate.hsl.runtime.execution import Execution

_TTL = 60.0
_SIZE = 32.0
#: Items of an array without arrays that is gone through again rather than remembered.
_FEW = 16


def plain(value: Value, what: str) -> Value:
    """``value`` if it is data: what is shared must not lead back into one execution.

    :raises Fault: if there is a function or an object in it
    """
    _check(value, what, 0, set())
    return value


def _check(value: Value, what: str, depth: int, seen: set[int]) -> None:
    """``seen`` are the arrays that were gone through: one that is held often is not again."""
    if isinstance(value, (list, Map)):
        if id(value) in seen:
            return
        if len(value) > _FEW or any(isinstance(item, (list, Map)) for _, item in pairs(value)):
            seen.add(id(value))
        if depth > MAX_DEPTH:
            raise Fault(f"the array is nested too deeply to be {what}")
        for key, item in paced(pairs(value), value):
            if key.__class__ is not str and key.__class__ is not int:
                _check(key, what, depth + 1, seen)
            if item.__class__ is not str and item.__class__ is not float:
                _check(item, what, depth + 1, seen)
    elif not _scalar(value):
        raise Fault(f"{a_type(value)} cannot be {what}")


def _scalar(value: Value) -> bool:
    return value is None or isinstance(value, (bool, float, int, str))


class _Options:
    """The options of one ``cache``, checked."""

    def __init__(self, given: dict[str, Value]) -> None:
        self.ttl = _number(given, "ttl", _TTL)
        self.size = _number(given, "size", _SIZE)
        self.namespace = _of_type(given, "namespace", "string", "")
        self.force: bool = _of_type(given, "force", "boolean", False)
        self.lru: bool = _of_type(given, "lru", "boolean", True)
        self.per_message: bool = _of_type(given, "per_message", "boolean", False)
        self.ttl_override: Any = _of_type(given, "ttl_override", "array", [])
        self.ttl_function: Function | None = _of_type(given, "ttl_function", "function", None)
        self.update: Function | None = _of_type(given, "update_function", "function", None)
        self.argv_filter: Any = _of_type(given, "argv_filter", "array", None)

    def ttl_of(self, value: Value) -> float:
        if self.ttl_function is not None:
            return _seconds(self.ttl_function.accepting(1)(value), "ttl_function")
        if self.ttl_override and _scalar(value) and has(self.ttl_override, value):
            return _seconds(get(self.ttl_override, value), "ttl_override")
        return self.ttl

    def key(self, values: list[Value]) -> str:
        """The arguments that tell one entry from another, as text."""
        chosen = values
        if self.argv_filter is not None:
            chosen = []
            for _, index in pairs(self.argv_filter):
                number = _seconds(index, "argv_filter")
                if not 1 <= number <= len(values):
                    raise Fault(f"argv_filter names argument {literal(index)}, which is not given")
                chosen.append(values[int(number) - 1])
        return literal([plain(value, "used as the key of a cache") for value in chosen])


def _of_type(given: dict[str, Value], name: str, kind: str, default: Any) -> Any:
    if name not in given:
        return default
    value = given[name]
    if type_name(value) != kind:
        wanted = with_article(kind)
        raise Fault(f"the cache option {name} must be {wanted}, {describe(value)} given")
    return value


def _number(given: dict[str, Value], name: str, default: float) -> float:
    return float(_of_type(given, name, "number", default))


def _seconds(value: Value, name: str) -> float:
    if type_name(value) != "number":
        raise Fault(f"the cache option {name} must give a number, {describe(value)} given")
    return float(value)


def cached(
    execution: Execution, given: dict[str, Value], function: Function, values: list[Value]
) -> Value:
    """``cache [options] function(values)``: its result, kept from an earlier call if possible.

    Two executions that miss at the same time run the function once.
    """
    code = function.accepting(len(values))
    options = _Options(given)
    bucket = f"{_namespace(execution, options)}\0{function.name}"
    size = int(max(0.0, min(options.size, 1e9)))
    slot = CacheSlot(bucket, options.key(values), size, options.lru)
    store, settle = execution.environment.store, execution.settle
    clock = execution.environment.clock
    while True:
        gate = Gate()
        found = settle(store.cache_begin(slot, clock.seconds(), gate.open))
        if isinstance(found, tuple):
            if not options.force:
                return found[0]
            found = settle(store.cache_claim(slot, gate.open))
        if found is not BUSY:
            break
        gate.wait(execution)
    value: Any = ABSENT
    ttl = 0.0
    try:
        result = code(*values)
        if options.update is not None:
            old = settle(store.cache_old(slot))
            result = options.update.accepting(2)(None if old is ABSENT else old, result)
        ttl = options.ttl_of(result)
        value = plain(result, "cached")
    finally:
        # Others may be waiting for this result, also if there is none.
        settle(store.cache_end(slot, value, clock.seconds(), ttl))
    return value


def _namespace(execution: Execution, options: _Options) -> str:
    if options.per_message:
        return f"{execution.message()}\0{options.namespace}"
    return str(options.namespace)


class Barrier:
    """``barrier name => $variable { ... }`` as a context manager.

    ``value`` is the shared variable, or the mark for "no value".
    """

    def __init__(self, execution: Execution, name: Value) -> None:
        if name.__class__ is not str:
            raise Fault(f"the name of a barrier must be a string, {describe(name)} given")
        self._execution = execution
        self._name: str = name
        self.value: Any = _UNREAD

    def __enter__(self) -> Barrier:
        execution, name = self._execution, self._name
        if name in execution.barriers:
            raise Fault(f"the script is in the barrier {literal(name)} already")
        store = execution.environment.store
        gate = Gate()
        try:
            if not execution.settle(store.barrier_enter(name, self, gate.open)):
                gate.wait(execution)
        except BaseException:
            # Cancelled, or out of time, in the queue.
            store.barrier_forget(name, self)
            raise
        execution.barriers.add(name)
        found = execution.settle(store.barrier_value(name))
        self.value = self._before = NO_VALUE if found is ABSENT else found
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        execution, name = self._execution, self._name
        execution.barriers.discard(name)
        store = execution.environment.store
        if self.value is self._before:
            # Nothing to write: what memory functions wrote inside stays.
            store.barrier_forget(name, self)
            return
        try:
            value = self.value if self.value is NO_VALUE else plain(self.value, "shared")
        except Fault:
            store.barrier_forget(name, self)
            raise
        store.barrier_leave(name, self, ABSENT if value is NO_VALUE else value)


_UNREAD: Any = object()
