"""The syntax tree back to source, in one canonical form.

``parse(unparse(program))`` equals ``program`` apart from positions and source, for
every tree that the parser can make.  The work is a stack of pieces, so a deep
tree takes no Python stack.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from smtpgate.hsl import nodes

INDENT = "\t"

# How tightly a form binds, from what takes all that follows to what nothing can split.
(
    _ASSIGNMENT, _TERNARY, _COALESCE, _OR, _AND, _EQUALITY, _ORDER, _BIT_OR, _BIT_XOR, _BIT_AND,
    _SHIFT, _CONCATENATION, _SUM, _PRODUCT, _PREFIX, _POWER, _STEPPED, _PRIMARY,
) = range(18)  # fmt: skip
_LEVELS = {
    operator: level
    for level, operators in (
        (_OR, "or"),
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
        (_POWER, "**"),
    )
    for operator in operators.split()
}
_TO_ESCAPE = re.compile(r'[\\"$\x00-\x1f\x7f-\xff]')
_ESCAPES = {"\\": "\\\\", '"': '\\"', "$": "\\$", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


@dataclass(frozen=True, slots=True)
class _Operand:
    """An expression where a form that binds less than ``level`` needs parentheses."""

    node: nodes.Expression
    level: int = _ASSIGNMENT


@dataclass(frozen=True, slots=True)
class _Block:
    """Statements in braces."""

    body: Sequence[nodes.Node]


@dataclass(frozen=True, slots=True)
class _Lines:
    """Statements, each on lines of its own, one level deeper than what is around them."""

    body: Sequence[nodes.Node]


_Piece: TypeAlias = str | nodes.Node | _Operand | _Block | _Lines


def unparse(node: nodes.Node) -> str:
    """The canonical source of a program, a statement or an expression."""
    if isinstance(node, nodes.Program):
        return "".join(unparse(statement) + "\n" for statement in node.body)
    output: list[str] = []
    waiting: list[tuple[_Piece, str]] = [(node, "")]
    while waiting:
        piece, indent = waiting.pop()
        if isinstance(piece, str):
            output.append(piece)
            continue
        inner = indent
        pieces: Iterable[_Piece]
        if isinstance(piece, _Operand):
            bare = _level(piece.node) >= piece.level
            pieces = [piece.node] if bare else ["(", piece.node, ")"]
        elif isinstance(piece, _Block):
            pieces = ["{", _Lines(piece.body), "\n" + indent + "}"] if piece.body else ["{ }"]
        elif isinstance(piece, _Lines):
            inner = indent + INDENT
            pieces = [part for statement in piece.body for part in ("\n" + inner, statement)]
        else:
            pieces = _FORMS[type(piece)](piece)
        waiting.extend((part, inner) for part in reversed(list(pieces)))
    return "".join(output)


def quoted(text: str) -> str:
    """``text`` as a double-quoted string literal."""
    return f'"{_escaped(text)}"'


def _escaped(text: str) -> str:
    return _TO_ESCAPE.sub(lambda match: _ESCAPES.get(match[0]) or f"\\x{ord(match[0]):02x}", text)


def _number(value: float) -> str:
    if math.isnan(value):
        return "(1e999 - 1e999)"
    if math.isinf(value):
        return "1e999" if value > 0 else "-1e999"
    return repr(float(value)).removesuffix(".0")


def _level(node: nodes.Node) -> int:
    match node:
        case nodes.Assign():
            return _ASSIGNMENT
        case nodes.Ternary():
            return _TERNARY
        case nodes.Coalesce():
            return _COALESCE
        case nodes.Binary() | nodes.Logical():
            return _LEVELS[node.operator]
        case nodes.Unary():
            return _PREFIX
        case nodes.Step():
            return _PREFIX if node.prefix else _STEPPED
        case nodes.Constant(value=bool()):
            return _PRIMARY
        case nodes.Constant(value=float() as value) if math.copysign(1, value) < 0:
            return _PREFIX
    return _PRIMARY


# --- lists ------------------------------------------------------------------------


def _joined(groups: Iterable[Sequence[_Piece]]) -> list[_Piece]:
    pieces: list[_Piece] = []
    for group in groups:
        if pieces:
            pieces.append(", ")
        pieces.extend(group)
    return pieces


def _element(element: nodes.Element) -> list[_Piece]:
    pieces: list[_Piece] = []
    if element.key is not None:
        pieces += [_Operand(element.key), " => "]
    if element.spread:
        pieces.append("...")
    return [*pieces, _Operand(element.value)]


def _elements(elements: Iterable[nodes.Element]) -> list[_Piece]:
    return _joined(_element(element) for element in elements)


def _pattern_item(item: nodes.PatternItem) -> list[_Piece]:
    pieces: list[_Piece] = []
    if item.key is not None:
        pieces += [_Operand(item.key), " => "]
    if item.rest:
        pieces.append("...")
    pieces.append(item.target)
    if item.default is not None:
        pieces += [" = ", _Operand(item.default)]
    return pieces


def _parameter(parameter: nodes.Parameter) -> list[_Piece]:
    if parameter.variadic:
        return [f"...${parameter.name}"]
    if parameter.default is None:
        return [f"${parameter.name}"]
    return [f"${parameter.name} = ", _Operand(parameter.default)]


def _parameters(parameters: Iterable[nodes.Parameter]) -> list[_Piece]:
    return ["(", *_joined(_parameter(parameter) for parameter in parameters), ") "]


def _several(expressions: Iterable[nodes.Expression]) -> list[_Piece]:
    return _joined([_Operand(expression)] for expression in expressions)


# --- expressions --------------------------------------------------------------------


def _constant(node: nodes.Constant) -> list[_Piece]:
    if node.value is None:
        return ["none"]
    if isinstance(node.value, bool):
        return ["true" if node.value else "false"]
    return [quoted(node.value) if isinstance(node.value, str) else _number(node.value)]


def _interpolation(node: nodes.Interpolation) -> list[_Piece]:
    parts = (
        _escaped(part) if isinstance(part, str) else f"${{{part.name}}}" for part in node.parts
    )
    return [f'"{"".join(parts)}"']


def _static_member(node: nodes.StaticMember) -> list[_Piece]:
    return [f"{node.scope or 'static'}::{'$' if node.variable else ''}{node.name}"]


def _subscript(node: nodes.Subscript) -> list[_Piece]:
    index: list[_Piece] = [] if node.index is None else [_Operand(node.index)]
    return [_Operand(node.target, _PRIMARY), "[", *index, "]"]


def _slice(node: nodes.Slice) -> list[_Piece]:
    pieces: list[_Piece] = [_Operand(node.target, _PRIMARY), "["]
    if node.start is not None:
        pieces.append(_Operand(node.start))
    pieces.append(":")
    if node.stop is not None:
        pieces.append(_Operand(node.stop))
    if node.step is not None:
        # `name::other` would be a static member.
        plain = node.stop is not None or isinstance(node.start, nodes.Constant | None)
        pieces += [":" if plain else " :", _Operand(node.step)]
    return [*pieces, "]"]


def _call(node: nodes.Call) -> list[_Piece]:
    callee: _Piece = _Operand(node.callee, _PRIMARY)
    pieces = [callee, "(", *_elements(node.arguments), ")"]
    if isinstance(node.callee, nodes.Constant | nodes.Interpolation):
        return ["(", callee, ")", *pieces[1:]]
    return pieces


def _cached(node: nodes.Cached) -> list[_Piece]:
    options = _joined(
        [quoted(option.name) + " => ", _Operand(option.value)] for option in node.options
    )
    return ["cache [", *options, "] ", node.call]


def _unary(node: nodes.Unary) -> list[_Piece]:
    operand = node.operand
    # `- -1` without the space would be the operator `--`.
    signed = isinstance(operand, nodes.Unary | nodes.Step) or (
        isinstance(operand, nodes.Constant) and _level(operand) == _PREFIX
    )
    level = _PRIMARY if node.operator in "+-" and signed else _PREFIX
    return [node.operator, _Operand(operand, level)]


def _step(node: nodes.Step) -> list[_Piece]:
    return [node.operator, node.target] if node.prefix else [node.target, node.operator]


def _binary(node: nodes.Binary | nodes.Logical) -> list[_Piece]:
    level = _LEVELS[node.operator]
    if level == _POWER:
        # From right to left, and its right side may have a sign.
        left, right = _STEPPED, _PREFIX
    else:
        left, right = level, level + 1
    return [_Operand(node.left, left), f" {node.operator} ", _Operand(node.right, right)]


def _ternary(node: nodes.Ternary) -> list[_Piece]:
    middle: list[_Piece] = [" ?: "] if node.then is None else [" ? ", _Operand(node.then), " : "]
    return [_Operand(node.test, _COALESCE), *middle, _Operand(node.otherwise, _TERNARY)]


def _coalesce(node: nodes.Coalesce) -> list[_Piece]:
    return [_Operand(node.left, _OR), " ?? ", _Operand(node.right, _COALESCE)]


def _assign(node: nodes.Assign) -> list[_Piece]:
    return [node.target, f" {node.operator or ''}= ", _Operand(node.value)]


def _anonymous_function(node: nodes.AnonymousFunction) -> list[_Piece]:
    captures = ", ".join(f"${variable.name}" for variable in node.captures)
    closure = [f"closure ({captures}) "] if captures else []
    return ["function ", *_parameters(node.parameters), *closure, _Block(node.body)]


# --- statements -----------------------------------------------------------------------


def _if(node: nodes.If) -> list[_Piece]:
    pieces: list[_Piece] = []
    for test, body in node.branches:
        pieces += [" else if (" if pieces else "if (", _Operand(test), ") ", _Block(body)]
    if node.otherwise:
        pieces += [" else ", _Block(node.otherwise)]
    return pieces


def _for(node: nodes.For) -> list[_Piece]:
    condition: list[_Piece] = [] if node.condition is None else [_Operand(node.condition)]
    head = [*_several(node.initial), "; ", *condition, "; ", *_several(node.final)]
    return ["for (", *head, ") ", _Block(node.body)]


def _foreach(node: nodes.Foreach) -> list[_Piece]:
    key: list[_Piece] = [] if node.key is None else [node.key, " => "]
    head = [_Operand(node.iterable), " as ", *key, node.value]
    return ["foreach (", *head, ") ", _Block(node.body)]


def _while(node: nodes.While) -> list[_Piece]:
    if node.condition is None:
        return ["forever ", _Block(node.body)]
    return ["while (", _Operand(node.condition), ") ", _Block(node.body)]


def _switch(node: nodes.Switch) -> list[_Piece]:
    return ["switch (", _Operand(node.subject), ") ", _Block(node.cases)]


def _case(node: nodes.Case) -> list[_Piece]:
    head: list[_Piece] = ["default:"] if node.test is None else ["case ", _Operand(node.test), ":"]
    return [*head, _Lines(node.body)]


def _return(node: nodes.Return) -> list[_Piece]:
    return ["return;"] if node.value is None else ["return ", _Operand(node.value), ";"]


def _global(node: nodes.Global) -> list[_Piece]:
    return [f"global {', '.join(f'${variable.name}' for variable in node.variables)};"]


def _function(node: nodes.FunctionDefinition) -> list[_Piece]:
    return [f"function {node.name}", *_parameters(node.parameters), _Block(node.body)]


def _modifiers(node: nodes.ClassVariable | nodes.ClassFunction) -> str:
    words = ("private", "static", "readonly")
    return "".join(f"{word} " for word in words if getattr(node, word, False))


def _class_variable(node: nodes.ClassVariable) -> list[_Piece]:
    head = f"{_modifiers(node)}${node.name}"
    return [f"{head};"] if node.value is None else [f"{head} = ", _Operand(node.value), ";"]


def _class_function(node: nodes.ClassFunction) -> list[_Piece]:
    word = "" if node.name == "constructor" else "function "
    head = f"{_modifiers(node)}{word}{node.name}"
    return [head, *_parameters(node.parameters), _Block(node.body)]


def _class(node: nodes.ClassDefinition) -> list[_Piece]:
    return [f"class {node.name} ", _Block((*node.variables, *node.functions))]


def _include(node: nodes.Include) -> list[_Piece]:
    return [f"include{'_once' if node.once else ''} {quoted(node.path.text)};"]


def _imported_name(name: nodes.ImportedName) -> str:
    mark = "$" if name.variable else ""
    return f"{mark}{name.name}" + (f" as {mark}{name.alias}" if name.alias != name.name else "")


def _import_symbols(node: nodes.ImportSymbols) -> list[_Piece]:
    names = ", ".join(map(_imported_name, node.names))
    return [f"import {{ {names} }} from {quoted(node.path.text)};"]


def _import_data(node: nodes.ImportData) -> list[_Piece]:
    options: list[_Piece] = [] if node.options is None else [" with ", node.options]
    return [f"import ${node.variable.name} from {quoted(node.path.text)}", *options, ";"]


def _barrier(node: nodes.Barrier) -> list[_Piece]:
    variable = "" if node.variable is None else f"=> ${node.variable.name} "
    return ["barrier ", _Operand(node.name), f" {variable}", _Block(node.body)]


_Form: TypeAlias = Callable[[Any], list[_Piece]]
_FORMS: dict[type[nodes.Node], _Form] = {
    nodes.AnonymousFunction: _anonymous_function,
    nodes.ArrayLiteral: lambda node: ["[", *_elements(node.elements), "]"],
    nodes.Assign: _assign,
    nodes.Barrier: _barrier,
    nodes.Binary: _binary,
    nodes.Block: lambda node: [_Block(node.body)],
    nodes.Break: lambda node: ["break;"],
    nodes.Cached: _cached,
    nodes.Call: _call,
    nodes.Case: _case,
    nodes.ClassDefinition: _class,
    nodes.ClassFunction: _class_function,
    nodes.ClassVariable: _class_variable,
    nodes.Coalesce: _coalesce,
    nodes.Constant: _constant,
    nodes.Continue: lambda node: ["continue;"],
    nodes.Echo: lambda node: ["echo ", _Operand(node.value), ";"],
    nodes.Element: _element,
    nodes.ExpressionStatement: lambda node: [_Operand(node.expression), ";"],
    nodes.For: _for,
    nodes.Foreach: _foreach,
    nodes.FunctionDefinition: _function,
    nodes.FunctionName: lambda node: [("builtin " if node.builtin else "") + node.name],
    nodes.Global: _global,
    nodes.If: _if,
    nodes.ImportData: _import_data,
    nodes.ImportModule: lambda node: [f"import * as {node.alias} from {quoted(node.path.text)};"],
    nodes.ImportSymbols: _import_symbols,
    nodes.Include: _include,
    nodes.Interpolation: _interpolation,
    nodes.Isset: lambda node: ["isset(", _Operand(node.target), ")"],
    nodes.Logical: _binary,
    nodes.Parameter: _parameter,
    nodes.Pattern: lambda node: ["[", *_joined(map(_pattern_item, node.items)), "]"],
    nodes.PatternItem: _pattern_item,
    nodes.Property: lambda node: [_Operand(node.target, _PRIMARY), f"->{node.name}"],
    nodes.Return: _return,
    nodes.Slice: _slice,
    nodes.StaticMember: _static_member,
    nodes.Step: _step,
    nodes.Subscript: _subscript,
    nodes.Switch: _switch,
    nodes.Ternary: _ternary,
    nodes.Unary: _unary,
    nodes.Unset: lambda node: ["unset(", _Operand(node.target), ")"],
    nodes.Variable: lambda node: [f"${node.name}"],
    nodes.While: _while,
}
