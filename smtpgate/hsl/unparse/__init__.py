"""The syntax tree back to source, in one canonical form.

``parse(unparse(program))`` equals ``program`` apart from positions and source, for
every tree that the parser can make.  The work is a stack of pieces, so a deep
tree takes no Python stack.
"""

from __future__ import annotations

from collections.abc import Iterable

from smtpgate.hsl import nodes
from smtpgate.hsl.unparse import expressions, statements
from smtpgate.hsl.unparse.pieces import Block, Lines, Operand, Piece, level_of, quoted

INDENT = "\t"

_FORMS = expressions.FORMS | statements.FORMS


def unparse(node: nodes.Node) -> str:
    """The canonical source of a program, a statement or an expression."""
    if isinstance(node, nodes.Program):
        return "".join(unparse(statement) + "\n" for statement in node.body)
    output: list[str] = []
    waiting: list[tuple[Piece, str]] = [(node, "")]
    while waiting:
        piece, indent = waiting.pop()
        if isinstance(piece, str):
            output.append(piece)
            continue
        inner = indent
        pieces: Iterable[Piece]
        if isinstance(piece, Operand):
            bare = level_of(piece.node) >= piece.level
            pieces = [piece.node] if bare else ["(", piece.node, ")"]
        elif isinstance(piece, Block):
            pieces = ["{", Lines(piece.body), "\n" + indent + "}"] if piece.body else ["{ }"]
        elif isinstance(piece, Lines):
            inner = indent + INDENT
            pieces = [part for statement in piece.body for part in ("\n" + inner, statement)]
        else:
            pieces = _FORMS[type(piece)](piece)
        waiting.extend((part, inner) for part in reversed(list(pieces)))
    return "".join(output)


__all__ = ["INDENT", "quoted", "unparse"]
