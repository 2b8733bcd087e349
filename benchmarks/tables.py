"""Tables in reStructuredText, for the documentation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure

#: Benchmark (``micro/address``) to its title and its figures by name.
Results = Mapping[str, tuple[str, Mapping[str, Figure]]]


def number(value: float) -> str:
    """Three digits are as many as mean something."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def micro(results: Results, origin: Mapping[str, Any]) -> str:
    """Every part and what it costs, in empty calls too."""
    rows = []
    for title, figures in results.values():
        rows.append((f"**{title}**", "", "", ""))
        for name, figure in figures.items():
            calls = figure.median / origin["yardstick"] if figure.unit == "µs" else None
            rows.append((
                name, f"{number(figure.median)} {figure.unit}", _spread(figure),
                "" if calls is None else number(calls),
            ))  # fmt: skip
    return _page(("what", "median", "spread", "empty calls"), rows, origin)


def growth(results: Results, origin: Mapping[str, Any]) -> str:
    """Every series, the best round of each size beside that of the first."""
    rows = []
    for _, figures in results.values():
        first: dict[str, float] = {}
        for figure in figures.values():
            if not figure.series:
                continue
            name, what = figure.series.split("|")
            begins = figure.series not in first
            best = min(figure.values)
            base = first.setdefault(figure.series, best)
            rows.append((
                name if begins else "", f"{figure.size:,} {what}",
                f"{number(figure.median)} {figure.unit}", _spread(figure), number(best),
                f"{best / base:.2f}" if base > 0 else "",
            ))  # fmt: skip
    return _page(("cost of", "with", "median", "spread", "best", "ratio"), rows, origin)


def _spread(figure: Figure) -> str:
    low, high = figure.spread
    return f"{number(low)} to {number(high)}" if len(figure.values) > 1 else ""


def _page(head: Sequence[str], rows: Sequence[tuple[str, ...]], origin: Mapping[str, Any]) -> str:
    lines = [
        f".. Written by {origin['command']}.",
        "",
        ".. list-table::",
        "   :header-rows: 1",
        "   :class: figures",
        "",
    ]
    for row in (head, *rows):
        for at, cell in enumerate(row):
            lines.append(f"   {'*' if at == 0 else ' '} - {cell}".rstrip())
    words = "; ".join(origin["machine"].values())
    commit = f"Commit {origin['commit']}.  " if origin["commit"] else ""
    lines += ["", f"{commit}{words}; {origin['rounds']} rounds.", ""]
    return "\n".join(lines)


def write(directory: Path, room: str, results: Results, origin: Mapping[str, Any]) -> None:
    """One room's table, in a file of the room's name."""
    page = (micro if room == "micro" else growth)(results, origin)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{room}.rst").write_text(page, encoding="utf-8")
