"""A command, when there are more connections: all of them busy, or most of them idle."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import Client, Crew, Step
from benchmarks.gateway import Server, gateways
from benchmarks.measure import Bench
from benchmarks.processes import open_files
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Connections"

#: Commands that are under way at a time.
AT_ONCE = 10

IDLE = "a command, from ten connections, the others idle"
BUSY = "a command, from all connections in turn"


def measure(bench: Bench) -> None:
    """A gateway for each size, with a script at every command."""
    bench.on_one_core()
    sizes = bench.growing(10, 100, 1_000, 10_000)
    possible = open_files(sum(sizes) + 100)  # all clients are in this process
    if possible < sum(sizes):
        sizes = tuple(size for size in sizes if size * 1.2 <= possible)
        print(f"  {possible:,} files may be open here: no more than {sizes[-1]:,} connections")
    crew = bench.stack.enter_context(Crew())
    started = gateways(bench, [{"in": Server({"proxy": FIFTEEN_LINES})}] * len(sizes))
    count = bench.amount(10_000, 4)
    turns = {}
    for size, running in zip(sizes, started, strict=True):
        clients = crew.open(running.ports["in"], size)
        turns[IDLE, size] = running.spent(partial(talk, crew, clients[:AT_ONCE], count))
        turns[BUSY, size] = running.spent(partial(talk, crew, clients, count))
    found = bench.turns(turns)
    for words in (IDLE, BUSY):
        values = {size: [each / count * 1e6 for each in found[words, size]] for size in sizes}
        bench.series(words, "connections", values, "µs")


def talk(crew: Crew, clients: list[Client], count: int) -> None:
    crew.repeat(clients, [Step(b"NOOP\r\n")], count, AT_ONCE)
