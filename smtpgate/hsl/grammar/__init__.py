"""The grammar: source text to the syntax tree.

``tokens`` cuts the text.  ``statements``, ``definitions`` and ``imports`` are written in pyparsing,
made of ``phrases`` and ``elements``.  ``expressions``, with ``operands`` and ``targets``, reads by
precedence what stands inside them.  ``recovery`` words the errors and goes on; ``habits`` knows
what is written in other languages.
"""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import ScriptErrors
from smtpgate.hsl.grammar import definitions, recovery, statements
from smtpgate.hsl.grammar.expressions import ExpressionReader
from smtpgate.hsl.grammar.reader import TOO_DEEP
from smtpgate.hsl.grammar.tokens import Tokens


def parse(source: str, file: str) -> nodes.Program:
    """The tree of a script.

    :param source: the script, one character an octet (latin-1)
    :param file: its name for positions
    :raises ScriptErrors: with up to 20 independent syntax errors in source order
    """
    tokens = Tokens.scan(source, file)
    tokens.reader = ExpressionReader(tokens, definitions.anonymous)
    found = None
    try:
        with suppress(recovery.Enough):
            found = statements.program.parse_string(tokens)
    except RecursionError:
        # The caller's own stack is deep; the bound on nesting is made for a usual one.
        with suppress(recovery.Enough):
            recovery.note(tokens, min(tokens.reader.index, len(tokens) - 1), TOO_DEEP)
    if found is None or tokens.errors:
        raise ScriptErrors(
            sorted(tokens.errors, key=lambda error: (error.position.line, error.position.column))
        )
    return cast(nodes.Program, found[0])
