"""Asking name servers: one question at a time, over UDP, and over TCP where an answer is cut.

The messages are twisted.names'; the sockets are our own, so that a question can
be cancelled, asks for authenticated data (RFC 6840 5.7) and takes an answer from
nobody but the server it was sent to.  Nothing is cached: name servers do that.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP6ClientEndpoint
from twisted.internet.error import CannotListenError, ConnectError, ConnectionClosed
from twisted.internet.protocol import DatagramProtocol, Factory, connectionDone
from twisted.names import dns
from twisted.protocols.basic import Int16StringReceiver
from twisted.python.failure import Failure

from smtpgate.hsl.library.resolving import (
    NO_DATA,
    NO_RECOVERY,
    NXDOMAIN,
    PORT,
    TRY_AGAIN,
    Answer,
    Server,
    is_name,
    read_server,
)

#: Of resolv.conf(5).
SYSTEM_SERVERS = "/etc/resolv.conf"
#: How often each server is asked.
ROUNDS = 2

_TYPES = {text: number for number, text in dns.QUERY_TYPES.items()}

# RFC 1035 4.1.1, RFC 2136 2.2
_RCODES = {
    1: "FORMERR",
    2: "SERVFAIL",
    3: NXDOMAIN,
    4: "NOTIMP",
    5: "REFUSED",
    6: "YXDOMAIN",
    7: "YXRRSET",
    8: "NXRRSET",
    9: "NOTAUTH",
    10: "NOTZONE",
}


#: A record's value, as :class:`Answer` has it.
_RecordValue = str | tuple[int, str] | tuple[bytes, ...]


class Resolver:
    """The :class:`Lookups` of a gateway."""

    def __init__(self, reactor: Any, configuration: str = SYSTEM_SERVERS) -> None:
        self._reactor = reactor
        self._configuration = configuration

    def lookup(
        self, name: str, kind: str, timeout: float, servers: Sequence[Server] = ()
    ) -> Deferred[Answer]:
        return Deferred.fromCoroutine(self._lookup(name, kind, timeout, servers))

    async def _lookup(
        self, name: str, kind: str, timeout: float, servers: Sequence[Server]
    ) -> Answer:
        if not is_name(name):
            return Answer(error=NO_RECOVERY)
        number = _TYPES[kind]
        query = dns.Query(name.removesuffix(".").encode("latin-1"), number)
        asked = [*(servers or self.system_servers())] * ROUNDS
        share = timeout / len(asked)
        answer = Answer(error=TRY_AGAIN)
        for server in asked:
            try:
                message = await self._exchange(server, query, share)
            except (OSError, ConnectError, ConnectionClosed, CannotListenError, _Silence):
                # Refused, unreachable, closed or silent: the next one may do better.
                continue
            answer = _read(message, number)
            if answer.error in (None, NO_DATA, NXDOMAIN):
                break
        return answer

    def system_servers(self) -> list[Server]:
        """The servers of resolv.conf(5), or the one of this machine."""
        try:
            with open(self._configuration, encoding="latin-1") as file:
                lines = [line.split() for line in file]
        except OSError:
            lines = []
        named = (
            read_server(words[1]) for words in lines if len(words) > 1 and words[0] == "nameserver"
        )
        return [server for server in named if server is not None] or [("127.0.0.1", PORT)]

    async def _exchange(self, server: Server, query: dns.Query, timeout: float) -> dns.Message:
        end = self._reactor.seconds() + timeout
        message = await self._by_datagram(server, _Question(query), timeout)
        if message.trunc:
            # RFC 7766 5
            left = max(0.0, end - self._reactor.seconds())
            message = await self._by_stream(server, _Question(query), left)
        return message

    async def _by_datagram(
        self, server: Server, question: _Question, timeout: float
    ) -> dns.Message:
        protocol = _Datagram(server, question)
        # An interface of the server's family; the system picks a port that nobody can guess.
        port = self._reactor.listenUDP(0, protocol, "::" if ":" in server[0] else "")
        return await self._answered(question, timeout, port.stopListening)

    async def _by_stream(self, server: Server, question: _Question, timeout: float) -> dns.Message:
        kind = TCP6ClientEndpoint if ":" in server[0] else TCP4ClientEndpoint
        begun = self._reactor.seconds()
        endpoint = kind(self._reactor, *server, timeout=max(timeout, 0.001))
        factory: Any = Factory.forProtocol(lambda: _Stream(question))
        factory.noisy = False
        protocol = await endpoint.connect(factory)
        left = max(0.0, timeout - (self._reactor.seconds() - begun))
        return await self._answered(question, left, protocol.transport.abortConnection)

    async def _answered(
        self, question: _Question, timeout: float, close: Callable[[], Any]
    ) -> dns.Message:
        timer = self._reactor.callLater(timeout, question.fail, _Silence())
        try:
            return await question.answer
        finally:
            if timer.active():
                timer.cancel()
            close()


class _Silence(Exception):
    """A server did not answer in time."""


class _Question:
    """One question as octets, and the Deferred of its answer."""

    def __init__(self, query: dns.Query) -> None:
        message = dns.Message(dns.randomSource(), recDes=1, authenticData=1)
        message.queries = [query]
        self.octets = message.toStr()
        self.answer: Deferred[dns.Message] = Deferred()
        self._id = message.id
        self._query = query

    def received(self, octets: bytes) -> None:
        """Take an answer; what is none, or answers another question, is nothing."""
        message = dns.Message()
        try:
            message.fromStr(octets)
        except (EOFError, ValueError, IndexError, struct.error):
            return
        same = message.id == self._id and message.answer and message.queries == [self._query]
        if same and not self.answer.called:
            self.answer.callback(message)

    def fail(self, reason: Exception) -> None:
        if not self.answer.called:
            self.answer.errback(reason)


class _Datagram(DatagramProtocol):
    noisy = False
    #: An IUDPTransport, whose interface says less than it can do.
    transport: Any = None

    def __init__(self, server: Server, question: _Question) -> None:
        self._server = server
        self._question = question

    def startProtocol(self) -> None:
        try:
            # Connected: datagrams of others do not reach it, and a refusal does.
            self.transport.connect(*self._server)
            self.transport.write(self._question.octets)
        except OSError as error:
            self._question.fail(error)

    def datagramReceived(self, datagram: bytes, addr: Any) -> None:
        self._question.received(datagram)

    def connectionRefused(self) -> None:
        self._question.fail(ConnectionRefusedError())

    def stopProtocol(self) -> None:
        # With epoll a refusal ends the port, and nobody calls the method above.
        self._question.fail(ConnectionRefusedError())


class _Stream(Int16StringReceiver):
    def __init__(self, question: _Question) -> None:
        self._question = question

    def connectionMade(self) -> None:
        self.sendString(self._question.octets)  # type: ignore[no-untyped-call]

    def stringReceived(self, string: bytes) -> None:
        self._question.received(string)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._question.fail(ConnectionClosed())


def _read(message: dns.Message, number: int) -> Answer:
    """The records of a type; those of aliases on the way to them are left out."""
    authenticated = bool(message.authenticData)
    if message.rCode:
        error = _RCODES.get(message.rCode, f"RCODE{message.rCode}")
        return Answer(error=error, authenticated=authenticated)
    values = tuple(_value(each.payload) for each in message.answers if each.type == number)
    return Answer(values, None if values else NO_DATA, authenticated)


def _value(record: Any) -> _RecordValue:
    if isinstance(record, dns.Record_A):
        return str(ipaddress.IPv4Address(record.address))
    if isinstance(record, dns.Record_AAAA):
        return str(ipaddress.IPv6Address(record.address))
    if isinstance(record, dns.Record_MX):
        return record.preference, _name(record.name)
    if isinstance(record, dns.Record_TXT):
        return tuple(record.data)
    return _name(record.name)


def _name(name: dns.Name) -> str:
    text: str = name.name.decode("latin-1")
    return text
