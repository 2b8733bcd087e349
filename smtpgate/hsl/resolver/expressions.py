"""The resolver's walk through expressions: what each name in them means, and what is written to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import CALLBACK, Builtin, BuiltinClass
from smtpgate.hsl.errors import Position
from smtpgate.hsl.resolver import familiar
from smtpgate.hsl.scopes import Callee, ClassInfo, FunctionInfo, Kind, Scope, Variable

if TYPE_CHECKING:
    from smtpgate.hsl.resolver import Resolver

_CACHE_OPTIONS = (
    "ttl", "ttl_override", "ttl_function", "update_function", "argv_filter", "force", "size",
    "namespace", "per_message", "lru",
)  # fmt: skip


class ExpressionWalker:
    """Walks the expressions of one scope."""

    def __init__(self, resolver: Resolver, scope: Scope) -> None:
        self.resolver = resolver
        self.scope = scope
        self.complain = resolver.complain

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
        self._valued(self.resolver.callee(self.scope, node, called=False))

    def _staticmember(self, node: nodes.StaticMember) -> None:
        self._valued(self.static_member(node))

    def _valued(self, found: Variable | Callee | None) -> None:
        """A function, or the constructor of a class, can be called by whoever has the value."""
        if isinstance(found, ClassInfo):
            found = found.constructor
        if isinstance(found, FunctionInfo):
            found.valued = True

    def static_member(
        self, node: nodes.StaticMember
    ) -> Variable | FunctionInfo | ClassInfo | Builtin | None:
        """What ``scope::name`` means; ``None`` after a complaint."""
        found = self._static_member(node)
        if isinstance(found, (Variable, FunctionInfo, ClassInfo)):
            self.scope.uses.append(found)
        return found

    def _static_member(
        self, node: nodes.StaticMember
    ) -> Variable | FunctionInfo | ClassInfo | Builtin | None:
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
            hint = familiar.hint(node.scope, known)
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
    ) -> Variable | FunctionInfo | ClassInfo | None:
        member: Variable | FunctionInfo | ClassInfo | None
        if node.variable:
            member = module.variables.get(node.name)
            if member is not None:
                member.shared = True
        else:
            member = module.functions.get(node.name) or module.classes.get(node.name)
        if member is None:
            known = [*module.functions, *module.classes]
            if node.variable:
                known = [*module.variables]
            self._no_member(node.scope or "", node, known)
        return member

    def _no_member(self, name: str, node: nodes.StaticMember, known: Iterable[str]) -> None:
        mark = "$" if node.variable else ""
        hint = familiar.hint(node.name, known, mark)
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
            found_callee = self.resolver.callee(self.scope, callee, called=True)
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
        if found is None:
            return
        if not spread:
            self.resolver.check_arity(found, count, at, name)
        own: FunctionInfo | None = None
        if isinstance(found, FunctionInfo):
            own = found
        elif isinstance(found, ClassInfo):
            own = found.constructor
        elif isinstance(found, Builtin) and _may_call_back(found):
            self._calls_out()
        if own is not None and self.scope.function is not None:
            self.scope.function.calls.append((own, at))
            self._calls_out()

    def _cached(self, node: nodes.Cached) -> None:
        seen: set[str] = set()
        for option in node.options:
            if option.name not in _CACHE_OPTIONS:
                hint = familiar.hint(option.name, _CACHE_OPTIONS)
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
        if isinstance(target, nodes.StaticMember):
            member = self.static_member(target)
            if isinstance(member, Variable):
                member.probed = True
        return None

    def _unset(self, node: nodes.Unset) -> None:
        target = node.target
        if isinstance(target, nodes.Variable):
            found = self._variable(target)
            if found.readonly:
                self._writable(found, target.position)
            elif found.predefined:
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


def _may_call_back(function: Builtin) -> bool:
    """Whether a library function may call a function that it was given."""
    return any(not p.kinds or CALLBACK in p.kinds for p in function.parameters)
