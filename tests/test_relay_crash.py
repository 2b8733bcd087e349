"""kill -9 of the gateway at random moments under load: nothing that was answered is lost."""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

from twisted.internet import reactor
from twisted.internet.defer import DeferredList, inlineCallbacks
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError

from tests.support.process import SMTPGATE, GatewayProcess, free_ports
from tests.support.relaying import RelayCase, Talker

CONFIG = """\
hostname = "gw.example.org"
state = "var"
[transports.next]
type = "smtp"
hosts = ["127.0.0.1:{next}"]
tls = "none"
[[servers]]
id = "relay"
transport = "next"
listeners = [{{ endpoint = "tcp:{port}:interface=127.0.0.1" }}]
limits = {{ message_size = 0 }}
"""
CLIENTS = 8
KILLS = int(os.environ.get("SMTPGATE_KILLS", "5"))


class CrashTests(RelayCase):
    """A gateway that is killed again and again while clients send."""

    timeout = 60

    @inlineCallbacks
    def test_kill(self):
        """Each message that was answered with 250 is at the next hop, exactly and once.

        One that was not answered is sent again by its client: it may be there twice.
        """
        self.random = random.Random(1)
        self.answered = {}
        self.unanswered = Counter()
        self.serial = 0
        self.stopping = False
        hop = self.hop()
        [self.port] = free_ports(1)
        self.directory = Path(self.mktemp())
        self.directory.mkdir()
        config = CONFIG.format(next=hop.number, port=self.port)
        (self.directory / "smtpgate.toml").write_text(config)
        gateway = self.start()
        clients = [self.client() for _ in range(CLIENTS)]
        killed_amid = 0
        for _ in range(KILLS):
            before = len(hop.messages)
            while len(hop.messages) < before + 50:
                yield self.pause(0.01)
            yield self.pause(self.random.random() * 0.05)
            gateway.kill()
            killed_amid += bool(hop.sessions)
            gateway = self.start()
        while len(hop.messages) < before + 100:
            yield self.pause(0.01)
        self.stopping = True
        yield DeferredList(clients, fireOnOneErrback=True, consumeErrors=True)

        there = Counter()
        for message in hop.messages:
            _, _, rest = message.octets.partition(b" +0000\r\n")
            name = rest.split(b"\r\n", 1)[0].removeprefix(b"Subject: ").decode()
            there[name] += 1
            if name in self.answered:
                self.assertEqual(rest, self.answered[name], "exactly as it was sent")
        missing = [name for name in self.answered if not there[name]]
        self.assertEqual(missing, [], "answered with 250, and lost")
        for name, copies in there.items():
            self.assertLessEqual(copies, 1 + self.unanswered[name], name)
        self.assertGreater(len(self.answered), 50 * KILLS)
        self.assertGreater(sum(self.unanswered.values()), 0, "some were hit")
        self.assertGreater(killed_amid, 0)

    def start(self):
        """A gateway; it takes connections a little later."""
        gateway = GatewayProcess([*SMTPGATE, "start", "--config", "smtpgate.toml"], self.directory)
        self.addCleanup(gateway.kill)
        return gateway

    @inlineCallbacks
    def client(self):
        """Send message after message, each until it is answered with 250."""
        talker = None
        name = None
        while not (self.stopping and name is None):
            if name is None:
                self.serial += 1
                name = f"message {self.serial}"
                size = self.random.choice((0, 10, 1000, 50_000))
                lines = b"".join(b".line %d\r\n" % n for n in range(size // 10))
                octets = b"Subject: %s\r\n\r\n%s" % (name.encode(), lines)
            if talker is None:
                talker = yield self.connect()
                if talker is None:
                    yield self.pause(0.02)
                    continue
            replies = yield talker.send(octets=octets)
            if replies[-1][:3] == "250" and len(replies) == 4:
                self.answered[name] = octets
                name = None
                continue
            if len(replies) == 4:  # all of it was sent
                self.unanswered[name] += 1
            if replies[-1] == "closed":
                talker = None
        if talker is not None:
            talker.transport.abortConnection()
            yield talker.closed

    @inlineCallbacks
    def connect(self):
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port)
        try:
            talker = yield connectProtocol(endpoint, Talker())
        except ConnectError:
            return None
        if (yield talker.reply()) == "closed":
            return None
        yield talker.say("EHLO client.example.org")
        return talker
