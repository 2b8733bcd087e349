"""STARTTLS: a full handshake and one small message for each connection."""

from __future__ import annotations

from functools import partial

from benchmarks.clients import EHLO, STARTTLS, Crew, message
from benchmarks.gateway import Server, gateway
from benchmarks.loads import Loads
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "STARTTLS"

CLIENTS = 20


def measure(bench: Bench) -> None:
    """Nothing is resumed: every client is a new one."""
    servers = {"none": Server(tls=True), "script": Server({"proxy": FIFTEEN_LINES}, tls=True)}
    running = gateway(bench, servers)
    crew = bench.stack.enter_context(Crew())
    loads = Loads(running)
    count = bench.amount(150, 2)
    steps = [EHLO, STARTTLS, EHLO, *message(1024)]
    for server, words in {"none": "", "script": ", scripted"}.items():
        loads.add(
            f"handshake and a message of 1 KB{words}", "sessions", count,
            partial(crew.sessions, running.ports[server], steps, count, CLIENTS),
        )  # fmt: skip
    loads.measure(bench)
