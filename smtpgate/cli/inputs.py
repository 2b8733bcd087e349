"""What an input of ``smtpgate repl`` is: whole or not, what it defines, what it assigns to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from smtpgate.hsl import nodes
    from smtpgate.hsl.sources import Sources

#: The file that inputs are in, for positions.
FILE = "<input>"


def octets(text: str) -> str:
    """What was typed as scripts are compiled: one character an octet."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def incomplete(text: str) -> bool:
    """Whether more lines have to follow: a bracket, a string, a comment or a statement is open."""
    from smtpgate.hsl.errors import ScriptErrors
    from smtpgate.hsl.grammar import parse
    from smtpgate.hsl.grammar.tokens import INVALID, Tokens

    source = octets(text)
    tokens = Tokens.scan(source, FILE)
    if INVALID in tokens:
        # A raw string with a mark of its own is most often meant as an ordinary string.
        return tokens.texts[tokens.index(INVALID)] in {'"', "''", "/*"}
    if sum(map(tokens.count, "([{")) > sum(map(tokens.count, ")]}")):
        return True
    try:
        parse(source, FILE)
    except ScriptErrors as errors:
        # The body of a loop, a branch, a function or a class.
        return errors.errors[-1].message.startswith(("expected a statement", "expected `{`"))
    return False


def definitions(program: nodes.Program, sources: Sources) -> dict[str, str]:
    """The functions and classes that later inputs have to know, by name; also of includes."""
    from smtpgate.hsl import nodes
    from smtpgate.hsl.unparse import unparse

    found: dict[str, str] = {}
    for statement in _statements(program, sources):
        if isinstance(statement, nodes.FunctionDefinition | nodes.ClassDefinition):
            found[statement.name] = unparse(statement)
    return found


def imports(program: nodes.Program) -> dict[str, str]:
    """The imports that later inputs may need, one for each name; variables with their ``$``."""
    from smtpgate.hsl import nodes
    from smtpgate.hsl.unparse import unparse

    found: dict[str, str] = {}
    for statement in program.body:
        if isinstance(statement, nodes.ImportModule):
            found[statement.alias] = unparse(statement)
        elif isinstance(statement, nodes.ImportSymbols):
            for name in statement.names:
                alias = f"${name.alias}" if name.variable else name.alias
                found[alias] = unparse(replace(statement, names=(name,)))
    return found


def _statements(program: nodes.Program, sources: Sources) -> Iterator[nodes.Statement]:
    """The statements at the top, with those of the files that are included there."""
    from smtpgate.hsl import nodes
    from smtpgate.hsl.errors import ScriptErrors
    from smtpgate.hsl.grammar import parse
    from smtpgate.hsl.sources import ScriptFileError

    for statement in program.body:
        yield statement
        if isinstance(statement, nodes.Include):
            try:
                name, text = sources.read(statement.path.text, FILE)
                yield from _statements(parse(text, name), sources)
            except (ScriptFileError, ScriptErrors, RecursionError):
                continue  # compiling it tells what is wrong


def assigned(program: nodes.Program, sources: Sources) -> set[str]:
    """The script's own variables that an input assigns to."""
    from smtpgate.hsl import nodes

    found: set[str] = set()
    for statement in _statements(program, sources):
        for node in nodes.within(statement):
            found |= _targets(node)
        for node in nodes.within(statement, functions=True):
            if isinstance(node, nodes.Global | nodes.AnonymousFunction):
                names: Any = node.variables if isinstance(node, nodes.Global) else node.captures
                found |= {each.name for each in names}
    return found


def _targets(node: nodes.Node) -> set[str]:
    from smtpgate.hsl import nodes

    match node:
        case nodes.Assign(target=target) | nodes.Step(target=target):
            return _roots(target)
        case nodes.Foreach(key=key, value=value):
            return _roots(value) | (_roots(key) if key is not None else set())
        case nodes.Barrier(variable=variable) | nodes.ImportData(variable=variable):
            return {variable.name} if variable is not None else set()
    return set()


def _roots(target: nodes.Expression) -> set[str]:
    from smtpgate.hsl import nodes

    if isinstance(target, nodes.Pattern):
        return {name for item in target.items for name in _roots(item.target)}
    while isinstance(target, nodes.Subscript | nodes.Slice | nodes.Property):
        target = target.target
    return {target.name} if isinstance(target, nodes.Variable) else set()
