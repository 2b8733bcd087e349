"""What EHLO offers, RFC 5321 4.1.1.1, and so which mechanisms AUTH takes."""

from __future__ import annotations

from smtpgate.smtp import reply as replies
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import Server
from smtpgate.smtp.session import Connection, within

#: The mechanisms that are built in.
BUILT_IN = frozenset({"PLAIN", "LOGIN", "SCRAM-SHA-256", "EXTERNAL"})

_ALWAYS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES", "DSN")


def extensions(connection: Connection, server: Server) -> tuple[str, ...]:
    """The keywords for this client at this moment, with their arguments."""
    settings = server.settings
    size = settings.limits.message_size
    offered = [*_ALWAYS, f"SIZE {size}" if size else "SIZE"]
    if settings.tls is not None and connection.tls is None:
        offered.append("STARTTLS")
    if keeps_tls(connection, server):
        offered.append("REQUIRETLS")
    if connection.username is None and (connection.tls or not settings.auth_require_tls):
        offered_mechanisms = mechanisms(connection, server)
        if offered_mechanisms:
            offered.append(" ".join(("AUTH", *offered_mechanisms)))
    if may_xclient(connection, server):
        offered.append("XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT")
    return tuple(offered)


def mechanisms(connection: Connection, server: Server) -> list[str]:
    """The configured SASL mechanisms that can work with this client."""
    return [name for name in server.settings.mechanisms if _works(name, connection, server)]


def _works(name: str, connection: Connection, server: Server) -> bool:
    if name == "SCRAM-SHA-256":
        return server.portal is not None and server.scram is not None
    if name == "EXTERNAL":
        tls = connection.tls
        return server.portal is not None and tls is not None and tls.peer_verified
    if name in BUILT_IN:
        return server.portal is not None or server.policy.decides_auth
    return server.policy.decides_auth


def refuses_auth(mechanism: str, connection: Connection, server: Server) -> Reply | None:
    """Why this client may not use this mechanism now; ``mechanism`` is "" when it named none."""
    settings = server.settings
    if not settings.mechanisms:
        return replies.AUTH_UNAVAILABLE
    if not connection.extended:
        return replies.EHLO_FIRST
    if connection.username is not None:
        return replies.AUTH_TWICE
    if connection.transaction.has_sender:
        return replies.AUTH_IN_TRANSACTION
    if not mechanism:
        return replies.SYNTAX
    if connection.tls is None and settings.auth_require_tls:
        return replies.AUTH_NEEDS_TLS
    if mechanism not in mechanisms(connection, server):
        return replies.AUTH_MECHANISM
    return None


def keeps_tls(connection: Connection, server: Server) -> bool:
    """Whether REQUIRETLS is offered, RFC 8689 3: inside TLS, when every transport keeps to it."""
    if connection.tls is None:
        return False
    return all(transport.keeps_tls for transport in server.transports.values())


def may_xclient(connection: Connection, server: Server) -> bool:
    """Whether the client's own address, not an assumed one, is trusted with XCLIENT."""
    return within(connection.client_ip, server.settings.xclient)
