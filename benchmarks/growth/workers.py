"""A message, when there are more processes: with a script, and with one that asks the store."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import EHLO, Crew, pipelined
from benchmarks.gateway import Gateway, Server
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Workers"

CLIENTS = 20
#: Once for each message.
RATE = 'rate("messages", $senderip, 1000000000, 3600);'


def measure(bench: Bench) -> None:
    """A gateway for each number; all have the core of this process, so that none waits for more."""
    bench.on_one_core()
    sizes = (1, 2) if bench.quick else (1, 2, 4)
    crew = bench.stack.enter_context(Crew())
    started = []
    for size in sizes:
        servers = {
            "plain": Server({"proxy": FIFTEEN_LINES}),
            "rate": Server({"mailfrom": RATE}),
        }
        running = Gateway(servers, workers=size)
        bench.stack.callback(running.stop)
        bench.stack.push(running.explain)
        started.append(running)
    count = bench.amount(2_000, 4)
    steps = [EHLO, *pipelined(1024)]
    turns = {}
    for size, running in zip(sizes, started, strict=True):
        running.wait()
        for what, ports in running.ports.items():
            turns[what, size] = running.spent(partial(crew.sessions, ports, steps, count, CLIENTS))
    found = bench.turns(turns)
    for what, words in (
        ("plain", "a session with a message"),
        ("rate", "the same with a `rate` instead of that script"),
    ):
        values = {size: [each / count * 1e6 for each in found[what, size]] for size in sizes}
        bench.series(words, "workers", values, "µs")
