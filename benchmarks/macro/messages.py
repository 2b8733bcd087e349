"""Messages that are taken and forgotten: alone, many on a connection, large ones."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import EHLO, Crew, message, pipelined
from benchmarks.gateway import Server, gateway
from benchmarks.loads import Loads
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Messages, discarded"

SMALL = 1024
LARGE = 5_000_000
CLIENTS = 20


def measure(bench: Bench) -> None:
    """Without a script, and with fifteen lines at every command."""
    send(bench, small=1000, large=12, pipelining=True)


def send(
    bench: Bench, small: int, large: int, *, pipelining: bool = False, relays: bool = False
) -> None:
    """Messages to a server without a script, and to one with fifteen lines at every command.

    :param small: how many small messages one run is
    :param large: how many large ones
    :param pipelining: whether small ones are sent in one go, too
    :param relays: whether the servers hand messages to a next hop
    """
    servers = {
        "none": Server(relays=relays),
        "script": Server({"proxy": FIFTEEN_LINES}, relays=relays),
    }
    running = gateway(bench, servers)
    crew = bench.stack.enter_context(Crew())
    loads = Loads(running)
    count, few, size = bench.amount(small, 2), bench.amount(large), bench.amount(LARGE, 1000)
    for server, words in {"none": "", "script": ", scripted"}.items():
        ports = running.ports[server]
        clients = crew.open(ports, bench.amount(CLIENTS, 2))
        steps = message(SMALL)
        loads.add(
            f"1 KB, one a connection{words}", "messages", count,
            partial(crew.sessions, ports, [EHLO, *steps], count, CLIENTS),
        )  # fmt: skip
        loads.add(
            f"1 KB, many a connection{words}", "messages", count,
            partial(crew.repeat, clients, steps, count),
        )  # fmt: skip
        if pipelining:
            loads.add(
                f"1 KB, many a connection, pipelined{words}", "messages", count,
                partial(crew.repeat, clients, pipelined(SMALL), count),
            )  # fmt: skip
        loads.add(
            f"5 MB{words}", "MB", few * size / 1e6,
            partial(crew.repeat, clients[:4], message(size), few),
        )  # fmt: skip
    loads.measure(bench)
