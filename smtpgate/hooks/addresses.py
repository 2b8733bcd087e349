"""Addresses that scripts give: a string, or a tuple of a local part and a domain."""

from __future__ import annotations

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.values import Array, Map, arrays, type_name
from smtpgate.smtp.address import AddressError, Mailbox, parse_mailbox, quote_local


def read_mailbox(what: str, given: str | Array, *, smtputf8: bool = True) -> Mailbox | None:
    """The mailbox that a script means; None for ``""``, the sender of bounces.

    :param given: ``"local@domain"``, ``["local", "domain"]``, or an array with the keys
        ``"localpart"`` and ``"domain"``; the local part of an array need not be quoted
    :param what: the option or parameter, for messages
    :param smtputf8: whether the transaction may have addresses beyond US-ASCII
    :raises Fault: when it is no address
    """
    text = given if isinstance(given, str) else _joined(what, given)
    if text == "":
        return None
    if text.lower() == "postmaster":  # RFC 5321 4.1.1.3
        return Mailbox(text, "")
    try:
        mailbox = parse_mailbox(_octets(what, text))
    except AddressError as error:
        words = error.text[0].lower() + error.text[1:]
        raise Fault(f"{what} is no address: {words}") from None
    if not smtputf8 and not mailbox.is_ascii:
        raise Fault(f"{what} is not US-ASCII, and the client has not asked for SMTPUTF8")
    return mailbox


def read_recipient(what: str, given: str | Array, *, smtputf8: bool = True) -> Mailbox:
    """The same for a recipient, who has to be somebody.

    :raises Fault: when it is no address
    """
    mailbox = read_mailbox(what, given, smtputf8=smtputf8)
    if mailbox is None:
        raise Fault(f"{what} must not be empty")
    return mailbox


def _octets(what: str, text: str) -> bytes:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise Fault(f"{what} is no address: it has characters that are no octets") from None


def _joined(what: str, given: Array) -> str:
    if isinstance(given, Map) and set(given) == {"localpart", "domain"}:
        local, domain = given["localpart"], given["domain"]
    else:
        parts = list(arrays.values(given))
        if len(parts) != 2:
            raise Fault(f"{what} must be a string, or a local part and a domain")
        local, domain = parts
    if not isinstance(local, str) or not isinstance(domain, str):
        other = domain if isinstance(local, str) else local
        raise Fault(f"{what} must hold two strings, {type_name(other)} given")
    if domain == "":
        return local
    try:
        return f"{_quoted(local)}@{domain}"
    except ValueError as error:
        raise Fault(f"{what} is no address: {error}") from None


def _quoted(local: str) -> str:
    """What was quoted already stays as it is."""
    return local if local.startswith('"') and local.endswith('"') else quote_local(local)
