"""Statements, except loops and definitions."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.code import UNKNOWN
from smtpgate.hsl.compiler.loops import Loops
from smtpgate.hsl.scopes import Kind, Variable

#: Longer ladders of else-ifs are cut: Python's compiler nests with them.
_LADDER = 40
#: Around a barrier: it needs two more itself, and a function called by value one.
_BARRIER_BLOCKS = 17


class Statements(Loops):
    def statements(self, body: Sequence[nodes.Statement]) -> None:
        for statement in body:
            self.statement(statement)

    def statement(self, node: nodes.Statement) -> None:
        start = len(self.out)
        getattr(self, f"write_{type(node).__name__.lower()}")(node)
        for made in self.out[start:]:
            self.at(made, node.position)

    def write_expressionstatement(self, node: nodes.ExpressionStatement) -> None:
        expression = node.expression
        if isinstance(expression, nodes.Assign):
            self._assignment(expression)
        elif isinstance(expression, nodes.Step):
            self._step_statement(expression)
        elif isinstance(expression, nodes.Unset):
            made = self.remove(expression.target)
            self.at(made, expression.position)
            self.emit(ast.Expr(made))
        elif isinstance(expression, nodes.Call) and self._terminates(expression):
            made = self.expression(expression)
            assert isinstance(made, ast.Call)
            if self.code.scope.kind == "main" and not self.code.loop:
                self.emit(ast.Return(made.args[0]))
            else:
                self.emit(ast.Expr(made))
        elif isinstance(expression, (nodes.Logical, nodes.Unary)):
            self.emit(ast.Expr(self.test(expression)))
        else:
            self.emit(ast.Expr(self.expression(expression)))

    def _terminates(self, node: nodes.Call) -> bool:
        if not isinstance(node.callee, nodes.FunctionName):
            return False
        found = self.callee(node.callee)
        spread = any(argument.spread for argument in node.arguments)
        return isinstance(found, Builtin) and found.terminates and not spread

    def _assignment(self, node: nodes.Assign) -> None:
        target = node.target
        found = self.target_variable(target)
        if found is not None:
            if node.operator is None:
                self.emit(self.put_variable(found, self.expression(node.value)))
            elif node.operator == "." and self._appends(node):
                self._append_text(node)
            else:
                self.emit(self.put_variable(found, self._changed(node, found)))
            return
        if isinstance(target, nodes.Pattern):
            first, second = self._kept(self.expression(node.value))
            self.emit(ast.Expr(first))
            for step in self.destructure(target, second):
                self.emit(ast.Expr(step))
            return
        if isinstance(target, nodes.Subscript) and node.operator is None:
            root = self.target_variable(target.target)
            if root is not None and not (root.name == "this" and root.readonly):
                self._store_item(target, node)
                return
        self.emit(ast.Expr(self.assign(node)))

    def _appends(self, node: nodes.Assign) -> bool:
        """Whether ``.=`` is on a string that Python can make longer in place."""
        found = self.target_variable(node.target)
        assert found is not None
        return (
            isinstance(node.target, nodes.Variable)
            and not found.predefined
            and self.kind(node.target) is Kind.STRING
            and (self.is_defined(found) or not found.probed)
        )

    def _append_text(self, node: nodes.Assign) -> None:
        assert isinstance(node.target, nodes.Variable)
        found = self.find(node.target.name)
        value = self.expression(node.value)
        text = self.as_text(value, self.kind(node.value))
        if not self.is_defined(found):
            place = node.target.position
            self.unit.reads[place.file, place.line, place.column] = found.name
        name = self.touch(found)
        made = ast.AugAssign(ast.Name(name, ast.Store()), ast.Add(), text)
        self.at(made, node.target.position)
        self.at(made.target, node.target.position)
        self.emit(made)
        long = tree.compare(tree.call("len", tree.load(name)), ast.Gt(), tree.constant(65536))
        self.emit(ast.If(long, [ast.Expr(tree.call("bounded", tree.load(name)))], []))

    def _store_item(self, target: nodes.Subscript, node: nodes.Assign) -> None:
        """``$a[k] = x`` and ``$a[] = x``: the value is evaluated before the variable is read."""
        found = self.target_variable(target.target)
        assert found is not None
        value = self.expression(node.value)
        index = None if target.index is None else self.expression(target.index)
        # An array that is stored into itself needs a second holder, or it would hold itself.
        if not tree.simple(value) or self.target_variable(node.value) is found:
            name = self.temporary()
            self.emit(tree.assign(name, value))
            value = tree.load(name)
        if index is not None and not tree.simple(index):
            name = self.temporary()
            self.emit(tree.assign(name, index))
            index = tree.load(name)
        current = self._raw(found)
        if isinstance(value, ast.Name) and isinstance(current, ast.Name) and value.id == current.id:
            # An array put into itself: a second name makes the count say so.
            name = self.temporary()
            self.emit(tree.assign(name, value))
            value = tree.load(name)
        if index is not None:
            made = tree.call("store", current, index, value)
            self.at(made, target.position)
            self.emit(self.put_variable(found, made))
            return
        made = tree.call("append", current, value)
        self.at(made, target.position)
        if not isinstance(current, ast.Name):
            self.emit(self.put_variable(found, made))
            return
        # In place when this variable is the only holder of the list.
        only = tree.compare(
            tree.call("getrefcount", tree.again(current)), ast.Eq(), tree.constant(self.local_count)
        )
        test = ast.BoolOp(ast.And(), [tree.is_class(tree.again(current), "list"), only])
        append = tree.call(
            ast.Attribute(tree.again(current), "append", ast.Load()), tree.again(value)
        )
        self.emit(ast.If(test, [ast.Expr(append)], [self.put_variable(found, made)]))

    #: The reference count of a list that only a local variable holds.
    local_count = 2

    def _step_statement(self, node: nodes.Step) -> None:
        found = self.target_variable(node.target)
        if found is None:
            self.emit(ast.Expr(self.step(node)))
        else:
            self.emit(self.put_variable(found, self.stepped(node, found)))

    def write_echo(self, node: nodes.Echo) -> None:
        self.emit(ast.Expr(tree.call(tree.attribute("X", "echo"), self.expression(node.value))))

    def write_block(self, node: nodes.Block) -> None:
        self.statements(node.body)

    def write_if(self, node: nodes.If) -> None:
        if len(node.branches) > _LADDER:
            self._long_ladder(node)
        else:
            self._ladder(list(node.branches), node.otherwise)

    def _ladder(
        self,
        branches: list[tuple[nodes.Expression, tuple[nodes.Statement, ...]]],
        otherwise: Sequence[nodes.Statement],
        mark: str = "",
    ) -> None:
        """An if with its else-ifs; with ``mark``, a branch taken clears that variable."""
        ends: list[set[Variable]] = []
        outer = self.out
        for number, (test, body) in enumerate(branches):
            value = self.folded(test)
            made = ast.If(self.test(test), [], [])
            if value is not UNKNOWN:
                made.test = tree.constant(bool(value))
            self.at(made, test.position)
            self.out.append(made)
            before = set(self.defined)
            if mark:
                made.body.append(tree.assign(mark, tree.constant(False)))
            self.out = made.body
            self.statements(body)
            if not made.body:
                made.body.append(ast.Pass())
            if not self._leaves(body):
                ends.append(set(self.defined))
            self.defined = before
            self.out = made.orelse
            if number == len(branches) - 1:
                self.statements(otherwise)
                if not self._leaves(otherwise):
                    ends.append(set(self.defined))
        self.out = outer
        if ends:
            self.defined = set.intersection(*ends)

    @staticmethod
    def _leaves(body: Sequence[nodes.Statement]) -> bool:
        """Whether what follows a body is not reached from it."""
        return bool(body) and isinstance(body[-1], (nodes.Return, nodes.Break, nodes.Continue))

    def _long_ladder(self, node: nodes.If) -> None:
        mark = self.temporary()
        self.emit(tree.assign(mark, tree.constant(True)))
        before = set(self.defined)
        for start in range(0, len(node.branches), _LADDER):
            part = list(node.branches[start : start + _LADDER])
            self.defined = set(before)
            inside = self.within(lambda part=part: self._ladder(part, (), mark))  # type: ignore[misc]
            self.emit(ast.If(tree.load(mark), inside, []))
        self.defined = set(before)
        if node.otherwise:
            inside = self.within(lambda: self.statements(node.otherwise))
            self.emit(ast.If(tree.load(mark), inside, []))
        self.defined = before

    def write_return(self, node: nodes.Return) -> None:
        value = tree.constant(None) if node.value is None else self.expression(node.value)
        if self.code.scope.kind != "function":
            # A script's own result is what its terminating function was given.
            if node.value is not None:
                self.emit(ast.Expr(value))
            value = tree.constant(None)
        if self.code.loop:
            value = tree.items([value])
        self.emit(ast.Return(value))

    def write_global(self, _node: nodes.Global) -> None:
        """The resolver has bound the names."""

    def write_barrier(self, node: nodes.Barrier) -> None:
        self.unit.waits = True
        if self.code.blocks > _BARRIER_BLOCKS:
            self.unit.complain("barriers, loops and switches are nested too deeply", node.position)
            return
        held = self.temporary()
        entered = tree.call("Barrier", tree.load("X"), self.expression(node.name))
        self.at(entered, node.position)
        variable = None if node.variable is None else self.find(node.variable.name)
        blocks = 1 if variable is None else 2
        self.code.blocks += blocks
        before = set(self.defined)

        def body() -> None:
            if variable is None:
                self.statements(node.body)
                return
            self.emit(self.put_variable(variable, tree.attribute(held, "value")))
            self.defined.discard(variable)
            if not variable.predefined:
                self.unit.owners[variable.scope].marked.add(variable)
            inside = self.within(lambda: self.statements(node.body))
            current = self._raw(variable)
            store = ast.Assign([ast.Attribute(tree.load(held), "value", ast.Store())], current)
            self.emit(ast.Try(inside, [], [], [store]))

        inside = self.within(body)
        self.code.blocks -= blocks
        self.defined = before
        item = ast.withitem(entered, ast.Name(held, ast.Store()))
        self.emit(ast.With([item], inside))

    def write_include(self, node: nodes.Include) -> None:
        self.statements(self.unit.resolution.includes[id(node)])

    def write_functiondefinition(self, _node: nodes.FunctionDefinition) -> None:
        """Defined when the scope begins."""

    def write_classdefinition(self, _node: nodes.ClassDefinition) -> None:
        """Defined when the scope begins."""

    def write_importdata(self, node: nodes.ImportData) -> None:
        value = self.unit.resolution.data[id(node)]
        made = self.constant_value(value)
        self.emit(self.put_variable(self.find(node.variable.name), made))

    def write_importsymbols(self, node: nodes.ImportSymbols) -> None:
        self.import_module(node)

    def write_importmodule(self, node: nodes.ImportModule) -> None:
        self.import_module(node)

    def import_module(self, node: nodes.ImportSymbols | nodes.ImportModule) -> None:
        """Run a module's own code, once."""
        raise AssertionError("modules are compiled by a subclass")
