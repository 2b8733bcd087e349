"""What scripts pay for what they share: rates, memory, the cache, barriers."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock

from benchmarks.measure import Bench
from smtpgate.hsl.runtime import CORE, Environment, Limits, Outcome, compile_script

TITLE = "What scripts share"

#: What is repeated, by name.
SHARED = {
    "rate() with one key": 'rate("a", "key", 1000000, 60);',
    "rate() with a thousand keys": 'rate("b", "$i" . ($i % 1000), 1000000, 60);',
    "memory_inc()": 'memory_inc("count");',
    "memory_fetch()": 'memory_fetch("count");',
    "cache, found": "cache [] double(21);",
    "barrier with a variable": 'barrier "n" => $n { $n = ($n ?? 0) + 1; }',
}


def measure(bench: Bench) -> None:
    """In one process, where they are answered at once."""
    count = bench.amount(10_000)
    for name, statement in SHARED.items():
        bench.cost(name, count, runner(statement, count))


def runner(statement: str, count: int) -> Callable[[], None]:
    source = (
        "function double($x) { return $x * 2; }\n"
        f"for ($i = 0; $i < {count}; $i++) {{ {statement} }}"
    )
    script = compile_script(source, "benchmark.hsl", CORE)
    clock = Clock()

    def run() -> None:
        # Another minute: what is counted does not only grow.
        clock.advance(61)
        outcome = script.run({}, Environment(clock, Limits(steps=10_000_000)))
        assert isinstance(outcome, Outcome), "nobody waits for another"

    return run
