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

from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpgate.smtp.answers import when
from smtpgate.smtp.nexthop.channel import NextHopError
from smtpgate.smtp.nexthop.client import Client
from smtpgate.smtp.nexthop.opening import ANYBODY, Identity, Login, LoginRefused, Manners
from smtpgate.smtp.reply import Reply, worst
from smtpgate.smtp.session import Connection, Recipient, Transaction
from smtpgate.transports.clienttls import ClientTLS
from smtpgate.transports.connector import Connector
from smtpgate.transports.hosts import Health, Hosts, HostsUnknown
from smtpgate.transports.pool import Full, Pool
from smtpgate.transports.search import Search, Ways

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
        self.manners = manners
        # What DNS says is not proved, so a certificate for that proves nothing, RFC 8689 4.2.1.
        self.keeps_tls = manners.tls in ("required", "implicit") and not hosts.by_mx
        self.resetting: set[Client] = set()
        self.pool = Pool(reactor, connections, idle_timeout)
        connector = Connector(reactor, manners, tls)
        self.ways = Ways(name, reactor, manners, hosts, Health(reactor), connector, self.pool)

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

    __slots__ = ("_client", "_connection", "_problem", "_recipients", "_relay", "_search",
                 "_transaction")  # fmt: skip

    def __init__(self, relay: Relay, connection: Connection) -> None:
        self._relay = relay
        self._connection = connection
        manners = relay.manners
        identity, login = ANYBODY, manners.login
        if manners.xclient or manners.proxy_protocol:
            # Then a connection speaks for one client, and no other may use it.
            identity = Identity.of(connection)
        if manners.pass_auth and connection.credentials is not None:
            login = Login(*connection.credentials)
        self._search = Search(relay.ways, identity, login)
        self._transaction: Transaction
        self._client: Client | None = None
        self._recipients: list[Recipient] = []
        self._problem: NextHopError | None = None

    # What the session calls

    def mail(self, transaction: Transaction) -> Reply | Deferred[Reply]:
        self._transaction = transaction
        return self._begin()

    def rcpt(self, recipient: Recipient) -> Reply | Deferred[Reply]:
        if self._problem is not None:
            return self._lost(self._problem)
        if self._client is None:  # the host was lost, and the next one has refused the sender
            return NO_HOST
        answer = self._client.rcpt(recipient.mailbox, recipient.params)
        return answer.addCallbacks(
            partial(self._recipient_answered, recipient),
            partial(self._recipient_not_answered, recipient),
        )

    def data(self) -> Reply | Deferred[Reply]:
        if self._client is None or self._problem is not None:
            return LOST
        return self._client.data().addCallbacks(for_client, self._not_answered)

    def write(self, octets: bytes) -> Deferred[Any] | None:
        return None if self._client is None else self._client.write(octets)

    def finish(self) -> Deferred[Reply]:
        assert self._client is not None
        answers = self._client.end(len(self._recipients))
        return answers.addCallbacks(self._finished, self._not_finished)

    def abort(self) -> None:
        client, self._client = self._client, None
        if client is None:
            self._search.leave()
        elif client.usable and self._problem is None:
            Deferred.fromCoroutine(self._reset(client))
        else:
            client.drop("given up")
            self._search.leave()

    # MAIL

    def _begin(self, last: Reply | None = None) -> Reply | Deferred[Reply]:
        """MAIL, at the first host that answers it.

        :param last: what the last host has said, if it was lost before
        """
        self._search.start()
        return self._offer(last)

    def _offer(self, last: Reply | None) -> Reply | Deferred[Reply]:
        found = self._search.client()
        if isinstance(found, Deferred):
            return found.addCallbacks(partial(self._ask, last), self._nobody_found)
        return self._ask(last, found)

    def _ask(self, last: Reply | None, client: Client | None) -> Reply | Deferred[Reply]:
        if client is None:
            return NO_HOST if last is None else temporary(last)
        transaction, connection = self._transaction, self._connection
        refusal = client.refuses(transaction.sender_params)
        if refusal is not None:
            self._search.release(client)
            return refusal
        self._client = client
        forwarded = Identity.of(connection) if self._relay.manners.xforward else None
        answer = client.mail(transaction, forwarded, connection.username is not None)
        return answer.addCallbacks(self._sender_answered, self._sender_not_answered)

    def _sender_answered(self, reply: Reply) -> Reply:
        if not reply.positive:
            self._over()
        return for_client(reply)

    def _sender_not_answered(self, failure: Failure) -> Reply | Deferred[Reply]:
        error = _next_hop_error(failure)
        self._client = None
        self._search.gave_way(error)
        return self._offer(error.reply)

    def _nobody_found(self, failure: Failure) -> Reply:
        error = failure.value
        if isinstance(error, Full):
            return BUSY
        if isinstance(error, LoginRefused):
            assert error.reply is not None
            return for_client(error.reply)
        failure.trap(HostsUnknown)  # type: ignore[no-untyped-call]
        _log.warn("relay {relay}: {problem}", relay=self._relay.name, problem=str(error))
        return NO_ROUTE

    # RCPT

    def _recipient_answered(self, recipient: Recipient, reply: Reply) -> Reply:
        if reply.positive:
            self._recipients.append(recipient)
        return for_client(reply)

    def _recipient_not_answered(
        self, recipient: Recipient, failure: Failure
    ) -> Reply | Deferred[Reply]:
        error = _next_hop_error(failure)
        if self._recipients:
            return self._lost(error)
        self._client = None
        self._search.failed(error)
        return when(self._begin(error.reply), self._begun_again, recipient)

    def _begun_again(self, recipient: Recipient, reply: Reply) -> Reply | Deferred[Reply]:
        return self.rcpt(recipient) if reply.positive else reply

    # The message

    def _fold(self, replies: list[Reply]) -> Reply:
        """One answer for a message: the worst, so that 250 means that everybody has it.

        LMTP answers for each recipient, RFC 2033 4.2. When they disagree, the log says who has
        the message.
        """
        if len({reply.positive for reply in replies}) > 1:
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

    def _finished(self, replies: list[Reply]) -> Reply:
        self._over()
        return self._fold(replies)

    def _not_finished(self, failure: Failure) -> Reply:
        reply = self._not_answered(failure)
        self._over()
        return reply

    def _over(self) -> None:
        """The present host is done with the transaction: it may serve another one."""
        assert self._client is not None
        client, self._client = self._client, None
        self._search.release(client)

    def _not_answered(self, failure: Failure) -> Reply:
        return self._lost(_next_hop_error(failure))

    def _lost(self, error: NextHopError) -> Reply:
        """The host has failed with recipients accepted: what the client is told."""
        if self._problem is None:
            self._problem = error
            self._search.report(error)
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
        self._search.release(client)


def _next_hop_error(failure: Failure) -> NextHopError:
    """What has happened, if that is the next hop's fault; whoever has left, for one, is not."""
    failure.trap(NextHopError)  # type: ignore[no-untyped-call]
    assert isinstance(failure.value, NextHopError)
    return failure.value


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
