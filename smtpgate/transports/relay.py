"""Mail to a next hop while the client waits: the next hop's answers are the client's.

Rules that this file keeps:

* Nothing is stored here, and nothing is answered that the next hop has not answered.
* Another host is tried as long as no recipient was accepted; from then on the transaction stands
  and falls with its host.
* A message that was begun and is given up never gets its last dot: the connection is dropped.
* A 421 says something about our connection, not about the client's: it becomes a 451.
* After the last dot, an answer that does not come is a 451: the client sends again, and whoever
  has the message already gets it twice. Losing it is the other choice.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from smtpgate.smtp.channel import NextHopError
from smtpgate.smtp.client import Client
from smtpgate.smtp.clock import Clock
from smtpgate.smtp.opening import Identity, Login, LoginRefused, Manners
from smtpgate.smtp.reply import Reply, worst
from smtpgate.smtp.session import Connection, Recipient, Transaction
from smtpgate.transports.clienttls import ClientTLS
from smtpgate.transports.connector import Connector
from smtpgate.transports.hosts import Health, Host, Hosts, HostsUnknown
from smtpgate.transports.pool import Full, Pool

_log = Logger(namespace="smtpgate.relay")

NO_HOST = Reply(451, ("No next hop can be reached, try again later",), (4, 4, 1))
NO_ROUTE = Reply(451, ("The next hop cannot be looked up, try again later",), (4, 4, 3))
BUSY = Reply(451, ("Too many connections to the next hop, try again later",), (4, 4, 5))
LOST = Reply(451, ("The connection to the next hop was lost, try again later",), (4, 4, 2))


class Relay:
    """SMTP or LMTP to the first of several hosts that can be reached.

    :param reactor: IReactorTCP and IReactorTime
    :param connections: to the next hops at a time
    :param idle_timeout: seconds that a connection is kept for another message
    """

    #: The default transport's next hop is asked about MAIL, not only about the first RCPT.
    answers_mail = True

    def __init__(
        self,
        name: str,
        hosts: Hosts,
        manners: Manners,
        tls: ClientTLS,
        reactor: Any,
        connections: int = 100,
        idle_timeout: float = 10.0,
    ) -> None:
        self.name = name
        self.hosts = hosts
        self.manners = manners
        self.clock: Clock = reactor
        self.connector = Connector(reactor, manners, tls)
        self.health = Health(reactor)
        # What DNS says is not proved, so a certificate for that proves nothing, RFC 8689 4.2.1.
        self.keeps_tls = manners.tls in ("required", "implicit") and not hosts.by_mx
        self.resetting: set[Client] = set()
        self.pool = Pool(reactor, connections, idle_timeout)

    def begin(self, connection: Connection, transaction: Transaction) -> RelayDelivery:
        return RelayDelivery(self, connection)

    def close(self) -> Deferred[object]:
        """Say goodbye to next hops that wait for another message; fires when they are gone.

        Those that have not answered a reset yet are dropped.
        """
        resetting = list(self.resetting)
        closed: list[Deferred[Any]] = [client.channel.closed() for client in resetting]
        for client in resetting:
            client.drop("closing")
        closed.append(self.pool.close())
        return DeferredList(closed).addCallback(lambda _: None)


class RelayDelivery:
    """One transaction at one next hop."""

    def __init__(self, relay: Relay, connection: Connection) -> None:
        self._relay = relay
        self._connection = connection
        self._transaction: Transaction | None = None
        self._identity = Identity()
        if relay.manners.xclient or relay.manners.proxy_protocol:
            # Then a connection speaks for one client, and no other may use it.
            self._identity = Identity.of(connection)
        self._login = relay.manners.login
        if relay.manners.pass_auth and connection.credentials is not None:
            self._login = Login(*connection.credentials)
        self._candidates: deque[Host] | None = None
        self._host: Host | None = None
        self._client: Client | None = None
        self._place = False
        self._reused = False
        self._fresh = False  # idle connections are not to be trusted any more
        self._until = 0.0
        self._recipients: list[Recipient] = []
        self._problem: NextHopError | None = None

    # What the session calls

    def mail(self, transaction: Transaction) -> Deferred[Reply]:
        self._transaction = transaction
        return Deferred.fromCoroutine(self._begin())

    def rcpt(self, recipient: Recipient) -> Deferred[Reply]:
        return Deferred.fromCoroutine(self._rcpt(recipient))

    def data(self) -> Deferred[Reply]:
        return Deferred.fromCoroutine(self._data())

    def write(self, octets: bytes) -> Deferred[Any] | None:
        return None if self._client is None else self._client.write(octets)

    def finish(self) -> Deferred[Reply]:
        return Deferred.fromCoroutine(self._finish())

    def abort(self) -> None:
        client, self._client = self._client, None
        if client is None:
            self._leave()
        elif client.usable and self._problem is None:
            Deferred.fromCoroutine(self._reset(client))
        else:
            client.drop("given up")
            self._leave()

    # Finding a host

    async def _begin(self, last: Reply | None = None) -> Reply:
        """MAIL, at the first host that answers it.

        :param last: what the last host has said, if it was lost before
        """
        relay, transaction = self._relay, self._transaction
        assert transaction is not None
        self._until = relay.clock.seconds() + relay.manners.timeouts.greeting
        try:
            while (client := await self._ready()) is not None:
                refusal = client.refuses(transaction.sender_params)
                if refusal is not None:
                    self._release(client)
                    return refusal
                self._client = client
                try:
                    reply = await self._mail(client, transaction)
                except NextHopError as error:
                    self._client = None
                    last = error.reply
                    self._gave_way(error, stale=self._reused)
                    continue
                if not reply.positive:
                    self._client = None
                    self._release(client)
                return for_client(reply)
        except Full:
            return BUSY
        except LoginRefused as error:
            assert error.reply is not None
            return for_client(error.reply)
        except HostsUnknown as error:
            _log.warn("relay {relay}: {problem}", relay=relay.name, problem=str(error))
            return NO_ROUTE
        return NO_HOST if last is None else temporary(last)

    async def _mail(self, client: Client, transaction: Transaction) -> Reply:
        forwarded = Identity.of(self._connection) if self._relay.manners.xforward else None
        return await client.mail(transaction, forwarded, self._connection.username is not None)

    async def _ready(self) -> Client | None:
        """A client that is ready; None when no host is left."""
        relay = self._relay
        if not self._place:
            await relay.pool.enter(self._left())
            self._place = True
        if self._candidates is None:
            self._candidates = deque(await relay.hosts.candidates())
        while self._candidates:
            host = self._host = self._candidates[0]
            idle = None if self._fresh else relay.pool.take((host, self._identity, self._login))
            if idle is not None:
                self._reused = True
                return idle
            self._reused = False
            if relay.health.rests(host):
                self._candidates.popleft()
                continue
            began = relay.clock.seconds()
            try:
                client = await relay.connector.connect(
                    host, self._identity, self._left() / len(self._candidates), self._login
                )
            except LoginRefused as error:
                if not relay.manners.pass_auth:
                    self._gave_way(error, stale=False)
                    continue
                self._leave()
                raise  # the client's own account: it is the one to be told
            except NextHopError as error:
                relay.health.failed(host, relay.clock.seconds() - began)
                self._gave_way(error, stale=False)
                continue
            relay.health.works(host)
            return client
        self._leave()
        return None

    def _left(self) -> float:
        """Seconds that are left for finding a host."""
        return max(0.0, self._until - self._relay.clock.seconds())

    def _gave_way(self, error: NextHopError, stale: bool) -> None:
        """A host is of no use for this transaction, or an idle connection to it was stale."""
        assert self._candidates is not None
        if stale:
            self._fresh = True
            return
        self._candidates.popleft()
        _log.warn(
            "relay {relay}: {host}: {problem}",
            relay=self._relay.name,
            host=str(self._host),
            problem=error.reason,
        )

    # The transaction

    async def _rcpt(self, recipient: Recipient) -> Reply:
        while True:
            if self._problem is not None:
                return self._lost(self._problem)
            client = self._client
            if client is None:  # the host was lost, and the next one has refused the sender
                return NO_HOST
            try:
                reply = await client.rcpt(recipient.mailbox, recipient.params)
            except NextHopError as error:
                if self._recipients:
                    return self._lost(error)
                self._client = None
                self._gave_way(error, stale=False)
                reply = await self._begin(error.reply)
                if not reply.positive:
                    return reply
                continue
            if reply.positive:
                self._recipients.append(recipient)
            return for_client(reply)

    async def _data(self) -> Reply:
        client = self._client
        if client is None or self._problem is not None:
            return LOST
        try:
            reply = await client.data()
        except NextHopError as error:
            return self._lost(error)
        return for_client(reply)

    async def _finish(self) -> Reply:
        client = self._client
        assert client is not None
        try:
            replies = await client.end()
        except NextHopError as error:
            reply = self._lost(error)
        else:
            reply = self._fold(replies)
        self._client = None
        self._release(client)
        return reply

    def _fold(self, replies: list[Reply]) -> Reply:
        """One answer for a message: the worst, so that 250 means that everybody has it.

        LMTP answers for each recipient, RFC 2033 4.2. When they disagree, the log says who has
        the message.
        """
        if len({reply.positive for reply in replies}) > 1:
            assert self._transaction is not None
            for recipient, reply in zip(self._recipients, replies, strict=True):
                _log.warn(
                    "relay {relay}: {id}: recipients disagree: <{recipient}>: {code} {text}",
                    relay=self._relay.name,
                    id=self._transaction.id,
                    recipient=recipient.mailbox.text,
                    code=reply.code,
                    text=reply.text,
                )
        return for_client(worst(replies))

    def _lost(self, error: NextHopError) -> Reply:
        """The host has failed with recipients accepted: what the client is told."""
        if self._problem is None:
            self._problem = error
            _log.warn(
                "relay {relay}: {host}: {problem}",
                relay=self._relay.name,
                host=str(self._host),
                problem=error.reason,
            )
        return LOST if error.reply is None else temporary(error.reply)

    # The end

    async def _reset(self, client: Client) -> None:
        resetting = self._relay.resetting
        resetting.add(client)
        try:
            await client.reset()
        except NextHopError:
            client.drop("given up")
        finally:
            resetting.discard(client)
        self._release(client)

    def _release(self, client: Client) -> None:
        """The connection may serve another transaction."""
        self._relay.pool.keep((self._host, self._identity, self._login), client)
        self._leave()

    def _leave(self) -> None:
        if self._place:
            self._place = False
            self._relay.pool.leave()


def for_client(reply: Reply) -> Reply:
    """A next hop's answer with an enhanced code, since we have promised those (RFC 2034 4)."""
    if reply.enhanced is not None or reply.code // 100 == 3:
        return reply
    return Reply(reply.code, reply.lines, (reply.code // 100, 0, 0))


def temporary(reply: Reply) -> Reply:
    """A refusal that ends a connection, as the answer to a command: a 421 becomes a 451."""
    if reply.code != 421:
        return for_client(reply)
    enhanced = reply.enhanced if reply.enhanced is not None else (4, 4, 2)
    return Reply(451, reply.lines, enhanced)
