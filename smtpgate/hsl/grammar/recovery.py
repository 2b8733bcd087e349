"""From what a parse failed on to an error for people, and to the place to go on from."""

from __future__ import annotations

import pyparsing as pp

from smtpgate.hsl.errors import Position, ScriptSyntaxError
from smtpgate.hsl.grammar import habits
from smtpgate.hsl.grammar.tokens import END, INVALID, KEYWORDS, STRING, WORDS, Tokens

MAXIMUM_ERRORS = 20
# Behind a block these belong to the statement that the block is part of.
_CONTINUING = frozenset((WORDS["else"], WORDS["elseif"], WORDS["from"], ",", ")", "]", "(", "."))
_BRANCHES = frozenset((WORDS["else"], WORDS["elseif"]))
# And these in other languages.
_CONTINUING_ELSEWHERE = frozenset(("catch", "finally", "elif", "elsif"))


class Enough(Exception):
    """So many errors were found that more would not help."""


def note(tokens: Tokens, index: int, message: str) -> None:
    """Add the error at token ``index``, unless it most likely follows from another one.

    :raises Enough: when there are ``MAXIMUM_ERRORS``.
    """
    if tokens[index] == INVALID:
        message = tokens.complaint(index)
        position = tokens.position(index)
    else:
        message, position = _completed(tokens, index, message)
    if position.line == tokens.doubtful_line:
        return
    if any(error.position == position for error in tokens.errors):
        return
    text = _long_string_before(tokens, index)
    if text is not None:
        message += f"; the string before it started on line {text}"
    tokens.errors.append(ScriptSyntaxError(message, position, tokens.source_line(position.line)))
    if text is not None or len(tokens.errors) >= MAXIMUM_ERRORS:
        # With a quote missing, what looks like code from here on is the inside of strings.
        raise Enough


def _long_string_before(tokens: Tokens, index: int) -> int | None:
    """The line where a string started that ends right before ``index`` on a later line."""
    if index == 0 or tokens[index - 1] != STRING or "\n" not in tokens.texts[index - 1]:
        return None
    return tokens.line_of(index - 1)


def _completed(tokens: Tokens, index: int, message: str) -> tuple[str, Position]:
    """The message with where a bracket was opened, and the place to show."""
    text = tokens.texts[index]
    if text in KEYWORDS and message.startswith("expected the name of the "):
        what = message.split()[-1]
        message = f"`{text}` is a keyword: it can not be the name of a {what}"
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


def _continues(tokens: Tokens, index: int) -> bool:
    return tokens[index] in _CONTINUING or tokens.texts[index] in _CONTINUING_ELSEWHERE


def _lower(message: str) -> str:
    return "e" + message[1:] if message.startswith("Expected ") else message


def _last_line(tokens: Tokens, index: int) -> int:
    return tokens.position_of(tokens.end_of(index)).line


def resume(tokens: Tokens, start: int, error: pp.ParseBaseException, starts: frozenset[str]) -> int:
    """Note the error in the statement that starts at ``start``; where the next one starts.

    That is behind the next ``;`` or block, or at the ``}`` of the block around.  Where
    only some ``starts`` can begin what comes next, it is at one of them.
    """
    failed = max(error.loc, start)
    message, shown = habits.advice(tokens, start, failed, _lower(error.msg))
    note(tokens, shown, message)
    line = tokens.line_of(failed)
    depth = brackets = 0
    if tokens[start] == WORDS["for"] and failed == start + 1:
        # The parentheses are missing, and with them what holds the two `;` together.
        brackets = 1
    for kind in tokens[start:failed]:
        depth += (kind == "{") - (kind == "}")
        brackets += (kind in "([") - (kind in ")]")
    depth = max(depth, 0)
    ends_here = error.msg.startswith("Expected `;`") and failed > start
    if ends_here and not (depth or brackets or starts) and line > _last_line(tokens, failed - 1):
        # All that is missing is what ends the statement: the next one is whole.
        tokens.doubtful_line = 0
        return failed
    index = failed
    while tokens[index] != END:
        kind = tokens[index]
        index += 1
        if kind == "{":
            depth += 1
        elif kind == "}":
            depth -= 1
            if depth < 0:
                # The block around ends here, and must see it.
                index = max(index - 1, start + 1)
                brackets = 1
                break
            if depth == 0 and not starts and not _continues(tokens, index):
                break
        elif kind == ";" and depth == 0 and not starts and tokens[index] not in _BRANCHES:
            break
        elif kind == INVALID and index - 1 > failed and tokens.line_of(index - 1) != line:
            note(tokens, index - 1, "")
        if depth == 0 and tokens[index] in starts:
            break
    # With a bracket open this may still be inside the statement: do not trust the line.
    tokens.doubtful_line = tokens.line_of(index - 1) if brackets > 0 else 0
    return index
