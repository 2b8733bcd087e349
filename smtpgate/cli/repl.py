"""``smtpgate repl``: the language, line by line.

All inputs belong to one execution.  Variables are kept as predefined ones of the next
input, functions, classes and imports by their source, which stands behind each later one.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from smtpgate.cli.inputs import FILE, assigned, definitions, imports, incomplete, octets
from smtpgate.cli.script import belongs

if TYPE_CHECKING:
    from prompt_toolkit.completion import Completer

    from smtpgate.hsl import nodes
    from smtpgate.hsl.errors import ScriptError
    from smtpgate.hsl.runtime import Environment, Script
    from smtpgate.hsl.runtime.execution import Execution

_HELP = """\
an expression   shows its value
a statement     runs; variables, functions and classes stay
:python         shows the Python code of the last input
:reset          forgets everything
:quit           ends, as Ctrl-D does"""

_COMMANDS = (":python", ":reset", ":help", ":quit")
_HISTORY = "~/.smtpgate_history"
#: Where the value of an expression goes; no script can name it by accident.
_RESULT = "repl_result"
_WORD = re.compile(r"\$?[A-Za-z_]\w*", re.ASCII)


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
        self._execution: Execution | None = None
        self.definitions: dict[str, str] = {}
        self.imports: dict[str, str] = {}
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

        source = octets(text)
        try:
            program, form = _parsed(source)
            if self._unset(program):
                return
            script = self._compile(program, form)
        except ScriptErrors as errors:
            for error in errors.errors:
                print(_placed(error, source))
            return
        self.script = script
        self.variables.pop(_RESULT, None)
        if self._execute(script, source):
            self.definitions.update(definitions(program, self.sources))
            self.imports.update(imports(program))
            if _RESULT in self.variables and not _assigns(program):
                _print(show(self.variables[_RESULT]))

    def _unset(self, program: nodes.Program) -> bool:
        """Forget variables: an input cannot do it itself, as they are the next one's too."""
        from smtpgate.hsl import nodes

        names = []
        for statement in program.body:
            match statement:
                case nodes.ExpressionStatement(
                    expression=nodes.Unset(target=nodes.Variable(name=name))
                    | nodes.Assign(value=nodes.Unset(target=nodes.Variable(name=name)))
                ):
                    names.append(name)
                case _:
                    return False
        for name in names:
            self.variables.pop(name, None)
        return bool(names)

    def _compile(self, program: nodes.Program, text: str) -> Script:
        from smtpgate.hsl.grammar import parse
        from smtpgate.hsl.runtime import Context, compile_script

        again, known = self._needed(program, text)
        names = {_RESULT, *self.variables}
        for each in (program, parse(known, FILE)):
            names |= assigned(each, self.sources)
        names -= {"this", *(name[1:] for name in (*again, *imports(program)) if name[0] == "$")}
        context = Context("repl", writable=frozenset(names), elsewhere=belongs)
        whole = " ".join(again.values()) + text + known
        return compile_script(whole, FILE, context, self.sources)

    def _needed(self, program: nodes.Program, text: str) -> tuple[dict[str, str], str]:
        """The earlier imports and definitions that an input uses, and what they use.

        So a module runs for the inputs that need it, and for no others.
        """
        fresh = {*definitions(program, self.sources), *imports(program)}
        words = set(_WORD.findall(text))
        known: dict[str, str] = {}
        while True:
            more = self.definitions.keys() & words - known.keys() - fresh
            if not more:
                break
            for name in more:
                known[name] = self.definitions[name]
                words.update(_WORD.findall(known[name]))
        again = {name: self.imports[name] for name in self.imports.keys() & words - fresh}
        return again, "\n".join(known.values())

    def _execute(self, script: Script, source: str) -> bool:
        """Run it; print its error. A script that waits keeps the reactor running meanwhile."""
        from twisted.internet.defer import Deferred, maybeDeferred
        from twisted.python.failure import Failure

        from smtpgate.hsl.errors import ScriptError

        outcome: list[Any] = []
        ended: Deferred[Any] = maybeDeferred(self._go_on, script)
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
            print(_placed(error, source))
            return False
        return True

    def _go_on(self, script: Script) -> Any:
        """Run a script as a part of the session's execution.

        Functions and objects belong to the execution that made them: so they live on.
        """
        from smtpgate.hsl.runtime.execution import Execution

        if self._execution is None:
            self._execution = Execution(script, self.variables, self.environment)
        else:
            vars(self._execution).clear()
            self._execution.__init__(  # type: ignore[misc]
                script, self.variables, self.environment
            )
        return (
            self._execution.start()
            if script.can_wait
            else self._execution.run_directly(script.main)
        )


class _Variables(dict[str, Any]):
    """All variables of the session; one that has no value says so when it is read."""

    def __missing__(self, name: str) -> Any:
        from smtpgate.hsl.runtime.tracing import Undefined

        raise Undefined(name)


def _parsed(source: str) -> tuple[nodes.Program, str]:
    """An input as an expression if it is one, otherwise as statements; and what to compile.

    :raises ScriptErrors: of the statements
    """
    from smtpgate.hsl.errors import ScriptErrors
    from smtpgate.hsl.grammar import parse

    # One line in front in both forms: then errors have their places in the same lines.
    text = f"${_RESULT} =\n{source}\n;"
    try:
        return parse(text, FILE), text
    except ScriptErrors:
        text = f"\n{source}\n;"
        return parse(text, FILE), text


def _assigns(program: nodes.Program) -> bool:
    """Whether an input is an assignment: its value is known to whoever wrote it."""
    from smtpgate.hsl import nodes

    match program.body:
        case (nodes.ExpressionStatement(expression=nodes.Assign(value=value)),):
            return isinstance(value, nodes.Assign)
    return False


def _placed(error: ScriptError, source: str) -> str:
    """An error with the line as it was typed: one line less than in what was compiled."""
    from smtpgate.hsl.errors import Position
    from smtpgate.hsl.errors import ScriptError as Error

    if error.position.file != FILE:
        return error.render()
    lines = source.split("\n")
    line, column = max(1, error.position.line - 1), error.position.column
    shown = error.source_line
    if line == len(lines) + 1 and shown.startswith(";"):
        # At the end that was added.
        line, column, shown = len(lines), len(lines[-1]) + 1, lines[-1]
    return Error(error.message, Position(FILE, line, column), shown).render()


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
    return f"<{to_string(value)}>"


def _print(text: str) -> None:
    from smtpgate.cli.run import write

    write(text)


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


def completer(session: Session) -> Completer:
    """Completes keywords, functions, classes, variables and commands."""
    from prompt_toolkit.completion import WordCompleter

    from smtpgate.hsl.grammar.tokens import KEYWORDS
    from smtpgate.hsl.library import CLASSES, FUNCTIONS

    words = {*FUNCTIONS, *CLASSES, *KEYWORDS, *_COMMANDS}

    def candidates() -> list[str]:
        variables = (f"${name}" for name in session.variables if name != _RESULT)
        return sorted({*words, *session.definitions, *session.imports, *variables})

    # The word before the cursor is looked for backwards: its first character is the last one.
    return WordCompleter(candidates, pattern=re.compile(r"\w*[:$]?"))


def _from_terminal(session: Session) -> Iterator[str]:
    from prompt_toolkit import PromptSession
    from prompt_toolkit.filters import Condition
    from prompt_toolkit.history import FileHistory

    from smtpgate import __version__

    prompt: PromptSession[str] = PromptSession(
        history=FileHistory(Path(_HISTORY).expanduser()),
        completer=completer(session),
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
