"""One mail transaction from MAIL to its last octet, RFC 5321 3.3 and RFC 3030.

Rules that this file keeps:

* An envelope grows only by commands that were answered with 250.
* After DATA or a last chunk, whatever the answer, the transaction is over.  So it is after a chunk
  that was refused: the chunks that a client has pipelined behind it are read and answered 503.
* Nothing is answered before the octets that belong to it were read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smtpgate.smtp import reply as replies
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.answers import when
from smtpgate.smtp.framing import BareNewlines, Bdat, BodyReader, ChunkReader, parse_bdat
from smtpgate.smtp.mail.body import ChunkIntake, DataIntake, DiscardIntake, Intake, Message
from smtpgate.smtp.mail.deliveries import Deliveries
from smtpgate.smtp.mail.dispatch import Dispatch
from smtpgate.smtp.mail.received import received
from smtpgate.smtp.mail.spool import Spool
from smtpgate.smtp.refusal import Refusal
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import Server
from smtpgate.smtp.server.policy import Accept, Decision, Send
from smtpgate.smtp.session import Connection, Recipient


class Transfer:
    """The transaction of a connection: its envelope, its deliveries, its message.

    ``sender_params`` are those of the MAIL command that is being decided.
    """

    __slots__ = (
        "_chunks", "_connection", "_deliveries", "_server", "_spool", "intake", "sender_params",
    )  # fmt: skip

    def __init__(self, connection: Connection, server: Server) -> None:
        self._connection = connection
        self._server = server
        self._deliveries: Deliveries | None = None
        self._spool: Spool | None = None
        self._chunks: tuple[Message, ChunkReader] | None = None
        self.intake: Intake | None = None
        self.sender_params: Mapping[str, str] = {}

    @property
    def chunking(self) -> bool:
        """Whether a message has begun with BDAT, and more chunks are to come."""
        return self._chunks is not None

    def refuses_mail(self) -> Reply | None:
        """Why there may be no MAIL now."""
        connection, settings = self._connection, self._server.settings
        if not connection.helo_verb:
            return replies.HELO_FIRST
        if connection.transaction.has_sender:
            return replies.NESTED_MAIL
        if settings.auth_required and connection.username is None:
            return replies.AUTH_REQUIRED
        if 0 < settings.limits.messages <= connection.messages:
            return replies.TOO_MANY_MESSAGES
        return None

    def refuses_rcpt(self) -> Reply | None:
        """Why there may be no RCPT now."""
        transaction = self._connection.transaction
        if not transaction.has_sender:
            return replies.MAIL_FIRST if self._connection.helo_verb else replies.HELO_FIRST
        if len(transaction.recipients) >= self._server.settings.limits.recipients:
            return replies.TOO_MANY_RECIPIENTS  # RFC 5321 4.5.3.1.10
        return None

    def begin(self, sender: Mailbox | None, words: Reply | None) -> Reply | Deferred[Reply]:
        """MAIL was accepted by the policy; ask the default transport, if it wants to answer.

        :param words: the policy's, for the client when the transport agrees
        """
        transaction = self._connection.transaction
        transaction.sender = sender
        transaction.sender_params = self.sender_params
        transaction.started = self._server.clock.seconds()
        self._deliveries = Deliveries(
            self._connection, self._server.transports, self._server.observer
        )
        answer = self._deliveries.mail(
            self._server.settings.default_transport, partial(self._sender_answered, words)
        )
        if answer is None:
            transaction.has_sender = True
            return words or replies.SENDER_OK
        return answer

    def _sender_answered(self, words: Reply | None, reply: Reply) -> Reply:
        transaction = self._connection.transaction
        if not reply.positive:
            self.abort()
            transaction.sender = None
            transaction.sender_params = {}
            return reply
        transaction.has_sender = True
        return words or reply

    def rcpt(self, recipient: Recipient, words: Reply | None) -> Reply | Deferred[Reply]:
        """RCPT was accepted by the policy; ask the transport.

        :param words: the policy's, for the client when the transport agrees
        """
        assert self._deliveries is not None
        return self._deliveries.rcpt(recipient, partial(self._recipient_answered, recipient, words))

    def _recipient_answered(self, recipient: Recipient, words: Reply | None, reply: Reply) -> Reply:
        if not reply.positive:
            return reply
        self._connection.transaction.recipients.append(recipient)
        return words or reply

    def data(self) -> Reply | Deferred[Reply]:
        """DATA: 354 and an intake, or a refusal."""
        return self._refuses_message() or when(self._ask_for_message(), self._data_answered)

    def _data_answered(self, reply: Reply) -> Reply:
        if reply.code != 354:
            self._give_up(0, reply)
            return reply
        reader = BodyReader(*self._reading())
        self.intake = DataIntake(self._message(reader), reader)
        return reply

    def bdat(self, argument: bytes) -> Reply | Deferred[Reply | None] | None:
        """BDAT: an intake, whether the chunk is wanted or not.

        A reply at once means that nobody knows where the next command begins.
        """
        try:
            chunk = parse_bdat(argument)
        except Refusal as refusal:
            return Reply.refusing(refusal).closing()
        if self._chunks is not None:
            self._take_chunk(chunk)
            return None
        refused = self._refuses_message()
        if refused is not None:
            self.intake = DiscardIntake(chunk.size, refused)
            return None
        return when(self._ask_for_message(), self._chunk_answered, chunk)

    def _chunk_answered(self, chunk: Bdat, reply: Reply) -> None:
        if reply.code != 354:
            self._give_up(0, reply)
            self.intake = DiscardIntake(chunk.size, reply)
            return
        reader = ChunkReader(*self._reading())
        self._chunks = self._message(reader), reader
        self._take_chunk(chunk)

    def _take_chunk(self, chunk: Bdat) -> None:
        assert self._chunks is not None
        message, reader = self._chunks
        limit = self._server.settings.limits.message_size
        if 0 < limit < reader.size + chunk.size:
            self._give_up(reader.size + chunk.size, replies.MESSAGE_TOO_LARGE)
            self.intake = DiscardIntake(chunk.size, replies.MESSAGE_TOO_LARGE)
        else:
            self.intake = ChunkIntake(message, reader, chunk.size, chunk.last)

    def end(self) -> Reply | Deferred[Reply]:
        """The intake has all its octets: the reply to them."""
        intake, self.intake = self.intake, None
        assert intake is not None
        return intake.end()

    def abort(self) -> None:
        """Give up the deliveries; the caller forgets the envelope."""
        deliveries, self._deliveries = self._deliveries, None
        spool, self._spool = self._spool, None
        if spool is not None:
            spool.abort()
        self._chunks = None
        self.intake = None
        if deliveries is not None:
            deliveries.abort()

    def _refuses_message(self) -> Reply | None:
        transaction = self._connection.transaction
        if not transaction.has_sender:
            return replies.MAIL_FIRST if self._connection.helo_verb else replies.HELO_FIRST
        if not transaction.recipients:
            return replies.NO_RECIPIENTS
        return None

    def _ask_for_message(self) -> Reply | Deferred[Reply]:
        assert self._deliveries is not None
        if self._server.policy.examines:
            return self._open_spool(self._deliveries.broken)
        return self._deliveries.data()

    def _open_spool(self, broken: bool) -> Reply:
        """The deliveries are asked for the message when somebody has looked at it."""
        if broken:
            return replies.DELIVERY_TROUBLE
        self._spool = Spool(self._server.settings.spool)
        return replies.START_MAIL

    def _reading(self) -> tuple[BareNewlines, int | None]:
        settings = self._server.settings
        return settings.bare_newlines, settings.limits.message_size or None

    def _message(self, reader: BodyReader | ChunkReader) -> Message:
        if self._spool is not None:
            return Message(reader, self._spool, b"", self._examine, self._give_up)
        assert self._deliveries is not None
        return Message(reader, self._deliveries, self._trace(), self._finish, self._give_up)

    def _trace(self) -> bytes:
        now: float = self._server.clock.seconds()
        return received(self._connection, self._server.settings, now)

    def _examine(self, size: int) -> Reply | Deferred[Reply]:
        """The whole message is in the spool: ask the policy, then deliver it."""
        spool = self._spool
        assert spool is not None
        if spool.problem is not None:
            self._server.observer.trouble(self._connection, "spool", Failure(spool.problem))  # type: ignore[no-untyped-call]
            self._give_up(size, replies.NO_SPOOL)
            return replies.NO_SPOOL
        decision = self._server.policy.examine(self._connection, spool)
        return when(decision, self._examined, size)

    def _examined(self, size: int, decision: Reply | Send) -> Reply | Deferred[Reply]:
        if isinstance(decision, Reply):
            return self._finished(size, None, decision)
        assert self._deliveries is not None and self._spool is not None
        dispatch = Dispatch(
            self._connection,
            self._server.transports,
            self._server.observer,
            self._deliveries,
            self._spool,
            self._trace(),
        )
        sent = dispatch.send(decision.parcels)
        return sent.addCallback(partial(self._sent, size, decision.reply))

    def _sent(self, size: int, words: Reply | None, reply: Reply) -> Reply:
        if words is not None and not words.positive:
            connection = self._connection
            self._server.observer.refused_in_part(connection, connection.transaction, reply)
            return self._finished(size, None, words)
        return self._finished(size, words, reply)

    def _finish(self, size: int) -> Reply | Deferred[Reply]:
        """The whole message is here: ask the policy, then the deliveries."""
        return when(self._server.policy.end_of_data(self._connection), self._decided, size)

    def _decided(self, size: int, decision: Decision) -> Reply | Deferred[Reply]:
        words = decision.reply if isinstance(decision, Accept) else decision
        if words is not None and not words.positive:
            self._give_up(size, words)
            return words
        assert self._deliveries is not None
        return self._deliveries.finish(partial(self._finished, size, words))

    def _finished(self, size: int, words: Reply | None, reply: Reply) -> Reply:
        if not reply.positive:
            self._give_up(size, reply)
            return reply
        connection = self._connection
        self._server.observer.message_accepted(connection, connection.transaction, size, reply)
        connection.messages += 1
        connection.errors = 0
        self.abort()
        connection.new_transaction()
        return words or reply

    def _give_up(self, size: int, reply: Reply) -> None:
        connection = self._connection
        self._server.observer.message_refused(connection, connection.transaction, size, reply)
        self.abort()
        connection.new_transaction()
