"""Reading variables, items, slices and properties; ``isset`` and ``??``."""

from __future__ import annotations

import ast

from smtpgate.hsl import nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.code import UNKNOWN
from smtpgate.hsl.compiler.operations import Operations
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.scopes import Variable
from smtpgate.hsl.values.arrays import key

#: A path of subscripts and properties this long is cut.
_PATH = 40


class Access(Operations):
    # --- variables -----------------------------------------------------------

    def variable(self, node: nodes.Variable) -> ast.expr:
        found = self.find(node.name)
        if found.predefined:
            return self._predefined(found)
        if self.is_defined(found):
            return tree.load(self.touch(found))
        if not found.assigned and not found.parameter and not found.shared:
            return tree.call("undefined", tree.constant(found.name))
        if found.probed:
            name = self.read_raw(found)
            assert isinstance(name, ast.Name)
            return tree.choose(
                tree.compare(name, ast.IsNot(), tree.load("ABSENT")),
                tree.again(name),
                tree.call("undefined", tree.constant(found.name)),
            )
        place = node.position
        self.unit.reads[place.file, place.line, place.column] = found.name
        return tree.load(self.touch(found))

    def _predefined(self, found: Variable) -> ast.expr:
        return ast.Subscript(self.outside(), tree.constant(found.name), ast.Load())

    def outside(self) -> ast.expr:
        """The predefined variables: functions have them from the execution."""
        if self.scope.kind == "function":
            return tree.attribute("X", "variables")
        return tree.load("V")

    def static_variable(self, node: nodes.StaticMember) -> Variable | None:
        """The variable that ``scope::$name`` means, if it means one."""
        if not node.variable:
            return None
        if node.scope is None:
            assert self.scope.inside is not None
            return self.scope.inside.statics[node.name]
        found = self.scope.find_class(node.scope)
        if found is not None:
            return found.statics[node.name]
        module = self.scope.find_namespace(node.scope)
        assert module is not None
        return module.variables[node.name]

    def static_read(self, found: Variable, node: nodes.StaticMember) -> ast.expr:
        if found.predefined:
            return self._predefined(found)
        place = node.position
        self.unit.reads[place.file, place.line, place.column] = found.name
        if found.probed and found.first is not None:
            name = self.read_raw(found)
            return tree.choose(
                tree.compare(name, ast.IsNot(), tree.load("ABSENT")),
                tree.again(name),
                tree.call("undefined", tree.constant(found.name)),
            )
        return tree.load(self.touch(found))

    # --- items and properties ------------------------------------------------

    def inside(self) -> ast.expr:
        """The class whose code this is, for access to private members."""
        owner = self.scope.inside
        if owner is None:
            return tree.constant(None)
        return tree.load(owner.python)

    def path(self, node: nodes.Expression) -> ast.expr:
        """A chain of subscripts, slices, properties and calls; it may be very long."""
        steps: list[ast.expr] = []
        spine: list[nodes.Expression] = []
        inner = node
        while True:
            spine.append(inner)
            if isinstance(inner, (nodes.Subscript, nodes.Slice, nodes.Property)):
                inner = inner.target
            elif isinstance(inner, nodes.Call) and not isinstance(
                inner.callee, (nodes.FunctionName, nodes.StaticMember)
            ):
                callee = inner.callee
                inner = callee.target if isinstance(callee, nodes.Property) else callee
            else:
                break
        result = self.expression(spine.pop())
        self.at(result, inner.position)
        for count, link in enumerate(reversed(spine), 1):
            result = self._step(link, result)
            self.at(result, link.position)
            if count % _PATH == 0 and count < len(spine):
                name = self.temporary()
                steps.append(tree.walrus(name, result))
                result = tree.load(name)
        return tree.last(*steps, result)

    def _step(self, node: nodes.Expression, target: ast.expr) -> ast.expr:
        if isinstance(node, nodes.Subscript):
            if node.index is None:
                return tree.call("no_append")
            return self._item(target, node.index)
        if isinstance(node, nodes.Slice):
            return tree.call("slice_of", target, *self.slice_bounds(node))
        if isinstance(node, nodes.Property):
            return tree.call("property_of", target, tree.constant(node.name), self.inside())
        assert isinstance(node, nodes.Call)
        return self.dynamic_call(node, target)

    def dynamic_call(self, node: nodes.Call, target: ast.expr) -> ast.expr:
        """A call through a value or an object."""
        raise AssertionError("calls are compiled by a subclass")

    def _item(self, target: ast.expr, index: nodes.Expression) -> ast.expr:
        value = self.folded(index)
        if self.scope.inside is not None:
            return tree.call("item_inside", target, self.expression(index), self.inside())
        if value is UNKNOWN:
            return tree.call("item", target, self.expression(index))
        try:
            found = key(value)
        except Fault:
            return tree.call("item", target, self.expression(index))
        if found.__class__ is int:
            return tree.call("named_item", target, tree.constant(found))
        name = tree.constant(found)
        if tree.simple(target) and isinstance(found, str):
            return tree.choose(
                tree.is_class(tree.again(target), "Map"),
                tree.call(ast.Attribute(tree.again(target), "get", ast.Load()), name),
                tree.call("item", target, tree.constant(found)),
            )
        return tree.call("named_item", target, name)

    def slice_bounds(self, node: nodes.Slice) -> list[ast.expr]:
        return [
            tree.constant(None) if part is None else self.expression(part)
            for part in (node.start, node.stop, node.step)
        ]

    # --- existence -----------------------------------------------------------

    def exists(self, node: nodes.Expression) -> ast.expr:
        """``isset(node)``."""
        if isinstance(node, nodes.Variable):
            found = self.find(node.name)
            if found.predefined or self.is_defined(found):
                return tree.constant(True)
            return tree.compare(self.read_raw(found), ast.IsNot(), tree.load("ABSENT"))
        if isinstance(node, nodes.Subscript) and node.index is not None:
            return tree.call(
                "has_item", self.quiet(node.target), self.expression(node.index), self.inside()
            )
        if isinstance(node, nodes.Slice):
            return tree.call("has_slice", self.quiet(node.target), *self.slice_bounds(node))
        if isinstance(node, nodes.Property):
            return tree.call(
                "has_item", self.quiet(node.target), tree.constant(node.name), self.inside()
            )
        if isinstance(node, nodes.StaticMember):
            missing = self._of_module(node)
            if missing is None:
                return tree.constant(True)
            return tree.compare(self.read_raw(missing), ast.IsNot(), tree.load("ABSENT"))
        return tree.last(self.expression(node), tree.constant(True))

    def _of_module(self, node: nodes.StaticMember) -> Variable | None:
        """The variable of a module that ``node`` means: unlike a class's, it may have no value."""
        found = self.static_variable(node)
        return None if found is None or found.predefined or found.first is None else found

    def quiet(self, node: nodes.Expression) -> ast.expr:
        """The value, or none where reading it would be an error."""
        found: Variable | None = None
        if isinstance(node, nodes.Variable):
            found = self.find(node.name)
            if found.predefined or self.is_defined(found):
                return self.variable(node)
        elif isinstance(node, nodes.StaticMember):
            found = self._of_module(node)
        if found is not None:
            name = self.read_raw(found)
            return tree.choose(
                tree.compare(name, ast.IsNot(), tree.load("ABSENT")),
                tree.again(name),
                tree.constant(None),
            )
        if isinstance(node, nodes.Subscript) and node.index is not None:
            return tree.call(
                "peek", self.quiet(node.target), self.expression(node.index), self.inside()
            )
        if isinstance(node, nodes.Property):
            return tree.call(
                "peek", self.quiet(node.target), tree.constant(node.name), self.inside()
            )
        return self.expression(node)

    def coalesce(self, node: nodes.Coalesce) -> ast.expr:
        left = self.quiet(node.left)
        name = self.temporary()
        kept = set(self.defined)
        right = self.expression(node.right)
        self.defined = kept
        return tree.choose(
            tree.compare(tree.walrus(name, left), ast.IsNot(), tree.constant(None)),
            tree.load(name),
            right,
        )
