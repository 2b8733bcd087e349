"""When the proxy hook is asked: the setting ``commands``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

from smtpgate.smtp.session import Connection

#: ``"all"``, ``"first"``, or verbs.
Commands: TypeAlias = Literal["all", "first"] | Iterable[str]

#: Whether a line is for the hook; asked for every line, so it is quick.
Wanted: TypeAlias = Callable[[Connection, bytes], bool]


def verb(line: bytes) -> bytes:
    """The first word of a line in upper case; b"" when there is none.

    Blanks in front do not hide it: a line that the server would take is never
    kept from the hook by them.
    """
    words = line.split(None, 1)
    return words[0].upper() if words else b""


def wanted(commands: Commands) -> Wanted:
    """The test that a setting stands for.

    :raises ValueError: for a verb that is no single word of printable ASCII
    """
    if commands == "all":
        return _every
    if commands == "first":
        return _first
    if isinstance(commands, str):
        raise ValueError(f'commands are "all", "first" or a list of verbs, not "{commands}"')
    verbs = frozenset(_verb(name) for name in commands)
    return lambda connection, line: verb(line) in verbs


def _verb(name: str) -> bytes:
    if not name or not name.isascii() or not name.isprintable() or " " in name:
        raise ValueError(f'"{name}" is no verb: one word of printable ASCII is expected')
    return name.upper().encode("ascii")


def _every(connection: Connection, line: bytes) -> bool:
    return True


def _first(connection: Connection, line: bytes) -> bool:
    return connection.commands == 1
