"""The reactor of ``smtpgate start``: Twisted's for epoll, with less around each event.

Twisted gives every event a log context of its own, so that a log line can say from which protocol
it comes: a tenth of what a short session costs.  Our lines name their session themselves.

And it tells when all events of a turn have been dealt with, see
:mod:`smtpgate.smtp.connection.turn`.
"""

from __future__ import annotations

import sys

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.main import installReactor
from twisted.logger import Logger

from smtpgate.smtp.connection.turn import Turn

_log = Logger(namespace="smtpgate")


class GatewayReactor(EPollReactor):
    """Differs from its base in the log context, and in that its turns are told."""

    def doPoll(self, timeout: float | None) -> None:
        """Wait for events, ``timeout`` seconds at most (None: for ever), and deal with them."""
        selectables = self._selectables
        ready = self._poller.poll(-1 if timeout is None else timeout, len(selectables))
        with Turn():
            for descriptor, event in ready:
                selectable = selectables.get(descriptor)
                if selectable is None:  # an event before this one has ended it
                    continue
                try:
                    self._doReadOrWrite(selectable, descriptor, event)  # type: ignore[no-untyped-call]
                except Exception:  # noqa: BLE001 (somebody's connectionLost: the others go on)
                    _log.failure("a connection could not be ended properly")

    doIteration = doPoll


def install() -> None:
    """Make it the process's reactor, unless there is one already."""
    if "twisted.internet.reactor" not in sys.modules:
        installReactor(GatewayReactor())  # type: ignore[no-untyped-call]
