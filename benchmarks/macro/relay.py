"""Messages that are relayed while the client waits, to a next hop that does next to nothing."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import EHLO, Crew, message
from benchmarks.gateway import Server, gateway
from benchmarks.loads import Loads
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Messages, relayed"

SMALL = 1024
LARGE = 5_000_000
CLIENTS = 20


def measure(bench: Bench) -> None:
    """Without a script, and with fifteen lines at every command."""
    servers = {
        "none": Server(relays=True),
        "script": Server({"proxy": FIFTEEN_LINES}, relays=True),
    }
    running = gateway(bench, servers)
    crew = bench.stack.enter_context(Crew())
    loads = Loads(running)
    count, few, size = bench.amount(500, 2), bench.amount(8), bench.amount(LARGE, 1000)
    for server, words in {"none": "", "script": ", scripted"}.items():
        ports = running.ports[server]
        clients = crew.open(ports, bench.amount(CLIENTS, 2))
        small = message(SMALL)
        loads.add(
            f"1 KB, one a connection{words}", "messages", count,
            partial(crew.sessions, ports, [EHLO, *small], count, CLIENTS),
        )  # fmt: skip
        loads.add(
            f"1 KB, many a connection{words}", "messages", count,
            partial(crew.repeat, clients, small, count),
        )  # fmt: skip
        loads.add(
            f"5 MB{words}", "MB", few * size / 1e6,
            partial(crew.repeat, clients[:4], message(size), few),
        )  # fmt: skip
    loads.measure(bench)
