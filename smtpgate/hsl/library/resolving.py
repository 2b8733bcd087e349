"""What scripts ask name servers, and what they are told; :mod:`nameservers` asks."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorUDP

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.execution import Execution

#: Where name servers answer.
PORT = 53
_MOST_SERVERS = 16

#: An address and a port.
Server = tuple[str, int]

#: The errors without an answer, by their names in netdb.h.
NO_DATA = "NO_DATA"
NO_RECOVERY = "NO_RECOVERY"
TRY_AGAIN = "TRY_AGAIN"
NXDOMAIN = "NXDOMAIN"


@dataclass(frozen=True, slots=True)
class Answer:
    """What name servers say: values of the type asked for, or the name of an error.

    A value is an address, a name, (preference, name) of MX or the strings of TXT.
    ``authenticated``: the server says that it has checked DNSSEC.
    """

    values: tuple[Any, ...] = ()
    error: str | None = None
    authenticated: bool = False


class Lookups(Protocol):
    """An environment's ``resolver``."""

    def lookup(
        self, name: str, kind: str, timeout: float, servers: Sequence[Server]
    ) -> Deferred[Answer]:
        """Ask ``servers``, or the system's if there are none, for records of a type
        ("A", "MX", ...); never fails but by being cancelled."""


def resolver_of(execution: Execution, function: str) -> Lookups:
    """The environment's resolver, made at first use.

    :param function: the script's function, as the message names it
    :raises Fault: where there is no network
    """
    environment = execution.environment
    if environment.resolver is None:
        if not IReactorUDP.providedBy(environment.clock):
            raise Fault(f"{function} is not available here")
        # Imported at first use: most scripts ask nobody, and it takes a while.
        from smtpgate.hsl.library.nameservers import Resolver

        environment.resolver = Resolver(environment.clock)
    resolver: Lookups = environment.resolver
    return resolver


def read_servers(given: Sequence[Any], what: str) -> list[Server]:
    """Name servers as scripts write them: ``192.0.2.1``, ``192.0.2.1:5353``, ``[2001:db8::1]:53``.

    :param what: how messages name the parameter
    :raises Fault: for anything else
    """
    if len(given) > _MOST_SERVERS:
        raise Fault(f"{what} may have at most {_MOST_SERVERS} servers")
    found = []
    for text in given:
        server = read_server(text) if isinstance(text, str) else None
        if server is None:
            raise Fault(f"{what} must have IP addresses, with a port or without")
        found.append(server)
    return found


def read_server(text: str) -> Server | None:
    """A name server as it is written, or ``None``."""
    host, port = text, ""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        if rest:
            colon, port = rest[:1], rest[1:]
            if colon != ":" or not port:
                return None
    elif text.count(":") == 1:
        host, _, port = text.partition(":")
        if not port:
            return None
    if port and not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        return None
    try:
        return str(ipaddress.ip_address(host)), int(port or PORT)
    except ValueError:
        return None


def is_name(name: str) -> bool:
    """Whether it can be asked for (RFC 1035 2.3.4)."""
    name = name.removesuffix(".")
    return len(name) <= 253 and all(0 < len(label) <= 63 for label in name.split("."))
