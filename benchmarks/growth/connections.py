"""A command, when there are more connections: all of them busy, or most of them idle."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from benchmarks.clients import Client, Crew, Step
from benchmarks.gateway import Server, gateways
from benchmarks.measure import Bench
from benchmarks.processes import Measured, open_files
from benchmarks.scripts import FIFTEEN_LINES
from benchmarks.sink import Sink

TITLE = "Connections"

#: Commands that are under way at a time.
AT_ONCE = 10

IDLE = "a command, from ten connections, the others idle"
BUSY = "a command, from all connections in turn"
SINK = "the same, at a server that does nothing"


def measure(bench: Bench) -> None:
    """A gateway for each size, with a script at every command.

    Sockets that were not used for a while are in no cache of the processor: a sink that does
    nothing shows how much of the cost is the system's.
    """
    sizes = bench.growing(10, 100, 1_000, 10_000)
    possible = open_files(sum(sizes) + 100)  # all clients are in this process
    if possible < sum(sizes):
        sizes = tuple(size for size in sizes if size * 1.2 <= possible)
        print(f"  {possible:,} files may be open here: no more than {sizes[-1]:,} connections")
    started = gateways(bench, [{"in": Server({"proxy": FIFTEEN_LINES})}] * len(sizes))
    servers = {
        size: (running, running.ports["in"]) for size, running in zip(sizes, started, strict=True)
    }
    compare(bench, servers, {IDLE: AT_ONCE, BUSY: None})
    sinks = {size: bench.stack.enter_context(Sink()) for size in sizes}
    compare(bench, {size: (sink, [sink.port]) for size, sink in sinks.items()}, {SINK: None})


def compare(
    bench: Bench,
    servers: Mapping[int, tuple[Measured, list[int]]],
    ways: Mapping[str, int | None],
) -> None:
    """So many connections to each server; all of them talk, or the first few."""
    count = bench.amount(10_000, 4)
    turns = {}
    with Crew() as crew:
        for size, (server, ports) in servers.items():
            clients = crew.open(ports, size)
            for words, talking in ways.items():
                turns[words, size] = server.spent(partial(talk, crew, clients[:talking], count))
        found = bench.turns(turns)
    for words in ways:
        values = {size: [each / count * 1e6 for each in found[words, size]] for size in servers}
        bench.series(words, "connections", values, "µs")


def talk(crew: Crew, clients: list[Client], count: int) -> None:
    crew.repeat(clients, [Step(b"NOOP\r\n")], count, AT_ONCE)
