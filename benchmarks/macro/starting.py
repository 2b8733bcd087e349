"""From the command to the first connection, imports and ten scripts included."""

from __future__ import annotations

import time

from benchmarks.gateway import Gateway, Server
from benchmarks.measure import Bench
from benchmarks.scripts import FIFTEEN_LINES

TITLE = "Starting"


def measure(bench: Bench) -> None:
    """Ten servers, each with a script of its own."""
    servers = {
        f"server{n}": Server({"proxy": f"$number = {n};\n{FIFTEEN_LINES}echo $number;"})
        for n in range(bench.amount(10, 2))
    }
    spent = []

    def start() -> float:
        begin = time.perf_counter()
        gateway = Gateway(servers)
        try:
            gateway.wait()
            taken = time.perf_counter() - begin
            spent.append(gateway.seconds())
        finally:
            gateway.stop()
        return taken

    seconds = bench.turns({"": start})[""]
    bench.record("until it takes connections", "ms", [each * 1e3 for each in seconds])
    bench.record(
        "until it takes connections: processor time", "ms",
        [each * 1e3 for each in spent[-len(seconds) :]],
    )  # fmt: skip
