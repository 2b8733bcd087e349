"""Relays as the configuration describes them."""

from __future__ import annotations

from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.assembly import Problems, assemble
from smtpgate.smtp.nexthop.opening import Login, Timeouts
from tests.support.relaying import Gateway, RelayCase

SERVER = """
[[servers]]
id = "in"
transport = "next"
listeners = [{ endpoint = "tcp:0:interface=127.0.0.1" }]
"""


def assembled(case, relay, server=SERVER, **files):
    """A configuration with one relay."""
    directory = Path(case.mktemp())
    directory.mkdir()
    for name, text in files.items():
        (directory / name.replace("_", ".")).write_text(text)
    file = directory / "smtpgate.toml"
    file.write_text(
        f'hostname = "gw.example.org"\nscripts = "."\nstate = "."\n'
        f"[transports.next]\n{relay}{server}"
    )
    return assemble(file)


class RelayTests(SynchronousTestCase):
    def relay(self, text):
        return assembled(self, text).transports["next"]

    def hosts(self, text):
        hosts = self.relay(text).ways.hosts
        return hosts._entries, hosts._port

    def test_defaults(self):
        """What nobody has set: the deadlines are those of RFC 5321 4.5.3.2."""
        relay = self.relay('type = "smtp"\nhosts = ["a.example"]\n')
        self.assertEqual(relay.manners.hostname, "gw.example.org")
        self.assertEqual(relay.manners.tls, "opportunistic")
        self.assertEqual(relay.manners.timeouts, Timeouts(30.0, 300.0, 300.0, 180.0, 600.0))
        self.assertFalse(relay.manners.lmtp)
        self.assertIsNone(relay.ways.hosts._lookup)

    def test_ports(self):
        """25, 24 for LMTP, 465 for implicit TLS, and what is given."""
        hosts = 'hosts = ["a.example", "192.0.2.1:26", "[::1]:27", "::1"]\n'
        entries = (("a.example", None), ("192.0.2.1", 26), ("::1", 27), ("::1", None))
        self.assertEqual(self.hosts(f'type = "smtp"\n{hosts}'), (entries, 25))
        self.assertEqual(self.hosts(f'type = "lmtp"\n{hosts}'), (entries, 24))
        self.assertEqual(self.hosts(f'type = "smtp"\ntls = "implicit"\n{hosts}'), (entries, 465))

    def test_everything(self):
        """All that may be set."""
        relay = self.relay(
            'type = "lmtp"\nhosts = ["a.example"]\ntls = "none"\nxclient = true\nxforward = true\n'
            'proxy_protocol = true\nauth = { username = "jo", password = "x", in_clear = true }\n'
            "connect_timeout = 1\ngreeting_timeout = 2\ncommand_timeout = 3\nblock_timeout = 4\n"
            "data_timeout = 5\nconnections = 6\nidle_timeout = 7\n"
        )
        manners = relay.manners
        self.assertEqual(manners.timeouts, Timeouts(1.0, 2.0, 3.0, 4.0, 5.0))
        self.assertEqual(manners.login, Login(b"jo", b"x", True))
        self.assertEqual((manners.lmtp, manners.tls), (True, "none"))
        self.assertEqual((manners.xclient, manners.xforward), (True, True))
        self.assertTrue(manners.proxy_protocol)
        self.assertEqual((relay.pool._limit, relay.pool._idle_timeout), (6, 7.0))

    def test_mail_exchangers(self):
        """With `mx` DNS is asked."""
        relay = self.relay('type = "smtp"\nhosts = ["example.net"]\nmx = true\n')
        self.assertIsNotNone(relay.ways.hosts._lookup)

    def test_bad_authority(self):
        """A CA file that is none is an error of its key."""
        text = 'type = "smtp"\nhosts = ["a.example"]\nca = "ca.pem"\n'
        problems = self.assertRaises(Problems, assembled, self, text, ca_pem="nothing")
        [problem] = problems.problems
        self.assertEqual((problem.key, problem.line), ("transports.next.ca", 7))
        self.assertTrue(problem.message.endswith("ca.pem has no certificate, expected PEM"))


class WarningTests(SynchronousTestCase):
    """Servers that relay for everybody are pointed out."""

    RELAY = 'type = "smtp"\nhosts = ["a.example"]\n'
    WORDS = (
        "server in relays for everybody: AUTH is not required, and neither a proxy nor a rcptto "
        "hook looks at recipients; what its next hop takes is all that limits it"
    )

    def warnings(self, relay, more=""):
        return assembled(self, relay, SERVER + more, p_hsl="Pass();\n", users="").warnings

    def test_open(self):
        """Nobody is asked who they are, and nobody looks at recipients."""
        self.assertEqual(self.warnings(self.RELAY), (self.WORDS,))

    def test_hook(self):
        """A proxy hook may refuse recipients."""
        self.assertEqual(self.warnings(self.RELAY, 'hooks = { proxy = "p.hsl" }\n'), ())

    def test_required(self):
        """So does AUTH, when it is required; when it is only offered it guards nothing."""
        auth = 'auth = {{ mechanisms = ["PLAIN"], require_tls = false, required = {} }}\n'
        users = '[users]\nfile = "users"\n'
        self.assertEqual(self.warnings(self.RELAY, auth.format("true") + users), ())
        self.assertEqual(self.warnings(self.RELAY, auth.format("false") + users), (self.WORDS,))

    def test_store(self):
        """A mail store knows its users."""
        self.assertEqual(self.warnings(self.RELAY.replace("smtp", "lmtp")), ())


class WorkingTests(RelayCase):
    @inlineCallbacks
    def test_configured(self):
        """A relay from a configuration file relays."""
        hop = self.hop(extensions=("XFORWARD ADDR",))
        text = f'type = "smtp"\nhosts = ["127.0.0.1:{hop.number}"]\nxforward = true\n'
        relay = assembled(self, text).transports["next"]
        self.assertIs(relay.ways.clock, reactor)
        gateway = Gateway(relay)
        self.addCleanup(gateway.stop)
        client = yield gateway.connect()
        replies = yield client.send()
        self.assertEqual(replies[-1], "250 2.0.0 taken as 4711")
        self.assertIn("XFORWARD ADDR=127.0.0.1", hop.commands)
