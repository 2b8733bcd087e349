"""The grammar of statements, in pyparsing.

Manual: Control structures.  ``-`` after each keyword and bracket means that what
follows must come: there the error is.
"""

from __future__ import annotations

import pyparsing as pp

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import Position
from smtpgate.hsl.grammar import definitions, imports
from smtpgate.hsl.grammar.elements import (
    Choice,
    Expressions,
    MaybeExpression,
    Sequence,
    Symbol,
    Target,
)
from smtpgate.hsl.grammar.phrases import (
    Found,
    arrow,
    block,
    body,
    build,
    closing,
    end,
    expression,
    expression_statement,
    keyword,
    nothing,
    opening,
    statement,
    variable,
)
from smtpgate.hsl.grammar.reader import SyntaxFailure
from smtpgate.hsl.grammar.tokens import WORDS, Tokens

# --- branches -------------------------------------------------------------------


def _if_node(tokens: Tokens, index: int, found: Found) -> nodes.If:
    parts = found.as_list()
    otherwise = parts.pop() if len(parts) % 2 else ()
    branches = tuple(zip(parts[::2], parts[1::2], strict=True))
    return nodes.If(tokens.position(index), branches, otherwise)


_if = (
    keyword("if")
    - opening("`if`")
    - expression
    - closing("the condition of `if`")
    - body
    - pp.ZeroOrMore(
        keyword("elseif")
        - opening("`else if`")
        - expression
        - closing("the condition of `else if`")
        - body
    )
    - pp.Opt(keyword("else") - body)
)
build(_if, _if_node)


def _switch_node(tokens: Tokens, index: int, found: Found) -> nodes.Switch:
    subject, cases = found
    defaults = [case for case in cases if case.test is None]
    for case in defaults[1:]:
        while tokens.position(index) != case.position:
            index += 1
        raise SyntaxFailure(tokens, index, "a `switch` has one `default` only")
    return nodes.Switch(tokens.position(index), subject, cases)


_case_body = Sequence(statement, "}" + WORDS["case"] + WORDS["default"])
_case = keyword("case") - expression - Symbol(":", "`:` after the value of `case`") - _case_body
_default = keyword("default") - Symbol(":", "`:` after `default`") - _case_body
build(_case, lambda tokens, index, found: nodes.Case(tokens.position(index), found[0], found[1]))
build(_default, lambda tokens, index, found: nodes.Case(tokens.position(index), None, found[0]))
_no_case = Symbol(WORDS["case"], "`case` or `default` in a `switch`")
_switch = (
    keyword("switch")
    - opening("`switch`")
    - expression
    - closing("the subject of `switch`")
    - Symbol("{", "`{` and the cases of `switch`")
    - Sequence(
        Choice({WORDS["case"]: _case, WORDS["default"]: _default}, _no_case),
        "}",
        WORDS["case"] + WORDS["default"],
    )
    - Symbol("}", "`}` to close the `switch`")
)
build(_switch, _switch_node)


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
    keyword("for")
    - opening("`for`")
    - Expressions(";")
    - Symbol(";", "`;` after the first part of `for`")
    - MaybeExpression(";")
    - Symbol(";", "`;` after the condition of `for`")
    - Expressions(")")
    - closing("the head of `for`")
    - body
)
build(_for, lambda tokens, index, found: nodes.For(tokens.position(index), *found))
_foreach = (
    keyword("foreach")
    - opening("`foreach`")
    - expression
    - Symbol(WORDS["as"], "`as` and a variable in the head of `foreach`")
    - Target()
    - pp.Opt(arrow - Target(), default=None)
    - closing("the head of `foreach`")
    - body
)
build(_foreach, _foreach_node)
_while = (
    keyword("while") - opening("`while`") - expression - closing("the condition of `while`") - body
)
build(_while, lambda tokens, index, found: nodes.While(tokens.position(index), found[0], found[1]))
_forever = keyword("forever") - body
build(_forever, lambda tokens, index, found: nodes.While(tokens.position(index), None, found[0]))


# --- the rest -------------------------------------------------------------------

_echo = keyword("echo") - expression - end
build(_echo, lambda tokens, index, found: nodes.Echo(tokens.position(index), found[0]))
_break = keyword("break") - end
build(_break, lambda tokens, index, found: nodes.Break(tokens.position(index)))
_continue = keyword("continue") - end
build(_continue, lambda tokens, index, found: nodes.Continue(tokens.position(index)))
_barrier = (
    keyword("barrier")
    - expression
    - pp.Opt(arrow - variable("a variable after `=>`"), default=None)
    - block
)
build(_barrier, lambda tokens, index, found: nodes.Barrier(tokens.position(index), *found))
_bare_block = block + pp.Empty()
build(_bare_block, lambda tokens, index, found: nodes.Block(tokens.position(index), found[0]))

statement.enter(
    {
        "{": _bare_block,
        ";": nothing,
        WORDS["barrier"]: _barrier,
        WORDS["break"]: _break,
        WORDS["class"]: definitions.class_,
        WORDS["continue"]: _continue,
        WORDS["echo"]: _echo,
        WORDS["for"]: _for,
        WORDS["foreach"]: _foreach,
        WORDS["forever"]: _forever,
        WORDS["function"]: Choice({"(": expression_statement}, definitions.function_, ahead=1),
        WORDS["global"]: definitions.global_,
        WORDS["if"]: _if,
        WORDS["import"]: Choice(
            {"{": imports.import_symbols, "*": imports.import_module}, imports.import_data, ahead=1
        ),
        WORDS["include"]: imports.include,
        WORDS["include_once"]: imports.include_once,
        WORDS["return"]: definitions.return_,
        WORDS["switch"]: _switch,
        WORDS["while"]: _while,
    }
)

program = Sequence(statement, "").parse_with_tabs()
build(
    program,
    lambda tokens, index, found: nodes.Program(
        Position(tokens.file, 1, 1), found[0], tokens.source
    ),
)
