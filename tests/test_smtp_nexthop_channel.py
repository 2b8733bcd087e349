"""A connection to a next hop, without a socket: whose reply is whose, and when time is up."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.nexthop.channel import Channel, NextHopError
from tests.support.smtp import Wire


class ChannelTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.channel = Channel(self.clock, block_timeout=3.0)
        self.transport = Wire()
        self.channel.makeConnection(self.transport)

    def problem(self, deferred):
        return self.failureResultOf(deferred, NextHopError).value.reason

    def hear(self, octets):
        self.channel.dataReceived(octets)

    def test_in_order(self):
        """Replies belong to commands in order, also when several come at once."""
        one, two = self.channel.ask_all(("ONE", "TWO x"), 5.0)
        three = self.channel.ask("THREE", 5.0)
        self.assertEqual(self.transport.value(), b"ONE\r\nTWO x\r\nTHREE\r\n")
        self.hear(b"250 1\r\n250-2\r\n25")
        self.assertEqual(self.successResultOf(one).text, "1")
        self.assertNoResult(two)
        self.hear(b"0 2\r\n550 3\r\n")
        self.assertEqual(self.successResultOf(two).text, "2 / 2")
        self.assertEqual(self.successResultOf(three).code, 550)
        self.assertEqual(self.clock.getDelayedCalls()[0].getTime(), 5.0)

    def test_each_has_its_time(self):
        """Each answer has its time, counted from when its turn has come."""
        one, two = self.channel.ask_all(("ONE", "TWO"), 5.0)
        self.clock.advance(4.0)
        self.hear(b"250 1\r\n")
        self.successResultOf(one)
        self.clock.advance(4.9)
        self.assertNoResult(two)
        self.clock.advance(0.2)
        self.assertEqual(self.problem(two), "no answer in time to TWO")
        self.assertTrue(self.transport.aborted)

    def test_time_for_all(self):
        """A time for everything together comes before."""
        self.channel.until = 3.0
        answer = self.channel.ask("ONE", 5.0)
        self.clock.advance(3.0)
        self.assertEqual(self.problem(answer), "no answer in time to ONE")

    def test_no_time_out_without_a_question(self):
        """While nothing is asked no time runs."""
        self.successResultOf(self._answered())
        self.clock.advance(10_000)
        self.assertIsNone(self.channel.problem)

    def _answered(self):
        answer = self.channel.ask("ONE", 5.0)
        self.hear(b"250 1\r\n")
        return answer

    def test_out_of_turn(self):
        """What nobody has asked for ends the connection, whole or not."""
        cases = {b"250 what\r\n": "a reply out of turn: 250 what", b"2": "octets out of turn"}
        for octets, words in cases.items():
            self.setUp()
            self.hear(octets)
            self.assertTrue(self.transport.aborted)
            self.assertEqual(self.problem(self.channel.ask("ONE", 5.0)), words)

    def test_refusal_out_of_turn(self):
        """A refusal out of turn is kept: it is what the client is told."""
        self.hear(b"552 5.3.4 too much\r\n")
        self.assertEqual(self.channel.problem.reply.code, 552)

    def test_closing(self):
        """A 421 is an answer to all that is asked, and the end."""
        one, two = self.channel.ask_all(("ONE", "TWO"), 5.0)
        self.hear(b"421 4.3.2 going down\r\n")
        for each in (one, two):
            self.assertEqual(self.problem(each), "421 going down")

    def test_cancelled(self):
        """Who gives up is told so, and nobody else gets that answer: the connection ends."""
        answer = self.channel.ask("ONE", 5.0)
        answer.cancel()
        self.failureResultOf(answer, CancelledError)
        self.assertTrue(self.transport.aborted)
        self.hear(b"250 late\r\n")
        self.assertEqual(self.channel.problem.reason, "given up")

    def test_lost(self):
        """A connection that is lost says what was asked last; the socket is closed."""
        closed = self.channel.closed()
        answer = self.channel.ask("DATA", 5.0)
        self.channel.connectionLost(Failure(ConnectionDone()))
        words = "connection lost after DATA: Connection was closed cleanly."
        self.assertEqual(self.problem(answer), words)
        self.successResultOf(closed)
        self.successResultOf(self.channel.closed())
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lost_while_idle(self):
        """One that is lost while nothing is asked says so to whoever keeps it."""
        told = []
        self.channel.on_problem = lambda: told.append(self.channel.problem.reason)
        self.channel.connectionLost(Failure(ConnectionLost()))
        self.assertEqual(len(told), 1)
        self.assertTrue(told[0].startswith("connection lost: "))

    def test_slow(self):
        """While the transport is full the writer waits, and has so much time."""
        self.channel.begin_message()
        self.assertIsNone(self.channel.write(b"a"))
        self.transport.producer.pauseProducing()
        wait = self.channel.write(b"b")
        self.clock.advance(2.9)
        self.assertNoResult(wait)
        self.transport.producer.resumeProducing()
        self.successResultOf(wait)
        self.clock.advance(100)
        self.assertIsNone(self.channel.problem)

    def test_stuck(self):
        """When it stays full the connection ends, and the writer goes on into nothing."""
        self.channel.begin_message()
        self.transport.producer.pauseProducing()
        wait = self.channel.write(b"a")
        self.clock.advance(3.0)
        self.successResultOf(wait)
        self.assertEqual(self.channel.problem.reason, "takes no more octets of the message")
        self.assertIsNone(self.channel.write(b"b"))
        self.channel.end_message(b".\r\n")
        self.assertEqual(self.transport.value(), b"")

    def test_pieces(self):
        """A part waits for the next one, and the last part goes with the end."""
        self.channel.begin_message()
        self.channel.write(b"a")
        self.assertEqual(self.transport.value(), b"")
        self.channel.write(b"b")
        self.assertEqual(self.transport.value(), b"a")
        self.channel.end_message(b".\r\n")
        self.assertEqual(self.transport.value(), b"ab.\r\n")
        self.channel.begin_message()
        self.channel.end_message(b".\r\n")
        self.assertEqual(self.transport.value(), b"ab.\r\n.\r\n")

    def test_quit(self):
        """A goodbye, and the end; a transport that does not close is cut off."""
        self.channel.quit()
        self.assertEqual(self.transport.value(), b"QUIT\r\n")
        self.assertTrue(self.transport.disconnecting)
        self.assertFalse(self.transport.aborted)
        self.clock.advance(10.0)
        self.assertTrue(self.transport.aborted)
