"""What a program defines: its files, scopes, variables, functions and classes.

Definitions are hoisted: they are all known, wherever they stand, before a statement is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import count

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin, BuiltinClass
from smtpgate.hsl.constants import UNKNOWN, Folder
from smtpgate.hsl.errors import Position, ScriptErrors, ScriptSyntaxError
from smtpgate.hsl.library import CLASSES, FUNCTIONS
from smtpgate.hsl.resolver.loader import Loader
from smtpgate.hsl.runtime.environment import Context
from smtpgate.hsl.scopes import ClassInfo, FunctionInfo, Kind, Resolution, Scope, Variable
from smtpgate.hsl.sources import Sources
from smtpgate.hsl.values import Map, Value


class Library:
    """The functions and classes that a context offers, by name."""

    def __init__(self, context: Context) -> None:
        self.functions: Mapping[str, Builtin] = FUNCTIONS | context.functions
        self.classes: Mapping[str, BuiltinClass] = CLASSES

    def find(self, name: str) -> Builtin | BuiltinClass | None:
        """A function, or else a class, if there is one of that name."""
        return self.functions.get(name) or self.classes.get(name)

    def __iter__(self) -> Iterable[str]:
        yield from self.functions
        yield from self.classes


class Definitions:
    """Collects into ``result`` what a program and the files that it loads define.

    Mistakes are kept in ``errors``: the first one stops nothing.
    """

    def __init__(
        self, program: nodes.Program, context: Context, sources: Sources, folder: Folder
    ) -> None:
        self.context = context
        self.library = Library(context)
        self.folder = folder
        self.errors: list[ScriptSyntaxError] = []
        self.main = Scope("main", None, "v_", program.position.file, body=program.body)
        self.result = Resolution(self.main)
        self._functions: list[FunctionInfo] = []
        self._loader = Loader(sources, self.complain, self._file_failed)
        self._modules: dict[str, Scope] = {}
        self._included: set[tuple[int, str]] = set()
        #: Makes Python's names of functions and of members unlike any other.
        self._numbers = count(1)
        self._add_file(program)

    def _collect_all(self) -> None:
        self._loader.open.append(self.main.file)
        self._predefine(self.main)
        self._collect(self.main, self.main.body)
        self._loader.open.pop()

    # --- errors --------------------------------------------------------------

    def complain(self, message: str, at: Position) -> None:
        """Keep a mistake for the end."""
        lines = self.result.files.get(at.file, [])
        line = lines[at.line - 1] if at.line <= len(lines) else ""
        self.errors.append(ScriptSyntaxError(message, at, line))

    def _file_failed(self, errors: ScriptErrors) -> None:
        self.errors.extend(errors.errors)

    def _add_file(self, program: nodes.Program) -> None:
        self.result.programs.append(program)
        self.result.files.setdefault(program.position.file, program.source.split("\n"))

    # --- scopes --------------------------------------------------------------

    def _predefine(self, scope: Scope) -> None:
        for name in (*self.context.readonly, *self.context.writable):
            readonly = name in self.context.readonly
            kind = Kind.named(self.context.kinds.get(name)) if readonly else Kind.OTHER
            scope.variables[name] = Variable(
                name, "", scope, predefined=True, readonly=readonly, assigned=True, kind=kind
            )

    def variable(self, scope: Scope, name: str, at: Position) -> Variable:
        """The variable a name means in a scope; made at its first mention."""
        found = scope.variables.get(name)
        if found is None:
            found = Variable(name, f"{scope.prefix}{name}", scope, first=at)
            scope.variables[name] = found
            self.result.variables.append(found)
        return found

    def _collect(self, scope: Scope, body: Sequence[nodes.Statement]) -> None:
        """Hoist functions and classes and load files, wherever they stand in the scope."""
        for statement in body:
            if isinstance(statement, nodes.FunctionDefinition):
                self._define_function(scope, statement)
            elif isinstance(statement, nodes.ClassDefinition):
                self._define_class(scope, statement)
            elif isinstance(statement, nodes.Include):
                self._include(scope, statement)
            elif isinstance(statement, (nodes.ImportSymbols, nodes.ImportModule, nodes.ImportData)):
                self._import(scope, statement, body is scope.body)
            else:
                for part in blocks(statement):
                    self._collect(scope, part)

    def _include(self, scope: Scope, node: nodes.Include) -> None:
        name = self._loader.name(node.path)
        if name is None or (node.once and (id(scope), name) in self._included):
            self.result.includes[id(node)] = ()
            return
        self._included.add((id(scope), name))
        program = self._loader.program(name)
        self._add_file(program)
        self.result.includes[id(node)] = program.body
        self._loader.open.append(name)
        if id(node) in self.result.modules:
            return
        body, scope.body = scope.body, program.body
        self._collect(scope, program.body)
        scope.body = body
        self._loader.open.pop()

    def _import(self, scope: Scope, node: nodes.Node, unconditional: bool) -> None:
        if scope.kind == "function":
            self.complain("import belongs outside functions", node.position)
            return
        if not unconditional:
            self.complain("import cannot depend on a condition", node.position)
            return
        if isinstance(node, nodes.ImportData):
            self._import_data(scope, node)
            return
        assert isinstance(node, (nodes.ImportSymbols, nodes.ImportModule))
        name = self._loader.name(node.path)
        if name is None:
            return
        module = self._modules.get(name)
        if module is None:
            program = self._loader.program(name)
            self._add_file(program)
            number = len(self._modules) + 1
            module = Scope("module", None, f"m{number}_", name, body=program.body)
            self._modules[name] = module
            self._predefine(module)
            self._loader.open.append(name)
            self._collect(module, module.body)
            self._loader.open.pop()
        self.result.modules[id(node)] = module
        if isinstance(node, nodes.ImportModule):
            if node.alias in scope.namespaces or node.alias in scope.classes:
                self.complain(f"{node.alias} is defined already", node.position)
            scope.namespaces[node.alias] = module

    def _import_data(self, scope: Scope, node: nodes.ImportData) -> None:
        options: dict[str, Value] = {}
        if node.options is not None:
            given = self.folder.value(node.options)
            if isinstance(given, Map):
                options = given
            elif given is UNKNOWN or given:
                self.complain("import options must be constant and named", node.options.position)
        self.result.data[id(node)] = self._loader.data(node.path, options, self.library.functions)

    # --- definitions ---------------------------------------------------------

    def _taken(self, scope: Scope, node: nodes.FunctionDefinition | nodes.ClassDefinition) -> bool:
        """Whether the scope has the name of a definition already; then with a complaint."""
        function, known = scope.functions.get(node.name), scope.classes.get(node.name)
        if function is not None:
            what, at = "function", function.position
        elif known is not None:
            what, at = "class", known.node.position
        else:
            return False
        again = " by the same file: include_once includes it once" if at == node.position else ""
        self.complain(f"{what} {node.name} is defined already{again}", node.position)
        return True

    def _define_function(self, scope: Scope, node: nodes.FunctionDefinition) -> None:
        name = node.name
        if self._taken(scope, node):
            return
        python = f"f{next(self._numbers)}_{name}"
        info = self._function(scope, name, python, node.parameters, node.body, node.position)
        scope.functions[name] = info
        scope.defined_functions.append(info)
        self.result.scopes[id(node)] = info.scope
        self._collect(info.scope, info.body)

    def _function(
        self,
        parent: Scope,
        name: str,
        python: str,
        parameters: tuple[nodes.Parameter, ...],
        body: tuple[nodes.Statement, ...],
        at: Position,
    ) -> FunctionInfo:
        depth = 1
        above: Scope | None = parent
        while above is not None and above.kind == "function":
            depth += 1
            above = above.parent
        scope = Scope("function", parent, f"v{depth}_", parent.file, body=body)
        scope.inside = parent.inside
        info = FunctionInfo(name, python, parameters, body, at, scope)
        scope.function = info
        self._functions.append(info)
        seen: set[str] = set()
        optional = False
        for number, parameter in enumerate(parameters):
            if parameter.name in seen:
                self.complain(f"two parameters are called ${parameter.name}", parameter.position)
            seen.add(parameter.name)
            made = self.variable(scope, parameter.name, parameter.position)
            made.assigned = made.parameter = True
            made.sources.append(None)
            if parameter.variadic:
                if number != len(parameters) - 1:
                    self.complain("a variadic parameter must be the last", parameter.position)
                continue
            if parameter.default is not None:
                optional = True
                if self.folder.value(parameter.default) is UNKNOWN:
                    self.complain(
                        f"the default of ${parameter.name} must be constant",
                        parameter.default.position,
                    )
            elif optional:
                self.complain(
                    f"${parameter.name} needs a default: it follows a parameter that has one",
                    parameter.position,
                )
        return info

    def _define_class(self, scope: Scope, node: nodes.ClassDefinition) -> None:
        name = node.name
        if self._taken(scope, node):
            return
        info = ClassInfo(name, f"c{next(self._numbers)}_{name}", node, scope)
        scope.classes[name] = info
        scope.defined_classes.append(info)
        taken: set[str] = set()
        for variable in node.variables:
            self._class_variable(scope, info, variable, taken)
        for function in node.functions:
            self._class_function(scope, info, function, taken)

    def _take_name(
        self, info: ClassInfo, node: nodes.ClassVariable | nodes.ClassFunction, taken: set[str]
    ) -> None:
        if node.name in taken:
            self.complain(f"{info.name} has two members called {node.name}", node.position)
        taken.add(node.name)

    def _class_variable(
        self, scope: Scope, info: ClassInfo, node: nodes.ClassVariable, taken: set[str]
    ) -> None:
        self._take_name(info, node, taken)
        if node.value is not None and self.folder.value(node.value) is UNKNOWN:
            self.complain(
                f"the initial value of ${node.name} must be constant", node.value.position
            )
        if node.static:
            made = Variable(
                node.name,
                f"s{next(self._numbers)}_{node.name}",
                scope,
                readonly=node.readonly,
                shared=True,
                assigned=True,
            )
            made.sources.append(None)
            info.statics[node.name] = made
            info.static_nodes[node.name] = node

    def _class_function(
        self, scope: Scope, info: ClassInfo, node: nodes.ClassFunction, taken: set[str]
    ) -> None:
        self._take_name(info, node, taken)
        python = f"f{next(self._numbers)}_{node.name}"
        shown = (
            info.name
            if node.name == "constructor"
            else (f"{info.name}{'::' if node.static else '->'}{node.name}")
        )
        made = self._function(scope, shown, python, node.parameters, node.body, node.position)
        made.owner = info
        made.static = node.static
        made.private = node.private
        made.scope.inside = info
        self.result.scopes[id(node)] = made.scope
        if not node.static:
            if "this" in made.scope.variables:
                self.complain("$this cannot be a parameter", node.position)
            this = self.variable(made.scope, "this", node.position)
            this.assigned = this.readonly = this.parameter = True
            this.sources.append(None)
        if node.name == "constructor":
            info.constructor = made
        elif node.static:
            info.static_functions[node.name] = made
        else:
            made.valued = True
            info.methods[node.name] = made
        self._collect(made.scope, made.body)


def blocks(statement: nodes.Statement) -> list[Sequence[nodes.Statement]]:
    """The statement lists inside a statement that open no scope of their own."""
    if isinstance(statement, nodes.If):
        return [*(body for _, body in statement.branches), statement.otherwise]
    if isinstance(statement, nodes.Switch):
        return [case.body for case in statement.cases]
    if isinstance(statement, (nodes.Block, nodes.For, nodes.Foreach, nodes.While, nodes.Barrier)):
        return [statement.body]
    return []
