"""A worker's side of the store: the supervisor has it, and is asked.

The variable of a barrier is touched by nobody but who is inside.  So it comes with the entrance,
is read and written here, and goes back with the exit; a process that dies inside leaves it as it
was.  What needs no answer is only told: the supervisor carries it out in the order of telling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.store import ABSENT, BUSY, CacheSlot, Sealed
from smtpgate.workers import commands
from smtpgate.workers.codec import decode, encode


@dataclass(slots=True)
class _Ticket:
    name: str
    number: int
    granted: Callable[[], None]
    inside: bool = False


class RemoteStore:
    """A :class:`~smtpgate.hsl.runtime.store.Store` at the other end of a connection.

    Whoever waits when the connection is lost gets a :class:`Fault`.

    :param ask: says something to the supervisor, as AMP's ``callRemote``
    """

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask
        self._numbers = count(1)
        self._ready: dict[int, Callable[[], None]] = {}
        self._tickets: dict[tuple[str, object], _Ticket] = {}
        self._queued: dict[int, _Ticket] = {}
        #: The variables of the barriers that somebody here is in; and those that were written.
        self._inside: dict[str, bytes | None] = {}
        self._written: set[str] = set()

    # What the supervisor says

    def ready(self, number: int) -> None:
        """Work for the cache has ended, which a request waits for."""
        ready = self._ready.pop(number, None)
        if ready is not None:
            ready()

    def granted(self, number: int, value: bytes | None) -> None:
        """A ticket is in its barrier."""
        ticket = self._queued.pop(number, None)
        if ticket is not None:  # else it was given up, and the supervisor will hear of that
            self._enter(ticket, value)
            ticket.granted()

    # The cache

    def cache_begin(self, slot: CacheSlot, now: float, ready: Callable[[], None]) -> Any:
        return self._begin(slot, now, False, ready)

    def cache_claim(self, slot: CacheSlot, ready: Callable[[], None]) -> Any:
        return self._begin(slot, 0.0, True, ready)

    def _begin(
        self, slot: CacheSlot, now: float, force: bool, ready: Callable[[], None]
    ) -> Deferred[Any]:
        number = next(self._numbers)
        self._ready[number] = ready
        answer: Deferred[Any] = Deferred()

        def came(response: dict[str, Any]) -> None:
            state = response["state"]
            if state != commands.WORKING or answer.called:
                del self._ready[number]
            if answer.called:
                # The script was cancelled meanwhile.
                if state == commands.CLAIMED:
                    self.cache_end(slot, ABSENT, 0.0, 0.0)
            elif state == commands.FOUND:
                answer.callback(Sealed(lambda: (decode(response["value"]),)))
            else:
                answer.callback(ABSENT if state == commands.CLAIMED else BUSY)

        def failed(failure: Failure) -> None:
            del self._ready[number]
            if not answer.called:
                answer.errback(_lost(failure))

        asked = self._ask(commands.CacheBegin, **_slot(slot), number=number, now=now, force=force)
        asked.addCallbacks(came, failed)
        return answer

    def cache_old(self, slot: CacheSlot) -> Any:
        return self._value(self._ask(commands.CacheOld, **_slot(slot)))

    def cache_end(self, slot: CacheSlot, value: Any, now: float, ttl: float) -> None:
        octets = None
        try:
            if value is not ABSENT:
                octets = encode(value)
        finally:
            # Others wait for the end, also if there is no value to give them.
            self._ask(commands.CacheEnd, **_slot(slot), value=octets, now=now, ttl=ttl)

    def cache_clear(self, bucket: str) -> None:
        self._ask(commands.CacheClear, bucket=bucket.encode())

    # Barriers

    def barrier_enter(self, name: str, ticket: object, granted: Callable[[], None]) -> Any:
        number = next(self._numbers)
        mine = self._tickets[name, ticket] = _Ticket(name, number, granted)
        answer: Deferred[bool] = Deferred()

        def came(response: dict[str, Any]) -> None:
            if self._tickets.get((name, ticket)) is not mine:
                return  # it was given up, and the supervisor has heard of that
            if response["entered"]:
                self._enter(mine, response["value"])
            else:
                self._queued[number] = mine
            if not answer.called:
                answer.callback(response["entered"])

        def failed(failure: Failure) -> None:
            self._tickets.pop((name, ticket), None)
            if not answer.called:
                answer.errback(_lost(failure))

        asked = self._ask(commands.BarrierEnter, name=name.encode(), number=number)
        asked.addCallbacks(came, failed)
        return answer

    def _enter(self, ticket: _Ticket, value: bytes | None) -> None:
        ticket.inside = True
        self._inside[ticket.name] = value

    def barrier_forget(self, name: str, ticket: object) -> None:
        mine = self._tickets.get((name, ticket))
        if mine is None:
            return
        if mine.inside and name in self._written:
            self._leave(mine, ticket, self._inside[name])
        else:
            self._out(mine, ticket)
            self._ask(commands.BarrierForget, name=name.encode(), number=mine.number)

    def barrier_leave(self, name: str, ticket: object, value: Any) -> None:
        try:
            octets = None if value is ABSENT else encode(value)
        except BaseException:
            self.barrier_forget(name, ticket)
            raise
        mine = self._tickets.get((name, ticket))
        if mine is not None and mine.inside:
            self._leave(mine, ticket, octets)

    def _leave(self, mine: _Ticket, ticket: object, octets: bytes | None) -> None:
        self._out(mine, ticket)
        name = mine.name.encode()
        self._ask(commands.BarrierLeave, name=name, number=mine.number, value=octets)

    def _out(self, mine: _Ticket, ticket: object) -> None:
        del self._tickets[mine.name, ticket]
        self._queued.pop(mine.number, None)
        if mine.inside:
            del self._inside[mine.name]
            self._written.discard(mine.name)

    def barrier_value(self, name: str) -> Any:
        if name in self._inside:
            return _decoded(self._inside[name])
        return self._value(self._ask(commands.BarrierValue, name=name.encode()))

    def barrier_write(self, name: str, value: Any) -> None:
        self._inside[name] = None if value is ABSENT else encode(value)
        self._written.add(name)

    # Rates

    def rate_add(self, namespace: str, entry: str, count: int, interval: float, now: float) -> Any:
        asked = self._ask(
            commands.RateAdd,
            namespace=namespace.encode(),
            entry=entry.encode(),
            count=count,
            interval=interval,
            now=now,
        )
        return asked.addCallbacks(lambda response: response["allowed"], _lost)

    def rate_count(self, namespace: str, entry: str, interval: float, now: float) -> Any:
        asked = self._ask(
            commands.RateCount,
            namespace=namespace.encode(),
            entry=entry.encode(),
            interval=interval,
            now=now,
        )
        return asked.addCallbacks(lambda response: response["count"], _lost)

    @staticmethod
    def _value(asked: Any) -> Any:
        return asked.addCallbacks(
            lambda response: Sealed(lambda: _decoded(response["value"])), _lost
        )


def _slot(slot: CacheSlot) -> dict[str, Any]:
    return {
        "bucket": slot.bucket.encode(),
        "key": slot.key.encode(),
        "size": slot.size,
        "lru": slot.lru,
    }


def _decoded(octets: bytes | None) -> Any:
    return ABSENT if octets is None else decode(octets)


def _lost(failure: Failure) -> Failure:
    """A connection that is gone, in a script's words; who was cancelled knows why."""
    if isinstance(failure.value, CancelledError):
        return failure
    fault = Fault("what sessions share is out of reach: the supervisor is gone")
    return Failure(fault)  # type: ignore[no-untyped-call]
