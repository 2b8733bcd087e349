"""What can be assigned to: variables, places inside them, and patterns.

Manual: Operators, assignment.
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import Position


class NoPattern(Exception):
    """An array literal that can not be a destructuring pattern, and where and why."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(message)
        self.position = position
        self.message = message


def assignable(node: nodes.Expression) -> bool:
    """Whether ``node`` names a place; a slice may only be the outermost part of it."""
    if isinstance(node, nodes.Slice):
        node = node.target
    while isinstance(node, nodes.Subscript | nodes.Property):
        node = node.target
        if isinstance(node, nodes.Call | nodes.Cached):
            # The call may return an object, and objects are shared.
            return True
    return isinstance(node, nodes.Variable) or (
        isinstance(node, nodes.StaticMember) and node.variable
    )


def pattern_of(array: nodes.ArrayLiteral) -> nodes.Pattern:
    """The pattern that an array literal left of `=` stands for.

    :raises NoPattern: at the item that is none.
    """
    items: list[nodes.PatternItem] = []
    keyed = unkeyed = False
    for element in array.elements:
        if items and items[-1].rest:
            raise NoPattern(items[-1].position, "`...` must be the last in a pattern")
        item = _item_of(element)
        if not item.rest:
            keyed = keyed or item.key is not None
            unkeyed = unkeyed or item.key is None
        if keyed and unkeyed:
            raise NoPattern(item.position, "a pattern has keys for all variables or for none")
        items.append(item)
    if not items:
        raise NoPattern(array.position, "a pattern needs a variable")
    return nodes.Pattern(array.position, tuple(items))


def _item_of(element: nodes.Element) -> nodes.PatternItem:
    target = element.value
    default: nodes.Expression | None = None
    if isinstance(target, nodes.Assign) and target.operator is None:
        if element.spread:
            raise NoPattern(element.position, "`...` has no default value in a pattern")
        default = target.value
        target = target.target
    if isinstance(target, nodes.ArrayLiteral) and not element.spread:
        target = pattern_of(target)
    elif not isinstance(target, nodes.Pattern) and not assignable(target):
        raise NoPattern(element.position, "a pattern can only have variables and patterns")
    elif isinstance(target, nodes.Pattern) and element.spread:
        raise NoPattern(element.position, "expected a variable after `...`")
    return nodes.PatternItem(element.position, target, element.key, default, element.spread)


def appends(target: nodes.Expression) -> Iterator[nodes.Subscript]:
    """All `[]` on the way to the places that ``target`` names."""
    waiting = [target]
    while waiting:
        node = waiting.pop()
        if isinstance(node, nodes.Pattern):
            waiting.extend(item.target for item in node.items)
        elif isinstance(node, nodes.Subscript | nodes.Property | nodes.Slice):
            if isinstance(node, nodes.Subscript) and node.index is None:
                yield node
            waiting.append(node.target)
