"""The resolver's walk through one scope: binds variables and checks what is used how."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from smtpgate.hsl import nodes
from smtpgate.hsl.constants import UNKNOWN
from smtpgate.hsl.errors import Position
from smtpgate.hsl.resolver import familiar
from smtpgate.hsl.resolver.expressions import ExpressionWalker
from smtpgate.hsl.scopes import FunctionInfo, Scope

if TYPE_CHECKING:
    from smtpgate.hsl.resolver import Resolver


class Walker(ExpressionWalker):
    """Walks the statements of one scope."""

    def __init__(self, resolver: Resolver, scope: Scope) -> None:
        super().__init__(resolver, scope)
        #: "loop" and "switch" around the statement.
        self._around: list[str] = []

    def body(self, statements: Sequence[nodes.Statement]) -> None:
        ended = False
        for statement in statements:
            if ended and not isinstance(
                statement, (nodes.FunctionDefinition, nodes.ClassDefinition)
            ):
                self._warn(statement.position, "this is never reached")
                ended = False
            getattr(self, f"_{type(statement).__name__.lower()}")(statement)
            if isinstance(statement, (nodes.Break, nodes.Continue, nodes.Return)):
                ended = True

    # --- statements ----------------------------------------------------------

    def _expressionstatement(self, node: nodes.ExpressionStatement) -> None:
        self.expression(node.expression)
        self._warn_idle(node.expression)

    def _warn_idle(self, node: nodes.Expression) -> None:
        """Warn of a statement that does nothing."""
        if isinstance(node, nodes.FunctionName):
            self._warn(node.position, f"this does not call {node.name}, write {node.name}()")
        elif isinstance(node, nodes.Binary) and node.operator in ("==", "==="):
            self._warn(node.position, f"`{node.operator}` compares, and nothing uses what it gives")
        elif isinstance(node, (nodes.Constant, nodes.Variable, nodes.Interpolation)):
            self._warn(node.position, "this does nothing")

    def _condition(self, node: nodes.Expression) -> None:
        self.expression(node)
        if isinstance(node, nodes.Assign) and node.operator is None:
            value = self.resolver.folder.value(node.value)
            if value is not UNKNOWN and isinstance(node.target, nodes.Variable):
                self._warn(node.position, "`=` assigns, `==` compares")

    def _warn(self, at: Position, message: str) -> None:
        self.resolver.result.warnings.append((at, message))

    def _echo(self, node: nodes.Echo) -> None:
        self.expression(node.value)

    def _block(self, node: nodes.Block) -> None:
        self.body(node.body)

    def _if(self, node: nodes.If) -> None:
        for test, body in node.branches:
            self._condition(test)
            self.body(body)
        self.body(node.otherwise)

    def _for(self, node: nodes.For) -> None:
        for expression in node.initial:
            self.expression(expression)
        if node.condition is not None:
            self.expression(node.condition)
        self._loop(node.body)
        for expression in node.final:
            self.expression(expression)

    def _loop(self, body: Sequence[nodes.Statement]) -> None:
        self._around.append("loop")
        self.body(body)
        self._around.pop()

    def _foreach(self, node: nodes.Foreach) -> None:
        self.expression(node.iterable)
        if node.key is not None:
            self._assigned(node.key, None)
        self._target(node.value, None)
        self._loop(node.body)

    def _while(self, node: nodes.While) -> None:
        if node.condition is not None:
            self._condition(node.condition)
        self._loop(node.body)

    def _switch(self, node: nodes.Switch) -> None:
        self.expression(node.subject)
        defaults = [case for case in node.cases if case.test is None]
        for extra in defaults[1:]:
            self.complain("a switch can have one default only", extra.position)
        self._around.append("switch")
        for case in node.cases:
            if case.test is not None:
                self.expression(case.test)
            self.body(case.body)
        self._around.pop()

    def _break(self, node: nodes.Break) -> None:
        if not self._around:
            self.complain("break outside a loop or switch", node.position)

    def _continue(self, node: nodes.Continue) -> None:
        if "loop" not in self._around:
            self.complain("continue outside a loop", node.position)

    def _return(self, node: nodes.Return) -> None:
        if node.value is not None:
            self.expression(node.value)

    def _global(self, node: nodes.Global) -> None:
        if self.scope.kind != "function":
            self.complain("global belongs inside functions", node.position)
            return
        root = self.scope.root
        for each in node.variables:
            outer = self.resolver.variable(root, each.name, each.position)
            found = self.scope.variables.get(each.name)
            if found is outer:
                continue
            if found is not None:
                self.complain(
                    f"${each.name} is used in this function before it becomes global",
                    each.position,
                )
                continue
            outer.shared = True
            self.scope.variables[each.name] = outer

    def _functiondefinition(self, _node: nodes.FunctionDefinition) -> None:
        """Has its own walk."""

    def _classdefinition(self, _node: nodes.ClassDefinition) -> None:
        """Its functions have their own walks."""

    def _include(self, node: nodes.Include) -> None:
        self.body(self.resolver.result.includes.get(id(node), ()))

    def _importsymbols(self, node: nodes.ImportSymbols) -> None:
        module = self.resolver.result.modules.get(id(node))
        if module is None:
            return
        self.resolver.walk_module(module)
        for name in node.names:
            if name.variable:
                self._import_variable(module, name)
            else:
                self._import_function(module, name)

    def _import_variable(self, module: Scope, name: nodes.ImportedName) -> None:
        outer = module.variables.get(name.name)
        if outer is None:
            hint = familiar.hint(name.name, module.variables, "$")
            self.complain(f"{module.file} has no variable ${name.name}{hint}", name.position)
            return
        found = self.scope.variables.get(name.alias)
        if found is outer:
            return
        if found is not None:
            self.complain(f"${name.alias} exists already, import it as another name", name.position)
            return
        outer.shared = True
        self.scope.variables[name.alias] = outer

    def _import_function(self, module: Scope, name: nodes.ImportedName) -> None:
        scope = self.scope
        found = module.functions.get(name.name) or module.classes.get(name.name)
        if found is None:
            hint = familiar.hint(name.name, [*module.functions, *module.classes])
            self.complain(f"{module.file} has no function {name.name}{hint}", name.position)
            return
        own = scope.functions.get(name.alias) or scope.classes.get(name.alias)
        if own is not None and own is not found:
            self.complain(f"{name.alias} is defined already", name.position)
        elif isinstance(found, FunctionInfo):
            scope.functions[name.alias] = found
        else:
            scope.classes[name.alias] = found

    def _importmodule(self, node: nodes.ImportModule) -> None:
        module = self.resolver.result.modules.get(id(node))
        if module is not None:
            self.resolver.walk_module(module)

    def _importdata(self, node: nodes.ImportData) -> None:
        self._assigned(node.variable, None)

    def _barrier(self, node: nodes.Barrier) -> None:
        self.expression(node.name)
        if node.variable is not None:
            # The barrier may find no value: then the variable has none from there on.
            shared = self._assigned(node.variable, None)
            shared.probed = shared.unset = True
        self.body(node.body)
