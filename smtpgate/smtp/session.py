"""What a session knows: plain data, no input or output.

A :class:`Connection` lives as long as the client stays, across STARTTLS.  Its
:class:`Transaction` lives from one reset to the next.  A
:class:`ServerSettings` is what one server is configured to do; sessions only
read it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smtpgate.smtp.framing import AUTH_LINE_LIMIT, COMMAND_LINE_LIMIT, BareNewlines
from smtpgate.smtp.uuids import new_uuid

if TYPE_CHECKING:
    from smtpgate.smtp.address import Mailbox

Network = IPv4Network | IPv6Network


@dataclass(slots=True)
class Recipient:
    """One accepted RCPT: where it goes, with its parameters (names upper-case)."""

    mailbox: Mailbox
    params: Mapping[str, str]
    transport: str


@dataclass(slots=True)
class Transaction:
    """One mail transaction, RFC 5321 3.3; its sender is None for ``<>``.

    ``metadata`` is what scripts want to stay with the message.  ``started`` is when its MAIL
    came, in seconds since 1970.  ``shown`` are the first of the recipients as scripts have been
    shown them.
    """

    sender: Mailbox | None = None
    has_sender: bool = False
    sender_params: Mapping[str, str] = field(default_factory=dict)
    recipients: list[Recipient] = field(default_factory=list)
    metadata: Mapping[str, str] = field(default_factory=dict)
    started: float = 0.0
    shown: list[Any] | None = field(default=None, repr=False, compare=False)
    _id: str | None = None

    @property
    def id(self) -> str:
        """Its name, made when first asked for: most transactions are never named."""
        if self._id is None:
            self._id = new_uuid()
        return self._id

    @property
    def untouched(self) -> bool:
        """Whether nothing is known of it yet, not even its name."""
        return self._id is None and self.sender is None and not self.has_sender

    @property
    def smtputf8(self) -> bool:
        """Whether MAIL asked for internationalised mail, RFC 6531."""
        return "SMTPUTF8" in self.sender_params


@dataclass(frozen=True, slots=True)
class TLSInfo:
    """What a finished handshake has agreed on.

    :param protocol: such as ``TLSv1.3``
    :param cipher: OpenSSL's name of the cipher
    :param key_size: bits
    :param starttls: by STARTTLS, not from the first octet
    :param server_name: what the client asked for by SNI, or ""
    :param peer_certificate: the client's, DER, or None
    :param verify_result: OpenSSL's X509_V number, 0 when the certificate is good
    :param peer_verified: there is a certificate, it was asked for, and it is good
    """

    protocol: str
    cipher: str
    key_size: int
    starttls: bool = True
    server_name: str = ""
    peer_certificate: bytes | None = None
    verify_result: int = 0
    peer_verified: bool = False


@dataclass(slots=True)
class Connection:
    """One client and what is known about it.

    ``peer_ip`` is "" for a UNIX socket.  ``context`` belongs to the scripts.
    ``commands`` counts the lines where a command was expected, the present one
    included.  ``client_ip`` is the address that trust is bound to: the socket's
    peer, or the one a PROXY header gave; XCLIENT changes ``peer_ip`` only.  ``proxy_ip`` is
    the proxy's own address, where there was such a header.
    ``credentials`` are the name and the password that PLAIN or LOGIN has brought; only a relay that
    logs in with them may look at them.
    """

    server_id: str
    peer_ip: str = ""
    peer_port: int = 0
    local_ip: str = ""
    local_port: int = 0
    client_ip: str = ""
    proxy_ip: str = ""
    peer_ptr: str = ""
    helo: str = ""
    helo_verb: str = ""
    tls: TLSInfo | None = None
    username: str | None = None
    mechanism: str | None = None
    protocol: str | None = None
    context: object = None
    transaction: Transaction = field(default_factory=Transaction)
    started: float = 0.0
    commands: int = 0
    errors: int = 0
    messages: int = 0
    credentials: tuple[bytes, bytes] | None = field(default=None, repr=False)

    @property
    def extended(self) -> bool:
        """Whether the client speaks ESMTP."""
        return self.helo_verb == "EHLO"

    def new_transaction(self) -> None:
        """Forget the envelope; the next transaction has another name."""
        if not self.transaction.untouched:
            self.transaction = Transaction()

    def forget_greeting(self) -> None:
        """As if the client had said nothing yet: after STARTTLS, RFC 3207 4.2, and XCLIENT."""
        self.helo = self.helo_verb = ""
        self.username = self.mechanism = self.credentials = None
        self.new_transaction()


def unmapped(address: str) -> str:
    """An IPv4 address that came over an IPv6 socket, as IPv4; any other as it is."""
    if ":" not in address or not address.lower().startswith("::ffff:"):
        return address
    try:
        mapped = IPv6Address(address).ipv4_mapped
    except ValueError:
        return address
    return address if mapped is None else str(mapped)


def assumed_address(text: str) -> str:
    """An address that somebody tells us to believe in, in its canonical form.

    :raises ValueError: when it is none, or has a zone: that may be any text, line ends too, and
        means nothing on another machine
    """
    if "%" in text:
        raise ValueError(text)
    return str(ip_address(text))


def within(address: str, networks: tuple[Network, ...]) -> bool:
    """Whether an address lies in one of the networks; an IPv4-mapped one counts as IPv4."""
    if not networks or not address:
        return False
    try:
        parsed: IPv4Address | IPv6Address = ip_address(address)
    except ValueError:
        return False
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
        parsed = parsed.ipv4_mapped
    return any(parsed.version == network.version and parsed in network for network in networks)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one server takes; 0 means no limit where that is said.

    :param message_size: octets of one message, announced as SIZE, RFC 1870; 0: none
    :param recipients: of one message
    :param connections: of the server at a time; 0: none
    :param connections_per_address: at a time; 0: none
    :param connections_per_network: of a /24 or /64 at a time; 0: none
    :param commands: of one connection; 0: none
    :param errors: of one connection since its last accepted message; 0: none
    :param messages: of one connection; 0: none
    :param auth_attempts: failed ones of one connection
    :param command_line: octets of a command line, its end included
    :param auth_line: octets of an answer to an AUTH challenge, RFC 4954 4
    :param backlog: octets read ahead of the command that is being answered
    :param command_timeout: seconds until a whole command has arrived
    :param data_timeout: seconds of silence inside a message
    :param message_timeout: seconds that one message's octets may take
    :param handshake_timeout: seconds for the PROXY header, and for the TLS handshake
    :param session_timeout: seconds of the whole connection; 0: none
    :param close_timeout: seconds a client has to take its last reply and leave
    :param greeting_delay: seconds before the banner; who speaks earlier is refused
    """

    message_size: int = 52_428_800
    recipients: int = 1000
    connections: int = 10_000
    connections_per_address: int = 0
    connections_per_network: int = 0
    commands: int = 100_000
    errors: int = 20
    messages: int = 10_000
    auth_attempts: int = 3
    command_line: int = COMMAND_LINE_LIMIT
    auth_line: int = AUTH_LINE_LIMIT
    backlog: int = 65_536
    command_timeout: float = 300.0
    data_timeout: float = 300.0
    message_timeout: float = 3600.0
    handshake_timeout: float = 30.0
    session_timeout: float = 14_400.0
    close_timeout: float = 10.0
    greeting_delay: float = 0.0


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """What a protocol and its machine need to know of their server.

    :param hostname: in the banner, EHLO and Received
    :param default_transport: where recipients go unless the policy says otherwise
    :param tls: makes the TLS side of a connection (IOpenSSLServerConnectionCreator); STARTTLS is
        offered when it is set
    :param mechanisms: SASL names, offered in this order; one that is not built in is the policy's
    :param auth_require_tls: neither offered nor taken in clear
    :param auth_required: no MAIL before AUTH
    :param bare_newlines: what happens to a bare CR or LF in a message
    :param xclient: networks whose clients may use XCLIENT
    :param spool: directory for messages that are being examined; None for the system's
    """

    server_id: str
    hostname: str
    default_transport: str = ""
    limits: Limits = Limits()
    tls: Any = None
    mechanisms: tuple[str, ...] = ()
    auth_require_tls: bool = True
    auth_required: bool = False
    bare_newlines: BareNewlines = "reject"
    xclient: tuple[Network, ...] = ()
    spool: Path | None = None
