"""Which next hop a relay asks, and the connections it keeps."""

from __future__ import annotations

from twisted.internet.defer import inlineCallbacks, succeed
from twisted.names import dns
from twisted.names.error import DNSServerError

from smtpgate.smtp.nexthop.opening import Timeouts
from smtpgate.transports.hosts import Hosts
from tests.support.nexthop import CLOSE, SILENCE
from tests.support.relaying import ALL, NO_HOST, SENDER, SHORT, TAKEN, RelayCase, relay_to


class HostTests(RelayCase):
    """Which next hop gets the message."""

    @inlineCallbacks
    def test_order(self):
        """The first host that works gets everything."""
        first, second = self.hop(), self.hop()
        client = yield self.gateway(relay_to(first, second)).connect()
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual((len(first.messages), second.connections), (1, 0))

    @inlineCallbacks
    def test_failover(self):
        """Hosts that fail before a recipient was accepted give way to the next one."""
        gone = self.hop()
        port = gone.number
        yield gone.stop()
        for step in ("connect", "EHLO", "MAIL", "RCPT"):
            bad, good = self.hop({step: CLOSE}), self.hop()
            client = yield self.gateway(relay_to(port, bad, good)).connect()
            self.assertEqual((yield client.send()), ALL, step)
            self.assertEqual((len(bad.messages), len(good.messages)), (0, 1))
            self.assertEqual(bad.connections, 1)

    @inlineCallbacks
    def test_failover_at_silence(self):
        """Hosts share the time for finding one, so that a silent one leaves some to the next."""
        silent, good = self.hop({"connect": SILENCE}), self.hop()
        relay = relay_to(silent, good, timeouts=Timeouts(greeting=1.0))
        client = yield self.gateway(relay).connect()
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual((silent.connections, good.connections), (1, 1))

    @inlineCallbacks
    def test_refused_after_failover(self):
        """When the next host refuses the sender, that is the answer to the recipient."""
        bad, good = self.hop({"RCPT": CLOSE}), self.hop({"MAIL": "550 5.7.1 not you"})
        client = yield self.gateway(relay_to(bad, good)).connect()
        self.assertEqual((yield client.send()), [SENDER, "550 5.7.1 not you"])
        reply = yield client.say("RCPT TO:<c@example.net>")
        self.assertEqual(reply, NO_HOST)
        self.assertEqual((yield client.say("DATA")), "554 5.5.1 No valid recipients")

    @inlineCallbacks
    def test_no_failover_after_a_recipient(self):
        """From the first accepted recipient on there is no other host."""
        bad, good = self.hop({"DATA": CLOSE}), self.hop()
        client = yield self.gateway(relay_to(bad, good)).connect()
        replies = yield client.send()
        self.assertEqual(replies[2][:9], "451 4.4.2")
        self.assertEqual(good.connections, 0)

    @inlineCallbacks
    def test_refusals_are_answers(self):
        """A refusal of MAIL or RCPT is an answer, and no reason to ask another host."""
        first, second = self.hop({"MAIL": "450 4.7.1 later"}), self.hop()
        client = yield self.gateway(relay_to(first, second)).connect()
        self.assertEqual((yield client.send()), ["450 4.7.1 later"])
        self.assertEqual(second.connections, 0)

    @inlineCallbacks
    def test_health(self):
        """A host that costs time rests: other sessions do not pay for it again."""
        silent, good = self.hop({"connect": SILENCE}), self.hop()
        relay = relay_to(silent, good, timeouts=Timeouts(greeting=1.0), idle=0.0)
        gateway = self.gateway(relay)
        for _ in range(3):
            client = yield gateway.connect()
            self.assertEqual((yield client.send()), ALL)
        self.assertEqual((silent.connections, good.connections), (1, 3))

    @inlineCallbacks
    def test_all_rest(self):
        """When all hosts rest, the client is not kept waiting."""
        silent = self.hop({"connect": SILENCE})
        gateway = self.gateway(relay_to(silent, timeouts=SHORT))
        for _ in range(2):
            client = yield gateway.connect()
            self.assertEqual((yield client.send()), [NO_HOST])
        self.assertEqual(silent.connections, 1)

    @inlineCallbacks
    def test_back_again(self):
        """A next hop that refused connections gets the next message once it is back."""
        hop = self.hop()
        port = hop.number
        yield hop.stop()
        client = yield self.gateway(relay_to(port)).connect()
        self.assertEqual((yield client.send()), [NO_HOST])
        hop.listen(port)
        yield self.pause(0.1)
        self.assertEqual((yield client.send()), ALL)

    @inlineCallbacks
    def test_mail_exchangers(self):
        """A domain's mail exchangers are tried by preference."""
        first, second = self.hop({"connect": CLOSE}), self.hop()
        asked = []

        def lookup(name):
            asked.append(name)
            records = [
                dns.RRHeader(name, dns.MX, payload=dns.Record_MX(20, "localhost")),
                dns.RRHeader(name, dns.MX, payload=dns.Record_MX(10, "127.0.0.1")),
            ]
            return succeed((records, [], []))

        relay = relay_to(first)
        relay.ways.hosts = Hosts(
            [("example.net", None), ("127.0.0.1", second.number)], first.number, lookup
        )
        client = yield self.gateway(relay).connect()
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual(asked, ["example.net"])
        self.assertEqual((first.connections, second.connections), (2, 1))

    @inlineCallbacks
    def test_no_route(self):
        """When DNS does not say, the client is to come back."""
        relay = relay_to(("example.net", None))

        def lookup(name):
            raise DNSServerError(b"trouble")

        relay.ways.hosts = Hosts([("example.net", None)], 25, lookup)
        client = yield self.gateway(relay).connect()
        expected = "451 4.4.3 The next hop cannot be looked up, try again later"
        self.assertEqual((yield client.send()), [expected])
        self.flushLoggedErrors()


class PoolTests(RelayCase):
    """Connections that serve several transactions."""

    @inlineCallbacks
    def test_reuse(self):
        """One connection serves one message after the other, of several clients."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop))
        for _ in range(3):
            client = yield gateway.connect()
            for _ in range(2):
                self.assertEqual((yield client.send()), ALL)
        self.assertEqual((hop.connections, len(hop.messages)), (1, 6))
        self.assertNotIn("RSET", hop.commands)

    @inlineCallbacks
    def test_idle(self):
        """A connection that nobody needs any more is closed, with a goodbye."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop, idle=0.1))
        client = yield gateway.connect()
        yield client.send()
        self.assertEqual(gateway.relays[0].pool.idle, 1)
        yield self.pause(0.3)
        self.assertEqual(gateway.relays[0].pool.idle, 0)
        self.assertEqual((hop.commands[-1], hop.sessions), ("QUIT", []))

    @inlineCallbacks
    def test_no_idle(self):
        """With no idle time each message has its connection."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop, idle=0.0)).connect()
        yield client.send()
        yield client.send()
        self.assertEqual(hop.connections, 2)

    @inlineCallbacks
    def test_reset(self):
        """A transaction that is given up is reset, and its connection serves the next one."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        yield client.say("RSET")
        yield self.pause()
        self.assertEqual(hop.commands[-1], "RSET")
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual(hop.connections, 1)

    @inlineCallbacks
    def test_reset_fails(self):
        """A connection that cannot be reset serves nobody."""
        hop = self.hop({"RSET": "500 5.5.1 what"})
        client = yield self.gateway(relay_to(hop)).connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RSET")
        yield self.pause()
        self.assertEqual(hop.sessions, [])
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual(hop.connections, 2)

    @inlineCallbacks
    def test_reset_at_the_end(self):
        """A next hop that does not answer RSET does not hold up the end of the gateway."""
        hop = self.hop({"RSET": SILENCE})
        gateway = self.gateway(relay_to(hop))
        client = yield gateway.connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RSET")
        yield self.pause()
        self.assertEqual(gateway.relays[0].pool.active, 1)
        yield gateway.relays[0].close()
        self.assertEqual(gateway.relays[0].pool.active, 0)

    @inlineCallbacks
    def test_stale(self):
        """A connection that the next hop closes while it is idle costs nobody a message."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop))
        client = yield gateway.connect()
        yield client.send()
        hop.sessions[0].transport.loseConnection()
        yield self.pause()
        self.assertEqual(gateway.relays[0].pool.idle, 0)
        self.assertEqual((yield client.send()), ALL)

    @inlineCallbacks
    def test_stale_at_mail(self):
        """One that is closed as it is used again is replaced; the host is not blamed."""
        hop = self.hop({"MAIL": [SENDER, "421 4.4.2 idle for too long", SENDER]})
        client = yield self.gateway(relay_to(hop)).connect()
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual(hop.connections, 2)

    @inlineCallbacks
    def test_farewell_while_idle(self):
        """A 421 to nobody takes an idle connection out."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop))
        client = yield gateway.connect()
        yield client.send()
        hop.sessions[0].transport.write(b"421 4.4.2 idle for too long\r\n")
        yield self.pause()
        self.assertEqual(gateway.relays[0].pool.idle, 0)

    @inlineCallbacks
    def test_limit(self):
        """No more connections than there may be: others wait, and get the place in turn."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop, connections=1))
        first, second = (yield gateway.connect()), (yield gateway.connect())
        yield first.say("MAIL FROM:<a@example.org>")
        waiting = second.send()
        yield self.pause()
        self.assertNoResult(waiting)
        self.assertEqual(hop.connections, 1)
        yield first.say("RCPT TO:<b@example.net>")
        yield first.say("DATA")
        self.assertEqual((yield first.message(b"x\r\n")), TAKEN)
        self.assertEqual((yield waiting), ALL)
        self.assertEqual(hop.connections, 1)

    @inlineCallbacks
    def test_busy(self):
        """A client that gets no place in time is to come back."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop, connections=1, timeouts=SHORT))
        first, second = (yield gateway.connect()), (yield gateway.connect())
        yield first.say("MAIL FROM:<a@example.org>")
        expected = "451 4.4.5 Too many connections to the next hop, try again later"
        self.assertEqual((yield second.send()), [expected])
        self.assertEqual(gateway.relays[0].pool.active, 1)
