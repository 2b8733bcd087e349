"""LMTP, and what a next hop is told about the client."""

from __future__ import annotations

from twisted.internet.defer import inlineCallbacks

from smtpgate.smtp.connection.proxyline import ProxyReader
from smtpgate.smtp.nexthop.opening import Login
from tests.support.nexthop import CLOSE
from tests.support.relaying import ALL, NO_HOST, RECIPIENT, TAKEN, RelayCase, relay_to


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
