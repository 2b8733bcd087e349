"""Messages that scripts have examined, on their way to real next hops and from a real gateway."""

import smtplib
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.threads import deferToThread
from twisted.logger import Logger
from twisted.trial.unittest import TestCase

from smtpgate.assembly import assemble
from smtpgate.events import Events
from smtpgate.hooks.evaluator import Binding, ScriptPolicy
from smtpgate.hsl.runtime import Environment
from smtpgate.lifecycle import Foundation
from smtpgate.service import Gateway, StartError
from tests.support.relaying import RelayCase, relay_to
from tests.support.session import compiled
from tests.support.smtp import RecordingTransport
from tests.test_service import PORT, SERVER, free_port


def scripts(**sources):
    """A policy of scripts by hook."""
    errors = []
    bindings = {
        hook: Binding(compiled(source, f"{hook}.hsl", hook)) for hook, source in sources.items()
    }
    return ScriptPolicy(
        bindings, Environment(reactor), "gw.example.org", lambda *error: errors.append(error)
    )


class RelayTests(RelayCase):
    """The next hop's part."""

    def assert_idle(self, gateway):
        self.assertEqual(gateway.relays[0].pool.active, 0)

    @inlineCallbacks
    def test_one_transaction(self):
        """The next hop is asked about recipients at RCPT, and gets the message of that envelope."""
        hop = self.hop({"RCPT": ["550 5.1.1 no", "250 2.1.5 yes"]})
        policy = scripts(eodonce='PrependHeader("Subject", "[x] "); Accept();')
        gateway = self.gateway(relay_to(hop), policy=policy)
        client = yield gateway.connect()
        replies = yield client.send("no@example.net", "b@example.net")
        self.assertEqual(replies[1:3], ["550 5.1.1 no", "250 2.1.5 yes"])
        self.assertEqual(replies[-1], "250 2.0.0 taken as 4711")
        [message] = hop.messages
        self.assertEqual(message.recipients, ["<b@example.net>"])
        self.assertEqual(
            message.octets.partition(b" +0000\r\n")[2], b"Subject: [x] x\r\n\r\ntext\r\n"
        )
        self.assertEqual(hop.connections, 1)
        self.assert_idle(gateway)

    @inlineCallbacks
    def test_another_envelope(self):
        """An envelope that is a script's own is a transaction of its own."""
        hop = self.hop()
        policy = scripts(
            eodonce='Queue("c@example.net", $transaction["recipients"][0]["transportid"],'
            ' ["sender" => ""]); Accept();'
        )
        gateway = self.gateway(relay_to(hop), policy=policy)
        client = yield gateway.connect()
        replies = yield client.send()
        self.assertEqual(replies[-1], "250 2.0.0 taken as 4711")
        [message] = hop.messages
        self.assertEqual((message.sender, message.recipients), ("<>", ["<c@example.net>"]))
        yield self.pause()
        self.assert_idle(gateway)

    @inlineCallbacks
    def test_rejected(self):
        """The next hop never gets a message that is rejected."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop), policy=scripts(eodrcpt='Reject("no");'))
        client = yield gateway.connect()
        replies = yield client.send()
        self.assertEqual(replies[-1], "550 5.0.0 no")
        yield self.pause()
        self.assertEqual(hop.messages, [])
        self.assert_idle(gateway)

    @inlineCallbacks
    def test_next_hop_refuses(self):
        """Its refusal of the message is the client's, and no other transport keeps a copy."""
        hop = self.hop({"DATA": ["451 4.2.0 not now"]})
        keeper = RecordingTransport(reactor, "keeper")
        policy = scripts(
            eodonce='Queue("k@example.net", "keeper");'
            ' foreach ($transaction["recipients"] as $r) Queue($r["recipient"], $r["transportid"]);'
            " Accept();"
        )
        gateway = self.gateway(relay_to(hop), keeper, policy=policy)
        client = yield gateway.connect()
        replies = yield client.send()
        self.assertEqual(replies[-1], "451 4.2.0 not now")
        self.assertEqual(keeper.messages, [])
        yield self.pause()
        self.assert_idle(gateway)

    @inlineCallbacks
    def test_large(self):
        """A large message goes through whole, as slowly as the next hop takes it."""
        hop = self.hop()
        gateway = self.gateway(relay_to(hop), policy=scripts(eodrcpt='AddHeader("X", "y");'))
        client = yield gateway.connect()
        octets = b"Subject: x\r\n\r\n" + b".stuffed? \x00\xff".replace(b"\x00", b"") * 40 + b"\r\n"
        octets += (b"x" * 900 + b"\r\n") * 6000
        replies = yield client.send(octets=octets)
        self.assertEqual(replies[-1], "250 2.0.0 taken as 4711")
        self.assertEqual(hop.messages[0].octets.partition(b" +0000\r\n")[2], b"X: y\r\n" + octets)


class GatewayTests(TestCase):
    """A gateway from its configuration."""

    timeout = 30

    HOOKS = {
        "connect": 'Accept(["reason" => "one.test is here"]);',
        "helo": 'Accept(["reason" => "Hello $senderhelo"]);',
        "mailfrom": "Accept();",
        "rcptto": 'if ($recipientlocalpart == "nobody") Reject("Nobody");',
        "eodonce": 'AddHeader("X-Once", "1"); Accept();',
        "eodrcpt": 'AddHeader("X-For", $recipient); Deliver(["reason" => "Kept"]);',
        "disconnect": 'echo "gone";',
    }

    def configure(self):
        self.directory = Path(self.mktemp()).absolute()
        (self.directory / "scripts").mkdir(parents=True)
        hooks = "[servers.hooks]\n"
        for name, source in self.HOOKS.items():
            (self.directory / "scripts" / f"{name}.hsl").write_text(source)
            hooks += f'{name} = "{name}.hsl"\n'
        self.port = free_port()
        file = self.directory / "smtpgate.toml"
        file.write_text(
            SERVER.format(hostname="one.test", listeners=PORT.format(self.port)) + hooks
        )
        self.logged = []
        self.patch(Gateway, "_take_signals", lambda gateway: None)
        events = Events(Logger(namespace="smtpgate", observer=self.logged.append))
        return Gateway(Foundation(file, assemble(file), reactor, events))

    @inlineCallbacks
    def test_every_hook(self):
        """All hooks bound at once; the message is in the Maildir, and nothing in the spool."""
        gateway = self.configure()
        gateway.privilegedStartService()
        gateway.startService()
        self.addCleanup(gateway.stopService)

        def talk():
            with smtplib.SMTP("127.0.0.1", self.port, "client.test", timeout=20) as client:
                hello = client.ehlo()[1]
                client.mail("jo@example.org")
                refused = client.rcpt("nobody@example.com")
                client.rcpt("al@example.com")
                return hello, refused, client.data(b"Subject: x\r\n\r\n" + b"text\r\n" * 100_000)

        hello, refused, answer = yield deferToThread(talk)
        self.assertEqual(hello.split(b"\n")[0], b"Hello client.test")
        self.assertEqual(refused, (554, b"5.0.0 Nobody"))
        self.assertEqual(answer, (250, b"2.0.0 Kept"))
        [mail] = (self.directory / "var" / "mail" / "new").iterdir()
        lines = mail.read_bytes().split(b"\n")
        self.assertIn(b"X-Once: 1", [line.rstrip() for line in lines[:8]])
        self.assertIn(b"X-For: al@example.com", [line.rstrip() for line in lines[:8]])
        spool = self.directory / "var" / "spool"
        self.assertEqual(spool.stat().st_mode & 0o777, 0o700)
        self.assertEqual(list(spool.iterdir()), [])

    def test_no_spool(self):
        """A spool that can not be made: the gateway does not start, and says why."""
        gateway = self.configure()
        (self.directory / "var").mkdir(exist_ok=True)
        (self.directory / "var" / "spool").write_text("in the way")
        gateway.privilegedStartService()
        error = self.assertRaises(StartError, gateway.startService)
        self.assertEqual(
            str(error), f"the spool {self.directory}/var/spool cannot be made: File exists"
        )
