"""A worker's side of a port that several accept from: one connection wakes one worker.

Usually the kernel wakes everybody who waits for a socket, and all but one find nothing there.  With
EPOLLEXCLUSIVE it wakes the first in the queue, and who has accepted goes to its end, so that
connections go round.  Where there is no such thing (other reactors) all are woken, which is right
too, and only costs more.
"""

from __future__ import annotations

import select
from typing import Any

_EXCLUSIVE = getattr(select, "EPOLLEXCLUSIVE", 0)


class Door:
    """Reads for a listening port (IReadDescriptor)."""

    def __init__(self, reactor: Any, port: Any) -> None:
        self._reactor = reactor
        self._port = port
        poller = getattr(reactor, "_poller", None)
        epoll = getattr(select, "epoll", ())
        self._poller: Any = poller if _EXCLUSIVE and isinstance(poller, epoll) else None

    def open(self) -> None:
        """Accept from now on."""
        self._reactor.addReader(self)
        self._queue()

    def close(self) -> None:
        """Accept no more."""
        self._poller = None
        self._reactor.removeReader(self)

    def _queue(self) -> None:
        """Go to the end of the queue; whoever comes meanwhile is seen on the way in."""
        if self._poller is not None:
            number = self._port.fileno()
            self._poller.unregister(number)
            self._poller.register(number, select.EPOLLIN | _EXCLUSIVE)

    # What the reactor asks

    def fileno(self) -> int:
        """The listening socket."""
        number: int = self._port.fileno()
        return number

    def doRead(self) -> None:
        """Somebody is there, or was."""
        self._port.doRead()
        self._queue()

    def connectionLost(self, reason: Any) -> None:
        """The reactor ends; the port is the supervisor's."""

    def logPrefix(self) -> str:
        """Who is in the log, when accepting fails."""
        prefix: str = self._port.logPrefix()
        return prefix
