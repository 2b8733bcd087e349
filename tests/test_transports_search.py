"""From a transaction to a next hop: which host, which connection, and how long it may take."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.nexthop.channel import Channel, NextHopError
from smtpgate.smtp.nexthop.client import Client
from smtpgate.smtp.nexthop.opening import ANYBODY, Login, LoginRefused, Manners, Timeouts
from smtpgate.transports.hosts import Health, Hosts
from smtpgate.transports.pool import Full, Pool
from smtpgate.transports.search import Search, Ways


class Connecting:
    """A connector that a test answers for."""

    def __init__(self):
        self.asked = []

    async def connect(self, host, identity, seconds, login):
        answer = Deferred()
        self.asked.append((host.name, seconds, answer))
        return await answer


class SearchTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.connecting = Connecting()
        self.ways = self.make()

    def make(self, *names, connections=2, **manners):
        return Ways(
            "next",
            self.clock,
            Manners("gw.example.org", timeouts=Timeouts(greeting=60.0), **manners),
            Hosts([(name, None) for name in names or ("a.example", "b.example")]),
            Health(self.clock),
            self.connecting,
            Pool(self.clock, connections, 10.0),
        )

    def search(self, login=None):
        search = Search(self.ways, ANYBODY, login)
        search.start()
        return search

    def client(self):
        channel = Channel(self.clock)
        channel.makeConnection(StringTransport())
        return Client(channel, {}, Timeouts())

    def found(self, search):
        """A new connection of a search."""
        client, asked = self.client(), search.client()
        self.connecting.asked[-1][2].callback(client)
        self.assertIs(self.successResultOf(asked), client)
        return client

    def asked(self):
        return [(name, seconds) for name, seconds, _ in self.connecting.asked]

    def refuse(self, error):
        self.connecting.asked[-1][2].errback(error)

    def test_in_order(self):
        """One host after the other, each with an equal part of the time that is left."""
        found = self.search().client()
        self.clock.advance(20.0)
        self.refuse(NextHopError("dead"))
        self.assertEqual(self.asked(), [("a.example", 30.0), ("b.example", 40.0)])
        self.refuse(NextHopError("dead too"))
        self.assertIsNone(self.successResultOf(found))
        self.assertEqual(self.ways.pool.active, 0)

    def test_rest(self):
        """A host that took long to fail is left alone, one that refused at once is not."""
        found = self.search().client()
        self.clock.advance(5.0)
        self.refuse(NextHopError("slow"))
        self.refuse(NextHopError("quick"))
        self.assertIsNone(self.successResultOf(found))
        again = self.search().client()
        self.assertEqual(self.asked()[2:], [("b.example", 60.0)])
        again.cancel()
        self.failureResultOf(again, CancelledError)

    def test_used_again(self):
        """What one transaction has released the next one gets, without waiting."""
        search = self.search()
        client = self.found(search)
        search.release(client)
        self.assertEqual((self.ways.pool.active, self.ways.pool.idle), (0, 1))
        self.assertIs(self.search().client(), client)
        self.assertEqual((self.ways.pool.active, self.ways.pool.idle), (1, 0))

    def test_one_account(self):
        """A connection of one account is nobody else's."""
        search = self.search(Login(b"jo", b"x"))
        search.release(self.found(search))
        self.search(Login(b"jo", b"y")).client()
        self.search().client()
        self.assertEqual(len(self.connecting.asked), 3)

    def test_stale(self):
        """An idle connection that was gone is no failure of its host: a new one is made."""
        search = self.search()
        search.release(self.found(search))
        search = self.search()
        stale = search.client()
        stale.drop("gone")
        search.gave_way(NextHopError("gone"))
        search.client()
        self.assertEqual([name for name, _ in self.asked()], ["a.example", "a.example"])
        search.gave_way(NextHopError("again"))
        search.client()
        self.assertEqual(self.asked()[-1], ("b.example", 60.0))

    def test_failed(self):
        """A host that failed after MAIL is out."""
        search = self.search()
        self.found(search)
        search.failed(NextHopError("lost"))
        search.client()
        self.assertEqual(self.asked()[-1], ("b.example", 60.0))

    def test_account_refused(self):
        """A client's own account that is refused ends the search; a fixed one is the host's."""
        refused = LoginRefused("AUTH is answered by 535 no")
        found = self.search().client()
        self.refuse(refused)
        self.assertEqual(self.asked()[-1], ("b.example", 60.0))
        found.cancel()
        self.failureResultOf(found, CancelledError)
        self.ways = self.make(pass_auth=True)
        found = self.search().client()
        self.refuse(refused)
        self.failureResultOf(found, LoginRefused)
        self.assertEqual(self.ways.pool.active, 0)

    def test_places(self):
        """Without a place nobody connects; who waits too long is told."""
        self.ways = self.make(connections=1)
        first = self.search()
        self.found(first)
        second, third = self.search(), self.search()
        waiting, too_long = second.client(), third.client()
        self.assertNoResult(waiting)
        first.leave()
        first.leave()
        self.assertEqual(len(self.connecting.asked), 2)
        self.clock.advance(60.0)
        self.failureResultOf(too_long, Full)
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)
        second.leave()
        self.assertEqual(self.ways.pool.active, 0)
