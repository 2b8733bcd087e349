"""Two files of figures side by side: two commits, two machines, two Pythons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from benchmarks.measure import Figure


def read(path: Path) -> dict[str, Any]:
    """A file that ``--json`` has written.

    :raises ValueError: when it is another one
    """
    document = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(document, dict) or "results" not in document:
        raise ValueError(f"{path} has no figures")
    return document


def verdict(old: Figure, new: Figure) -> str:
    """Whether the difference is more than noise, and good or bad."""
    (old_low, old_high), (new_low, new_high) = old.spread, new.spread
    if old_low <= new_high and new_low <= old_high:
        return "same (spreads overlap)"
    better = (new.median > old.median) == new.more_is_better
    return "better" if better else "WORSE"


def compare(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """The table's lines."""
    lines = [
        f"old: {_origin(old)}",
        f"new: {_origin(new)}",
        f"{'':<72} {'old':>12} {'new':>12}  new/old",
    ]
    for name, benchmark in new["results"].items():
        before = old["results"].get(name, {"figures": {}})["figures"]
        for label, values in benchmark["figures"].items():
            figure = Figure.from_json(values)
            head = f"{f'{name}: {label}':<72}"
            if label not in before:
                lines.append(f"{head} {'':>12} {figure.median:>12,.2f}           new")
                continue
            base = Figure.from_json(before[label])
            ratio = f"{figure.median / base.median:7.3f}" if base.median else f"{'':7}"
            lines.append(
                f"{head} {base.median:>12,.2f} {figure.median:>12,.2f}  {ratio}  "
                f"{figure.unit:<8} {verdict(base, figure)}"
            )
    return lines


def _origin(document: dict[str, Any]) -> str:
    words = [document["commit"] or "no commit", *document["machine"].values()]
    return "; ".join([*words, f"empty call {document['yardstick']:.4f} µs"])
