"""One running script: its budget, its output, and what it shares with others."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from functools import cached_property
from itertools import chain, count
from operator import length_hint
from typing import TYPE_CHECKING, Any

from greenlet import GreenletExit, getcurrent

from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.errors import Fault, ScriptBudgetError, ScriptCancelled
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.limits.resident import resident
from smtpgate.hsl.runtime.environment import IMPLICIT_END, Environment, Outcome
from smtpgate.hsl.runtime.signals import Cancelled, Exhausted, Signal, Terminated
from smtpgate.hsl.runtime.store import Sealed
from smtpgate.hsl.runtime.tracing import Reentered, translate
from smtpgate.hsl.runtime.waiting import OUTLIVED, Suspendable, time_message
from smtpgate.hsl.values import Function, Map, Value, to_string

if TYPE_CHECKING:
    from smtpgate.hsl.runtime import Script

#: Seconds a script may have the reactor for itself.
TURN = 0.002
#: What a script's trial gives when the script has to begin anew, in a worker.
AGAIN = object()
_FIRST_BATCH = 8
_LARGEST_BATCH = 256


class Execution(Suspendable):
    """Builtins whose first parameter is named ``execution`` receive it."""

    # What only a script has that counts steps, is large, or calls functions through values.
    _steps = 0
    _batch = _FIRST_BATCH
    #: When it last looked at the clock, and when its present turn began.
    _ticked = _turned = 0.0
    #: The steps of the present batch; emptied when the script ends.
    _granted: list[None] | None = None
    _steps_left: Iterator[None] = iter(())
    #: What loops and calls draw on, once the first has asked for it (``turns``).
    supply: Iterator[None] | None = None
    # Octets of the process when this turn began, 0 before the first look; and those that
    # it has grown by in all turns before.
    _resident = 0
    _grown = 0
    _bound: dict[str, Function] | None = None

    def __init__(
        self, script: Script, variables: MutableMapping[str, Value], environment: Environment
    ) -> None:
        # What every evaluation pays for; what only some need is made when they do.
        self.script = script
        self.variables = variables
        self.environment = environment
        self.started = environment.clock.seconds()

    @cached_property
    def active(self) -> set[Any]:
        """What is being called through values: a function among them is not called again."""
        return set()

    @cached_property
    def barriers(self) -> set[str]:
        """Names of the barriers this script is in."""
        return set()

    def perform(self) -> None:
        ACTIVE.limits, ACTIVE.running = self.environment.limits, self
        try:
            value = self.script.main(self, self.variables)
            self.outcome = IMPLICIT_END if value is None else Outcome(value)
        except Terminated as end:
            self.outcome = Outcome(end.value)
        except GreenletExit:
            raise
        except (Exception, Signal) as error:  # noqa: BLE001 - every error of a script is reported
            self.failure = translate(error, self.script)
        finally:
            self._close()

    def run_directly(self, code: Callable[[Execution, MutableMapping[str, Value]], Any]) -> Any:
        """Run without a worker.

        :param code: a script that never waits and never loops, or the trial of one that may
        :return: the outcome; ``None`` if the trial says that it takes a worker, and has done
            nothing
        """
        ACTIVE.limits, ACTIVE.running = self.environment.limits, self
        try:
            value = code(self, self.variables)
            if value is AGAIN:
                return None
            return IMPLICIT_END if value is None else Outcome(value)
        except Terminated as end:
            return Outcome(end.value)
        except (Exception, Signal) as error:
            raise translate(error, self.script) from error
        finally:
            self._close()

    def _close(self) -> None:
        """What the script has made and left behind cannot go on in its name."""
        self.closed = True
        if self.supply is not None:
            self.supply = None
            if self._granted:
                self._granted.clear()
        if ACTIVE.running is self:
            ACTIVE.running = None

    def stopped(self, signal: Signal) -> Exception:
        if isinstance(signal, Cancelled):
            return ScriptCancelled()
        return ScriptBudgetError(str(signal), self.script.position)

    def turns(self) -> Iterator[None]:
        """Loops and function calls take one item each; every batch passes a tick.

        All of them draw on the same supply, which is made for the first one.

        An iterator that C code steps costs a loop less than a counter would.
        """
        supply = self.supply
        if supply is None:
            self._steps = self.environment.limits.steps
            self._ticked = self._turned = self._turned or self.started
            supply = self.supply = chain.from_iterable(map(self.tick, count()))
        return supply

    __iter__ = turns

    def tick(self, _number: int) -> Iterator[None]:
        """Charge a batch of steps, look at the clock, let the reactor have its turn."""
        if self.closed:
            raise Fault(OUTLIVED)
        steps = self._steps
        if steps <= 0:
            limit = self.environment.limits.steps
            raise Exhausted(f"the script took more than its limit of {limit} steps")
        now = self.environment.clock.seconds()
        if now >= self.deadline:
            raise Exhausted(time_message(self.environment.limits))
        spent = now - self._ticked
        batch = self._batch
        if spent > TURN:
            batch = max(1, batch // 8)
        elif spent * 4 < TURN and batch < _LARGEST_BATCH:
            batch *= 2
        if now - self._turned >= TURN:
            now = self._next_turn()
        self._ticked = now
        self._batch = batch
        batch = min(batch, steps)
        self._steps = steps - batch
        self._granted = [None] * batch
        self._steps_left = iter(self._granted)
        return self._steps_left

    def _next_turn(self) -> float:
        """Give way; the time when the script has the reactor again."""
        self._weigh()
        self.give_way()
        self._resident = resident()
        self._turned = self.environment.clock.seconds()
        return self._turned

    def hurry(self) -> None:
        left = length_hint(self._steps_left)
        if left:
            # What is left of the batch is given back, and the next step is a tick.
            self._steps += left
            assert self._granted is not None
            self._granted.clear()

    def pause(self) -> None:
        worker = self._worker
        if self.closed or (worker is not None and getcurrent() is not worker):
            return
        now = self.environment.clock.seconds()
        if now >= self.deadline:
            raise Exhausted(time_message(self.environment.limits))
        if now - (self._turned or self.started) < TURN:
            return
        if worker is None:
            # It cannot give way now, but the script's next run will.
            self.script.direct = None
        else:
            self._next_turn()

    def _weigh(self) -> None:
        """Charge what the process has grown by: in a turn, nobody else can have made it grow.

        A script's first 2 ms are free: to look takes longer than most scripts.
        """
        if self._resident:
            self._grown += resident() - self._resident
            most = self.environment.limits.memory
            if self._grown > most:
                raise Exhausted(f"the script took more than its limit of {most} octets of memory")

    def echo(self, value: Value) -> None:
        self.environment.echo(to_string(value), self)

    def settle(self, answer: Any) -> Any:
        """An answer of the store, waited for if it is a Deferred, and read if it is sealed."""
        if hasattr(answer, "addCallbacks"):
            answer = self.wait(answer)
            if isinstance(answer, Sealed):
                return answer.read()
        return answer

    def message(self) -> str:
        """What tells this message from others, for a cache per message.

        :raises Fault: where there is no message
        """
        for name in ("messageid", "transaction"):
            if name in (*self.script.context.readonly, *self.script.context.writable):
                found = self.variables[name]
                if isinstance(found, str):
                    return found
                if isinstance(found, Map) and isinstance(found.get("id"), str):
                    return str(found["id"])
        raise Fault("there is no message here to cache for")

    def bound(self, function: Builtin) -> Function:
        """A builtin as a value that needs nothing but the script's arguments."""
        if not (function.needs_execution or function.terminates):
            return function
        if self._bound is None:
            self._bound = {}
        found = self._bound.get(function.name)
        if found is None:
            code = function.code

            def call(*arguments: Value) -> Value:
                result = code(self, *arguments) if function.needs_execution else code(*arguments)
                if function.terminates:
                    raise Terminated(result)
                return result

            found = Function(function.name, call, function.least, function.most)
            self._bound[function.name] = found
        return found

    def enter(self, key: Any, name: str) -> None:
        """Note that a function is being called through a value or an object.

        :raises Fault: if it is running already
        """
        active = self.active
        if key in active:
            raise Reentered(f"{name}() calls itself: recursion is not allowed")
        if len(active) >= self.environment.limits.depth:
            raise Exhausted(f"the script nests more than {self.environment.limits.depth} calls")
        active.add(key)
