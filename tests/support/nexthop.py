"""A next hop that does what a test tells it to, on a real socket of the loopback.

At each step it answers as usual, or as its script says.  Steps are ``connect``, verbs such as
``EHLO`` and ``MAIL``, ``response`` (an answer to an AUTH challenge), ``body`` (the first octets
after DATA) and ``end`` (the last dot; by LMTP for each recipient).

What a script may say for a step:

* text: the reply, LF between its lines
* :class:`Raw`: octets as they are
* :class:`After`: something else, some seconds later
* :data:`CLOSE`, :data:`RESET`, :data:`SILENCE`, :data:`FLOOD`, :data:`DEAF` (reads no more)
* a list: one after the other, the last one for ever
* a function of the session and the line, that gives one of these
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from twisted.internet import reactor
from twisted.internet.defer import Deferred, DeferredList, inlineCallbacks
from twisted.internet.protocol import Factory, Protocol


class Act(enum.Enum):
    """What a next hop may do instead of answering."""

    CLOSE = "close"
    RESET = "reset"
    SILENCE = "silence"
    FLOOD = "flood"
    DEAF = "deaf"


CLOSE, RESET, SILENCE, FLOOD, DEAF = Act


@dataclass(frozen=True)
class Raw:
    octets: bytes


@dataclass(frozen=True)
class After:
    seconds: float
    then: object


@dataclass
class Received:
    """A message that was answered with a 250 for at least one recipient."""

    sender: str
    recipients: list[str]
    octets: bytes
    size: int = 0


EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 100000000", "DSN", "ENHANCEDSTATUSCODES")


class Session(Protocol):
    """One connection to the next hop."""

    tls = False

    def connectionMade(self):
        self.factory.sessions.append(self)
        self.commands = []
        self._buffer = b""
        self._body = None
        self._responses = 0
        self._dead = False
        self._calls = []
        self.closed = Deferred()
        self._reset()
        if self.factory.tls is not None and self.factory.implicit:
            self.transport.startTLS(self.factory.tls)
            self.tls = True
        if not self.factory.proxied:
            self._act("connect", "220 next.example.org ESMTP")
        self.header = b""

    def _reset(self):
        self._sender = None
        self._recipients = []

    def connectionLost(self, reason):
        self._dead = True
        for call in self._calls:
            if call.active():
                call.cancel()
        self.factory.sessions.remove(self)
        self.closed.callback(None)

    # Octets

    def dataReceived(self, data):
        if self._dead:
            return
        if self.factory.proxied and not self.header:
            self._buffer += data
            if len(self._buffer) < 16 or len(self._buffer) < 16 + self._buffer[15]:
                return
            end = 16 + self._buffer[15]
            self.header, data, self._buffer = self._buffer[:end], self._buffer[end:], b""
            self._act("connect", "220 next.example.org ESMTP")
        self.factory.segments.append(data)
        if self._body is not None:
            self._take_body(data)
            return
        self._buffer += data
        while not self._dead and self._body is None and b"\r\n" in self._buffer:
            line, self._buffer = self._buffer.split(b"\r\n", 1)
            self._line(line.decode("latin-1"))
        if self._body is not None and self._buffer:
            data, self._buffer = self._buffer, b""
            self._take_body(data)

    def _take_body(self, data):
        if not self._body_begun:
            self._body_begun = True
            self._act("body", None)
            if self._dead:
                return
        self.factory.octets += len(data)
        whole = self._tail + data
        end = whole.find(b"\r\n.\r\n")
        if end < 0:
            if self.factory.keep:
                self._body.append(data)
            self._tail = whole[-4:]
            return
        if self.factory.keep:
            self._body.append(data)
            octets = b"\r\n" + b"".join(self._body)
            cut = octets.find(b"\r\n.\r\n") + 2
            message, rest = octets[2:cut], octets[cut + 3 :]
            message = (b"\r\n" + message).replace(b"\r\n..", b"\r\n.")[2:]
        else:
            message, rest = b"", whole[end + 5 :]
        self._body = None
        self._end(message)
        if rest:
            self.dataReceived(rest)

    def _end(self, message):
        count = len(self._recipients) if self.factory.lmtp else 1
        done = Received(self._sender, list(self._recipients), message)
        self._reset()
        for _ in range(count):
            reply = self._act("end", "250 2.0.0 taken as 4711")
            taken = isinstance(reply, str) and reply.startswith("250")
            if taken and not any(done is each for each in self.factory.messages):
                self.factory.messages.append(done)

    # Commands

    def _line(self, line):
        self.commands.append(line)
        self.factory.commands.append(line)
        if self._responses:
            self._responses -= 1
            self._act("response", "334 " if self._responses else "235 2.7.0 welcome")
            return
        verb = line.split(" ")[0].upper()
        usual = getattr(self, "_" + verb, lambda line: "250 2.0.0 fine")(line)
        reply = self._act(verb, usual)
        if not isinstance(reply, str):
            return
        if verb == "MAIL" and reply[:1] == "2":
            self._sender = line[10:]
        elif verb == "RCPT" and reply[:1] == "2":
            self._recipients.append(line[8:])
        elif verb == "DATA" and reply[:3] == "354":
            self._body, self._tail, self._body_begun = [], b"\r\n", False
        elif verb == "RSET":
            self._reset()
        elif verb == "AUTH" and reply[:3] == "334":
            self._responses = 2
        elif verb == "STARTTLS" and reply[:3] == "220":
            self.transport.startTLS(self.factory.tls)
            self.tls = True
        elif verb == "XCLIENT" and reply[:3] == "220":
            self._reset()
        elif verb == "QUIT":
            self._dead = True
            self.transport.loseConnection()

    def _EHLO(self, line):
        offered = list(self.factory.extensions)
        if self.factory.tls is not None and not self.tls:
            offered.append("STARTTLS")
        lines = ["next.example.org", *offered]
        return "\n".join(
            f"250{' ' if n == len(lines) - 1 else '-'}{x}" for n, x in enumerate(lines)
        )

    _LHLO = _EHLO

    def _DATA(self, line):
        return "354 go on" if self._recipients else "503 5.5.1 no recipients"

    def _MAIL(self, line):
        return "250 2.1.0 sender fine"

    def _RCPT(self, line):
        return "250 2.1.5 recipient fine"

    def _AUTH(self, line):
        return "235 2.7.0 welcome" if line.upper().startswith("AUTH PLAIN") else "334 VXNlcm5hbWU6"

    def _XCLIENT(self, line):
        return "220 next.example.org ESMTP"

    def _STARTTLS(self, line):
        return "220 2.0.0 ready"

    def _QUIT(self, line):
        return "221 2.0.0 bye"

    # What the script says

    def _act(self, step, usual):
        what = self.factory.script.get(step, usual)
        if callable(what):
            what = what(self, self.commands[-1] if self.commands else "")
        if isinstance(what, list):
            what = what.pop(0) if len(what) > 1 else what[0]
        return self._do(usual if what is None else what)

    def _do(self, what):
        if isinstance(what, str):
            self.transport.write(what.replace("\n", "\r\n").encode("latin-1") + b"\r\n")
        elif isinstance(what, Raw):
            self.transport.write(what.octets)
        elif isinstance(what, After):
            self._calls.append(reactor.callLater(what.seconds, self._do, what.then))
            return what.then
        elif what is CLOSE:
            self._dead = True
            self.transport.loseConnection()
        elif what is RESET:
            self._dead = True
            self.transport.abortConnection()
        elif what is SILENCE:
            self._dead = True
        elif what is DEAF:
            self._dead = True
            self.transport.pauseProducing()
        elif what is FLOOD:
            self._dead = True
            self._flood()
        return what

    def _flood(self):
        if self.transport.connected:
            self.transport.write(b"250-again and again\r\n" * 2000)
            self._calls.append(reactor.callLater(0, self._flood))


@dataclass
class NextHop(Factory):
    """A listening next hop; see above.

    :param keep: the octets of messages, not only how many they were
    """

    script: dict = field(default_factory=dict)
    extensions: tuple = EXTENSIONS
    tls: object = None
    implicit: bool = False
    proxied: bool = False
    lmtp: bool = False
    keep: bool = True
    noisy = False
    protocol = Session

    def __post_init__(self):
        self.sessions = []
        self.commands = []
        self.segments = []
        self.messages = []
        self.octets = 0
        self.connections = 0
        self.port = None

    def buildProtocol(self, addr):
        self.connections += 1
        session = Session()
        session.factory = self
        return session

    def listen(self, port=0):
        """Start; gives itself."""
        self.port = reactor.listenTCP(port, self, interface="127.0.0.1")
        return self

    @property
    def number(self):
        """The port's number."""
        return self.port.getHost().port

    @inlineCallbacks
    def stop(self):
        """Stop listening, and cut off whoever is there."""
        if self.port is not None:
            yield self.port.stopListening()
            self.port = None
        sessions = list(self.sessions)
        for session in sessions:
            session.transport.abortConnection()
        yield DeferredList([session.closed for session in sessions])
