"""Constant folding: expressions whose value is known before the script runs."""

from __future__ import annotations

from typing import Any

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.operations.operators import BINARY, bit_not, negate, number
from smtpgate.hsl.operations.reading import ABSENT, SPREAD, array_of
from smtpgate.hsl.values import Map, Value
from smtpgate.hsl.values.arrays import pairs

#: What stands for "not constant"; ``None`` is a value.
UNKNOWN: Any = object()
_LARGEST = 4096


class Folder:
    """Folds expressions, each node once."""

    def __init__(self) -> None:
        self._known: dict[int, Any] = {}

    def value(self, node: nodes.Node | None) -> Any:
        """The expression's value, or ``UNKNOWN``."""
        if isinstance(node, nodes.Constant):
            return node.value
        found = self._known.get(id(node), self)
        if found is self:
            found = self._fold(node)
            if _size(found) > _LARGEST:
                found = UNKNOWN
            self._known[id(node)] = found
        return found

    def _fold(self, node: nodes.Node | None) -> Any:
        try:
            if isinstance(node, nodes.Binary):
                return self._binary(node)
            if isinstance(node, nodes.Unary):
                return self._unary(node)
            if isinstance(node, nodes.ArrayLiteral):
                return self._array(node)
            if isinstance(node, nodes.Ternary):
                return self._ternary(node)
        except Fault:
            # It is one when the script runs there, with its position.
            return UNKNOWN
        return UNKNOWN

    def _binary(self, node: nodes.Binary) -> Any:
        left = self.value(node.left)
        if left is UNKNOWN or node.operator in ("=~", "!~"):
            return UNKNOWN
        right = self.value(node.right)
        if right is UNKNOWN:
            return UNKNOWN
        if node.operator == "*" and _repeats(left, right) > _LARGEST:
            return UNKNOWN
        return BINARY[node.operator](left, right)

    def _unary(self, node: nodes.Unary) -> Any:
        operand = self.value(node.operand)
        if operand is UNKNOWN:
            return UNKNOWN
        if node.operator == "!":
            return not operand
        if node.operator == "~":
            return bit_not(operand)
        return negate(operand) if node.operator == "-" else number(operand)

    def _array(self, node: nodes.ArrayLiteral) -> Any:
        parts: list[Any] = []
        for element in node.elements:
            key: Any = SPREAD if element.spread else ABSENT
            if element.key is not None:
                key = self.value(element.key)
            value = self.value(element.value)
            if key is UNKNOWN or value is UNKNOWN:
                return UNKNOWN
            parts += (key, value)
        return array_of(*parts)

    def _ternary(self, node: nodes.Ternary) -> Any:
        test = self.value(node.test)
        if test is UNKNOWN:
            return UNKNOWN
        if test:
            return test if node.then is None else self.value(node.then)
        return self.value(node.otherwise)


def _repeats(left: Value, right: Value) -> float:
    for value, times in ((left, right), (right, left)):
        if isinstance(value, (str, list, Map)) and isinstance(times, (float, int)):
            return len(value) * times
    return 0


def _size(value: Any) -> int:
    """The rough cost of keeping a folded value."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, (list, Map)):
        return sum(1 + _size(item) for _, item in pairs(value))
    return 1
