"""Connections to next hops: how many there are at a time, and those that wait for another message.

A place belongs to a delivery from its MAIL to its end. Idle connections have no place: when all
places and idle connections together are as many as there may be, the oldest idle one goes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred, DeferredList, succeed

from smtpgate.smtp.client import Client
from smtpgate.smtp.clock import Clock, Timer


class Full(Exception):
    """There was no place in time."""


class _Idle(NamedTuple):
    key: Hashable
    client: Client
    timer: Timer


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
        self._idle: list[_Idle] = []  # the oldest first
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

    def enter(self, seconds: float) -> Deferred[None]:
        """Take a place; errbacks with :class:`Full` when none gets free in time."""
        if self._active < self._limit:
            self._active += 1
            self._make_room()
            return succeed(None)
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
        for index in range(len(self._idle) - 1, -1, -1):
            if self._idle[index].key == key:
                idle = self._idle.pop(index)
                idle.timer.cancel()
                if idle.client.usable:
                    idle.client.channel.on_problem = None
                    return idle.client
        return None

    def keep(self, key: Hashable, client: Client) -> None:
        """A connection is idle; the caller gives its place back next."""
        if not client.usable:
            client.drop("not usable any more")
        elif self._closed or not self._idle_timeout:
            self._dismiss(client)
        else:
            timer = self._clock.callLater(self._idle_timeout, self._expired, client)
            self._idle.append(_Idle(key, client, timer))
            client.channel.on_problem = lambda: self._lost(client)

    def close(self) -> Deferred[object]:
        """Dismiss what is idle, now and from now on; fires when those sockets are closed."""
        self._closed = True
        for idle in list(self._idle):
            self._forget(idle.client)
            self._dismiss(idle.client)
        return DeferredList(list(self._leaving))  # type: ignore[return-value]

    def _make_room(self) -> None:
        while self._idle and self._active + len(self._idle) > self._limit:
            oldest = self._idle[0].client
            self._forget(oldest)
            self._dismiss(oldest)

    def _expired(self, client: Client) -> None:
        self._forget(client)
        self._dismiss(client)

    def _lost(self, client: Client) -> None:
        """An idle connection was closed by the next hop."""
        self._forget(client)

    def _forget(self, client: Client) -> None:
        for idle in self._idle:
            if idle.client is client:
                self._idle.remove(idle)
                client.channel.on_problem = None
                if idle.timer.active():
                    idle.timer.cancel()
                return

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
