"""What is wrong with a configuration file, in the words of whoever wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Where a value stands: ``("servers", 0, "limits", "recipients")``.
KeyPath = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class ConfigError:
    """One error; ``str()`` is ``FILE:LINE: key: what is wrong, what is expected``.

    Line 0 is no line.
    """

    file: Path
    line: int
    key: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}: " if self.line else f"{self.file}: "
        return f"{place}{self.key}: {self.message}" if self.key else f"{place}{self.message}"

    def render(self) -> str:
        """The form that people get; a configuration error is one line."""
        return str(self)


class ConfigErrors(Exception):
    """All errors of one configuration, in the order of the file; never empty."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__(*errors)
        self.errors: tuple[ConfigError, ...] = tuple(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)


def name_of(path: KeyPath) -> str:
    """A key as it is spoken of: ``servers[0].limits.recipients``; lists count from 0."""
    name = ""
    for part in path:
        if isinstance(part, int):
            name += f"[{part}]"
        elif name:
            name += f".{part}"
        else:
            name = part
    return name


def one_of(names: Iterable[str]) -> str:
    """``a, b or c``."""
    *most, last = names
    return f"{', '.join(most)} or {last}" if most else last


def suggest(name: str, known: Iterable[str]) -> str | None:
    """The known name that is most like this one."""
    close = difflib.get_close_matches(name, list(known), 1, 0.6)
    return close[0] if close else None
