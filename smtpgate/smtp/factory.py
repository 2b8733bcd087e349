"""Makes sessions for one port of a server, and stops them gracefully."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import ServerFactory

from smtpgate.smtp.protocol import SMTPProtocol
from smtpgate.smtp.server import Listener, Server


class Sessions(set[Any]):
    """The open sessions; tells when the last one has gone."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[Deferred[None]] = []

    def discard(self, session: Any) -> None:
        """A session is over."""
        super().discard(session)
        if not self:
            waiting, self._waiting = self._waiting, []
            for empty in waiting:
                empty.callback(None)

    def emptied(self) -> Deferred[None]:
        """Fires when there is no session."""
        if not self:
            return succeed(None)
        empty: Deferred[None] = Deferred()
        self._waiting.append(empty)
        return empty


class SMTPFactory(ServerFactory):
    """One port.  ``server`` may be replaced; open sessions keep the one that they began with."""

    noisy = False

    def __init__(self, server: Server, listener: Listener | None = None) -> None:
        self.server = server
        self.listener = listener or Listener()
        self.sessions = Sessions()

    def buildProtocol(self, addr: IAddress | None) -> SMTPProtocol:
        """A session for a client."""
        protocol = SMTPProtocol(self.server, self.listener, self.sessions)
        protocol.factory = self
        return protocol

    def drain(self, seconds: float) -> Deferred[None]:
        """Stop gracefully: messages that are being taken in are finished, others get 421.

        Close the port first.  What is not finished after ``seconds`` gets 421 too.  The Deferred
        fires when no session is left.
        """
        for session in list(self.sessions):
            session.drain(seconds)
        return self.sessions.emptied()
