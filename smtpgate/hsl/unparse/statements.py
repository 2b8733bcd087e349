"""How statements are written."""

from __future__ import annotations

from collections.abc import Iterable

from smtpgate.hsl import nodes
from smtpgate.hsl.unparse.expressions import parameters
from smtpgate.hsl.unparse.pieces import Block, Form, Lines, Operand, Piece, joined, quoted


def _several(expressions: Iterable[nodes.Expression]) -> list[Piece]:
    return joined([Operand(expression)] for expression in expressions)


def _if(node: nodes.If) -> list[Piece]:
    pieces: list[Piece] = []
    for test, body in node.branches:
        pieces += [" else if (" if pieces else "if (", Operand(test), ") ", Block(body)]
    if node.otherwise:
        pieces += [" else ", Block(node.otherwise)]
    return pieces


def _for(node: nodes.For) -> list[Piece]:
    condition: list[Piece] = [] if node.condition is None else [Operand(node.condition)]
    head = [*_several(node.initial), "; ", *condition, "; ", *_several(node.final)]
    return ["for (", *head, ") ", Block(node.body)]


def _foreach(node: nodes.Foreach) -> list[Piece]:
    key: list[Piece] = [] if node.key is None else [node.key, " => "]
    head = [Operand(node.iterable), " as ", *key, node.value]
    return ["foreach (", *head, ") ", Block(node.body)]


def _while(node: nodes.While) -> list[Piece]:
    if node.condition is None:
        return ["forever ", Block(node.body)]
    return ["while (", Operand(node.condition), ") ", Block(node.body)]


def _switch(node: nodes.Switch) -> list[Piece]:
    return ["switch (", Operand(node.subject), ") ", Block(node.cases)]


def _case(node: nodes.Case) -> list[Piece]:
    head: list[Piece] = ["default:"] if node.test is None else ["case ", Operand(node.test), ":"]
    return [*head, Lines(node.body)]


def _return(node: nodes.Return) -> list[Piece]:
    return ["return;"] if node.value is None else ["return ", Operand(node.value), ";"]


def _global(node: nodes.Global) -> list[Piece]:
    return [f"global {', '.join(f'${variable.name}' for variable in node.variables)};"]


def _function(node: nodes.FunctionDefinition) -> list[Piece]:
    return [f"function {node.name}", *parameters(node.parameters), Block(node.body)]


def _modifiers(node: nodes.ClassVariable | nodes.ClassFunction) -> str:
    words = ("private", "static", "readonly")
    return "".join(f"{word} " for word in words if getattr(node, word, False))


def _class_variable(node: nodes.ClassVariable) -> list[Piece]:
    head = f"{_modifiers(node)}${node.name}"
    return [f"{head};"] if node.value is None else [f"{head} = ", Operand(node.value), ";"]


def _class_function(node: nodes.ClassFunction) -> list[Piece]:
    word = "" if node.name == "constructor" else "function "
    head = f"{_modifiers(node)}{word}{node.name}"
    return [head, *parameters(node.parameters), Block(node.body)]


def _class(node: nodes.ClassDefinition) -> list[Piece]:
    return [f"class {node.name} ", Block((*node.variables, *node.functions))]


def _include(node: nodes.Include) -> list[Piece]:
    return [f"include{'_once' if node.once else ''} {quoted(node.path.text)};"]


def _imported_name(name: nodes.ImportedName) -> str:
    mark = "$" if name.variable else ""
    return f"{mark}{name.name}" + (f" as {mark}{name.alias}" if name.alias != name.name else "")


def _import_symbols(node: nodes.ImportSymbols) -> list[Piece]:
    names = ", ".join(map(_imported_name, node.names))
    return [f"import {{ {names} }} from {quoted(node.path.text)};"]


def _import_data(node: nodes.ImportData) -> list[Piece]:
    options: list[Piece] = [] if node.options is None else [" with ", node.options]
    return [f"import ${node.variable.name} from {quoted(node.path.text)}", *options, ";"]


def _barrier(node: nodes.Barrier) -> list[Piece]:
    variable = "" if node.variable is None else f"=> ${node.variable.name} "
    return ["barrier ", Operand(node.name), f" {variable}", Block(node.body)]


FORMS: dict[type[nodes.Node], Form] = {
    nodes.Barrier: _barrier,
    nodes.Block: lambda node: [Block(node.body)],
    nodes.Break: lambda node: ["break;"],
    nodes.Case: _case,
    nodes.ClassDefinition: _class,
    nodes.ClassFunction: _class_function,
    nodes.ClassVariable: _class_variable,
    nodes.Continue: lambda node: ["continue;"],
    nodes.Echo: lambda node: ["echo ", Operand(node.value), ";"],
    nodes.ExpressionStatement: lambda node: [Operand(node.expression), ";"],
    nodes.For: _for,
    nodes.Foreach: _foreach,
    nodes.FunctionDefinition: _function,
    nodes.Global: _global,
    nodes.If: _if,
    nodes.ImportData: _import_data,
    nodes.ImportModule: lambda node: [f"import * as {node.alias} from {quoted(node.path.text)};"],
    nodes.ImportSymbols: _import_symbols,
    nodes.Include: _include,
    nodes.Return: _return,
    nodes.Switch: _switch,
    nodes.While: _while,
}
