"""What clients ask of a gateway, measured in turns."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from benchmarks.gateway import Gateway
from benchmarks.measure import Bench


@dataclass
class Load:
    """One kind of work.

    :param unit: what ``amount`` counts, in the plural
    :param amount: how much of it one run is
    """

    name: str
    unit: str
    amount: float
    run: Callable[[], object]
    spent: list[float] = field(default_factory=list)

    def timed(self, gateway: Gateway) -> float:
        """Seconds by the clock; what the gateway has spent is kept."""
        before = gateway.seconds()
        begin = time.perf_counter()
        self.run()
        taken = time.perf_counter() - begin
        self.spent.append(gateway.seconds() - before)
        return taken


class Loads:
    """All that one benchmark asks of one gateway."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self._loads: list[Load] = []

    def add(self, name: str, unit: str, amount: float, run: Callable[[], object]) -> None:
        """Another kind of work."""
        self._loads.append(Load(name, unit, amount, run))

    def measure(self, bench: Bench) -> None:
        """The rate of each, and the gateway's processor time."""

        def timed(load: Load) -> Callable[[], float]:
            return lambda: load.timed(self.gateway)

        found = bench.turns({load.name: timed(load) for load in self._loads})
        for load in self._loads:
            seconds = found[load.name]
            spent = load.spent[-len(seconds) :]
            bench.record(load.name, f"{load.unit}/s", [load.amount / each for each in seconds])
            bench.record(
                f"{load.name}: processor time",
                f"µs/{load.unit.removesuffix('s')}",
                [each / load.amount * 1e6 for each in spent],
            )
