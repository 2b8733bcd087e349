"""What the gateway's ports give to the connections that they accept."""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.trial.unittest import TestCase

from smtpgate.ports import Port, bind


class Accepting(Factory):
    """Tells of the first connection."""

    noisy = False

    def __init__(self) -> None:
        self.accepted: Deferred[socket.socket] = Deferred()

    def buildProtocol(self, addr: Any) -> Protocol:
        accepted = self.accepted

        class Reporting(Protocol):
            def connectionMade(self) -> None:
                accepted.callback(self.transport.getHandle())

        return Reporting()


class ConnectionTests(TestCase):
    """Real sockets."""

    async def test_no_delay(self) -> None:
        """A reply is sent at once, even while the one before it is under way."""
        factory = Accepting()
        port = Port("in", "tcp:0:interface=127.0.0.1", "plain", factory)
        bind(reactor, port)
        self.addCleanup(port.listening.stopListening)
        endpoint = HostnameEndpoint(reactor, "127.0.0.1", port.listening.getHost().port)
        client = await endpoint.connect(Factory.forProtocol(Protocol))
        accepted = await factory.accepted
        self.assertTrue(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        await self.closed(client)

    async def closed(self, client: Protocol) -> None:
        """Nothing is left behind."""
        gone: Deferred[None] = Deferred()
        client.connectionLost = lambda reason: gone.callback(None)  # type: ignore[method-assign]
        client.transport.loseConnection()
        await gone
