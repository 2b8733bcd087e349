"""Expressions, by precedence climbing over the tokens.

The whole of it is one pyparsing element, ``elements.Expression``: a grammar
of nested pyparsing elements, one a level of precedence, is ten times slower.
Chains of binary operators are built in a loop, so a concatenation of thousands
of terms takes no Python stack (its tree is deep along ``left``); everything
else that nests is bounded.
"""

from __future__ import annotations

from typing import Any, NoReturn, cast

from smtpgate.hsl import nodes
from smtpgate.hsl.grammar import targets
from smtpgate.hsl.grammar.operands import PRIMARIES, OperandReader
from smtpgate.hsl.grammar.reader import TOO_DEEP
from smtpgate.hsl.grammar.tokens import KINDS, VARIABLE, WORDS

# Subscripts, properties and calls behind each other.
MAXIMUM_LINKS = 200

_TERNARY, _COALESCE = 1, 2
_LEVELS = {
    KINDS[symbol]: level
    for level, symbols in enumerate(
        (
            "?", "??", "", "", "== != === !== =~ !~", "< > <= >=", "|", "^", "&", "<< >>", ".",
            "+ -", "* / %",
        ),
        start=1,
    )
    for symbol in symbols.split()
} | {WORDS["or"]: 3, WORDS["and"]: 4}  # fmt: skip
_LOGICAL = frozenset((WORDS["and"], WORDS["or"]))
_FOREIGN = {KINDS["&&"]: "and", KINDS["||"]: "or"}
_NOT_MATCH, _POWER = KINDS["!~"], KINDS["**"]
_UNARY = {"-": "-", "+": "+", "!": "!", "~": "~", WORDS["not"]: "!", _NOT_MATCH: "!~"}
_STEPS = frozenset((KINDS["++"], KINDS["--"]))
_ASSIGNMENTS: dict[str, str | None] = {
    KINDS[operator + "="]: operator
    for operator in ("+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>")
}
_ASSIGNMENTS["="] = None
_LINKS = frozenset(("[", "(", KINDS["->"]))
_SUFFIXES = _LINKS | _STEPS | _ASSIGNMENTS.keys() | {_POWER}
_SCOPE = KINDS["::"]
# What an expression can start with.
STARTS = frozenset(PRIMARIES) | frozenset(_UNARY) | _STEPS


class ExpressionReader(OperandReader):
    """Reads expressions of one script."""

    # --- entries ---------------------------------------------------------------

    def whole(self) -> nodes.Expression:
        """An expression that is no part of another one."""
        outer, self._appends = self._appends, []
        node = self.expression()
        if self._appends:
            self._complain_about_append()
        self._appends = outer
        return node

    def several(self, closing: str) -> tuple[nodes.Expression, ...]:
        """Expressions with commas between them up to ``closing``; maybe none."""
        found: list[nodes.Expression] = []
        while self.tokens[self.index] != closing:
            found.append(self.whole())
            if self.tokens[self.index] != ",":
                break
            self.index += 1
        return tuple(found)

    def target(self) -> nodes.Expression:
        """What `foreach` assigns to: a variable or a pattern."""
        start = self.index
        if self.tokens[start] == VARIABLE:
            self.index = start + 1
            return self._variable(start)
        if self.tokens[start] != "[":
            raise self.failure(start, "expected a variable or a pattern `[...]`")
        outer, self._appends = self._appends, []
        self.index = start + 1
        node = self._pattern(self._array(start), start)
        if self._appends:
            self._complain_about_append()
        self._appends = outer
        return node

    # --- precedence ------------------------------------------------------------

    def expression(self) -> nodes.Expression:
        self._deeper(1)
        begin, self._begin = self._begin, self.index
        node = self._operand()
        if self.tokens[self.index] in _LEVELS:
            node = self._climb(node, _TERNARY)
        elif self.tokens[self.index] in _FOREIGN:
            self._foreign_operator()
        self._begin = begin
        self.depth -= 1
        return node

    def _climb(self, left: nodes.Expression, minimum: int) -> nodes.Expression:
        """Add to ``left`` all operators that bind at least as ``minimum`` does."""
        tokens = self.tokens
        while True:
            operator = self.index
            kind = tokens[operator]
            level = _LEVELS.get(kind, 0)
            if level < minimum or not level:
                if kind in _FOREIGN:
                    self._foreign_operator()
                return left
            if level == _TERNARY:
                left = self._ternary(left)
                continue
            self.index = operator + 1
            if level == _COALESCE:
                self._deeper(1)
                right = self._climb(self._operand(), _COALESCE)
                self.depth -= 1
                left = nodes.Coalesce(tokens.position(operator), left, right)
                continue
            right = self._operand()
            if _LEVELS.get(tokens[self.index], 0) > level:
                right = self._climb(right, level + 1)
            text: Any = tokens.texts[operator]
            place = tokens.position(operator)
            if kind in _LOGICAL:
                left = nodes.Logical(place, text, left, right)
            else:
                left = nodes.Binary(place, text, left, right)

    def _ternary(self, test: nodes.Expression) -> nodes.Expression:
        operator = self.index
        self.index += 1
        then = None
        if self.tokens[self.index] != ":":
            then = self.expression()
            if self.tokens[self.index] != ":":
                raise self.failure(
                    self.index,
                    "expected `:` and the other value of `?`" + self._line_if_other(operator),
                )
        self.index += 1
        self._deeper(1)
        otherwise = self._climb(self._operand(), _TERNARY)
        self.depth -= 1
        return nodes.Ternary(self.tokens.position(operator), test, then, otherwise)

    def _operand(self) -> nodes.Expression:
        start = self.index
        kind = self.tokens[start]
        read = PRIMARIES.get(kind)
        if read is None:
            if kind in _UNARY:
                return self._unary()
            if kind in _STEPS:
                return self._step()
            raise self.no_operand(start)
        self.index = start + 1
        node = read(self, start)
        if self.tokens[self.index] in _SUFFIXES:
            return self._suffixes(node, start)
        return node

    def _unary(self) -> nodes.Expression:
        tokens = self.tokens
        first = self.index
        while tokens[self.index] in _UNARY:
            self.index += 1
        after = self.index
        self._deeper(after - first)
        node = self._operand()
        self.depth -= after - first
        for index in range(after - 1, first - 1, -1):
            # `!~$x` is `!` and `~`: where an operand is due there is nothing to match.
            for operator in reversed(_UNARY[tokens[index]]):
                node = nodes.Unary(
                    tokens.position(index), cast(nodes.UnaryOperator, operator), node
                )
        return node

    def _step(self) -> nodes.Expression:
        operator = self.index
        self.index += 1
        start = self.index
        read = PRIMARIES.get(self.tokens[start])
        if read is None:
            raise self.failure(start, f"expected a variable after `{self.tokens.texts[operator]}`")
        self.index += 1
        target = self._links(read(self, start), start)
        node = self._step_of(operator, target, start, prefix=True)
        return self._power(node) if self.tokens[self.index] == _POWER else node

    def _step_of(
        self, operator: int, target: nodes.Expression, start: int, *, prefix: bool
    ) -> nodes.Expression:
        text: Any = self.tokens.texts[operator]
        if not targets.assignable(target) or isinstance(target, nodes.Slice):
            end = operator if not prefix else self.index
            raise self.failure(start, f"`{text}` needs a variable, not `{self.shown(start, end)}`")
        return nodes.Step(self.tokens.position(operator), text, target, prefix)

    def _suffixes(self, node: nodes.Expression, start: int) -> nodes.Expression:
        """What may follow an operand: subscripts and calls, `++`, an assignment, `**`."""
        node = self._links(node, start)
        kind = self.tokens[self.index]
        if kind in _STEPS:
            self.index += 1
            node = self._step_of(self.index - 1, node, start, prefix=False)
            kind = self.tokens[self.index]
        if kind == _POWER:
            return self._power(node)
        if kind in _ASSIGNMENTS:
            return self._assignment(node, start)
        return node

    def _power(self, left: nodes.Expression) -> nodes.Expression:
        operator = self.index
        self.index += 1
        self._deeper(1)
        right = self._operand()
        self.depth -= 1
        return nodes.Binary(self.tokens.position(operator), "**", left, right)

    def _assignment(self, node: nodes.Expression, start: int) -> nodes.Expression:
        index = self.index
        operator: Any = _ASSIGNMENTS[self.tokens[index]]
        if operator is None and isinstance(node, nodes.ArrayLiteral):
            node = self._pattern(node, start)
        elif operator is None and targets.assignable(node):
            self._assigned(node)
        elif not targets.assignable(node):
            raise self.failure(
                self._begin, f"`{self.shown(self._begin, index)}` cannot be assigned to"
            )
        self.index = index + 1
        value = self.expression()
        return nodes.Assign(self.tokens.position(index), node, operator, value)

    # --- what follows an operand -------------------------------------------------

    def _links(self, node: nodes.Expression, start: int) -> nodes.Expression:
        tokens = self.tokens
        count = 0
        while (kind := tokens[self.index]) in _LINKS:
            index = self.index
            count += 1
            if count > MAXIMUM_LINKS:
                raise self.failure(index, TOO_DEEP)
            self.index = index + 1
            if kind == "[":
                node = self._subscript(node, index)
            elif kind == "(":
                if index == start + 1 and isinstance(node, nodes.Constant | nodes.Interpolation):
                    raise self.failure(start, f"`{self.shown(start, index)}` cannot be called")
                arguments = self._items(")", "to close the argument list", keys=False)
                node = nodes.Call(node.position, node, arguments)
            else:
                name = self._word("the name of a property")
                node = nodes.Property(tokens.position(name), node, tokens.texts[name])
        return node

    def _subscript(self, target: nodes.Expression, opening: int) -> nodes.Expression:
        tokens = self.tokens
        place = tokens.position(opening)
        kind = tokens[self.index]
        if kind == "]":
            self.index += 1
            append = nodes.Subscript(place, target, None)
            self._appends.append(append)
            return append
        first = None if kind in {":", _SCOPE} else self.expression()
        if tokens[self.index] not in {":", _SCOPE}:
            self._close("]", "to close the subscript")
            return nodes.Subscript(place, target, first)
        bounds: list[nodes.Expression | None] = [first]
        while (kind := tokens[self.index]) in {":", _SCOPE}:
            if kind == _SCOPE:
                bounds.append(None)
            self.index += 1
            following = tokens[self.index]
            bounds.append(None if following in {":", _SCOPE, "]"} else self.expression())
            if len(bounds) > 3:
                raise self.failure(self.index - 1, "a slice has at most `[first:last:step]`")
        self._close("]", "to close the slice")
        start, stop, step = (*bounds, None)[:3]
        return nodes.Slice(place, target, start, stop, step)

    def _foreign_operator(self) -> NoReturn:
        text = self.tokens.texts[self.index]
        raise self.failure(
            self.index, f"`{text}` is no operator: write `{_FOREIGN[self.tokens[self.index]]}`"
        )

    # --- patterns ----------------------------------------------------------------

    def _pattern(self, array: nodes.ArrayLiteral, start: int) -> nodes.Pattern:
        try:
            pattern = targets.pattern_of(array)
        except targets.NoPattern as error:
            raise self.failure_at(error.position, error.message) from None
        self._assigned(pattern)
        return pattern

    def _assigned(self, target: nodes.Expression) -> None:
        """Take the appends that ``target`` does off the list of suspects."""
        if self._appends:
            done = {id(append) for append in targets.appends(target)}
            self._appends = [append for append in self._appends if id(append) not in done]

    def _complain_about_append(self) -> NoReturn:
        raise self.failure_at(
            self._appends[0].position, "`[]` appends to an array: it can only be assigned to"
        )
