"""The syntax tree: one frozen dataclass a construct, each with its position.

``position`` is the construct's own token: an operator's for an operation, the
name's for a call, the keyword's for a statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Literal as Choice
from typing import TypeAlias, TypeVar, dataclass_transform

from smtpgate.hsl.errors import Position

Made = TypeVar("Made")


@dataclass_transform(frozen_default=True)
def construct(made: type[Made]) -> type[Made]:
    """A class of the tree, all of whose fields are given to make one.

    That nobody changes a node is for the type checker to see.  At run time a class has its own
    constructor, and the rest from :class:`Node`: to make full dataclasses, fifty of them, took
    longer than to parse ten scripts, and to make their nodes three times as long.
    """
    return dataclass(slots=True, eq=False, repr=False)(made)


@construct
class Node:
    """What all constructs have."""

    position: Position

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _values(self) == _values(other)

    def __hash__(self) -> int:
        return hash(_values(self))

    def __repr__(self) -> str:
        shown = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self))
        return f"{type(self).__name__}({', '.join(shown)})"


def _values(node: object) -> tuple[object, ...]:
    return tuple(getattr(node, field.name) for field in fields(node))  # type: ignore[arg-type]


# --- expressions --------------------------------------------------------------


@construct
class Constant(Node):
    """A number (always a float), string (one character an octet), boolean or none."""

    value: float | str | bool | None


@construct
class Interpolation(Node):
    """A double-quoted string with variables: text and variables in order."""

    parts: tuple[str | Variable, ...]


@construct
class Element(Node):
    """One item of an array literal or one argument: ``[key =>] [...] value``."""

    value: Expression
    key: Expression | None = None
    spread: bool = False


@construct
class ArrayLiteral(Node):
    """``[...]`` or ``array(...)``."""

    elements: tuple[Element, ...]


@construct
class Variable(Node):
    """``$name``, without the dollar sign."""

    name: str


@construct
class FunctionName(Node):
    """A bare or ``builtin`` function (or class) name used as a value."""

    name: str
    builtin: bool = False


@construct
class StaticMember(Node):
    """``scope::name`` or ``scope::$name``; scope ``None`` is the keyword ``static``."""

    scope: str | None
    name: str
    variable: bool


@construct
class Subscript(Node):
    """``target[index]``; index ``None`` is the append form ``target[]``."""

    target: Expression
    index: Expression | None


@construct
class Slice(Node):
    """``target[start:stop:step]``."""

    target: Expression
    start: Expression | None
    stop: Expression | None
    step: Expression | None


@construct
class Property(Node):
    """``target->name``."""

    target: Expression
    name: str


@construct
class Call(Node):
    """``callee(arguments)``; callee is a FunctionName, a StaticMember or any expression."""

    callee: Expression
    arguments: tuple[Element, ...]


@construct
class CacheOption(Node):
    name: str
    value: Expression


@construct
class Cached(Node):
    """``cache [options] call``."""

    options: tuple[CacheOption, ...]
    call: Call


UnaryOperator: TypeAlias = Choice["-", "+", "!", "~"]
BinaryOperator: TypeAlias = Choice[
    "+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>",
    "==", "!=", "===", "!==", "<", ">", "<=", ">=", "=~", "!~",
]  # fmt: skip


@construct
class Unary(Node):
    """``not`` is parsed to ``!``."""

    operator: UnaryOperator
    operand: Expression


@construct
class Step(Node):
    """``++`` and ``--``, before or after their variable."""

    operator: Choice["++", "--"]
    target: Expression
    prefix: bool


@construct
class Binary(Node):
    operator: BinaryOperator
    left: Expression
    right: Expression


@construct
class Logical(Node):
    operator: Choice["and", "or"]
    left: Expression
    right: Expression


@construct
class Ternary(Node):
    """``test ? then : otherwise``; then ``None`` is the elvis form."""

    test: Expression
    then: Expression | None
    otherwise: Expression


@construct
class Coalesce(Node):
    """``left ?? right``."""

    left: Expression
    right: Expression


@construct
class PatternItem(Node):
    """One target of a destructuring pattern: ``[key =>] [...]target [= default]``."""

    target: Expression
    key: Expression | None = None
    default: Expression | None = None
    rest: bool = False


@construct
class Pattern(Node):
    """The left side of a destructuring assignment; nested patterns are targets too."""

    items: tuple[PatternItem, ...]


@construct
class Assign(Node):
    """``target operator= value``; operator ``None`` is plain assignment."""

    target: Expression
    operator: BinaryOperator | None
    value: Expression


@construct
class Isset(Node):
    target: Expression


@construct
class Unset(Node):
    target: Expression


@construct
class Parameter(Node):
    """``$name [= default]`` or ``...$name``."""

    name: str
    default: Expression | None = None
    variadic: bool = False


@construct
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


def within(node: object, *, functions: bool = False) -> Iterator[Node]:
    """A node, or nodes, and all that is inside, in no order; functions and classes are left
    out, or looked into as well."""
    pending = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, tuple):
            pending.extend(each)
        elif isinstance(each, Node) and (functions or not isinstance(each, _OWN_SCOPES)):
            yield each
            pending.extend(getattr(each, field.name) for field in fields(each))


_OWN_SCOPES = (FunctionDefinition, AnonymousFunction, ClassDefinition)
