"""What the command line compiles scripts against: the language alone, or a hook."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtpgate.hsl.environment import Context


def place(hook: str = "core") -> Context:
    """The context of a hook, or of ``core``; its errors know the option that says for which hook
    a script is.

    :raises KeyError: if there is no such hook
    """
    from smtpgate.hsl.environment import CORE

    if hook == CORE.name:
        return replace(CORE, elsewhere=belongs)
    from smtpgate.hooks.table import HOOKS

    return replace(HOOKS[hook].context, elsewhere=belongs)


def belongs(name: str) -> str:
    """Which hooks have a function, or a variable with its ``$``; "" if none has."""
    # Asked about a mistake only: a script without one needs no hooks.
    from smtpgate.hooks import table

    hooks = table.hooks_with(name)
    return f"{table.belongs(name)} (`smtpgate check --hook {hooks[0]}`)" if hooks else ""
