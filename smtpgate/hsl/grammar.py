"""The parser: source text to the syntax tree.

``tokens`` cuts the text, ``statements`` is the pyparsing grammar, ``expressions``
reads what stands inside statements, ``recovery`` words the errors and goes on.
"""

from __future__ import annotations

from contextlib import suppress
from typing import cast

from smtpgate.hsl import definitions, nodes, recovery, statements
from smtpgate.hsl.errors import ScriptErrors
from smtpgate.hsl.expressions import ExpressionReader
from smtpgate.hsl.reader import TOO_DEEP
from smtpgate.hsl.tokens import Tokens


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
