"""Scripts at the command line: files, for the language alone or for a hook."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpgate.hsl.runtime import Script
    from smtpgate.hsl.runtime.environment import Context

#: The language alone, as a name beside those of the hooks.
ALONE = "core"


class NoText(Exception):
    """A file is no script, and no text at all."""


def read(path: Path) -> str:
    """A script's source.

    :raises OSError: if it cannot be read
    """
    return path.read_bytes().decode("latin-1")


def compiled(source: str, path: Path, root: Path | None = None, hook: str = ALONE) -> Script:
    """Compile a script.

    :param root: what it includes is below; without, it is beside the script
    :raises ScriptErrors: with every mistake
    :raises NoText: instead, if mistakes are all there is
    """
    from smtpgate.hsl.errors import ScriptErrors
    from smtpgate.hsl.runtime import ScriptRoot, compile_script

    files = ScriptRoot(path.parent if root is None else root)
    try:
        return compile_script(source, str(path), _place(hook), files)
    except ScriptErrors:
        if "\0" in source:
            raise NoText from None
        raise


def _place(hook: str) -> Context:
    from smtpgate.hsl.runtime.environment import CORE

    if hook == ALONE:
        return replace(CORE, elsewhere=belongs)
    from smtpgate.hooks.table import HOOKS

    return replace(HOOKS[hook].context, elsewhere=belongs)


def belongs(name: str) -> str:
    """Which hooks have a function, or a variable with its ``$``, and how to check a script for
    them; "" if none has."""
    # Asked about a mistake only: a script without one needs no hooks.
    from smtpgate.hooks import table

    hooks = table.hooks_with(name)
    return f"{table.belongs(name)} (`smtpgate check --hook {hooks[0]}`)" if hooks else ""
