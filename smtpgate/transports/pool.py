"""Connections to next hops: how many there are at a time, and those that wait for another message.

A place belongs to a delivery from its MAIL to its end. Idle connections have no place: when all
places and idle connections together are as many as there may be, the oldest idle one goes.
One timer looks at the oldest now and then; keeping a connection and taking it set none.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred, DeferredList

from smtpgate.smtp.connection.clock import Clock
from smtpgate.smtp.connection.deadlines import Deadline
from smtpgate.smtp.nexthop.client import Client


class Full(Exception):
    """There was no place in time."""


class _Idle(NamedTuple):
    key: Hashable
    until: float


class Pool:
    """The connections of one transport.

    :param limit: at a time
    :param idle_timeout: seconds that an idle connection is kept; 0: not at all
    """

    def __init__(self, clock: Clock, limit: int, idle_timeout: float) -> None:
        self._clock = clock
        self._limit = limit
        self._idle_timeout = idle_timeout
        self._active = 0
        self._idle: dict[Client, _Idle] = {}  # the oldest first
        self._ready: dict[Hashable, dict[Client, None]] = {}  # the same by their keys
        self._deadline = Deadline(clock, self._expire)
        self._queue: deque[Deferred[None]] = deque()
        self._leaving: set[Deferred[None]] = set()
        self._closed = False

    @property
    def active(self) -> int:
        """Places that are taken."""
        return self._active

    @property
    def idle(self) -> int:
        """Connections that wait for another message."""
        return len(self._idle)

    def enter(self, seconds: float) -> Deferred[None] | None:
        """Take a place, now or when one gets free; errbacks with :class:`Full` if not in time."""
        if self._active < self._limit:
            self._active += 1
            self._make_room()
            return None
        place: Deferred[None] = Deferred(self._cancelled)
        self._queue.append(place)
        timer = self._clock.callLater(seconds, self._too_late, place)

        def done(result: object) -> object:
            if timer.active():
                timer.cancel()
            return result

        place.addBoth(done)
        return place

    def leave(self) -> None:
        """Give a place back; whoever waits longest gets it."""
        if self._queue:
            self._queue.popleft().callback(None)
        else:
            self._active -= 1

    def take(self, key: Hashable) -> Client | None:
        """An idle connection, the youngest there is; the caller has a place for it."""
        ready = self._ready.get(key)
        if ready is None:
            return None
        client = next(reversed(ready))
        self._forget(client)
        return client

    def keep(self, key: Hashable, client: Client) -> None:
        """A connection is idle; the caller gives its place back next."""
        if not client.usable:
            client.drop("not usable any more")
        elif self._closed or not self._idle_timeout:
            self._dismiss(client)
        else:
            self._idle[client] = _Idle(key, self._clock.seconds() + self._idle_timeout)
            self._ready.setdefault(key, {})[client] = None
            client.channel.on_problem = lambda: self._forget(client)
            if not self._deadline.at:
                self._deadline.set(self._idle_timeout)

    def close(self) -> Deferred[object]:
        """Dismiss what is idle, now and from now on; fires when those sockets are closed."""
        self._closed = True
        self._deadline.stop()
        for client in list(self._idle):
            self._forget(client)
            self._dismiss(client)
        return DeferredList(list(self._leaving))  # type: ignore[return-value]

    def _make_room(self) -> None:
        while self._idle and self._active + len(self._idle) > self._limit:
            oldest = next(iter(self._idle))
            self._forget(oldest)
            self._dismiss(oldest)

    def _expire(self) -> None:
        """The oldest may have been idle for too long, if it is still the one that it was."""
        now = self._clock.seconds()
        for client, idle in list(self._idle.items()):
            if idle.until > now:
                self._deadline.set(idle.until - now)
                break
            self._forget(client)
            self._dismiss(client)

    def _forget(self, client: Client) -> None:
        """A connection is idle no longer: it is taken, lost or sent away."""
        key = self._idle.pop(client).key
        ready = self._ready[key]
        del ready[client]
        if not ready:
            del self._ready[key]
        client.channel.on_problem = None

    def _dismiss(self, client: Client) -> None:
        closed = client.channel.closed()
        self._leaving.add(closed)
        closed.addCallback(lambda _: self._leaving.discard(closed))
        client.quit()

    def _cancelled(self, place: Deferred[None]) -> None:
        self._queue.remove(place)
        place.errback(CancelledError())

    def _too_late(self, place: Deferred[None]) -> None:
        self._queue.remove(place)
        place.errback(Full())
