"""How a message's octets come in: after DATA up to the dot, or in BDAT chunks.

The protocol feeds an intake with what the network brings until it says that it is done; what is
left over belongs to the next command.  Then the intake gives the one reply: to the message after
DATA, to the chunk after BDAT.  An intake reads to its end whatever becomes of the message.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from twisted.internet.defer import Deferred

from smtpgate.smtp.framing import BodyReader, ChunkReader
from smtpgate.smtp.reply import BARE_NEWLINE, CHUNK_OK, MESSAGE_TOO_LARGE, Reply
from smtpgate.smtp.server.delivery import Answer


class Fed(NamedTuple):
    """What one feeding did.

    :param done: the intake has all its octets
    :param rest: octets behind them
    :param wait: fires when the intake can take more
    """

    done: bool
    rest: bytes
    wait: Deferred[object] | None


class Intake(Protocol):
    """Octets that belong to a message, not to commands.

    ``empty``: there are none to come; it is fed once all the same.
    """

    @property
    def empty(self) -> bool: ...

    def feed(self, octets: bytes) -> Fed:
        """Take octets."""

    def end(self) -> Answer:
        """After done: the reply."""


class Sink(Protocol):
    """Where a message goes: its deliveries, or a spool."""

    def write(self, octets: bytes) -> Deferred[object] | None:
        """Take a part; the Deferred fires when more can be taken."""

    def abort(self) -> None:
        """Give the message up."""


class Message:
    """One message on its way into its deliveries, or into a spool.

    :param header: written before the first octet of the body
    :param finish: asks for the final answer once the whole message is there
    :param give_up: called once, when the message is refused; the transaction is over then
    """

    __slots__ = ("finish", "give_up", "header", "reader", "sink")

    def __init__(
        self,
        reader: BodyReader | ChunkReader,
        sink: Sink,
        header: bytes,
        finish: Callable[[int], Answer],
        give_up: Callable[[int, Reply], None],
    ) -> None:
        self.reader = reader
        self.sink = sink
        self.header = header
        self.finish = finish
        self.give_up = give_up

    def write(self, octets: bytes) -> Deferred[object] | None:
        """Hand on part of the body, unless the message is refused already."""
        if self.reader.refused:
            self.sink.abort()
            return None
        if not octets:
            return None
        if self.header:
            octets, self.header = self.header + octets, b""
        return self.sink.write(octets)

    def refusal(self) -> Reply | None:
        """Why the octets so far cannot be accepted."""
        if self.reader.too_large:
            return MESSAGE_TOO_LARGE
        if self.reader.bare_refused:
            return BARE_NEWLINE
        return None

    def complete(self) -> Answer:
        """All octets are here."""
        refusal = self.refusal()
        if refusal is not None:
            self.give_up(self.reader.size, refusal)
            return refusal
        size = self.reader.size
        if self.header:  # the message was empty
            wait = self.sink.write(self.header)
            if wait is not None:
                return wait.addCallback(lambda _: self.finish(size))
        return self.finish(size)


class _MessageIntake:
    __slots__ = ("_message", "_reader")

    def __init__(self, message: Message, reader: BodyReader | ChunkReader) -> None:
        self._message = message
        self._reader = reader

    def feed(self, octets: bytes) -> Fed:
        """Take octets."""
        piece = self._reader.feed(octets)
        return Fed(piece.done, piece.rest, self._message.write(piece.octets))


class DataIntake(_MessageIntake):
    """The message after DATA."""

    __slots__ = ()

    empty = False  # there is a dot

    def end(self) -> Answer:
        """The answer to the message."""
        return self._message.complete()


class ChunkIntake(_MessageIntake):
    """One chunk of a message that comes with BDAT, RFC 3030."""

    __slots__ = ("_last", "empty")

    def __init__(self, message: Message, reader: ChunkReader, size: int, last: bool) -> None:
        super().__init__(message, reader)
        self._last = last
        self.empty = size == 0
        reader.begin(size, last)

    def end(self) -> Answer:
        """The answer to the chunk; to the message, if it is the last one."""
        if self._last:
            return self._message.complete()
        refusal = self._message.refusal()
        if refusal is not None:
            self._message.give_up(self._reader.size, refusal)
            return refusal
        return CHUNK_OK


class Discard:
    """Octets that nobody wants: they are still no commands."""

    __slots__ = ("_left", "empty")

    def __init__(self, size: int) -> None:
        self._left = size
        self.empty = size == 0

    def feed(self, octets: bytes) -> Fed:
        """Take octets."""
        taken = min(self._left, len(octets))
        self._left -= taken
        return Fed(self._left == 0, octets[taken:], None)


class DiscardIntake(Discard):
    """A chunk that was refused before it came."""

    __slots__ = ("_reply",)

    def __init__(self, size: int, reply: Reply) -> None:
        super().__init__(size)
        self._reply = reply

    def end(self) -> Answer:
        """The refusal."""
        return self._reply
