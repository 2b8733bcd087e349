"""The trace header that the server puts on top of each message, RFC 5321 4.4."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from smtpgate.smtp.reply import octets
from smtpgate.smtp.session import Connection, ServerSettings, Transaction

#: What may not stand in the header of a name that the client chose.
_DOUBTFUL = re.compile(r'[\x00-\x20"(),;<>\\\x7f]')


def received(connection: Connection, settings: ServerSettings, now: float) -> bytes:
    """The header with its line ends.

    :param now: seconds since 1970
    """
    transaction, tls = connection.transaction, connection.tls
    client = f"from {_safe(connection.helo) or 'unknown'} ({_client(connection)})"
    server = f"by {settings.hostname} with {protocol(connection, transaction)}"
    using = recipient = ""
    if tls is not None:
        using = f"\r\n\t(using {tls.protocol} with cipher {tls.cipher} ({tls.key_size} bits))"
    if len(transaction.recipients) == 1:  # naming several would tell them of each other
        recipient = f"\r\n\tfor <{transaction.recipients[0].mailbox.text}>"
    return octets(
        f"Received: {client}\r\n\t{server} id {transaction.id}{using}{recipient};"
        f" {_date(int(now))}\r\n"
    )


@lru_cache(maxsize=2)
def _date(now: int) -> str:
    """Many messages share their second."""
    return format_datetime(datetime.fromtimestamp(now, UTC))


def protocol(connection: Connection, transaction: Transaction) -> str:
    """The ``with`` keyword: RFC 3848, and RFC 6531 4.3 for internationalised mail."""
    if not connection.extended:
        return "SMTP"
    keyword = "UTF8SMTP" if transaction.smtputf8 else "ESMTP"
    if connection.tls is not None:
        keyword += "S"
    if connection.username is not None:
        keyword += "A"
    return keyword


def _client(connection: Connection) -> str:
    if not connection.peer_ip:
        return "local"
    address = connection.peer_ip
    literal = f"[IPv6:{address}]" if ":" in address else f"[{address}]"
    return f"{_safe(connection.peer_ptr)} {literal}" if connection.peer_ptr else literal


@lru_cache(maxsize=256)  # clients come back
def _safe(name: str) -> str:
    return _DOUBTFUL.sub("?", name)
