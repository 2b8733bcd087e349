"""The ports that a configuration wants: planned, bound, and changed as a whole.

A plan is bound all or nothing.  A :class:`Change` leads from one plan to the next, and can be
undone until it is finished.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred, gatherResults, inlineCallbacks, maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.python.failure import Failure

from smtpgate import config as configuration
from smtpgate.config.endpoints import parse_endpoint

#: Makes what accepts the connections of a listener.
MakeFactory = Callable[[configuration.Server, configuration.Listener], Any]


class StartError(Exception):
    """The service cannot start; the message is for the operator."""


@dataclass(slots=True)
class Port:
    """One endpoint of a server, and what listens there (an IListeningPort)."""

    server_id: str
    endpoint: str
    mode: str
    factory: Any
    listening: Any = None

    def describe(self) -> str:
        """Where it really listens, as for port 0, and with which TLS."""
        where = self.endpoint
        if self.listening is not None:
            address = self.listening.getHost()
            if isinstance(address, IPv4Address):
                where = f"{address.host}:{address.port}"
            elif isinstance(address, IPv6Address):
                where = f"[{address.host}]:{address.port}"
            elif isinstance(address, UNIXAddress):
                where = f"unix:{_text(address.name)}"
        return f"{where} ({self.mode})"

    def collides(self, other: Port) -> bool:
        """Whether the two cannot be bound at the same time."""
        return parse_endpoint(self.endpoint).collides(parse_endpoint(other.endpoint))


def _text(name: object) -> str:
    return name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name)


def plan(config: configuration.Config, factory: MakeFactory) -> list[Port]:
    """The ports of all servers, not bound."""
    return [
        Port(server.id, listener.endpoint, _mode(server, listener), factory(server, listener))
        for server in config.servers
        for listener in server.listeners
    ]


def _mode(server: configuration.Server, listener: configuration.Listener) -> str:
    if listener.tls == "implicit":
        mode = "TLS"
    else:
        mode = "STARTTLS" if server.certificate and listener.tls != "none" else "plain"
    return f"{mode} behind PROXY" if listener.proxy_protocol else mode


def bind(reactor: Any, port: Port) -> None:
    """Listen.

    :raises StartError: when that is not possible
    """
    outcome: list[Any] = []
    endpoint = serverFromString(reactor, port.endpoint)  # type: ignore[no-untyped-call]
    listening = maybeDeferred(endpoint.listen, port.factory)
    listening.addBoth(outcome.append)
    if not outcome or isinstance(outcome[0], Failure):
        reason = outcome[0].value if outcome else "no answer"
        # CannotListenError wraps what the system has said.
        reason = getattr(reason, "socketError", reason)
        words = getattr(reason, "strerror", None) or str(reason)
        raise StartError(f"server {port.server_id}: cannot listen on {port.endpoint}: {words}")
    port.listening = outcome[0]
    _answer_at_once(port.listening)


def _answer_at_once(listening: Any) -> None:
    """No reply waits for the one before it to be acknowledged (RFC 896).

    Connections inherit this from the socket that they are accepted from: it costs them nothing.
    """
    listener = getattr(listening, "socket", None)
    if listener is not None and listener.family != socket.AF_UNIX:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def bind_all(reactor: Any, ports: list[Port]) -> None:
    """Listen on all ports.

    :raises StartError: when one cannot be bound; none is bound then
    """
    bound: list[Port] = []
    try:
        for port in ports:
            bind(reactor, port)
            bound.append(port)
    except StartError:
        unbind_all(bound)
        raise


def unbind_all(ports: list[Port]) -> Deferred[Any]:
    """Listen no more on those ports that are bound."""
    stopped = []
    for port in ports:
        listening, port.listening = port.listening, None
        if listening is not None:
            stopped.append(maybeDeferred(listening.stopListening))
    return gatherResults(stopped)


class Change:
    """From the ports that are bound to those of a new plan: bind, and then finish or undo.

    ``kept`` are the endpoints in both, as (present, planned); ``in_the_way`` those that have to be
    given up before a new one can be bound, as when its description changed only a little.
    """

    def __init__(self, reactor: Any, present: list[Port], planned: list[Port]) -> None:
        self._reactor = reactor
        self.planned = planned
        before = {port.endpoint: port for port in present}
        wanted = {port.endpoint for port in planned}
        self.kept = [(before[port.endpoint], port) for port in planned if port.endpoint in before]
        self.new = [port for port in planned if port.endpoint not in before]
        self.gone = [port for port in present if port.endpoint not in wanted]
        self.in_the_way = [
            port for port in self.gone if any(port.collides(other) for other in self.new)
        ]

    @inlineCallbacks
    def bind(self) -> Any:
        """Bind what is new.

        :raises StartError: when that is not possible; everything is undone then
        """
        yield unbind_all(self.in_the_way)
        try:
            bind_all(self._reactor, self.new)
        except StartError:
            yield self.undo()
            raise

    @inlineCallbacks
    def undo(self) -> Any:
        """As it was before :meth:`bind`."""
        yield unbind_all(self.new)
        bind_all(self._reactor, self.in_the_way)

    def finish(self) -> Deferred[Any]:
        """What is kept goes over to the new plan; what has gone is closed."""
        for former, port in self.kept:
            port.listening, former.listening = former.listening, None
        return unbind_all(self.gone)
