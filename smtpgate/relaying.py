"""From the configuration of a relay to a transport that works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from smtpgate import config as configuration
from smtpgate.config.fields import split_host
from smtpgate.smtp.nexthop.opening import Login, Manners, Timeouts, TLSMode
from smtpgate.transports.clienttls import ClientTLS
from smtpgate.transports.hosts import Hosts, LookUp
from smtpgate.transports.relay import Relay

LMTP_PORT = 24
SMTP_PORT = 25
IMPLICIT_TLS_PORT = 465  # RFC 8314 7.3


def make_relay(
    name: str,
    model: configuration.Relay,
    hostname: str,
    shown: tuple[Path, Path] | None = None,
    reactor: Any = None,
) -> Relay:
    """The transport for a table of the configuration.

    :param shown: files of the certificate, and of its key, that next hops are shown
    :raises ClientTLSProblem: when a file cannot be used
    """
    if reactor is None:
        from twisted.internet import reactor
    lmtp = isinstance(model, configuration.LMTPRelay)
    by_mx = isinstance(model, configuration.SMTPRelay) and model.mx
    entries = [(host, None if port == 0 else port) for host, port in _split(model.hosts)]
    return Relay(
        name,
        Hosts(entries, _port(lmtp, model.tls), _resolver() if by_mx else None),
        Manners(
            hostname,
            lmtp=lmtp,
            tls=model.tls,
            login=_login(model.auth),
            pass_auth=model.pass_auth,
            xclient=model.xclient,
            xforward=model.xforward,
            proxy_protocol=model.proxy_protocol,
            timeouts=Timeouts(
                connect=model.connect_timeout,
                greeting=model.greeting_timeout,
                command=model.command_timeout,
                block=model.block_timeout,
                message=model.data_timeout,
            ),
        ),
        ClientTLS(model.tls, model.ca, shown),
        reactor,
        model.connections,
        model.idle_timeout,
    )


def _split(hosts: list[str]) -> list[tuple[str, int]]:
    return [split_host(host, 0) for host in hosts]


def _port(lmtp: bool, tls: TLSMode) -> int:
    if tls == "implicit" and not lmtp:
        return IMPLICIT_TLS_PORT
    return LMTP_PORT if lmtp else SMTP_PORT


def _login(model: configuration.Login | None) -> Login | None:
    if model is None:
        return None
    return Login(
        model.username.encode(), model.password.get_secret_value().encode(), model.in_clear
    )


def _resolver() -> LookUp:
    """Reads the machine's resolver settings when it is first asked."""
    made: list[Any] = []

    def lookup(name: str) -> Any:
        if not made:
            from twisted.names.client import createResolver

            made.append(createResolver())  # type: ignore[no-untyped-call]
        return made[0].lookupMailExchange(name)

    return lookup
