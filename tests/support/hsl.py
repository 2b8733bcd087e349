"""Run scripts on a Clock, and see what they echo."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from smtpgate.hsl.errors import ScriptErrors, ScriptRuntimeError
from smtpgate.hsl.runtime import CORE, Context, Environment, Limits, Script, Texts, compile_script
from smtpgate.hsl.values import to_string


class Run:
    """One execution: its lines of output, and its outcome or error when it has ended."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.value: Any = None
        self.error: Exception | None = None
        self.ended = False
        self.deferred: Deferred[Any] | None = None


class Machine:
    """An environment on a Clock that collects what scripts echo."""

    def __init__(self, limits: Limits | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.environment = Environment(self.clock, limits or Limits(), **settings)

    def start(
        self,
        source: str | Script,
        variables: dict[str, Any] | None = None,
        context: Context = CORE,
        files: dict[str, str] | None = None,
    ) -> Run:
        """Begin to run a script; it may wait."""
        run = Run()
        lines = run.lines
        if isinstance(source, Script):
            script = source
        else:
            sources = None if files is None else Texts(files)
            script = compile_script(source, "test.hsl", context, sources)
        environment = self.environment
        # Each run has an environment that differs in where its echo goes.
        own = Environment(
            self.clock,
            environment.limits,
            echo=lambda text, _execution: lines.append(text),
            syslog=environment.syslog,
            store=environment.store,
            files=environment.files,
            hostname="host.example.org",
        )
        own.turns = environment.turns
        given: dict[str, Any] = {} if variables is None else variables
        for name in context.writable:
            given.setdefault(name, None)
        try:
            result = script.run(given, own)
        except Exception as error:  # noqa: BLE001
            run.error, run.ended = error, True
            return run
        if isinstance(result, Deferred):
            run.deferred = result
            result.addCallbacks(lambda o: self._ended(run, o), lambda f: self._failed(run, f))
        else:
            self._ended(run, result)
        return run

    @staticmethod
    def _ended(run: Run, outcome: Any) -> None:
        run.value, run.ended = outcome.value, True

    @staticmethod
    def _failed(run: Run, failure: Any) -> None:
        run.error, run.ended = failure.value, True


def echo(source: str, **settings: Any) -> list[str]:
    """What a script echoes; its error is raised."""
    run = Machine().start(source, **settings)
    if run.error is not None:
        raise run.error
    assert run.ended, "the script waits"
    return run.lines


def value(expression: str, before: str = "") -> str:
    """What an expression echoes."""
    (line,) = echo(f"{before} echo {expression};")
    return line


def error(source: str, **settings: Any) -> str:
    """The error of a script as ``LINE:COLUMN: message``."""
    try:
        run = Machine(settings.pop("limits", None)).start(source, **settings)
    except ScriptErrors as errors:
        return "\n".join(str(each).removeprefix("test.hsl:") for each in errors.errors)
    assert isinstance(run.error, ScriptRuntimeError), run.error
    return str(run.error).removeprefix("test.hsl:")


__all__ = ["Machine", "Run", "echo", "error", "to_string", "value"]
