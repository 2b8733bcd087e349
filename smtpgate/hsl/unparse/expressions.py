"""How expressions are written."""

from __future__ import annotations

import math
from collections.abc import Iterable

from smtpgate.hsl import nodes
from smtpgate.hsl.unparse.pieces import (
    COALESCE,
    LEVELS,
    OR,
    POWER,
    PREFIX,
    PRIMARY,
    STEPPED,
    TERNARY,
    Block,
    Form,
    Operand,
    Piece,
    escaped,
    joined,
    level_of,
    quoted,
)


def _element(element: nodes.Element) -> list[Piece]:
    pieces: list[Piece] = []
    if element.key is not None:
        pieces += [Operand(element.key), " => "]
    if element.spread:
        pieces.append("...")
    return [*pieces, Operand(element.value)]


def _elements(elements: Iterable[nodes.Element]) -> list[Piece]:
    return joined(_element(element) for element in elements)


def _pattern_item(item: nodes.PatternItem) -> list[Piece]:
    pieces: list[Piece] = []
    if item.key is not None:
        pieces += [Operand(item.key), " => "]
    if item.rest:
        pieces.append("...")
    pieces.append(item.target)
    if item.default is not None:
        pieces += [" = ", Operand(item.default)]
    return pieces


def _parameter(parameter: nodes.Parameter) -> list[Piece]:
    if parameter.variadic:
        return [f"...${parameter.name}"]
    if parameter.default is None:
        return [f"${parameter.name}"]
    return [f"${parameter.name} = ", Operand(parameter.default)]


def parameters(given: Iterable[nodes.Parameter]) -> list[Piece]:
    """The parameters of a function, in parentheses."""
    return ["(", *joined(_parameter(parameter) for parameter in given), ") "]


def _number(value: float) -> str:
    if math.isnan(value):
        return "(1e999 - 1e999)"
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return repr(float(value)).removesuffix(".0")


def _constant(node: nodes.Constant) -> list[Piece]:
    if node.value is None:
        return ["none"]
    if isinstance(node.value, bool):
        return ["true" if node.value else "false"]
    return [quoted(node.value) if isinstance(node.value, str) else _number(node.value)]


def _interpolation(node: nodes.Interpolation) -> list[Piece]:
    parts = (escaped(part) if isinstance(part, str) else f"${{{part.name}}}" for part in node.parts)
    return [f'"{"".join(parts)}"']


def _static_member(node: nodes.StaticMember) -> list[Piece]:
    return [f"{node.scope or 'static'}::{'$' if node.variable else ''}{node.name}"]


def _subscript(node: nodes.Subscript) -> list[Piece]:
    index: list[Piece] = [] if node.index is None else [Operand(node.index)]
    return [Operand(node.target, PRIMARY), "[", *index, "]"]


def _slice(node: nodes.Slice) -> list[Piece]:
    pieces: list[Piece] = [Operand(node.target, PRIMARY), "["]
    if node.start is not None:
        pieces.append(Operand(node.start))
    pieces.append(":")
    if node.stop is not None:
        pieces.append(Operand(node.stop))
    if node.step is not None:
        # `name::other` would be a static member.
        plain = node.stop is not None or isinstance(node.start, nodes.Constant | None)
        pieces += [":" if plain else " :", Operand(node.step)]
    return [*pieces, "]"]


def _call(node: nodes.Call) -> list[Piece]:
    callee: Piece = Operand(node.callee, PRIMARY)
    pieces = [callee, "(", *_elements(node.arguments), ")"]
    if isinstance(node.callee, nodes.Constant | nodes.Interpolation):
        return ["(", callee, ")", *pieces[1:]]
    return pieces


def _cached(node: nodes.Cached) -> list[Piece]:
    options = joined(
        [quoted(option.name) + " => ", Operand(option.value)] for option in node.options
    )
    return ["cache [", *options, "] ", node.call]


def _unary(node: nodes.Unary) -> list[Piece]:
    operand = node.operand
    # `- -1` without the space would be the operator `--`.
    signed = isinstance(operand, nodes.Unary | nodes.Step) or (
        isinstance(operand, nodes.Constant) and level_of(operand) == PREFIX
    )
    level = PRIMARY if node.operator in "+-" and signed else PREFIX
    return [node.operator, Operand(operand, level)]


def _step(node: nodes.Step) -> list[Piece]:
    return [node.operator, node.target] if node.prefix else [node.target, node.operator]


def _binary(node: nodes.Binary | nodes.Logical) -> list[Piece]:
    level = LEVELS[node.operator]
    if level == POWER:
        # From right to left, and its right side may have a sign.
        left, right = STEPPED, PREFIX
    else:
        left, right = level, level + 1
    return [Operand(node.left, left), f" {node.operator} ", Operand(node.right, right)]


def _ternary(node: nodes.Ternary) -> list[Piece]:
    middle: list[Piece] = [" ?: "] if node.then is None else [" ? ", Operand(node.then), " : "]
    return [Operand(node.test, COALESCE), *middle, Operand(node.otherwise, TERNARY)]


def _coalesce(node: nodes.Coalesce) -> list[Piece]:
    return [Operand(node.left, OR), " ?? ", Operand(node.right, COALESCE)]


def _assign(node: nodes.Assign) -> list[Piece]:
    return [node.target, f" {node.operator or ''}= ", Operand(node.value)]


def _anonymous_function(node: nodes.AnonymousFunction) -> list[Piece]:
    captures = ", ".join(f"${variable.name}" for variable in node.captures)
    closure = [f"closure ({captures}) "] if captures else []
    return ["function ", *parameters(node.parameters), *closure, Block(node.body)]


FORMS: dict[type[nodes.Node], Form] = {
    nodes.AnonymousFunction: _anonymous_function,
    nodes.ArrayLiteral: lambda node: ["[", *_elements(node.elements), "]"],
    nodes.Assign: _assign,
    nodes.Binary: _binary,
    nodes.Cached: _cached,
    nodes.Call: _call,
    nodes.Coalesce: _coalesce,
    nodes.Constant: _constant,
    nodes.Element: _element,
    nodes.FunctionName: lambda node: [("builtin " if node.builtin else "") + node.name],
    nodes.Interpolation: _interpolation,
    nodes.Isset: lambda node: ["isset(", Operand(node.target), ")"],
    nodes.Logical: _binary,
    nodes.Parameter: _parameter,
    nodes.Pattern: lambda node: ["[", *joined(map(_pattern_item, node.items)), "]"],
    nodes.PatternItem: _pattern_item,
    nodes.Property: lambda node: [Operand(node.target, PRIMARY), f"->{node.name}"],
    nodes.Slice: _slice,
    nodes.StaticMember: _static_member,
    nodes.Step: _step,
    nodes.Subscript: _subscript,
    nodes.Ternary: _ternary,
    nodes.Unary: _unary,
    nodes.Unset: lambda node: ["unset(", Operand(node.target), ")"],
    nodes.Variable: lambda node: [f"${node.name}"],
}
