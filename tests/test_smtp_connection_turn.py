"""Octets that go out together, at the end of the reactor's turn."""

from __future__ import annotations

import os

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.connection.turn import Turn, take_back, write_soon
from smtpgate.smtp.nexthop.channel import Channel


class Writes(StringTransport):
    """Keeps every write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        self.writes.append(data)


class TurnTests(SynchronousTestCase):
    """When what is written goes out."""

    def test_no_turn(self) -> None:
        """Where no turns are told, at once."""
        transport = Writes()
        write_soon(transport, b"NOOP\r\n")
        self.assertEqual([b"NOOP\r\n"], transport.writes)

    def test_end_of_turn(self) -> None:
        """In a turn, at its end, in one piece for each transport; then at once again."""
        first, second = Writes(), Writes()
        with Turn():
            write_soon(first, b"RSET\r\n")
            write_soon(second, b"DATA\r\n")
            write_soon(first, b"NOOP\r\n")
            self.assertEqual([], first.writes + second.writes)
        self.assertEqual([b"RSET\r\nNOOP\r\n"], first.writes)
        self.assertEqual([b"DATA\r\n"], second.writes)
        write_soon(first, b"QUIT\r\n")
        self.assertEqual([b"RSET\r\nNOOP\r\n", b"QUIT\r\n"], first.writes)

    def test_failing_turn(self) -> None:
        """A turn that fails has an end, too."""
        transport = Writes()
        with self.assertRaises(KeyboardInterrupt), Turn():
            write_soon(transport, b"NOOP\r\n")
            raise KeyboardInterrupt
        self.assertEqual([b"NOOP\r\n"], transport.writes)

    def test_inside_another(self) -> None:
        """A reactor that is turned by hand amid an event ends its own turn only."""
        outer, inner = Writes(), Writes()
        with Turn():
            write_soon(outer, b"RSET\r\n")
            with Turn():
                write_soon(inner, b"NOOP\r\n")
            self.assertEqual(([], [b"NOOP\r\n"]), (outer.writes, inner.writes))
        self.assertEqual([b"RSET\r\n"], outer.writes)

    def test_take_back(self) -> None:
        """What was given up is not sent; others are."""
        first, second = Writes(), Writes()
        with Turn():
            write_soon(first, b"RSET\r\n")
            write_soon(second, b"NOOP\r\n")
            take_back(first)
            take_back(first)
        take_back(second)
        self.assertEqual(([], [b"NOOP\r\n"]), (first.writes, second.writes))

    def test_fork(self) -> None:
        """A fork sends nothing of its parent's, and is in no turn."""
        waiting, fresh = Writes(), Writes()
        with Turn():
            write_soon(waiting, b"RSET\r\n")
            child = os.fork()
            if child == 0:  # no more than this: the test's reactor is not the child's
                write_soon(fresh, b"NOOP\r\n")
                os._exit(0 if (fresh.writes, waiting.writes) == ([b"NOOP\r\n"], []) else 1)
            _, status = os.waitpid(child, 0)
            self.assertEqual(0, os.waitstatus_to_exitcode(status))
        self.assertEqual([b"RSET\r\n"], waiting.writes)


class ChannelTests(SynchronousTestCase):
    """Commands and messages to a next hop."""

    def setUp(self) -> None:
        self.transport = Writes()
        self.channel = Channel(Clock())
        self.channel.makeConnection(self.transport)

    def test_command(self) -> None:
        """A command goes out when the turn ends, and its answer finds who waits."""
        with Turn():
            answer = self.channel.ask("NOOP", 10)
            self.assertEqual([], self.transport.writes)
        self.assertEqual([b"NOOP\r\n"], self.transport.writes)
        self.channel.dataReceived(b"250 OK\r\n")
        self.assertEqual(250, self.successResultOf(answer).code)

    def test_given_up(self) -> None:
        """A message that is given up in the turn of its last octets never gets its dot."""
        self.channel.begin_message()
        with Turn():
            self.channel.end_message(b"text\r\n.\r\n")
            self.channel.drop("given up")
        self.assertEqual([], self.transport.writes)

    def test_lost(self) -> None:
        """A connection that is lost amid a turn is written to no more."""
        with Turn():
            answer = self.channel.ask("NOOP", 10)
            self.channel.drop("lost")
        self.assertEqual([], self.transport.writes)
        self.failureResultOf(answer)
