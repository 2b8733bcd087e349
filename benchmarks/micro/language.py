"""How fast scripts run: loops, calls, arrays, text, and the memory of those that wait."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from benchmarks.measure import Bench
from benchmarks.processes import resident
from smtpgate.hsl.builtin import Value, builtin
from smtpgate.hsl.runtime import CORE, Context, Environment, Limits, Outcome, compile_script

TITLE = "The language"

#: What is repeated, by name; ``$i`` counts, and ``$setup`` stands in front.
LOOPS = {
    "an empty turn of a loop": ("", ""),
    "sum, product and quotient": ("$sum = 0;", "$sum = $sum + $i * 2 - $i / 3;"),
    "a call of a function": ("function twice($x) { return $x * 2; }", "twice($i);"),
    "a call of a library function": ('$word = "Subject";', "str_lower($word);"),
    "append to an array": ("$list = [];", "$list[] = $i;"),
    "count by key": (
        "$count = [];",
        '$key = "k" . ($i % 100); $count[$key] = ($count[$key] ?? 0) + 1;',
    ),
    "append a line to text": ('$text = "";', '$text .= "line $i\\n";'),
    "match a regular expression": ('$line = "MAIL FROM:<jo@example.org>";', "$line =~ ''/^XC/i'';"),
    "a method of an object": (
        "class Counter { constructor() { $this->n = 0; } function add() { $this->n += 1; } }"
        " $counter = Counter();",
        "$counter->add();",
    ),
}


@builtin("wait", waits=True)
def _wait(execution: Value) -> Value:
    """Wait until the benchmark says so."""
    deferred: Deferred[None] = Deferred()
    WAITING.append(deferred)
    execution.wait(deferred)
    return None


WAITING: list[Deferred[None]] = []
CONTEXT = Context("benchmark", readonly=frozenset({"senderip"}), functions={"wait": _wait})


def measure(bench: Bench) -> None:
    """Each kind of statement, many times."""
    count = bench.amount(50_000)
    for name, (setup, statement) in LOOPS.items():
        source = f"{setup} for ($i = 0; $i < {count}; $i++) {{ {statement} }}"
        bench.cost(name, count, runner(source))
    bench.cost(
        "a turn of foreach", count,
        runner(f"$list = array_range(0, {count}); foreach ($list as $value) $last = $value;"),
    )  # fmt: skip
    bench.cost("plain Python's turn with sum, product and quotient", count, lambda: plain(count))
    scripts = bench.amount(10_000, 10)
    bench.record("memory of a script that waits", "KB", [waiting(scripts) / 1024])


def runner(source: str) -> Callable[[], object]:
    script = compile_script(source, "benchmark.hsl", CORE)
    environment = Environment(Clock(), Limits(steps=10_000_000))

    def run() -> None:
        assert isinstance(script.run({}, environment), Outcome), "nobody gives way here"

    return run


def plain(count: int) -> None:
    """The same arithmetic by hand."""
    total = i = 0.0
    while i < count:
        total = total + i * 2.0 - i / 3.0
        i += 1.0


def waiting(count: int) -> float:
    """Octets of memory of each of ``count`` scripts that wait."""
    source = 'function f($x) { wait(); return $x; } $a = "x$senderip"; f($a); echo $a;'
    script = compile_script(source, "wait.hsl", CONTEXT)
    environment = Environment(Clock())
    WAITING.clear()
    before = resident()
    results = [script.run({"senderip": str(n)}, environment) for n in range(count)]
    used = resident() - before
    for deferred in list(WAITING):
        deferred.callback(None)
    assert all(isinstance(result, Deferred) and result.called for result in results)
    return used / count
