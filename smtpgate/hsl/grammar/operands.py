"""The operands of expressions: literals, names, brackets, functions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TypeAlias

from smtpgate.hsl import nodes
from smtpgate.hsl.grammar import literals, targets
from smtpgate.hsl.grammar.reader import WORD_KINDS, Reader
from smtpgate.hsl.grammar.tokens import KINDS, NAME, NUMBER, STRING, VARIABLE, WORDS

_ARROW, _SCOPE, _SPREAD = KINDS["=>"], KINDS["::"], KINDS["..."]
_BUILTIN = WORDS["builtin"]


class OperandReader(Reader, ABC):
    """Reads what an expression starts with, up to what may follow it.

    Each of the readers in ``PRIMARIES`` is called behind the operand's first token,
    with that token's number.
    """

    @abstractmethod
    def expression(self) -> nodes.Expression:
        """Read an expression, which may be part of another one."""

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

    def array(self) -> nodes.ArrayLiteral:
        """An array literal, as options are written."""
        if self.tokens[self.index] != "[":
            raise self.failure(
                self.index, f"expected `[` after `{self.shown(self.index - 1, self.index)}`"
            )
        self.index += 1
        return self._array(self.index - 1)

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


_MEMBERS = WORD_KINDS | {VARIABLE}
_Read: TypeAlias = Callable[[OperandReader, int], nodes.Expression]
PRIMARIES: dict[str, _Read] = {
    VARIABLE: OperandReader._variable,
    NUMBER: OperandReader._number,
    STRING: OperandReader._string,
    NAME: OperandReader._name,
    "(": OperandReader._parenthesised,
    "[": OperandReader._array,
    WORDS["true"]: OperandReader._constant,
    WORDS["false"]: OperandReader._constant,
    WORDS["none"]: OperandReader._constant,
    WORDS["array"]: OperandReader._array_call,
    WORDS["static"]: OperandReader._static_keyword,
    WORDS["builtin"]: OperandReader._builtin,
    WORDS["isset"]: OperandReader._construct,
    WORDS["unset"]: OperandReader._construct,
    WORDS["cache"]: OperandReader._cached,
    WORDS["function"]: OperandReader._anonymous,
}
