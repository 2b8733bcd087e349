"""The syntax tree: one frozen dataclass a construct, each with its position.

``position`` is the construct's own token: an operator's for an operation, the
name's for a call, the keyword's for a statement.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

from smtpgate.hsl.nodes.expressions import (
    AnonymousFunction,
    ArrayLiteral,
    Assign,
    Binary,
    BinaryOperator,
    Cached,
    CacheOption,
    Call,
    Coalesce,
    Constant,
    Element,
    Expression,
    FunctionName,
    Interpolation,
    Isset,
    Logical,
    Parameter,
    Pattern,
    PatternItem,
    Property,
    Slice,
    StaticMember,
    Step,
    Subscript,
    Ternary,
    Unary,
    UnaryOperator,
    Unset,
    Variable,
)
from smtpgate.hsl.nodes.node import Node
from smtpgate.hsl.nodes.statements import (
    Barrier,
    Block,
    Break,
    Case,
    ClassDefinition,
    ClassFunction,
    ClassVariable,
    Continue,
    Echo,
    ExpressionStatement,
    For,
    Foreach,
    FunctionDefinition,
    Global,
    If,
    ImportData,
    ImportedName,
    ImportModule,
    ImportSymbols,
    Include,
    Path,
    Program,
    Return,
    Statement,
    Switch,
    While,
)


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

__all__ = [
    "AnonymousFunction", "ArrayLiteral", "Assign", "Barrier", "Binary", "BinaryOperator", "Block",
    "Break", "CacheOption", "Cached", "Call", "Case", "ClassDefinition", "ClassFunction",
    "ClassVariable", "Coalesce", "Constant", "Continue", "Echo", "Element", "Expression",
    "ExpressionStatement", "For", "Foreach", "FunctionDefinition", "FunctionName", "Global", "If",
    "ImportData", "ImportModule", "ImportSymbols", "ImportedName", "Include", "Interpolation",
    "Isset", "Logical", "Node", "Parameter", "Path", "Pattern", "PatternItem", "Program",
    "Property", "Return", "Slice", "Statement", "StaticMember", "Step", "Subscript", "Switch",
    "Ternary", "Unary", "UnaryOperator", "Unset", "Variable", "While", "within",
]  # fmt: skip
