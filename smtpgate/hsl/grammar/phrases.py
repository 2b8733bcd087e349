"""What the grammar of statements is made of: keywords, brackets, blocks and their results."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

import pyparsing as pp

from smtpgate.hsl import nodes
from smtpgate.hsl.grammar.elements import (
    Body,
    Choice,
    Expression,
    Match,
    Sequence,
    StatementEnd,
    Symbol,
    Text,
)
from smtpgate.hsl.grammar.expressions import STARTS
from smtpgate.hsl.grammar.reader import SyntaxFailure
from smtpgate.hsl.grammar.tokens import KINDS, VARIABLE, WORDS, Tokens, excerpt

Found: TypeAlias = pp.ParseResults
_Action: TypeAlias = Callable[[Tokens, int, Found], Any]

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
            text = excerpt(instring.texts[loc])
            raise SyntaxFailure(instring, loc, _MISPLACED.get(kind, f"unexpected `{text}`"))
        return super().parseImpl(instring, loc, do_actions)


def build(element: pp.ParserElement, action: _Action) -> None:
    """Have ``action`` make the result: from tokens, the first one's number, and what was found."""
    # The string that pyparsing hands to an action is the Tokens that it was given.
    element.add_parse_action(cast(Any, action))


def keyword(word: str) -> Symbol:
    return Symbol(WORDS[word], f"`{word}`")


def variable(name: str) -> pp.ParserElement:
    element = Text(VARIABLE, name)
    build(
        element, lambda tokens, index, found: nodes.Variable(tokens.position(index), found[0][1:])
    )
    return element


def opening(after: str) -> Symbol:
    return Symbol("(", f"`(` after {after}")


def closing(purpose: str) -> Symbol:
    return Symbol(")", f"`)` to close {purpose}")


end = StatementEnd()
expression = Expression()
nothing = Symbol(";", "`;`")
arrow = Symbol(KINDS["=>"], "`=>`")

expression_statement = StatementExpression() - end
build(
    expression_statement,
    lambda tokens, index, found: nodes.ExpressionStatement(tokens.position(index), found[0]),
)
# The other alternatives are entered in `statements`, as statements hold statements.
statement = Choice({}, expression_statement)
statements = Sequence(statement, "}")
block = Body(statements)
body = Body(statements, statement)
