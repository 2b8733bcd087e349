"""A configuration file as it was read: its values, not yet judged, and their places."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from .errors import ConfigError, ConfigErrors, KeyPath, name_of
from .fields import Places, below
from .lines import key_lines

_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")

#: Where things are when the file does not say; relative to it.
SCRIPTS = "scripts"
STATE = "var"


class NamedScript(NamedTuple):
    """A script that a server names; ``key`` is where, ``commands`` when the proxy hook asks it."""

    key: KeyPath
    hook: str
    script: str
    commands: str | list[str]


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file, and on which line each of them is."""

    file: Path
    values: dict[str, Any]
    lines: Mapping[KeyPath, int]

    @property
    def places(self) -> Places:
        """What relative paths are relative to, even when the file has errors."""
        directory = self.file.parent.absolute()

        def place(key: str, default: str) -> Path:
            path = self.values.get(key)
            try:
                return below(directory, path if isinstance(path, str) else default)
            except ValueError:
                return directory / default

        return Places(directory, place("state", STATE), place("scripts", SCRIPTS))

    def error(self, path: KeyPath, message: str) -> ConfigError:
        """An error at a key; when the key is not there, at the table it should be in."""
        known = path
        while known and known not in self.lines:
            known = known[:-1]
        return ConfigError(self.file, self.lines.get(known, 1), name_of(path), message)

    def servers(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """The servers that are tables, with their index."""
        servers = self.values.get("servers")
        for index, server in enumerate(servers if isinstance(servers, list) else []):
            if isinstance(server, dict):
                yield index, server

    def scripts(self) -> Iterator[NamedScript]:
        """Each script that a server names."""
        for index, server in self.servers():
            hooks = server.get("hooks")
            for name, hook in (hooks if isinstance(hooks, dict) else {}).items():
                path: KeyPath = ("servers", index, "hooks", name)
                commands: Any = "all"
                if isinstance(hook, dict):
                    commands = hook.get("commands")
                    path, hook = (*path, "script"), hook.get("script")
                if isinstance(hook, str):
                    yield NamedScript(path, name, hook, _commands(commands))


def _commands(value: Any) -> str | list[str]:
    """A setting of ``commands`` as far as it is right, else its default."""
    if isinstance(value, list) and all(isinstance(verb, str) for verb in value):
        return value
    return value if isinstance(value, str) else "all"


def read(file: Path) -> Document:
    """Read a TOML file.

    :raises ConfigErrors: when there is no such file, or it is not TOML
    """
    try:
        text = file.read_bytes().decode("utf-8")
        return Document(file, tomllib.loads(text), key_lines(text))
    except OSError as error:
        words = (error.strerror or "it cannot be read").lower()
        problem = ConfigError(file, 1, "", f"{words}, expected a configuration file")
    except UnicodeDecodeError as error:
        before = error.object[: error.start]
        problem = ConfigError(
            file, before.count(b"\n") + 1, "", "is not UTF-8, expected a TOML file in UTF-8"
        )
    except tomllib.TOMLDecodeError as error:
        words = str(error)
        place = _TOML_PLACE.search(words)
        line = int(place[1]) if place and place[1] else text.rstrip().count("\n") + 1
        words = _TOML_PLACE.sub("", words)
        words = words[:1].lower() + words[1:]
        problem = ConfigError(file, line, "", f"{words}, expected TOML")
    raise ConfigErrors([problem])
