"""Functions, classes and modules; and the whole builder that all constructs share."""

from __future__ import annotations

import ast

from smtpgate.hsl import nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.code import UNKNOWN, Code, Unit
from smtpgate.hsl.compiler.loops import Around
from smtpgate.hsl.compiler.sinking import sink
from smtpgate.hsl.compiler.statements import Statements
from smtpgate.hsl.operations.holders import LOCAL, PARAMETERS_COUNT
from smtpgate.hsl.scopes import ClassInfo, FunctionInfo, Kind, Scope
from smtpgate.hsl.values import Map


class Definitions(Statements):
    local_count = LOCAL

    def __init__(self, unit: Unit, code: Code) -> None:
        super().__init__(unit, code)
        self.around: list[Around] = []

    def same(self, code: Code) -> Definitions:
        return Definitions(self.unit, code)

    # --- expressions ---------------------------------------------------------

    def expression(self, node: nodes.Expression) -> ast.expr:
        made = self._expression(node)
        self.at(made, node.position)
        return made

    def _expression(self, node: nodes.Expression) -> ast.expr:
        if isinstance(node, nodes.Constant):
            return self.constant_value(node.value)
        if isinstance(node, nodes.Variable):
            return self.variable(node)
        if isinstance(node, (nodes.Binary, nodes.Unary, nodes.ArrayLiteral, nodes.Ternary)):
            value = self.folded(node)
            if value is not UNKNOWN and not _short_list(value):
                return self.constant_value(value)
            return self._operator(node)
        if isinstance(node, nodes.Call):
            return self.call(node)
        if isinstance(node, (nodes.Subscript, nodes.Slice, nodes.Property)):
            return self.path(node)
        if isinstance(node, nodes.Interpolation):
            return self.interpolation(node)
        if isinstance(node, nodes.Assign):
            return self.assign(node)
        if isinstance(node, nodes.Logical):
            return self.boolean(self.logical_test(node), node)
        if isinstance(node, nodes.Coalesce):
            return self.coalesce(node)
        return self._rare(node)

    def _operator(
        self, node: nodes.Binary | nodes.Unary | nodes.ArrayLiteral | nodes.Ternary
    ) -> ast.expr:
        if isinstance(node, nodes.Binary):
            return self.binary(node)
        if isinstance(node, nodes.Unary):
            return self.unary(node)
        if isinstance(node, nodes.ArrayLiteral):
            return self.array(node)
        return self.ternary(node)

    def _rare(self, node: nodes.Expression) -> ast.expr:
        if isinstance(node, nodes.Step):
            return self.step(node)
        if isinstance(node, nodes.Isset):
            return self.exists(node.target)
        if isinstance(node, nodes.Unset):
            return self.unset(node)
        if isinstance(node, nodes.AnonymousFunction):
            return self._anonymous(node)
        if isinstance(node, nodes.FunctionName):
            return self.function_value(self.callee(node))
        if isinstance(node, nodes.StaticMember):
            found = self.static_variable(node)
            if found is not None:
                return self.static_read(found, node)
            return self.function_value(self.static_function(node))
        if isinstance(node, nodes.Cached):
            return self.cached(node)
        raise AssertionError(f"no such expression: {node!r}")

    def test(self, node: nodes.Expression) -> ast.expr:
        if isinstance(node, nodes.Logical):
            made = self.logical_test(node)
            self.at(made, node.position)
            return made
        return self.expression(node)

    # --- functions -----------------------------------------------------------

    def hoist(self, scope: Scope) -> None:
        """Define a scope's functions and classes, before any of its code runs."""
        for function in scope.defined_functions:
            self._define(function)
        for each in scope.defined_classes:
            self._class(each)

    def _define(self, info: FunctionInfo) -> None:
        self._home(info).append(self.function(info, self.code if info.bound else None))

    def _home(self, found: FunctionInfo | ClassInfo) -> list[ast.stmt]:
        """Where a function or a class is made: in each run, or once for all."""
        return self.code.definitions if found.bound else self.unit.top

    def function(
        self, info: FunctionInfo, outer: Code | None, per_instance: bool = False
    ) -> ast.FunctionDef:
        """The Python function of a script's function."""
        code = Code(info.python, info.scope, outer)
        self.unit.names[code.name] = info.name
        self.unit.owners[info.scope] = code
        self.unit.waits = True
        inner = Definitions(self.unit, code)
        inner.hoist(info.scope)
        turn = ast.Expr(tree.call("next", _supply()))
        self.at(turn, info.position)
        inner.emit(turn)
        for parameter in info.parameters:
            variable = info.scope.variables[parameter.name]
            if variable.written_through and not PARAMETERS_COUNT and not parameter.variadic:
                name = variable.python
                inner.emit(tree.assign(name, tree.call("own", tree.load(name))))
            if parameter.variadic:
                name = variable.python
                inner.emit(tree.assign(name, tree.call("list", tree.load(name))))
        inner.statements(info.body)
        if info.valued and info.calls_out:
            self._guard(info, code, per_instance)
        made = inner.finish(code)
        if not per_instance:
            made.args.args.append(ast.arg("X"))
        self._parameters(info, made)
        if info.valued and info.calls_out and per_instance:
            made.args.kwonlyargs.append(ast.arg("R"))
            made.args.kw_defaults.append(tree.call("object"))
        self.at(made, info.position)
        return made

    def _guard(self, info: FunctionInfo, code: Code, per_instance: bool) -> None:
        """Note that the function is running, so that a call of itself is found."""
        key: ast.expr = tree.load("R") if per_instance else tree.constant(info.python)
        enter = ast.Expr(tree.call(tree.attribute("X", "enter"), key, tree.constant(info.name)))
        leave = ast.Expr(
            tree.call(
                ast.Attribute(tree.attribute("X", "active"), "discard", ast.Load()),
                tree.load("R") if per_instance else tree.constant(info.python),
            )
        )
        for each in (enter, leave):
            self.at(each, info.position)
        code.body = [enter, ast.Try(code.body, [], [], [leave])]

    def _parameters(self, info: FunctionInfo, made: ast.FunctionDef) -> None:
        arguments = made.args
        if info.owner is not None and not info.static:
            arguments.args.append(ast.arg(info.scope.variables["this"].python))
        for parameter in info.parameters:
            name = info.scope.variables[parameter.name].python
            if parameter.variadic:
                arguments.vararg = ast.arg(name)
                continue
            arguments.args.append(ast.arg(name))
            if parameter.default is not None:
                # Shared by all calls: the first write copies it.
                value = self.folded(parameter.default)
                arguments.defaults.append(tree.load(self.unit.keep("K", value)))

    def finish(self, code: Code) -> ast.FunctionDef:
        """The Python function, with what its variables need in front."""
        front: list[ast.stmt] = []
        inherited = code.nonlocals - {v.python for v in code.reached if not code.loop}
        if inherited:
            front.append(ast.Nonlocal(sorted(inherited)))
        for variable in sorted(code.marked | code.reached, key=lambda v: v.python):
            if variable.parameter:
                continue
            if variable in code.marked:
                front.append(tree.assign(variable.python, tree.load("ABSENT")))
            else:
                # Never run: it makes the name this function's for the ones inside.
                front.append(
                    ast.If(
                        tree.constant(False),
                        [tree.assign(variable.python, tree.constant(None))],
                        [],
                    )
                )
        arguments = ast.arguments([], [], None, [], [], None, [])
        body = [*front, *sink(code.definitions, code.body)] or [ast.Pass()]
        return ast.FunctionDef(code.name, arguments, body, [], None, None)

    def _anonymous(self, node: nodes.AnonymousFunction) -> ast.expr:
        info = self.unit.resolution.anonymous[id(node)]
        made = self.function(info, self.code, per_instance=True)
        # The same function may stand in the code twice, as a loop's final expression does.
        made.name = self.unit.fresh("anonymous_")
        self.unit.names[made.name] = info.name
        self.emit(made)
        return self.function_object(info, tree.load(made.name))

    # --- classes -------------------------------------------------------------

    def _class(self, info: ClassInfo) -> None:
        for name, variable in info.statics.items():
            declared = info.static_nodes[name]
            value = None if declared.value is None else self.folded(declared.value)
            owner = self.unit.owners[info.scope]
            owner.reached.add(variable)
            made = tree.assign(variable.python, self.constant_value(value))
            self.at(made, declared.position)
            self.code.definitions.append(made)
        for function in info.members:
            self._define(function)
        self._home(info).extend((self._class_object(info), self._construction(info)))

    def _class_object(self, info: ClassInfo) -> ast.stmt:
        methods = ast.Dict(
            [tree.constant(name) for name in info.methods],
            [
                tree.call(
                    "Method",
                    tree.constant(f"{info.name}->{name}"),
                    tree.load(method.python),
                    tree.constant(method.least),
                    tree.constant(method.most),
                    tree.constant(method.private),
                )
                for name, method in info.methods.items()
            ],
        )
        own = [v for v in info.node.variables if not v.static]
        defaults = {v.name: None if v.value is None else self.folded(v.value) for v in own}
        private = frozenset(v.name for v in own if v.private)
        readonly = frozenset(v.name for v in own if v.readonly)
        made = tree.call(
            "ScriptClass",
            tree.constant(info.name),
            methods,
            tree.load(self.unit.keep("K", defaults)),
            tree.load(self.unit.keep("K", private)),
            tree.load(self.unit.keep("K", readonly)),
        )
        statement = tree.assign(info.python, made)
        self.at(statement, info.node.position)
        return statement

    def _construction(self, info: ClassInfo) -> ast.FunctionDef:
        """The Python function that makes an instance."""
        this = self.temporary()
        instance = tree.call("Instance", tree.load(info.python), tree.load("X"))
        body: list[ast.stmt] = [tree.assign(this, instance)]
        if info.constructor is not None:
            body.append(
                ast.Expr(
                    tree.call(
                        info.constructor.python,
                        tree.load("X"),
                        tree.load(this),
                        ast.Starred(tree.load("values"), ast.Load()),
                    )
                )
            )
        body.append(ast.Return(tree.load(this)))
        arguments = ast.arguments([], [ast.arg("X")], ast.arg("values"), [], [], None, [])
        name = f"{info.python}_new"
        self.unit.names[name] = info.name
        made = ast.FunctionDef(name, arguments, body, [], None, None)
        self.at(made, info.node.position)
        return made

    # --- modules -------------------------------------------------------------

    def import_module(self, node: nodes.ImportSymbols | nodes.ImportModule) -> None:
        module = self.unit.resolution.modules[id(node)]
        if module in self.unit.started_modules:
            return
        self.unit.started_modules.add(module)
        code = Code(f"{module.prefix}module", module, self.code)
        self.unit.names[code.name] = module.file
        inner = Definitions(self.unit, code)
        inner.statements(module.body)
        made = inner.finish(code)
        self.at(made, node.position)
        self.emit(made)
        self.emit(ast.Expr(tree.call(code.name)))


def _supply() -> ast.expr:
    """The turns that an execution may take: they are made for the first who asks."""
    return ast.BoolOp(
        ast.Or(), [tree.attribute("X", "supply"), tree.call(tree.attribute("X", "turns"))]
    )


def _short_list(value: object) -> bool:
    """Whether a literal array is as cheap to make as to share."""
    return (
        isinstance(value, list)
        and len(value) <= 4
        and not any(isinstance(item, (list, Map)) for item in value)
    )


__all__ = ["Definitions", "Kind"]
