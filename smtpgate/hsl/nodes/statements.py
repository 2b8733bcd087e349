"""The nodes of statements, and of a whole script."""

from __future__ import annotations

from typing import TypeAlias

from smtpgate.hsl.nodes.expressions import ArrayLiteral, Expression, Parameter, Variable
from smtpgate.hsl.nodes.node import Node, construct


@construct
class ExpressionStatement(Node):
    expression: Expression


@construct
class Echo(Node):
    value: Expression


@construct
class Block(Node):
    """A bare ``{ ... }``; it opens no scope."""

    body: tuple[Statement, ...]


@construct
class If(Node):
    """An else-if ladder is flat: one branch a condition."""

    branches: tuple[tuple[Expression, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]


@construct
class For(Node):
    initial: tuple[Expression, ...]
    condition: Expression | None
    final: tuple[Expression, ...]
    body: tuple[Statement, ...]


@construct
class Foreach(Node):
    """``value`` is a variable, or a pattern (later manuals)."""

    iterable: Expression
    key: Variable | None
    value: Expression
    body: tuple[Statement, ...]


@construct
class While(Node):
    """``forever`` is a While without a condition."""

    condition: Expression | None
    body: tuple[Statement, ...]


@construct
class Case(Node):
    """``case test:``; test ``None`` is ``default:``."""

    test: Expression | None
    body: tuple[Statement, ...]


@construct
class Switch(Node):
    subject: Expression
    cases: tuple[Case, ...]


@construct
class Break(Node):
    pass


@construct
class Continue(Node):
    pass


@construct
class Return(Node):
    value: Expression | None


@construct
class Global(Node):
    variables: tuple[Variable, ...]


@construct
class FunctionDefinition(Node):
    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@construct
class ClassVariable(Node):
    name: str
    value: Expression | None
    static: bool = False
    private: bool = False
    readonly: bool = False


@construct
class ClassFunction(Node):
    """A member function; ``name`` is ``constructor`` for the constructor."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    static: bool = False
    private: bool = False


@construct
class ClassDefinition(Node):
    name: str
    variables: tuple[ClassVariable, ...]
    functions: tuple[ClassFunction, ...]


@construct
class Path(Node):
    """The string that names a file."""

    text: str


@construct
class Include(Node):
    path: Path
    once: bool


@construct
class ImportedName(Node):
    """``name as alias`` of an import list; ``variable`` for ``$name``."""

    name: str
    alias: str
    variable: bool


@construct
class ImportSymbols(Node):
    """``import { ... } from "path";``"""

    names: tuple[ImportedName, ...]
    path: Path


@construct
class ImportModule(Node):
    """``import * as alias from "path";``"""

    alias: str
    path: Path


@construct
class ImportData(Node):
    """``import $variable from "path" [with [options]];``"""

    variable: Variable
    path: Path
    options: ArrayLiteral | None


@construct
class Barrier(Node):
    """``barrier name [=> $variable] { ... }``."""

    name: Expression
    variable: Variable | None
    body: tuple[Statement, ...]


Statement: TypeAlias = (
    ExpressionStatement | Echo | Block | If | For | Foreach | While | Switch | Break
    | Continue | Return | Global | FunctionDefinition | ClassDefinition | Include
    | ImportSymbols | ImportModule | ImportData | Barrier
)  # fmt: skip


@construct
class Program(Node):
    """One script file."""

    body: tuple[Statement, ...]
    source: str
