"""What reading expressions is built on: the place in the tokens, its depth, its failures."""

from __future__ import annotations

import pyparsing as pp

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import Position
from smtpgate.hsl.grammar.tokens import NAME, WORDS, Tokens, excerpt

# Brackets, right sides and prefixes inside each other; a block counts for two.  CPython allows
# 1000 frames, a bracket takes four of them and a block about eight.
MAXIMUM_DEPTH = 120
TOO_DEEP = "nested too deeply"

# A word in these kinds may name a member, be it a keyword or not.
WORD_KINDS = frozenset((NAME, *WORDS.values()))


class SyntaxFailure(pp.ParseSyntaxException):
    """A syntax error at a token, worded for the script's author."""


class Reader:
    """A place in the tokens of one script; ``index`` is the token to be read next."""

    def __init__(self, tokens: Tokens, function: pp.ParserElement) -> None:
        self.tokens = tokens
        self.index = 0
        self.depth = 0
        self._function = function
        # Where the expression that is being read starts, for messages.
        self._begin = 0
        # `$a[]` that were read and not yet seen to be assigned to.
        self._appends: list[nodes.Subscript] = []

    def reset(self, depth: int) -> None:
        """Forget the expression that failed, ``depth`` levels deep in the script."""
        self.depth = depth
        self._appends = []

    def deeper(self, levels: int, index: int) -> None:
        """Count ``levels`` of nesting that start at token ``index``."""
        self.depth += levels
        if self.depth > MAXIMUM_DEPTH:
            raise self.failure(index, TOO_DEEP)

    def _deeper(self, levels: int) -> None:
        self.deeper(levels, self.index)

    def _open(self, opening: str, purpose: str) -> None:
        if self.tokens[self.index] != opening:
            raise self.failure(self.index, f"expected `{opening}` {purpose}")
        self.index += 1

    def _close(self, closing: str, purpose: str) -> None:
        if self.tokens[self.index] != closing:
            raise self.failure(self.index, f"expected `{closing}` {purpose}")
        self.index += 1

    def _word(self, what: str) -> int:
        index = self.index
        if self.tokens[index] not in WORD_KINDS:
            raise self.failure(index, f"expected {what} after `{self.shown(index - 1, index)}`")
        self.index = index + 1
        return index

    def _line_if_other(self, index: int) -> str:
        line = self.tokens.line_of(index)
        return "" if line == self.tokens.line_of(self.index) else f" on line {line}"

    def shown(self, start: int, end: int) -> str:
        """The source of the tokens from ``start`` up to ``end``, on one line and not long."""
        tokens = self.tokens
        return excerpt(tokens.source[tokens.starts[start] : tokens.end_of(end - 1)])

    def no_operand(self, index: int) -> SyntaxFailure:
        if index == 0 or self.tokens[index - 1] in {";", "{", "}"}:
            return self.failure(index, "expected an expression")
        return self.failure(index, f"expected an expression after `{self.shown(index - 1, index)}`")

    def failure(self, index: int, message: str) -> SyntaxFailure:
        return SyntaxFailure(self.tokens, index, message)

    def failure_at(self, position: Position, message: str) -> SyntaxFailure:
        """A failure at a node that has been read, whose token is not at hand."""
        index = self.index
        while index > 0 and self.tokens.position(index) != position:
            index -= 1
        return self.failure(index, message)
