"""Calls of functions, members and values; array literals; functions as values."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin, BuiltinClass
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.access import Access
from smtpgate.hsl.compiler.code import UNKNOWN
from smtpgate.hsl.compiler.trial import LIBRARY
from smtpgate.hsl.scopes import Callee, ClassInfo, FunctionInfo, Kind


class Calls(Access):
    # --- what is called ------------------------------------------------------

    def callee(self, node: nodes.FunctionName) -> Callee:
        if not node.builtin:
            own = self.scope.find_function(node.name) or self.scope.find_class(node.name)
            if own is not None:
                return own
        found = self.unit.library.find(node.name)
        assert found is not None
        return found

    def static_function(self, node: nodes.StaticMember) -> FunctionInfo | ClassInfo | Builtin:
        if node.scope is None:
            assert self.scope.inside is not None
            return self.scope.inside.static_functions[node.name]
        found = self.scope.find_class(node.scope)
        if found is not None:
            return found.static_functions[node.name]
        module = self.scope.find_namespace(node.scope)
        if module is not None:
            return module.functions.get(node.name) or module.classes[node.name]
        return self.unit.library.classes[node.scope].statics[node.name]

    def call(self, node: nodes.Call) -> ast.expr:
        callee = node.callee
        if isinstance(callee, nodes.FunctionName):
            return self.known_call(self.callee(callee), node)
        if isinstance(callee, nodes.StaticMember):
            if not callee.variable:
                return self.known_call(self.static_function(callee), node)
            found = self.static_variable(callee)
            assert found is not None
            return self.dynamic_call(node, self.static_read(found, callee))
        return self.path(node)

    def known_call(self, found: Callee, node: nodes.Call) -> ast.expr:
        if any(argument.spread for argument in node.arguments):
            return tree.call("spread_call", self.function_value(found), self.listed(node.arguments))
        arguments = [self.expression(argument.value) for argument in node.arguments]
        if isinstance(found, FunctionInfo):
            return tree.call(found.python, tree.load("X"), *arguments)
        if isinstance(found, ClassInfo):
            return tree.call(f"{found.python}_new", tree.load("X"), *arguments)
        return self.builtin_call(found, arguments)

    def builtin_call(self, found: Builtin | BuiltinClass, arguments: list[ast.expr]) -> ast.expr:
        builtin = found.constructor if isinstance(found, BuiltinClass) else found
        if builtin.waits:
            self.unit.waits = True
        if builtin.needs_execution:
            arguments.insert(0, tree.load("X"))
        name = self.unit.keep(f"b_{builtin.name}_", builtin.code, builtin.code)
        made: ast.expr = tree.call(name, *arguments)
        if builtin.terminates and not builtin.waits:
            self.unit.final.add(name)
        elif builtin.name in LIBRARY and builtin.name not in self.unit.context.functions:
            self.unit.harmless.add(name)
        if builtin.terminates:
            return tree.call("terminate", made)
        if builtin.result == "number" and isinstance(found, Builtin):
            # The library may count in ints; the language's numbers are floats.
            return ast.BinOp(made, ast.Mult(), tree.constant(1.0))
        return made

    def listed(self, arguments: Sequence[nodes.Element]) -> ast.expr:
        """Arguments with spread ones among them, as a Python list."""
        return ast.List(
            [
                ast.Starred(tree.call("arguments", self.expression(a.value)), ast.Load())
                if a.spread
                else self.expression(a.value)
                for a in arguments
            ],
            ast.Load(),
        )

    def dynamic_call(self, node: nodes.Call, target: ast.expr) -> ast.expr:
        """``target`` is the callee's value, or for ``$o->m()`` the object."""
        self.unit.waits = True
        spread = any(argument.spread for argument in node.arguments)
        if isinstance(node.callee, nodes.Property):
            name = tree.constant(node.callee.name)
            if spread:
                arguments: list[ast.expr] = [ast.Starred(self.listed(node.arguments), ast.Load())]
            else:
                arguments = [self.expression(argument.value) for argument in node.arguments]
            return tree.call("call_member", tree.load("X"), target, name, self.inside(), *arguments)
        if spread:
            return tree.call("spread_call", target, self.listed(node.arguments))
        code = tree.call("callable_of", target, tree.constant(len(node.arguments)))
        return tree.call(code, *(self.expression(argument.value) for argument in node.arguments))

    # --- functions as values -------------------------------------------------

    def function_value(self, found: Callee) -> ast.expr:
        if isinstance(found, FunctionInfo):
            self.unit.waits = True
            return self._named_function(found, found.python)
        if isinstance(found, ClassInfo):
            self.unit.waits = True
            return self._named_function(found, f"{found.python}_new")
        builtin = found.constructor if isinstance(found, BuiltinClass) else found
        self.unit.waits = self.unit.waits or builtin.waits
        name = self.unit.keep("B", found if not builtin.needs_execution else builtin, id(found))
        if builtin.needs_execution or builtin.terminates:
            return tree.call(tree.attribute("X", "bound"), tree.load(name))
        return tree.load(name)

    def _named_function(self, found: FunctionInfo | ClassInfo, python: str) -> ast.expr:
        code = tree.call("partial", tree.load(python), tree.load("X"))
        return self.function_object(found, code, tree.load(python))

    @staticmethod
    def function_object(found: FunctionInfo | ClassInfo, *code: ast.expr) -> ast.expr:
        """The value that a function is.

        :param code: what takes the script's arguments only; and, where that is made for
            this value, what it is made of
        """
        callee, *origin = code
        return tree.call(
            "Function",
            tree.constant(found.name),
            callee,
            tree.constant(found.least),
            tree.constant(found.most),
            *origin,
        )

    # --- arrays --------------------------------------------------------------

    def array(self, node: nodes.ArrayLiteral) -> ast.expr:
        elements = node.elements
        if not any(element.key is not None or element.spread for element in elements):
            return ast.List([self.expression(e.value) for e in elements], ast.Load())
        constant_keys = self._constant_keys(elements)
        if constant_keys is not None:
            mapping = ast.Dict(
                [tree.constant(found) for found in constant_keys],
                [self.expression(element.value) for element in elements],
            )
            return tree.call("Map", mapping)
        parts: list[ast.expr] = []
        for element in elements:
            if element.spread:
                parts.append(tree.load("SPREAD"))
            elif element.key is None:
                parts.append(tree.load("ABSENT"))
            else:
                parts.append(self.expression(element.key))
            parts.append(self.expression(element.value))
        return tree.call("array_of", *parts)

    def _constant_keys(self, elements: Sequence[nodes.Element]) -> list[str] | None:
        """The keys, when all are strings that are their own keys and differ."""
        found: list[str] = []
        for element in elements:
            value = UNKNOWN if element.key is None else self.folded(element.key)
            if not isinstance(value, str) or value[:1] in "-0123456789":
                return None
            found.append(value)
        return found if len(set(found)) == len(found) else None

    # --- cache ---------------------------------------------------------------

    def cached(self, node: nodes.Cached) -> ast.expr:
        self.unit.waits = True
        options = ast.Dict(
            [tree.constant(option.name) for option in node.options],
            [self.expression(option.value) for option in node.options],
        )
        callee = node.call.callee
        if isinstance(callee, nodes.FunctionName):
            function = self.function_value(self.callee(callee))
        else:
            assert isinstance(callee, nodes.StaticMember)
            found = self.static_variable(callee)
            if found is not None:
                function = self.static_read(found, callee)
            else:
                function = self.function_value(self.static_function(callee))
        return tree.call(
            "cached", tree.load("X"), options, function, self.listed(node.call.arguments)
        )


__all__ = ["Calls", "Kind"]
