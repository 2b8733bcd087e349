"""The HTTP client of scripts, on treq: one request, its redirects and its answer.

Each request has a connection of its own, because TLS settings, source address
and proxy are the request's.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any, TypeVar

from treq.client import HTTPClient
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from twisted.web.client import BrowserLikeRedirectAgent, ResponseDone, ResponseFailed
from twisted.web.error import InfiniteRedirection, PageRedirect
from twisted.web.http import PotentialDataLoss
from twisted.web.http_headers import Headers
from twisted.web.iweb import UNKNOWN_LENGTH

from smtpgate.hsl.library.web import Request, RequestFailed, Response, TooLarge
from smtpgate.hsl.library.webroute import Contexts, RoutingAgent

_T = TypeVar("_T")

_ANY_NUMBER = 1 << 31


class WebClient:
    """The :class:`Web` of a gateway."""

    def __init__(self, reactor: Any, trust: Any = None) -> None:
        """``trust``: an IOpenSSLTrustRoot; by default the system's authorities."""
        self._reactor = reactor
        self._contexts = Contexts(trust)

    def request(self, request: Request) -> Deferred[Response]:
        return Deferred.fromCoroutine(_Exchange(self._reactor, self._contexts, request).run())


class _Exchange:
    """One request on its way."""

    def __init__(self, reactor: Any, contexts: Contexts, request: Request) -> None:
        self._reactor = reactor
        self._contexts = contexts
        self._request = request
        self._current: Deferred[Any] | None = None
        self._timer: Any = None
        self._silent = False
        self._transport: Any = None

    async def run(self) -> Response:
        complete = False
        try:
            answer = await self._answer()
            self._heard()
            response = await self._read(answer)
            complete = True
            return response
        except RequestFailed:
            raise
        except CancelledError:
            if self._silent:
                raise RequestFailed("the server is silent") from None
            raise
        except Exception as error:
            raise RequestFailed(_words(error)) from error
        finally:
            if self._timer is not None and self._timer.active():
                self._timer.cancel()
            if not complete and self._transport is not None:
                # A response's own transport cannot be aborted.
                self._transport.abortConnection()

    async def _answer(self) -> Any:
        try:
            return await self._guarded(self._send())
        except ResponseFailed as failed:
            # A redirect that may not be followed (307 to a POST) is an answer all the same.
            reason = failed.reasons[0].value
            unfollowed = isinstance(reason, PageRedirect)
            if failed.response is None or not unfollowed or isinstance(reason, InfiniteRedirection):
                raise
            return failed.response

    def _send(self) -> Deferred[Any]:
        request = self._request
        agent: Any = RoutingAgent(self._reactor, self._contexts, request, self._connected)
        if request.redirects:
            most = request.redirects if request.redirects > 0 else _ANY_NUMBER
            agent = BrowserLikeRedirectAgent(agent, most)
        headers = Headers()
        for name, value in request.headers:
            headers.addRawHeader(name.encode("latin-1"), value.encode("latin-1"))
        sent: Deferred[Any] = HTTPClient(agent).request(
            request.method,
            request.url,
            headers=headers,
            data=None if request.body is None else io.BytesIO(request.body),
            allow_redirects=False,
            unbuffered=True,
            reactor=self._reactor,
        )
        return sent

    async def _read(self, answer: Any) -> Response:
        most = self._request.max_size
        if answer.length is not UNKNOWN_LENGTH and answer.length > most:
            most = -1
        body = _Body(most, self._heard)
        answer.deliverBody(body)
        octets = await self._guarded(body.finished)
        fields = answer.headers.getAllRawHeaders()
        return Response(
            answer.code,
            octets,
            answer.phrase,
            tuple((name, value) for name, values in fields for value in values),
        )

    async def _guarded(self, deferred: Deferred[_T]) -> _T:
        self._current = deferred
        return await deferred

    def _connected(self, transport: Any) -> None:
        self._transport = transport
        self._heard()

    def _heard(self) -> None:
        """There is a connection, or something came over it: the server's time begins anew."""
        if self._request.timeout is None:
            return
        if self._timer is None:
            self._timer = self._reactor.callLater(self._request.timeout, self._expired)
        elif self._timer.active():
            self._timer.reset(self._request.timeout)

    def _expired(self) -> None:
        self._silent = True
        if self._current is not None:
            self._current.cancel()


class _Body(Protocol):
    """Collects a body of at most ``most`` octets; a ``most`` below 0 takes none at all."""

    def __init__(self, most: float, heard: Callable[[], None]) -> None:
        self.finished: Deferred[bytes] = Deferred()
        self._most = most
        self._heard = heard
        self._parts: list[bytes] = []
        self._size = 0

    def connectionMade(self) -> None:
        if self._most < 0:
            self._refuse()

    def dataReceived(self, data: bytes) -> None:
        self._heard()
        self._size += len(data)
        if self._size > self._most:
            self._refuse()
        else:
            self._parts.append(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        if self.finished.called:
            return
        # Without a length or chunks the end of the connection is the end of the body.
        if isinstance(reason.value, (ResponseDone, PotentialDataLoss)):
            self.finished.callback(b"".join(self._parts))
        else:
            self.finished.errback(RequestFailed(_words(reason.value)))

    def _refuse(self) -> None:
        self._parts.clear()
        if not self.finished.called:
            self.finished.errback(TooLarge("the body is too large"))


def _words(error: BaseException | None) -> str:
    """An error, and what is behind it, for the log."""
    reasons = getattr(error, "reasons", None)
    if reasons:
        return _words(reasons[0].value)
    return f"{type(error).__name__}: {error}"
