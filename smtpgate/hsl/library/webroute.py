"""How a request of a script reaches its server: source address, proxy and TLS."""

from __future__ import annotations

import ipaddress
from base64 import b64encode
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies_environment

from OpenSSL import SSL
from service_identity.exceptions import VerificationError
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity
from service_identity.pyopenssl import extract_patterns
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import HostnameEndpoint, wrapClientTLS
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions, platformTrust
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, ProxyAgent
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgent, IAgentEndpointFactory
from zope.interface import implementer  # type: ignore[import-untyped]

from smtpgate.hsl.library.web import Request, RequestFailed

#: Octets of a proxy's answer to CONNECT.
_LONGEST_ANSWER = 16384


class Contexts:
    """TLS contexts, with and without authorities: to load those takes a while."""

    def __init__(self, trust: Any) -> None:
        self._trust = trust
        self._made: dict[bool, Any] = {}

    def get(self, verify: bool) -> Any:
        if verify not in self._made:
            trust = None
            if verify:
                system: Any = platformTrust
                trust = system() if self._trust is None else self._trust
            self._made[verify] = CertificateOptions(trustRoot=trust).getContext()
        return self._made[verify]


@implementer(IAgent, IAgentEndpointFactory)
class RoutingAgent:
    """Sends requests, also those that redirects lead to, the way that the script's options say.

    ``connected`` is called with the transport of each connection that is made.
    """

    def __init__(
        self, reactor: Any, contexts: Contexts, request: Request, connected: Callable[[Any], None]
    ) -> None:
        self._reactor = reactor
        self._contexts = contexts
        self._request = request
        self._connected = connected

    def request(
        self, method: bytes, uri: bytes, headers: Headers | None = None, bodyProducer: Any = None
    ) -> Deferred[Any]:
        parsed: Any = URI.fromBytes(uri)  # type: ignore[no-untyped-call]
        proxy = self._proxy(parsed) if parsed.scheme == b"http" else None
        agent: Any
        if proxy is None:
            agent = Agent.usingEndpointFactory(  # type: ignore[no-untyped-call]
                self._reactor, self
            )
        else:
            link = _Watched(self, self._endpoint(proxy.host, proxy.port))
            agent = ProxyAgent(link, self._reactor)  # type: ignore[no-untyped-call]
            headers = Headers() if headers is None else headers.copy()
            if proxy.authorization:
                headers.setRawHeaders(b"Proxy-Authorization", [proxy.authorization])
        sent: Deferred[Any] = agent.request(method, uri, headers, bodyProducer)
        return sent

    def endpointForURI(self, uri: URI) -> Any:
        """Straight to the server, or for TLS through the proxy."""
        host = uri.host.decode("ascii")
        if uri.scheme == b"http":
            return _Watched(self, self._endpoint(host, uri.port))
        proxy = self._proxy(uri)
        if proxy is None:
            link: Any = self._endpoint(host, uri.port)
        else:
            link = _Tunnel(self._endpoint(proxy.host, proxy.port), uri, proxy.authorization)
        request = self._request
        context = self._contexts.get(request.verify_peer)
        creator: Any = _Creator(context, host, request.verify_peer, request.verify_host)
        link = _Watched(self, link)
        return wrapClientTLS(creator, link)

    def watch(self, connecting: Deferred[Any]) -> Deferred[Any]:
        """Bound the time that a connection takes, the name's lookup included."""

        def made(protocol: Any) -> Any:
            self._connected(protocol.transport)
            return protocol

        connecting.addTimeout(self._request.connect_timeout, self._reactor)
        return connecting.addCallback(made)

    def _endpoint(self, host: str, port: int) -> Any:
        source = self._request.source
        return HostnameEndpoint(
            self._reactor,
            host,
            port,
            timeout=self._request.connect_timeout,
            bindAddress=None if source is None else (source, 0),
        )

    def _proxy(self, uri: URI) -> Proxy | None:
        given = self._request.proxy
        if given is None:
            proxies = getproxies_environment()
            scheme, host = uri.scheme.decode("ascii"), uri.host.decode("ascii")
            if _excepted(host, proxies.get("no", "")):
                return None
            given = proxies.get(scheme, proxies.get("all", ""))
        if not given:
            return None
        proxy = read_proxy(given)
        if proxy is None:
            raise RequestFailed("the proxy is no HTTP proxy")
        return proxy


class Proxy:
    """Where an HTTP proxy is, and what it wants to hear."""

    def __init__(self, host: str, port: int, authorization: bytes | None) -> None:
        self.host = host
        self.port = port
        self.authorization = authorization


def read_proxy(text: str) -> Proxy | None:
    """A proxy as ``[http://][user:password@]host[:port]``; ``None`` for anything else."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        # The port is curl's: no other is as good as agreed upon.
        host, port = parts.hostname, parts.port or 1080
    except ValueError:
        return None
    if parts.scheme != "http" or not host or not host.isascii():
        return None
    authorization = None
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = b"Basic " + b64encode(pair.encode())
    return Proxy(host, port, authorization)


@implementer(IStreamClientEndpoint)
class _Watched:
    """An endpoint whose connections the agent hears of."""

    def __init__(self, agent: RoutingAgent, endpoint: Any) -> None:
        self._agent = agent
        self._endpoint = endpoint

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        # Twisted would log each connection's beginning and end; with TLS the factory is inside.
        getattr(protocolFactory, "wrappedFactory", protocolFactory).noisy = False
        return self._agent.watch(self._endpoint.connect(protocolFactory))


@implementer(IStreamClientEndpoint)
class _Tunnel:
    """A connection to a server through an HTTP proxy (RFC 9110 9.3.6)."""

    def __init__(self, endpoint: Any, uri: URI, authorization: bytes | None) -> None:
        self._endpoint = endpoint
        host = b"[%s]" % uri.host if b":" in uri.host else uri.host
        lines = [b"CONNECT %s:%d HTTP/1.1" % (host, uri.port), b"Host: %s:%d" % (host, uri.port)]
        if authorization:
            lines.append(b"Proxy-Authorization: " + authorization)
        self._hello = b"\r\n".join(lines) + b"\r\n\r\n"

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        return Deferred.fromCoroutine(self._connect(protocolFactory))

    async def _connect(self, factory: Any) -> Any:
        digging: Any = Factory.forProtocol(lambda: _Digging(self._hello, factory))
        digging.noisy = False
        protocol = await self._endpoint.connect(digging)
        return await protocol.through


class _Digging(Protocol):
    """Speaks with the proxy until the way is free."""

    def __init__(self, hello: bytes, factory: Any) -> None:
        self._hello = hello
        self._factory = factory
        self._received = b""
        self.through: Deferred[Any] = Deferred(lambda _: self._abort())

    def connectionMade(self) -> None:
        transport: Any = self.transport
        transport.write(self._hello)

    def dataReceived(self, data: bytes) -> None:
        if self.through.called:
            return
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        status = head.split(None, 2)[1:2]
        if end and status and status[0].startswith(b"2") and len(status[0]) == 3:
            self._hand_over(rest)
        elif end or len(self._received) > _LONGEST_ANSWER:
            self.through.errback(RequestFailed("the proxy refuses"))
            self._abort()

    def _hand_over(self, rest: bytes) -> None:
        transport: Any = self.transport
        inner = self._factory.buildProtocol(transport.getPeer())
        transport.protocol = inner
        inner.makeConnection(transport)
        self.through.callback(inner)
        if rest:
            inner.dataReceived(rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if not self.through.called:
            self.through.errback(ConnectionClosed())

    def _abort(self) -> None:
        transport: Any = self.transport
        transport.abortConnection()


@implementer(IOpenSSLClientConnectionCreator)
class _Creator:
    """A TLS connection whose certificate's chain and names are checked, each if wanted."""

    def __init__(self, context: Any, host: str, verify_peer: bool, verify_host: bool) -> None:
        self._context = context
        self._host = host
        self._verify_peer = verify_peer
        self._verify_host = verify_host

    def clientConnectionForTLS(self, tlsProtocol: Any) -> Any:
        connection = SSL.Connection(self._context, None)
        if not _is_address(self._host):
            # RFC 6066 3: names only
            connection.set_tlsext_host_name(self._host.encode("ascii"))
        checks = self._verify_peer or self._verify_host
        mode = SSL.VERIFY_PEER if checks else SSL.VERIFY_NONE
        connection.set_verify(mode, self._verified)
        return connection

    def _verified(
        self, _connection: Any, certificate: Any, _error: int, depth: int, good: int
    ) -> bool:
        """OpenSSL asks for each certificate of the chain, and for each fault of it."""
        if self._verify_peer and not good:
            return False
        if not self._verify_host or depth > 0:
            return True
        try:
            identity = IPAddress_ID if _is_address(self._host) else DNS_ID
            verify_service_identity(extract_patterns(certificate), [identity(self._host)], [])
        except (VerificationError, ValueError):
            return False
        return True


def _excepted(host: str, exceptions: str) -> bool:
    """Whether ``no_proxy`` names a host: itself, a domain above it, or all with ``*``."""
    names = [name.strip().lstrip(".").lower() for name in exceptions.split(",")]
    host = host.lower()
    return any(name and (name == "*" or f".{host}".endswith(f".{name}")) for name in names)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


__all__ = ["Contexts", "RoutingAgent", "read_proxy"]
