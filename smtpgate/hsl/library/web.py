"""What scripts ask web servers, and what they are told; :mod:`webclient` asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTCP

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.execution import Execution


@dataclass(frozen=True, slots=True)
class Request:
    """What a script asks for; times in seconds, sizes in octets."""

    method: str
    #: Absolute, http or https, in ASCII.
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    connect_timeout: float = 10.0
    #: How long the server may be silent; ``None``: as long as it likes.
    timeout: float | None = None
    max_size: float = float("inf")
    source: str | None = None
    verify_peer: bool = True
    verify_host: bool = False
    #: How many redirects are followed; less than 0: any number.
    redirects: int = 0
    #: The URL of an HTTP proxy, "" for none, ``None`` for what the process's environment names.
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered; header names as HTTP/1.1 writes them."""

    status: int
    body: bytes
    phrase: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = ()

    @property
    def successful(self) -> bool:
        return 200 <= self.status < 300

    def head(self) -> bytes:
        """The status line and the header fields, with the empty line behind them."""
        lines = [b"HTTP/1.1 %d %s" % (self.status, self.phrase)]
        lines += [b"%s: %s" % field for field in self.headers]
        return b"\r\n".join(lines) + b"\r\n\r\n"


class RequestFailed(Exception):
    """There is no answer, or none that is complete; the message says why."""


class TooLarge(RequestFailed):
    """The body has more octets than the request takes."""


class Web(Protocol):
    """An environment's ``web``."""

    def request(self, request: Request) -> Deferred[Response]:
        """Send a request; fails with :exc:`RequestFailed`."""


def web_of(execution: Execution, function: str) -> Web:
    """The environment's HTTP client, made at first use.

    :param function: the script's function, as the message names it
    :raises Fault: where there is no network
    """
    environment = execution.environment
    if environment.web is None:
        if not IReactorTCP.providedBy(environment.clock):
            raise Fault(f"{function} is not available here")
        # Imported at first use: most scripts ask nobody, and it takes a while.
        from smtpgate.hsl.library.webclient import WebClient

        environment.web = WebClient(environment.clock)
    web: Web = environment.web
    return web
