"""One end of the connection between supervisor and worker."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.protocol import Factory
from twisted.protocols.amp import AMP, BinaryBoxProtocol

from smtpgate.smtp.connection.writing import write_now


class End(AMP):
    """AMP, on a socket pair that only two processes have."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    def tell(self, command: Any, **arguments: Any) -> Any:
        """Say something; a Deferred of the answer, if there is to be one.

        It fails if the connection is lost before.
        """
        return self.callRemote(command, **arguments)  # type: ignore[no-untyped-call]

    # AMP tells the log of each connection, which nobody needs to know of.

    def makeConnection(self, transport: Any) -> None:
        """The other end is there."""
        BinaryBoxProtocol.makeConnection(self, transport)  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Any = None) -> None:
        """The other end is gone."""
        BinaryBoxProtocol.connectionLost(self, reason)  # type: ignore[no-untyped-call]
        self.transport = None

    def sendBox(self, box: Any) -> None:
        """Write a box at once: somebody waits at the other end."""
        if self.transport is not None:
            write_now(self.transport, box.serialize())


class _Single(Factory):
    """Gives one protocol, made before."""

    noisy = False

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol

    def buildProtocol(self, addr: Any) -> Any:
        return self._protocol


def adopt(reactor: Any, connection: socket.socket, protocol: Any) -> Any:
    """Let a protocol speak over a connection; gives the transport."""
    connection.setblocking(False)
    with connection:  # the transport has a copy
        return reactor.adoptStreamConnection(connection.fileno(), socket.AF_UNIX, _Single(protocol))
