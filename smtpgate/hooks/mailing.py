"""Messages that scripts send on their own: mail(), and MIME's send().

There is no queue: a message is handed to its transport while the script waits.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred

from smtpgate.hooks.addresses import read_mailbox, read_recipient
from smtpgate.hsl.errors import Fault
from smtpgate.smtp.mail.deliveries import Deliveries
from smtpgate.smtp.mail.dispatch import Dispatch
from smtpgate.smtp.mail.spool import Spool
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server.delivery import Transport
from smtpgate.smtp.server.observer import SessionObserver
from smtpgate.smtp.server.policy import Parcel
from smtpgate.smtp.session import Connection, Recipient, Transaction

_BARE = re.compile(rb"(?<!\r)\n|\r(?!\n)")


class Mailer:
    """Takes messages of one server's scripts.

    :param transports: by name
    :param observer: told what became of each message, as of those that clients send
    :param server_id: whose scripts they are
    """

    def __init__(
        self, transports: Mapping[str, Transport], observer: SessionObserver, server_id: str
    ) -> None:
        self._transports = transports
        self._observer = observer
        self._server_id = server_id

    def submit(
        self,
        sender: str,
        recipient: str,
        transport: str,
        message: bytes,
        metadata: Mapping[str, str],
    ) -> Deferred[str | None]:
        """Deliver a message: its id when it is safe, None when the transport did not take it.

        :raises Fault: for what is no address, and for a transport that there is not
        """
        mailbox = read_recipient("the recipient", recipient)
        author = read_mailbox("the sender", sender)
        if transport not in self._transports:
            raise Fault(f'there is no transport "{transport}"')
        octets = _BARE.sub(b"\r\n", message)
        if not octets.endswith(b"\r\n"):
            octets += b"\r\n"
        params = {"SIZE": str(len(octets))}
        if not octets.isascii():
            params["BODY"] = "8BITMIME"
        if not mailbox.is_ascii or (author is not None and not author.is_ascii):
            params["SMTPUTF8"] = ""
        # Nobody's session: a client at a UNIX socket, who has said nothing.
        connection = Connection(self._server_id)
        to = Recipient(mailbox, {}, transport)
        connection.transaction = Transaction(author, True, params, [to])
        spool = Spool(None)
        spool.write(octets)
        dispatch = Dispatch(
            connection,
            self._transports,
            self._observer,
            Deliveries(connection, self._transports, self._observer),
            spool,
            b"",
        )
        sent = dispatch.send([Parcel(to, author, None, metadata)])
        sent.addBoth(_closing(spool))
        sent.addCallback(partial(self._sent, connection, len(octets)))
        return sent  # type: ignore[return-value]

    def _sent(self, connection: Connection, size: int, reply: Reply) -> str | None:
        transaction = connection.transaction
        if not reply.positive:
            self._observer.message_refused(connection, transaction, size, reply)
            return None
        self._observer.message_accepted(connection, transaction, size, reply)
        return transaction.id


def _closing(spool: Spool) -> Callable[[Any], Any]:
    def close(result: Any) -> Any:
        spool.abort()
        return result

    return close
