"""The reactor of ``smtpgate start``."""

from __future__ import annotations

import socket
import subprocess
import sys
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.reactor import GatewayReactor
from smtpgate.smtp.connection.turn import write_soon
from tests.support.process import environment


class Reader(FileDescriptor):
    """One end of a pair of sockets; notes what happens to it."""

    def __init__(self, reactor: Any, test: SynchronousTestCase) -> None:
        super().__init__(reactor)
        self.socket, self.other = socket.socketpair()
        self.fileno = self.socket.fileno  # type: ignore[method-assign]
        test.addCleanup(self.socket.close)
        test.addCleanup(self.other.close)
        self.read: list[bytes] = []
        self.lost: list[Any] = []
        self.on_read: Any = None

    def doRead(self) -> None:
        self.read.append(self.socket.recv(100))
        if self.on_read is not None:
            self.on_read()

    def connectionLost(self, reason: Any) -> None:
        self.lost.append(reason.value)


class EventTests(SynchronousTestCase):
    """Events of real descriptors."""

    def setUp(self) -> None:
        self.reactor = GatewayReactor()
        self.addCleanup(self.reactor._poller.close)
        for waker in self.reactor.removeAll():
            waker.connectionLost(None)

    def readers(self, count: int) -> list[Reader]:
        readers = [Reader(self.reactor, self) for _ in range(count)]
        for reader in readers:
            self.reactor.addReader(reader)
        return readers

    def test_reading(self) -> None:
        """Who has something to read reads it."""
        first, second = self.readers(2)
        second.other.send(b"octets")
        self.reactor.doPoll(0)
        self.assertEqual(([], [b"octets"]), (first.read, second.read))

    def test_writing(self) -> None:
        """Who waits to write is told when it can."""
        (reader,) = self.readers(1)
        told: list[bool] = []
        reader.doWrite = lambda: told.append(True)  # type: ignore[method-assign]
        self.reactor.addWriter(reader)
        self.reactor.doPoll(0)
        self.assertEqual([True], told)

    def test_ended_by_another(self) -> None:
        """One that is taken away by an event before its own is not asked any more."""
        readers = self.readers(2)
        for reader in readers:
            reader.other.send(b"octets")
            reader.on_read = lambda: [self.reactor.removeReader(each) for each in readers]
        self.reactor.doPoll(0)
        self.assertEqual([b"octets"], [octets for reader in readers for octets in reader.read])

    def test_failing_reader(self) -> None:
        """One that raises is disconnected with its error, and the others go on."""
        first, second = self.readers(2)
        first.on_read = lambda: 1 / 0
        for reader in (first, second):
            reader.other.send(b"octets")
        self.reactor.doPoll(0)
        self.assertIsInstance(first.lost[0], ZeroDivisionError)
        self.assertEqual([b"octets"], second.read)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))

    def test_failing_end(self) -> None:
        """One that cannot even end stops nobody else."""
        first, second = self.readers(2)
        first.on_read = lambda: 1 / 0
        first.connectionLost = lambda reason: [][0]  # type: ignore[method-assign,assignment]
        for reader in (first, second):
            reader.other.send(b"octets")
        self.reactor.doPoll(0)
        self.assertEqual([b"octets"], second.read)
        self.assertEqual(1, len(self.flushLoggedErrors(ZeroDivisionError)))
        self.assertEqual(1, len(self.flushLoggedErrors(IndexError)))

    def test_turn(self) -> None:
        """What two events have for one transport goes out in one piece, after both."""
        common = StringTransport()
        readers = self.readers(2)
        for reader in readers:
            reader.other.send(b"octets")
            reader.on_read = lambda: (
                write_soon(common, b"NOOP\r\n"),
                before.append(common.value()),
            )
        before: list[bytes] = []
        self.reactor.doPoll(0)
        self.assertEqual([b"", b""], before)
        self.assertEqual(b"NOOP\r\nNOOP\r\n", common.value())


class InstallTests(SynchronousTestCase):
    """Which reactor a process has."""

    def reactor_of(self, program: str) -> str:
        command = [sys.executable, "-c", f"{program}\nprint(type(reactor).__name__)"]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=environment()
        )
        return done.stdout.strip()

    def test_installed(self) -> None:
        """It is everybody's."""
        program = "from smtpgate.reactor import install\ninstall()\n"
        program += "from twisted.internet import reactor"
        self.assertEqual("GatewayReactor", self.reactor_of(program))

    def test_another(self) -> None:
        """One that is there already stays."""
        program = "from twisted.internet import pollreactor\npollreactor.install()\n"
        program += "from smtpgate.reactor import install\ninstall()\n"
        program += "from twisted.internet import reactor"
        self.assertEqual("PollReactor", self.reactor_of(program))
