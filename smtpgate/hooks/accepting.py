"""Accept, Reject, Defer and Reply: how a phase hook answers.

A function is made anew for each hook, since the codes and the options differ.
Accept can only be told a positive code, Reject and Defer only a negative one:
what a function is called is what it does.
"""

from __future__ import annotations

import base64
import re

from smtpgate.hooks.addresses import read_mailbox, read_recipient
from smtpgate.hooks.replying import (
    CONTINUING,
    DISCONNECT,
    NEGATIVE,
    POSITIVE,
    make_reply,
    read_codes,
    reply_codes,
)
from smtpgate.hsl.builtin import (
    ARRAY,
    NO_OPTIONS,
    STRING,
    Array,
    Builtin,
    Nothing,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import arrays, type_name
from smtpgate.smtp.commands.envelope import hello_name
from smtpgate.smtp.refusal import EnhancedCode
from smtpgate.smtp.reply import AUTHENTICATED, RECIPIENT_OK, SENDER_OK, Reply, octets
from smtpgate.smtp.server import policy
from smtpgate.smtp.server.policy import AuthStep
from smtpgate.smtp.session import assumed_address

#: Octets of a challenge in Base64, without its code and its line end: RFC 4954 4.
_LONGEST_CHALLENGE = 12282

_REASON = Option((STRING,), None, "What the client is told. The server has words of its own")
_HOST = re.compile(r"[A-Za-z0-9._-]{0,255}")
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*(?: [!-~]+)*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def refusing(
    name: str,
    code: int,
    text: str,
    usual: EnhancedCode | None = None,
    *,
    closes: bool = False,
    bare: bool = False,
) -> Builtin:
    """Reject or Defer.

    :param usual: the enhanced code that belongs to ``code`` here
    :param closes: the connection ends with it anyway, so there is no option ``disconnect``
    :param bare: its reply has no enhanced code unless the script gives one
    """
    options = {"reply_codes": reply_codes(NEGATIVE)}
    if not closes:
        options = {"disconnect": DISCONNECT, **options}

    def refuse(reason: String | Array | Nothing = None, options: Options = NO_OPTIONS) -> Reply:
        return make_reply(
            name,
            reason,
            options["reply_codes"],
            code=code,
            usual=usual,
            disconnect=options.get("disconnect", True),
            kind=NEGATIVE,
            bare=bare,
        )

    refuse.__doc__ = f"{text[:-1]}: {code}, if the script does not choose another code."
    return builtin(name, options=options, terminates=True)(refuse)


def words(
    options: Options,
    code: int,
    usual: EnhancedCode | None = None,
    function: str = "Accept",
    *,
    bare: bool = False,
    disconnect: bool = False,
) -> Reply | None:
    """The reply of an Accept: None when the server shall choose it.

    :raises Fault: for codes that are not positive
    """
    reason, codes = options["reason"], options.get("reply_codes")
    if reason is None and codes is None and not disconnect:
        return None
    return make_reply(
        function,
        reason,
        codes,
        code=code,
        usual=usual,
        disconnect=disconnect,
        kind=POSITIVE,
        bare=bare,
    )


# connect


@builtin(
    "Accept",
    options={
        "reason": Option((STRING,), None, "The banner. It should begin with the host name"),
        "senderip": Option((STRING,), None, "The address to believe in from now on"),
        "senderptr": Option((STRING,), None, "The name of that address"),
        "remoteip": Option((STRING,), None, "The same as ``senderip``"),
        "remoteptr": Option((STRING,), None, "The same as ``senderptr``"),
    },
    terminates=True,
)
def accept_connect(options: Options = NO_OPTIONS) -> policy.Accept:
    """Greet the client."""
    address, name = _either(options, "senderip", "remoteip"), "senderip"
    if address is not None:
        try:
            address = assumed_address(address)
        except ValueError:
            raise Fault(f'Accept() option "{name}" must be an IP address') from None
    pointer = _either(options, "senderptr", "remoteptr")
    if pointer is not None and not _HOST.fullmatch(pointer):
        raise Fault('Accept() option "senderptr" must be a host name')
    return policy.Accept(words(options, 220, bare=True), peer_ip=address, peer_ptr=pointer)


# helo


@builtin(
    "Accept",
    options={
        "extensions": Option((ARRAY,), None, "What EHLO announces, a string each"),
        "senderhelo": Option((STRING,), None, "The name to believe in from now on"),
        "host": Option((STRING,), None, "The same as ``senderhelo``"),
        "reason": Option((STRING,), None, "The first line. The default is the host name"),
    },
    terminates=True,
)
def accept_helo(options: Options = NO_OPTIONS) -> policy.Accept:
    """Accept the name."""
    name = _either(options, "senderhelo", "host")
    if name is not None and hello_name(octets(name)) is None:
        raise Fault('Accept() option "senderhelo" must be a host name')
    given = options["extensions"]
    extensions = None if given is None else tuple(map(_extension, arrays.values(given)))
    return policy.Accept(words(options, 250, bare=True), helo=name, extensions=extensions)


def _extension(given: object) -> str:
    if not isinstance(given, str):
        raise Fault(f'Accept() option "extensions" must hold strings, {type_name(given)} given')
    if len(given) > 500 or not _KEYWORD.fullmatch(given):  # RFC 5321 4.1.1.1
        raise Fault(
            'Accept() option "extensions" must hold keywords, each with its parameters behind '
            "single spaces"
        )
    return given


# auth


@builtin(
    "Accept",
    options={
        "saslusername": Option((STRING,), None, "Who it is. The default is ``$saslusername``"),
        "username": Option((STRING,), None, "The same as ``saslusername``"),
        "reason": _REASON,
        "reply_codes": reply_codes(POSITIVE),
    },
    terminates=True,
)
def accept_auth(execution: Execution, options: Options = NO_OPTIONS) -> policy.Accept:
    """Log the client in."""
    name = _either(options, "saslusername", "username")
    step = _step(execution)
    if name is None:
        name = step.username
    if name is None:
        raise Fault(
            f'Accept() needs the option "saslusername": {step.mechanism} does not tell who it is'
        )
    if name == "" or _CONTROL.search(name):
        raise Fault('Accept() option "saslusername" must be a name without control characters')
    return policy.Accept(words(options, 235, AUTHENTICATED.enhanced), username=name)


@builtin(
    "Reply",
    options={"disconnect": DISCONNECT, "reply_codes": reply_codes(CONTINUING)},
    terminates=True,
)
def reply_auth(
    execution: Execution, reply: String = "", options: Options = NO_OPTIONS
) -> Reply | policy.Challenge:
    """Ask the client for another response."""
    step = _step(execution)
    if step.username is not None:
        raise Fault(f"Reply() has no meaning for {step.mechanism}: its exchange is complete")
    encoded = base64.b64encode(octets(reply)).decode("ascii")
    if len(encoded) > _LONGEST_CHALLENGE:
        most, given = _LONGEST_CHALLENGE // 4 * 3, len(octets(reply))
        raise Fault(f'Reply() parameter "reply" must be at most {most} octets, {given} given')
    if options["reply_codes"] is None and not options["disconnect"]:
        return policy.Challenge(octets(reply))
    code, enhanced = read_codes("Reply", options["reply_codes"], 334, CONTINUING)
    return Reply(code, (encoded,), enhanced, options["disconnect"])


def _step(execution: Execution) -> AuthStep:
    step: AuthStep = execution.variables.subject  # type: ignore[attr-defined]
    return step


# mailfrom and rcptto


@builtin(
    "Accept",
    options={
        "sender": Option((STRING, ARRAY), None, "Instead of the sender that the client gave"),
        "reason": _REASON,
        "reply_codes": reply_codes(POSITIVE),
    },
    terminates=True,
)
def accept_mailfrom(execution: Execution, options: Options = NO_OPTIONS) -> policy.Accept:
    """Accept the sender."""
    reply = words(options, 250, SENDER_OK.enhanced)
    if options["sender"] is None:
        return policy.Accept(reply)
    smtputf8 = "SMTPUTF8" in execution.variables.subject.params  # type: ignore[attr-defined]
    sender = read_mailbox('Accept() option "sender"', options["sender"], smtputf8=smtputf8)
    return policy.Accept(reply, sender=sender, null_sender=sender is None)


@builtin(
    "Accept",
    options={
        "recipient": Option((STRING, ARRAY), None, "Instead of the recipient that the client gave"),
        "transportid": Option((STRING,), None, "Where it goes. The default is ``$transportid``"),
        "reason": _REASON,
        "reply_codes": reply_codes(POSITIVE),
    },
    terminates=True,
)
def accept_rcptto(execution: Execution, options: Options = NO_OPTIONS) -> policy.Accept:
    """Accept the recipient."""
    reply = words(options, 250, RECIPIENT_OK.enhanced)
    recipient = None
    if options["recipient"] is not None:
        transaction = execution.variables.connection.transaction  # type: ignore[attr-defined]
        recipient = read_recipient(
            'Accept() option "recipient"', options["recipient"], smtputf8=transaction.smtputf8
        )
    if options["transportid"] == "":
        raise Fault('Accept() option "transportid" must not be empty')
    return policy.Accept(reply, recipient=recipient, transport=options["transportid"])


def _either(options: Options, name: str, later: str) -> str | None:
    """An option by the name it had first, or by that of later editions."""
    found: str | None = options[later] if options[name] is None else options[name]
    return found
