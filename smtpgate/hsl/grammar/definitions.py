"""The grammar of functions and classes.  Manual: Control structures, function and class."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pyparsing as pp

from smtpgate.hsl import nodes
from smtpgate.hsl.grammar.elements import (
    Choice,
    Element,
    Listed,
    Match,
    MaybeExpression,
    Sequence,
    Symbol,
    Text,
    Word,
)
from smtpgate.hsl.grammar.phrases import (
    Found,
    block,
    build,
    closing,
    end,
    expression,
    keyword,
    nothing,
    opening,
    variable,
)
from smtpgate.hsl.grammar.reader import WORD_KINDS, SyntaxFailure
from smtpgate.hsl.grammar.tokens import KINDS, NAME, VARIABLE, WORDS, Tokens

_SPREAD = KINDS["..."]


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
    Symbol("=", "`=`") - expression, default=None
)
build(
    _parameter,
    lambda tokens, index, found: nodes.Parameter(tokens.position(index), found[0][1:], found[1]),
)
_variadic = Symbol(_SPREAD, "`...`") - Text(VARIABLE, "a parameter `$name` after `...`")
build(
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
build(_parameter_list, _parameters)

_captures = (
    keyword("closure")
    - opening("`closure`")
    - Listed(variable("a variable to capture"), ")")
    - closing("the list of captured variables")
)
# No part of `program`, which does this for the others: without it `-` is not seen in what may
# be missing.
_captures.streamline()
# What follows the word `function` in an expression.
anonymous = _parameter_list - pp.Opt(_captures, default=None) - block

function_ = keyword("function") - Text(NAME, "the name of the function") - _parameter_list - block
build(
    function_, lambda tokens, index, found: nodes.FunctionDefinition(tokens.position(index), *found)
)


def _global_node(tokens: Tokens, index: int, found: Found) -> nodes.Global:
    if not found[0]:
        raise SyntaxFailure(tokens, index + 1, "expected a variable after `global`")
    return nodes.Global(tokens.position(index), found[0])


global_ = keyword("global") - Listed(variable("a variable after `global`"), ";") - end
build(global_, _global_node)
return_ = keyword("return") - MaybeExpression(";}") - end
build(return_, lambda tokens, index, found: nodes.Return(tokens.position(index), found[0]))


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
build(_modifiers, _once)
_class_variable = (
    Text(VARIABLE, "a variable") - pp.Opt(Symbol("=", "`=`") - expression, default=None) - end
)
build(
    _class_variable,
    lambda tokens, index, found: nodes.ClassVariable(
        tokens.position(index), found[0][1:], found[1]
    ),
)
_constructor = Text(WORDS["constructor"], "`constructor`") - _parameter_list - block
_method = Word(WORD_KINDS, "the name of the function") - _parameter_list - block
for _element in (_constructor, _method):
    build(
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
        WORDS["function"]: keyword("function") - _method,
        WORDS["constructor"]: _constructor,
    },
    _Method({}, _method),
)
build(_member, _member_node)


def _class_node(tokens: Tokens, index: int, found: Found) -> nodes.ClassDefinition:
    name, members = found
    return nodes.ClassDefinition(
        tokens.position(index),
        name,
        tuple(member for member in members if isinstance(member, nodes.ClassVariable)),
        tuple(member for member in members if isinstance(member, nodes.ClassFunction)),
    )


class_ = (
    keyword("class")
    - Text(NAME, "the name of the class")
    - Symbol("{", "`{` and the members of the class")
    - Sequence(Choice({";": nothing}, _member), "}")
    - Symbol("}", "`}` to close the class")
)
build(class_, _class_node)
