"""Scripts that say in comments what they do: examples of the manual, and case files.

``// => text`` is what an ``echo`` prints; all of them, in their order, are what the
script prints.  ``// error: message`` marks a line that is an error, of the compiler or of
the run.  Several lines may be marked: each is tried with the other ones left out, and
what is printed is compared without those that do not compile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from smtpgate.hsl.errors import ScriptErrors, ScriptRuntimeError
from smtpgate.hsl.runtime import CORE, Environment, Texts, compile_script

_OUTPUT = re.compile(r"// => (.*?)[ \t]*$", re.MULTILINE)
_ERROR = re.compile(r"// error: (.*?)[ \t]*$")
#: Seconds that a script may wait, all in all.
_PATIENCE = 60


@dataclass
class Observed:
    """What a script did: what it printed, and its errors as ``LINE: message``."""

    printed: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    compiled: bool = True


def observe(source: str, files: dict[str, str], name: str = "script.hsl") -> Observed:
    """Run a script on a clock of its own."""
    seen = Observed()
    texts = {path: text.encode().decode("latin-1") for path, text in files.items()}
    clock = Clock()
    environment = Environment(
        clock,
        echo=lambda text, _: seen.printed.append(text.encode("latin-1").decode(errors="replace")),
        hostname="gw.example.org",
    )
    try:
        script = compile_script(source.encode().decode("latin-1"), name, CORE, Texts(texts))
    except ScriptErrors as errors:
        seen.compiled = False
        seen.errors = [f"{each.position.line}: {each.message}" for each in errors.errors]
        return seen
    try:
        result = script.run({}, environment)
    except ScriptRuntimeError as error:
        seen.errors.append(f"{error.position.line}: {error.message}")
        return seen
    if isinstance(result, Deferred):
        result.addErrback(
            lambda failure: seen.errors.append(
                f"{failure.value.position.line}: {failure.value.message}"
            )
        )
        turns = 0
        while not result.called and turns < _PATIENCE * 100:
            turns += 1
            clock.advance(0.01)
        if not result.called:
            raise AssertionError(f"{name} still waits after {_PATIENCE} seconds")
    return seen


def mistakes(source: str, files: dict[str, str], name: str = "script.hsl") -> list[str]:
    """How what a script does differs from what its comments say; empty if it does not."""
    lines = source.split("\n")
    marked = {
        number: found[1]
        for number, line in enumerate(lines, 1)
        if (found := _ERROR.search(line)) is not None
    }
    expected = [text.replace("\\n", "\n") for text in _OUTPUT.findall(source)]
    wrong: list[str] = []

    def run(kept: int | None) -> Observed:
        return observe(
            "\n".join(
                "" if number in marked and number != kept else line
                for number, line in enumerate(lines, 1)
            ),
            files,
            name,
        )

    seen: Observed | None = None
    for number, message in marked.items():
        seen = run(number)
        if seen.errors != [f"{number}: {message}"]:
            wrong.append(f"{name}:{number}: expected error {message!r}, got {seen.errors}")
    if seen is None or not seen.compiled:
        seen = run(None)
        if seen.errors:
            wrong.append(f"{name}: unexpected {seen.errors}")
    if seen.printed != expected:
        wrong.append(f"{name}: printed {seen.printed}, expected {expected}")
    return wrong


__all__ = ["Observed", "mistakes", "observe"]
