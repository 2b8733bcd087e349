"""How a connection to a next hop gets ready for mail.

The order::

    PROXY header -> TLS (implicit) -> greeting -> EHLO or LHLO
                 -> STARTTLS -> EHLO -> AUTH -> XCLIENT -> EHLO

What the next hop offered counts only from the last EHLO on: after TLS nothing that was said
before does, RFC 3207 4.2.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from smtpgate.smtp.commands.parameters import encode_xtext
from smtpgate.smtp.connection.proxyheader import proxy_header
from smtpgate.smtp.nexthop.channel import Channel, NextHopError
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.session import Connection

TLSMode = Literal["none", "opportunistic", "required", "implicit"]
_UNAVAILABLE = "[UNAVAILABLE]"


@dataclass(frozen=True, slots=True)
class Login:
    """An account at the next hop.

    :param in_clear: the password may be sent without TLS
    """

    username: bytes
    password: bytes
    in_clear: bool = False

    def __repr__(self) -> str:
        return f"Login({self.username!r})"


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that a next hop may take, RFC 5321 4.5.3.2.

    :param connect: for the TCP connection to one host
    :param greeting: until a host is ready for mail; several hosts share this time
    :param command: for the answer to one command
    :param block: for taking a block of the message
    :param message: for the answer to a whole message
    """

    connect: float = 30.0
    greeting: float = 300.0
    command: float = 300.0
    block: float = 180.0
    message: float = 600.0


@dataclass(frozen=True, slots=True)
class Manners:
    """How all connections of one transport begin.

    :param hostname: the gateway's name, for EHLO
    :param lmtp: RFC 2033 instead of SMTP
    :param pass_auth: log in with what the client has logged in with
    :param xclient: tell who the client is, when the next hop offers that
    :param xforward: the same for its logs only, with each message
    :param proxy_protocol: tell who the client is, by a header of version 2
    """

    hostname: str
    lmtp: bool = False
    tls: TLSMode = "opportunistic"
    login: Login | None = None
    pass_auth: bool = False
    xclient: bool = False
    xforward: bool = False
    proxy_protocol: bool = False
    timeouts: Timeouts = Timeouts()


class Identity(NamedTuple):
    """The client that a connection to the next hop speaks for; "" and 0 for what is not known."""

    address: str = ""
    port: int = 0
    local_address: str = ""
    local_port: int = 0
    name: str = ""
    helo: str = ""
    protocol: str = ""
    username: str = ""

    @classmethod
    def of(cls, connection: Connection) -> Identity:
        """The client of a session, as it is known by now."""
        protocol = connection.protocol or ("ESMTP" if connection.extended else "SMTP")
        return cls(
            connection.peer_ip,
            connection.peer_port,
            connection.local_ip,
            connection.local_port,
            connection.peer_ptr,
            connection.helo,
            protocol,
            connection.username or "",
        )


#: A connection that speaks for nobody, and may serve everybody.
ANYBODY = Identity()

Offered = Mapping[str, str]


class LoginRefused(NextHopError):
    """The next hop does not know the account, or not with that password."""


class HandshakeError(NextHopError):
    """TLS was offered, and did not work."""


async def open_session(
    channel: Channel,
    manners: Manners,
    creator: object | None,
    identity: Identity,
    login: Login | None = None,
) -> Offered:
    """Get a new connection ready; gives what the next hop offers, keywords in upper case.

    :param creator: an IOpenSSLClientConnectionCreator, None for no TLS
    :param login: the account to use
    :raises NextHopError: when it cannot be made ready; it is closed then
    """
    opening = _Opening(channel, manners)
    try:
        return await opening.run(creator, identity, login)
    except NextHopError as error:
        channel.drop(error.reason, error.reply)
        raise


class _Opening:
    def __init__(self, channel: Channel, manners: Manners) -> None:
        self._channel = channel
        self._manners = manners
        self._seconds = manners.timeouts.command

    async def run(self, creator: object | None, identity: Identity, login: Login | None) -> Offered:
        channel, manners = self._channel, self._manners
        if manners.proxy_protocol:
            source = identity.address, identity.port
            channel.send(proxy_header(source, (identity.local_address, identity.local_port)))
        if manners.tls == "implicit":
            await self._start_tls(creator)
        greeting = await channel.expect(manners.timeouts.greeting, "connecting")
        if greeting.code != 220:
            raise NextHopError(f"its greeting is {greeting.code} {greeting.text}", greeting)
        offered = await self._hello(manners.hostname)
        if creator is not None and not channel.tls:
            offered = await self._upgrade(creator, offered)
        if login is not None:
            await self._log_in(login, offered)
        if manners.xclient and "XCLIENT" in offered:
            reply = await self._ask(xclient(identity, offered["XCLIENT"]))
            self._require(reply, 2, "XCLIENT is answered by")
            offered = await self._hello(identity.helo or manners.hostname)
        return offered

    async def _ask(self, line: str) -> Reply:
        return await self._channel.ask(line, self._seconds)

    def _require(self, reply: Reply, kind: int, words: str) -> None:
        if reply.code // 100 != kind:
            raise NextHopError(f"{words} {reply.code} {reply.text}", reply)

    async def _hello(self, name: str) -> Offered:
        verb = "LHLO" if self._manners.lmtp else "EHLO"
        reply = await self._ask(f"{verb} {name}")
        if reply.code // 100 == 5 and not self._manners.lmtp:
            reply = await self._ask(f"HELO {name}")  # RFC 5321 3.2
            self._require(reply, 2, "HELO is answered by")
            return {}
        self._require(reply, 2, f"{verb} is answered by")
        offered = {}
        for line in reply.lines[1:]:
            keyword, _, arguments = line.partition(" ")
            if keyword.upper().startswith("AUTH="):  # as servers of long ago wrote it
                keyword, arguments = "AUTH", line[5:]
            offered[keyword.upper()] = arguments.strip()
        return offered

    async def _upgrade(self, creator: object, offered: Offered) -> Offered:
        required = self._manners.tls == "required"
        if "STARTTLS" not in offered:
            if required:
                raise NextHopError("TLS is required, and not offered")
            return offered
        reply = await self._ask("STARTTLS")
        if reply.code // 100 != 2:
            if required:
                self._require(reply, 2, "STARTTLS is answered by")
            return offered
        await self._start_tls(creator)
        return await self._hello(self._manners.hostname)

    async def _start_tls(self, creator: object | None) -> None:
        if creator is None:
            raise NextHopError("TLS is required, and not configured")
        try:
            await self._channel.start_tls(creator, self._manners.timeouts.greeting)
        except NextHopError as error:
            raise HandshakeError(f"TLS failed: {error.reason}") from None

    async def _log_in(self, login: Login, offered: Offered) -> None:
        if not self._channel.tls and not login.in_clear:
            raise NextHopError("the password may be sent over TLS only")
        mechanisms = offered.get("AUTH", "").upper().split()
        username, password = login.username, login.password
        if "PLAIN" in mechanisms:
            reply = await self._ask("AUTH PLAIN " + _base64(b"\0" + username + b"\0" + password))
        elif "LOGIN" in mechanisms:
            reply = await self._ask("AUTH LOGIN")
            for answer in (username, password):
                self._require(reply, 3, "AUTH LOGIN is answered by")
                reply = await self._ask(_base64(answer))
        else:
            raise NextHopError("neither AUTH PLAIN nor AUTH LOGIN is offered")
        if reply.code // 100 == 5:
            raise LoginRefused(f"AUTH is answered by {reply.code} {reply.text}", reply)
        self._require(reply, 2, "AUTH is answered by")


def _base64(octets: bytes) -> str:
    return base64.b64encode(octets).decode("ascii")


def xclient(identity: Identity, supported: str) -> str:
    """The command that tells who the client is, with the attributes that the next hop knows."""
    values = {
        **_client(identity),
        "LOGIN": identity.username,
        "DESTADDR": _address(identity.local_address),
        "DESTPORT": str(identity.local_port or ""),
    }
    return _attributes("XCLIENT", values, supported)


def xforward(identity: Identity, transaction: str, supported: str) -> str:
    """The same for the next hop's logs, by Postfix's XFORWARD_README.

    :param transaction: its name in our logs
    """
    values = {**_client(identity), "IDENT": transaction, "SOURCE": "REMOTE"}
    return _attributes("XFORWARD", values, supported)


def _client(identity: Identity) -> dict[str, str]:
    """The attributes that XCLIENT and XFORWARD have in common."""
    return {
        "NAME": identity.name,
        "ADDR": _address(identity.address),
        "PORT": str(identity.port or ""),
        "PROTO": identity.protocol,
        "HELO": identity.helo,
    }


def _address(address: str) -> str:
    return f"IPV6:{address}" if ":" in address else address


def _attributes(verb: str, values: Mapping[str, str], supported: str) -> str:
    known = supported.upper().split()
    words = [
        f"{name}={encode_xtext(value.encode('latin-1', 'replace')) or _UNAVAILABLE}"
        for name, value in values.items()
        if name in known
    ]
    return " ".join((verb, *words))
