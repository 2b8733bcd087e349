"""What the proxy hook costs a command: a session in this process, with and without a script.

The commands arrive in segments of a hundred, as a client that pipelines sends them.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES
from smtpgate.hooks.commands import Commands
from smtpgate.hooks.evaluator import Binding, ScriptPolicy
from smtpgate.hooks.table import PROXY
from smtpgate.hsl.errors import ScriptError
from smtpgate.hsl.runtime import Environment, compile_script
from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.protocol import SMTPProtocol
from smtpgate.smtp.server import Server
from smtpgate.smtp.server.policy import AcceptAll, Policy
from smtpgate.smtp.session import Connection, Limits, ServerSettings

TITLE = "The proxy hook"

PIPELINED = 100
XCLIENT = b"XCLIENT ADDR=192.0.2.1 LOGIN=jo"


def measure(bench: Bench) -> None:
    """A command without a script, and what scripts add to it."""
    clock = Clock()
    segments = bench.amount(50)
    count = segments * PIPELINED

    def says(policy: Policy, line: bytes, code: bytes) -> Callable[[], None]:
        return talk(policy, clock, line, code, segments)

    none = says(AcceptAll(), b"NOOP", b"250")
    bench.cost("NOOP, no script", count, none)
    fifteen = scripted(clock, FIFTEEN_LINES)
    for name, policy in {
        "fifteen lines that pass": fifteen,
        "the same, asked for XCLIENT only": scripted(clock, FIFTEEN_LINES, ["XCLIENT"]),
        "a script that does nothing": scripted(clock, ""),
        "a script that replies": scripted(clock, 'Reply("Fine");'),
    }.items():
        bench.overhead(f"{name}, more than none", count, none, says(policy, b"NOOP", b"250"))
    refused = says(AcceptAll(), XCLIENT, b"5")
    stranger = scripted(clock, FIFTEEN_LINES.replace("192.168.1.1", "10.9.9.9"))
    bench.overhead(
        "fifteen lines refuse XCLIENT, more than the server does",
        count, refused, says(stranger, XCLIENT, b"550"),
    )  # fmt: skip
    bench.overhead(
        "fifteen lines take XCLIENT apart, more than to refuse it",
        count, refused, says(fifteen, XCLIENT, b"250"),
    )  # fmt: skip


def fail(connection: Connection, hook: str, error: ScriptError) -> None:
    raise AssertionError(str(error))


def scripted(clock: Clock, source: str, commands: Commands = "all") -> Policy:
    script = compile_script(source, "benchmark.hsl", PROXY.context)
    hooks = {"proxy": Binding(script, commands)}
    return ScriptPolicy(hooks, Environment(clock), "gw.example.org", fail)


def session(clock: Clock, policy: Policy) -> tuple[SMTPProtocol, StringTransport]:
    settings = ServerSettings(
        "benchmark", "gw.example.org", limits=Limits(commands=0, errors=0, backlog=1_000_000)
    )
    protocol = SMTPFactory(Server(settings, {}, clock, policy)).buildProtocol(None)
    transport = StringTransport()  # type: ignore[no-untyped-call]
    protocol.makeConnection(transport)  # type: ignore[no-untyped-call]
    transport.clear()  # type: ignore[no-untyped-call]
    return protocol, transport


def talk(
    policy: Policy, clock: Clock, line: bytes, code: bytes, segments: int
) -> Callable[[], None]:
    """Say a line again and again; every answer must have the code."""
    protocol, transport = session(clock, policy)
    segment = (line + b"\r\n") * PIPELINED

    def run() -> None:
        for _ in range(segments):
            protocol.dataReceived(segment)
        octets = transport.value()  # type: ignore[no-untyped-call]
        transport.clear()  # type: ignore[no-untyped-call]
        assert octets.count(b"\r\n" + code) == segments * PIPELINED - 1, octets[:200]

    return run
