"""``smtpgate COMMAND``: finds the command, and imports nothing of the others."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from smtpgate import __version__

#: Each command's module in this package, and what it does.
COMMANDS = {
    "start": "run the gateway in the foreground",
    "check": "find what is wrong with configurations and scripts",
    "run": "run a script outside of any SMTP session",
    "repl": "try the language interactively",
    "passwd": "set the password of an account",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    :return: the exit code: 0, 1 when the command has found or met errors, 2 for wrong usage
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="smtpgate",
        description="An SMTP gateway whose scripts see every command before the server does.",
        epilog="`smtpgate COMMAND --help` tells more about a command.",
    )
    parser.add_argument("--version", action="version", version=f"smtpgate {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    wanted = next((word for word in words if not word.startswith("-")), None)
    for name, words_about in COMMANDS.items():
        command = commands.add_parser(
            name, help=words_about, description=f"{words_about.capitalize()}."
        )
        if name == wanted:
            module = import_module(f"smtpgate.cli.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    options = parser.parse_args(words)
    try:
        code: int = options.run(options)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Whoever read our output has seen enough.
        sys.stderr.close()
        return 1
    return code
