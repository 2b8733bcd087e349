"""Where mail goes, as the session sees it.

The order of calls for one transaction at one transport::

    begin -> mail -> rcpt, rcpt, ... -> data -> write, write, ... -> finish
    abort: at any time before finish has answered; then nothing else

The next call comes when the last one has answered.  An answer may be a value
or a Deferred of it.  A delivery that fails (raises, or errbacks) is answered
with 451 and aborted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from twisted.internet.defer import Deferred

from smtpgate.smtp.reply import Reply

if TYPE_CHECKING:
    from smtpgate.smtp.session import Connection, Recipient, Transaction

#: What is said to a question, now or later.
Answer = Reply | Deferred[Reply]


class Delivery(Protocol):
    """One transaction at one transport."""

    def mail(self, transaction: Transaction) -> Answer:
        """The sender: 250, or the refusal that the client gets for this RCPT, or for MAIL."""

    def rcpt(self, recipient: Recipient) -> Answer:
        """One recipient: 250, or the refusal that the client gets."""

    def data(self) -> Answer:
        """Whether a message may come: 354, or a refusal; asked before the client gets its 354."""

    def write(self, octets: bytes) -> Deferred[object] | None:
        """Part of the message, unstuffed, in order; a Deferred holds the client back."""

    def finish(self) -> Answer:
        """The message is complete.  250 means that it is safe, nothing less."""

    def abort(self) -> None:
        """The transaction is given up; calling it again does nothing."""


class Transport(Protocol):
    """A place that mail can be delivered to."""

    @property
    def name(self) -> str:
        """Its name in the configuration."""

    @property
    def answers_mail(self) -> bool:
        """As the server's default it is asked at MAIL: its answer to the sender is the client's."""

    @property
    def keeps_tls(self) -> bool:
        """It lets mail go on over verified TLS only, or not at all (REQUIRETLS, RFC 8689)."""

    def begin(self, connection: Connection, transaction: Transaction) -> Delivery:
        """Start one delivery: at MAIL if it answers that, else at the first RCPT that goes here."""
