"""How fast the language is: medians and spread of each figure that a limit is set for.

``python benchmarks/language.py [--json FILE] [--quick]``
"""

from __future__ import annotations

import argparse
import gc
import json
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from smtpgate.hsl.builtin import Value, builtin
from smtpgate.hsl.runtime import Context, Environment, Limits, Script, compile_script

ARITHMETIC = """
$sum = 0;
for ($i = 0; $i < 200000; $i++) {
    $sum = $sum + $i * 2 - $i / 3;
    if ($sum > 1000000) $sum -= 1000000;
}
"""

CALLS = """
function twice($x) { return $x * 2; }
for ($i = 0; $i < 100000; $i++) twice($i);
"""

EMPTY_LOOP = "for ($i = 0; $i < 100000; $i++) {}"

APPENDS = "$list = []; for ($i = 0; $i < 100000; $i++) $list[] = $i;"

KEYS = """
$count = [];
for ($i = 0; $i < 100000; $i++) {
    $key = "k" . ($i % 100);
    $count[$key] = ($count[$key] ?? 0) + 1;
}
"""

STRINGS = """
$text = "";
for ($i = 0; $i < 100000; $i++) $text .= "line $i\\n";
"""

FOREACH = """
$list = array_range(0, 100000);
$sum = 0;
foreach ($list as $value) $sum += $value;
"""

PROXY = r"""
// A typical proxy script: fifteen lines, a regular expression, mostly Pass.
$trusted = ["127.0.0.1" => true, "10.0.0.1" => true];
if (str_upper(str_slice($command, 0, 8)) == "XCLIENT ") {
    if (!isset($trusted[$senderip])) {
        Reply("not allowed", ["reply_codes" => ["code" => 550]]);
    }
    $found = pcre_match(''ADDR=(\S+)'', $command);
    $context = ["address" => $found[1] ?? ""];
    Reply("address is now $senderip", ["next" => true]);
}
if ($command =~ ''/^MAIL FROM:\s*<([^>]*)>\s*$/i'' and !$tlsstarted) {
    Reply(["Encrypt", "first"], ["reply_codes" => ["code" => 530]]);
}
Pass();
"""


def plain_arithmetic() -> None:
    total = 0.0
    i = 0.0
    while i < 200000.0:
        total = total + i * 2.0 - i / 3.0
        if total > 1000000.0:
            total -= 1000000.0
        i += 1.0


@builtin("Pass", terminates=True)
def _pass(settings: Value = None) -> Value:
    """Pass."""
    return ("pass", settings)


@builtin("Reply", terminates=True)
def _reply(reason: Value = None, settings: Value = None) -> Value:
    """Reply."""
    return ("reply", reason, settings)


@builtin("wait", waits=True)
def _wait(execution: Value) -> Value:
    """Wait until the benchmark says so."""
    deferred: Deferred[None] = Deferred()
    WAITING.append(deferred)
    execution.wait(deferred)
    return None


WAITING: list[Deferred[None]] = []

CONTEXT = Context(
    "proxy",
    readonly=frozenset({"senderip", "command", "tlsstarted"}),
    writable=frozenset({"context"}),
    functions={"Pass": _pass, "Reply": _reply, "wait": _wait},
)


def seconds(run: Callable[[], object], rounds: int) -> list[float]:
    """The duration of each round, collections kept out."""
    run()
    found = []
    gc.collect()
    gc.disable()
    for _ in range(rounds):
        begin = time.perf_counter()
        run()
        found.append(time.perf_counter() - begin)
    gc.enable()
    return found


def runner(source: str) -> Callable[[], object]:
    script = compile_script(source, "benchmark.hsl", CONTEXT)
    environment = Environment(Clock(), Limits(steps=10_000_000))
    return lambda: script.run({"context": None}, environment)


def commands(line: str, count: int) -> Callable[[], object]:
    script = compile_script(PROXY, "proxy.hsl", CONTEXT)
    environment = Environment(Clock())
    variables = {"senderip": "127.0.0.1", "command": line, "tlsstarted": False, "context": None}

    def run() -> None:
        for _ in range(count):
            script.run(variables, environment)

    return run


def waiting(count: int) -> float:
    """Bytes of memory that each of ``count`` waiting scripts takes."""
    source = 'function f($x) { wait(); return $x; } $a = "x$senderip"; f($a); echo $a;'
    script: Script = compile_script(source, "wait.hsl", CONTEXT)
    environment = Environment(Clock())
    WAITING.clear()
    gc.collect()
    before = _resident()
    results = [script.run({"senderip": str(n), "context": None}, environment) for n in range(count)]
    used = _resident() - before
    for deferred in list(WAITING):
        deferred.callback(None)
    assert all(result.called for result in results)
    return used / count


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize()


def measure(rounds: int) -> dict[str, dict[str, float]]:
    results: dict[str, dict[str, float]] = {}

    def note(name: str, values: list[float], unit: str, limit: float | None = None) -> None:
        middle = statistics.median(values)
        spread = max(values) - min(values)
        results[name] = {"median": middle, "spread": spread}
        if limit is not None:
            results[name]["limit"] = limit
        shown = "" if limit is None else f"  limit {limit:g}"
        print(f"{name:44} {middle:10.3f} ± {spread:.3f} {unit}{shown}")

    plain = seconds(plain_arithmetic, rounds)
    script = seconds(runner(ARITHMETIC), rounds)
    base = statistics.median(plain)
    note("arithmetic loop, of plain Python's time", [s / base for s in script], "x", 4)
    empty = statistics.median(seconds(runner(EMPTY_LOOP), rounds))
    calls = [(s - empty) / 100000 * 1e6 for s in seconds(runner(CALLS), rounds)]
    note("call of a function", calls, "us", 0.3)
    note("100,000 appends", [s * 1e3 for s in seconds(runner(APPENDS), rounds)], "ms", 15)
    note("100,000 keyed counts", [s * 1e3 for s in seconds(runner(KEYS), rounds)], "ms")
    note("100,000 lines of text", [s * 1e3 for s in seconds(runner(STRINGS), rounds)], "ms")
    note("foreach over 100,000", [s * 1e3 for s in seconds(runner(FOREACH), rounds)], "ms")
    for name, line in (
        ("proxy script, NOOP passes", "NOOP"),
        ("proxy script, MAIL with a match replies", "MAIL FROM:<jo@example.org>"),
        ("proxy script, XCLIENT", "XCLIENT ADDR=192.0.2.1"),
    ):
        took = [s / 2000 * 1e6 for s in seconds(commands(line, 2000), rounds)]
        note(name, took, "us", 20)
    compiled = [
        s * 1e3
        for s in seconds(lambda: compile_script(PROXY, f"{time.time()}.hsl", CONTEXT), rounds)
    ]
    note("compile the proxy script", compiled, "ms")
    note("memory of a waiting script", [waiting(10_000) / 1024], "KB", 15)
    return results


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="3 rounds instead of 11")
    options = parser.parse_args()
    results = measure(3 if options.quick else 11)
    if options.json:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        document = json.dumps({"machine": machine, "results": results}, indent=2)
        options.json.write_text(document + "\n", encoding="ascii")
    missed = [n for n, r in results.items() if "limit" in r and r["median"] > r["limit"]]
    for name in missed:
        print(f"over its limit: {name}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
