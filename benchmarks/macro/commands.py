"""Commands without messages: from many connections at once, and many in one segment."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import Crew, Step, many
from benchmarks.gateway import Server, gateway
from benchmarks.loads import Loads
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Commands"

CHATTERS = 20
PIPELINED = 50


def measure(bench: Bench) -> None:
    """Without a script, and with fifteen lines at every command."""
    running = gateway(bench, {"none": Server(), "script": Server({"proxy": FIFTEEN_LINES})})
    crew = bench.stack.enter_context(Crew())
    loads = Loads(running)
    reset = Step(b"RSET\r\n")
    for server, words in {"none": "", "script": ", scripted"}.items():
        clients = crew.open(running.ports[server], bench.amount(CHATTERS, 2))
        count = bench.amount(10_000, 2)
        loads.add(
            f"one connection, one at a time{words}", "commands", count // 2,
            partial(crew.repeat, clients[:1], [reset], count // 2),
        )  # fmt: skip
        loads.add(
            f"{CHATTERS} connections, one at a time{words}", "commands", count,
            partial(crew.repeat, clients, [reset], count),
        )  # fmt: skip
        turns = bench.amount(400)
        loads.add(
            f"one connection, {PIPELINED} at a time{words}", "commands", turns * PIPELINED,
            partial(crew.repeat, clients[:1], [many(reset, PIPELINED)], turns),
        )  # fmt: skip
    loads.measure(bench)
