"""The way of one transaction to a next hop: a place in the pool, then one host after the other.

Rules that this file keeps:

* Hosts are tried in order, each with a connection that is idle before a new one.
* All hosts together have the time of :attr:`Timeouts.greeting`, each an equal part of what is left.
* An idle connection that turns out to be gone is no failure of its host: a new one is made.
* Whoever has a place gives it back, by :meth:`Search.release` or :meth:`Search.leave`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from smtpgate.smtp.answers import when
from smtpgate.smtp.connection.clock import Clock
from smtpgate.smtp.nexthop.channel import NextHopError
from smtpgate.smtp.nexthop.client import Client
from smtpgate.smtp.nexthop.opening import Identity, Login, LoginRefused, Manners
from smtpgate.transports.hosts import Health, Host, Hosts
from smtpgate.transports.pool import Pool

if TYPE_CHECKING:
    from smtpgate.transports.connector import Connector

Key = tuple[Host, Identity, Login | None]
_log = Logger(namespace="smtpgate.relay")


@dataclass(slots=True)
class Ways:
    """What all searches of one transport share."""

    name: str
    clock: Clock
    manners: Manners
    hosts: Hosts
    health: Health
    connector: Connector
    pool: Pool


class Search:
    """See the rules above.

    :param identity: whom the connection is to speak for
    :param login: the account at the next hop
    """

    __slots__ = (
        "_fresh", "_hosts", "_identity", "_key", "_login", "_place", "_reused", "_tried", "_until",
        "_ways",
    )  # fmt: skip

    def __init__(self, ways: Ways, identity: Identity, login: Login | None) -> None:
        self._ways = ways
        self._identity = identity
        self._login = login
        self._hosts: Sequence[Host] | None = None
        self._tried = 0  # hosts of those that are out
        self._key: Key  # the present host, and for whom it is
        self._place = False
        self._reused = False
        self._fresh = False  # idle connections are not to be trusted any more
        self._until = 0.0

    def start(self) -> None:
        """From now on the time for finding a host runs."""
        ways = self._ways
        self._until = ways.clock.seconds() + ways.manners.timeouts.greeting

    def client(self) -> Client | Deferred[Client | None] | None:
        """A connection that is ready for mail; None when no host is left.

        :raises Full: when there is no place in time
        :raises HostsUnknown: when DNS does not say which hosts there are
        :raises LoginRefused: when the next hop does not take the client's own account
        """
        if self._place:
            return self._look()
        return when(self._ways.pool.enter(self._left()), self._entered)

    def _entered(self, _: None) -> Client | Deferred[Client | None] | None:
        self._place = True
        return self._look()

    def _look(self) -> Client | Deferred[Client | None] | None:
        if self._hosts is not None:
            return self._next()
        return when(self._ways.hosts.candidates(), self._found)

    def _found(self, hosts: Sequence[Host]) -> Client | Deferred[Client | None] | None:
        self._hosts = hosts
        return self._next()

    def _next(self) -> Client | Deferred[Client | None] | None:
        ways, hosts = self._ways, self._hosts
        assert hosts is not None
        while self._tried < len(hosts):
            host = hosts[self._tried]
            key = self._key = host, self._identity, self._login
            idle = None if self._fresh else ways.pool.take(key)
            if idle is not None:
                self._reused = True
                return idle
            self._reused = False
            if not ways.health.rests(host):
                return Deferred.fromCoroutine(self._connect(host)).addCallback(self._connected)
            self._tried += 1
        self.leave()
        return None

    async def _connect(self, host: Host) -> Client | None:
        """A new connection; None when the host cannot be used."""
        ways, began = self._ways, self._ways.clock.seconds()
        assert self._hosts is not None
        seconds = self._left() / (len(self._hosts) - self._tried)
        try:
            client = await ways.connector.connect(host, self._identity, seconds, self._login)
        except LoginRefused as error:
            if ways.manners.pass_auth:
                self.leave()
                raise  # the client's own account: it is the one to be told
            self.failed(error)
            return None
        except NextHopError as error:
            ways.health.failed(host, ways.clock.seconds() - began)
            self.failed(error)
            return None
        ways.health.works(host)
        return client

    def _connected(self, client: Client | None) -> Client | Deferred[Client | None] | None:
        return self._next() if client is None else client

    def _left(self) -> float:
        """Seconds that are left for finding a host."""
        return max(0.0, self._until - self._ways.clock.seconds())

    def gave_way(self, error: NextHopError) -> None:
        """MAIL was not answered: its host is out, unless the connection had been idle."""
        if self._reused:
            self._fresh = True
        else:
            self.failed(error)

    def failed(self, error: NextHopError) -> None:
        """The present host is out."""
        self._tried += 1
        self.report(error)

    def report(self, error: NextHopError) -> None:
        """Tell the log what is wrong with the present host."""
        _log.warn(
            "relay {relay}: {host}: {problem}",
            relay=self._ways.name,
            host=str(self._key[0]),
            problem=error.reason,
        )

    def release(self, client: Client) -> None:
        """The connection may serve another transaction."""
        self._ways.pool.keep(self._key, client)
        self.leave()

    def leave(self) -> None:
        """Nothing more is wanted."""
        if self._place:
            self._place = False
            self._ways.pool.leave()
