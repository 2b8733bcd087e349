"""A network in memory: name servers and web servers that the manual's examples ask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred, succeed

from smtpgate.hsl.library.resolving import NXDOMAIN, Answer
from smtpgate.hsl.library.web import Request, Response

RECORDS: dict[tuple[str, str], tuple[Any, ...]] = {
    ("example.com", "A"): ("192.0.2.1",),
    ("example.com", "MX"): ((20, "mx2.example.com"), (10, "mx1.example.com")),
    ("example.com", "TXT"): ((b"v=spf1 ip4:192.0.2.1", b" -all"),),
    ("1.2.0.192.in-addr.arpa", "PTR"): ("mail.example.com",),
    ("2.0.0.127.dnsbl.example", "A"): ("127.0.0.2",),
}

PAGES: dict[str, bytes] = {
    "https://policy.example/allow?user=jo": b"yes",
    "https://policy.example/log": b"noted",
}


class Names:
    """A resolver that knows ``records`` and keeps what it was asked."""

    def __init__(self, records: dict[tuple[str, str], Any] | None = None) -> None:
        self.records: dict[tuple[str, str], Any] = RECORDS if records is None else records
        self.asked: list[tuple[str, str, float, list[Any]]] = []

    def lookup(
        self, name: str, kind: str, timeout: float, servers: Sequence[Any]
    ) -> Deferred[Answer]:
        self.asked.append((name, kind, timeout, list(servers)))
        found = self.records.get((name, kind))
        if isinstance(found, Answer):
            return succeed(found)
        return succeed(Answer(error=NXDOMAIN) if found is None else Answer(found))


class Pages:
    """A web that has ``pages`` and keeps what it was asked."""

    def __init__(self, pages: dict[str, bytes] | None = None) -> None:
        self.pages = PAGES if pages is None else pages
        self.asked: list[Request] = []

    def request(self, request: Request) -> Deferred[Response]:
        self.asked.append(request)
        body = self.pages.get(request.url)
        return succeed(Response(404, b"", b"Not Found") if body is None else Response(200, body))
