"""Random sessions: octets made from a corpus, for servers made by dice.

A session is made from its seed alone, so that one that fails can be played again.
"""

from __future__ import annotations

import random
import re
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from scramp import ScramMechanism
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from smtpgate.hooks.evaluator import Binding, ScriptPolicy
from smtpgate.hsl.runtime import Environment
from smtpgate.hsl.runtime import Limits as ScriptLimits
from smtpgate.smtp.reply import OK, START_MAIL, Reply
from smtpgate.smtp.server import Listener
from smtpgate.smtp.server.credentials import ScramKeys
from smtpgate.smtp.server.policy import Accept, Answer, Challenge, Pass, Policy
from smtpgate.smtp.session import Limits
from tests.support.session import compiled
from tests.support.smtp import Client, RecordingTransport, later, portal

CORPUS = Path(__file__).parent.parent / "fuzz" / "corpus"
SCRIPT = r"""
if ($command == "STATUS") Reply(["one", "two"]);
if ($command == "NEXT") Reply("go on", ["next" => true]);
if ($command == "WAIT") { sleep(3); Reply("thank you"); }
if ($command == "FAIL") Reply(json_decode("{"));
if ($command == "STOP") Reply("bye", ["disconnect" => true, "reply_codes" => ["code" => 421]]);
if ($command =~ ''/mend/'') Pass(["command" => "MAIL FROM:<mend@example.org>"]);
if ($command =~ ''/^BDAT/'' and isset($context)) Reply("no");
$context = $command;
"""
TOKENS = (
    b"\r\n", b"\n", b"\r", b"\0", b".", b"\r\n.\r\n", b"\n.\n", b" ", b"\t", b"<", b">", b"@",
    b":", b"=", b"\\", b'"', b"[", b"]", b"%", b"+0D+0A", b"\xff", b"\xc3\xa4", b"\x16\x03\x01",
    b"A" * 600, b"x" * 3000, b"9" * 25, b"-1", b"*", b"=\r\n", b"NOOP\r\n", b"QUIT\r\n",
    b"RSET\r\n", b"DATA\r\n", b"STARTTLS\r\n", b"AUTH LOGIN\r\n", b"BDAT 7\r\n", b"BDAT 0 LAST\r\n",
    b"MAIL FROM:<a@b.example>\r\n", b"RCPT TO:<c@d.example>\r\n", b"EHLO x\r\n",
)  # fmt: skip
#: What the server may say, line by line.
REPLY = re.compile(rb"(?:[2-5][0-9][0-9][ -][^\r\n\0]*\r\n)*")


class Injected(Exception):
    """A fault that the dice have put into a policy or a delivery."""


@cache
def corpus() -> tuple[bytes, ...]:
    return tuple(file.read_bytes() for file in sorted(CORPUS.iterdir()))


def stream(dice: random.Random) -> bytes:
    """Octets that look like a session, more or less."""
    octets = bytearray(dice.choice(corpus()))
    if dice.random() < 0.4:
        octets += dice.choice(corpus())
    for _ in range(dice.choice((0, 0, 0, 1, 1, 2, 3, 20))):
        at = dice.randrange(len(octets) + 1)
        match dice.randrange(7):
            case 0:
                octets[at:at] = dice.choice(TOKENS)
            case 1:
                del octets[at : at + dice.choice((1, 2, 7, 50))]
            case 2 if octets:
                octets[at % len(octets)] = dice.randrange(256)
            case 3:
                other = dice.choice(corpus())
                cut = dice.randrange(len(other))
                octets[at:at] = other[cut : cut + dice.randrange(200)]
            case 4:
                octets[at:at] = octets[at : at + 100] * dice.choice((1, 2, 10))
            case 5:
                octets[at:at] = dice.randbytes(dice.choice((1, 4, 40)))
            case _:
                lines = bytes(octets).split(b"\r\n")
                dice.shuffle(lines)
                octets = bytearray(b"\r\n".join(lines))
    return bytes(octets[:100_000])


class FuzzPolicy(Policy):
    """Decides by dice: now, later or never, and sometimes fails."""

    decides_auth = True

    def __init__(self, dice: random.Random, clock: Clock) -> None:
        self.dice = dice
        self.clock = clock

    def _answer(self, *choices: Any) -> Any:
        dice = self.dice
        chance = dice.random()
        if chance < 0.01:
            raise Injected
        if chance < 0.02:
            return later(self.clock, 1, Injected()).addCallback(_raise)
        if chance < 0.03:
            return Deferred()  # never
        answer = dice.choice((choices[0], choices[0], *choices))
        return later(self.clock, dice.choice((0, 0, 0, 1, 40)), answer)

    def _reply(self) -> Reply:
        code = self.dice.choice((250, 354, 421, 450, 554, 299))
        return Reply(code, ("by", "dice"), None, self.dice.random() < 0.1)

    def wants_command(self, connection: Any, line: bytes) -> bool:
        return self.dice.random() < 0.5

    def command(self, connection: Any, line: bytes) -> Any:
        following = self.dice.random() < 0.2
        other = self.dice.choice((b"NOOP", b"BDAT 3", b"DATA", b"a\r\nb", b"x" * 20_000, b""))
        answer = Answer(self._reply(), following)
        return self._answer(Pass(next=following), Pass(other, following), answer)

    def connect(self, connection: Any) -> Any:
        return self._answer(None, Accept(peer_ip="2001:db8::9", peer_ptr="x y"), self._reply())

    def helo(self, connection: Any, verb: str, name: str, offered: Any) -> Any:
        return self._answer(None, Accept(helo="other", extensions=("PIPELINING",)), self._reply())

    def auth(self, connection: Any, step: Any) -> Any:
        return self._answer(None, Challenge(b"more"), Accept(username="joe"), self._reply())

    def mail_from(self, connection: Any, mailbox: Any, params: Any) -> Any:
        return self._answer(None, self._reply())

    def rcpt_to(self, connection: Any, recipient: Any) -> Any:
        recipient.transport = self.dice.choice(("local", "local", "other", "none"))
        return self._answer(None, self._reply())

    def end_of_data(self, connection: Any) -> Any:
        return self._answer(None, self._reply())

    def closed(self, connection: Any) -> None:
        if self.dice.random() < 0.05:
            raise Injected


def _raise(error: Exception) -> None:
    raise error


class Directory:
    """SCRAM keys of joe's."""

    scram_iterations = 4096
    scram_decoy_key = bytes(32)

    def __init__(self) -> None:
        salt, stored, server, count = ScramMechanism("SCRAM-SHA-256").make_auth_info(
            "secret", iteration_count=4096
        )
        self.keys = ScramKeys(salt, count, stored, server)

    def scram_keys(self, username: str) -> Any:
        return self.keys if username == "joe" else None


@cache
def _parts() -> tuple[Any, Any, Any]:
    """What is dear to make and the same for all."""
    return portal(joe="secret"), Directory(), compiled(SCRIPT)


def _policy(dice: random.Random, clock: Clock) -> Policy:
    chance = dice.random()
    if chance < 0.3:
        return Policy()
    if chance < 0.6:
        return FuzzPolicy(dice, clock)
    environment = Environment(
        limits=ScriptLimits(seconds=30), clock=clock, hostname="gw.example.org", echo=print
    )
    commands = dice.choice(("all", "all", "first", ["NOOP", "MAIL", "BDAT", "NEXT"]))
    binding = Binding(_parts()[2], commands)
    return ScriptPolicy({"proxy": binding}, environment, "gw.example.org", lambda *_: None)


def _transport(dice: random.Random, clock: Clock, name: str) -> RecordingTransport:
    transport = RecordingTransport(
        clock, name, delay=lambda step: dice.choice((0, 0, 0, 0.5, 20)) if dice else 0
    )
    usual = {"mail": OK, "rcpt": OK, "data": START_MAIL, "write": None, "finish": OK}
    faulty = dice.random() < 0.3
    for step, reply in usual.items():
        others = (Injected(), Reply(451, ("later",)), Reply(554, ("no",)), Reply(250, ("eh",)))
        if step == "write":
            others = (Injected(),) * 4

        def answer(reply: Any = reply, others: Any = others) -> Any:
            found = dice.choice(others) if faulty and dice.random() < 0.2 else reply
            if isinstance(found, Injected):
                raise found
            return found

        transport.answers[step] = answer
    transport.answers_mail = dice.random() < 0.3
    return transport


def client(dice: random.Random) -> Client:
    """A server by dice, and a client that has connected."""
    clock = Clock()
    users, scram, _ = _parts()
    peer = dice.choice(
        (
            IPv4Address("TCP", "192.0.2.1", 1),
            IPv4Address("TCP", "10.0.0.1", 1),
            IPv6Address("TCP", "::ffff:10.0.0.2", 1),
            UNIXAddress(b""),
        )
    )
    small = dice.random() < 0.2
    limits = Limits(
        message_size=dice.choice((0, 50, 10_000, 52_428_800)),
        recipients=1 if small else 1000,
        commands=dice.choice((0, 5)) if small else 100_000,
        errors=dice.choice((0, 2)) if small else 20,
        messages=1 if small else 0,
        command_line=512 if small else 2048,
        backlog=1000 if small else 65_536,
        greeting_delay=dice.choice((0,) * 9 + (2,)),
        session_timeout=dice.choice((0, 100, 14_400)),
    )
    return Client(
        policy=_policy(dice, clock),
        transports=[_transport(dice, clock, "local"), _transport(dice, clock, "other")],
        limits=limits,
        listener=Listener(
            implicit_tls=(tls := dice.random() < 0.5) and dice.random() < 0.2,
            proxies=(ip_network("10.0.0.0/8"),) if dice.random() < 0.3 else (),
        ),
        clock=clock,
        peer=peer,
        portal=users if dice.random() < 0.7 else None,
        scram=scram,
        tls=object() if tls else None,
        mechanisms=("PLAIN", "LOGIN", "SCRAM-SHA-256", "EXTERNAL", "XCUSTOM"),
        auth_require_tls=dice.random() < 0.3,
        auth_required=dice.random() < 0.2,
        bare_newlines=dice.choice(("reject", "normalize", "pass")),
        xclient=(ip_network("192.0.2.0/24"),) if dice.random() < 0.3 else (),
    )


class Fuzzed:
    """Plays one session, and knows what must hold at each step and at its end."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.client = client(self.dice)
        self.said = self.client.banner.replace("\n", "\r\n").encode("latin-1")
        self._handshakes = 0

    def play(self) -> None:
        """:raises AssertionError: for whatever must not be"""
        dice, protocol = self.dice, self.client.protocol
        left = stream(dice)
        if protocol._reader is not None and dice.random() < 0.8:
            left = b"PROXY TCP4 192.0.2.7 10.0.0.9 9 25\r\n" + left
        size = dice.choice((1, 5, 50, 100_000))
        if size == 1:
            left = left[:3000]
        if dice.random() < 0.5:
            self.client.clock.advance(2)  # for a greeting that is delayed
        while left and not protocol.closing:
            count = dice.randint(1, size)
            piece, left = left[:count], left[count:]
            self._disturb()
            if self._secured() and self.client.wire.producerState != "paused":
                self.client.send(piece)
            self._check()
        self.client.clock.pump([0, 1, 1, 40, 40])
        self._check()
        if dice.random() < 0.2 and not protocol.closing:
            protocol.drain(dice.choice((0, 30)))
        if dice.random() < 0.3:
            self._end_of_input()
        self.client.clock.pump([0, 1, 31, 400, 400])
        self._check()
        protocol.writeConnectionLost()
        self.client.leave()
        self._check_end()

    def _secured(self) -> bool:
        """Whether octets go to us; a handshake under way takes them, and ends or not."""
        wire, protocol = self.client.wire, self.client.protocol
        if len(wire.tls) > self._handshakes:
            if self.dice.random() < 0.1:
                return False
            self._handshakes = len(wire.tls)
            protocol.handshakeCompleted()
        return True

    def _disturb(self) -> None:
        dice, wire = self.dice, self.client.wire
        match dice.randrange(30):
            case 0:
                self.client.clock.advance(dice.choice((0, 1, 5, 100)))
            case 1 if wire.producer is not None:
                wire.producer.pauseProducing()
            case 2 | 3 | 4 if wire.producer is not None:
                wire.producer.resumeProducing()
            case 5 if dice.random() < 0.1:
                self._end_of_input()

    def _end_of_input(self) -> None:
        if not self.client.protocol.half_closed and self._handshakes == 0:
            self.client.protocol.readConnectionLost()

    def _check(self) -> None:
        protocol, wire = self.client.protocol, self.client.wire
        self.said += wire.value()
        wire.clear()
        assert len(protocol.lines) <= protocol.limits.backlog + 100_000, "octets pile up"
        assert protocol._queued <= 20_000 or not protocol.closing, "replies pile up"

    def _check_end(self) -> None:
        live, server = self.client, self.client.server
        assert REPLY.fullmatch(self.said), f"these are no replies: {self.said!r}"
        assert not live.factory.sessions, "the session stays"
        admission = server.admission
        assert not (admission.sessions or admission._addresses or admission._networks), "counted"
        for transport in server.transports.values():
            for delivery in transport.begun:  # type: ignore[attr-defined]
                assert delivery.state in ("finished", "aborted"), "a delivery was forgotten"
        for _, place, failure in live.observer.of("trouble"):
            if not failure.check(Injected) and not _expected(place, failure):
                raise AssertionError(f"trouble at {place}:\n{failure.getTraceback()}")
        assert live.protocol.pending is None
        assert live.protocol.deadline._call is None


def _expected(place: str, failure: Any) -> bool:
    """A transport that does not exist is the dice's own doing."""
    return place == "rcpt" and failure.check(LookupError) is not None
