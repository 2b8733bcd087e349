"""Places and idle connections."""

from __future__ import annotations

from twisted.internet.defer import CancelledError
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.nexthop.channel import Channel
from smtpgate.smtp.nexthop.client import Client
from smtpgate.smtp.nexthop.opening import Timeouts
from smtpgate.transports.pool import Full, Pool


class PoolTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.pool = Pool(self.clock, 2, 10.0)

    def client(self):
        channel = Channel(self.clock)
        channel.makeConnection(StringTransport())
        return Client(channel, {}, Timeouts())

    def enter(self):
        self.assertIsNone(self.pool.enter(5.0))

    def said(self, client):
        return client.channel.transport.value()

    def test_places(self):
        """So many at a time; who waits longest is next."""
        self.enter()
        self.enter()
        third, fourth = self.pool.enter(5.0), self.pool.enter(5.0)
        self.assertNoResult(third)
        self.pool.leave()
        self.successResultOf(third)
        self.assertNoResult(fourth)
        self.pool.leave()
        self.successResultOf(fourth)
        self.pool.leave()
        self.pool.leave()
        self.assertEqual(self.pool.active, 0)
        self.clock.advance(5.0)

    def test_too_late(self):
        """Who waits too long is told, and has no place."""
        self.enter()
        self.enter()
        third = self.pool.enter(5.0)
        self.clock.advance(5.0)
        self.failureResultOf(third, Full)
        self.pool.leave()
        self.assertEqual(self.pool.active, 1)

    def test_given_up(self):
        """Who gives up does not get a place later."""
        self.enter()
        self.enter()
        third = self.pool.enter(5.0)
        third.cancel()
        self.failureResultOf(third, CancelledError)
        self.pool.leave()
        self.assertEqual(self.pool.active, 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_youngest(self):
        """The connection that was used last is used first; keys do not mix."""
        one, two, other = self.client(), self.client(), self.client()
        pool = Pool(self.clock, 9, 10.0)
        for key, client in (("a", one), ("a", two), ("b", other)):
            pool.keep(key, client)
        self.assertIs(pool.take("a"), two)
        self.assertIs(pool.take("a"), one)
        self.assertIsNone(pool.take("a"))
        self.assertIs(pool.take("b"), other)
        self.clock.advance(100.0)
        self.assertEqual([self.said(client) for client in (one, two, other)], [b"", b"", b""])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_expires(self):
        """One that nobody takes in its time is dismissed, not earlier and not later."""
        one, two = self.client(), self.client()
        self.pool.keep("a", one)
        self.clock.advance(4.0)
        self.pool.keep("a", two)
        self.clock.advance(6.0)
        self.assertEqual((self.said(one), self.said(two)), (b"QUIT\r\n", b""))
        self.clock.advance(3.9)
        self.assertEqual((self.pool.idle, self.said(two)), (1, b""))
        self.clock.advance(0.2)
        self.assertEqual((self.pool.idle, self.said(two)), (0, b"QUIT\r\n"))

    def test_idle_again(self):
        """Its time begins anew when it is kept again."""
        client = self.client()
        self.pool.keep("a", client)
        self.clock.advance(9.0)
        self.assertIs(self.pool.take("a"), client)
        self.pool.keep("a", client)
        self.clock.advance(9.0)
        self.assertEqual((self.pool.idle, self.said(client)), (1, b""))
        self.clock.advance(1.0)
        self.assertEqual((self.pool.idle, self.said(client)), (0, b"QUIT\r\n"))

    def test_room(self):
        """Idle ones make room: the oldest first."""
        one, two = self.client(), self.client()
        self.pool.keep("a", one)
        self.pool.keep("b", two)
        self.enter()
        self.assertEqual((self.said(one), self.said(two)), (b"QUIT\r\n", b""))
        self.assertEqual((self.pool.active, self.pool.idle), (1, 1))

    def test_lost(self):
        """One that is lost while it is idle is forgotten."""
        client = self.client()
        self.pool.keep("a", client)
        client.channel.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(self.pool.idle, 0)
        self.assertIsNone(self.pool.take("a"))

    def test_useless(self):
        """One that is of no use any more is not kept."""
        client = self.client()
        client.drop("whatever")
        self.pool.keep("a", client)
        self.assertEqual(self.pool.idle, 0)

    def test_close(self):
        """At the end all idle ones are dismissed, those that come later too."""
        one, two = self.client(), self.client()
        self.pool.keep("a", one)
        closed = self.pool.close()
        self.assertEqual(self.said(one), b"QUIT\r\n")
        self.assertNoResult(closed)
        one.channel.connectionLost(Failure(ConnectionDone()))
        self.successResultOf(closed)
        self.pool.keep("a", two)
        self.assertEqual(self.said(two), b"QUIT\r\n")
