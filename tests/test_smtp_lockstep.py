"""Random sessions answer the same, however the network cuts them and however long answers take.

A session is a stream of octets made from a seed.  Once it is sent line by line, each when the last
one is answered, and everybody answers at once: that is lockstep.  Then the same stream is cut at
random places, and the policy, the portal and the deliveries take random times.  What the client
reads, and what is delivered, must be the same, octet for octet.

``SMTPGATE_SESSIONS`` sets the number of sessions.
"""

from __future__ import annotations

import os
from base64 import b64encode
from random import Random
from typing import Any

from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import Portal
from twisted.internet.task import Clock, deferLater
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.reply import DELIVERY_TROUBLE, Reply
from smtpgate.smtp.server.policy import Answer, Pass, Policy
from smtpgate.smtp.session import Connection, Limits, Recipient
from tests.support.smtp import Account, Client, RecordingTransport, later

SESSIONS = int(os.environ.get("SMTPGATE_SESSIONS", "10000"))

PLAIN = b64encode(b"\0joe\0secret")
WORDS = [
    b"EHLO client",
    b"HELO client",
    b"RSET",
    b"NOOP",
    b"NOOP x",
    b"VRFY joe",
    b"HELP",
    b"EXPN l",
]
JUNK = [
    b"",
    b" ",
    b"FOO bar",
    b"\xff\xfe",
    b"MAIL",
    b"MAIL FROM:a@b",
    b"RCPT TO:<>",
    b"NOOP a\nb",
    b"NOOP a\rb",
    b"NOOP \0",
    b"X" * 2047,
    b"Y" * 5000,
    b"DATA now",
    b"BDAT 3 FIRST",
    b"AUTH",
    b"AUTH NONE",
    b"STARTTLS",
    b".",
]
MAILS = [
    b"MAIL FROM:<a@example.org>",
    b"MAIL FROM:<> SIZE=3",
    b"MAIL FROM:<a@example.org> SIZE=9999",
]
RCPTS = [b"RCPT TO:<%s@example.net>" % name for name in (b"a", b"b", b"no", b"later", b"other")]
HOOKED = [
    b"XANSWER one",
    b"XNEXT",
    b"XPASS NOOP",
    b"XPASSNEXT NOOP",
    b"XPASS AUTH LOGIN",
    b"XLINES",
]
LINES = [
    b"Subject: hi",
    b"",
    b"text",
    b"..",
    b"..dot",
    b".x",
    b"a" * 300,
    b"bare \n lf",
    b"bare \r cr",
]


def stream(random: Random) -> bytes:
    """The octets that one client sends."""
    parts: list[bytes] = [] if random.random() < 0.1 else [b"EHLO client\r\n"]
    for _ in range(random.randint(3, 16)):
        kind = random.random()
        if kind < 0.45:
            parts.append(message(random))
        elif kind < 0.6:
            parts.append(authentication(random))
        elif kind < 0.75:
            parts.append(random.choice(JUNK) + b"\r\n")
        elif kind < 0.88:
            parts.append(random.choice(HOOKED) + b"\r\n")
        else:
            parts.append(random.choice(WORDS) + b"\r\n")
    if random.random() < 0.7:
        parts.append(b"QUIT\r\nNOOP\r\n")
    return b"".join(parts)


def message(random: Random) -> bytes:
    """A transaction, or most of one."""
    lines = [random.choice(MAILS)] if random.random() < 0.95 else []
    lines += [random.choice(RCPTS) for _ in range(random.choice((1, 1, 2, 3)))]
    octets = b"".join(line + b"\r\n" for line in lines)
    if random.random() < 0.55:
        bodies = random.choices(LINES, k=random.randint(0, 6))
        return octets + b"DATA\r\n" + b"".join(line + b"\r\n" for line in bodies) + b".\r\n"
    for number in range(last := random.randint(1, 4)):
        size = random.choice((0, 1, 7, 200, 900))
        body = bytes(random.choices(b"ab.\r\n", weights=(5, 5, 2, 0.02, 0.02), k=size))
        final = b" LAST" if number == last - 1 and random.random() < 0.9 else b""
        octets += b"BDAT %d%s\r\n" % (size, final) + body
        if random.random() < 0.05:
            octets += random.choice(WORDS) + b"\r\n"
    return octets


def authentication(random: Random) -> bytes:
    """An AUTH exchange, good or bad."""
    return (
        random.choice(
            (
                b"AUTH PLAIN " + PLAIN,
                b"AUTH PLAIN\r\n" + PLAIN,
                b"AUTH LOGIN\r\nam9l\r\nc2VjcmV0",
                b"AUTH LOGIN am9l\r\nd3Jvbmc=",
                b"AUTH PLAIN\r\n*",
                b"AUTH PLAIN\r\n!!",
                b"AUTH PLAIN\r\n" + b"A" * 13000,
                b"AUTH LOGIN\r\nQUIT",
            )
        )
        + b"\r\n"
    )


class Deciding(Policy):
    """Decides by what the line or the address says, after the time that it is told to take."""

    def __init__(self, clock: Clock, delay: Any) -> None:
        self.clock = clock
        self.delay = delay

    def wants_command(self, connection: Connection, line: bytes) -> bool:
        return line[:1] in b"XM" or line == b"BDAT 7"

    def command(self, connection: Connection, line: bytes) -> Any:
        verb, _, rest = line.partition(b" ")
        decision: Any = Pass()
        if verb == b"BDAT":
            decision = Answer(Reply(452, ("no chunk of seven",), (4, 3, 1)))
        elif verb == b"XANSWER":
            decision = Answer(Reply(250, (f"answer {connection.commands}",), (2, 0, 0)))
        elif verb == b"XNEXT":
            decision = Answer(Reply(334, ("more",)), next=True)
        elif verb == b"XLINES":
            decision = Answer(Reply(250, ("one", "two"), (2, 0, 0)))
        elif verb == b"XPASS":
            decision = Pass(rest)
        elif verb == b"XPASSNEXT":
            decision = Pass(rest, next=True)
        return later(self.clock, self.delay(), decision)

    def helo(self, connection: Connection, verb: str, name: str, offered: Any) -> Any:
        return later(self.clock, self.delay(), None)

    def mail_from(self, connection: Connection, mailbox: Any, params: Any) -> Any:
        return later(self.clock, self.delay(), None)

    def rcpt_to(self, connection: Connection, recipient: Recipient) -> Any:
        local = recipient.mailbox.local
        recipient.transport = "other" if local == "other" else "local"
        refusal = Reply(550, ("no",), (5, 1, 1)) if local == "no" else None
        return later(self.clock, self.delay(), refusal)

    def end_of_data(self, connection: Connection) -> Any:
        return later(self.clock, self.delay(), None)


class SlowPortal(Portal):
    """Knows one user."""

    def __init__(self, clock: Clock, delay: Any) -> None:
        self.clock = clock
        self.delay = delay

    def login(self, credentials: Any, mind: Any, *interfaces: Any) -> Any:
        def decide() -> Any:
            if (credentials.username, credentials.password) != (b"joe", b"secret"):
                raise UnauthorizedLogin
            return interfaces[0], Account("joe"), lambda: None

        return deferLater(self.clock, self.delay(), decide)


class Dialogue:
    """One run of a stream: what the client heard, and what was delivered."""

    def __init__(self, seed: int, delay: Any) -> None:
        shape = Random(seed)
        clock = Clock()
        local = RecordingTransport(clock, "local", delay=lambda step: delay())
        other = RecordingTransport(clock, "other", delay=lambda step: delay())
        trouble = shape.choice(("", "", "", "mail", "rcpt", "data", "finish", "write"))
        if trouble:
            other.answers[trouble] = (
                RuntimeError("broken")
                if shape.random() < 0.5 or trouble == "write"
                else DELIVERY_TROUBLE
            )
        self.transports = [local, other]
        limits = Limits(
            message_size=2000,
            recipients=2,
            errors=shape.choice((0, 0, 8)),
            commands=shape.choice((0, 0, 0, 25)),
            auth_attempts=50,
        )
        self.client = Client(
            policy=Deciding(clock, delay),
            transports=self.transports,
            clock=clock,
            limits=limits,
            portal=SlowPortal(clock, delay),
            mechanisms=("PLAIN", "LOGIN"),
            auth_require_tls=False,
        )
        self.octets = self.client.banner

    def send(self, piece: bytes) -> None:
        self.client.send(piece)

    def settle(self) -> None:
        """Let everybody answer."""
        clock, protocol = self.client.clock, self.client.protocol
        while protocol.pending is not None:
            clock.advance(0.5)

    def result(self) -> tuple[Any, ...]:
        self.settle()
        delivered = [
            (each.recipients, each.octets.partition(b"+0000\r\n")[2])
            for transport in self.transports
            for each in transport.messages
        ]
        return self.client.heard(), delivered, self.client.closed


def lockstep(seed: int, octets: bytes) -> tuple[Any, ...]:
    """One line at a time, each when the last one is answered."""
    dialogue = Dialogue(seed, lambda: 0)
    for line in octets.split(b"\r\n"):
        dialogue.send(line + b"\r\n")
        dialogue.settle()
    return dialogue.result()


def scrambled(seed: int, octets: bytes, random: Random) -> tuple[Any, ...]:
    """Cut anywhere, answered at any time."""
    dialogue = Dialogue(seed, lambda: random.choice((0, 0, 0.1, 0.7, 3)))
    while octets:
        size = random.choice((1, 3, 20, 200, 2000, 10_000))
        dialogue.send(octets[:size])
        octets = octets[size:]
        if random.random() < 0.3:
            dialogue.client.clock.advance(random.choice((0, 0.1, 1)))
    return dialogue.result()


class LockstepTests(SynchronousTestCase):
    """See the head of the file."""

    def test_random_sessions(self) -> None:
        """However a session is cut and delayed, it reads and delivers as in lockstep."""
        for seed in range(SESSIONS):
            random = Random(seed)
            octets = stream(random)
            octets = octets[:-2] if octets.endswith(b"\r\n") else octets
            expected = lockstep(seed, octets)
            actual = scrambled(seed, octets + b"\r\n", random)
            self.assertEqual(actual, expected, f"session {seed}: {octets!r}")

    def test_sessions_do_something(self) -> None:
        """The sessions reach what they are to compare: messages, refusals, AUTH, the hook."""
        heard = "".join(lockstep(seed, stream(Random(seed)))[0] for seed in range(60))
        for words in (
            "250 2.0.0 OK 1",
            "250 2.0.0 Chunk received",
            "235 2.7.0",
            "535 5.7.8",
            "500 5.5.2 Line too long",
            "500 5.5.6 Authentication exchange",
            "554 5.6.0",
            "552 5.3.4",
            "452 4.5.3",
            "451 4.3.0",
            "250 2.0.0 answer",
            "221 2.0.0",
            "421 4.7.0",
        ):
            self.assertIn(words, heard)
