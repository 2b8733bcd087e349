"""The gateway's memory, and what a message costs, when it has had more of them.

Real sockets, ten clients, a hundred messages on each connection: so a million messages are ten
thousand connections too.
"""

from __future__ import annotations

from itertools import pairwise

from benchmarks.clients import EHLO, Crew, pipelined
from benchmarks.gateway import Server, gateway
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Messages"

CLIENTS = 10
EACH = 100  # messages of one connection


def measure(bench: Bench) -> None:
    """One long run, a script at every command."""
    usual = (10_000, 100_000, 1_000_000) if bench.full else (1_000, 10_000, 50_000)
    sizes = (100, 200) if bench.quick else usual
    running = gateway(bench, {"in": Server({"proxy": FIFTEEN_LINES})})
    crew = bench.stack.enter_context(Crew())
    steps = [EHLO, *pipelined(1024) * EACH]
    memory: dict[int, list[float]] = {}
    cost: dict[int, list[float]] = {}
    for before, size in pairwise((0, *sizes)):
        sessions = (size - before) // EACH
        spent = 0.0
        while sessions:
            some = min(sessions, 1000)
            begin = running.seconds()
            crew.sessions(running.ports["in"], steps, some, CLIENTS)
            spent += running.seconds() - begin
            running.forget_log()
            sessions -= some
        memory[size] = [running.resident() / 1e6]
        cost[size] = [spent / (size - before) * 1e6]
    bench.series("memory of the gateway", "messages", memory, "MB")
    bench.series("a message, with its part of a connection", "messages", cost, "µs")
