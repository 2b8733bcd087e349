"""Measuring: rounds of each figure, their median, and their spread.

The spread is the middle half of the rounds, from the first quartile to the third.
"""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

#: Does what is measured, and gives what it took, in seconds.
Timed = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Figure:
    """What was measured, one value a round.

    :param unit: of the values; more is better when it ends in ``/s``, less otherwise
    :param size: of what grows, in a series
    """

    unit: str
    values: tuple[float, ...]
    series: str = ""
    size: int = 0

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.values)

    @property
    def spread(self) -> tuple[float, float]:
        """First and third quartile."""
        if len(self.values) < 2:
            return self.values[0], self.values[0]
        first, _, third = statistics.quantiles(self.values, n=4, method="inclusive")
        return first, third

    @property
    def more_is_better(self) -> bool:
        """Whether it is a rate."""
        return self.unit.endswith("/s")

    def as_json(self) -> dict[str, Any]:
        """For the file that ``--json`` writes."""
        low, high = self.spread
        found: dict[str, Any] = {
            "unit": self.unit, "median": self.median, "low": low, "high": high,
            "values": list(self.values),
        }  # fmt: skip
        if self.series:
            found.update(series=self.series, size=self.size)
        return found

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Figure:
        """The inverse of :meth:`as_json`."""
        return cls(
            found["unit"], tuple(found["values"]), found.get("series", ""), found.get("size", 0)
        )


class Bench:
    """Takes the figures of one benchmark, and prints each.

    :param rounds: how often each is measured
    :param quick: the smallest load there is: it shows that a benchmark runs, and measures nothing
    :param full: what takes long is measured to its end
    """

    def __init__(self, rounds: int, quick: bool = False, full: bool = False) -> None:
        self.rounds = rounds
        self.quick = quick
        self.full = full
        self.figures: dict[str, Figure] = {}
        #: Closes what was opened, when the benchmark is over.
        self.stack = ExitStack()

    def amount(self, usual: int, least: int = 1) -> int:
        """How many; the least when it has to be quick."""
        return least if self.quick else usual

    def sizes(self, *usual: int) -> tuple[int, ...]:
        """Those, or 1 and 2 when it has to be quick."""
        return (1, 2) if self.quick else usual

    def growing(self, *usual: int) -> tuple[int, ...]:
        """Sizes of what grows; the smallest when it has to be quick."""
        return usual[:1] if self.quick else usual

    def on_one_core(self) -> None:
        """This process, and those that it starts, until the benchmark is over.

        A client and a gateway that run at the same time find now one command waiting and now ten,
        which is cheaper for each.  When they take turns on one core, figures can be repeated.
        """
        cores = os.sched_getaffinity(0)
        self.stack.callback(os.sched_setaffinity, 0, cores)
        os.sched_setaffinity(0, {max(cores)})

    # In this process

    def rate(self, name: str, unit: str, amount: float, run: Callable[[], object]) -> None:
        """How much of ``amount`` (in ``unit``) one ``run`` gets through in a second."""
        self.record(name, f"{unit}/s", [amount / seconds for seconds in self._rounds(run)])

    def cost(self, name: str, count: int, run: Callable[[], object]) -> None:
        """Microseconds of each of the ``count`` things that one ``run`` does."""
        self.record(name, "µs", [seconds / count * 1e6 for seconds in self._rounds(run)])

    def overhead(
        self, name: str, count: int, base: Callable[[], object], run: Callable[[], object]
    ) -> None:
        """Microseconds that each of ``count`` things costs more in ``run`` than in ``base``."""
        pairs = self.turns({"base": timed(base), "run": timed(run)})
        figures = [
            (more - less) / count * 1e6
            for less, more in zip(pairs["base"], pairs["run"], strict=True)
        ]
        self.record(name, "µs", figures)

    def _rounds(self, run: Callable[[], object]) -> list[float]:
        return self.turns({"": timed(run)})[""]

    # Anywhere

    def turns(self, runs: Mapping[Any, Timed]) -> dict[Any, list[float]]:
        """Measure in turns, after a round that does not count."""
        if not self.quick:
            for run in runs.values():
                run()
        found: dict[Any, list[float]] = {key: [] for key in runs}
        for _ in range(self.rounds):
            for key, run in runs.items():
                if not self.quick:
                    gc.collect()
                found[key].append(run())
        return found

    def series(self, name: str, what: str, values: Mapping[int, list[float]], unit: str) -> None:
        """Figures of the same thing at several sizes of ``what``."""
        for size, figures in values.items():
            label = f"{name}: {size:,} {what}"
            self.record(label, unit, figures, series=f"{name}|{what}", size=size)

    def record(
        self, name: str, unit: str, values: list[float], series: str = "", size: int = 0
    ) -> None:
        """Keep and print a figure."""
        figure = self.figures[name] = Figure(unit, tuple(values), series, size)
        low, high = figure.spread
        print(
            f"  {name:<58} {figure.median:>12,.2f} {unit:<10} ({low:,.2f} to {high:,.2f})",
            flush=True,
        )


def timed(run: Callable[[], object]) -> Timed:
    """Processor time of this process."""

    def measured() -> float:
        begin = time.process_time()
        run()
        return time.process_time() - begin

    return measured


def yardstick() -> float:
    """Microseconds of one call of an empty function: what this Python and this machine are.

    The best of many short rounds, for it is measured once, beside whatever else goes on.
    """

    def empty() -> None:
        pass

    def run() -> None:
        for _ in range(10_000):
            empty()

    measured = timed(run)
    return min(measured() for _ in range(50)) * 100
