"""The resolver's walk through one scope: binds variables and checks what is used how."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin, BuiltinClass
from smtpgate.hsl.errors import Position
from smtpgate.hsl.scopes import ClassInfo, FunctionInfo, Kind, Scope, Variable

if TYPE_CHECKING:
    from smtpgate.hsl.resolver import Resolver

_CACHE_OPTIONS = (
    "ttl", "ttl_override", "ttl_function", "update_function", "argv_filter", "force", "size",
    "namespace", "per_message", "lru",
)  # fmt: skip


class Walker:
    def __init__(self, resolver: Resolver, scope: Scope) -> None:
        self.resolver = resolver
        self.scope = scope
        self.complain = resolver.complain
        #: "loop" and "switch" around the statement.
        self._around: list[str] = []
        self._conditional = 0

    def body(self, statements: Sequence[nodes.Statement]) -> None:
        ended = False
        for statement in statements:
            if ended and not isinstance(
                statement, (nodes.FunctionDefinition, nodes.ClassDefinition)
            ):
                self.resolver.result.warnings.append((statement.position, "this is never reached"))
                ended = False
            getattr(self, f"_{type(statement).__name__.lower()}")(statement)
            if isinstance(statement, (nodes.Break, nodes.Continue, nodes.Return)):
                ended = True

    # --- statements ----------------------------------------------------------

    def _expressionstatement(self, node: nodes.ExpressionStatement) -> None:
        self.expression(node.expression)

    def _echo(self, node: nodes.Echo) -> None:
        self.expression(node.value)

    def _block(self, node: nodes.Block) -> None:
        self.body(node.body)

    def _if(self, node: nodes.If) -> None:
        for test, body in node.branches:
            self.expression(test)
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
            self.expression(node.condition)
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
            self.complain(f"{module.file} has no variable ${name.name}", name.position)
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
            self.complain(f"{module.file} has no function {name.name}", name.position)
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
            self._assigned(node.variable, None).probed = True
        self.body(node.body)

    # --- expressions ---------------------------------------------------------

    def expression(self, node: nodes.Expression) -> None:
        getattr(self, f"_{type(node).__name__.lower()}")(node)

    def _constant(self, _node: nodes.Constant) -> None:
        """Nothing to resolve."""

    def _interpolation(self, node: nodes.Interpolation) -> None:
        for part in node.parts:
            if not isinstance(part, str):
                self.expression(part)

    def _elements(self, elements: Sequence[nodes.Element]) -> None:
        for element in elements:
            if element.key is not None:
                self.expression(element.key)
            self.expression(element.value)

    def _arrayliteral(self, node: nodes.ArrayLiteral) -> None:
        self._elements(node.elements)

    def _variable(self, node: nodes.Variable) -> Variable:
        return self.resolver.variable(self.scope, node.name, node.position)

    def _functionname(self, node: nodes.FunctionName) -> None:
        found = self.resolver.callee(self.scope, node)
        if isinstance(found, FunctionInfo):
            found.valued = True
        elif isinstance(found, ClassInfo) and found.constructor is not None:
            found.constructor.valued = True

    def _staticmember(self, node: nodes.StaticMember) -> None:
        found = self.static_member(node)
        if isinstance(found, FunctionInfo):
            found.valued = True

    def static_member(self, node: nodes.StaticMember) -> Variable | FunctionInfo | Builtin | None:
        """What ``scope::name`` means; ``None`` after a complaint."""
        if node.scope is None:
            inside = self.scope.inside
            if inside is None:
                self.complain("static:: belongs inside classes", node.position)
                return None
            return self._class_member(inside, node)
        found = self.scope.find_class(node.scope)
        if found is not None:
            return self._class_member(found, node)
        module = self.scope.find_namespace(node.scope)
        if module is not None:
            return self._module_member(module, node)
        library = self.resolver.library.classes.get(node.scope)
        if library is not None and not node.variable and node.name in library.statics:
            return library.statics[node.name]
        if library is None:
            known = [*self.scope.root.classes, *self.scope.root.namespaces]
            known += self.resolver.library.classes
            hint = self.resolver._hint(node.scope, known)
            self.complain(f"unknown class {node.scope}{hint}", node.position)
        else:
            self._no_member(node.scope, node, library.statics)
        return None

    def _class_member(
        self, found: ClassInfo, node: nodes.StaticMember
    ) -> Variable | FunctionInfo | None:
        private = False
        member: Variable | FunctionInfo | None
        if node.variable:
            member = found.statics.get(node.name)
            private = member is not None and found.static_nodes[node.name].private
        else:
            member = found.static_functions.get(node.name)
            private = member is not None and member.private
        if member is None:
            known = found.statics if node.variable else found.static_functions
            self._no_member(found.name, node, known)
        elif private and self.scope.inside is not found:
            mark = "$" if node.variable else ""
            self.complain(f"{found.name}::{mark}{node.name} is private", node.position)
        return member

    def _module_member(
        self, module: Scope, node: nodes.StaticMember
    ) -> Variable | FunctionInfo | None:
        member: Variable | FunctionInfo | None
        if node.variable:
            member = module.variables.get(node.name)
            if member is not None:
                member.shared = True
        else:
            member = module.functions.get(node.name)
        if member is None:
            known = module.variables if node.variable else module.functions
            self._no_member(node.scope or "", node, known)
        return member

    def _no_member(self, name: str, node: nodes.StaticMember, known: Iterable[str]) -> None:
        mark = "$" if node.variable else ""
        hint = self.resolver._hint(node.name, known, mark)
        what = "variable" if node.variable else "function"
        self.complain(f"{name} has no static {what} {mark}{node.name}{hint}", node.position)

    def _subscript(self, node: nodes.Subscript) -> None:
        self.expression(node.target)
        if node.index is None:
            self.complain("[] can only be assigned to", node.position)
        else:
            self.expression(node.index)

    def _slice(self, node: nodes.Slice) -> None:
        self.expression(node.target)
        for part in (node.start, node.stop, node.step):
            if part is not None:
                self.expression(part)

    def _property(self, node: nodes.Property) -> None:
        self.expression(node.target)

    def _call(self, node: nodes.Call) -> None:
        callee = node.callee
        count = len(node.arguments)
        spread = any(argument.spread for argument in node.arguments)
        if isinstance(callee, nodes.FunctionName):
            found_callee = self.resolver.callee(self.scope, callee)
            self._known(found_callee, count, spread, callee.position, callee.name)
        elif isinstance(callee, nodes.StaticMember):
            found = self.static_member(callee)
            if isinstance(found, Variable):
                self._calls_out()
            else:
                self._known(found, count, spread, callee.position)
        elif isinstance(callee, nodes.Property):
            self.expression(callee.target)
            self._calls_out()
        else:
            self.expression(callee)
            self._calls_out()
        self._elements(node.arguments)

    def _calls_out(self) -> None:
        if self.scope.function is not None:
            self.scope.function.calls_out = True

    def _known(
        self,
        found: FunctionInfo | ClassInfo | Builtin | BuiltinClass | None,
        count: int,
        spread: bool,
        at: Position,
        name: str = "",
    ) -> None:
        from smtpgate.hsl.resolver import may_call_back

        if found is None:
            return
        if not spread:
            self.resolver.check_arity(found, count, at, name)
        own: FunctionInfo | None = None
        if isinstance(found, FunctionInfo):
            own = found
        elif isinstance(found, ClassInfo):
            own = found.constructor
        elif isinstance(found, Builtin) and may_call_back(found):
            self._calls_out()
        if own is not None and self.scope.function is not None:
            self.scope.function.calls.append((own, at))
            self._calls_out()

    def _cached(self, node: nodes.Cached) -> None:
        seen: set[str] = set()
        for option in node.options:
            if option.name not in _CACHE_OPTIONS:
                hint = self.resolver._hint(option.name, _CACHE_OPTIONS)
                self.complain(f"cache has no option {option.name}{hint}", option.position)
            if option.name in seen:
                self.complain(f"the option {option.name} is given twice", option.position)
            seen.add(option.name)
            self.expression(option.value)
        if not isinstance(node.call.callee, (nodes.FunctionName, nodes.StaticMember)):
            self.complain("cache needs the call of a named function", node.call.position)
        self._calls_out()
        self.expression(node.call)

    def _unary(self, node: nodes.Unary) -> None:
        self.expression(node.operand)

    def _step(self, node: nodes.Step) -> None:
        self._target(node.target, Kind.NUMBER, reads=True)

    def _binary(self, node: nodes.Binary) -> None:
        # A chain is deep along its left side and may have thousands of terms.
        terms: list[nodes.Binary] = [node]
        while isinstance(terms[-1].left, nodes.Binary):
            terms.append(terms[-1].left)
        self.expression(terms[-1].left)
        for term in reversed(terms):
            self.expression(term.right)
            if term.operator in ("=~", "!~"):
                self.resolver.check_pattern(term.right)

    def _logical(self, node: nodes.Logical) -> None:
        self.expression(node.left)
        self.expression(node.right)

    def _ternary(self, node: nodes.Ternary) -> None:
        self.expression(node.test)
        if node.then is not None:
            self.expression(node.then)
        self.expression(node.otherwise)

    def _coalesce(self, node: nodes.Coalesce) -> None:
        self._probe(node.left)
        self.expression(node.left)
        self.expression(node.right)

    def _isset(self, node: nodes.Isset) -> None:
        self._probe(node.target)
        if isinstance(node.target, nodes.FunctionName):
            return
        self.expression(node.target)

    def _probe(self, target: nodes.Expression) -> Variable | None:
        """The variable at the root of a target is asked for whether it has a value."""
        while isinstance(target, (nodes.Subscript, nodes.Slice, nodes.Property)):
            target = target.target
        if isinstance(target, nodes.Variable):
            found = self._variable(target)
            found.probed = True
            return found
        return None

    def _unset(self, node: nodes.Unset) -> None:
        target = node.target
        if isinstance(target, nodes.Variable):
            found = self._variable(target)
            self._writable(found, target.position)
            if found.predefined:
                self.complain(f"${found.name} is predefined and cannot be unset", target.position)
            found.probed = found.unset = True
        elif isinstance(target, nodes.StaticMember):
            self.complain("a static variable cannot be unset", target.position)
        elif isinstance(target, (nodes.Subscript, nodes.Slice)):
            self._written(target.target, target.position)
            self._places(target)
        elif isinstance(target, nodes.Property):
            self.expression(target.target)
        else:
            self.complain("only variables, items and properties can be unset", target.position)

    def _anonymousfunction(self, node: nodes.AnonymousFunction) -> None:
        self.resolver.anonymous(self.scope, node)

    # --- targets -------------------------------------------------------------

    def _assign(self, node: nodes.Assign) -> None:
        self.expression(node.value)
        if node.operator is None:
            source: nodes.Expression | None = node.value
        else:
            source = nodes.Binary(node.position, node.operator, node.target, node.value)
            self.resolver.result.made.append(source)
        self._target(node.target, source, reads=node.operator is not None)

    def _pattern(self, node: nodes.Pattern) -> None:
        self._target(node, None)

    def _target(
        self,
        target: nodes.Expression,
        source: nodes.Expression | Kind | None,
        reads: bool = False,
    ) -> None:
        """Something that is assigned to."""
        if isinstance(target, nodes.Variable):
            self._assigned(target, source)
        elif isinstance(target, nodes.Pattern):
            self._pattern_targets(target)
        elif isinstance(target, nodes.StaticMember):
            found = self.static_member(target)
            if isinstance(found, Variable):
                self._writable(found, target.position)
                found.sources.append(None)
            elif found is not None:
                self.complain("a function cannot be assigned to", target.position)
        elif isinstance(target, (nodes.Subscript, nodes.Slice)):
            self._written(target.target, target.position)
            self._places(target)
            if reads and isinstance(target, nodes.Subscript) and target.index is None:
                self.complain("[] has no value to change", target.position)
        elif isinstance(target, nodes.Property):
            self._written(target.target, target.position, property=True)
            self._places(target)
        else:
            self.complain("this cannot be assigned to", target.position)

    def _pattern_targets(self, pattern: nodes.Pattern) -> None:
        keyed = sum(item.key is not None for item in pattern.items)
        plain = sum(item.key is None and not item.rest for item in pattern.items)
        if keyed and plain:
            self.complain("a pattern has keys for all its items or for none", pattern.position)
        for number, item in enumerate(pattern.items):
            if item.rest and number != len(pattern.items) - 1:
                self.complain("the rest of a pattern must be its last item", item.position)
            if item.key is not None:
                self.expression(item.key)
            if item.default is not None:
                self.expression(item.default)
            self._target(item.target, None)

    def _assigned(self, target: nodes.Variable, source: nodes.Expression | Kind | None) -> Variable:
        found = self._variable(target)
        self._writable(found, target.position)
        found.assigned = True
        found.sources.append(source)
        return found

    def _writable(self, found: Variable, at: Position) -> None:
        if found.readonly:
            self.complain(f"${found.name} is read-only", at)

    def _written(self, target: nodes.Expression, at: Position, property: bool = False) -> None:
        """The root of a path that is written through."""
        objects = property
        while isinstance(target, (nodes.Subscript, nodes.Property)):
            objects = objects or isinstance(target, nodes.Property)
            target = target.target
        if isinstance(target, nodes.Variable):
            found = self._variable(target)
            if objects and found.readonly and not found.predefined:
                return  # $this->x = 1 changes the object, not the variable.
            if found.name == "this" and found.readonly:
                return
            self._writable(found, target.position)
            found.sources.append(None)
            found.written_through = True
            if not objects:
                found.assigned = True
            found.probed = True
        elif isinstance(target, nodes.StaticMember):
            member = self.static_member(target)
            if isinstance(member, Variable):
                self._writable(member, target.position)
        elif isinstance(target, nodes.Slice):
            self.complain("an item of a slice cannot be assigned to", target.position)
        elif not objects and not isinstance(target, nodes.Call):
            self.complain("this cannot be assigned to", target.position)

    def _places(self, target: nodes.Expression) -> None:
        """The expressions inside a target: its subscripts and what it starts from."""
        while True:
            if isinstance(target, nodes.Subscript):
                if target.index is not None:
                    self.expression(target.index)
                target = target.target
            elif isinstance(target, nodes.Slice):
                for part in (target.start, target.stop, target.step):
                    if part is not None:
                        self.expression(part)
                target = target.target
            elif isinstance(target, nodes.Property):
                target = target.target
            else:
                if not isinstance(target, (nodes.Variable, nodes.StaticMember)):
                    self.expression(target)
                return
