"""``smtpgate run FILE.hsl``: a script outside of any SMTP session."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smtpgate.cli.script import NoText, compiled, read

if TYPE_CHECKING:
    from smtpgate.hsl.runtime import Environment, Script


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.hsl", help="the script")
    parser.add_argument(
        "--scripts",
        type=Path,
        metavar="DIRECTORY",
        help="where `include` and `import` look (default: where the script is)",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=30.0,
        metavar="SECONDS",
        help="the time it may take, its waiting included (default: %(default)g)",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not seconds > 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds more than 0")
    return seconds


def run(options: argparse.Namespace) -> int:
    from smtpgate.hsl.errors import ScriptErrors
    from smtpgate.hsl.runtime import ScriptRoot

    root = options.scripts or options.file.parent
    try:
        script = compiled(read(options.file), options.file, root)
    except OSError as error:
        print(f"{options.file}: {error.strerror}", file=sys.stderr)
        return 1
    except NoText:
        print(f"{options.file}: is no text, expected a script", file=sys.stderr)
        return 1
    except ScriptErrors as errors:
        print(errors.render(), file=sys.stderr)
        return 1
    return execute(script, environment(ScriptRoot(root), options.timeout))


def environment(root: Any, seconds: float) -> Environment:
    """What a script has at the command line; ``echo`` writes to standard output."""
    from twisted.internet import reactor

    from smtpgate.hsl.runtime import Environment, Limits

    return Environment(
        clock=reactor,
        limits=Limits(seconds=seconds),
        echo=lambda text, execution: write(text),
        syslog=lambda priority, text, execution: print(text, file=sys.stderr),
        files=root,
    )


def write(text: str) -> None:
    """A line of a script's text: its characters are octets."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("latin-1", "replace") + b"\n")
    sys.stdout.buffer.flush()


def execute(script: Script, environment: Environment) -> int:
    """Run a script to its end, with a reactor if it waits; its error goes to standard error."""
    from twisted.internet.defer import Deferred, maybeDeferred
    from twisted.python.failure import Failure

    from smtpgate.hsl.errors import ScriptError

    reactor = environment.clock
    outcome: list[Any] = []
    ended: Deferred[Any] = maybeDeferred(script.run, {}, environment)
    ended.addBoth(outcome.append)
    if not outcome:
        ended.addBoth(lambda _: reactor.stop())
        reactor.run()
    if not outcome:
        return 130  # stopped from outside
    if isinstance(outcome[0], Failure):
        error = outcome[0].value
        if not isinstance(error, ScriptError):
            outcome[0].raiseException()
        print(error.render(), file=sys.stderr)
        return 1
    return 0
