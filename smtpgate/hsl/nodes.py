"""The syntax tree: one frozen dataclass a construct, each with its position.

``position`` is the construct's own token: an operator's for an operation, the
name's for a call, the keyword's for a statement.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal as Choice
from typing import TypeAlias

from smtpgate.hsl.errors import Position


@dataclass(frozen=True, slots=True)
class Node:
    position: Position


# --- expressions --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Constant(Node):
    """A number (always a float), string (one character an octet), boolean or none."""

    value: float | str | bool | None


@dataclass(frozen=True, slots=True)
class Interpolation(Node):
    """A double-quoted string with variables: text and variables in order."""

    parts: tuple[str | Variable, ...]


@dataclass(frozen=True, slots=True)
class Element(Node):
    """One item of an array literal or one argument: ``[key =>] [...] value``."""

    value: Expression
    key: Expression | None = None
    spread: bool = False


@dataclass(frozen=True, slots=True)
class ArrayLiteral(Node):
    """``[...]`` or ``array(...)``."""

    elements: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class Variable(Node):
    """``$name``, without the dollar sign."""

    name: str


@dataclass(frozen=True, slots=True)
class FunctionName(Node):
    """A bare or ``builtin`` function (or class) name used as a value."""

    name: str
    builtin: bool = False


@dataclass(frozen=True, slots=True)
class StaticMember(Node):
    """``scope::name`` or ``scope::$name``; scope ``None`` is the keyword ``static``."""

    scope: str | None
    name: str
    variable: bool


@dataclass(frozen=True, slots=True)
class Subscript(Node):
    """``target[index]``; index ``None`` is the append form ``target[]``."""

    target: Expression
    index: Expression | None


@dataclass(frozen=True, slots=True)
class Slice(Node):
    """``target[start:stop:step]``."""

    target: Expression
    start: Expression | None
    stop: Expression | None
    step: Expression | None


@dataclass(frozen=True, slots=True)
class Property(Node):
    """``target->name``."""

    target: Expression
    name: str


@dataclass(frozen=True, slots=True)
class Call(Node):
    """``callee(arguments)``; callee is a FunctionName, a StaticMember or any expression."""

    callee: Expression
    arguments: tuple[Element, ...]


@dataclass(frozen=True, slots=True)
class CacheOption(Node):
    name: str
    value: Expression


@dataclass(frozen=True, slots=True)
class Cached(Node):
    """``cache [options] call``."""

    options: tuple[CacheOption, ...]
    call: Call


UnaryOperator: TypeAlias = Choice["-", "+", "!", "~"]
BinaryOperator: TypeAlias = Choice[
    "+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>",
    "==", "!=", "===", "!==", "<", ">", "<=", ">=", "=~", "!~",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Unary(Node):
    """``not`` is parsed to ``!``."""

    operator: UnaryOperator
    operand: Expression


@dataclass(frozen=True, slots=True)
class Step(Node):
    """``++`` and ``--``, before or after their variable."""

    operator: Choice["++", "--"]
    target: Expression
    prefix: bool


@dataclass(frozen=True, slots=True)
class Binary(Node):
    operator: BinaryOperator
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Logical(Node):
    operator: Choice["and", "or"]
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Ternary(Node):
    """``test ? then : otherwise``; then ``None`` is the elvis form."""

    test: Expression
    then: Expression | None
    otherwise: Expression


@dataclass(frozen=True, slots=True)
class Coalesce(Node):
    """``left ?? right``."""

    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class PatternItem(Node):
    """One target of a destructuring pattern: ``[key =>] [...]target [= default]``."""

    target: Expression
    key: Expression | None = None
    default: Expression | None = None
    rest: bool = False


@dataclass(frozen=True, slots=True)
class Pattern(Node):
    """The left side of a destructuring assignment; nested patterns are targets too."""

    items: tuple[PatternItem, ...]


@dataclass(frozen=True, slots=True)
class Assign(Node):
    """``target operator= value``; operator ``None`` is plain assignment."""

    target: Expression
    operator: BinaryOperator | None
    value: Expression


@dataclass(frozen=True, slots=True)
class Isset(Node):
    target: Expression


@dataclass(frozen=True, slots=True)
class Unset(Node):
    target: Expression


@dataclass(frozen=True, slots=True)
class Parameter(Node):
    """``$name [= default]`` or ``...$name``."""

    name: str
    default: Expression | None = None
    variadic: bool = False


@dataclass(frozen=True, slots=True)
class AnonymousFunction(Node):
    """``function (parameters) [closure (captures)] { body }``."""

    parameters: tuple[Parameter, ...]
    captures: tuple[Variable, ...]
    body: tuple[Statement, ...]


Expression: TypeAlias = (
    Constant | Interpolation | ArrayLiteral | Variable | FunctionName | StaticMember
    | Subscript | Slice | Property | Call | Cached | Unary | Step | Binary | Logical
    | Ternary | Coalesce | Pattern | Assign | Isset | Unset | AnonymousFunction
)  # fmt: skip


# --- statements ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExpressionStatement(Node):
    expression: Expression


@dataclass(frozen=True, slots=True)
class Echo(Node):
    value: Expression


@dataclass(frozen=True, slots=True)
class Block(Node):
    """A bare ``{ ... }``; it opens no scope."""

    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class If(Node):
    """An else-if ladder is flat: one branch a condition."""

    branches: tuple[tuple[Expression, tuple[Statement, ...]], ...]
    otherwise: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class For(Node):
    initial: tuple[Expression, ...]
    condition: Expression | None
    final: tuple[Expression, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Foreach(Node):
    """``value`` is a variable, or a pattern (later manuals)."""

    iterable: Expression
    key: Variable | None
    value: Expression
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class While(Node):
    """``forever`` is a While without a condition."""

    condition: Expression | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Case(Node):
    """``case test:``; test ``None`` is ``default:``."""

    test: Expression | None
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class Switch(Node):
    subject: Expression
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Break(Node):
    pass


@dataclass(frozen=True, slots=True)
class Continue(Node):
    pass


@dataclass(frozen=True, slots=True)
class Return(Node):
    value: Expression | None


@dataclass(frozen=True, slots=True)
class Global(Node):
    variables: tuple[Variable, ...]


@dataclass(frozen=True, slots=True)
class FunctionDefinition(Node):
    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]


@dataclass(frozen=True, slots=True)
class ClassVariable(Node):
    name: str
    value: Expression | None
    static: bool = False
    private: bool = False
    readonly: bool = False


@dataclass(frozen=True, slots=True)
class ClassFunction(Node):
    """A member function; ``name`` is ``constructor`` for the constructor."""

    name: str
    parameters: tuple[Parameter, ...]
    body: tuple[Statement, ...]
    static: bool = False
    private: bool = False


@dataclass(frozen=True, slots=True)
class ClassDefinition(Node):
    name: str
    variables: tuple[ClassVariable, ...]
    functions: tuple[ClassFunction, ...]


@dataclass(frozen=True, slots=True)
class Path(Node):
    """The string that names a file."""

    text: str


@dataclass(frozen=True, slots=True)
class Include(Node):
    path: Path
    once: bool


@dataclass(frozen=True, slots=True)
class ImportedName(Node):
    """``name as alias`` of an import list; ``variable`` for ``$name``."""

    name: str
    alias: str
    variable: bool


@dataclass(frozen=True, slots=True)
class ImportSymbols(Node):
    """``import { ... } from "path";``"""

    names: tuple[ImportedName, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class ImportModule(Node):
    """``import * as alias from "path";``"""

    alias: str
    path: Path


@dataclass(frozen=True, slots=True)
class ImportData(Node):
    """``import $variable from "path" [with [options]];``"""

    variable: Variable
    path: Path
    options: ArrayLiteral | None


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Program(Node):
    """One script file."""

    body: tuple[Statement, ...]
    source: str
