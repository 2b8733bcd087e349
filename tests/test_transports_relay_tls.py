"""TLS towards next hops: in each mode, with good certificates and bad ones."""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.ssl import Certificate, CertificateOptions, trustRootFromCertificates
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.nexthop.opening import Login
from smtpgate.smtp.session import TLSInfo
from smtpgate.transports.clienttls import ClientTLS, ClientTLSProblem
from tests.support.nexthop import CLOSE, SILENCE, Raw
from tests.support.nexthop_tls import issued_by_stranger, issued_to
from tests.support.relaying import SHORT, RelayCase, relay_to
from tests.support.smtp import RecordingTransport, portal

ALL = [
    "250 2.1.0 sender fine",
    "250 2.1.5 recipient fine",
    "354 go on",
    "250 2.0.0 taken as 4711",
]
NO_HOST = "451 4.4.1 No next hop can be reached, try again later"


class TLSCase(RelayCase):
    def setUp(self):
        self.names = issued_to("127.0.0.1", "localhost")
        self.ca = Path(self.mktemp())
        self.ca.write_bytes(self.names.authority)

    def options(self, made=None, **more):
        """The next hop's side."""
        made = made or self.names
        return CertificateOptions(privateKey=made.key, certificate=made.certificate, **more)

    @inlineCallbacks
    def play(self, mode, hop, *, ca="own", host=None, timeouts=SHORT, **options):
        """One message to a next hop; the replies."""
        tls = ClientTLS(mode, self.ca if ca == "own" else ca, options.pop("shown", None))
        relay = relay_to(host or hop, tls=tls, mode=mode, timeouts=timeouts, **options)
        client = yield self.gateway(relay).connect()
        return (yield client.send())


class ModeTests(TLSCase):
    """What each mode takes, and what it does not take."""

    @inlineCallbacks
    def test_none(self):
        """No TLS, though it is offered."""
        hop = self.hop(tls=self.options())
        self.assertEqual((yield self.play("none", hop)), ALL)
        self.assertNotIn("STARTTLS", hop.commands)

    @inlineCallbacks
    def test_opportunistic(self):
        """STARTTLS, with whatever certificate; EHLO again behind it."""
        hop = self.hop(tls=self.options(issued_to("elsewhere.example")))
        self.assertEqual((yield self.play("opportunistic", hop)), ALL)
        self.assertEqual(
            hop.commands[:3], ["EHLO gw.example.org", "STARTTLS", "EHLO gw.example.org"]
        )
        self.assertTrue(hop.sessions[0].tls)

    @inlineCallbacks
    def test_opportunistic_without(self):
        """In clear where there is no TLS, or where it is refused."""
        self.assertEqual((yield self.play("opportunistic", self.hop())), ALL)
        hop = self.hop({"STARTTLS": "454 4.7.0 not now"}, tls=self.options())
        self.assertEqual((yield self.play("opportunistic", hop)), ALL)

    @inlineCallbacks
    def test_opportunistic_falls_back(self):
        """A handshake that fails is done without, by a second connection."""
        hop = self.hop({"STARTTLS": lambda session, line: _ready_but(session, CLOSE)})
        hop.extensions = ("STARTTLS",)
        self.assertEqual((yield self.play("opportunistic", hop)), ALL)
        self.assertEqual(hop.connections, 2)
        self.assertFalse(hop.sessions[0].tls)

    @inlineCallbacks
    def test_required(self):
        """STARTTLS with a certificate that is verified: its issuer, and the host's address."""
        hop = self.hop(tls=self.options())
        self.assertEqual((yield self.play("required", hop)), ALL)
        self.assertTrue(hop.sessions[0].tls)

    @inlineCallbacks
    def test_required_by_name(self):
        """Or the host's name."""
        hop = self.hop(tls=self.options())
        replies = yield self.play("required", hop, host=("localhost", hop.number))
        self.assertEqual(replies, ALL)

    @inlineCallbacks
    def test_required_without(self):
        """No TLS offered, or refused: no mail."""
        self.assertEqual((yield self.play("required", self.hop())), [NO_HOST])
        hop = self.hop({"STARTTLS": "454 4.7.0 not now"}, tls=self.options())
        self.assertEqual((yield self.play("required", hop)), [NO_HOST])
        self.assertEqual(hop.messages, [])

    @inlineCallbacks
    def test_wrong_host(self):
        """A certificate for somebody else: no mail."""
        for mode in ("required", "implicit"):
            other = issued_to("elsewhere.example")
            hop = self.hop(tls=self.options(other), implicit=mode == "implicit")
            self.assertEqual((yield self.play(mode, hop)), [NO_HOST])
            self.assertNotIn("MAIL", " ".join(hop.commands))

    @inlineCallbacks
    def test_wrong_issuer(self):
        """A certificate of an unknown authority, or one that has expired: no mail."""
        stranger = issued_by_stranger("127.0.0.1")
        old = issued_to("127.0.0.1", days=-1)
        for made in (stranger, old):
            hop = self.hop(tls=self.options(made))
            self.assertEqual((yield self.play("required", hop)), [NO_HOST])
        hop = self.hop(tls=self.options())
        self.assertEqual((yield self.play("required", hop, ca=None)), [NO_HOST], "the system's")

    @inlineCallbacks
    def test_implicit(self):
        """TLS from the first octet on."""
        hop = self.hop(tls=self.options(), implicit=True)
        self.assertEqual((yield self.play("implicit", hop)), ALL)
        self.assertNotIn("STARTTLS", hop.commands)

    @inlineCallbacks
    def test_implicit_at_plain_port(self):
        """A next hop that greets in clear there is none."""
        self.assertEqual((yield self.play("implicit", self.hop())), [NO_HOST])

    @inlineCallbacks
    def test_handshake_never_ends(self):
        """A handshake has its time."""
        hop = self.hop({"STARTTLS": lambda session, line: _ready_but(session, SILENCE)})
        hop.extensions = ("STARTTLS",)
        self.assertEqual((yield self.play("required", hop)), [NO_HOST])

    @inlineCallbacks
    def test_client_certificate(self):
        """A certificate is shown to a next hop that asks for one."""
        own = issued_to("gw.example.org")
        files = Path(self.mktemp()), Path(self.mktemp())
        files[0].write_bytes(own.pem)
        files[1].write_bytes(own.key_pem)
        trust = trustRootFromCertificates([Certificate.loadPEM(self.names.authority)])
        for mode in ("opportunistic", "required"):
            hop = self.hop(tls=self.options(trustRoot=trust))
            self.assertEqual((yield self.play(mode, hop, shown=files)), ALL)
            shown = hop.sessions[0].transport.getPeerCertificate()
            self.assertEqual(shown.get_subject().CN, "gw.example.org")
        hop = self.hop(tls=self.options(trustRoot=trust))
        self.assertEqual((yield self.play("required", hop)), [NO_HOST])

    @inlineCallbacks
    def test_login(self):
        """The password goes over TLS."""
        hop = self.hop(tls=self.options(), extensions=("AUTH PLAIN",))
        replies = yield self.play("required", hop, login=Login(b"gate", b"pass"))
        self.assertEqual(replies, ALL)
        self.assertEqual(hop.commands[3], "AUTH PLAIN AGdhdGUAcGFzcw==")


class PassAuthTests(TLSCase):
    """The client's own credentials, passed on."""

    @inlineCallbacks
    def start(self, **script):
        self.next = self.hop(script, tls=self.options(), extensions=("AUTH PLAIN",))
        relay = relay_to(
            self.next, tls=ClientTLS("required", self.ca), mode="required", pass_auth=True
        )
        users = portal(jo="secret", al="hidden")
        gateway = self.gateway(relay, portal=users, mechanisms=("PLAIN",), auth_require_tls=False)
        clients = []
        for _ in range(2):
            clients.append((yield gateway.connect()))
        return clients

    @inlineCallbacks
    def test_passed_on(self):
        """Each account has its own connection, and those without have one without."""
        one, other = yield self.start()
        self.assertEqual((yield one.send()), ALL)
        yield one.say("AUTH PLAIN AGpvAHNlY3JldA==")
        yield other.say("AUTH PLAIN AGFsAGhpZGRlbg==")
        for client in (one, other, one):
            self.assertEqual((yield client.send()), ALL)
        logins = [each for each in self.next.commands if each.startswith("AUTH")]
        self.assertEqual(logins, ["AUTH PLAIN AGpvAHNlY3JldA==", "AUTH PLAIN AGFsAGhpZGRlbg=="])
        self.assertEqual(self.next.connections, 3)

    @inlineCallbacks
    def test_refused(self):
        """When the next hop does not know the account, its answer is the client's."""
        client, _ = yield self.start(AUTH="535 5.7.8 who are you")
        yield client.say("AUTH PLAIN AGpvAHNlY3JldA==")
        self.assertEqual((yield client.send()), ["535 5.7.8 who are you"])
        self.assertEqual((yield client.send()), ["535 5.7.8 who are you"])

    @inlineCallbacks
    def test_temporary(self):
        """When it cannot say, the client is to come back."""
        client, _ = yield self.start(AUTH="454 4.7.0 not now")
        yield client.say("AUTH PLAIN AGpvAHNlY3JldA==")
        self.assertEqual((yield client.send()), [NO_HOST])


class RequireTLSTests(TLSCase):
    """REQUIRETLS, RFC 8689: mail that goes on over verified TLS, or not at all."""

    INFO = TLSInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)

    @inlineCallbacks
    def connect(self, mode, extensions, tls=INFO, *others):
        """A client, inside TLS as far as the session knows; what EHLO offers."""
        self.next = self.hop(tls=self.options(), extensions=extensions)
        relay = relay_to(self.next, tls=ClientTLS(mode, self.ca), mode=mode)
        gateway = self.gateway(relay, *others)
        client = yield gateway.connect()
        [session] = gateway.factory.sessions
        session.connection.tls = tls
        self.offered = yield client.say("EHLO client.example.org")
        return client

    @inlineCallbacks
    def test_passed_on(self):
        """It is offered, taken, and passed on."""
        client = yield self.connect("required", ("REQUIRETLS",))
        self.assertIn("REQUIRETLS", self.offered)
        reply = yield client.say("MAIL FROM:<a@example.org> REQUIRETLS")
        self.assertEqual(reply, ALL[0])
        self.assertEqual(self.next.commands[-1], "MAIL FROM:<a@example.org> REQUIRETLS")

    @inlineCallbacks
    def test_not_there(self):
        """A next hop that does not offer it gets no mail that asks for it."""
        client = yield self.connect("required", ())
        reply = yield client.say("MAIL FROM:<a@example.org> REQUIRETLS")
        self.assertEqual(reply, "550 5.7.30 The next hop does not support REQUIRETLS")
        self.assertEqual((yield client.say("MAIL FROM:<a@example.org>")), ALL[0])

    @inlineCallbacks
    def test_not_offered(self):
        """It is offered inside TLS only, and when every transport keeps to it."""
        other = RecordingTransport(reactor)
        for arguments in (
            ("required", ("REQUIRETLS",), None),
            ("opportunistic", ("REQUIRETLS",)),
            ("required", ("REQUIRETLS",), self.INFO, other),
        ):
            client = yield self.connect(*arguments)
            self.assertNotIn("REQUIRETLS", self.offered)
            reply = yield client.say("MAIL FROM:<a@example.org> REQUIRETLS")
            self.assertEqual(reply, "555 5.5.4 A parameter is not known")

    @inlineCallbacks
    def test_value(self):
        """It takes no value."""
        client = yield self.connect("required", ("REQUIRETLS",))
        reply = yield client.say("MAIL FROM:<a@example.org> REQUIRETLS=1")
        self.assertEqual(reply, "501 5.5.4 REQUIRETLS takes no value")


class InjectionTests(TLSCase):
    """What was said in clear is not believed inside TLS."""

    @inlineCallbacks
    def test_behind_starttls(self):
        """Octets behind the answer to STARTTLS are an attack, not a reply inside TLS."""
        for octets in (b"250 2.0.0 fake\r\n", b"2", b"250-fake\r\n"):
            hop = self.hop({"STARTTLS": Raw(b"220 2.0.0 ready\r\n" + octets)}, tls=self.options())
            self.assertEqual((yield self.play("required", hop)), [NO_HOST])
            self.assertEqual(hop.commands, ["EHLO gw.example.org", "STARTTLS"])

    @inlineCallbacks
    def test_extensions_in_clear(self):
        """Extensions count as they are offered inside TLS, whatever was offered before."""

        def offers(session, line):
            if session.tls:
                return "250 next.example.org"
            return "250-next.example.org\n250-DSN\n250-SIZE\n250 STARTTLS"

        hop = self.hop({"EHLO": offers}, tls=self.options())
        relay = relay_to(hop, tls=ClientTLS("required", self.ca), mode="required")
        client = yield self.gateway(relay).connect()
        yield client.say("MAIL FROM:<a@example.org> SIZE=5 RET=FULL")
        self.assertEqual(hop.commands[-1], "MAIL FROM:<a@example.org>")


def _ready_but(session, act):
    """Ready for TLS, it says."""
    session.transport.write(b"220 2.0.0 ready\r\n")
    return act


class FileTests(SynchronousTestCase):
    """Files that cannot be used are named."""

    def test_no_authority(self):
        """A CA file without a certificate."""
        file = Path(self.mktemp())
        file.write_text("nothing")
        problem = self.assertRaises(ClientTLSProblem, ClientTLS, "required", file)
        self.assertEqual(problem.key, "ca")
        self.assertEqual(problem.message, f"{file} has no certificate, expected PEM")

    def test_no_key(self):
        """A certificate without its key."""
        made = issued_to("gw.example.org")
        certificate, key = Path(self.mktemp()), Path(self.mktemp())
        certificate.write_bytes(made.pem)
        problem = self.assertRaises(
            ClientTLSProblem, ClientTLS, "required", None, (certificate, key)
        )
        self.assertEqual(problem.key, "certificate")
        self.assertEqual(
            problem.message,
            f"{certificate} and {key} cannot be used, expected PEM without passphrase",
        )


class PaceTests(TLSCase):
    """A slow next hop inside TLS."""

    @inlineCallbacks
    def test_backpressure(self):
        """It holds the client back too, and TLS keeps a bounded part of the message."""
        hop = self.hop(tls=self.options())
        hop.script["body"] = lambda session, line: session.transport.pauseProducing()
        relay = relay_to(hop, tls=ClientTLS("required", self.ca), mode="required")
        gateway = self.gateway(relay)
        client = yield gateway.connect()
        yield client.say("MAIL FROM:<a@example.org>")
        yield client.say("RCPT TO:<b@example.net>")
        yield client.say("DATA")
        size = 40_000_000
        answer = client.message((b"x" * 998 + b"\r\n") * (size // 1000))
        yield self.pause(0.5)
        self.assertGreater(_unsent(client.transport), size // 2, "the client is held back")
        [session] = gateway.factory.sessions
        leg = session.machine.transfer._deliveries._legs["next"]
        wire = leg.delivery._client.channel.transport
        held = len(session.lines) + _unsent(wire.transport)
        self.assertGreater(held, 0)
        self.assertLess(held, 256 * 1024)
        hop.sessions[0].transport.resumeProducing()
        self.assertEqual((yield answer), ALL[-1])
        self.assertGreater(len(hop.messages[0].octets), size)


def _unsent(transport):
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen
