"""What a session tells about itself: one method an event; the default is silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.python.failure import Failure

if TYPE_CHECKING:
    from smtpgate.smtp.reply import Reply
    from smtpgate.smtp.session import Connection, Transaction


class SessionObserver:
    """Told about what happens in sessions.  Methods must be quick and must not raise."""

    def connected(self, connection: Connection) -> None:
        """A client is here, its real address is known (PROXY header included)."""

    def refused(self, connection: Connection, reason: str) -> None:
        """A client was turned away before it had a session: limits, a bad PROXY header."""

    def introduced(self, connection: Connection, former: tuple[str, int]) -> None:
        """XCLIENT has said who the client is; ``former`` is the address and port until then."""

    def tls_started(self, connection: Connection) -> None:
        """The handshake is done; ``connection.tls`` says with what."""

    def authenticated(self, connection: Connection) -> None:
        """AUTH succeeded; ``connection.username`` and ``mechanism`` say who and how."""

    def authentication_failed(self, connection: Connection, mechanism: str) -> None:
        """AUTH failed."""

    def message_accepted(
        self, connection: Connection, transaction: Transaction, size: int, reply: Reply
    ) -> None:
        """The client was told that its message is safe; ``size`` in octets, as it came."""

    def message_refused(
        self, connection: Connection, transaction: Transaction, size: int, reply: Reply
    ) -> None:
        """The client was told that its message was not taken."""

    def deliveries_disagree(
        self, connection: Connection, transaction: Transaction, answers: dict[str, Reply]
    ) -> None:
        """Several transports had the message, and not all answered 250: who has it, by name."""

    def refused_in_part(
        self, connection: Connection, transaction: Transaction, answer: Reply
    ) -> None:
        """A message was refused that some recipients were to have: ``answer`` says whether they do.

        The client is not told; :meth:`message_refused` comes next.
        """

    def command_refused(self, connection: Connection, line: bytes, reply: Reply) -> None:
        """A command was answered with a 4xx or 5xx; never called for lines of AUTH."""

    def trouble(self, connection: Connection, place: str, failure: Failure) -> None:
        """The policy, a delivery or the portal failed; the client was told 421, 451 or 454."""

    def closed(self, connection: Connection, reason: str) -> None:
        """The client has gone; ``reason`` says in a word or two who ended it and why."""
