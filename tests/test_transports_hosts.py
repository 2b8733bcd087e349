"""The order of next hops, and how long bad ones are left alone."""

from __future__ import annotations

from twisted.internet.defer import fail, maybeDeferred, succeed
from twisted.internet.task import Clock
from twisted.names import dns
from twisted.names.error import DNSNameError, DNSQueryTimeoutError
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.transports.hosts import LONGEST_REST, Health, Host, Hosts, HostsUnknown


def records(*exchangers, kind=dns.MX):
    """A resolver's answer."""
    answers = [
        dns.RRHeader("example.net", kind, payload=dns.Record_MX(preference, name))
        for preference, name in exchangers
    ]
    return lambda name: succeed((answers, [], []))


class HostsTests(SynchronousTestCase):
    def candidates(self, entries, lookup=None, port=25):
        found = maybeDeferred(Hosts(entries, port, lookup).candidates)
        return [str(host) for host in self.successResultOf(found)]

    def unknown(self, lookup):
        found = maybeDeferred(Hosts([("example.net", None)], 25, lookup).candidates)
        failure = self.failureResultOf(found, HostsUnknown)
        return failure.getErrorMessage()

    def test_as_configured(self):
        """In order, each once, with the default port where none is given."""
        entries = [("b.example", None), ("a.example", 26), ("2001:db8::1", None), ("b.example", 25)]
        self.assertEqual(
            self.candidates(entries), ["b.example:25", "a.example:26", "[2001:db8::1]:25"]
        )

    def test_by_preference(self):
        """Mail exchangers by preference."""
        lookup = records((20, "two.example"), (10, "one.example"), (30, "three.example"))
        found = self.candidates([("example.net", None)], lookup)
        self.assertEqual(found, ["one.example:25", "two.example:25", "three.example:25"])

    def test_equal_preference(self):
        """Equal ones share the load."""
        lookup = records((10, "one.example"), (10, "two.example"))
        first = {self.candidates([("example.net", None)], lookup)[0] for _ in range(60)}
        self.assertEqual(first, {"one.example:25", "two.example:25"})

    def test_not_asked(self):
        """Addresses, and names with a port, are hosts."""

        def lookup(name):
            raise AssertionError(name)

        entries = [("192.0.2.1", None), ("::1", None), ("a.example", 25)]
        self.assertEqual(
            self.candidates(entries, lookup), ["192.0.2.1:25", "[::1]:25", "a.example:25"]
        )

    def test_without_exchangers(self):
        """A name without any is its own, RFC 5321 5.1."""
        lookup = records()
        self.assertEqual(self.candidates([("example.net", None)], lookup), ["example.net:25"])

    def test_takes_no_mail(self):
        """A name that takes no mail, RFC 7505."""
        self.assertEqual(self.unknown(records((0, ""))), "example.net takes no mail")

    def test_no_answer(self):
        """A name that does not exist, and a resolver that does not answer."""
        words = "no mail exchangers of example.net: "
        gone = self.unknown(lambda name: fail(DNSNameError("no such name")))
        self.assertEqual(gone, words + "no such name")
        late = self.unknown(lambda name: fail(DNSQueryTimeoutError(1)))
        self.assertEqual(late, words + "DNSQueryTimeoutError")

    def test_others_remain(self):
        """A name that cannot be looked up leaves the other hosts."""
        entries = [("example.net", None), ("192.0.2.1", 25)]
        found = self.candidates(entries, lambda name: fail(DNSNameError("no such name")))
        self.assertEqual(found, ["192.0.2.1:25"])


class HealthTests(SynchronousTestCase):
    def setUp(self):
        self.clock = Clock()
        self.health = Health(self.clock)
        self.host = Host("a.example", 25)

    def test_unknown(self):
        """A host that was never tried does not rest."""
        self.assertFalse(self.health.rests(self.host))

    def test_rests(self):
        """Four times as long as it took to find out."""
        self.health.failed(self.host, 5.0)
        self.clock.advance(19.9)
        self.assertTrue(self.health.rests(self.host))
        self.assertFalse(self.health.rests(Host("a.example", 26)))
        self.clock.advance(0.1)
        self.assertFalse(self.health.rests(self.host))

    def test_at_most(self):
        """A minute at most."""
        self.health.failed(self.host, 300.0)
        self.clock.advance(LONGEST_REST)
        self.assertFalse(self.health.rests(self.host))

    def test_works(self):
        """A host that works does not rest any more."""
        self.health.failed(self.host, 5.0)
        self.health.works(self.host)
        self.assertFalse(self.health.rests(self.host))
