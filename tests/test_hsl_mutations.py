"""Mutated programs: whatever becomes of the language's cases, it is a script or its errors."""

from __future__ import annotations

import random
import re
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import ScriptError, ScriptErrors
from smtpgate.hsl.grammar.tokens import KEYWORDS, SYMBOLS, Tokens
from smtpgate.hsl.runtime import CORE, Environment, Limits, compile_script
from tests.test_scripts import cases

SCRIPTS = Path(__file__).parent / "scripts"
CHAPTERS = ("classes", "errors", "functions", "introduction", "literals", "operators", "structures")
COUNT = 3_000
# What no author of a script knows.
_PYTHON = re.compile(
    r"Expected |parsing|Traceback|<class|NoneType|internal error|object is not|object has no"
    r"|unhashable|subscriptable|positional|\bdict\b|\btuple\b|nonlocal|SyntaxError"
)


def corpus() -> list[str]:
    return [
        re.sub(r"// (=>|error).*", "", source).strip("\n")
        for chapter in CHAPTERS
        for path in sorted((SCRIPTS / chapter).glob("*.hsl"))
        for _, source in cases(path)
    ]


class Mutator:
    """Makes programs that are nearly right; the same ones from the same seed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.corpus = corpus()
        found = {text for source in self.corpus for text in Tokens.scan(source, "").texts}
        self.words = sorted(found | KEYWORDS | set(SYMBOLS))

    def program(self) -> str:
        source = self.dice.choice(self.corpus)
        for _ in range(self.dice.choice((1, 1, 1, 2, 3, 6))):
            source = self._changed(source)
        return source

    def _changed(self, source: str) -> str:
        tokens = Tokens.scan(source, "")
        if len(tokens) < 3:
            return source
        dice = self.dice
        index = dice.randrange(len(tokens) - 1)
        start, end = tokens.starts[index], tokens.end_of(index)
        match dice.randrange(6):
            case 0:  # a word is missing
                return source[:start] + source[end:]
            case 1:  # or another one
                return source[:start] + dice.choice(self.words) + source[end:]
            case 2:  # or there is one more
                return f"{source[:start]}{dice.choice(self.words)} {source[start:]}"
            case 3:  # or two have changed places
                other = dice.randrange(len(tokens) - 1)
                first, second = sorted((index, other))
                a, b = tokens.starts[first], tokens.end_of(first)
                c, d = tokens.starts[second], tokens.end_of(second)
                return source[:a] + source[c:d] + source[b:c] + source[a:b] + source[d:]
            case 4:  # some octets are missing
                return source[:start] + source[start + dice.randrange(1, 5) :]
            case _:  # or another one is there
                return source[:start] + chr(dice.randrange(256)) + source[start + 1 :]


def ended(source: str) -> str:
    """All that a program's author is told; anything but an error of the script is raised."""
    clock = Clock()
    environment = Environment(clock, Limits(steps=2_000), echo=lambda *_: None)
    try:
        result = compile_script(source, "t", CORE).run({}, environment)
        failures: list[BaseException] = []
        if isinstance(result, Deferred):
            result.addErrback(lambda failure: failures.append(failure.value))
            clock.pump([1] * 40)
        for each in failures:
            raise each
    except ScriptErrors as errors:
        for error in errors.errors:
            if not 1 <= error.position.column <= len(error.source_line) + 1:
                raise AssertionError(f"no such place: {error}") from error
        return "\n".join(map(str, errors.errors))
    except ScriptError as error:
        return str(error)
    return ""


class MutationTests(SynchronousTestCase):
    def test_any_program(self) -> None:
        """It runs, or has errors at places that are there, in words that are the language's."""
        mutator = Mutator(seed=1)
        told = ran = 0
        for _ in range(COUNT):
            source = mutator.program()
            message = ended(source)
            told += message != ""
            ran += message == ""
            if _PYTHON.search(message) and not _PYTHON.search(source):
                self.fail(f"{message}\n{source}")
        # Both kinds are there: a test of mistakes alone would miss half.
        self.assertGreater(told, COUNT // 4)
        self.assertGreater(ran, COUNT // 40)
