"""Name servers on loopback: one of twisted.names', and ones that misbehave."""

from __future__ import annotations

from twisted.internet import reactor
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import DatagramProtocol
from twisted.names import dns, error, server

from smtpgate.hsl.runtime import compile_script
from smtpgate.hsl.runtime.environment import Environment


class Zone:
    """A resolver for DNSServerFactory: records by name and type, or an error by name."""

    def __init__(self, records):
        self.records = {}
        self.errors = {}
        for name, record in records:
            if isinstance(record, type):
                self.errors[name] = record
            else:
                self.records.setdefault(name, []).append(record)

    def query(self, query, timeout=None):
        name = query.name.name.decode("latin-1").lower()
        if name in self.errors:
            return fail(self.errors[name]())
        if name not in self.records:
            return fail(error.DomainError(name))
        answers = [
            dns.RRHeader(name, record.TYPE, dns.IN, 60, record)
            for record in self.records[name]
            if record.TYPE in (query.type, dns.CNAME)
        ]
        for alias in [each for each in answers if each.type == dns.CNAME != query.type]:
            target = alias.payload.name.name.decode("latin-1")
            answers += [
                dns.RRHeader(target, record.TYPE, dns.IN, 60, record)
                for record in self.records.get(target, ())
                if query.type == record.TYPE
            ]
        return succeed((answers, [], []))


class Raw(DatagramProtocol):
    """Answers with what a function makes of the question: messages or octets."""

    def __init__(self, behave):
        self.behave = behave
        self.questions = []

    def datagramReceived(self, datagram, address):
        question = dns.Message()
        question.fromStr(datagram)
        self.questions.append(question)
        for answer in self.behave(question):
            octets = answer if isinstance(answer, bytes) else answer.toStr()
            self.transport.write(octets, address)


def reply(question, *records, **flags):
    """A message that answers a question."""
    message = dns.Message(question.id, answer=1, recAv=1, **flags)
    message.queries = question.queries
    name = question.queries[0].name.name
    message.answers = [dns.RRHeader(name, each.TYPE, dns.IN, 60, each) for each in records]
    return message


def serve_zone(test, zone, interface="127.0.0.1"):
    """The address of a server that has a zone, over UDP and TCP."""
    factory = server.DNSServerFactory(clients=[zone], verbose=0)
    factory.noisy = False
    while True:
        stream = reactor.listenTCP(0, factory, interface=interface)
        port = stream.getHost().port
        try:
            datagrams = reactor.listenUDP(
                port, dns.DNSDatagramProtocol(factory), interface=interface
            )
        except CannotListenError:
            stream.stopListening()
            continue
        break
    test.addCleanup(stream.stopListening)
    test.addCleanup(datagrams.stopListening)

    def close():
        for connection in list(factory.connections):
            connection.transport.abortConnection()

    test.addCleanup(close)
    return f"[{interface}]:{port}" if ":" in interface else f"{interface}:{port}"


def serve_raw(test, behave):
    """The address of a server that does as told over UDP, and its protocol."""
    protocol = Raw(behave)
    port = reactor.listenUDP(0, protocol, interface="127.0.0.1")
    test.addCleanup(port.stopListening)
    return f"127.0.0.1:{port.getHost().port}", protocol


class Running:
    """A script that runs on the reactor."""

    def __init__(self, source, **given):
        self.lines = []
        self.environment = Environment(
            reactor, echo=lambda text, _execution: self.lines.append(text), **given
        )
        self.ended = compile_script(source, "test.hsl").run({}, self.environment)
        if not isinstance(self.ended, Deferred):
            self.ended = succeed(self.ended)

    async def output(self):
        await self.ended
        return self.lines


async def output(source, **given):
    """What a script echoes."""
    return await Running(source, **given).output()


def literal(text):
    """A string literal of the language."""
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}"'
