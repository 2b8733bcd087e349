"""From a host to a client that is ready for mail."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    connectProtocol,
)
from twisted.internet.error import ConnectError, ConnectingCancelledError, DNSLookupError

from smtpgate.smtp.nexthop.channel import Channel, NextHopError
from smtpgate.smtp.nexthop.client import Client
from smtpgate.smtp.nexthop.opening import HandshakeError, Identity, Login, Manners, open_session
from smtpgate.transports.clienttls import ClientTLS
from smtpgate.transports.hosts import Host


class Connector:
    """Connects to the hosts of one transport, all in the same manner."""

    def __init__(self, reactor: Any, manners: Manners, tls: ClientTLS) -> None:
        self._reactor = reactor
        self._manners = manners
        self._tls = tls

    async def connect(
        self, host: Host, identity: Identity, seconds: float, login: Login | None = None
    ) -> Client:
        """Connect and get ready within so many seconds.

        TLS that is only opportunistic and fails is done without: by another connection, since
        nobody knows in what state the first one is (RFC 7435 3).

        :raises NextHopError: when that host cannot be used
        """
        until = self._reactor.seconds() + seconds
        creator = self._tls.creator(host.name)
        try:
            return await self._connect(host, identity, until, creator, login)
        except HandshakeError:
            if self._manners.tls != "opportunistic":
                raise
            return await self._connect(host, identity, until, None, login)

    async def _connect(
        self,
        host: Host,
        identity: Identity,
        until: float,
        creator: object | None,
        login: Login | None,
    ) -> Client:
        manners = self._manners
        channel = Channel(self._reactor, manners.timeouts.block)
        left = max(0.0, until - self._reactor.seconds())
        endpoint = self._endpoint(host, min(manners.timeouts.connect, left))
        try:
            await connectProtocol(endpoint, channel)  # type: ignore[no-untyped-call]
        except ConnectingCancelledError:
            raise CancelledError from None
        except (ConnectError, DNSLookupError, OSError) as error:
            raise NextHopError(f"cannot connect: {error}") from None
        channel.until = until
        offered = await open_session(channel, manners, creator, identity, login)
        channel.until = 0.0
        return Client(
            channel,
            offered,
            manners.timeouts,
            lmtp=manners.lmtp,
            authenticated=login is not None,
        )

    def _endpoint(self, host: Host, seconds: float) -> Any:
        if ":" in host.name:
            return TCP6ClientEndpoint(  # type: ignore[no-untyped-call]
                self._reactor, host.name, host.port, seconds
            )
        if host.name.replace(".", "").isdigit():
            return TCP4ClientEndpoint(self._reactor, host.name, host.port, seconds)
        return HostnameEndpoint(self._reactor, host.name.encode("idna"), host.port, seconds)
