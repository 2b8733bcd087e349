"""``smtpgate check PATH...``: everything that is wrong, at once."""

from __future__ import annotations

import argparse
import json
import re
import sys
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smtpgate.cli.script import ALONE, NoText, compiled, read

if TYPE_CHECKING:
    from smtpgate.assembly import Problem


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "paths",
        nargs="+",
        type=Path,
        metavar="PATH",
        help="configurations (.toml; their scripts are checked too), scripts (.hsl), or "
        "directories of scripts",
    )
    parser.add_argument(
        "--hook",
        type=_hook,
        default="proxy",
        metavar="NAME",
        help="what scripts are written for; `core` is the language alone (default: %(default)s)",
    )
    parser.add_argument(
        "--scripts",
        type=Path,
        metavar="DIRECTORY",
        help="where `include` and `import` of scripts look (default: the PATH that is a "
        "directory, else where the script is)",
    )
    parser.add_argument(
        "--json", action="store_true", help="a JSON list of errors and warnings, for editors"
    )


def _hook(name: str) -> str:
    from smtpgate.hooks.table import HOOKS

    known = (*HOOKS, ALONE)
    if name not in known:
        words = f"there is no hook {name!r}, expected {', '.join(known)}"
        raise argparse.ArgumentTypeError(words)
    return name


def run(options: argparse.Namespace) -> int:
    problems: list[Problem] = []
    warnings: list[tuple[Path, str]] = []
    for path in options.paths:
        found, more = _check(path, options.hook, options.scripts)
        problems += found
        warnings += [(path, warning) for warning in more]
    if options.json:
        found_all = [*map(_as_data, problems), *starmap(_warning_as_data, warnings)]
        print(json.dumps(found_all, indent=2))
        return 1 if problems else 0
    for problem in problems:
        print(problem.render())
    for _, warning in warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if problems:
        count = len(problems)
        print(f"{count} error{'' if count == 1 else 's'}", file=sys.stderr)
        return 1
    return 0


def _check(path: Path, hook: str, root: Path | None) -> tuple[list[Problem], list[str]]:
    if path.suffix == ".toml":
        return _check_configuration(path)
    if path.is_dir():
        from smtpgate.config import ConfigError
        from smtpgate.hooks.table import HOOKS

        scripts = sorted(path.rglob("*.hsl"))
        if not scripts:
            return [ConfigError(path, 0, "", "has no scripts, expected files named *.hsl")], []
        problems: list[Problem] = []
        warnings: list[str] = []
        for script in scripts:
            # A directory that has the name of a hook holds its scripts.
            own = script.parent.name if script.parent != path else hook
            found, more = _check_script(script, root or path, own if own in HOOKS else hook)
            problems += found
            warnings += more
        return problems, warnings
    return _check_script(path, root, hook)


def _check_configuration(path: Path) -> tuple[list[Problem], list[str]]:
    from smtpgate.assembly import Problems, assemble

    try:
        return [], list(assemble(path, make=False).warnings)
    except Problems as error:
        return list(error.problems), []


def _check_script(path: Path, root: Path | None, hook: str) -> tuple[list[Problem], list[str]]:
    from smtpgate.config import ConfigError
    from smtpgate.hsl.errors import ScriptErrors

    try:
        source = read(path)
        script = compiled(source, path, root, hook)
    except OSError as error:
        words = (error.strerror or "cannot be read").lower()
        return [ConfigError(path, 1, "", f"{words}, expected a script")], []
    except NoText:
        return [ConfigError(path, 1, "", "is no text, expected a script")], []
    except ScriptErrors as errors:
        return list(errors.errors), []
    if not source.strip():
        return [], [f"{path} is empty"]
    return [], list(script.warnings)


def _as_data(problem: Problem) -> dict[str, Any]:
    """An error for an editor: columns count characters there."""
    from smtpgate.config import ConfigError
    from smtpgate.hsl.errors import readable

    if isinstance(problem, ConfigError):
        return {
            "file": str(problem.file),
            "line": problem.line or 1,
            "column": 1,
            "key": problem.key,
            "severity": "error",
            "message": problem.message,
        }
    place = problem.position
    return {
        "file": place.file,
        "line": place.line,
        "column": len(readable(problem.source_line[: place.column - 1])) + 1,
        "severity": "error",
        "message": readable(problem.message),
    }


def _warning_as_data(path: Path, warning: str) -> dict[str, Any]:
    placed = re.fullmatch(r"(.+?):([0-9]+):([0-9]+): (.*)", warning, re.DOTALL)
    if placed is None:
        # It is about the whole file.
        place = {"file": str(path), "line": 1, "column": 1}
        return {**place, "severity": "warning", "message": warning}
    return {
        "file": placed[1],
        "line": int(placed[2]),
        "column": int(placed[3]),
        "severity": "warning",
        "message": placed[4],
    }
