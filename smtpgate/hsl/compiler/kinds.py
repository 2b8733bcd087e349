"""Which variables are always numbers, strings or booleans.

Every assignment to a variable is known after resolving.  Starting from "not
assigned", types only grow towards OTHER until nothing changes, so a variable
keeps a type only if each of its assignments, given the others, has it.  A
read-only variable of a hook has the type that the hook says.
"""

from __future__ import annotations

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.constants import UNKNOWN, Folder
from smtpgate.hsl.resolver import Library
from smtpgate.hsl.scopes import Kind, Resolution, Scope, Variable

_NUMBERS = frozenset({"-", "*"})
_ALWAYS_NUMBER = frozenset({"/", "**", "&", "|", "^", "<<", ">>"})
_TESTS = frozenset({"==", "!=", "===", "!==", "<", ">", "<=", ">=", "=~", "!~"})


class Kinds:
    """The kind of every variable and expression; ``None`` while not yet known."""

    def __init__(self, resolution: Resolution, library: Library, folder: Folder) -> None:
        self._resolution = resolution
        self._library = library
        self._folder = folder
        self._known: dict[tuple[int, int], Kind] | None = None
        self._settle()
        self._known = {}

    def _settle(self) -> None:
        variables = [v for v in self._resolution.variables if not self._fixed(v)]
        changed = True
        while changed:
            changed = False
            for variable in variables:
                kind = variable.kind
                for source in variable.sources:
                    if kind is Kind.OTHER:
                        break
                    found = source if isinstance(source, Kind) else self.of(source, variable.scope)
                    kind = found if kind is None else kind if found in (None, kind) else Kind.OTHER
                if kind is not variable.kind:
                    variable.kind = kind
                    changed = True
        for variable in variables:
            if variable.kind is None:
                variable.kind = Kind.OTHER

    @staticmethod
    def _fixed(variable: Variable) -> bool:
        if variable.shared or None in variable.sources:
            variable.kind = Kind.OTHER
            return True
        return False

    def of(self, node: nodes.Expression | None, scope: Scope) -> Kind | None:
        """The kind of an expression's value."""
        if self._known is None:
            return self._of(node, scope)
        key = (id(node), id(scope))
        found = self._known.get(key)
        if found is None:
            found = self._of(node, scope) or Kind.OTHER
            self._known[key] = found
        return found

    def _of(self, node: nodes.Expression | None, scope: Scope) -> Kind | None:
        if isinstance(node, nodes.Constant):
            return kind_of_value(node.value)
        if isinstance(node, nodes.Variable):
            variable = scope.variables.get(node.name)
            return Kind.OTHER if variable is None else variable.kind
        if isinstance(node, nodes.Interpolation):
            return Kind.STRING
        if isinstance(node, nodes.Binary):
            return self._binary(node, scope)
        if isinstance(node, nodes.Unary):
            return Kind.BOOLEAN if node.operator == "!" else Kind.NUMBER
        if isinstance(node, (nodes.Logical, nodes.Isset)):
            return Kind.BOOLEAN
        if isinstance(node, nodes.Step):
            return Kind.NUMBER
        if isinstance(node, nodes.Assign):
            if node.operator is None:
                return self.of(node.value, scope)
            return self._operation(
                node.operator, self.of(node.target, scope), self.of(node.value, scope)
            )
        if isinstance(node, nodes.Ternary):
            then = self.of(node.test if node.then is None else node.then, scope)
            otherwise = self.of(node.otherwise, scope)
            return then if then is otherwise else Kind.OTHER
        if isinstance(node, nodes.Call):
            return self._call(node, scope)
        return Kind.OTHER

    def _binary(self, node: nodes.Binary, scope: Scope) -> Kind | None:
        value = self._folder.value(node)
        if value is not UNKNOWN:
            return kind_of_value(value)
        if node.operator in _TESTS:
            return Kind.BOOLEAN
        return self._operation(node.operator, self.of(node.left, scope), self.of(node.right, scope))

    @staticmethod
    def _operation(operator: str, left: Kind | None, right: Kind | None) -> Kind | None:
        if operator == ".":
            return Kind.STRING
        if operator in _ALWAYS_NUMBER:
            return Kind.NUMBER
        if operator in _TESTS:
            return Kind.BOOLEAN
        plain = (None, Kind.NUMBER, Kind.BOOLEAN)
        if operator == "%":
            return Kind.NUMBER if left in plain else Kind.OTHER
        if operator in _NUMBERS or operator == "+":
            if left is None and right is None:
                return None
            if left in plain and right in plain:
                return Kind.NUMBER
            scalar = (*plain, Kind.STRING)
            if operator == "+" and left in scalar and right in scalar:
                return Kind.STRING
        return Kind.OTHER

    def _call(self, node: nodes.Call, scope: Scope) -> Kind:
        callee = node.callee
        if not isinstance(callee, nodes.FunctionName):
            return Kind.OTHER
        if not callee.builtin and (
            scope.find_function(callee.name) or scope.find_class(callee.name)
        ):
            return Kind.OTHER
        found = self._library.find(callee.name)
        if isinstance(found, Builtin) and not found.terminates:
            return Kind.named(found.result)
        return Kind.OTHER


def kind_of_value(value: object) -> Kind:
    if isinstance(value, bool):
        return Kind.BOOLEAN
    if isinstance(value, (float, int)):
        return Kind.NUMBER
    return Kind.STRING if isinstance(value, str) else Kind.OTHER
