"""What all sessions of one server share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from twisted.cred.portal import Portal

from smtpgate.smtp.connection.clock import Clock
from smtpgate.smtp.server.admission import Admission
from smtpgate.smtp.server.credentials import ScramDirectory
from smtpgate.smtp.server.delivery import Transport
from smtpgate.smtp.server.observer import SessionObserver
from smtpgate.smtp.server.policy import AcceptAll, Policy
from smtpgate.smtp.session import Network, ServerSettings


@dataclass(frozen=True, slots=True)
class Server:
    """One server as its sessions see it; they keep the one they started with.

    :param transports: by name
    :param portal: checks what AUTH brings, see :mod:`smtpgate.smtp.server.credentials`
    :param scram: the accounts' keys for SCRAM; it is offered only with them
    :param admission: counts connections; several listeners, and a reloaded server, share one
    """

    settings: ServerSettings
    transports: Mapping[str, Transport]
    clock: Clock
    policy: Policy = field(default_factory=AcceptAll)
    portal: Portal | None = None
    scram: ScramDirectory | None = None
    observer: SessionObserver = field(default_factory=SessionObserver)
    admission: Admission = field(default_factory=Admission)


@dataclass(frozen=True, slots=True)
class Listener:
    """What is particular to one port of a server.

    :param implicit_tls: TLS from the first octet
    :param proxies: networks whose clients must begin with a PROXY header
    """

    implicit_tls: bool = False
    proxies: tuple[Network, ...] = ()
