"""The grammar of statements, in pyparsing.

Manual: Control structures.  ``-`` after each keyword and bracket means that what
follows must come: there the error is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeAlias, cast

import pyparsing as pp

from smtpgate.hsl import literals, nodes
from smtpgate.hsl.elements import (
    ArrayLiteral,
    Body,
    Choice,
    Element,
    Expression,
    Expressions,
    Listed,
    Match,
    MaybeExpression,
    Sequence,
    StatementEnd,
    Symbol,
    Target,
    Text,
    Word,
)
from smtpgate.hsl.errors import Position
from smtpgate.hsl.expressions import STARTS, WORD_KINDS, SyntaxFailure
from smtpgate.hsl.tokens import KINDS, NAME, STRING, VARIABLE, WORDS, Tokens

Found: TypeAlias = pp.ParseResults
_Action: TypeAlias = Callable[[Tokens, int, Found], Any]

_SPREAD = KINDS["..."]
_MISPLACED = {
    WORDS["else"]: "unexpected `else` without `if`",
    WORDS["elseif"]: "unexpected `else if` without `if`",
    WORDS["case"]: "unexpected `case` outside of `switch`",
    WORDS["default"]: "unexpected `default` outside of `switch`",
    WORDS["constructor"]: "unexpected `constructor` outside of `class`",
    WORDS["private"]: "unexpected `private` outside of `class`",
    "}": "unexpected `}`: no block is open here",
    KINDS["..."]: "unexpected `...`: it stands in arguments, arrays and patterns",
}


class StatementExpression(Expression):
    """An expression that is a statement."""

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        kind = instring[loc]
        if kind not in STARTS:
            assert isinstance(instring, Tokens)
            text = instring.texts[loc]
            raise SyntaxFailure(instring, loc, _MISPLACED.get(kind, f"unexpected `{text}`"))
        return super().parseImpl(instring, loc, do_actions)


class Path(Element):
    """The string literal that names a file; it is needed before the script runs."""

    def __init__(self, keyword: str) -> None:
        super().__init__()
        self.keyword = keyword
        self.set_name(f"the path of a file as a string after `{keyword}`")

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        if instring[loc] != STRING:
            raise pp.ParseException(instring, loc, self.errmsg, self)
        assert isinstance(instring, Tokens)
        node = literals.string(instring, loc)
        if isinstance(node, nodes.Interpolation):
            raise SyntaxFailure(instring, loc, "the path of a file can not have variables in it")
        return loc + 1, node.value


def _build(element: pp.ParserElement, action: _Action) -> None:
    """Have ``action`` make the result: from tokens, the first one's number, and what was found."""
    # The string that pyparsing hands to an action is the Tokens that it was given.
    element.add_parse_action(cast(Any, action))


def _keyword(word: str) -> Symbol:
    return Symbol(WORDS[word], f"`{word}`")


def _variable(name: str) -> pp.ParserElement:
    element = Text(VARIABLE, name)
    _build(
        element, lambda tokens, index, found: nodes.Variable(tokens.position(index), found[0][1:])
    )
    return element


def _opening(after: str) -> Symbol:
    return Symbol("(", f"`(` after {after}")


def _closing(purpose: str) -> Symbol:
    return Symbol(")", f"`)` to close {purpose}")


_end = StatementEnd()
_expression = Expression()
_arrow = Symbol(KINDS["=>"], "`=>`")

# The alternatives are entered at the end of this file: statements hold statements.
_expression_statement = StatementExpression() - _end
_build(
    _expression_statement,
    lambda tokens, index, found: nodes.ExpressionStatement(tokens.position(index), found[0]),
)
statement = Choice({}, _expression_statement)
statements = Sequence(statement, "}")
block = Body(statements)
body = Body(statements, statement)


# --- functions ------------------------------------------------------------------


def _parameters(tokens: Tokens, index: int, found: Found) -> tuple[nodes.Parameter, ...]:
    parameters: tuple[nodes.Parameter, ...] = found[0]
    for before, after in pairwise(parameters):
        if before.variadic:
            place, message = before, f"`...${before.name}` must be the last parameter"
        elif before.default is not None and after.default is None and not after.variadic:
            place = after
            message = f"`${after.name}` needs a default value, as `${before.name}` has one"
        else:
            continue
        while tokens.position(index) != place.position:
            index += 1
        raise SyntaxFailure(tokens, index, message)
    return parameters


_parameter = Text(VARIABLE, "a parameter `$name`") + pp.Opt(
    Symbol("=", "`=`") - _expression, default=None
)
_build(
    _parameter,
    lambda tokens, index, found: nodes.Parameter(tokens.position(index), found[0][1:], found[1]),
)
_variadic = Symbol(_SPREAD, "`...`") - Text(VARIABLE, "a parameter `$name` after `...`")
_build(
    _variadic,
    lambda tokens, index, found: nodes.Parameter(
        tokens.position(index), found[0][1:], variadic=True
    ),
)
_parameter_list = (
    Symbol("(", "`(` and the parameters of the function")
    - Listed(Choice({_SPREAD: _variadic}, _parameter), ")")
    - Symbol(")", "`)` to close the parameter list")
)
_build(_parameter_list, _parameters)

_captures = (
    _keyword("closure")
    - _opening("`closure`")
    - Listed(_variable("a variable to capture"), ")")
    - _closing("the list of captured variables")
)
# What follows the word `function` in an expression.
anonymous = _parameter_list - pp.Opt(_captures, default=None) - block

_function = _keyword("function") - Text(NAME, "the name of the function") - _parameter_list - block
_build(
    _function, lambda tokens, index, found: nodes.FunctionDefinition(tokens.position(index), *found)
)


def _global_node(tokens: Tokens, index: int, found: Found) -> nodes.Global:
    if not found[0]:
        raise SyntaxFailure(tokens, index + 1, "expected a variable after `global`")
    return nodes.Global(tokens.position(index), found[0])


_global = _keyword("global") - Listed(_variable("a variable after `global`"), ";") - _end
_build(_global, _global_node)
_return = _keyword("return") - MaybeExpression(";}") - _end
_build(_return, lambda tokens, index, found: nodes.Return(tokens.position(index), found[0]))


# --- branches -------------------------------------------------------------------


def _if_node(tokens: Tokens, index: int, found: Found) -> nodes.If:
    parts = found.as_list()
    otherwise = parts.pop() if len(parts) % 2 else ()
    branches = tuple(zip(parts[::2], parts[1::2], strict=True))
    return nodes.If(tokens.position(index), branches, otherwise)


_if = (
    _keyword("if")
    - _opening("`if`")
    - _expression
    - _closing("the condition of `if`")
    - body
    - pp.ZeroOrMore(
        _keyword("elseif")
        - _opening("`else if`")
        - _expression
        - _closing("the condition of `else if`")
        - body
    )
    - pp.Opt(_keyword("else") - body)
)
_build(_if, _if_node)


def _switch_node(tokens: Tokens, index: int, found: Found) -> nodes.Switch:
    subject, cases = found
    return nodes.Switch(tokens.position(index), subject, cases)


_case_body = Sequence(statement, "}" + WORDS["case"] + WORDS["default"])
_case = _keyword("case") - _expression - Symbol(":", "`:` after the value of `case`") - _case_body
_default = _keyword("default") - Symbol(":", "`:` after `default`") - _case_body
_build(_case, lambda tokens, index, found: nodes.Case(tokens.position(index), found[0], found[1]))
_build(_default, lambda tokens, index, found: nodes.Case(tokens.position(index), None, found[0]))
_no_case = Symbol(WORDS["case"], "`case` or `default` in a `switch`")
_switch = (
    _keyword("switch")
    - _opening("`switch`")
    - _expression
    - _closing("the subject of `switch`")
    - Symbol("{", "`{` and the cases of `switch`")
    - Sequence(Choice({WORDS["case"]: _case, WORDS["default"]: _default}, _no_case), "}")
    - Symbol("}", "`}` to close the `switch`")
)
_build(_switch, _switch_node)


# --- loops ----------------------------------------------------------------------


def _foreach_node(tokens: Tokens, index: int, found: Found) -> nodes.Foreach:
    iterable, first, second, statements = found
    key, value = (None, first) if second is None else (first, second)
    if key is not None and not isinstance(key, nodes.Variable):
        while tokens.position(index) != key.position:
            index += 1
        raise SyntaxFailure(tokens, index, "the key of `foreach` must be a variable")
    return nodes.Foreach(tokens.position(index), iterable, key, value, statements)


_for = (
    _keyword("for")
    - _opening("`for`")
    - Expressions(";")
    - Symbol(";", "`;` after the first part of `for`")
    - MaybeExpression(";")
    - Symbol(";", "`;` after the condition of `for`")
    - Expressions(")")
    - _closing("the head of `for`")
    - body
)
_build(_for, lambda tokens, index, found: nodes.For(tokens.position(index), *found))
_foreach = (
    _keyword("foreach")
    - _opening("`foreach`")
    - _expression
    - Symbol(WORDS["as"], "`as` and a variable in the head of `foreach`")
    - Target()
    - pp.Opt(_arrow - Target(), default=None)
    - _closing("the head of `foreach`")
    - body
)
_build(_foreach, _foreach_node)
_while = (
    _keyword("while")
    - _opening("`while`")
    - _expression
    - _closing("the condition of `while`")
    - body
)
_build(_while, lambda tokens, index, found: nodes.While(tokens.position(index), found[0], found[1]))
_forever = _keyword("forever") - body
_build(_forever, lambda tokens, index, found: nodes.While(tokens.position(index), None, found[0]))


# --- classes --------------------------------------------------------------------

_modifier = Word(frozenset((WORDS["private"], WORDS["static"])), "`private` or `static`")


class _Readonly(Element):
    """`readonly`, which is a word of its own only before a variable or a modifier."""

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        assert isinstance(instring, Tokens)
        if instring.texts[loc] == "readonly" and instring[loc + 1] != "(":
            return loc + 1, "readonly"
        raise pp.ParseException(instring, loc, self.errmsg, self)


def _once(tokens: Tokens, index: int, found: Found) -> frozenset[str]:
    words = found.as_list()
    for place, word in enumerate(words):
        if word in words[:place]:
            raise SyntaxFailure(tokens, index + place, f"`{word}` is there twice")
    return frozenset(words)


_modifiers = pp.ZeroOrMore(_modifier | _Readonly().set_name("`readonly`"))
_build(_modifiers, _once)
_class_variable = (
    Text(VARIABLE, "a variable") - pp.Opt(Symbol("=", "`=`") - _expression, default=None) - _end
)
_build(
    _class_variable,
    lambda tokens, index, found: nodes.ClassVariable(
        tokens.position(index), found[0][1:], found[1]
    ),
)
_constructor = Text(WORDS["constructor"], "`constructor`") - _parameter_list - block
_method = Word(WORD_KINDS, "the name of the function") - _parameter_list - block
for _element in (_constructor, _method):
    _build(
        _element, lambda tokens, index, found: nodes.ClassFunction(tokens.position(index), *found)
    )


def _member_node(
    tokens: Tokens, index: int, found: Found
) -> nodes.ClassVariable | nodes.ClassFunction:
    modifiers: frozenset[str] = found[0]
    member: nodes.ClassVariable | nodes.ClassFunction = found[1]
    static, private = "static" in modifiers, "private" in modifiers
    readonly = "readonly" in modifiers
    if isinstance(member, nodes.ClassVariable):
        return replace(member, static=static, private=private, readonly=readonly)
    if readonly:
        raise SyntaxFailure(tokens, index, "only a variable can be `readonly`")
    if static and member.name == "constructor":
        raise SyntaxFailure(tokens, index, "a constructor can not be `static`")
    return replace(member, static=static, private=private)


class _Method(Choice):
    """A member function, whose word `function` may be missing behind `private` or `static`."""

    def parseImpl(self, instring: str, loc: int, do_actions: bool = True) -> Match:
        # The name is looked for behind a modifier only: elsewhere it is a slip of the pen.
        assert isinstance(instring, Tokens)
        if loc and instring.texts[loc - 1] in {"private", "static"}:
            return super().parseImpl(instring, loc, do_actions)
        raise SyntaxFailure(
            instring, loc, "expected a variable, a function or the constructor in a class"
        )


_member = _modifiers + Choice(
    {
        VARIABLE: _class_variable,
        WORDS["function"]: _keyword("function") - _method,
        WORDS["constructor"]: _constructor,
    },
    _Method({}, _method),
)
_build(_member, _member_node)


def _class_node(tokens: Tokens, index: int, found: Found) -> nodes.ClassDefinition:
    name, members = found
    return nodes.ClassDefinition(
        tokens.position(index),
        name,
        tuple(member for member in members if isinstance(member, nodes.ClassVariable)),
        tuple(member for member in members if isinstance(member, nodes.ClassFunction)),
    )


_nothing = Symbol(";", "`;`")
_class = (
    _keyword("class")
    - Text(NAME, "the name of the class")
    - Symbol("{", "`{` and the members of the class")
    - Sequence(Choice({";": _nothing}, _member), "}")
    - Symbol("}", "`}` to close the class")
)
_build(_class, _class_node)


# --- other files ----------------------------------------------------------------


def _imported(tokens: Tokens, index: int, found: Found) -> nodes.ImportedName:
    name, alias = found
    variable = name[0] == "$"
    if alias is None:
        alias = name
    elif (alias[0] == "$") != variable:
        what = "variable" if variable else "function"
        raise SyntaxFailure(
            tokens, index + 2, f"`{name}` is a {what}: `{alias}` can not be its new name"
        )
    if variable:
        name, alias = name[1:], alias[1:]
    return nodes.ImportedName(tokens.position(index), name, alias, variable)


_import_path = Symbol(WORDS["from"], "`from` and the path of a file") - Path("from")
_any_name = Word(frozenset((NAME, VARIABLE)), "the name of a function or a variable")
_imported_name = _any_name + pp.Opt(
    Symbol(WORDS["as"], "`as`") - Word(frozenset((NAME, VARIABLE)), "a new name after `as`"),
    default=None,
)
_build(_imported_name, _imported)
_import = _keyword("import")
_import_symbols = (
    _import
    - Symbol("{", "`{`")
    - Listed(_imported_name, "}")
    - Symbol("}", "`}` to close the list of names")
    - _import_path
    - _end
)
_build(
    _import_symbols,
    lambda tokens, index, found: nodes.ImportSymbols(tokens.position(index), *found),
)
_import_module = (
    _import
    - Symbol("*", "`*`")
    - Symbol(WORDS["as"], "`as` and a name after `*`")
    - Text(NAME, "a name after `as`")
    - _import_path
    - _end
)
_build(
    _import_module, lambda tokens, index, found: nodes.ImportModule(tokens.position(index), *found)
)
_import_data = (
    _import
    - _variable("`{ names }`, `* as name` or a variable after `import`")
    - _import_path
    - pp.Opt(_keyword("with") - ArrayLiteral(), default=None)
    - _end
)
_build(_import_data, lambda tokens, index, found: nodes.ImportData(tokens.position(index), *found))
_include = _keyword("include") - Path("include") - _end
_build(
    _include,
    lambda tokens, index, found: nodes.Include(tokens.position(index), found[0], once=False),
)
_include_once = _keyword("include_once") - Path("include_once") - _end
_build(
    _include_once,
    lambda tokens, index, found: nodes.Include(tokens.position(index), found[0], once=True),
)


# --- the rest -------------------------------------------------------------------

_echo = _keyword("echo") - _expression - _end
_build(_echo, lambda tokens, index, found: nodes.Echo(tokens.position(index), found[0]))
_break = _keyword("break") - _end
_build(_break, lambda tokens, index, found: nodes.Break(tokens.position(index)))
_continue = _keyword("continue") - _end
_build(_continue, lambda tokens, index, found: nodes.Continue(tokens.position(index)))
_barrier = (
    _keyword("barrier")
    - _expression
    - pp.Opt(_arrow - _variable("a variable after `=>`"), default=None)
    - block
)
_build(_barrier, lambda tokens, index, found: nodes.Barrier(tokens.position(index), *found))
_bare_block = block + pp.Empty()
_build(_bare_block, lambda tokens, index, found: nodes.Block(tokens.position(index), found[0]))

statement.enter(
    {
        "{": _bare_block,
        ";": _nothing,
        WORDS["barrier"]: _barrier,
        WORDS["break"]: _break,
        WORDS["class"]: _class,
        WORDS["continue"]: _continue,
        WORDS["echo"]: _echo,
        WORDS["for"]: _for,
        WORDS["foreach"]: _foreach,
        WORDS["forever"]: _forever,
        WORDS["function"]: Choice({"(": _expression_statement}, _function, ahead=1),
        WORDS["global"]: _global,
        WORDS["if"]: _if,
        WORDS["import"]: Choice({"{": _import_symbols, "*": _import_module}, _import_data, ahead=1),
        WORDS["include"]: _include,
        WORDS["include_once"]: _include_once,
        WORDS["return"]: _return,
        WORDS["switch"]: _switch,
        WORDS["while"]: _while,
    }
)

program = Sequence(statement, "").parse_with_tabs()
_build(
    program,
    lambda tokens, index, found: nodes.Program(
        Position(tokens.file, 1, 1), found[0], tokens.source
    ),
)
