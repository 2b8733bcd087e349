"""Short names for the nodes of Python's syntax tree that the compiler makes."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from smtpgate.hsl.errors import Position


def load(name: str) -> ast.Name:
    return ast.Name(name, ast.Load())


def constant(value: Any) -> ast.Constant:
    return ast.Constant(value)


def call(function: str | ast.expr, *arguments: ast.expr) -> ast.Call:
    target = load(function) if isinstance(function, str) else function
    return ast.Call(target, list(arguments), [])


def assign(name: str, value: ast.expr) -> ast.Assign:
    return ast.Assign([ast.Name(name, ast.Store())], value)


def walrus(name: str, value: ast.expr) -> ast.NamedExpr:
    return ast.NamedExpr(ast.Name(name, ast.Store()), value)


def choose(test: ast.expr, then: ast.expr, otherwise: ast.expr) -> ast.IfExp:
    return ast.IfExp(test, then, otherwise)


def compare(left: ast.expr, operator: ast.cmpop, right: ast.expr) -> ast.Compare:
    return ast.Compare(left, [operator], [right])


def is_class(value: ast.expr, kind: str) -> ast.Compare:
    """``value.__class__ is kind``: exact, and cheaper than a call."""
    return compare(ast.Attribute(value, "__class__", ast.Load()), ast.Is(), load(kind))


def last(*values: ast.expr) -> ast.expr:
    """Evaluate all in order; the value is the last one's."""
    if len(values) == 1:
        return values[0]
    return ast.Subscript(ast.Tuple(list(values), ast.Load()), ast.Constant(-1), ast.Load())


def items(values: Sequence[ast.expr]) -> ast.Tuple:
    return ast.Tuple(list(values), ast.Load())


def attribute(value: str, name: str) -> ast.Attribute:
    return ast.Attribute(load(value), name, ast.Load())


def simple(node: ast.expr) -> bool:
    """Whether an expression may stand in the code twice: cheap and without effects."""
    return isinstance(node, (ast.Name, ast.Constant))


def again(node: ast.expr) -> ast.expr:
    """A second node like a simple one; the same node must not be in a tree twice."""
    if isinstance(node, ast.Name):
        made: ast.expr = ast.Name(node.id, ast.Load())
    else:
        assert isinstance(node, ast.Constant)
        made = ast.Constant(node.value)
    if hasattr(node, "lineno"):
        place(made, node.lineno, node.col_offset)
    return made


def place(node: ast.AST, line: int, column: int) -> None:
    """Give a node its place unless it has one."""
    if not hasattr(node, "lineno"):
        node.lineno = node.end_lineno = line  # type: ignore[attr-defined]
        node.col_offset = column  # type: ignore[attr-defined]
        node.end_col_offset = column + 1  # type: ignore[attr-defined]


def fill_places(tree: ast.AST) -> None:
    """Nodes without a place get that of the node around them; needs no Python stack."""
    todo: list[tuple[ast.AST, int, int]] = [(tree, 1, 0)]
    while todo:
        node, line, column = todo.pop()
        if "lineno" in node._attributes:
            if hasattr(node, "lineno"):
                line, column = node.lineno, node.col_offset  # type: ignore[attr-defined]
            else:
                place(node, line, column)
        todo += [(child, line, column) for child in ast.iter_child_nodes(node)]


def deepest(tree: ast.AST, limit: int) -> tuple[int, int] | None:
    """Line and column (from 0) of a node that lies deeper than ``limit``, if one does."""
    level: list[ast.AST] = [tree]
    for _ in range(limit):
        level = [child for node in level for child in ast.iter_child_nodes(node)]
        if not level:
            return None
    for node in level:
        if isinstance(node, (ast.expr, ast.stmt)):
            return node.lineno, node.col_offset
    return 1, 0


__all__ = [
    "Position", "again", "assign", "attribute", "call", "choose", "compare", "constant",
    "deepest", "fill_places", "is_class", "items", "last", "load", "place", "simple", "walrus",
]  # fmt: skip
