"""Names and rules: everything that can be known of a script before it runs.

:class:`Resolver` loads included and imported files, finds the scopes (``definitions``), binds every
variable and checks calls of known functions (``statements`` and ``expressions``), and reports all
mistakes at once.
"""

from __future__ import annotations

from smtpgate.hsl import nodes
from smtpgate.hsl.constants import Folder
from smtpgate.hsl.errors import Fault, Position, ScriptErrors
from smtpgate.hsl.patterns import compile_pattern
from smtpgate.hsl.resolver import closures, familiar
from smtpgate.hsl.resolver.definitions import Definitions, Library, blocks
from smtpgate.hsl.resolver.statements import Walker
from smtpgate.hsl.runtime.environment import Context
from smtpgate.hsl.scopes import Callee, FunctionInfo, Resolution, Scope
from smtpgate.hsl.sources import Sources
from smtpgate.hsl.values import arity_message


class Resolver(Definitions):
    """Finds out what each name of a program means."""

    def __init__(
        self, program: nodes.Program, context: Context, sources: Sources, folder: Folder
    ) -> None:
        super().__init__(program, context, sources, folder)
        self._walked: set[int] = set()

    def resolve(self) -> Resolution:
        """Bind and check the program.

        :raises ScriptErrors: with every mistake, in source order
        """
        self._collect_all()
        self._walk_scope(self.main)
        self._check_recursion()
        closures.find(self._functions)
        self._warn_undefined()
        if self.errors:
            unique = {(e.position, e.message): e for e in self.errors}
            order = list(self.result.files)
            raise ScriptErrors(
                sorted(
                    unique.values(),
                    key=lambda e: (
                        order.index(e.position.file) if e.position.file in order else -1,
                        e.position.line,
                        e.position.column,
                    ),
                )
            )
        return self.result

    # --- walking -------------------------------------------------------------

    def _walk_scope(self, scope: Scope) -> None:
        Walker(self, scope).body(scope.body)
        for function in scope.defined_functions:
            self._walk_scope(function.scope)
        for each in scope.defined_classes:
            for member in each.members:
                self._walk_scope(member.scope)

    def walk_module(self, module: Scope) -> None:
        """Walk a module at its first import, so that its names are known by then."""
        if id(module) not in self._walked:
            self._walked.add(id(module))
            self._walk_scope(module)

    def anonymous(self, scope: Scope, node: nodes.AnonymousFunction) -> FunctionInfo:
        """Walk an anonymous function within the scope that captures its variables."""
        number = len(self.result.anonymous) + 1
        info = self._function(
            scope, "function", f"anonymous_{number}", node.parameters, node.body, node.position
        )
        info.valued = True
        self.result.anonymous[id(node)] = info
        for capture in node.captures:
            outer = self.variable(scope, capture.name, capture.position)
            if capture.name in info.scope.variables:
                self.complain(f"${capture.name} is a parameter already", capture.position)
                continue
            outer.shared = True
            info.scope.variables[capture.name] = outer
        self._collect(info.scope, info.body)
        self._walk_scope(info.scope)
        return info

    # --- names ---------------------------------------------------------------

    def callee(self, scope: Scope, node: nodes.FunctionName, *, called: bool) -> Callee | None:
        """What a function name means; ``None`` after a complaint."""
        if not node.builtin:
            own = scope.find_function(node.name) or scope.find_class(node.name)
            if own is not None:
                scope.uses.append(own)
                return own
        found = self.library.find(node.name)
        if found is None and node.name in self.context.absent:
            self.complain(
                f"there is no {node.name}(): {self.context.absent[node.name]}", node.position
            )
        elif found is None:
            known: list[str] = [*self.library.functions, *self.library.classes]
            above: Scope | None = scope
            while above is not None and not node.builtin:
                known += [*above.functions, *above.classes]
                above = above.parent
            what = "builtin function" if node.builtin else "function"
            elsewhere = self.context.elsewhere(node.name)
            if elsewhere:
                advice = f": {elsewhere}"
            elif not called and node.name in scope.variables:
                advice = f", did you mean ${node.name}?"
            else:
                advice = familiar.advice(node.name, known, called=called)
            self.complain(f"unknown {what} {node.name}{advice}", node.position)
        return found

    def check_arity(self, callee: Callee, count: int, at: Position, name: str = "") -> None:
        least, most = callee.least, callee.most
        if count < least or (most is not None and count > most):
            self.complain(arity_message(name or callee.name, least, most, count), at)

    def check_pattern(self, node: nodes.Expression) -> None:
        """A literal regular expression is compiled now, so its mistakes are found now."""
        value = self.folder.value(node)
        if isinstance(value, str):
            try:
                compile_pattern(value)
            except Fault as fault:
                self.complain(str(fault), node.position)

    # --- the whole program ---------------------------------------------------

    def _check_recursion(self) -> None:
        """Complain of functions that call themselves, directly or through others."""
        reported: set[FunctionInfo] = set()
        for function in self._functions:
            for target, at in function.calls:
                if function not in reported and _reaches(target, function):
                    reported.add(function)
                    if target is function:
                        message = f"{function.name}() calls itself: recursion is not allowed"
                    else:
                        message = (
                            f"{function.name}() calls itself through {target.name}(): "
                            "recursion is not allowed"
                        )
                    self.complain(message, at)

    def _warn_undefined(self) -> None:
        for variable in self.result.variables:
            if variable.assigned or variable.first is None or variable.shared:
                continue
            hint = ""
            root = variable.scope.root
            if variable.scope is not root and variable.name in root.variables:
                hint = f', "global ${variable.name}" reaches the one outside'
            else:
                known = [v.name for v in variable.scope.variables.values() if v.assigned]
                elsewhere = self.context.elsewhere(f"${variable.name}")
                hint = f": {elsewhere}" if elsewhere else familiar.hint(variable.name, known, "$")
            self.result.warnings.append(
                (variable.first, f"${variable.name} is never assigned{hint}")
            )


def _reaches(start: FunctionInfo, goal: FunctionInfo) -> bool:
    seen: set[FunctionInfo] = set()
    todo = [start]
    while todo:
        function = todo.pop()
        if function is goal:
            return True
        if function not in seen:
            seen.add(function)
            todo += [target for target, _ in function.calls]
    return False


__all__ = ["Library", "Resolver", "blocks"]
