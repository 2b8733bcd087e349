r"""The language's own cases: scripts under ``tests/scripts``, expectations in comments.

Lines ``// --- name`` divide a file into cases.  ``// => text`` is a line that a case
echoes: all of them, in order; ``\n`` stands for a line feed, ``\\n`` for itself.
``// error: LINE:COLUMN: message`` is an error of the case, wherever it stands; all
that it has are given.  ``// error: message`` marks a line that is an error: it is left
out, and with one such line put back the script must fail there with that message.
Files to include, import and open are in the section's folder ``files``.
"""

from __future__ import annotations

import re
from pathlib import Path
from unittest.mock import patch

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.compiler.kinds import Kinds
from smtpgate.hsl.errors import ScriptErrors, ScriptRuntimeError
from smtpgate.hsl.runtime import CORE, Environment, Limits, ScriptRoot, compile_script
from smtpgate.hsl.scopes import Kind

ROOT = Path(__file__).parent / "scripts"
_EXPECTED = re.compile(r"// => ?(.*)")
_ERROR = re.compile(r"// error: (.*)")
_PLACED = re.compile(r"([^: ]+:)?[0-9]+:[0-9]+: ")


def cases(path: Path) -> list[tuple[str, str]]:
    """(name, source) of each case; blank lines in front keep the file's line numbers."""
    found: list[tuple[str, str]] = []
    name, lines, start = "", [], 0
    for number, line in enumerate(path.read_text(encoding="latin-1").split("\n")):
        if line.startswith("// --- "):
            if any(each.strip() for each in lines):
                found.append((name, "\n" * start + "\n".join(lines)))
            name, lines, start = line[7:].strip(), [], number + 1
        else:
            lines.append(line)
    if any(each.strip() for each in lines):
        found.append((name, "\n" * start + "\n".join(lines)))
    return found


def run(source: str, path: Path) -> tuple[list[str], list[str]]:
    """What a case echoes, and its errors as ``LINE:COLUMN: message``."""
    lines: list[str] = []
    clock = Clock()
    limits = Limits(steps=100_000)
    files = path.parent / "files"
    sources = ScriptRoot(files) if files.is_dir() else None
    environment = Environment(clock, limits, echo=lambda text, _: lines.append(text), files=sources)
    try:
        result = compile_script(source, path.name, CORE, sources).run({}, environment)
        if isinstance(result, Deferred):
            return lines, _waited(result, clock, f"{files}/")
    except ScriptErrors as errors:
        return lines, [str(each).replace(f"{files}/", "") for each in errors.errors]
    except ScriptRuntimeError as error:
        return lines, [str(error).replace(f"{files}/", "")]
    return lines, []


def _waited(result: Deferred, clock: Clock, prefix: str) -> list[str]:
    """The errors of a script that waits, once enough time has passed."""
    failures: list[str] = []
    result.addErrback(lambda failure: failures.append(str(failure.value).replace(prefix, "")))
    for _ in range(6000):
        if result.called:
            return failures
        clock.advance(0.01)
    raise AssertionError("the script still waits after a minute")


def _untyped(variable: object) -> bool:
    variable.kind = Kind.OTHER
    return True


class CaseTests(SynchronousTestCase):
    """One test a file, made below."""

    maxDiff = None

    def check(self, path: Path) -> None:
        found = cases(path)
        self.assertTrue(found, f"{path} has no cases")
        for name, source in found:
            self.check_case(path, source, f"{path.relative_to(ROOT)}, {name}")
            # What the compiler knows of types may make code faster, never different.
            with patch.object(Kinds, "_fixed", staticmethod(_untyped)):
                self.check_case(path, source + "\n", f"{path.relative_to(ROOT)}, {name}, untyped")

    def check_case(self, path: Path, source: str, label: str) -> None:
        expected = [
            re.sub(r"(\\?)\\n", lambda found: "\\n" if found[1] else "\n", each)
            for each in _EXPECTED.findall(source)
        ]
        lines = source.split("\n")
        placed, wrong = [], {}
        for number, line in enumerate(lines):
            found = _ERROR.search(line)
            if found and _PLACED.match(found[1]):
                placed.append(found[1])
            elif found:
                wrong[number] = found[1]
        self.assertTrue(expected or placed or wrong, f"{label} expects nothing")
        right = ["" if number in wrong else line for number, line in enumerate(lines)]
        echoed, errors = run("\n".join(right), path)
        # Wherever the cases are.
        errors = [
            each.removeprefix(f"{path.name}:").replace(f"{path.parent}/", "") for each in errors
        ]
        self.assertEqual((echoed, errors), (expected, placed), label)
        for number, message in wrong.items():
            failing = list(right)
            failing[number] = lines[number]
            errors = run("\n".join(failing), path)[1]
            given = [
                re.sub(r"^[^:]*:([0-9]+):[0-9]+: ", r"\1: ", each).replace(f"{path.parent}/", "")
                for each in errors
            ]
            self.assertEqual(given, [f"{number + 1}: {message}"], label)


def _add_tests() -> None:
    for path in sorted(ROOT.glob("*/*.hsl")):

        def test(self: CaseTests, path: Path = path) -> None:
            self.check(path)

        test.__doc__ = f"The cases of {path.relative_to(ROOT)} do what their comments say."
        name = re.sub(r"\W", "_", str(path.relative_to(ROOT).with_suffix("")))
        setattr(CaseTests, f"test_{name}", test)


_add_tests()
