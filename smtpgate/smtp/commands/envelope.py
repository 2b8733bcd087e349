"""The arguments of HELO, EHLO, MAIL and RCPT."""

from __future__ import annotations

import re

from smtpgate.smtp.address import Mailbox, parse_path, require_ascii
from smtpgate.smtp.commands.parameters import parse_mail_parameters, parse_rcpt_parameters
from smtpgate.smtp.refusal import Refusal
from smtpgate.smtp.session import Recipient, ServerSettings

#: Wider than RFC 5321 4.1.1.1, since real clients send underscores and the like, but nothing that
#: could break the trace header.
_HELLO = re.compile(rb"[!#$%&'*+./0-9:=?@A-Z\[\]^_`a-z{|}~-]{1,255}")

_OFFERED = frozenset({"SIZE", "8BITMIME", "SMTPUTF8", "DSN"})
_OFFERED_WITH_AUTH = _OFFERED | {"AUTH"}


def hello_name(argument: bytes) -> str | None:
    """The client's name, or None when it has not given one that can be used."""
    return argument.decode("ascii") if _HELLO.fullmatch(argument) else None


def parse_mail(
    argument: bytes, settings: ServerSettings, requiretls: bool = False
) -> tuple[Mailbox | None, dict[str, str]]:
    """What follows MAIL: the sender (None for ``<>``) and the parameters.

    :param requiretls: REQUIRETLS was offered
    :raises Refusal: for what the client is told
    """
    sender, rest = parse_path(_behind(b"FROM:", argument), allow_null=True)
    offered = _OFFERED_WITH_AUTH if settings.mechanisms else _OFFERED
    params = (
        parse_mail_parameters(
            rest,
            offered=offered | {"REQUIRETLS"} if requiretls else offered,
            size_limit=settings.limits.message_size or None,
        )
        if rest
        else {}
    )
    if sender is not None and "SMTPUTF8" not in params:
        require_ascii(sender)
    return sender, params


def parse_rcpt(argument: bytes, settings: ServerSettings, smtputf8: bool) -> Recipient:
    """What follows RCPT.

    :raises Refusal: for what the client is told
    """
    mailbox, rest = parse_path(_behind(b"TO:", argument), allow_postmaster=True, smtputf8=smtputf8)
    assert mailbox is not None  # only MAIL may have the null path
    params = parse_rcpt_parameters(rest, offered=_OFFERED) if rest else {}
    return Recipient(mailbox, params, settings.default_transport)


def _behind(keyword: bytes, argument: bytes) -> bytes:
    if argument[: len(keyword)].upper() != keyword:
        raise Refusal(501, (5, 5, 4), f"Syntax: {keyword.decode('ascii')}<address>")
    return argument[len(keyword) :]
