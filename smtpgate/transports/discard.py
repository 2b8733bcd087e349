"""The transport that keeps nothing."""

from __future__ import annotations

from smtpgate.smtp.reply import OK, RECIPIENT_OK, SENDER_OK, START_MAIL, Reply, queued
from smtpgate.smtp.session import Connection, Recipient, Transaction


class Discard:
    """Accepts every message and forgets it."""

    answers_mail = False
    keeps_tls = True

    def __init__(self, name: str) -> None:
        self.name = name

    def begin(self, connection: Connection, transaction: Transaction) -> _Delivery:
        return _Delivery()


class _Delivery:
    _reply = OK

    def mail(self, transaction: Transaction) -> Reply:
        self._reply = queued(transaction.id)
        return SENDER_OK

    def rcpt(self, recipient: Recipient) -> Reply:
        return RECIPIENT_OK

    def data(self) -> Reply:
        return START_MAIL

    def write(self, octets: bytes) -> None:
        return None

    def finish(self) -> Reply:
        return self._reply

    def abort(self) -> None:
        return None
