"""One Python function in the making, and what all functions of a script share."""

from __future__ import annotations

import ast
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from smtpgate.hsl import nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.kinds import Kinds
from smtpgate.hsl.constants import UNKNOWN, Folder
from smtpgate.hsl.errors import Position, ScriptSyntaxError
from smtpgate.hsl.resolver import Library
from smtpgate.hsl.runtime.environment import Context
from smtpgate.hsl.scopes import Kind, Resolution, Scope, Variable

#: Blocks that one Python function may nest is 20; the rest is for what a loop needs.
MOST_BLOCKS = 14


class Unit:
    """A whole script: its constants, names and places."""

    def __init__(
        self, resolution: Resolution, library: Library, context: Context, folder: Folder
    ) -> None:
        self.resolution = resolution
        self.library = library
        self.context = context
        self.folder = folder
        self.kinds = Kinds(resolution, library, folder)
        #: Constants of the generated module, by name.
        self.constants: dict[str, Any] = {}
        self._by_value: dict[Any, str] = {}
        #: Python's name of a function -> the script's.
        self.names: dict[str, str] = {}
        #: Where a variable is read that Python may find without a value.
        self.reads: dict[tuple[str, int, int], str] = {}
        self.errors: list[ScriptSyntaxError] = []
        self.waits = False
        #: Kept functions without effect; and those that end the script, and do not wait.
        self.harmless: set[str] = set()
        self.final: set[str] = set()
        #: Functions and classes that are made once, outside the main function.
        self.top: list[ast.stmt] = []
        #: The Python function that owns a scope's variables.
        self.owners: dict[Scope, Code] = {}
        self.started_modules: set[Scope] = set()
        self._number = 0
        self.bases: list[tuple[int, str, list[str]]] = []
        self._base_of: dict[str, int] = {}
        base = 0
        for file, lines in resolution.files.items():
            self.bases.append((base, file, lines))
            self._base_of[file] = base
            base += len(lines) + 1

    def fresh(self, prefix: str) -> str:
        self._number += 1
        return f"{prefix}{self._number}"

    def line(self, position: Position) -> int:
        """A place's line in the code: files lie one behind the other."""
        return self._base_of.get(position.file, 0) + position.line

    def keep(self, prefix: str, value: Any, identity: Any = None) -> str:
        """The name of a constant; ``identity`` is a key under which it is shared."""
        if identity is not None:
            name = self._by_value.get((prefix, identity))
            if name is not None:
                return name
        name = self.fresh(prefix)
        self.constants[name] = value
        if identity is not None:
            self._by_value[prefix, identity] = name
        return name

    def complain(self, message: str, at: Position) -> None:
        lines = self.resolution.files.get(at.file, [])
        line = lines[at.line - 1] if at.line <= len(lines) else ""
        self.errors.append(ScriptSyntaxError(message, at, line))

    def place(self, line: int, column: int) -> Position:
        """The script's place of a line and a column (from 0) of the code."""
        index = bisect_right(self.bases, line, key=lambda base: base[0] + 1) - 1
        base, file, _ = self.bases[max(index, 0)]
        return Position(file, max(1, line - base), column + 1)


class Code:
    """A Python function being written: its statements and the names it uses."""

    def __init__(self, name: str, scope: Scope, outer: Code | None, loop: bool = False) -> None:
        self.name = name
        self.scope = scope
        self.outer = outer
        #: Whether it is a part of the function around it, made for a deep loop.
        self.loop = loop
        #: Functions and classes that are made in each run of it.
        self.definitions: list[ast.stmt] = []
        self.body: list[ast.stmt] = []
        self.nonlocals: set[str] = set()
        #: Variables it owns that need the mark for "no value", or that others reach.
        self.marked: set[Variable] = set()
        self.reached: set[Variable] = set()
        self.blocks = 0


class Builder:
    """Writes one Python function; the subclasses know one kind of construct each."""

    def __init__(self, unit: Unit, code: Code) -> None:
        self.unit = unit
        self.code = code
        self.scope = code.scope
        self.out: list[ast.stmt] = code.body
        #: Variables that have a value here on every path.
        self.defined: set[Variable] = set()

    # --- places --------------------------------------------------------------

    def at(self, node: ast.AST, position: Position) -> None:
        tree.place(node, self.unit.line(position), position.column - 1)

    def emit(self, statement: ast.stmt) -> None:
        self.out.append(statement)

    def within(self, write: Callable[[], None]) -> list[ast.stmt]:
        """The statements that ``write`` emits."""
        outside, self.out = self.out, []
        write()
        inside, self.out = self.out, outside
        return inside or [ast.Pass()]

    def temporary(self) -> str:
        return self.unit.fresh("t")

    def held(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """A value to be used twice: the first use, and the one after it."""
        if tree.simple(value):
            return value, tree.again(value)
        name = self.temporary()
        return tree.walrus(name, value), tree.load(name)

    # --- expressions ---------------------------------------------------------

    def expression(self, node: nodes.Expression) -> ast.expr:
        """The Python expression of a script's expression."""
        raise AssertionError("expressions are compiled by a subclass")

    def test(self, node: nodes.Expression) -> ast.expr:
        """The same where only its truth counts."""
        raise AssertionError("expressions are compiled by a subclass")

    def kind(self, node: nodes.Expression) -> Kind:
        return self.unit.kinds.of(node, self.scope) or Kind.OTHER

    def folded(self, node: nodes.Expression | None) -> Any:
        return self.unit.folder.value(node)

    def constant_value(self, value: Any) -> ast.expr:
        """A value known now; arrays are shared, and copied when they are written to."""
        if isinstance(value, list):
            if not value:
                return ast.List([], ast.Load())
            return tree.load(self.unit.keep("K", value))
        if isinstance(value, dict):
            return tree.load(self.unit.keep("K", value))
        if isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if isinstance(value, float) and (value != value or value in (_INFINITE, -_INFINITE)):
            return tree.load(self.unit.keep("K", value))
        return tree.constant(value)

    # --- variables -----------------------------------------------------------

    def touch(self, variable: Variable) -> str:
        """The Python name of a variable, reachable from here."""
        owner = self.unit.owners[variable.scope]
        if owner is not self.code:
            owner.reached.add(variable)
            code: Code | None = self.code
            while code is not owner:
                assert code is not None, "what is not bound reaches no variable outside"
                code.nonlocals.add(variable.python)
                code = code.outer
        return variable.python

    def find(self, name: str) -> Variable:
        return self.scope.variables[name]

    def is_defined(self, variable: Variable) -> bool:
        if variable.parameter and not variable.unset:
            return variable.scope is self.scope
        return variable in self.defined

    def define(self, variable: Variable) -> None:
        # What is unset anywhere may be gone again, in the next turn of a loop for one.
        if not variable.unset:
            self.defined.add(variable)

    def read_raw(self, variable: Variable) -> ast.expr:
        """The variable, or the mark for "no value"."""
        if not self.is_defined(variable):
            self.unit.owners[variable.scope].marked.add(variable)
        return tree.load(self.touch(variable))


_INFINITE = float("inf")

__all__ = ["MOST_BLOCKS", "UNKNOWN", "Builder", "Code", "Unit"]
