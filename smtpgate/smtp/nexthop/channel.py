"""The socket's side of a connection to a next hop: commands out, replies in, in order.

Rules that this file keeps:

* Each reply belongs to the oldest command that waits. A reply that nobody waits for ends the
  connection: from then on nobody could tell which reply belongs to what.
* A reply that makes no sense for its command (a 2xx to DATA, a 3xx to RCPT) is the end of the
  connection, too, never a success.
* A connection that has failed stays failed, and everybody who waits is told why.
* Whoever is waited for has a deadline: for a reply, for the handshake, and for taking octets.
* The last part of a message that has come is held until the next one, or its end: most messages
  are short, and go out with their dot in one piece.
* Octets behind the answer to STARTTLS are an injection (CVE-2021-38371 and its like), and an error.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.interfaces import IHandshakeListener, IPushProducer
from twisted.internet.protocol import Protocol
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from smtpgate.smtp.connection.clock import Clock
from smtpgate.smtp.connection.deadlines import Deadline
from smtpgate.smtp.connection.tlslayer import start_client_tls
from smtpgate.smtp.connection.turn import take_back, write_soon
from smtpgate.smtp.connection.writing import write_now
from smtpgate.smtp.nexthop.replyreader import BadReply, ReplyReader
from smtpgate.smtp.reply import Reply

#: Codes that say that all is well, besides which there are refusals: to most commands, to DATA,
#: and where nobody knows.
DONE: Final = range(200, 300)
GO_ON: Final = range(354, 355)
WHATEVER: Final = range(200, 400)


class NextHopError(Exception):
    """The connection to a next hop is of no use: lost, late, or not SMTP.

    :param reply: what it said, when it said something: a 421, or a refusal out of turn
    """

    def __init__(self, reason: str, reply: Reply | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.reply = reply


class _Waiting(NamedTuple):
    answer: Deferred[Reply]
    seconds: float
    what: str
    good: range


@implementer(IPushProducer)
class _Gate:
    """Told by the transport whether the next hop takes what we write."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def pauseProducing(self) -> None:
        self._channel.full(True)

    def resumeProducing(self) -> None:
        self._channel.full(False)

    def stopProducing(self) -> None:
        self._channel.full(True)


@implementer(IHandshakeListener)
class Channel(Protocol):
    """One connection. ``problem`` is set once it is of no use.

    :param block_timeout: seconds that the next hop may take for a block of a message,
        RFC 5321 4.5.3.2.5
    """

    transport: Any

    def __init__(self, clock: Clock, block_timeout: float = 180.0) -> None:
        self.clock = clock
        self.problem: NextHopError | None = None
        self.until = 0.0  # no reply is waited for longer; 0: no such time
        self.tls = False
        self.on_problem: Callable[[], None] | None = None
        self._block_timeout = block_timeout
        self._reader = ReplyReader()
        self._waiting: deque[_Waiting] = deque()
        self._deadline = Deadline(clock, self._late)
        self._handshake: Deferred[None] | None = None
        self._drained: Deferred[None] | None = None
        self._full = False
        self._held = b""
        self._gone = False
        self._closed: list[Deferred[None]] = []

    # Commands and replies

    def connectionMade(self) -> None:
        """The connection is there."""
        if hasattr(self.transport, "setTcpNoDelay"):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)

    def send(self, octets: bytes) -> None:
        """Send octets that are no message."""
        if self.problem is None:
            write_soon(self.transport, octets)

    def expect(self, seconds: float, what: str, good: range = WHATEVER) -> Deferred[Reply]:
        """The next reply that is not waited for yet.

        :param what: it answers, for the words of the error
        :param good: codes that make sense, besides refusals
        """
        if self.problem is not None:
            return fail(self.problem)
        answer: Deferred[Reply] = Deferred(self._give_up)
        self._waiting.append(_Waiting(answer, seconds, what, good))
        if len(self._waiting) == 1:
            self._watch()
        return answer

    def ask(self, line: str, seconds: float, good: range = WHATEVER) -> Deferred[Reply]:
        """Send a command, an octet a character; the reply to it."""
        self.send(f"{line}\r\n".encode("latin-1"))
        return self.expect(seconds, line.partition(" ")[0], good)

    def ask_all(
        self, lines: Sequence[str], seconds: float, good: range = WHATEVER
    ) -> list[Deferred[Reply]]:
        """Send commands in one piece, RFC 2920; the replies to them."""
        self.send("".join(f"{line}\r\n" for line in lines).encode("latin-1"))
        return [self.expect(seconds, line.partition(" ")[0], good) for line in lines]

    def _watch(self) -> None:
        """Start the clock for the oldest reply."""
        seconds = self._waiting[0].seconds
        if self.until:
            seconds = max(0.0, min(seconds, self.until - self.clock.seconds()))
        self._deadline.set(seconds)

    def dataReceived(self, data: bytes) -> None:
        """Octets of replies."""
        if self.problem is not None:
            return
        self._reader.append(data)
        try:
            while self.problem is None and (reply := self._reader.next()) is not None:
                self._came(reply)
        except BadReply as error:
            self.drop(str(error))
        if self.problem is None and not self._waiting and len(self._reader):
            self.drop("octets out of turn")

    def _came(self, reply: Reply) -> None:
        if not self._waiting:
            words = f"a reply out of turn: {reply.code} {reply.text}"
            self.drop(words, reply if reply.code >= 400 else None)
            return
        answered = self._waiting.popleft()
        if self._waiting:
            self._watch()
        elif not self._full:
            self._deadline.clear()
        if reply.code == 421:  # RFC 5321 3.8: it closes
            problem = self.drop(f"{reply.code} {reply.text}", reply)
            answered.answer.errback(problem)
        elif reply.code < 400 and reply.code not in answered.good:
            problem = self.drop(f"an answer that makes no sense: {reply.code} {reply.text}")
            answered.answer.errback(problem)
        else:
            answered.answer.callback(reply)

    # TLS

    def start_tls(self, creator: object, seconds: float) -> Deferred[None]:
        """Shake hands; right after the answer to STARTTLS, or before anything else.

        :param creator: an IOpenSSLClientConnectionCreator
        """
        if len(self._reader):
            return fail(self.drop("octets behind the answer to STARTTLS"))
        if self.problem is not None:
            return fail(self.problem)
        handshake: Deferred[None] = Deferred(self._give_up)
        self._handshake = handshake
        if self.until:
            seconds = max(0.0, min(seconds, self.until - self.clock.seconds()))
        self._deadline.set(seconds)
        start_client_tls(self, creator)
        return handshake

    def handshakeCompleted(self) -> None:
        """TLS is there (IHandshakeListener)."""
        handshake, self._handshake = self._handshake, None
        if handshake is None or self.problem is not None:
            return
        self.tls = True
        self._deadline.clear()
        handshake.callback(None)

    # Messages

    def begin_message(self) -> None:
        """A message follows: from now on :meth:`write` tells when the next hop is slow."""
        if self.problem is None:
            self.transport.registerProducer(_Gate(self), True)

    def write(self, octets: bytes) -> Deferred[None] | None:
        """Take part of a message; a Deferred fires when there may be more, or no use in it."""
        if self.problem is not None:
            return None
        held, self._held = self._held, octets
        if held:
            write_now(self.transport, held)
        if not self._full or self.problem is not None:
            return None
        self._drained = Deferred(self._give_up)
        return self._drained

    def full(self, full: bool) -> None:
        """The transport's buffer is full, or has room again."""
        self._full = full
        if self.problem is not None:
            return
        if full:
            self._deadline.set(self._block_timeout)
            return
        if self._waiting:
            self._watch()
        else:
            self._deadline.clear()
        self._go_on()

    def _go_on(self) -> None:
        drained, self._drained = self._drained, None
        if drained is not None and not drained.called:
            drained.callback(None)

    def end_message(self, octets: bytes) -> None:
        """Send the end of a message, with what is held of it."""
        octets, self._held = self._held + octets, b""
        if self.problem is None:
            write_soon(self.transport, octets)
            self.transport.unregisterProducer()
            self._full = False

    # Ends

    def drop(self, reason: str, reply: Reply | None = None) -> NextHopError:
        """Close without another word; everybody who waits gets the reason. The first one counts."""
        if self.problem is None:
            self._fail(NextHopError(reason, reply))
            take_back(self.transport)
            self.transport.abortConnection()
        assert self.problem is not None
        return self.problem

    def _give_up(self, answer: Deferred[Any]) -> None:
        """Nobody wants an answer any more: whoever comes next must not get it."""
        answer.errback(CancelledError())
        self.drop("given up")

    def quit(self) -> None:
        """Say goodbye and close; nobody may wait for anything."""
        if self.problem is None:
            self._fail(NextHopError("closed"))
            # A transport that cannot write does not close by itself.
            self._deadline.set(10.0)
            self.transport.write(b"QUIT\r\n")
            self.transport.loseConnection()

    def closed(self) -> Deferred[None]:
        """Fires when the socket is closed."""
        if self._gone:
            return succeed(None)
        closed: Deferred[None] = Deferred()
        self._closed.append(closed)
        return closed

    def _late(self) -> None:
        if self.problem is not None:
            self.transport.abortConnection()
        elif self._full:
            self.drop("takes no more octets of the message")
        elif self._handshake is not None:
            self.drop("no TLS handshake in time")
        elif self._waiting:
            self.drop(f"no answer in time to {self._waiting[0].what}")

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The next hop has closed, or we have."""
        if self.problem is None:
            where = f" after {self._waiting[0].what}" if self._waiting else ""
            self._fail(NextHopError(f"connection lost{where}: {reason.getErrorMessage()}"))
        self._deadline.stop()
        self._gone = True
        waiting, self._closed = self._closed, []
        for closed in waiting:
            closed.callback(None)

    def _fail(self, problem: NextHopError) -> None:
        self.problem = problem
        self._deadline.clear()
        waiting, self._waiting = self._waiting, deque()
        handshake, self._handshake = self._handshake, None
        for each in waiting:
            if not each.answer.called:
                each.answer.errback(problem)
        if handshake is not None and not handshake.called:
            handshake.errback(problem)
        self._go_on()
        if self.on_problem is not None:
            self.on_problem()
