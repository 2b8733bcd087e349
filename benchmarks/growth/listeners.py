"""A command and a session, when there are more listeners."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import EHLO, Crew, Step
from benchmarks.gateway import Server, gateways
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Listeners"

CLIENTS = 10


def measure(bench: Bench) -> None:
    """A gateway for each size; its clients come to all listeners in turn."""
    bench.on_one_core()
    sizes = bench.growing(1, 10, 50, 200)
    crew = bench.stack.enter_context(Crew())
    started = gateways(
        bench, [{"in": Server({"proxy": FIFTEEN_LINES}, listeners=size)} for size in sizes]
    )
    commands, sessions = bench.amount(10_000, 4), bench.amount(1_000, 4)
    turns = {}
    for size, running in zip(sizes, started, strict=True):
        ports = running.ports["in"]
        clients = crew.open(ports, CLIENTS)
        turns["command", size] = running.spent(
            partial(crew.repeat, clients, [Step(b"NOOP\r\n")], commands)
        )
        turns["session", size] = running.spent(
            partial(crew.sessions, ports, [EHLO], sessions, CLIENTS)
        )
    found = bench.turns(turns)
    for what, count, words in (
        ("command", commands, "a command"),
        ("session", sessions, "a session of EHLO and QUIT"),
    ):
        values = {size: [each / count * 1e6 for each in found[what, size]] for size in sizes}
        bench.series(words, "listeners", values, "µs")
