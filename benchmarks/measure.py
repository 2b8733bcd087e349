"""Measuring for the benchmarks: medians with their spread, on the screen and as JSON."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


class Benchmark:
    """Runs measurements, prints each, and writes all of them where `--json FILE` says."""

    def __init__(self, title: str, arguments: Sequence[str] | None = None) -> None:
        parser = argparse.ArgumentParser(description=title)
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
        parser.add_argument("--rounds", type=int, default=9, help="measurements of each figure")
        options = parser.parse_args(arguments)
        self._json: Path | None = options.json
        self._rounds: int = options.rounds
        self._results: dict[str, dict[str, float | str]] = {}
        print(title)

    def rate(self, name: str, unit: str, amount: float, run: Callable[[], object]) -> None:
        """How much of `amount` (in `unit`) one `run` gets through in a second."""
        self._record(name, unit + "/s", [amount / seconds for seconds in self._seconds(run)])

    def cost(self, name: str, count: int, run: Callable[[], object]) -> None:
        """Microseconds of each of the `count` things that one `run` does."""
        self._record(name, "µs", [seconds / count * 1e6 for seconds in self._seconds(run)])

    def overhead(
        self, name: str, count: int, base: Callable[[], object], run: Callable[[], object]
    ) -> None:
        """Microseconds that each of `count` things costs more in `run` than in `base`.

        The two are measured in turns, so that what else the machine does hits both.
        """
        base()
        run()
        figures = []
        for _ in range(self._rounds):
            without, with_it = self._once(base), self._once(run)
            figures.append((with_it - without) / count * 1e6)
        self._record(name, "µs", figures)

    def _seconds(self, run: Callable[[], object]) -> list[float]:
        run()  # warm up
        return [self._once(run) for _ in range(self._rounds)]

    @staticmethod
    def _once(run: Callable[[], object]) -> float:
        start = time.perf_counter()
        run()
        return time.perf_counter() - start

    def _record(self, name: str, unit: str, figures: list[float]) -> None:
        median = statistics.median(figures)
        low, high = min(figures), max(figures)
        print(f"  {name:<44} {median:>12,.2f} {unit:<12} ({low:,.2f} to {high:,.2f})")
        self._results[name] = {"unit": unit, "median": median, "min": low, "max": high}

    def finish(self) -> None:
        """Write the JSON file, if one was asked for."""
        if self._json is not None:
            results = {"python": sys.version.split()[0], "results": self._results}
            self._json.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
