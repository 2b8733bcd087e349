"""``python -m benchmarks [NAME...]`` and ``python -m benchmarks compare OLD NEW``."""

from __future__ import annotations

import argparse
import json
import pkgutil
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks import tables
from benchmarks.compare import compare, read
from benchmarks.machine import ROOT, commit, machine
from benchmarks.measure import Bench, Figure, yardstick

ROOMS = ("micro", "macro", "growth")


def names() -> list[str]:
    """Every benchmark, as ``room/name``."""
    return [
        f"{room}/{module.name}"
        for room in ROOMS
        for module in pkgutil.iter_modules([str(ROOT / "benchmarks" / room)])
    ]


def chosen(words: Sequence[str]) -> list[str]:
    """The benchmarks that are asked for: rooms and names; all when nothing is.

    :raises ValueError: for a word that names nothing
    """
    everything = names()
    unknown = [word for word in words if word not in {*ROOMS, *everything}]
    if unknown:
        raise ValueError(f"no benchmark {unknown[0]!r}; there are {', '.join(everything)}")
    return [
        name for name in everything if not words or name in words or name.partition("/")[0] in words
    ]


def run(name: str, rounds: int, quick: bool, full: bool) -> tuple[str, dict[str, Figure]]:
    """One benchmark: its title and its figures."""
    module: Any = import_module(f"benchmarks.{name.replace('/', '.')}")
    print(f"{module.TITLE} ({name})", flush=True)
    bench = Bench(rounds, quick, full)
    with bench.stack:
        module.measure(bench)
    return module.TITLE, bench.figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] == ["compare"]:
        parser = argparse.ArgumentParser("benchmarks compare", description=compare.__doc__)
        parser.add_argument("old", type=Path)
        parser.add_argument("new", type=Path)
        files = parser.parse_args(words[1:])
        print("\n".join(compare(read(files.old), read(files.new))))
        return 0
    parser = argparse.ArgumentParser(
        "benchmarks", description=f"Benchmarks: {', '.join(names())}.",
        epilog="`benchmarks compare OLD NEW` compares two files that --json has written.",
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="NAME", help="a room, or room/name")
    parser.add_argument("--rounds", type=int, default=7, help="of each figure (default: 7)")
    parser.add_argument("--quick", action="store_true", help="see that they run, with no load")
    parser.add_argument("--full", action="store_true", help="a million messages in growth")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--rst", type=Path, metavar="DIRECTORY", help="write tables there")
    options = parser.parse_args(words)
    try:
        wanted = chosen(options.names)
    except ValueError as error:
        parser.error(str(error))
    origin: dict[str, Any] = {
        "commit": commit(), "machine": machine(), "yardstick": yardstick(),
        "rounds": options.rounds, "command": "``make bench-docs``",
    }  # fmt: skip
    print("; ".join([origin["commit"], *origin["machine"].values()]))
    results = {name: run(name, options.rounds, options.quick, options.full) for name in wanted}
    if options.json:
        document = origin | {
            "results": {
                name: {
                    "title": title,
                    "figures": {label: figure.as_json() for label, figure in figures.items()},
                }
                for name, (title, figures) in results.items()
            }
        }
        options.json.write_text(
            json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
        )
    if options.rst:
        for room in ("micro", "growth"):
            own = {name: found for name, found in results.items() if name.startswith(room)}
            if own:
                tables.write(options.rst, room, own, origin)
    return 0


if __name__ == "__main__":
    sys.exit(main())
