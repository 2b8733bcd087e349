"""One deadline for one connection, moved often and looked at seldom.

A connection waits for its client thousands of times and is late at most once.  So moving the
deadline only writes a number down; a timer that fires too early sets itself again.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpgate.smtp.connection.clock import Clock, Timer


def _nothing() -> None:
    """Nobody is late any more."""


class Deadline:
    """Calls ``late`` once the time set by :meth:`set` has come, unless it was moved or cleared.

    :param session: the latest time ever, in the clock's seconds; 0: none
    """

    __slots__ = ("_call", "_clock", "_due", "_late", "at", "session")

    def __init__(self, clock: Clock, late: Callable[[], None]) -> None:
        self._clock = clock
        self._late = late
        self._call: Timer | None = None
        self._due = 0.0  # when the timer looks
        self.at = 0.0
        self.session = 0.0

    def set(self, seconds: float) -> None:
        """Be late in so many seconds, or at the end of the session if that is earlier."""
        now = self._clock.seconds()
        self.at = now + seconds
        if 0 < self.session < self.at:
            self.at = max(self.session, now)
        if self._call is not None:
            if self._due <= self.at:
                return
            # A reset to an earlier time has the reactor look through the timers of all connections.
            self._call.cancel()
        self._due = self.at
        self._call = self._clock.callLater(self.at - now, self._look)

    def clear(self) -> None:
        """There is nothing to be late for; the timer stays for the next time."""
        self.at = 0.0

    def stop(self) -> None:
        """The connection is over: nothing is late any more, whatever is set."""
        self.at = 0.0
        # What is late for it may hold it in turn: then only the collector would find them.
        self._late = _nothing
        if self._call is not None:
            self._call.cancel()
            self._call = None

    def _look(self) -> None:
        self._call = None
        if not self.at:
            return
        left = self.at - self._clock.seconds()
        if left > 0:
            self._due = self.at
            self._call = self._clock.callLater(left, self._look)
        else:
            self.at = 0.0
            self._late()
