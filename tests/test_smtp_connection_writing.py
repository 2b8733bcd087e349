"""Octets to a socket at once."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.abstract import FileDescriptor
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.connection.writing import close_now, write_now


class Watching:
    """The part of a reactor that watches sockets."""

    def __init__(self) -> None:
        self.writers: set[object] = set()

    def addWriter(self, writer: object) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: object) -> None:
        self.writers.discard(writer)


class Socket(FileDescriptor):
    """Takes as many octets as ``room`` says, one number a call; then none."""

    def __init__(self, *room: int) -> None:
        self.reactor = Watching()
        super().__init__(self.reactor)  # type: ignore[arg-type]
        self.connected = 1
        self.room = list(room)
        self.taken = b""
        self.lost = False

    def writeSomeData(self, data: bytes) -> int | BaseException:
        if self.lost:
            return ConnectionLost()  # type: ignore[no-untyped-call]
        taken = bytes(data[: self.room.pop(0) if self.room else 0])
        self.taken += taken
        return len(taken)

    def getHandle(self) -> Socket:
        """The socket's own side: it is both."""
        return self

    def send(self, octets: bytes) -> int:
        sent = self.writeSomeData(octets)
        if isinstance(sent, BaseException):
            raise ConnectionResetError
        if not sent:
            raise BlockingIOError
        return sent

    @property
    def watched(self) -> bool:
        return self in self.reactor.writers


class WriteNowTests(SynchronousTestCase):
    """At once, in order, and with the reactor where the socket is full."""

    def test_at_once(self) -> None:
        """A socket that takes all is not watched."""
        socket = Socket(9)
        self.assertTrue(write_now(socket, b"250 OK\r\n"))
        self.assertEqual((socket.taken, socket.watched), (b"250 OK\r\n", False))

    def test_the_rest(self) -> None:
        """What it does not take waits, and what comes later waits behind it."""
        socket = Socket(3)
        self.assertFalse(write_now(socket, b"250 OK\r\n"))
        self.assertEqual((socket.taken, socket.watched), (b"250", True))
        socket.room = [0, 100, 100]
        self.assertFalse(write_now(socket, b"221 Bye\r\n"))
        self.assertEqual(socket.taken, b"250")
        while socket.watched:
            self.assertIsNone(socket.doWrite())  # type: ignore[no-untyped-call]
        self.assertEqual(socket.taken, b"250 OK\r\n221 Bye\r\n")

    @settings(deadline=None, derandomize=True, max_examples=200)
    @given(st.lists(st.binary(min_size=1, max_size=9)), st.lists(st.integers(0, 9), max_size=40))
    def test_order(self, writes: list[bytes], room: list[int]) -> None:
        """However the socket takes them, the octets keep their order."""
        socket = Socket(*room)
        sent = b""
        for octets in writes:
            sent += octets
            if write_now(socket, octets):
                self.assertEqual(socket.taken, sent)
        self.assertTrue(sent.startswith(socket.taken))
        self.assertEqual(socket.watched, socket.taken != sent)
        socket.room = [100] * 100
        while socket.watched:
            socket.doWrite()  # type: ignore[no-untyped-call]
        self.assertEqual(socket.taken, sent)

    def test_lost(self) -> None:
        """A connection that is lost is the reactor's to find."""
        socket = Socket()
        socket.lost = True
        self.assertFalse(write_now(socket, b"250 OK\r\n"))
        self.assertTrue(socket.watched)
        self.assertIsInstance(socket.doWrite(), ConnectionLost)  # type: ignore[no-untyped-call]

    def test_closed(self) -> None:
        """After the end nothing is written."""
        socket = Socket(100)
        socket.connected = 0
        self.assertFalse(write_now(socket, b"250 OK\r\n"))
        self.assertEqual((socket.taken, socket.watched), (b"", False))

    def test_other_transports(self) -> None:
        """What is no socket has its own ways."""
        transport = StringTransport()
        self.assertFalse(write_now(transport, b"250 OK\r\n"))
        self.assertEqual(transport.value(), b"250 OK\r\n")

    def test_close(self) -> None:
        """A socket that took all is closed within the call."""
        reasons = []
        socket = Socket(100)
        socket.connectionLost = reasons.append  # type: ignore[method-assign,assignment]
        self.assertTrue(close_now(socket))
        self.assertIsInstance(reasons[0].value, ConnectionDone)

    def test_close_others(self) -> None:
        """What is no socket is left to its own ways."""
        self.assertFalse(close_now(StringTransport()))
