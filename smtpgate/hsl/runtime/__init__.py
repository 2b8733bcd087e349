"""The language's API: compile a script once, run it many times.

A script that neither waits nor loops is called directly.  Any other is tried so first, as
far as it goes without effects (``compiler.trial``), and then runs in a pooled greenlet
(``waiting``); one that once took long all the same is not tried again.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, MutableMapping
from types import CodeType
from typing import TYPE_CHECKING, Any

from smtpgate.hsl.errors import Position
from smtpgate.hsl.limits import Limits
from smtpgate.hsl.runtime.environment import CORE, Context, Environment, Outcome
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.sources import NoFiles, ScriptFileError, ScriptRoot, Sources, Texts
from smtpgate.hsl.values import Value

if TYPE_CHECKING:
    from twisted.internet.defer import Deferred


class Script:
    """A compiled script; made by :func:`compile_script`."""

    __slots__ = (
        "_bases", "_names", "_reads", "_show", "context", "direct", "file", "main", "position",
        "tag", "warnings",
    )  # fmt: skip

    def __init__(
        self,
        file: str,
        context: Context,
        *,
        main: Callable[[Execution, MutableMapping[str, Value]], Any],
        tag: str,
        show: Callable[[], str],
        bases: list[tuple[int, str, list[str]]],
        names: dict[str, str],
        reads: dict[tuple[str, int, int], str],
        warnings: tuple[str, ...],
        direct: Callable[[Execution, MutableMapping[str, Value]], Any] | None,
    ) -> None:
        self.file = file
        self.context = context
        self.main = main
        #: What its code objects have for a file name; no other script's have it.
        self.tag = tag
        self.position = Position(file, 1, 1)
        #: ``FILE:LINE:COLUMN: message`` of what compiles and is likely a mistake.
        self.warnings = warnings
        #: What runs without a greenlet: ``main``; or the trial of a script that waits, loops
        #: or calls its own functions; or none, if it has had much work to do.
        self.direct = direct
        self._show = show
        self._bases = bases
        self._names = names
        self._reads = reads

    def run(
        self, variables: MutableMapping[str, Value], environment: Environment
    ) -> Outcome | Deferred[Outcome]:
        """Run the script; a Deferred only if it really waits, whose cancel() cancels it.

        :param variables: the context's predefined variables by name; may be lazy
            (``__missing__``); writable ones are assigned back into it
        :raises ScriptRuntimeError: a fault in the script
        :raises ScriptBudgetError: a limit of the environment was reached
        :raises ScriptCancelled: it was cancelled (by errback)
        """
        execution = Execution(self, variables, environment)
        outcome: Outcome | Deferred[Outcome] | None
        if self.direct is not None:
            outcome = execution.run_directly(self.direct)
            if outcome is not None:
                return outcome
            execution = Execution(self, variables, environment)
        outcome = execution.start()
        return outcome

    @property
    def can_wait(self) -> bool:
        """Whether it may need a greenlet."""
        return self.direct is not self.main

    @property
    def python(self) -> str:
        """The Python code the script was compiled to."""
        return self._show()

    def locate(self, line: int, column: int) -> Position:
        """The place in the script of a line and a column (from 0) of the code."""
        index = bisect_right(self._bases, line, key=lambda base: base[0] + 1) - 1
        base, file, _ = self._bases[max(index, 0)]
        return Position(file, max(1, line - base), column + 1)

    def source_line(self, place: Position) -> str:
        for _, file, lines in self._bases:
            if file == place.file and place.line <= len(lines):
                return lines[place.line - 1]
        return ""

    def function_name(self, code: CodeType) -> str:
        """The script's name of the function whose code this is."""
        return self._names.get(code.co_name, code.co_name)

    def variable_at(self, place: Position) -> str:
        """The name of the variable that is read at a place; "" if none is."""
        return self._reads.get((place.file, place.line, place.column), "")


_CACHE_SIZE = 256
_cache: OrderedDict[tuple[str, str, int], tuple[Context, Script]] = OrderedDict()


def compile_script(
    source: str, file: str, context: Context = CORE, sources: Sources | None = None
) -> Script:
    """Compile a script for a context.

    A script without ``sources`` is compiled once and then shared, by content.

    :param source: one character an octet (latin-1)
    :param file: its name in positions
    :raises ScriptErrors: with every independent error, in source order
    """
    from smtpgate.hsl.compiler import compile_program

    if sources is not None:
        return compile_program(source, file, context, sources)
    key = (source, file, id(context))
    found = _cache.get(key)
    if found is not None:
        _cache.move_to_end(key)
        return found[1]
    script = compile_program(source, file, context, NoFiles())
    # The context is kept with its script: an id means it only while it lives.
    _cache[key] = (context, script)
    if len(_cache) > _CACHE_SIZE:
        _cache.popitem(last=False)
    return script


__all__ = [
    "CORE", "Context", "Environment", "Execution", "Limits", "NoFiles", "Outcome", "Script",
    "ScriptFileError", "ScriptRoot", "Sources", "Texts", "compile_script",
]  # fmt: skip
