"""A command, when its script has more lines that are not run."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import Crew, Step
from benchmarks.gateway import Server, gateway
from benchmarks.measure import Bench

TITLE = "Scripts"

CLIENTS = 10

#: What is run, whatever stands around it: ten lines.
EXECUTED = r"""
$verb = str_upper($command[0:4]);
if ($command =~ ''/^XCLIENT\b/i'' and $senderip != "192.0.2.1")
    Reply("Not for you", ["reply_codes" => ["code" => 550]]);
if ($verb == "HELP")
    foreach (["MAIL", "RCPT", "DATA"] as $known)
        echo "asked for $known";
$seen = $context ?? 0;
$context = $seen + 1;
Pass();
"""
_BRANCH = """\
if ($senderip == "192.0.2.{n}") {{
    $words = str_split($command, " ");
    foreach ($words as $word)
        echo "word $word of {n}";
    Reply("number {n}");
}}
"""
_FUNCTION = """\
function unused{n}($value, $more = [{n}]) {{
    $list = [];
    foreach ($more as $each)
        $list[] = $each * {n};
    if ($value == "{n}")
        return $list;
    return $value;
}}
"""


def functions(lines: int) -> str:
    """A script of about so many lines: the rest are functions that nobody calls."""
    return _filled(lines, _FUNCTION, "{filling}{executed}")


def branches(lines: int) -> str:
    """The rest are in the branch that is not taken."""
    return _filled(lines, _BRANCH, 'if ($command == "XYZZY") {\n{filling}}\n{executed}')


def _filled(lines: int, piece: str, around: str) -> str:
    count = max(0, lines - EXECUTED.count("\n")) // piece.count("\n")
    filling = "".join(piece.format(n=n) for n in range(count))
    return around.replace("{filling}", filling).replace("{executed}", EXECUTED)


def measure(bench: Bench) -> None:
    """One gateway, a server for each script."""
    bench.on_one_core()
    sizes = bench.growing(10, 100, 1_000, 3_000)
    kinds = {
        "a command, more functions that are not called": functions,
        "a command, more lines in a branch that is not taken": branches,
    }
    servers = {
        f"{kind.__name__}{size}": Server({"proxy": kind(size)})
        for kind in kinds.values()
        for size in sizes
    }
    running = gateway(bench, servers)
    crew = bench.stack.enter_context(Crew())
    count = bench.amount(10_000, 4)
    turns = {}
    for kind in kinds.values():
        for size in sizes:
            clients = crew.open(running.ports[f"{kind.__name__}{size}"], CLIENTS)
            turns[kind, size] = running.spent(
                partial(crew.repeat, clients, [Step(b"NOOP\r\n")], count)
            )
    found = bench.turns(turns)
    for words, kind in kinds.items():
        values = {size: [each / count * 1e6 for each in found[kind, size]] for size in sizes}
        bench.series(words, "lines", values, "µs")
