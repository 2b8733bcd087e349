"""From the session to a script's variables, each made when the script first reads it.

A script reads few of its variables, and most evaluations none but
``$command``: so the mapping starts with that, or empty, and asks :data:`Maker`
functions for the others.
``$context`` is never kept here.  It is read from and written to the connection,
which is why it outlives the script however the script ends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from smtpgate.hsl.values import Array, Map, Value, arrays
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.session import Connection, Recipient, Transaction

CONTEXT = "context"


class Variables(dict[str, Value]):
    """The predefined variables of one evaluation, by name without the ``$``.

    :param makers: of the hook
    :param connection: whose session it is
    :param subject: what the hook is asked about: for the proxy hook the line, octets
    """

    __slots__ = ("_makers", "connection", "subject")

    def __init__(self, makers: Mapping[str, Maker], connection: Connection, subject: Any) -> None:
        self._makers = makers
        self.connection = connection
        self.subject = subject

    def __missing__(self, name: str) -> Value:
        if name == CONTEXT:
            return self.connection.context
        value = self._makers[name](self)
        _keep(self, name, value)
        return value

    def __setitem__(self, name: str, value: Value) -> None:
        if name == CONTEXT:
            self.connection.context = value
        else:
            _keep(self, name, value)


class LineVariables(Variables):
    """Those of the proxy hook: nearly every script looks at the line, so it is there at once."""

    __slots__ = ()

    def __init__(self, makers: Mapping[str, Maker], connection: Connection, line: bytes) -> None:
        self._makers = makers
        self.connection = connection
        self.subject = line
        _keep(self, "command", str(line, "latin-1"))


_keep = dict.__setitem__

#: Makes one variable's value.
Maker: TypeAlias = Callable[[Variables], Value]


@dataclass(frozen=True, slots=True)
class Variable:
    """One read-only variable: how it is made, and what its row in the manual says."""

    kind: str
    text: str
    make: Maker


def params_array(params: Mapping[str, str]) -> Array:
    """The parameters of MAIL or RCPT, by name."""
    return arrays.from_pairs((arrays.key(name), value) for name, value in params.items())


def parts(prefix: str, mailbox: Mailbox | None) -> dict[str, Value]:
    """An address in lower case, and its parts as they were sent; all empty for ``<>``."""
    return {
        prefix: mailbox.lower if mailbox else "",
        f"{prefix}localpart": mailbox.local if mailbox else "",
        f"{prefix}domain": mailbox.domain if mailbox else "",
    }


def address(mailbox: Mailbox | None) -> Map:
    """An address's two parts, as later manuals have them."""
    return Map(localpart=mailbox.local if mailbox else "", domain=mailbox.domain if mailbox else "")


def _recipient(recipient: Recipient) -> Map:
    return Map(
        parts("recipient", recipient.mailbox),
        address=address(recipient.mailbox),
        recipientparams=params_array(recipient.params),
        params=params_array(recipient.params),
        transportid=recipient.transport,
    )


def _transaction(variables: Variables) -> Map:
    transaction = variables.connection.transaction
    if not transaction.has_sender:
        return Map(id=transaction.id)
    return Map(
        {"id": transaction.id, "ts": transaction.started, **parts("sender", transaction.sender)},
        senderaddress=address(transaction.sender),
        senderparams=params_array(transaction.sender_params),
        recipients=_recipients(transaction),
    )


def _recipients(transaction: Transaction) -> list[Value]:
    """A list of its own, for the script may keep it; its items are made once for all scripts."""
    shown = transaction.shown
    if shown is None:
        shown = transaction.shown = []
    shown += map(_recipient, transaction.recipients[len(shown) :])
    return shown[:]


def both_ends(connection: Connection) -> Map:
    """Who talks to which server, by the later manuals' names."""
    found = Map(remoteip=connection.peer_ip, remoteport=float(connection.peer_port))
    if connection.peer_ptr:
        found["remoteptr"] = connection.peer_ptr
    found["localip"] = connection.local_ip
    found["localport"] = float(connection.local_port)
    found["serverid"] = connection.server_id
    return found


def _connection(variables: Variables) -> Map:
    """The later manuals' ``$connection``: what is not known is left out."""
    connection = variables.connection
    found = both_ends(connection)
    if connection.helo_verb:
        found["helo"] = Map(verb=connection.helo_verb, host=connection.helo)
    if connection.tls is not None:
        tls = connection.tls
        agreed = Map(protocol=tls.protocol, cipher=tls.cipher, keysize=float(tls.key_size))
        if tls.peer_certificate is not None:
            agreed["peercert"] = Map(
                x509=_resource(tls.peer_certificate), error=float(tls.verify_result)
            )
        found["tls"] = agreed
    if connection.username is not None:
        found["auth"] = Map(mechanism=connection.mechanism or "", username=connection.username)
    return found


def _resource(encoded: bytes) -> Value:
    # Few clients show a certificate, and reading one takes a large library.
    from smtpgate.hsl.library.x509 import X509Resource

    return X509Resource(encoded)


#: What is known of a client that has only connected.
PEER: Mapping[str, Variable] = {
    "senderip": Variable("string", "the client's IP address", lambda v: v.connection.peer_ip),
    "senderport": Variable(
        "number", "the client's TCP port", lambda v: float(v.connection.peer_port)
    ),
    "serverip": Variable(
        "string", "the address that the client connected to", lambda v: v.connection.local_ip
    ),
    "serverport": Variable(
        "number", "the port that the client connected to", lambda v: float(v.connection.local_port)
    ),
    "serverid": Variable(
        "string", "the ``id`` of the server in the configuration", lambda v: v.connection.server_id
    ),
    "connection": Variable(
        "array", "the same, as later editions of the language group it", _connection
    ),
}

_HELO: Mapping[str, Variable] = {
    "senderhelo": Variable(
        "string",
        'what the client called itself in EHLO or HELO; ``""`` before that, and after STARTTLS',
        lambda v: v.connection.helo,
    ),
}
_TLS: Mapping[str, Variable] = {
    "tlsstarted": Variable(
        "boolean", "whether the connection is encrypted", lambda v: v.connection.tls is not None
    ),
}
_SASL: Mapping[str, Variable] = {
    "saslauthed": Variable(
        "boolean",
        "whether the client has authenticated",
        lambda v: v.connection.username is not None,
    ),
    "saslusername": Variable(
        "string", 'as whom; ``""`` before that', lambda v: v.connection.username or ""
    ),
}

#: What is known of the client in every hook but connect, helo and auth.
CONNECTION: Mapping[str, Variable] = {**PEER, **_HELO, **_TLS, **_SASL}
#: At HELO the name is what the hook is about.
CONNECTION_AT_HELO: Mapping[str, Variable] = {**PEER, **_TLS, **_SASL}
#: At AUTH the client is still nobody.
CONNECTION_AT_AUTH: Mapping[str, Variable] = {**PEER, **_HELO, **_TLS}

#: The envelope as far as it is known.
TRANSACTION: Mapping[str, Variable] = {
    "transaction": Variable(
        "array", "the transaction's identity, its sender and its recipients", _transaction
    ),
}


#: What the proxy hook is about.
COMMAND: Mapping[str, Variable] = {
    "command": Variable(
        "string",
        "the line as the client sent it, without its line end",
        lambda v: str(v.subject, "latin-1"),
    ),
    "arguments": Variable(
        "array",
        'an array with the item ``"command"``, as later editions of the language have it',
        lambda v: Map(command=v["command"]),
    ),
}
