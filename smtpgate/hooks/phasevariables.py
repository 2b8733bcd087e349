"""The variables of the phase hooks: what each of them is about.

Each has the names of the first edition of the language, and ``$arguments`` with
those of later ones.
"""

from __future__ import annotations

from collections.abc import Mapping

from smtpgate.hooks.letter import Letter
from smtpgate.hooks.questions import Hello, Sender
from smtpgate.hooks.variables import (
    Maker,
    Variable,
    Variables,
    address,
    both_ends,
    params_array,
    parts,
)
from smtpgate.hsl.values import Map, Value
from smtpgate.smtp.server.policy import AuthStep
from smtpgate.smtp.session import Recipient

_LATER = "the same, as later editions of the language group it"


def _arguments(make: Maker) -> Variable:
    return Variable("array", _LATER, make)


# connect


def _connect_arguments(variables: Variables) -> Value:
    found = both_ends(variables.connection)
    if variables.connection.proxy_ip:
        found["proxyip"] = variables.connection.proxy_ip
    return found


CONNECT: Mapping[str, Variable] = {"arguments": _arguments(_connect_arguments)}


# helo


def _hello(variables: Variables) -> Hello:
    subject: Hello = variables.subject
    return subject


def _helo_arguments(variables: Variables) -> Value:
    hello = _hello(variables)
    return Map(verb=hello.verb, host=hello.name, extensions=list(hello.offered()))


HELO: Mapping[str, Variable] = {
    "senderhelo": Variable("string", "what the client calls itself", lambda v: _hello(v).name),
    "senderhelotype": Variable("string", "``HELO`` or ``EHLO``", lambda v: _hello(v).verb),
    "arguments": _arguments(_helo_arguments),
}


# auth


def _step(variables: Variables) -> AuthStep:
    subject: AuthStep = variables.subject
    return subject


def _response(variables: Variables) -> Value:
    step = _step(variables)
    return step.response.decode("latin-1") if step.username is None else None


def _auth_arguments(variables: Variables) -> Value:
    step = _step(variables)
    if step.username is not None:
        return Map(username=step.username, password=step.password, mechanism=step.mechanism)
    return Map(
        mechanism=step.mechanism, state=float(step.state), response=step.response.decode("latin-1")
    )


AUTH: Mapping[str, Variable] = {
    "saslusername": Variable(
        "string",
        'the name, with PLAIN and LOGIN; ``""`` with other mechanisms',
        lambda v: _step(v).username or "",
    ),
    "saslpassword": Variable(
        "string",
        'the password, with PLAIN and LOGIN; ``""`` with other mechanisms',
        lambda v: _step(v).password or "",
    ),
    "saslmechanism": Variable(
        "string", "the mechanism, in upper case", lambda v: _step(v).mechanism
    ),
    "saslstate": Variable(
        "number",
        "0 for the AUTH command itself, then one more for each response",
        lambda v: float(_step(v).state),
    ),
    "saslresponse": Variable(
        "string",
        'the client\'s response, decoded; ``""`` when AUTH brought none; none with PLAIN and LOGIN',
        _response,
    ),
    "arguments": _arguments(_auth_arguments),
}


# mailfrom


def _sender(variables: Variables) -> Sender:
    subject: Sender = variables.subject
    return subject


def _sender_part(name: str) -> Maker:
    return lambda v: parts("sender", _sender(v).mailbox)[name]


def _mailfrom_arguments(variables: Variables) -> Value:
    sender = _sender(variables)
    return Map(
        sender=variables["sender"],
        address=address(sender.mailbox),
        params=params_array(sender.params),
    )


MAILFROM: Mapping[str, Variable] = {
    "sender": Variable(
        "string", 'the sender in lower case; ``""`` for ``<>``', _sender_part("sender")
    ),
    "senderlocalpart": Variable(
        "string", "the part before the at sign, as it was sent", _sender_part("senderlocalpart")
    ),
    "senderdomain": Variable(
        "string", "the part behind it, as it was sent", _sender_part("senderdomain")
    ),
    "senderparams": Variable(
        "array",
        "the parameters of MAIL, by name in upper case",
        lambda v: params_array(_sender(v).params),
    ),
    "arguments": _arguments(_mailfrom_arguments),
}


# rcptto


def _recipient(variables: Variables) -> Recipient:
    subject: Recipient = variables.subject
    return subject


def _recipient_part(name: str) -> Maker:
    return lambda v: parts("recipient", _recipient(v).mailbox)[name]


def _rcptto_arguments(variables: Variables) -> Value:
    recipient = _recipient(variables)
    return Map(
        recipient=variables["recipient"],
        address=address(recipient.mailbox),
        params=params_array(recipient.params),
        transportid=recipient.transport,
    )


RCPTTO: Mapping[str, Variable] = {
    "recipient": Variable("string", "the recipient in lower case", _recipient_part("recipient")),
    "recipientlocalpart": Variable(
        "string",
        "the part before the at sign, as it was sent",
        _recipient_part("recipientlocalpart"),
    ),
    "recipientdomain": Variable(
        "string", "the part behind it, as it was sent", _recipient_part("recipientdomain")
    ),
    "recipientparams": Variable(
        "array",
        "the parameters of RCPT, by name in upper case",
        lambda v: params_array(_recipient(v).params),
    ),
    "transportid": Variable(
        "string",
        "the transport that the recipient goes to: the server's",
        lambda v: _recipient(v).transport,
    ),
    "arguments": _arguments(_rcptto_arguments),
}


# eodonce and eodrcpt

EODONCE: Mapping[str, Variable] = {
    "arguments": Variable("array", "empty: the message has functions of its own", lambda v: []),
}


def _letter(variables: Variables) -> Letter:
    subject: Letter = variables.subject
    return subject


def _addressee(variables: Variables) -> Recipient:
    recipient = _letter(variables).recipient
    assert recipient is not None
    return recipient


def _addressee_part(name: str) -> Maker:
    return lambda v: parts("recipient", _addressee(v).mailbox)[name]


def _letter_part(name: str) -> Maker:
    return lambda v: parts("sender", _letter(v).sender)[name]


def _eodrcpt_arguments(variables: Variables) -> Value:
    recipient = _addressee(variables)
    return Map(
        recipient=variables["recipient"],
        address=address(recipient.mailbox),
        transportid=recipient.transport,
        actionid=variables["actionid"],
    )


def _addresses(variables: Variables) -> list[Value]:
    recipients = _letter(variables).transaction.recipients
    return [parts("recipient", each.mailbox)["recipient"] for each in recipients]


def _domains(variables: Variables) -> list[Value]:
    recipients = _letter(variables).transaction.recipients
    return [each.mailbox.domain for each in recipients]


#: Of other editions: the same as in ``$transaction``.
_FLAT: Mapping[str, Variable] = {
    "messageid": Variable(
        "string", "the transaction's ``id``", lambda v: _letter(v).transaction.id
    ),
    "senderparams": Variable(
        "array",
        "the parameters of MAIL, by name in upper case",
        lambda v: params_array(_letter(v).transaction.sender_params),
    ),
    "recipients": Variable(
        "array", "the addresses of all recipients in lower case, in their order", _addresses
    ),
    "recipientdomains": Variable(
        "array", "their domains, as they were sent, in the same order", _domains
    ),
}

EODRCPT: Mapping[str, Variable] = {
    "sender": Variable(
        "string", 'the sender in lower case; ``""`` for ``<>``', _letter_part("sender")
    ),
    "senderlocalpart": Variable(
        "string", "the part before the at sign", _letter_part("senderlocalpart")
    ),
    "senderdomain": Variable("string", "the part behind it", _letter_part("senderdomain")),
    "recipient": Variable(
        "string", "the recipient whose turn it is, in lower case", _addressee_part("recipient")
    ),
    "recipientlocalpart": Variable(
        "string", "the part before the at sign", _addressee_part("recipientlocalpart")
    ),
    "recipientdomain": Variable("string", "the part behind it", _addressee_part("recipientdomain")),
    "transportid": Variable(
        "string", "the transport that the recipient goes to", lambda v: _addressee(v).transport
    ),
    "actionid": Variable(
        "number",
        "1 for the first action for this recipient, then one more for each",
        lambda v: float(_letter(v).actions + 1),
    ),
    **_FLAT,
    "arguments": _arguments(_eodrcpt_arguments),
}


# disconnect

DISCONNECT: Mapping[str, Variable] = {
    "arguments": Variable("array", "empty: there is nothing to decide", lambda v: []),
}
