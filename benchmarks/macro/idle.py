"""What an idle session costs: the resident memory of the gateway, with and without them."""

from __future__ import annotations

from benchmarks.clients import BANNER, EHLO, STARTTLS, Crew
from benchmarks.gateway import Server, gateways
from benchmarks.measure import Bench
from benchmarks.processes import open_files

TITLE = "Memory of idle sessions"


def measure(bench: Bench) -> None:
    """After EHLO, in clear and with TLS; a gateway of its own for each round."""
    count = min(bench.amount(2000, 20), open_files(4000) // 2)
    rounds = min(bench.rounds, 3)
    kinds = {"in clear": [BANNER, EHLO], "with TLS": [BANNER, EHLO, STARTTLS, EHLO]}
    for words, steps in kinds.items():
        values = []
        for running in gateways(bench, [{"idle": Server(tls=True)}] * rounds):
            ports = running.ports["idle"]
            with Crew() as crew:
                # What is only loaded when it is needed is no session's.
                crew.open(ports, bench.amount(50, 2), steps)
                before = running.resident()
                crew.open(ports, count, steps)
                values.append((running.resident() - before) / count / 1024)
            running.stop()
        bench.record(f"a session after EHLO, {words}", "KB", values)
