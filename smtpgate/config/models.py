"""The configuration as models.  The reference in the documentation is made from them.

A model's docstring says what a table is for, the string below a field what its key
means.  How it all is read, and how errors are worded, is not their business.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, SecretStr

from .document import SCRIPTS, STATE, Document
from .errors import ConfigError, KeyPath
from .fields import (
    Directory,
    Endpoint,
    ExistingFile,
    Expected,
    Hostname,
    Mechanism,
    Names,
    NetworkField,
    NextHost,
    Script,
    ServerId,
    StatePath,
    Verbs,
)

Seconds = Annotated[float, Field(ge=0, le=86400 * 7)]
PositiveSeconds = Annotated[float, Field(ge=0.1, le=86400 * 7)]
Count = Annotated[int, Field(ge=0, le=1_000_000_000)]
PositiveCount = Annotated[int, Field(ge=1, le=1_000_000_000)]


class Table(BaseModel):
    """What all tables have in common: no unknown keys, no conversions, no changes later."""

    # Deferred: one validator is made for the whole Config, and none for each table before it.
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, defer_build=True)


class Certificate(Table):
    """A certificate with its key, by name.  Servers refer to the name."""

    certificate: ExistingFile | None = None
    """PEM file: the certificate, then its chain."""
    private_key: ExistingFile | None = None
    """PEM file with the private key, not encrypted."""
    self_signed: bool = False
    """With neither file given, make a certificate for `hostname` under `state` at first start."""
    client_ca: ExistingFile | None = None
    """PEM file with authorities: clients are asked for a certificate, and it is verified against
    these.  A client without one, or with a bad one, is served all the same; scripts see it."""


class Maildir(Table):
    """Mail into a Maildir: written, synced to disk and renamed before the client gets its 250."""

    type: Literal["maildir"]
    """What kind of transport this is."""
    path: StatePath
    """The Maildir, relative to `state`.  It is made when it is missing.  With `{user}` or
    `{domain}` in it there is one for each recipient: the parts of the address in lower case."""
    create: bool = True
    """Make a recipient's Maildir when it is missing.  Otherwise there is no such user."""


class Discard(Table):
    """Mail is accepted and thrown away: for tests and for measuring."""

    type: Literal["discard"]
    """What kind of transport this is."""


class Login(Table):
    """Who the gateway is at the next hop."""

    username: Annotated[str, Field(min_length=1)]
    """Name of the account."""
    password: SecretStr
    """Its password."""
    in_clear: bool = False
    """The password may be sent without TLS.  It should not."""


class Relay(Table):
    """What relaying by SMTP and by LMTP have in common."""

    hosts: Annotated[list[NextHost], Field(min_length=1)]
    """Next hops, `HOST` or `HOST:PORT`, tried in this order until a recipient is accepted.  The
    port is 25 by default, 24 for `lmtp`, and 465 with `tls = "implicit"`."""
    tls: Literal["none", "opportunistic", "required", "implicit"] = "opportunistic"
    """`none`: never.  `opportunistic`: STARTTLS when the next hop offers it, whatever its
    certificate.  `required`: STARTTLS with a certificate that is verified.  `implicit`: the same
    from the first octet on."""
    ca: ExistingFile | None = None
    """PEM file with the authorities to trust instead of the system's."""
    certificate: str | None = None
    """Name of a certificate to show to the next hop."""
    auth: Login | None = None
    """Account to log in with.  It takes TLS that is `required` or `implicit`, or `in_clear`."""
    pass_auth: bool = False
    """Log in with the name and the password that the client has logged in with by PLAIN or LOGIN.
    It takes TLS that is `required` or `implicit`."""
    xclient: bool = False
    """Tell the next hop who the client is, by XCLIENT, when it offers that."""
    xforward: bool = False
    """Tell the next hop's logs who the client is, by XFORWARD, when it offers that."""
    proxy_protocol: bool = False
    """Tell the next hop who the client is, by a PROXY header of version 2; it has to expect one."""
    connect_timeout: PositiveSeconds = 30.0
    """Seconds to connect to one host."""
    greeting_timeout: PositiveSeconds = 300.0
    """Seconds until some host is connected, greeted and logged in to.  All hosts share this time;
    it is also how long a message waits when there are too many `connections`."""
    command_timeout: PositiveSeconds = 300.0
    """Seconds to wait for one answer."""
    block_timeout: PositiveSeconds = 180.0
    """Seconds that the next hop may take no octets of a message."""
    data_timeout: PositiveSeconds = 600.0
    """Seconds to wait for the answer to a whole message."""
    connections: PositiveCount = 100
    """Connections to all hosts at a time."""
    idle_timeout: Seconds = 10.0
    """Seconds that an idle connection is kept for the next message."""


class SMTPRelay(Relay):
    """Mail is handed to the next hop by SMTP while the client waits: its answer is the client's."""

    type: Literal["smtp"]
    """What kind of transport this is."""
    mx: bool = False
    """A host that is a name without a port is a domain: DNS says which mail servers it has."""


class LMTPRelay(Relay):
    """Like `smtp`, but by LMTP (RFC 2033), to a mail store."""

    type: Literal["lmtp"]
    """What kind of transport this is."""


Transport = Annotated[Maildir | Discard | SMTPRelay | LMTPRelay, Field(discriminator="type")]


class Users(Table):
    """The accounts for AUTH."""

    file: ExistingFile
    """One `name:hash` a line, as `smtpgate passwd` writes them."""


class Listener(Table):
    """One place where a server takes connections."""

    endpoint: Endpoint
    """A Twisted server endpoint description: `tcp:25`, `tcp:25:interface=192.0.2.1`,
    `tcp6:25:interface=\\:\\:`, `unix:/run/smtpgate.sock:mode=660`."""
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    """`starttls`: offered when the server has a certificate.  `implicit`: TLS from the first octet
    on.  `none`: no TLS here."""
    proxy_protocol: list[NetworkField] = []
    """Proxies, by network, that begin each connection with a PROXY header, version 1 or 2.  From
    these it is required; other clients are served as they are, and must not send one."""


class Auth(Table):
    """SMTP AUTH, RFC 4954."""

    mechanisms: list[Mechanism] = ["PLAIN", "LOGIN"]
    """Offered in this order.  Built in: PLAIN, LOGIN, SCRAM-SHA-256 (all three need `[users]`) and
    EXTERNAL (needs a certificate with `client_ca`).  Any other name is the auth hook's."""
    require_tls: bool = True
    """Neither offered nor accepted before TLS."""
    required: bool = False
    """No mail from clients that have not authenticated."""


class Hook(Table):
    """A script at its place in the session; just its path will do."""

    script: Script
    """Path of the script, relative to `scripts`."""


class ProxyHook(Hook):
    """The script that sees command lines before the server does; just its path will do."""

    commands: Verbs = "all"
    """When it runs: for `"all"` commands, for those in a list, or for the `"first"` command of a
    connection only."""


def _path_only(value: object) -> object:
    return {"script": value} if isinstance(value, str) else value


_SCRIPT = Expected("the path of a script, or a table with `script`")
PathOrHook = Annotated[Hook, BeforeValidator(_path_only), _SCRIPT]
PathOrProxyHook = Annotated[ProxyHook, BeforeValidator(_path_only), _SCRIPT]


class Hooks(Table):
    """Which script runs where.  A hook that is not set costs nothing."""

    proxy: PathOrProxyHook | None = None
    """Before each command line."""
    connect: PathOrHook | None = None
    """A client has connected; before the banner."""
    helo: PathOrHook | None = None
    """HELO or EHLO."""
    auth: PathOrHook | None = None
    """AUTH."""
    mailfrom: PathOrHook | None = None
    """MAIL FROM."""
    rcptto: PathOrHook | None = None
    """RCPT TO."""
    eodonce: PathOrHook | None = None
    """End of a message, once."""
    eodrcpt: PathOrHook | None = None
    """End of a message, for each recipient."""
    disconnect: PathOrHook | None = None
    """The client has gone."""

    def configured(self) -> list[tuple[str, Hook]]:
        """The hooks that are set, by name, in the order above."""
        present = ((name, getattr(self, name)) for name in type(self).model_fields)
        return [(name, hook) for name, hook in present if hook is not None]


class Limits(Table):
    """How much a server takes from its clients, and from its scripts."""

    message_size: Count = 52_428_800
    """Octets of one message, announced as SIZE; 0: no limit."""
    recipients: PositiveCount = 1000
    """Recipients of one message."""
    connections: Count = 10_000
    """Connections at a time; 0: no limit."""
    connections_per_address: Count = 0
    """Connections at a time from one address; 0: no limit."""
    connections_per_network: Count = 0
    """Connections at a time from one /24 (IPv4) or /64 (IPv6); 0: no limit."""
    commands: Count = 100_000
    """Commands of one connection; 0: no limit."""
    errors: Count = 20
    """Errors of one connection since its last accepted message; 0: no limit."""
    messages: Count = 10_000
    """Messages of one connection; 0: no limit."""
    auth_attempts: PositiveCount = 3
    """Failed authentications of one connection."""
    command_timeout: PositiveSeconds = 300.0
    """Seconds until a whole command has arrived."""
    data_timeout: PositiveSeconds = 300.0
    """Seconds of silence inside a message."""
    message_timeout: PositiveSeconds = 3600.0
    """Seconds that the octets of one message may take."""
    handshake_timeout: PositiveSeconds = 30.0
    """Seconds for the PROXY header, and for the TLS handshake."""
    session_timeout: Seconds = 14_400.0
    """Seconds of a whole connection; 0: no limit."""
    close_timeout: PositiveSeconds = 10.0
    """Seconds that a client has to take its last reply and leave."""
    greeting_delay: Annotated[float, Field(ge=0, le=300)] = 0.0
    """Seconds before the banner; a client that speaks earlier is refused."""
    script_timeout: PositiveSeconds = 30.0
    """Seconds that a script may take, its waiting included."""
    script_steps: PositiveCount = 1_000_000
    """Turns of loops and calls that a script may take."""


class Server(Table):
    """A server: its listeners share everything below."""

    id: ServerId
    """Its name in logs and in scripts (`$serverid`)."""
    transport: Annotated[str, Expected("the name of a transport")]
    """Name of the transport for mail that no script sends elsewhere."""
    listeners: Annotated[list[Listener], Field(min_length=1)]
    """Where it takes connections."""
    certificate: Names = []
    """Name of its certificate, or a list of names: chosen by the host name that the client asks
    for (SNI), the first is the default.  STARTTLS is offered when there is one."""
    xclient: list[NetworkField] = []
    """Networks whose clients may use XCLIENT."""
    bare_newlines: Literal["reject", "normalize", "pass"] = "reject"
    """What happens to CR and LF that stand alone in a message: the message is rejected, they
    become CRLF, or they are passed on (dangerous: the next server may read the message's end
    where there is none)."""
    log_sessions: bool = True
    """Whether connections, logins and accepted messages have lines in the log.  What is refused
    and what fails has them in any case."""
    auth: Auth | None = None
    """AUTH is offered when this is set."""
    hooks: Hooks = Field(default={}, validate_default=True)
    """Scripts."""
    limits: Limits = Field(default={}, validate_default=True)
    """Limits and deadlines."""


class Config(Table):
    """The whole configuration file."""

    hostname: Hostname | None = None
    """The gateway's name in the banner, EHLO and Received.  Default: the machine's name."""
    scripts: Directory = Field(default=Path(SCRIPTS), validate_default=True)
    """Directory that script paths are relative to, itself relative to this file.  One that is set
    has to be there."""
    state: Directory = Field(default=Path(STATE), validate_default=True)
    """Directory for what the gateway writes: mail, generated certificates.  Relative to this
    file."""
    workers: Annotated[int, Field(ge=1, le=1024)] = 1
    """Processes that share the listeners, for machines with several cores.  With more than 1 there
    is one more, which supervises them."""
    certificates: dict[str, Certificate] = {}
    """Certificates by name."""
    transports: dict[str, Transport]
    """Where mail goes, by name (`transportid` in scripts)."""
    users: Users | None = None
    """Accounts for AUTH."""
    servers: Annotated[list[Server], Field(min_length=1)]
    """The servers."""

    _document: Document = PrivateAttr()

    def error(self, path: KeyPath, message: str) -> ConfigError:
        """An error that was found later, such as a key that does not fit its certificate."""
        return self._document.error(path, message)
