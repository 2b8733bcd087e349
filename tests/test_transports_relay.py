"""Relaying inline: over real sockets of the loopback, to next hops of the tests."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks, succeed
from twisted.names import dns
from twisted.names.error import DNSServerError

from smtpgate.smtp.opening import Login, Timeouts
from smtpgate.smtp.policy import Policy
from smtpgate.smtp.proxyline import ProxyReader
from smtpgate.smtp.reply import Reply
from smtpgate.transports.hosts import Hosts
from tests.support.nexthop import CLOSE, SILENCE
from tests.support.relaying import SHORT, RelayCase, relay_to
from tests.support.smtp import RecordingTransport

SENDER = "250 2.1.0 sender fine"
RECIPIENT = "250 2.1.5 recipient fine"
GO_ON = "354 go on"
TAKEN = "250 2.0.0 taken as 4711"
ALL = [SENDER, RECIPIENT, GO_ON, TAKEN]
NO_HOST = "451 4.4.1 No next hop can be reached, try again later"


def body(received):
    """A message as the client sent it: without the gateway's trace header."""
    header, _, rest = received.octets.partition(b" +0000\r\n")
    assert header.startswith(b"Received: from client.example.org "), header
    return rest


def unsent(transport):
    """Octets that were written and wait in this process."""
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


class InlineTests(RelayCase):
    """The plain way of a message."""

    @inlineCallbacks
    def test_answers(self):
        """The next hop's answers are the client's, and the message is as it was sent."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        octets = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\n\r\nend.\r\n"
        self.assertEqual((yield client.send(octets=octets)), ALL)
        [message] = hop.messages
        self.assertEqual(message.sender, "<a@example.org>")
        self.assertEqual(message.recipients, ["<b@example.net>"])
        self.assertEqual(body(message), octets)

    @inlineCallbacks
    def test_nothing_before_its_time(self):
        """The next hop has each command before the client has its answer."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        self.assertEqual(hop.connections, 0)
        yield client.say("MAIL FROM:<a@example.org>")
        self.assertEqual(hop.commands, ["EHLO gw.example.org", "MAIL FROM:<a@example.org>"])
        yield client.say("RCPT TO:<b@example.net>")
        self.assertEqual(hop.commands[2:], ["RCPT TO:<b@example.net>"])
        yield client.say("DATA")
        self.assertEqual(hop.commands[3:], ["DATA"])

    @inlineCallbacks
    def test_go_on_waits(self):
        """354 is sent when the next hop has sent its own, and not before."""
        hop = self.hop({"DATA": SILENCE})
        client = yield self.gateway(relay_to(hop)).connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        answer = client.say("DATA")
        yield self.pause()
        self.assertEqual(hop.commands[-1], "DATA")
        self.assertNoResult(answer)

    @inlineCallbacks
    def test_refused_sender(self):
        """After a refused MAIL there is no transaction, and another sender may be tried."""
        hop = self.hop({"MAIL": ["553 5.1.8 not you", SENDER]})
        client = yield self.gateway(relay_to(hop)).connect()
        self.assertEqual((yield client.say("MAIL FROM:<a@example.org>")), "553 5.1.8 not you")
        reply = yield client.say("RCPT TO:<b@example.net>")
        self.assertEqual(reply, "503 5.5.1 Say MAIL first")
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual(hop.connections, 1)

    @inlineCallbacks
    def test_null_sender(self):
        """<> is passed on."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        self.assertEqual((yield client.send(sender="")), ALL)
        self.assertEqual(hop.messages[0].sender, "<>")

    @inlineCallbacks
    def test_chunks(self):
        """A message by BDAT goes on as DATA; without a last CRLF it gets one before the dot."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        client.transport.write(b"BDAT 7\r\none\r\n.tBDAT 5 LAST\r\nwo\r\n.")
        self.assertEqual((yield client.reply()), "250 2.0.0 Chunk received")
        self.assertEqual((yield client.reply()), TAKEN)
        self.assertEqual(body(hop.messages[0]), b"one\r\n.two\r\n.\r\n")

    @inlineCallbacks
    def test_pipelined(self):
        """A client that pipelines gets its answers in order."""
        hop = self.hop({"RCPT": [RECIPIENT, "550 5.1.1 no"]})
        client = yield self.gateway(relay_to(hop)).connect()
        client.transport.write(
            b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n"
            b"RCPT TO:<c@example.net>\r\nDATA\r\n"
        )
        replies = []
        for _ in range(4):
            replies.append((yield client.reply()))
        self.assertEqual(replies, [SENDER, RECIPIENT, "550 5.1.1 no", GO_ON])
        self.assertEqual((yield client.message(b"x\r\n")), TAKEN)

    @inlineCallbacks
    def test_refused_message_of_the_client(self):
        """A message that the gateway refuses never gets its dot at the next hop."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        replies = yield client.send(octets=b"bare\nnewline\r\n")
        self.assertEqual(replies[-1][:9], "554 5.6.0")
        yield self.pause()
        self.assertEqual(hop.messages, [])
        self.assertEqual(hop.sessions, [])

    @inlineCallbacks
    def test_refused_by_policy(self):
        """So does one that the policy refuses when it is complete."""

        class Refusing(Policy):
            def end_of_data(self, connection):
                return Reply(550, ("no",), (5, 7, 1))

        hop = self.hop()
        client = yield self.gateway(relay_to(hop), policy=Refusing()).connect()
        replies = yield client.send()
        self.assertEqual(replies[-1], "550 5.7.1 no")
        yield self.pause()
        self.assertEqual(hop.messages, [])
        self.assertEqual(hop.sessions, [])

    @inlineCallbacks
    def test_client_leaves(self):
        """A client that leaves inside its message takes the next hop's connection with it."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop))
        client = yield gateway.connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        yield client.say("DATA")
        client.transport.write(b"half a message\r\n")
        client.transport.loseConnection()
        yield client.closed
        yield self.pause()
        self.assertEqual(hop.messages, [])
        self.assertEqual(hop.sessions, [])
        self.assertEqual(gateway.relays[0].pool.active, 0)

    @inlineCallbacks
    def test_client_leaves_while_waiting(self):
        """So does one that leaves while an answer is waited for, whichever it is."""
        for step in ("connect", "EHLO", "MAIL", "RCPT", "DATA", "end"):
            hop = self.hop({step: SILENCE})
            gateway = self.gateway(relay_to(hop))
            client = yield gateway.connect()
            client.send()
            yield self.pause()
            self.assertEqual(gateway.relays[0].pool.active, 1)
            client.transport.abortConnection()
            yield client.closed
            yield self.pause()
            self.assertEqual(gateway.relays[0].pool.active, 0, step)
            self.assertEqual(hop.sessions, [], step)


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
        relay.hosts = Hosts(
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

        relay.hosts = Hosts([("example.net", None)], 25, lookup)
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


class ParameterTests(RelayCase):
    """ESMTP parameters, for next hops that know them and for those that do not."""

    LINES = (
        "MAIL FROM:<a@example.org> SIZE=100 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=x+2By",
        "RCPT TO:<b@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@example.net",
    )

    @inlineCallbacks
    def test_passed_on(self):
        """They are passed on as they came."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        for line in self.LINES:
            yield client.say(line)
        self.assertEqual(hop.commands[1:], list(self.LINES))

    @inlineCallbacks
    def test_left_out(self):
        """A next hop without DSN and SIZE does not hear of them."""
        hop = self.hop(extensions=("8BITMIME", "SMTPUTF8"))
        client = yield self.gateway(relay_to(hop)).connect()
        for line in self.LINES:
            yield client.say(line)
        self.assertEqual(
            hop.commands[1:],
            ["MAIL FROM:<a@example.org> BODY=8BITMIME SMTPUTF8", "RCPT TO:<b@example.net>"],
        )

    @inlineCallbacks
    def test_needs_8bitmime(self):
        """A message that needs 8BITMIME is refused at MAIL; nothing is converted."""
        hop = self.hop(extensions=("SMTPUTF8",))
        client = yield self.gateway(relay_to(hop)).connect()
        reply = yield client.say("MAIL FROM:<a@example.org> BODY=8BITMIME")
        expected = "550 5.6.3 The next hop takes no 8-bit message, and it is not converted"
        self.assertEqual(reply, expected)
        self.assertEqual(hop.commands, ["EHLO gw.example.org"])
        reply = yield client.say("MAIL FROM:<a@example.org> BODY=7BIT")
        self.assertEqual(reply, SENDER)
        self.assertEqual(hop.commands[1:], ["MAIL FROM:<a@example.org>"])

    @inlineCallbacks
    def test_needs_smtputf8(self):
        """So is one that needs SMTPUTF8."""
        hop = self.hop(extensions=("8BITMIME",))
        client = yield self.gateway(relay_to(hop)).connect()
        reply = yield client.say("MAIL FROM:<a@example.org> SMTPUTF8")
        expected = "550 5.6.7 The next hop takes no internationalised mail"
        self.assertEqual(reply, expected)

    @inlineCallbacks
    def test_utf8_addresses(self):
        """Addresses in UTF-8 keep their octets."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop)).connect()
        address = "björn@exämple.net".encode().decode("latin-1")
        yield client.say(f"MAIL FROM:<{address}> SMTPUTF8")
        yield client.say(f"RCPT TO:<{address}>")
        self.assertEqual(
            hop.commands[1:], [f"MAIL FROM:<{address}> SMTPUTF8", f"RCPT TO:<{address}>"]
        )

    @inlineCallbacks
    def test_plain_smtp(self):
        """A next hop that knows HELO only gets mail without any extension."""
        hop = self.hop({"EHLO": "502 5.5.1 what"})
        client = yield self.gateway(relay_to(hop)).connect()
        self.assertEqual((yield client.send()), ALL)
        self.assertEqual(hop.commands[:2], ["EHLO gw.example.org", "HELO gw.example.org"])


class LMTPTests(RelayCase):
    """LMTP: an answer for each recipient, and one for the client."""

    @inlineCallbacks
    def play(self, *answers, accepted=None):
        hop = self.hop({"end": list(answers), "RCPT": accepted or RECIPIENT}, lmtp=True)
        client = yield self.gateway(relay_to(hop, lmtp=True)).connect()
        recipients = [f"{n}@example.net" for n in range(len(accepted or answers))]
        replies = yield client.send(*recipients)
        self.assertEqual(hop.commands[0], "LHLO gw.example.org")
        self.assertEqual((yield client.say("NOOP")), "250 2.0.0 OK")
        return replies[-1]

    @inlineCallbacks
    def test_all_have_it(self):
        """Success is success for all."""
        reply = yield self.play("250 2.0.0 one", "250 2.0.0 two", "250 2.0.0 three")
        self.assertEqual(reply, "250 2.0.0 one")

    @inlineCallbacks
    def test_none_has_it(self):
        """The worst of all refusals."""
        reply = yield self.play("450 4.2.2 full", "550 5.1.1 gone", "450 4.2.2 full too")
        self.assertEqual(reply, "550 5.1.1 gone")

    @inlineCallbacks
    def test_some_have_it(self):
        """250 means that all have it: when one has not, the client hears about that one."""
        reply = yield self.play("250 2.0.0 one", "452 4.2.2 full", "250 2.0.0 three")
        self.assertEqual(reply, "452 4.2.2 full")

    @inlineCallbacks
    def test_lost_between(self):
        """Nor is it a success when the answers end before their time."""
        reply = yield self.play("250 2.0.0 one", CLOSE)
        self.assertEqual(reply[:9], "451 4.4.2")

    @inlineCallbacks
    def test_accepted_ones_answer(self):
        """Only recipients that were accepted have an answer."""
        hop = self.hop({"RCPT": ["550 5.1.1 no", RECIPIENT]}, lmtp=True)
        client = yield self.gateway(relay_to(hop, lmtp=True)).connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        yield client.say("RCPT TO:<c@example.net>")
        yield client.say("DATA")
        self.assertEqual((yield client.message(b"x\r\n")), TAKEN)
        self.assertEqual((yield client.send()), ALL)


class IdentityTests(RelayCase):
    """Next hops that are told who the client is."""

    @inlineCallbacks
    def test_xclient(self):
        """XCLIENT with the attributes that the next hop knows, then EHLO by the client's name."""
        extensions = ("XCLIENT NAME ADDR PORT PROTO HELO LOGIN", "PIPELINING")
        hop = self.hop(extensions=extensions)
        gateway = self.gateway(relay_to(hop, xclient=True))
        client = yield gateway.connect()
        self.assertEqual((yield client.send()), ALL)
        port = client.transport.getHost().port
        self.assertEqual(
            hop.commands[:4],
            [
                "EHLO gw.example.org",
                f"XCLIENT NAME=[UNAVAILABLE] ADDR=127.0.0.1 PORT={port} PROTO=ESMTP "
                "HELO=client.example.org LOGIN=[UNAVAILABLE]",
                "EHLO client.example.org",
                "MAIL FROM:<a@example.org>",
            ],
        )

    @inlineCallbacks
    def test_connections_belong_to_clients(self):
        """A connection that speaks for one client never serves another."""
        hop = self.hop(extensions=("XCLIENT ADDR PORT",))
        gateway = self.gateway(relay_to(hop, xclient=True))
        one, other = (yield gateway.connect()), (yield gateway.connect())
        for client in (one, other, one, other):
            self.assertEqual((yield client.send()), ALL)
        self.assertEqual(hop.connections, 2)

    @inlineCallbacks
    def test_xclient_not_offered(self):
        """Without XCLIENT there, mail goes on without it."""
        hop = self.hop()
        client = yield self.gateway(relay_to(hop, xclient=True)).connect()
        self.assertEqual((yield client.send()), ALL)
        self.assertNotIn("XCLIENT", " ".join(hop.commands))

    @inlineCallbacks
    def test_xclient_refused(self):
        """A next hop that offers it and refuses it is not used: it would judge the wrong client."""
        hop = self.hop({"XCLIENT": "550 5.7.0 not you"}, extensions=("XCLIENT ADDR",))
        client = yield self.gateway(relay_to(hop, xclient=True)).connect()
        self.assertEqual((yield client.send()), [NO_HOST])

    @inlineCallbacks
    def test_xforward(self):
        """XFORWARD goes in one piece with MAIL, for each message."""
        hop = self.hop(extensions=("XFORWARD NAME ADDR PROTO HELO SOURCE", "PIPELINING"))
        gateway = self.gateway(relay_to(hop, xforward=True))
        for _ in range(2):
            client = yield gateway.connect()
            self.assertEqual((yield client.send()), ALL)
        forwarded = (
            "XFORWARD NAME=[UNAVAILABLE] ADDR=127.0.0.1 PROTO=ESMTP "
            "HELO=client.example.org SOURCE=REMOTE"
        )
        self.assertEqual(hop.commands.count(forwarded), 2)
        self.assertEqual(hop.connections, 1)
        both = f"{forwarded}\r\nMAIL FROM:<a@example.org>\r\n".encode()
        self.assertEqual(hop.segments.count(both), 2)

    @inlineCallbacks
    def test_xforward_without_pipelining(self):
        """Or one after the other; a refusal of it is no refusal of the message."""
        hop = self.hop({"XFORWARD": "550 5.7.0 no"}, extensions=("XFORWARD ADDR",))
        client = yield self.gateway(relay_to(hop, xforward=True)).connect()
        self.assertEqual((yield client.send()), ALL)
        self.assertIn(b"XFORWARD ADDR=127.0.0.1\r\n", hop.segments)

    @inlineCallbacks
    def test_proxy_protocol(self):
        """A PROXY header goes before everything else."""
        hop = self.hop(proxied=True)
        client = yield self.gateway(relay_to(hop, proxy_protocol=True)).connect()
        yield client.say("MAIL FROM:<a@example.org>")
        header, rest = ProxyReader().feed(hop.sessions[0].header)
        mine, there = client.transport.getHost(), client.transport.getPeer()
        self.assertEqual((header.version, header.source), (2, (mine.host, mine.port)))
        self.assertEqual((header.destination, rest), ((there.host, there.port), b""))


class LoginTests(RelayCase):
    """A fixed account at the next hop."""

    @inlineCallbacks
    def play(self, mechanisms, script=None, **options):
        hop = self.hop(script, extensions=(f"AUTH {mechanisms}",))
        login = Login(b"gate", "päss".encode(), **{"in_clear": True, **options})
        client = yield self.gateway(relay_to(hop, login=login)).connect()
        self.replies = yield client.send()
        return hop

    @inlineCallbacks
    def test_plain(self):
        """PLAIN with an initial response."""
        hop = yield self.play("LOGIN PLAIN")
        self.assertEqual(self.replies, ALL)
        self.assertEqual(hop.commands[1], "AUTH PLAIN AGdhdGUAcMOkc3M=")

    @inlineCallbacks
    def test_login(self):
        """LOGIN where there is no PLAIN."""
        hop = yield self.play("CRAM-MD5 LOGIN")
        self.assertEqual(self.replies, ALL)
        self.assertEqual(hop.commands[1:4], ["AUTH LOGIN", "Z2F0ZQ==", "cMOkc3M="])

    @inlineCallbacks
    def test_no_mechanism(self):
        """Neither: no mail, and no password sent."""
        hop = yield self.play("CRAM-MD5")
        self.assertEqual((self.replies, hop.commands), ([NO_HOST], ["EHLO gw.example.org"]))

    @inlineCallbacks
    def test_refused(self):
        """A login that fails is the gateway's trouble, not the client's fault."""
        yield self.play("PLAIN", {"AUTH": "535 5.7.8 wrong"})
        self.assertEqual(self.replies, [NO_HOST])

    @inlineCallbacks
    def test_not_in_clear(self):
        """Without TLS the password stays here."""
        hop = yield self.play("PLAIN", in_clear=False)
        self.assertEqual((self.replies, hop.commands), ([NO_HOST], ["EHLO gw.example.org"]))


class SeveralTests(RelayCase):
    """Several transports in one transaction."""

    class Moving(Policy):
        """Sends some recipients elsewhere."""

        def rcpt_to(self, connection, recipient):
            if recipient.mailbox.domain == "elsewhere.example":
                recipient.transport = "local"
            return None

    @inlineCallbacks
    def test_both(self):
        """A message for recipients of two transports is with both; the client gets the worst."""
        hop, local = self.hop(), RecordingTransport(reactor)
        gateway = self.gateway(relay_to(hop), local, policy=self.Moving())
        client = yield gateway.connect()
        replies = yield client.send("b@example.net", "c@elsewhere.example")
        self.assertEqual(replies[:2], [SENDER, RECIPIENT])
        self.assertEqual(replies[3], "354 Start mail input, end with <CRLF>.<CRLF>")
        self.assertEqual(replies[4], TAKEN)
        self.assertEqual(hop.messages[0].recipients, ["<b@example.net>"])
        self.assertEqual(local.messages[0].octets, hop.messages[0].octets)

    @inlineCallbacks
    def test_all_moved(self):
        """When all recipients go elsewhere, the next hop that was asked about MAIL is let go."""
        hop, local = self.hop(), RecordingTransport(reactor)
        gateway = self.gateway(relay_to(hop), local, policy=self.Moving())
        client = yield gateway.connect()
        replies = yield client.send("c@elsewhere.example")
        self.assertEqual((replies[0], replies[-1][:3]), (SENDER, "250"))
        yield self.pause()
        self.assertEqual(hop.commands[-1], "RSET")
        self.assertEqual((hop.messages, len(local.messages)), ([], 1))
        self.assertEqual(gateway.relays[0].pool.active, 0)

    @inlineCallbacks
    def test_disagreement(self):
        """When one has the message and another has not, the log says who."""
        hop, local = self.hop({"end": "452 4.3.1 full"}), RecordingTransport(reactor)
        gateway = self.gateway(relay_to(hop), local, policy=self.Moving())
        client = yield gateway.connect()
        replies = yield client.send("b@example.net", "c@elsewhere.example")
        self.assertEqual(replies[-1], "452 4.3.1 full")
        [(_, _, answers)] = gateway.observer.of("deliveries_disagree")
        self.assertEqual(
            {name: reply.code for name, reply in answers.items()}, {"next": 452, "local": 250}
        )

    @inlineCallbacks
    def test_two_next_hops(self):
        """Two relays: the second one's MAIL comes with its first recipient."""
        one, other = self.hop(), self.hop({"MAIL": "550 5.7.1 not you"})
        gateway = self.gateway(relay_to(one), relay_to(other, name="local"), policy=self.Moving())
        client = yield gateway.connect()
        self.assertEqual((yield client.say("MAIL FROM:<a@example.org>")), SENDER)
        self.assertEqual((yield client.say("RCPT TO:<b@example.net>")), RECIPIENT)
        refused = yield client.say("RCPT TO:<c@elsewhere.example>")
        self.assertEqual(refused, "550 5.7.1 not you")
        self.assertEqual((yield client.say("DATA")), GO_ON)
        self.assertEqual((yield client.message(b"x\r\n")), TAKEN)


class PaceTests(RelayCase):
    """A slow next hop holds the client back."""

    @inlineCallbacks
    def test_backpressure(self):
        """While the next hop reads nothing, the gateway takes a bounded part of the message."""
        hop = self.hop({"body": lambda session, line: session.transport.pauseProducing()})
        gateway = self.gateway(relay_to(hop))
        client = yield gateway.connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        yield client.say("DATA")
        size = 40_000_000
        answer = client.message((b"x" * 998 + b"\r\n") * (size // 1000))
        yield self.pause(0.5)
        self.assertGreater(unsent(client.transport), size // 2, "the client is held back")
        self.assertNoResult(answer)
        [session] = gateway.factory.sessions
        leg = session.machine.transfer._deliveries._legs["next"]
        held = len(session.lines) + unsent(leg.delivery._client.channel.transport)
        self.assertGreater(held, 0)
        self.assertLess(held, 256 * 1024)
        hop.sessions[0].transport.resumeProducing()
        self.assertEqual((yield answer), TAKEN)
        self.assertEqual(len(body(hop.messages[0])), size)
