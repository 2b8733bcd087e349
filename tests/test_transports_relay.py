"""Relaying inline: over real sockets of the loopback, to next hops of the tests."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks

from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server.policy import Policy
from tests.support.nexthop import SILENCE
from tests.support.relaying import ALL, GO_ON, RECIPIENT, SENDER, TAKEN, RelayCase, body, relay_to
from tests.support.smtp import RecordingTransport


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
