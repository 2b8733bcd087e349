"""The nodes of expressions, and of what they are made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as Choice

from smtpgate.hsl.nodes.node import Node, construct

if TYPE_CHECKING:
    from smtpgate.hsl.nodes.statements import Statement


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
