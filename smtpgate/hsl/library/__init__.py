"""The standard library: what every script may call, a chapter of the manual a file.

The chapters are listed here and nowhere else; a name that two of them define is
a mistake, found when this package is imported.
"""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType, ModuleType

from smtpgate.hsl.builtin import Builtin, BuiltinClass
from smtpgate.hsl.library import (
    array,
    crypto,
    datatype,
    datetime,
    dns,
    encoding,
    file,
    mail,
    math,
    memory,
    mime,
    misc,
    protocols,
    regex,
    socket,
    string,
)

#: (title in the manual, module), in the manual's order.
CHAPTERS: tuple[tuple[str, ModuleType], ...] = (
    ("Array", array),
    ("Cryptographic", crypto),
    ("Data types", datatype),
    ("Date and time", datetime),
    ("DNS", dns),
    ("Encodings and JSON", encoding),
    ("File and HTTP", file),
    ("Mail", mail),
    ("Mathematical", math),
    ("MIME", mime),
    ("Misc", misc),
    ("Protocols", protocols),
    ("String", string),
    ("Regular expression", regex),
    ("Socket", socket),
    ("Shared memory", memory),
)


def by_name(functions: Iterable[Builtin]) -> dict[str, Builtin]:
    """The functions under their names and aliases.

    :raises ValueError: if two of them have the same name
    """
    table: dict[str, Builtin] = {}
    for function in functions:
        for name in (function.name, *function.aliases):
            if name in table:
                raise ValueError(f"two functions are called {name}")
            table[name] = function
    return table


def _classes() -> dict[str, BuiltinClass]:
    table: dict[str, BuiltinClass] = {}
    for _, chapter in CHAPTERS:
        made: BuiltinClass
        for made in getattr(chapter, "CLASSES", ()):
            if made.name in table:
                raise ValueError(f"two classes are called {made.name}")
            table[made.name] = made
    return table


#: Every function under its name and its aliases.
FUNCTIONS = MappingProxyType(
    by_name(function for _, chapter in CHAPTERS for function in chapter.FUNCTIONS)
)
#: Every class under its name.
CLASSES = MappingProxyType(_classes())

__all__ = ["CHAPTERS", "CLASSES", "FUNCTIONS", "by_name"]
