"""What a session asks of whoever decides: the policy.

A session asks at fixed places.  Every answer may be a value or a Deferred of
it; the session does nothing else meanwhile, and cancels the Deferred when the
client leaves.  A policy that fails (raises, or errbacks) ends the session with
421: failing is not a decision.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from twisted.internet.defer import Deferred

from smtpgate.smtp.reply import Reply

if TYPE_CHECKING:
    from smtpgate.smtp.address import Mailbox
    from smtpgate.smtp.mail.spool import Spool
    from smtpgate.smtp.session import Connection, Recipient


@dataclass(frozen=True, slots=True)
class Pass:
    """Give a line to the state machine, as if the client had sent it.

    :param line: without CRLF; None for the line as it came
    :param next: ask again for the very next line, whatever it is
    """

    line: bytes | None = None
    next: bool = False


#: The line as it came.
AS_IT_CAME = Pass()


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer the line; the state machine never sees it."""

    reply: Reply
    next: bool = False


#: What :meth:`Policy.command` says.
CommandDecision = Pass | Answer


@dataclass(frozen=True, slots=True)
class Accept:
    """Go on, with changes.  Each field belongs to the place named behind it.

    :param reply: instead of the server's own positive reply (all places)
    :param peer_ip: the address to believe in from now on (connect)
    :param peer_ptr: its name (connect)
    :param helo: the name to believe in (helo)
    :param extensions: instead of the server's own EHLO keywords (helo)
    :param username: who has authenticated (auth)
    :param sender: instead of the client's (mail_from)
    :param null_sender: ``<>`` instead of the client's (mail_from)
    :param recipient: instead of the client's (rcpt_to)
    :param transport: where that recipient goes (rcpt_to)
    """

    reply: Reply | None = None
    peer_ip: str | None = None
    peer_ptr: str | None = None
    helo: str | None = None
    extensions: tuple[str, ...] | None = None
    username: str | None = None
    sender: Mailbox | None = None
    null_sender: bool = False
    recipient: Mailbox | None = None
    transport: str | None = None


@dataclass(frozen=True, slots=True)
class Challenge:
    """The auth place wants another response; the octets are sent in Base64."""

    octets: bytes


#: None accepts; a Reply is sent, and refuses when its code is 400 or above.
Decision = Reply | Accept | None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A copy of a message for one recipient.

    :param sender: None for ``<>``
    :param header: instead of the message's own, with its last line end and without the blank
        line; None for the header as it came
    :param metadata: stays with the message
    """

    recipient: Recipient
    sender: Mailbox | None
    header: bytes | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Send:
    """Deliver a message that was examined.

    :param reply: for the client when everything is delivered; one that refuses is said in any
        case
    """

    parcels: tuple[Parcel, ...]
    reply: Reply | None = None


@dataclass(frozen=True, slots=True)
class AuthStep:
    """One step of an authentication, as the policy is asked about it.

    :param mechanism: its SASL name, upper-case
    :param state: 0 for the AUTH command itself, then one more for each response
    :param response: decoded; empty when there is none yet
    :param username: known for PLAIN and LOGIN, whose exchange is complete
    :param password: the same; it must never reach a log
    """

    mechanism: str
    state: int
    response: bytes
    username: str | None = None
    password: str | None = None

    def __repr__(self) -> str:
        return f"AuthStep({self.mechanism!r}, {self.state}, {self.username!r})"


#: Gives the server's EHLO keywords for a client, each with its arguments.
Offered: TypeAlias = Callable[[], tuple[str, ...]]


class Policy:
    """Accepts everything; a subclass overrides the places it has an opinion about."""

    #: Whether :meth:`auth` is asked: about PLAIN and LOGIN before the portal is, and
    #: about every mechanism that is not built in.
    decides_auth: bool = False

    #: Whether each message is kept back until :meth:`examine` has decided about it; else
    #: :meth:`end_of_data` is asked.
    examines: bool = False

    def wants_command(self, connection: Connection, line: bytes) -> bool:
        """Whether :meth:`command` is asked about this line; it must be cheap.

        Asked for each line where the server waits for a command.  After ``next``
        it is not asked: the line goes to :meth:`command` anyway.
        """
        return False

    def command(
        self, connection: Connection, line: bytes
    ) -> CommandDecision | Deferred[CommandDecision]:
        """The proxy place: a line before the state machine sees it."""
        return AS_IT_CAME

    def connect(self, connection: Connection) -> Decision | Deferred[Decision]:
        """A client is here, before the banner.  A positive Reply is the banner."""
        return None

    def helo(
        self, connection: Connection, verb: str, name: str, offered: Offered
    ) -> Decision | Deferred[Decision]:
        """HELO or EHLO; ``connection.helo`` still has the former name.

        :param offered: gives the keywords that EHLO would be answered with
        """
        return None

    def auth(
        self, connection: Connection, step: AuthStep
    ) -> Decision | Challenge | Deferred[Decision | Challenge]:
        """AUTH, when :attr:`decides_auth`.

        None leaves PLAIN and LOGIN to the portal, and refuses a mechanism of the policy's own.
        """
        return None

    def mail_from(
        self, connection: Connection, mailbox: Mailbox | None, params: Mapping[str, str]
    ) -> Decision | Deferred[Decision]:
        """MAIL; ``mailbox`` is None for ``<>``."""
        return None

    def rcpt_to(
        self, connection: Connection, recipient: Recipient
    ) -> Decision | Deferred[Decision]:
        """RCPT."""
        return None

    def end_of_data(self, connection: Connection) -> Decision | Deferred[Decision]:
        """The whole message is here, and no transport has been told to keep it."""
        return None

    def examine(
        self, connection: Connection, message: Spool
    ) -> Reply | Send | Deferred[Reply | Send]:
        """The whole message is here, and nobody else has it; asked when :attr:`examines`.

        A Reply is the answer to the message, which goes nowhere then.
        """
        transaction = connection.transaction
        return Send(tuple(Parcel(each, transaction.sender) for each in transaction.recipients))

    def closed(self, connection: Connection) -> None:
        """The client has gone; called once for each that :meth:`connect` was asked about."""


class AcceptAll(Policy):
    """No hooks."""
