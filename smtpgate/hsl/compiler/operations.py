"""Operators: plain Python on known types, a guard or a helper where the type is open."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any

from smtpgate.hsl import nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.code import UNKNOWN, Builder
from smtpgate.hsl.patterns import compile_pattern
from smtpgate.hsl.scopes import Kind
from smtpgate.hsl.values import to_string

_ARITHMETIC: dict[str, type[ast.operator]] = {"+": ast.Add, "-": ast.Sub, "*": ast.Mult}
_ORDER: dict[str, type[ast.cmpop]] = {
    "<": ast.Lt, "<=": ast.LtE, ">": ast.Gt, ">=": ast.GtE,
}  # fmt: skip
_EQUALITY: dict[str, type[ast.cmpop]] = {
    "==": ast.Eq, "===": ast.Eq, "!=": ast.NotEq, "!==": ast.NotEq,
}  # fmt: skip
_HELPERS = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "%": "modulo", "**": "power",
    ".": "concatenate", "&": "bit_and", "|": "bit_or", "^": "bit_xor", "<<": "shift_left",
    ">>": "shift_right", "==": "loose_equal", "!=": "not_equal", "===": "strict_equal",
    "!==": "not_identical", "<": "less", "<=": "less_or_equal", ">": "greater",
    ">=": "greater_or_equal", "=~": "matches", "!~": "not_matches",
}  # fmt: skip
#: Results this long are measured; shorter strings cannot grow far in one step.
_MEASURED = 65536
_SHORT_TEXT = 64
#: Longer chains are cut, as Python's own compiler nests with them.
_CHAIN = 40


def helper_of(operator: str) -> str:
    """The name of the function that carries out an operator on any values."""
    return _HELPERS[operator]


class Operations(Builder):
    # --- arithmetic and comparison -------------------------------------------

    def binary(self, node: nodes.Binary) -> ast.expr:
        if node.operator == ".":
            return self.concatenation(self._terms(node))
        links = self._links(node)
        if len(links) == 1:
            return self._link(links[0], self.expression(links[0].left))
        # From the innermost outwards; cut now and then, so that the tree stays flat.
        result = self.expression(links[-1].left)
        steps: list[ast.expr] = []
        for count, link in enumerate(reversed(links), 1):
            result = self._link(link, result)
            self.at(result, link.position)
            if count % _CHAIN == 0 and count < len(links):
                name = self.temporary()
                steps.append(tree.walrus(name, result))
                result = tree.load(name)
        return tree.last(*steps, result)

    def _links(self, node: nodes.Binary) -> list[nodes.Binary]:
        """The operations of a left-deep chain, outermost first; a folded one is a leaf."""
        links = [node]
        while True:
            left = links[-1].left
            if (
                not isinstance(left, nodes.Binary)
                or left.operator == "."
                or self.folded(left) is not UNKNOWN
            ):
                return links
            links.append(left)

    def _link(self, node: nodes.Binary, left: ast.expr) -> ast.expr:
        if node.operator in ("=~", "!~"):
            return self._match(node, left)
        right = self.expression(node.right)
        return self.operation(
            node.operator, left, right, self.kind(node.left), self.kind(node.right)
        )

    def operation(
        self, operator: str, left: ast.expr, right: ast.expr, left_kind: Kind, right_kind: Kind
    ) -> ast.expr:
        """``left operator right`` for operands of these kinds."""
        if left_kind is Kind.NUMBER and right_kind is Kind.NUMBER:
            made = self._of_numbers(operator, left, right)
            if made is not None:
                return made
        if left_kind is Kind.STRING and right_kind is Kind.STRING:
            if operator in _EQUALITY:
                return tree.compare(left, _EQUALITY[operator](), right)
            if operator in _ORDER:
                return tree.compare(left, _ORDER[operator](), right)
        if operator == ".":
            return self.join([(left, left_kind), (right, right_kind)])
        if operator == "+" and (
            left_kind is Kind.STRING or (right_kind is Kind.STRING and left_kind is not Kind.OTHER)
        ):
            return self.join([(left, left_kind), (right, right_kind)])
        if operator in _EQUALITY:
            return self._equality(operator, left, right, left_kind, right_kind)
        return self._guarded(operator, left, right, left_kind, right_kind)

    def _of_numbers(self, operator: str, left: ast.expr, right: ast.expr) -> ast.expr | None:
        if operator in _ARITHMETIC:
            return ast.BinOp(left, _ARITHMETIC[operator](), right)
        if operator == "/":
            return ast.BinOp(left, ast.Div(), right)
        if operator in _ORDER:
            return tree.compare(left, _ORDER[operator](), right)
        if operator in _EQUALITY:
            return tree.compare(left, _EQUALITY[operator](), right)
        if (
            operator == "%"
            and isinstance(right, ast.Constant)
            and isinstance(right.value, float)
            and right.value > 0
        ):
            # The sign of the left side: Python's remainder has that of the right one.
            first, second = self.held(left)
            positive = ast.BinOp(tree.again(second), ast.Mod(), right)
            negative = ast.UnaryOp(
                ast.USub(),
                ast.BinOp(
                    ast.UnaryOp(ast.USub(), tree.again(second)), ast.Mod(), tree.again(right)
                ),
            )
            return tree.choose(
                tree.compare(first, ast.GtE(), tree.constant(0.0)), positive, negative
            )
        return None

    def _guarded(
        self, operator: str, left: ast.expr, right: ast.expr, left_kind: Kind, right_kind: Kind
    ) -> ast.expr:
        """Numbers inline, when both operands are cheap to name twice; else the helper."""
        helper = _HELPERS[operator]
        inline = operator in _ARITHMETIC or operator in _ORDER
        if not (inline and tree.simple(left) and tree.simple(right)):
            return tree.call(helper, left, right)
        tests: list[ast.expr] = []
        for operand, kind in ((left, left_kind), (right, right_kind)):
            if kind is Kind.OTHER and isinstance(operand, ast.Name):
                tests.append(tree.is_class(tree.again(operand), "float"))
            elif kind is not Kind.NUMBER:
                return tree.call(helper, left, right)
        if operator in _ARITHMETIC:
            plain: ast.expr = ast.BinOp(
                tree.again(left), _ARITHMETIC[operator](), tree.again(right)
            )
        else:
            plain = tree.compare(tree.again(left), _ORDER[operator](), tree.again(right))
        test = tests[0] if len(tests) == 1 else ast.BoolOp(ast.And(), tests)
        return tree.choose(test, plain, tree.call(helper, left, right))

    def _equality(
        self, operator: str, left: ast.expr, right: ast.expr, left_kind: Kind, right_kind: Kind
    ) -> ast.expr:
        negative = operator.startswith("!")
        python: ast.cmpop = ast.NotEq() if negative else ast.Eq()
        for one, other, kind in ((left, right, left_kind), (right, left, right_kind)):
            if not isinstance(other, ast.Constant):
                continue
            value = other.value
            if value is None:
                return tree.compare(one, ast.IsNot() if negative else ast.Is(), other)
            if operator in ("===", "!==") and self._is_exact(value):
                return tree.compare(left, python, right)
            if isinstance(value, str) and kind is Kind.OTHER and tree.simple(one):
                return tree.choose(
                    tree.is_class(tree.again(one), "str"),
                    tree.compare(tree.again(one), python, tree.again(other)),
                    tree.call(_HELPERS[operator], left, right),
                )
            if isinstance(value, float) and kind is Kind.OTHER and tree.simple(one):
                return tree.choose(
                    tree.is_class(tree.again(one), "float"),
                    tree.compare(tree.again(one), python, tree.again(other)),
                    tree.call(_HELPERS[operator], left, right),
                )
        if left_kind is right_kind is Kind.BOOLEAN:
            return tree.compare(left, ast.IsNot() if negative else ast.Is(), right)
        return tree.call(_HELPERS[operator], left, right)

    @staticmethod
    def _is_exact(value: object) -> bool:
        """Whether Python's ``==`` with a constant is ``===``: 1 and true differ here only."""
        return isinstance(value, str) or (isinstance(value, float) and value not in (0.0, 1.0))

    def _match(self, node: nodes.Binary, left: ast.expr) -> ast.expr:
        pattern = self.folded(node.right)
        if not isinstance(pattern, str):
            return tree.call(_HELPERS[node.operator], left, self.expression(node.right))
        name = self.unit.keep("P", compile_pattern(pattern).matches, pattern)
        self.unit.harmless.add(name)
        made: ast.expr = tree.call(name, left)
        if node.operator == "!~":
            self.at(made, node.position)
            made = ast.UnaryOp(ast.Not(), made)
        return made

    # --- strings -------------------------------------------------------------

    def _terms(self, node: nodes.Expression) -> list[nodes.Expression]:
        """The operands of a chain of ``.`` in order."""
        terms: list[nodes.Expression] = []
        while (
            isinstance(node, nodes.Binary) and node.operator == "." and self.folded(node) is UNKNOWN
        ):
            terms.append(node.right)
            node = node.left
        terms.append(node)
        terms.reverse()
        return terms

    def concatenation(self, terms: Sequence[nodes.Expression]) -> ast.expr:
        parts: list[tuple[ast.expr, Kind]] = []
        for term in terms:
            value = self.folded(term)
            if value is not UNKNOWN and value is not None:
                parts.append((tree.constant(to_string(value)), Kind.STRING))
            elif isinstance(term, nodes.Interpolation):
                parts += self._interpolated(term)
            else:
                made = self.expression(term)
                self.at(made, term.position)
                parts.append((made, self.kind(term)))
        return self.join(parts)

    def interpolation(self, node: nodes.Interpolation) -> ast.expr:
        return self.join(self._interpolated(node))

    def _interpolated(self, node: nodes.Interpolation) -> list[tuple[ast.expr, Kind]]:
        parts: list[tuple[ast.expr, Kind]] = []
        for part in node.parts:
            if isinstance(part, str):
                parts.append((tree.constant(part), Kind.STRING))
            else:
                made = self.expression(part)
                self.at(made, part.position)
                parts.append((made, self.kind(part)))
        return parts

    def join(self, parts: Sequence[tuple[ast.expr, Kind]]) -> ast.expr:
        """The parts as one string, measured where it might be long."""
        literal = 0
        open_parts = 0
        values: list[ast.expr] = []
        for part, kind in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                literal += len(part.value)
                before = values[-1] if values else None
                if isinstance(before, ast.Constant):
                    values[-1] = tree.constant(f"{before.value!s}{part.value}")
                else:
                    values.append(part)
                continue
            if kind is not Kind.NUMBER and kind is not Kind.BOOLEAN:
                open_parts += 1
            made = ast.FormattedValue(self.as_text(part, kind), -1, None)
            if hasattr(part, "lineno"):
                tree.place(made, part.lineno, part.col_offset)
            values.append(made)
        made_string: ast.expr = ast.JoinedStr(values)
        if len(values) == 1 and isinstance(values[0], ast.Constant):
            return values[0]
        if open_parts <= 1 and literal <= _SHORT_TEXT:
            return made_string
        return self.measured(made_string)

    def measured(self, string: ast.expr) -> ast.expr:
        name = self.temporary()
        short = tree.compare(
            tree.call("len", tree.walrus(name, string)), ast.Lt(), tree.constant(_MEASURED)
        )
        return tree.choose(short, tree.load(name), tree.call("bounded", tree.load(name)))

    def as_text(self, value: ast.expr, kind: Kind) -> ast.expr:
        """A value as a string, as the operators ``.`` and ``+`` make it."""
        if kind is Kind.STRING:
            return value
        if kind is Kind.NUMBER:
            return tree.call("format_number", value)
        if tree.simple(value):
            return tree.choose(
                tree.is_class(tree.again(value), "str"), tree.again(value), tree.call("text", value)
            )
        return tree.call("text", value)

    # --- logic ---------------------------------------------------------------

    def unary(self, node: nodes.Unary) -> ast.expr:
        if node.operator == "!":
            return ast.UnaryOp(ast.Not(), self.test(node.operand))
        operand = self.expression(node.operand)
        numeric = self.kind(node.operand) is Kind.NUMBER
        if node.operator == "-":
            return ast.UnaryOp(ast.USub(), operand) if numeric else tree.call("negate", operand)
        if node.operator == "+":
            return operand if numeric else tree.call("number", operand)
        return tree.call("bit_not", operand)

    def logical_test(self, node: nodes.Logical) -> ast.expr:
        """``and`` and ``or`` where only the truth counts; a chain of one operator is flat."""
        operator = node.operator
        terms: list[nodes.Expression] = []
        left: nodes.Expression = node
        while isinstance(left, nodes.Logical) and left.operator == operator:
            terms.append(left.right)
            left = left.left
        terms.append(left)
        terms.reverse()
        first = self.test(terms[0])
        # What the later terms assign is not assigned on every path.
        kept = set(self.defined)
        tests = [first, *(self.test(term) for term in terms[1:])]
        self.defined = kept
        python: ast.boolop = ast.And() if operator == "and" else ast.Or()
        return ast.BoolOp(python, tests)

    def ternary(self, node: nodes.Ternary) -> ast.expr:
        if node.then is None:
            first, second = self.held(self.expression(node.test))
            kept = set(self.defined)
            otherwise = self.expression(node.otherwise)
            self.defined = kept
            return tree.choose(first, second, otherwise)
        test = self.test(node.test)
        before = set(self.defined)
        then = self.expression(node.then)
        after_then = self.defined
        self.defined = set(before)
        otherwise = self.expression(node.otherwise)
        self.defined = after_then & self.defined
        return tree.choose(test, then, otherwise)

    def boolean(self, test: ast.expr, node: nodes.Expression) -> ast.expr:
        """A condition as the value true or false."""
        if isinstance(test, (ast.Compare, ast.UnaryOp)):
            return test
        return tree.choose(test, tree.constant(True), tree.constant(False))


__all__ = ["Any", "Operations", "helper_of"]
