"""The pieces that source is made of, and how tightly each form binds."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from smtpgate.hsl import nodes

# How tightly a form binds, from what takes all that follows to what nothing can split.
(
    ASSIGNMENT, TERNARY, COALESCE, OR, _AND, _EQUALITY, _ORDER, _BIT_OR, _BIT_XOR, _BIT_AND,
    _SHIFT, _CONCATENATION, _SUM, _PRODUCT, PREFIX, POWER, STEPPED, PRIMARY,
) = range(18)  # fmt: skip
LEVELS = {
    operator: level
    for level, operators in (
        (OR, "or"),
        (_AND, "and"),
        (_EQUALITY, "== != === !== =~ !~"),
        (_ORDER, "< > <= >="),
        (_BIT_OR, "|"),
        (_BIT_XOR, "^"),
        (_BIT_AND, "&"),
        (_SHIFT, "<< >>"),
        (_CONCATENATION, "."),
        (_SUM, "+ -"),
        (_PRODUCT, "* / %"),
        (POWER, "**"),
    )
    for operator in operators.split()
}
_TO_ESCAPE = re.compile(r'[\\"$\x00-\x1f\x7f-\xff]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class Operand:
    """An expression where a form that binds less than ``level`` needs parentheses."""

    node: nodes.Expression
    level: int = ASSIGNMENT


@dataclass(frozen=True, slots=True)
class Block:
    """Statements in braces."""

    body: Sequence[nodes.Node]


@dataclass(frozen=True, slots=True)
class Lines:
    """Statements, each on lines of its own, one level deeper than what is around them."""

    body: Sequence[nodes.Node]


#: What a form is written as: text, or what has to be written yet.
Piece: TypeAlias = str | nodes.Node | Operand | Block | Lines
#: How the nodes of a class are written.
Form: TypeAlias = Callable[[Any], list[Piece]]


def level_of(node: nodes.Node) -> int:
    """How tightly a node binds."""
    match node:
        case nodes.Assign():
            return ASSIGNMENT
        case nodes.Ternary():
            return TERNARY
        case nodes.Coalesce():
            return COALESCE
        case nodes.Binary() | nodes.Logical():
            return LEVELS[node.operator]
        case nodes.Unary():
            return PREFIX
        case nodes.Step():
            return PREFIX if node.prefix else STEPPED
        case nodes.Constant(value=bool()):
            return PRIMARY
        case nodes.Constant(value=float() as value) if math.copysign(1, value) < 0:
            return PREFIX
    return PRIMARY


def joined(groups: Iterable[Sequence[Piece]]) -> list[Piece]:
    """Groups of pieces with commas between them."""
    pieces: list[Piece] = []
    for group in groups:
        if pieces:
            pieces.append(", ")
        pieces.extend(group)
    return pieces


def quoted(text: str) -> str:
    """``text`` as a double-quoted string literal."""
    return f'"{escaped(text)}"'


def escaped(text: str) -> str:
    """``text`` as it stands between double quotes."""
    return _TO_ESCAPE.sub(lambda match: _ESCAPES.get(match[0]) or f"\\x{ord(match[0]):02x}", text)
