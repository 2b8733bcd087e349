"""``smtpgate passwd FILE NAME``: sets the password of an account."""

from __future__ import annotations

import argparse
import getpass
import sys
from pathlib import Path

#: Octets of a line on standard input; a longer one is no password.
_LONGEST = 4096


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE", help="the users file; made if missing")
    parser.add_argument("name", metavar="NAME", help="the account")
    parser.add_argument(
        "--no-scram",
        dest="scram",
        action="store_false",
        help="store no keys for SCRAM-SHA-256, which are easier to guess against than the hash",
    )


def run(options: argparse.Namespace) -> int:
    from smtpgate.accounts import make_secret, name_problem, write_account

    problem = name_problem(options.name)
    if problem is not None:
        return _fail(problem)
    try:
        password = _ask()
        known = write_account(options.file, options.name, make_secret(password, options.scram))
    except EOFError:
        return _fail("no password was given")
    except ValueError as error:
        return _fail(str(error))
    except OSError as error:
        return _fail(f"{options.file}: {error.strerror}")
    print(f"{options.file}: {'changed' if known else 'added'} {options.name}")
    return 0


def _ask() -> str:
    """Twice from a terminal; one line from anything else.

    :raises EOFError: at the end of input
    :raises ValueError: when the two differ
    """
    if not sys.stdin.isatty():
        line = sys.stdin.readline(_LONGEST)
        if not line:
            raise EOFError
        return line.rstrip("\r\n")
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        raise ValueError("the two passwords differ")
    return password


def _fail(message: str) -> int:
    print(f"smtpgate passwd: {message}", file=sys.stderr)
    return 1
