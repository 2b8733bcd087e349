"""Who may know whom: imports run downwards only, as ``docs/architecture.rst`` says."""

import ast
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

import smtpgate

ROOT = Path(smtpgate.__file__).parent

#: What each room may import of the others.
BELOW = {
    "smtp": set(),
    "hsl": set(),
    "hooks": {"smtp", "hsl"},
    "transports": {"smtp"},
    "accounts": {"smtp"},
    "tls": {"smtp"},
    "config": set(),
    "events": {"smtp"},
    "relaying": {"config", "smtp", "transports"},
    "assembly": {
        "accounts",
        "config",
        "hooks",
        "hsl",
        "relaying",
        "smtp",
        "tls",
        "transports",
    },
}
#: Files of the language that may know Twisted.
WAITING = ("library", "waiting.py")


def rooms():
    """Each room with its files."""
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).parts
        yield parts[0].removesuffix(".py"), path


def imported(path):
    """The modules that a file imports when it runs: whole names, absolute."""
    package = (ROOT.name, *path.relative_to(ROOT).parts[:-1])
    pending = list(ast.parse(path.read_text("utf-8")).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            base = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{base}.{alias.name}" for alias in node.names)
        pending.extend(ast.iter_child_nodes(node))


def room_of(module):
    """The room of the package that a module belongs to, or None."""
    parts = module.split(".")
    return parts[1] if parts[0] == ROOT.name and len(parts) > 1 else None


class ImportTests(SynchronousTestCase):
    """The rooms."""

    def test_downwards(self):
        """A room imports itself and what lies below it, nothing else."""
        wrong = []
        seen = set()
        for room, path in rooms():
            seen.add(room)
            if room not in BELOW:
                continue
            for module in imported(path):
                other = room_of(module)
                if other not in {None, room, "__version__"} | BELOW[room]:
                    wrong.append(f"{path.relative_to(ROOT)} imports {module}")
        self.assertEqual(wrong, [])
        self.assertEqual(set(BELOW) - seen, set())

    def test_language_without_twisted(self):
        """The language knows Twisted only where scripts wait, and in its library."""
        wrong = [
            f"{path.relative_to(ROOT)} imports {module}"
            for room, path in rooms()
            if room == "hsl" and path.relative_to(ROOT / "hsl").parts[0] not in WAITING
            for module in imported(path)
            if module.split(".")[0] == "twisted"
        ]
        self.assertEqual(wrong, [])

    def test_reader(self):
        """The test itself sees imports of each form."""
        found = set(imported(ROOT / "hooks" / "evaluator.py"))
        self.assertIn("smtpgate.smtp.policy.Policy", found)
        self.assertIn("twisted.internet.defer.Deferred", found)
        self.assertEqual(room_of("smtpgate.smtp.policy.Policy"), "smtp")
        self.assertIsNone(room_of("twisted.internet"))
