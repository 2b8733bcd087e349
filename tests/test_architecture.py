"""The house rules that no linter knows: who may import whom."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "smtpgate"

#: Rooms by floor: a room imports from its own floor and from those further down the list.
FLOORS = (
    ("cli", "twistd", "birth", "reactor"),
    ("service",),
    ("workers",),
    ("lifecycle", "ports", "servers"),
    ("assembly", "relaying"),
    ("directories",),
    ("hooks", "transports", "accounts", "tls", "config", "events", "loglines"),
    ("smtp", "hsl"),
)
FLOOR = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}

#: The same inside a room; what shares a floor there does not know each other.
INSIDE = {
    "smtp": (
        ("factory",),
        ("protocol",),
        ("arrival",),
        ("machine",),
        ("authentication", "mail", "nexthop"),
        ("commands",),
        ("server",),
        ("connection",),
        ("session", "reply", "address"),
        ("framing",),
        ("refusal", "answers", "uuids"),
    ),
    "hsl": (
        ("checks", "compiler", "unparse"),
        ("resolver",),
        ("library", "grammar", "scopes", "constants"),
        ("runtime", "nodes"),
        ("operations",),
        ("formats", "patterns"),
        ("builtin",),
        ("parameters",),
        ("values",),
        ("limits",),
        ("errors", "sources"),
    ),
}

#: The one import upwards: whoever runs scripts has them compiled, when the first one comes.
COMPILING = ("hsl/runtime/__init__.py", "smtpgate.hsl.compiler.compile_program")

#: The only files of the language that may know Twisted, beside its library.
LANGUAGE_ON_TWISTED = {"hsl/runtime/waiting.py"}


def modules() -> Iterator[tuple[Path, str]]:
    """Every module of the package and the room it is in."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inside = path.relative_to(PACKAGE)
        yield path, inside.parts[0].removesuffix(".py")


def imports(path: Path, *, running: bool = True) -> Iterator[tuple[str, int]]:
    """What a module imports, by full name, with the line; type checking only left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if running and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            skipped.update(id(child) for child in ast.walk(node))
    package = (PACKAGE.name, *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = ".".join((*base, *((node.module or "").split(".") if node.module else ())))
            for alias in node.names:
                yield f"{name}.{alias.name}", node.lineno


def room_of(name: str) -> str | None:
    """The room that an import leads to, or None when it leads out of the package."""
    parts = name.split(".")
    if parts[0] != PACKAGE.name or len(parts) < 2:
        return None
    return parts[1] if parts[1] in FLOOR else None


class LayoutTests(SynchronousTestCase):
    """Imports run downwards only."""

    def test_every_room_has_a_floor(self) -> None:
        """A new room must be given its place."""
        rooms = {room for _, room in modules()} - {"__init__", "__main__"}
        self.assertEqual(set(), rooms - set(FLOOR))

    def test_downwards(self) -> None:
        """No room imports from a floor above, and the two at the bottom not from each other."""
        wrong = []
        for path, room in modules():
            if room not in FLOOR:
                continue
            for name, line in imports(path):
                other = room_of(name)
                if other is None or other == room:
                    continue
                upwards = FLOOR[other] < FLOOR[room]
                strangers = {room, other} == {"smtp", "hsl"}
                if upwards or strangers:
                    wrong.append(f"{path.relative_to(ROOT)}:{line}: {room} imports {name}")
        self.assertEqual([], wrong)

    def test_downwards_inside(self) -> None:
        """So it is inside a room that has floors."""
        wrong = []
        for path, room in modules():
            inside = path.relative_to(PACKAGE)
            if room not in INSIDE or inside.parts[1] == "__init__.py":
                continue
            floor = {each: level for level, rooms in enumerate(INSIDE[room]) for each in rooms}
            own = inside.parts[1].removesuffix(".py")
            self.assertIn(own, floor)
            for name, line in imports(path):
                parts = name.split(".")
                if parts[:2] != [PACKAGE.name, room] or (inside.as_posix(), name) == COMPILING:
                    continue
                if parts[2] != own and floor[parts[2]] <= floor[own]:
                    wrong.append(f"{path.relative_to(ROOT)}:{line}: {own} imports {name}")
        self.assertEqual([], wrong)

    def test_language_without_twisted(self) -> None:
        """The language runs without Twisted, but for its library and its waiting."""
        wrong = []
        for path, room in modules():
            inside = path.relative_to(PACKAGE)
            if room != "hsl" or "library" in inside.parts:
                continue
            if inside.as_posix() in LANGUAGE_ON_TWISTED:
                continue
            wrong += [
                f"{path.relative_to(ROOT)}:{line}: {name}"
                for name, line in imports(path)
                if name.split(".")[0] in ("twisted", "zope")
            ]
        self.assertEqual([], wrong)

    def test_plugin_directory(self) -> None:
        """Another project's plugins must stay visible: no package of ours hides them."""
        for directory in ("twisted", "twisted/plugins"):
            self.assertFalse((ROOT / directory / "__init__.py").exists())
