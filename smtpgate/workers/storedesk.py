"""The supervisor's side of the store: one worker's requests, and what it holds."""

from __future__ import annotations

from typing import Any

from smtpgate.hsl.runtime.store import ABSENT, BUSY, CacheSlot, Store
from smtpgate.workers import commands
from smtpgate.workers.end import End


class _Ticket:
    """Somebody in a barrier or its queue."""


class StoreDesk(End):
    """Serves a store of octets to one worker.

    What the worker holds (barriers, places in queues, work for the cache) is given up by
    :meth:`abandon` when it is gone.
    """

    store: Store

    def __init__(self) -> None:
        super().__init__()
        self._tickets: dict[int, tuple[bytes, _Ticket]] = {}
        self._claimed: dict[tuple[str, str], CacheSlot] = {}

    def abandon(self) -> None:
        """The worker is gone: nobody waits for it any more."""
        tickets, self._tickets = self._tickets, {}
        for name, ticket in tickets.values():
            self.store.barrier_forget(_text(name), ticket)
        claimed, self._claimed = self._claimed, {}
        for slot in claimed.values():
            self.store.cache_end(slot, ABSENT, 0.0, 0.0)

    # The cache

    @commands.CacheBegin.responder
    def cache_begin(
        self,
        bucket: bytes,
        key: bytes,
        size: int,
        lru: bool,
        number: int,
        now: float,
        force: bool,
    ) -> dict[str, Any]:
        slot = CacheSlot(_text(bucket), _text(key), size, lru)

        def ready() -> None:
            self.tell(commands.CacheReady, number=number)

        if force:
            found = self.store.cache_claim(slot, ready)
        else:
            found = self.store.cache_begin(slot, now, ready)
        if found is BUSY:
            return {"state": commands.WORKING}
        if found is ABSENT:
            self._claimed[slot.bucket, slot.key] = slot
            return {"state": commands.CLAIMED}
        return {"state": commands.FOUND, "value": found[0]}

    @commands.CacheOld.responder
    def cache_old(self, bucket: bytes, key: bytes, size: int, lru: bool) -> dict[str, Any]:
        slot = CacheSlot(_text(bucket), _text(key), size, lru)
        return {"value": _optional(self.store.cache_old(slot))}

    @commands.CacheEnd.responder
    def cache_end(
        self,
        bucket: bytes,
        key: bytes,
        size: int,
        lru: bool,
        value: bytes | None,
        now: float,
        ttl: float,
    ) -> dict[str, Any]:
        slot = CacheSlot(_text(bucket), _text(key), size, lru)
        self._claimed.pop((slot.bucket, slot.key), None)
        self.store.cache_end(slot, ABSENT if value is None else value, now, ttl)
        return {}

    @commands.CacheClear.responder
    def cache_clear(self, bucket: bytes) -> dict[str, Any]:
        self.store.cache_clear(_text(bucket))
        return {}

    # Barriers

    @commands.BarrierEnter.responder
    def barrier_enter(self, name: bytes, number: int) -> dict[str, Any]:
        ticket = _Ticket()
        self._tickets[number] = name, ticket
        text = _text(name)

        def granted() -> None:
            self.tell(commands.BarrierGranted, number=number, value=self._variable(text))

        if not self.store.barrier_enter(text, ticket, granted):
            return {"entered": False}
        return {"entered": True, "value": self._variable(text)}

    @commands.BarrierForget.responder
    def barrier_forget(self, name: bytes, number: int) -> dict[str, Any]:
        _, ticket = self._tickets.pop(number)
        self.store.barrier_forget(_text(name), ticket)
        return {}

    @commands.BarrierLeave.responder
    def barrier_leave(self, name: bytes, number: int, value: bytes | None) -> dict[str, Any]:
        _, ticket = self._tickets.pop(number)
        self.store.barrier_leave(_text(name), ticket, ABSENT if value is None else value)
        return {}

    @commands.BarrierValue.responder
    def barrier_value(self, name: bytes) -> dict[str, Any]:
        return {"value": self._variable(_text(name))}

    def _variable(self, name: str) -> bytes | None:
        return _optional(self.store.barrier_value(name))

    # Rates

    @commands.RateAdd.responder
    def rate_add(
        self, namespace: bytes, entry: bytes, count: int, interval: float, now: float
    ) -> dict[str, Any]:
        allowed = self.store.rate_add(_text(namespace), _text(entry), count, interval, now)
        return {"allowed": allowed}

    @commands.RateCount.responder
    def rate_count(
        self, namespace: bytes, entry: bytes, interval: float, now: float
    ) -> dict[str, Any]:
        return {"count": self.store.rate_count(_text(namespace), _text(entry), interval, now)}


def _text(octets: bytes) -> str:
    return octets.decode("utf-8")


def _optional(value: Any) -> bytes | None:
    return None if value is ABSENT else value
