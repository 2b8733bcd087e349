"""How the scripts at the end of a message decide: eodonce once, eodrcpt for each recipient."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Any

from smtpgate.hooks.accepting import words
from smtpgate.hooks.addresses import read_mailbox, read_recipient
from smtpgate.hooks.letter import Letter
from smtpgate.hooks.replying import DISCONNECT, POSITIVE, reply_codes
from smtpgate.hsl.builtin import (
    ARRAY,
    BOOLEAN,
    NO_OPTIONS,
    NUMBER,
    STRING,
    Array,
    Boolean,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.runtime.signals import Terminated
from smtpgate.hsl.values import Map, arrays, type_name
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import policy
from smtpgate.smtp.server.policy import Parcel
from smtpgate.smtp.session import Recipient

_REASON = Option((STRING,), None, "What the client is told. The server has words of its own")
_NO_QUEUE = "mail is handed on at once, nothing waits"
_DELAY = Option((NUMBER,), 0.0, "Only 0: there is no queue", (0.0,), _NO_QUEUE)
_METADATA = Option((ARRAY,), None, "Strings by name that stay with the message")


class Action(Enum):
    """What eodrcpt decides beside a reply that refuses."""

    DELIVER = "at the implicit end"
    DELETE = "keep nothing, and tell the client that all is well"
    DONE = "nothing more for this recipient"


class Delivered:
    """Deliver was called; what it says to the client."""

    __slots__ = ("reply",)

    def __init__(self, reply: Reply | None) -> None:
        self.reply = reply


def letter_of(execution: Execution) -> Letter:
    """What the running script is asked about."""
    letter: Letter = execution.variables.subject  # type: ignore[attr-defined]
    return letter


def read_metadata(what: str, given: Array) -> dict[str, str]:
    """Strings by name.

    :raises Fault: for anything else
    """
    if not given:
        return {}
    if not isinstance(given, Map):
        raise Fault(f"{what} must have names for keys")
    for key, value in given.items():
        if not isinstance(key, str) or not isinstance(value, str):
            other = key if not isinstance(key, str) else value
            raise Fault(f"{what} must hold strings by name, {type_name(other)} given")
    return dict(given)


# eodonce


@builtin(
    "Accept",
    options={"reason": _REASON, "reply_codes": reply_codes(POSITIVE)},
    terminates=True,
)
def accept_eodonce(options: Options = NO_OPTIONS) -> policy.Accept:
    """Take the message: deliver what was queued, or to all recipients when nothing was."""
    return policy.Accept(words(options, 250))


@builtin(
    "Queue",
    options={
        "sender": Option((STRING, ARRAY), None, "Instead of the sender of the transaction"),
        "metadata": _METADATA,
        "hold": Option((BOOLEAN,), False, "Only ``false``: there is no queue", (False,), _NO_QUEUE),
        "delay": _DELAY,
    },
)
def queue(
    execution: Execution,
    recipient: String | Array,
    transportid: String,
    options: Options = NO_OPTIONS,
) -> Boolean:
    """Have a copy delivered when the message is accepted, as it is now."""
    letter = letter_of(execution)
    utf8 = letter.transaction.smtputf8
    mailbox = read_recipient('Queue() parameter "recipient"', recipient, smtputf8=utf8)
    if transportid == "":
        raise Fault('Queue() parameter "transportid" must not be empty')
    sender = letter.sender
    if options["sender"] is not None:
        sender = read_mailbox('Queue() option "sender"', options["sender"], smtputf8=utf8)
    metadata = read_metadata('Queue() option "metadata"', options["metadata"] or [])
    _keep(letter, Recipient(mailbox, letter.parameters(mailbox), transportid), sender, metadata)
    return True


#: Copies that one script may have delivered.
MOST_PARCELS = 10_000


def _keep(letter: Letter, recipient: Recipient, sender: Any, metadata: dict[str, str]) -> None:
    if len(letter.parcels) >= MOST_PARCELS:
        raise Fault(f"a script may have at most {MOST_PARCELS} copies delivered")
    letter.parcels.append(letter.parcel(recipient, sender, metadata))


# eodrcpt


@builtin(
    "Deliver",
    options={
        "recipient": Option((STRING, ARRAY), None, "Instead of the recipient"),
        "transportid": Option((STRING,), None, "Where it goes. The default is ``$transportid``"),
        "metadata": _METADATA,
        "delay": _DELAY,
        "queue": Option(
            (BOOLEAN,), True, "Means nothing: mail is handed on while the client waits"
        ),
        "done": Option((BOOLEAN,), True, "Whether the script ends here"),
        "disconnect": DISCONNECT,
        "reason": _REASON,
        "reply_codes": reply_codes(POSITIVE),
    },
)
def deliver(execution: Execution, options: Options = NO_OPTIONS) -> None:
    """Deliver the message to the recipient."""
    letter = letter_of(execution)
    reply = words(options, 250, function="Deliver", disconnect=options["disconnect"])
    mailbox = None
    if options["recipient"] is not None:
        mailbox = read_recipient(
            'Deliver() option "recipient"',
            options["recipient"],
            smtputf8=letter.transaction.smtputf8,
        )
    if options["transportid"] == "":
        raise Fault('Deliver() option "transportid" must not be empty')
    metadata = read_metadata('Deliver() option "metadata"', options["metadata"] or [])
    to_recipient(letter, mailbox, options["transportid"], metadata)
    act(execution)
    if options["done"]:
        raise Terminated(Delivered(reply))


def to_recipient(
    letter: Letter,
    mailbox: Any = None,
    transport: str | None = None,
    metadata: dict[str, str] | None = None,
) -> None:
    """Have a copy delivered to the recipient whose turn it is."""
    own = letter.recipient
    assert own is not None
    recipient = replace(own, mailbox=mailbox or own.mailbox, transport=transport or own.transport)
    _keep(letter, recipient, letter.sender, {**letter.metadata, **(metadata or {})})


def act(execution: Execution) -> None:
    """Count an action: the next one has another ``$actionid``."""
    letter_of(execution).actions += 1
    execution.variables.pop("actionid", None)
    execution.variables.pop("arguments", None)


@builtin("Delete", terminates=True)
def delete() -> Action:
    """Keep nothing for this recipient, and tell the client that all is well."""
    return Action.DELETE


@builtin("Done", terminates=True)
def done() -> Action:
    """End without another action; a recipient without any is deferred."""
    return Action.DONE


@builtin("SetSender")
def set_sender(execution: Execution, sender: String | Array) -> String:
    """Change the sender of the copies that are delivered from now on."""
    letter = letter_of(execution)
    letter.sender = read_mailbox(
        'SetSender() parameter "sender"', sender, smtputf8=letter.transaction.smtputf8
    )
    _forget(execution, "sender", "senderlocalpart", "senderdomain")
    return "" if letter.sender is None else letter.sender.text


@builtin("SetRecipient")
def set_recipient(execution: Execution, recipient: String | Array) -> String:
    """Change the recipient of the copies that are delivered from now on."""
    letter = letter_of(execution)
    assert letter.recipient is not None
    letter.recipient.mailbox = read_recipient(
        'SetRecipient() parameter "recipient"', recipient, smtputf8=letter.transaction.smtputf8
    )
    _forget(execution, "recipient", "recipientlocalpart", "recipientdomain", "arguments")
    return letter.recipient.mailbox.text


@builtin("SetMailTransport")
def set_mail_transport(execution: Execution, id: String) -> None:
    """Change where the copies go that are delivered from now on."""
    letter = letter_of(execution)
    assert letter.recipient is not None
    if id == "":
        raise Fault('SetMailTransport() parameter "id" must not be empty')
    letter.recipient.transport = id
    _forget(execution, "transportid", "arguments")


@builtin("SetMetaData")
def set_metadata(execution: Execution, metadata: Array) -> None:
    """Set what stays with the message, for this recipient and those behind it."""
    letter_of(execution).metadata = read_metadata('SetMetaData() parameter "metadata"', metadata)


@builtin("GetMetaData")
def get_metadata(execution: Execution) -> Array:
    """What SetMetaData has set."""
    return arrays.from_pairs(letter_of(execution).metadata.items())


def _forget(execution: Execution, *names: str) -> None:
    """The next read of a variable makes it anew."""
    for name in names:
        execution.variables.pop(name, None)


def combined(
    results: list[tuple[Any, list[Parcel]]], words: Reply | None, deleted: Reply
) -> Reply | policy.Send:
    """The one answer for all recipients: reject before defer before delete before deliver.

    Where the client is told to come again nobody gets anything now.

    :param results: the decision for each recipient, and the copies that are to be delivered
    :param words: what the client is told when no recipient's script says anything
    :param deleted: the answer to a message that nobody gets, and nobody has refused
    """
    refusals = [value for value, _ in results if isinstance(value, Reply)]
    rejections = [reply for reply in refusals if reply.code >= 500]
    parcels = tuple(parcel for _, own in results for parcel in own)
    if rejections:
        return policy.Send(parcels, rejections[0]) if parcels else rejections[0]
    if refusals:
        return refusals[0]
    if not parcels:
        return words or deleted
    said = [value.reply for value, _ in results if isinstance(value, Delivered) and value.reply]
    return policy.Send(parcels, said[0] if said else words)
