"""A gateway on the loopback that relays to next hops of a test, and a client that talks to it."""

from __future__ import annotations

from dataclasses import replace

from twisted.internet import reactor
from twisted.internet.defer import Deferred, inlineCallbacks, succeed
from twisted.internet.endpoints import TCP4ClientEndpoint, connectProtocol
from twisted.internet.task import deferLater
from twisted.protocols.basic import LineReceiver
from twisted.trial.unittest import TestCase

from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.nexthop.opening import Manners, Timeouts
from smtpgate.smtp.server import Server
from smtpgate.smtp.server.policy import AcceptAll
from smtpgate.smtp.session import ServerSettings
from smtpgate.transports.clienttls import ClientTLS
from smtpgate.transports.hosts import Hosts
from smtpgate.transports.relay import Relay
from tests.support.nexthop import NextHop
from tests.support.smtp import RecordingObserver

#: Long enough for a busy machine, short enough for tests in which a next hop is silent.
SHORT = Timeouts(connect=5.0, greeting=0.4, command=0.4, block=0.4, message=0.4)
PATIENT = Timeouts(connect=30.0, greeting=60.0, command=60.0, block=60.0, message=60.0)

#: What a next hop of a test says by itself, and with it the client's answers to one message.
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


def relay_to(
    *hops,
    timeouts=PATIENT,
    name="next",
    tls=None,
    mode="opportunistic",
    connections=100,
    idle=10.0,
    **manners,
):
    """A relay transport to next hops, by their ports or as (name, port)."""
    entries = [
        hop if isinstance(hop, tuple) else ("127.0.0.1", getattr(hop, "number", hop))
        for hop in hops
    ]
    own = Manners("gw.example.org", tls=mode, timeouts=timeouts, **manners)
    return Relay(name, Hosts(entries), own, tls or ClientTLS(own.tls), reactor, connections, idle)


class Talker(LineReceiver):
    """A client that sends lines and gets whole replies."""

    MAX_LENGTH = 1_000_000

    def __init__(self):
        self._waiting = []
        self._said = []
        self._lines = []
        self.closed = Deferred()
        self._gone = False

    def lineReceived(self, line):
        text = line.decode("latin-1")
        self._lines.append(text)
        if text[3:4] != "-":
            reply, self._lines = "\n".join(self._lines), []
            if self._waiting:
                self._waiting.pop(0).callback(reply)
            else:
                self._said.append(reply)

    def connectionLost(self, reason):
        self._gone = True
        self.closed.callback(None)
        for waiting in self._waiting:
            waiting.callback("closed")

    def reply(self):
        """The next reply, its lines joined by LF; "closed" when there will be none."""
        if self._said or self._gone:
            return succeed(self._said.pop(0) if self._said else "closed")
        waiting = Deferred()
        self._waiting.append(waiting)
        return waiting

    def say(self, line):
        """Send a line; its reply."""
        self.transport.write(line.encode("latin-1") + b"\r\n")
        return self.reply()

    @inlineCallbacks
    def send(self, *recipients, octets=b"Subject: x\r\n\r\ntext\r\n", sender="a@example.org"):
        """A whole transaction in lockstep; all its replies, until one refuses."""
        replies = [(yield self.say(f"MAIL FROM:<{sender}>"))]
        for recipient in recipients or ("b@example.net",):
            if replies[0][0] == "2":
                replies.append((yield self.say(f"RCPT TO:<{recipient}>")))
        if replies[-1][0] == "2":
            replies.append((yield self.say("DATA")))
        if replies[-1][:3] == "354":
            replies.append((yield self.message(octets)))
        return replies

    def message(self, octets):
        """What follows 354; the reply to it."""
        self.transport.write((b"\r\n" + octets).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n")
        return self.reply()


class RelayCase(TestCase):
    """Tests with next hops and gateways that are gone when it ends."""

    timeout = 30

    def hop(self, script=None, **options):
        """A listening next hop."""
        hop = NextHop(script or {}, **options).listen()
        self.addCleanup(hop.stop)
        return hop

    def gateway(self, *relays, **options):
        """A gateway."""
        gateway = Gateway(*relays, **options)
        self.addCleanup(gateway.stop)
        return gateway

    def pause(self, seconds=0.05):
        """Let the other sockets get on."""
        return deferLater(reactor, seconds)


class Gateway:
    """A listening gateway with one server.  ``stop`` leaves nothing behind."""

    def __init__(self, relay, *others, policy=None, portal=None, **settings):
        self.relays = [relay, *others]
        self.observer = RecordingObserver()
        server = Server(
            replace(ServerSettings("test", "gw.example.org", relay.name), **settings),
            {each.name: each for each in self.relays},
            reactor,
            policy=policy or AcceptAll(),
            portal=portal,
            observer=self.observer,
        )
        self.factory = SMTPFactory(server)
        self.port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.talkers = []

    @inlineCallbacks
    def connect(self, hello="EHLO client.example.org"):
        """A client that has been greeted."""
        endpoint = TCP4ClientEndpoint(reactor, "127.0.0.1", self.port.getHost().port)
        talker = yield connectProtocol(endpoint, Talker())
        self.talkers.append(talker)
        yield talker.reply()
        if hello:
            yield talker.say(hello)
        return talker

    @inlineCallbacks
    def stop(self):
        yield self.port.stopListening()
        for talker in self.talkers:
            talker.transport.abortConnection()
            yield talker.closed
        yield self.factory.sessions.emptied()
        for relay in self.relays:
            if isinstance(relay, Relay):
                yield relay.close()
