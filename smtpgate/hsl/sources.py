"""Where scripts find the files they include, import and read."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class ScriptFileError(Exception):
    """A file that a script names cannot be had; the message says why."""


class Sources(Protocol):
    def read(self, path: str, origin: str) -> tuple[str, str]:
        """The display name and the text (one character an octet) of a file.

        :param path: as the script writes it
        :param origin: the display name of the file that asks
        :raises ScriptFileError: if there is no such file, or it must not be read
        """


class ScriptRoot:
    """The files below one directory, and nothing else.

    ``file:`` in front of a path is accepted (manual: include).  Paths are
    relative to the root.
    """

    def __init__(self, directory: str | Path) -> None:
        self.directory = Path(directory)

    def resolve(self, path: str) -> Path:
        """The real path of a file.

        :raises ScriptFileError: if the path leaves the root: by ``..``, by a link
            or because it is absolute
        """
        relative = path.removeprefix("file:")
        if not relative or "\0" in relative:
            raise ScriptFileError(f'"{path}" is no file name')
        if relative.startswith("/"):
            raise ScriptFileError(f'"{path}" must be relative to the script root')
        root = self.directory.resolve()
        try:
            found = (root / relative).resolve()
        except (OSError, RuntimeError):
            raise ScriptFileError(f'"{path}" cannot be read') from None
        if not found.is_relative_to(root):
            raise ScriptFileError(f'"{path}" is outside the script root')
        return found

    def missing(self, path: str) -> ScriptFileError:
        """What is wrong with a path that leads to no file: which one, and where it should be."""
        return ScriptFileError(f'there is no file "{path}" in the script root {self.directory}')

    def read(self, path: str, origin: str) -> tuple[str, str]:
        found = self.resolve(path)
        try:
            # A pipe would wait for a writer, a device may have no end.
            if found.exists() and not found.is_file():
                raise ScriptFileError(f'"{path}" is no file')
            text = found.read_bytes().decode("latin-1")
        except FileNotFoundError:
            raise self.missing(path) from None
        except OSError as error:
            raise ScriptFileError(f'"{path}" cannot be read: {error.strerror}') from None
        return str(self.directory / path.removeprefix("file:")), text


class NoFiles:
    """For scripts that stand alone."""

    def read(self, path: str, origin: str) -> tuple[str, str]:
        raise ScriptFileError(f'"{path}" cannot be read: this script has no script root')


class Texts:
    """Files given as texts by name."""

    def __init__(self, texts: dict[str, str]) -> None:
        self.texts = texts

    def read(self, path: str, origin: str) -> tuple[str, str]:
        name = path.removeprefix("file:")
        if name not in self.texts:
            raise ScriptFileError(f'there is no file "{path}"')
        return name, self.texts[name]
