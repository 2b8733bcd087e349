"""The socket's side of a session: output in order, reading on and off, deadlines, closing.

Rules that this file keeps:

* Replies are written once per batch, in order, and at once: the socket nearly always takes them,
  and the reactor is asked for its help only with what is left.  While the client does not read
  them, nothing new is started (``write_paused``).
* Octets that wait are bounded: the transport is paused when there are too many.
* Closing writes what is queued, then closes; a client that does not let that happen is cut off.
* Octets that nobody has read make the kernel reset the connection, and lose the last reply.  So
  closing says that no more comes, and drops what the client still sends until it closes too.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

from twisted.internet.interfaces import IHalfCloseableDescriptor, IPushProducer
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer  # type: ignore[import-untyped]

from smtpgate.smtp.connection.clock import Clock
from smtpgate.smtp.connection.deadlines import Deadline
from smtpgate.smtp.connection.tlslayer import start_server_tls
from smtpgate.smtp.connection.writing import close_now, write_now
from smtpgate.smtp.framing import LineBuffer

#: Octets of replies that are collected before they are written.
BATCH = 16_384


@implementer(IPushProducer)
class _Gate:
    """Told by the transport whether the client takes what we write."""

    __slots__ = ("_wire",)

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def pauseProducing(self) -> None:
        self._wire.write_paused = True

    def resumeProducing(self) -> None:
        self._wire.write_paused = False
        self._wire.pump()

    def stopProducing(self) -> None:
        self._wire.write_paused = True


class Wire(LineReceiver):
    """What :class:`~smtpgate.smtp.protocol.SMTPProtocol` needs of its socket."""

    # An instance dict of more than 28 names would cost each call of a method twice its time.
    __slots__ = (
        "_backlog", "_close_timeout", "_kept_up", "_output", "_queued", "clock", "closing",
        "deadline", "lines", "write_paused",
    )  # fmt: skip

    transport: Any

    def __init__(self, clock: Clock, backlog: int, close_timeout: float) -> None:
        # Twisted has them in the class, where a look takes longer.
        self.line_mode = True
        self.paused = False
        self.clock = clock
        self.lines = LineBuffer()
        self.deadline = Deadline(clock, self.late)
        self.write_paused = False
        self.closing = False
        self._backlog = backlog
        self._close_timeout = close_timeout
        self._output: list[bytes] = []
        self._queued = 0
        self._kept_up = True  # the socket has taken all output at once

    @abstractmethod
    def pump(self) -> None:
        """Do all that can be done now."""

    @abstractmethod
    def late(self) -> None:
        """The deadline has come."""

    def opened(self) -> None:
        """The transport is there."""
        self.transport.registerProducer(_Gate(self), True)

    def secure(self, creator: Any) -> None:
        """Begin TLS: from now on it is between us and the socket.

        :param creator: an IOpenSSLServerConnectionCreator
        """
        start_server_tls(self, creator)

    def put(self, octets: bytes) -> None:
        """Queue output."""
        self._output.append(octets)
        self._queued += len(octets)
        if self._queued >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Write what is queued."""
        if self._output:
            octets = b"".join(self._output) if len(self._output) > 1 else self._output[0]
            self._output.clear()
            self._queued = 0
            if not write_now(self.transport, octets):
                self._kept_up = False

    def throttle(self, hold: bool) -> None:
        """Read from the client, or not: not when too much waits, nor when told to hold."""
        if hold or len(self.lines) >= self._backlog:
            if not self.paused:
                self.pauseProducing()  # type: ignore[no-untyped-call]
        elif self.paused:
            self.paused = False
            self.transport.resumeProducing()

    def close(self, linger: bool) -> None:
        """Write what is queued and close; cut the client off when it does not let us.

        :param linger: let the client close first
        """
        self.closing = True
        self.lines.clear()
        self.flush()
        if self._kept_up and not linger and close_now(self.transport):
            return
        self.deadline.session = 0.0
        self.deadline.set(self._close_timeout)
        # A transport with a producer does not close before it has finished.
        self.transport.unregisterProducer()
        if self.paused:
            self.paused = False
            self.transport.resumeProducing()
        transport = self.transport
        if linger and IHalfCloseableDescriptor.providedBy(transport):
            transport.loseWriteConnection()
        else:
            transport.loseConnection()

    def cut(self) -> None:
        """Close without another word."""
        self.closing = True
        self.lines.clear()
        self.transport.abortConnection()
