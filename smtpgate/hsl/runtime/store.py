"""What executions share: the cache, barriers with their variables, shared memory, and rates.

:class:`Store` is narrow and its values are plain data, so that a store can be
served to several processes.  Its methods answer at once or give a Deferred, whose
result may be :class:`Sealed`; callers settle any of these (:meth:`Execution.settle`).
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

#: Answer where there is no value; ``None`` is a value.
ABSENT: Any = object()


class Sealed:
    """An answer that takes time to read: whoever has asked does it, with turns for others.

    :param read: gives the answer
    """

    __slots__ = ("read",)

    def __init__(self, read: Callable[[], Any]) -> None:
        self.read = read


@dataclass(frozen=True, slots=True)
class CacheSlot:
    """Where a result lives: a bucket of at most ``size`` entries, and the key in it."""

    bucket: str
    key: str
    size: int
    lru: bool


class Store(Protocol):
    """Times are seconds of whatever clock the caller goes by."""

    def cache_begin(self, slot: CacheSlot, now: float, ready: Callable[[], None]) -> Any:
        """The cached value, or ``ABSENT`` and the caller must work and then ``cache_end``;
        ``None`` in a 1-tuple is a value.  While another works on it: ``ready`` is called
        when that one has ended, and the answer is :data:`BUSY`."""

    def cache_claim(self, slot: CacheSlot, ready: Callable[[], None]) -> Any:
        """As ``cache_begin``, but what is cached does not count."""

    def cache_old(self, slot: CacheSlot) -> Any:
        """The value that a miss replaces, or ``ABSENT``."""

    def cache_end(self, slot: CacheSlot, value: Any, now: float, ttl: float) -> Any:
        """End the work begun; ``value`` is kept for ``ttl`` seconds, ``ABSENT`` is not kept."""

    def cache_clear(self, bucket: str) -> Any:
        """Forget a bucket."""

    def barrier_enter(self, name: str, ticket: object, granted: Callable[[], None]) -> Any:
        """True if entered; else queued, and ``granted`` is called once it is entered."""

    def barrier_forget(self, name: str, ticket: object) -> Any:
        """Leave the queue, or the barrier without writing its variable."""

    def barrier_value(self, name: str) -> Any:
        """The shared variable, or ``ABSENT``."""

    def barrier_leave(self, name: str, ticket: object, value: Any) -> Any:
        """Write the shared variable (``ABSENT`` removes it) and let the next one in."""

    def barrier_write(self, name: str, value: Any) -> Any:
        """Write the shared variable (``ABSENT`` removes it) and stay inside: it is for those who
        are."""

    def rate_add(self, namespace: str, entry: str, count: int, interval: float, now: float) -> Any:
        """True and counted if fewer than ``count`` lie within ``interval`` seconds; else False."""

    def rate_count(self, namespace: str, entry: str, interval: float, now: float) -> Any:
        """How many lie within ``interval`` seconds."""


BUSY: Any = object()


@dataclass(slots=True)
class _Entry:
    value: Any
    expires: float


@dataclass(slots=True)
class _Bucket:
    entries: OrderedDict[str, _Entry] = field(default_factory=OrderedDict)
    working: dict[str, list[Callable[[], None]]] = field(default_factory=dict)


@dataclass(slots=True)
class _Barrier:
    holder: object | None = None
    queue: deque[tuple[object, Callable[[], None]]] = field(default_factory=deque)


@dataclass(slots=True)
class _Rate:
    """When something happened; kept for the longest interval that anybody asks for."""

    times: deque[float] = field(default_factory=deque)
    longest: float = 0.0

    def within(self, interval: float, now: float) -> int:
        """How many times lie within ``interval`` seconds."""
        self.longest = max(self.longest, interval)
        return sum(time > now - interval for time in self.times)

    def room(self, count: int, interval: float, now: float) -> bool:
        """Whether fewer than ``count`` lie within ``interval``; what is over is forgotten."""
        times = self.times
        self.longest = max(self.longest, interval)
        while times and times[0] <= now - self.longest:
            times.popleft()
        return len(times) < count or (
            interval < self.longest and self.within(interval, now) < count
        )

    def is_over(self, now: float) -> bool:
        """Whether the last time is so long ago that nobody will ask for it: a day at least."""
        return not self.times or self.times[-1] < now - max(self.longest, 86_400)


class MemoryStore:
    """A :class:`Store` within one process."""

    def __init__(self) -> None:
        self._buckets: dict[str, _Bucket] = {}
        self._barriers: dict[str, _Barrier] = {}
        self._values: dict[str, Any] = {}
        self._rates: dict[tuple[str, str], _Rate] = {}
        self._rate_calls = 0
        self._cache_ends = 0

    # --- cache ---------------------------------------------------------------

    def cache_begin(self, slot: CacheSlot, now: float, ready: Callable[[], None]) -> Any:
        bucket = self._buckets.setdefault(slot.bucket, _Bucket())
        entry = bucket.entries.get(slot.key)
        if entry is not None and entry.expires > now:
            if slot.lru:
                bucket.entries.move_to_end(slot.key)
            return (entry.value,)
        return self.cache_claim(slot, ready)

    def cache_claim(self, slot: CacheSlot, ready: Callable[[], None]) -> Any:
        bucket = self._buckets.setdefault(slot.bucket, _Bucket())
        waiting = bucket.working.get(slot.key)
        if waiting is not None:
            waiting.append(ready)
            return BUSY
        bucket.working[slot.key] = []
        return ABSENT

    def cache_old(self, slot: CacheSlot) -> Any:
        bucket = self._buckets.get(slot.bucket)
        entry = bucket.entries.get(slot.key) if bucket is not None else None
        return ABSENT if entry is None else entry.value

    def cache_end(self, slot: CacheSlot, value: Any, now: float, ttl: float) -> None:
        self._cache_ends += 1
        if self._cache_ends % 1024 == 0:
            self._sweep_buckets(now)
        bucket = self._buckets.setdefault(slot.bucket, _Bucket())
        if value is not ABSENT and ttl > 0 and slot.size > 0:
            self._make_room(bucket, slot, now)
            if slot.key in bucket.entries or len(bucket.entries) < slot.size:
                bucket.entries[slot.key] = _Entry(value, now + ttl)
                bucket.entries.move_to_end(slot.key)
        for ready in bucket.working.pop(slot.key, ()):
            ready()

    @staticmethod
    def _make_room(bucket: _Bucket, slot: CacheSlot, now: float) -> None:
        # The smallest size among the calls that share a bucket rules (manual: cache).
        room = slot.size - (slot.key not in bucket.entries)
        if len(bucket.entries) <= room:
            return
        for key in [key for key, entry in bucket.entries.items() if entry.expires <= now]:
            if key != slot.key:
                del bucket.entries[key]
        if slot.lru:
            for key in list(bucket.entries)[: max(0, len(bucket.entries) - room)]:
                del bucket.entries[key]

    def _sweep_buckets(self, now: float) -> None:
        """Forget buckets whose values are over since an hour: each message may have its own."""
        over = now - 3600
        for name, bucket in list(self._buckets.items()):
            if not bucket.working and all(e.expires < over for e in bucket.entries.values()):
                del self._buckets[name]

    def cache_clear(self, bucket: str) -> None:
        found = self._buckets.get(bucket)
        if found is not None:
            found.entries.clear()

    # --- barriers ------------------------------------------------------------

    def barrier_enter(self, name: str, ticket: object, granted: Callable[[], None]) -> bool:
        barrier = self._barriers.setdefault(name, _Barrier())
        if barrier.holder is None:
            barrier.holder = ticket
            return True
        barrier.queue.append((ticket, granted))
        return False

    def barrier_forget(self, name: str, ticket: object) -> None:
        barrier = self._barriers.get(name)
        if barrier is None:
            return
        if barrier.holder is ticket:
            self._next(name, barrier)
        else:
            barrier.queue = deque(item for item in barrier.queue if item[0] is not ticket)

    def barrier_value(self, name: str) -> Any:
        return self._values.get(name, ABSENT)

    def barrier_leave(self, name: str, ticket: object, value: Any) -> None:
        barrier = self._barriers[name]
        if barrier.holder is not ticket:
            return
        self.barrier_write(name, value)
        self._next(name, barrier)

    def barrier_write(self, name: str, value: Any) -> None:
        if value is ABSENT:
            self._values.pop(name, None)
        else:
            self._values[name] = value

    def _next(self, name: str, barrier: _Barrier) -> None:
        if not barrier.queue:
            del self._barriers[name]
            return
        barrier.holder, granted = barrier.queue.popleft()
        granted()

    # --- rates ---------------------------------------------------------------

    def rate_add(self, namespace: str, entry: str, count: int, interval: float, now: float) -> bool:
        rate = self._rates.get((namespace, entry))
        if rate is None:
            rate = _Rate()
        if not rate.room(count, interval, now):
            return False
        rate.times.append(now)
        self._rates[namespace, entry] = rate
        self._rate_calls += 1
        if self._rate_calls % 1024 == 0:
            self._sweep(now)
        return True

    def rate_count(self, namespace: str, entry: str, interval: float, now: float) -> int:
        rate = self._rates.get((namespace, entry))
        return 0 if rate is None else rate.within(interval, now)

    def _sweep(self, now: float) -> None:
        """Forget entries of which nothing counts any more, so that a gateway can run for years."""
        for key in [key for key, rate in self._rates.items() if rate.is_over(now)]:
            del self._rates[key]
