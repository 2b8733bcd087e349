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


def measure(bench: Bench) -> None:
    """A gateway for each size, with a script at every command."""
    sizes = bench.growing(10, 100, 1_000, 10_000)
    possible = open_files(sum(sizes) + 100)  # all clients are in this process
    if possible < sum(sizes):
        sizes = tuple(size for size in sizes if size <= possible * 0.8)
        print(f"  this machine allows {possible:,} open files: no more than {sizes[-1]:,} here")
    crew = bench.stack.enter_context(Crew())
    started = gateways(bench, [{"in": Server({"proxy": FIFTEEN_LINES})}] * len(sizes))
    count = bench.amount(10_000, 4)
    turns = {}
    for size, running in zip(sizes, started, strict=True):
        clients = crew.open(running.ports["in"], size)
        ways = {"all in turn": clients, "ten of them": clients[:AT_ONCE]}
        for way, own in ways.items():
            turns[way, size] = running.spent(partial(talk, crew, own, count))
    found = bench.turns(turns)
    for way, words in {
        "all in turn": "a command, from all connections in turn",
        "ten of them": "a command, from ten connections, the others idle",
    }.items():
        values = {size: [each / count * 1e6 for each in found[way, size]] for size in sizes}
        bench.series(words, "connections", values, "µs")


def talk(crew: Crew, clients: list[Client], count: int) -> None:
    crew.repeat(clients, [Step(b"NOOP\r\n")], count, AT_ONCE)
