"""Expressions, by precedence climbing over the tokens.

The whole of it is one pyparsing element, :class:`ExpressionElement`: a grammar
of nested pyparsing elements, one a level of precedence, is ten times slower.
Chains of binary operators are built in a loop, so a concatenation of thousands
of terms takes no Python stack (its tree is deep along ``left``); everything
else that nests is bounded by ``MAXIMUM_DEPTH``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, TypeAlias, cast

import pyparsing as pp

from smtpgate.hsl import literals, nodes, targets
from smtpgate.hsl.errors import Position
from smtpgate.hsl.tokens import KINDS, NAME, NUMBER, STRING, VARIABLE, WORDS, Tokens

# Brackets, right sides and prefixes inside each other; a block counts for two.  CPython allows
# 1000 frames, a bracket takes four of them and a block about eight.
MAXIMUM_DEPTH = 120
# Subscripts, properties and calls behind each other.
MAXIMUM_LINKS = 200
TOO_DEEP = "nested too deeply"

_TERNARY, _COALESCE, _LEFT = 1, 2, 3
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
_NOT_MATCH, _POWER, _SPREAD = KINDS["!~"], KINDS["**"], KINDS["..."]
_UNARY = {"-": "-", "+": "+", "!": "!", "~": "~", WORDS["not"]: "!", _NOT_MATCH: "!~"}
_STEPS = frozenset((KINDS["++"], KINDS["--"]))
_ASSIGNMENTS: dict[str, str | None] = {
    KINDS[operator + "="]: operator
    for operator in ("+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>")
}
_ASSIGNMENTS["="] = None
_LINKS = frozenset(("[", "(", KINDS["->"]))
_SUFFIXES = _LINKS | _STEPS | _ASSIGNMENTS.keys() | {_POWER}
_ARROW, _PROPERTY, _SCOPE = KINDS["=>"], KINDS["->"], KINDS["::"]
_BUILTIN = WORDS["builtin"]
# A word in these kinds may name a member, be it a keyword or not.
WORD_KINDS = frozenset((NAME, *WORDS.values()))

_SHOWN = 40


class SyntaxFailure(pp.ParseSyntaxException):
    """A syntax error at a token, worded for the script's author."""


class ExpressionReader:
    """Reads expressions of one script; ``index`` is the token to be read next."""

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

    def array(self) -> nodes.ArrayLiteral:
        """An array literal, as options are written."""
        if self.tokens[self.index] != "[":
            raise self.failure(
                self.index, f"expected `[` after `{self.tokens.texts[self.index - 1]}`"
            )
        self.index += 1
        return self._array(self.index - 1)

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
        read = _PRIMARIES.get(kind)
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
        read = _PRIMARIES.get(self.tokens[start])
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
        if not targets.assignable(target):
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

    # --- operands ----------------------------------------------------------------

    def _variable(self, index: int) -> nodes.Expression:
        return nodes.Variable(self.tokens.position(index), self.tokens.texts[index][1:])

    def _number(self, index: int) -> nodes.Expression:
        value = literals.number(self.tokens.texts[index])
        return nodes.Constant(self.tokens.position(index), value)

    def _string(self, index: int) -> nodes.Expression:
        return literals.string(self.tokens, index)

    def _constant(self, index: int) -> nodes.Expression:
        value = {"true": True, "false": False, "none": None}[self.tokens.texts[index]]
        return nodes.Constant(self.tokens.position(index), value)

    def _parenthesised(self, index: int) -> nodes.Expression:
        node = self.expression()
        self._close(")", "to close the parenthesis")
        return node

    def _array(self, index: int) -> nodes.ArrayLiteral:
        elements = self._items("]", "to close the array", keys=True)
        return nodes.ArrayLiteral(self.tokens.position(index), elements)

    def _array_call(self, index: int) -> nodes.Expression:
        self._open("(", "after `array`")
        elements = self._items(")", "to close the array", keys=True)
        return nodes.ArrayLiteral(self.tokens.position(index), elements)

    def _name(self, index: int) -> nodes.Expression:
        tokens = self.tokens
        place = tokens.position(index)
        # `$a[first::2]` is a slice: behind a scope there is always a name.
        if tokens[index + 1] == _SCOPE and tokens[index + 2] in _MEMBERS:
            return self._static(index, tokens.texts[index])
        return nodes.FunctionName(place, tokens.texts[index])

    def _static(self, index: int, scope: str | None) -> nodes.StaticMember:
        if self.tokens[self.index] != _SCOPE:
            raise self.failure(self.index, f"expected `::` after `{self.tokens.texts[index]}`")
        self.index += 1
        place = self.tokens.position(index)
        if self.tokens[self.index] == VARIABLE:
            self.index += 1
            return nodes.StaticMember(
                place, scope, self.tokens.texts[self.index - 1][1:], variable=True
            )
        member = self._word("a static member")
        return nodes.StaticMember(place, scope, self.tokens.texts[member], variable=False)

    def _static_keyword(self, index: int) -> nodes.Expression:
        return self._static(index, None)

    def _builtin(self, index: int) -> nodes.FunctionName:
        if self.tokens[self.index] != NAME:
            raise self.failure(self.index, "expected the name of a function after `builtin`")
        self.index += 1
        place = self.tokens.position(self.index - 1)
        return nodes.FunctionName(place, self.tokens.texts[self.index - 1], builtin=True)

    def _construct(self, index: int) -> nodes.Expression:
        """`isset(...)` and `unset(...)`."""
        word = self.tokens.texts[index]
        self._open("(", f"after `{word}`")
        start = self.index
        target = self.expression()
        if not targets.assignable(target):
            raise self.failure(
                start, f"`{word}` needs a variable, not `{self.shown(start, self.index)}`"
            )
        self._close(")", f"to close `{word}`")
        place = self.tokens.position(index)
        return nodes.Isset(place, target) if word == "isset" else nodes.Unset(place, target)

    def _cached(self, index: int) -> nodes.Expression:
        tokens = self.tokens
        options = self._cache_options()
        if tokens[self.index] == _BUILTIN:
            self.index += 1
            callee: nodes.Expression = self._builtin(self.index - 1)
        elif tokens[self.index] == NAME:
            self.index += 1
            callee = self._name(self.index - 1)
        else:
            raise self.failure(self.index, "expected the call of a named function after `cache`")
        self._open("(", "and the arguments of the cached call")
        arguments = self._items(")", "to close the argument list", keys=False)
        call = nodes.Call(callee.position, callee, arguments)
        return nodes.Cached(tokens.position(index), options, call)

    def _cache_options(self) -> tuple[nodes.CacheOption, ...]:
        options = []
        for element in self.array().elements:
            key = element.key
            if isinstance(key, nodes.FunctionName) and not key.builtin:
                name = key.name
            elif isinstance(key, nodes.Constant) and isinstance(key.value, str):
                name = key.value
            else:
                raise self.failure_at(
                    element.position, 'expected an option of `cache` as `"name" => value`'
                )
            options.append(nodes.CacheOption(element.position, name, element.value))
        return tuple(options)

    def _anonymous(self, index: int) -> nodes.Expression:
        tokens = self.tokens
        outer, self._appends = self._appends, []
        begin = self._begin
        end, found = self._function._parse(tokens, self.index)
        self.index, self._appends, self._begin = end, outer, begin
        parameters, captures, body = found
        return nodes.AnonymousFunction(tokens.position(index), parameters, captures or (), body)

    # --- lists -------------------------------------------------------------------

    def _items(self, closing: str, purpose: str, *, keys: bool) -> tuple[nodes.Element, ...]:
        """Array elements or arguments, up to and with the closing bracket."""
        tokens = self.tokens
        found: list[nodes.Element] = []
        while tokens[self.index] != closing:
            start = self.index
            key = None
            spread = tokens[start] == _SPREAD
            if spread:
                self.index += 1
            value = self.expression()
            if keys and not spread and tokens[self.index] == _ARROW:
                self.index += 1
                key, value = value, self.expression()
            found.append(nodes.Element(tokens.position(start), value, key, spread))
            if tokens[self.index] != ",":
                self._close(closing, purpose)
                return tuple(found)
            self.index += 1
        self.index += 1
        return tuple(found)

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

    # --- helpers -----------------------------------------------------------------

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
            raise self.failure(index, f"expected {what} after `{self.tokens.texts[index - 1]}`")
        self.index = index + 1
        return index

    def _foreign_operator(self) -> NoReturn:
        text = self.tokens.texts[self.index]
        raise self.failure(
            self.index, f"`{text}` is no operator: write `{_FOREIGN[self.tokens[self.index]]}`"
        )

    def _line_if_other(self, index: int) -> str:
        line = self.tokens.line_of(index)
        return "" if line == self.tokens.line_of(self.index) else f" on line {line}"

    def shown(self, start: int, end: int) -> str:
        """The source of the tokens from ``start`` up to ``end``, on one line and not long."""
        tokens = self.tokens
        text = tokens.source[tokens.starts[start] : tokens.end_of(end - 1)]
        text = " ".join(text.split())
        return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."

    def no_operand(self, index: int) -> SyntaxFailure:
        if index == 0 or self.tokens[index - 1] in {";", "{", "}"}:
            return self.failure(index, "expected an expression")
        return self.failure(
            index, f"expected an expression after `{self.shown(index - 1, index)}`"
        )

    def failure(self, index: int, message: str) -> SyntaxFailure:
        return SyntaxFailure(self.tokens, index, message)

    def failure_at(self, position: Position, message: str) -> SyntaxFailure:
        """A failure at a node that has been read, whose token is not at hand."""
        index = self.index
        while index > 0 and self.tokens.position(index) != position:
            index -= 1
        return self.failure(index, message)


_MEMBERS = WORD_KINDS | {VARIABLE}
_Read: TypeAlias = Callable[[ExpressionReader, int], nodes.Expression]
_PRIMARIES: dict[str, _Read] = {
    VARIABLE: ExpressionReader._variable,
    NUMBER: ExpressionReader._number,
    STRING: ExpressionReader._string,
    NAME: ExpressionReader._name,
    "(": ExpressionReader._parenthesised,
    "[": ExpressionReader._array,
    WORDS["true"]: ExpressionReader._constant,
    WORDS["false"]: ExpressionReader._constant,
    WORDS["none"]: ExpressionReader._constant,
    WORDS["array"]: ExpressionReader._array_call,
    WORDS["static"]: ExpressionReader._static_keyword,
    WORDS["builtin"]: ExpressionReader._builtin,
    WORDS["isset"]: ExpressionReader._construct,
    WORDS["unset"]: ExpressionReader._construct,
    WORDS["cache"]: ExpressionReader._cached,
    WORDS["function"]: ExpressionReader._anonymous,
}
# What an expression can start with.
STARTS = frozenset(_PRIMARIES) | frozenset(_UNARY) | _STEPS
