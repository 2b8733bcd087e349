"""From what a parse failed on to an error for people, and to the place to go on from."""

from __future__ import annotations

import pyparsing as pp

from smtpgate.hsl.errors import Position, ScriptSyntaxError
from smtpgate.hsl.tokens import END, INVALID, WORDS, Tokens

MAXIMUM_ERRORS = 20
_ELSES = frozenset((WORDS["else"], WORDS["elseif"]))


class Enough(Exception):
    """So many errors were found that more would not help."""


def note(tokens: Tokens, index: int, message: str) -> None:
    """Add the error at token ``index``, unless it most likely follows from the last one.

    :raises Enough: when there are ``MAXIMUM_ERRORS``.
    """
    if tokens[index] == INVALID:
        message = tokens.complaint(index)
        position = tokens.position(index)
    else:
        message, position = _completed(tokens, index, message)
    if tokens.errors and tokens.errors[-1].position.line >= position.line:
        # The second error of a line is nearly always about the first one's repair.
        return
    tokens.errors.append(ScriptSyntaxError(message, position, tokens.source_line(position.line)))
    if len(tokens.errors) >= MAXIMUM_ERRORS:
        raise Enough


def _completed(tokens: Tokens, index: int, message: str) -> tuple[str, Position]:
    """The message with where a bracket was opened, and the place to show."""
    if message.startswith("Expected "):
        message = "e" + message[1:]
    missing = message.startswith(("expected `)`", "expected `]`", "expected `}`"))
    missing_end = message.startswith("expected `;`")
    position = tokens.position(index)
    # What is missing is missing behind the token before, not on some later line.
    behind = index > 0 and (
        tokens[index] == END
        or ((missing_end or missing) and tokens.line_of(index) > _last_line(tokens, index - 1))
    )
    if behind:
        position = tokens.position_of(tokens.end_of(index - 1))
    if missing:
        opening = tokens.opening_of(index, message[len("expected `")])
        if opening is not None and tokens.line_of(opening) != position.line:
            message += f" opened on line {tokens.line_of(opening)}"
    return message, position


def _last_line(tokens: Tokens, index: int) -> int:
    return tokens.position_of(tokens.end_of(index)).line


def resume(tokens: Tokens, start: int, error: pp.ParseBaseException) -> int:
    """Note the error in the statement that starts at ``start``; where the next one starts."""
    failed = max(error.loc, start)
    note(tokens, failed, error.msg)
    depth = 0
    for index in range(start, failed):
        depth += (tokens[index] == "{") - (tokens[index] == "}")
    depth = max(depth, 0)
    index = failed
    while tokens[index] != END:
        kind = tokens[index]
        if kind == "{":
            depth += 1
        elif kind == "}":
            depth -= 1
            if depth < 0:
                # The end of the block around the statement, which must get past it itself.
                return index if index > start else index + 1
            if depth == 0 and tokens[index + 1] not in _ELSES:
                return index + 1
        elif kind == ";" and depth == 0:
            return index + 1
        elif kind == INVALID and index > failed:
            note(tokens, index, "")
        index += 1
    return index
