"""``smtpgate repl``: the language, line by line.

Variables are kept as predefined ones of the next input, functions and classes by
their source, which stands behind each later input.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smtpgate.hsl.errors import ScriptError
    from smtpgate.hsl.runtime import Context, Environment, Script

_HELP = """\
an expression   shows its value
a statement     runs; variables, functions and classes stay
:python         shows the Python code of the last input
:reset          forgets everything
:quit           ends, as Ctrl-D does"""

_HISTORY = "~/.smtpgate_history"
_FILE = "<input>"
#: Where the value of an expression goes; no script can name it by accident.
_RESULT = "repl_result"
_VARIABLE = re.compile(r"\$\{?([A-Za-z_]\w*)", re.ASCII)
#: What brackets may stand in without counting.
_QUIET = re.compile(
    r"\"(?:[^\"\\]|\\.)*\"|'(?P<tag>[^'\n]*)'.*?'(?P=tag)'|//[^\n]*|#[^\n]*|/\*.*?\*/", re.DOTALL
)
_KEYWORDS = (
    "and", "array", "as", "barrier", "break", "builtin", "cache", "case", "class", "closure",
    "continue", "default", "echo", "else", "false", "for", "foreach", "from", "function", "global",
    "if", "import", "include", "isset", "none", "not", "or", "return", "switch", "true", "unset",
    "while",
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--scripts",
        type=Path,
        default=Path(),
        metavar="DIRECTORY",
        help="where `include` and `import` look (default: the present directory)",
    )


def run(options: argparse.Namespace) -> int:
    from smtpgate.cli.run import environment
    from smtpgate.hsl.runtime import ScriptRoot

    root = ScriptRoot(options.scripts)
    session = Session(environment(root, 30.0), root)
    inputs = _from_terminal(session) if sys.stdin.isatty() else _from_pipe()
    for text in inputs:
        if text.strip() == ":quit":
            break
        session.enter(text)
    return 0


class Session:
    """What was entered so far, and what came of it."""

    def __init__(self, environment: Environment, sources: Any) -> None:
        self.environment = environment
        self.sources = sources
        self.reset()

    def reset(self) -> None:
        """As at the beginning."""
        self.variables = _Variables()
        self.definitions: dict[str, str] = {}
        self.script: Script | None = None

    def enter(self, text: str) -> None:
        """Do what an input asks for, and print what comes of it."""
        match text.strip():
            case "":
                return
            case ":python":
                print(self.script.python if self.script else "nothing has run yet")
            case ":reset":
                self.reset()
            case ":help":
                print(_HELP)
            case command if command.startswith(":"):
                print(f"{command} is no command here; :help shows those that are")
            case _:
                self._run(text)

    def _run(self, text: str) -> None:
        from smtpgate.hsl.errors import ScriptErrors

        source = text.encode("utf-8", "surrogateescape").decode("latin-1")
        try:
            script = self._compile(source)
        except ScriptErrors as errors:
            for error in errors.errors:
                print(_placed(error))
            return
        self.script = script
        self.variables.pop(_RESULT, None)
        if self._execute(script):
            self._define(source)
            if _RESULT in self.variables and not _assigns(source):
                _print(show(self.variables[_RESULT]))

    def _compile(self, source: str) -> Script:
        """As an expression if it is one, otherwise as statements.

        :raises ScriptErrors: of the statements
        """
        from smtpgate.hsl.errors import ScriptErrors
        from smtpgate.hsl.grammar import parse
        from smtpgate.hsl.runtime import compile_script

        # One line in front in both forms: then errors have their places in the same lines.
        text = f"${_RESULT} =\n{source}\n;"
        try:
            parse(text, _FILE)
        except ScriptErrors:
            text = f"\n{source}\n;"
            parse(text, _FILE)
        return compile_script(
            text + self._known(source), _FILE, self._context(source), self.sources
        )

    def _context(self, source: str) -> Context:
        from smtpgate.hsl.runtime import Context

        names = {_RESULT, *_VARIABLE.findall(source), *self.variables} - {"this"}
        return Context("repl", writable=frozenset(names))

    def _known(self, source: str) -> str:
        """Earlier definitions, except for those that this input makes anew."""
        fresh = _definitions(source)
        return "\n".join(text for name, text in self.definitions.items() if name not in fresh)

    def _define(self, source: str) -> None:
        self.definitions.update(_definitions(source))

    def _execute(self, script: Script) -> bool:
        """Run it; print its error. A script that waits keeps the reactor running meanwhile."""
        from twisted.internet.defer import Deferred, maybeDeferred
        from twisted.python.failure import Failure

        from smtpgate.hsl.errors import ScriptError

        outcome: list[Any] = []
        ended: Deferred[Any] = maybeDeferred(script.run, self.variables, self.environment)
        ended.addBoth(outcome.append)
        try:
            while not outcome:
                # The reactor cannot be run twice, but it can be turned by hand.
                self.environment.clock.iterate(0.05)
        except KeyboardInterrupt:
            ended.cancel()
            print("interrupted")
            return False
        if isinstance(outcome[0], Failure):
            error = outcome[0].value
            if not isinstance(error, ScriptError):
                outcome[0].raiseException()
            print(_placed(error))
            return False
        return True


class _Variables(dict[str, Any]):
    """All variables of the session; one that has no value says so when it is read."""

    def __missing__(self, name: str) -> Any:
        from smtpgate.hsl.errors import Fault

        raise Fault(f"the variable ${name} has no value yet")


def _definitions(source: str) -> dict[str, str]:
    """The functions and classes that a source defines at its top, by name."""
    from smtpgate.hsl import nodes
    from smtpgate.hsl.errors import ScriptErrors
    from smtpgate.hsl.grammar import parse
    from smtpgate.hsl.unparse import unparse

    try:
        program = parse(source, _FILE)
    except ScriptErrors:
        return {}
    return {
        statement.name: unparse(statement)
        for statement in program.body
        if isinstance(statement, nodes.FunctionDefinition | nodes.ClassDefinition)
    }


def _assigns(source: str) -> bool:
    """Whether an input is an assignment: its value is known to whoever wrote it."""
    return (
        re.match(r"\s*\$\w+(\[[^=]*\])*\s*([-+*/%.&|^]|\*\*|\?\?|<<|>>)?=(?![=~>])", source)
        is not None
    )


def _placed(error: ScriptError) -> str:
    """An error with the line as it was typed: one line less than in what was compiled."""
    from smtpgate.hsl.errors import Position
    from smtpgate.hsl.errors import ScriptError as Error

    if error.position.file != _FILE:
        return error.render()
    place = error.position
    line = max(1, place.line - 1)
    return Error(error.message, Position(_FILE, line, place.column), error.source_line).render()


def show(value: Any) -> str:
    """A value as a script would write it."""
    from smtpgate.hsl.values import to_string

    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
            return '"' + escaped.replace("\n", "\\n").replace("\r", "\\r") + '"'
        case int() | float():
            return to_string(float(value))
        case list():
            return f"[{', '.join(show(item) for item in value)}]"
        case dict():
            pairs = (f"{show(key)} => {show(item)}" for key, item in value.items())
            return f"[{', '.join(pairs)}]"
    return f"<{type(value).__name__.lower()}>"


def _print(text: str) -> None:
    from smtpgate.cli.run import write

    write(text)


def incomplete(text: str) -> bool:
    """Whether a bracket is open, so that more lines have to follow."""
    visible = _QUIET.sub("", text)
    return sum(visible.count(opening) for opening in "([{") > sum(
        visible.count(closing) for closing in ")]}"
    )


def _from_pipe() -> Iterator[str]:
    """Inputs from something that is no terminal: a line each, or more while brackets are open."""
    pending = ""
    for line in sys.stdin:
        pending += line
        if not incomplete(pending):
            yield pending.rstrip("\n")
            pending = ""
    if pending:
        yield pending


def _from_terminal(session: Session) -> Iterator[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.completion import WordCompleter
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory

    from smtpgate import __version__
    from smtpgate.hsl.library import FUNCTIONS

    words = sorted({*FUNCTIONS, *_KEYWORDS, ":python", ":reset", ":help", ":quit"})

    def candidates() -> list[str]:
        return [*words, *(f"${name}" for name in session.variables if name != _RESULT)]

    prompt: PromptSession[str] = PromptSession(
        history=FileHistory(Path(_HISTORY).expanduser()),
        completer=WordCompleter(candidates, pattern=re.compile(r"[:$]?\w*")),
        complete_while_typing=False,
        prompt_continuation="... ",
        multiline=Condition(lambda: incomplete(prompt.default_buffer.document.text)),
    )
    print(f"smtpgate {__version__}; :help shows what there is, Ctrl-D ends")
    while True:
        try:
            yield prompt.prompt("> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
