"""What the proxy hook costs a command: a session in this process, with and without a script.

The commands arrive in segments of a hundred, as a client that pipelines sends them.
"""

from __future__ import annotations

from collections.abc import Callable

from measure import Benchmark
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from smtpgate.hooks.commands import Commands
from smtpgate.hooks.evaluator import Binding, ScriptPolicy
from smtpgate.hooks.table import PROXY
from smtpgate.hsl.errors import ScriptError
from smtpgate.hsl.runtime import Environment, compile_script
from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.policy import AcceptAll, Policy
from smtpgate.smtp.protocol import SMTPProtocol
from smtpgate.smtp.server import Server
from smtpgate.smtp.session import Connection, Limits, ServerSettings

SEGMENTS = 50
PIPELINED = 100
COUNT = SEGMENTS * PIPELINED

#: Fifteen lines with a regular expression.
SCRIPT = r"""
if ($command =~ ''/^XCLIENT\b/i'') {
    if ($senderip != "192.168.1.1")
        Reply("XCLIENT is not for you", ["reply_codes" => ["code" => 550]]);
    $attributes = [];
    foreach (str_split($command, " ")[1:] as $word) {
        $pair = pcre_match(''^([A-Za-z]+)=(.*)$'', $word);
        if (!$pair)
            Reply("Bad XCLIENT attribute", ["reply_codes" => ["code" => 501]]);
        $attributes[str_upper($pair[0])] = $pair[1];
    }
    $context = $attributes;
    Reply("Fine");
}
if ($command == "WHOAMI")
    Reply("$senderip, " . ($context["ADDR"] ?? "unknown"));
"""


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
    transport = StringTransport()
    protocol.makeConnection(transport)
    transport.clear()
    return protocol, transport


def talk(policy: Policy, clock: Clock, line: bytes, code: bytes) -> Callable[[], None]:
    """Say a line again and again; every answer must have the code."""
    protocol, transport = session(clock, policy)
    segment = (line + b"\r\n") * PIPELINED

    def run() -> None:
        for _ in range(SEGMENTS):
            protocol.dataReceived(segment)
        octets = transport.value()
        transport.clear()
        assert octets.count(b"\r\n" + code) == COUNT - 1, octets[:200]

    return run


def main() -> None:
    benchmark = Benchmark("The proxy hook, a command")
    clock = Clock()
    none = talk(AcceptAll(), clock, b"NOOP", b"250")
    benchmark.cost("NOOP, no script", COUNT, none)
    policy = scripted(clock, SCRIPT)
    benchmark.overhead(
        "a script of 15 lines that passes, over none",
        COUNT, none, talk(policy, clock, b"NOOP", b"250"),
    )  # fmt: skip
    benchmark.overhead(
        "the same, asked for other commands only",
        COUNT, none, talk(scripted(clock, SCRIPT, ["XCLIENT"]), clock, b"NOOP", b"250"),
    )  # fmt: skip
    benchmark.overhead(
        "a script that does nothing",
        COUNT, none, talk(scripted(clock, ""), clock, b"NOOP", b"250"),
    )  # fmt: skip
    benchmark.overhead(
        "a script that replies",
        COUNT, none, talk(scripted(clock, 'Reply("Fine");'), clock, b"NOOP", b"250"),
    )  # fmt: skip
    xclient = b"XCLIENT ADDR=192.0.2.1 LOGIN=jo"
    refused = talk(AcceptAll(), clock, xclient, b"5")
    stranger = scripted(clock, SCRIPT.replace("192.168.1.1", "10.9.9.9"))
    benchmark.overhead(
        "the 15 lines refuse XCLIENT, over the server",
        COUNT, refused, talk(stranger, clock, xclient, b"550"),
    )  # fmt: skip
    benchmark.overhead(
        "the 15 lines take XCLIENT apart, over the server",
        COUNT, refused, talk(policy, clock, xclient, b"250"),
    )  # fmt: skip
    benchmark.finish()


if __name__ == "__main__":
    main()
