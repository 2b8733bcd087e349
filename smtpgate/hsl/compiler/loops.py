"""Loops and switch.

Every loop draws on ``T``, the execution's supply of turns: one item a turn, and
every so many items a look at the budget and at the clock.  A ``while`` becomes
``for _ in T: if not ...: break``, which costs no more than Python's own.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from smtpgate.hsl import nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.assignments import Assignments
from smtpgate.hsl.compiler.code import MOST_BLOCKS, UNKNOWN, Builder, Code
from smtpgate.hsl.resolver import blocks
from smtpgate.hsl.scopes import Variable
from smtpgate.hsl.tracing import LOOP

_TURN = "_"


class Loops(Assignments):
    #: What ``break`` and ``continue`` mean here, innermost last.
    around: list[Around]

    def statements(self, body: Sequence[nodes.Statement]) -> None:
        raise AssertionError("statements are compiled by a subclass")

    def same(self, code: Code) -> Loops:
        """A builder of the same sort for another Python function."""
        raise AssertionError("functions are compiled by a subclass")

    def finish(self, code: Code) -> ast.FunctionDef:
        """The finished Python function."""
        raise AssertionError("functions are compiled by a subclass")

    # --- deep nesting --------------------------------------------------------

    def _loop(self, node: nodes.For | nodes.Foreach | nodes.While | nodes.Switch) -> None:
        """Write a loop; too deep inside others, as a Python function of its own."""
        self.unit.waits = True
        write = getattr(self, f"_{type(node).__name__.lower()}")
        if self.code.blocks < MOST_BLOCKS or isinstance(node, nodes.Switch):
            write(node)
            return
        code = Code(self.unit.fresh("loop_"), self.scope, self.code, loop=True)
        self.unit.names[code.name] = LOOP
        inner = self.same(code)
        inner.defined = set(self.defined)
        getattr(inner, f"_{type(node).__name__.lower()}")(node)
        for made in code.body:
            inner.at(made, node.position)
        self.emit(inner.finish(code))
        result = self.temporary()
        self.emit(tree.assign(result, tree.call(code.name)))
        value: ast.expr = tree.load(result)
        if not self.code.loop:
            value = ast.Subscript(value, tree.constant(0), ast.Load())
        self.emit(
            ast.If(
                tree.compare(tree.load(result), ast.IsNot(), tree.constant(None)),
                [ast.Return(value)],
                [],
            )
        )

    # --- loops ---------------------------------------------------------------

    def write_for(self, node: nodes.For) -> None:
        for expression in node.initial:
            self._effect(expression)
        self._loop(node)

    def write_while(self, node: nodes.While) -> None:
        self._loop(node)

    def write_foreach(self, node: nodes.Foreach) -> None:
        self._loop(node)

    def write_switch(self, node: nodes.Switch) -> None:
        self._loop(node)

    def _effect(self, node: nodes.Expression) -> None:
        """An expression for its effect."""
        self.statements([nodes.ExpressionStatement(node.position, node)])

    def _turns(self, body: list[ast.stmt], at: nodes.Node) -> None:
        made = ast.For(ast.Name(_TURN, ast.Store()), tree.load("T"), body, [])
        self.at(made, at.position)
        self.at(made.iter, at.position)
        self.emit(made)

    def _exit_unless(self, condition: nodes.Expression | None) -> None:
        if condition is None:
            return
        value = self.folded(condition)
        if value is not UNKNOWN and value:
            return
        test = ast.UnaryOp(ast.Not(), self.test(condition))
        made = ast.If(test, [ast.Break()], [])
        self.at(made, condition.position)
        self.emit(made)

    def _while(self, node: nodes.While) -> None:
        after: set[Variable] = set()

        def body() -> None:
            nonlocal after
            self._exit_unless(node.condition)
            after = set(self.defined)
            self._inside("loop", None, node.body)

        self.code.blocks += 1
        self._turns(self.within(body), node)
        self.code.blocks -= 1
        self.defined = after

    def _for(self, node: nodes.For) -> None:
        after: set[Variable] = set()
        # The final expressions stand in front of the condition if continue leads to them.
        first = self.temporary() if node.final and _continues(node.body) else ""
        if first:
            self.emit(tree.assign(first, tree.constant(True)))

        def final() -> None:
            for expression in node.final:
                self._effect(expression)

        def body() -> None:
            nonlocal after
            if first:
                before = set(self.defined)
                again = self.within(final)
                self.defined = before
                begin = ast.If(tree.load(first), [tree.assign(first, tree.constant(False))], again)
                self.at(begin, node.position)
                self.emit(begin)
            self._exit_unless(node.condition)
            after = set(self.defined)
            self._inside("loop", None, node.body)
            if not first:
                final()

        self.code.blocks += 1
        self._turns(self.within(body), node)
        self.code.blocks -= 1
        self.defined = after

    def _foreach(self, node: nodes.Foreach) -> None:
        iterable = self.expression(node.iterable)
        self.at(iterable, node.iterable.position)
        helper = "each_value" if node.key is None else "each_pair"
        source = tree.call(helper, iterable)
        self.at(source, node.iterable.position)
        before = set(self.defined)
        item, give_item = self._loop_target(node.value)
        target: ast.expr = item
        give_key: list[tuple[nodes.Expression, str]] = []
        if node.key is not None:
            key, give_key = self._loop_target(node.key)
            target = ast.Tuple([key, item], ast.Store())

        def body() -> None:
            for each, name in (*give_key, *give_item):
                self.give(each, tree.load(name))
            self._inside("loop", None, node.body)

        self.code.blocks += 1
        inside = self.within(body)
        self.code.blocks -= 1
        made = ast.For(
            ast.Tuple([ast.Name(_TURN, ast.Store()), target], ast.Store()),
            tree.call("zip", tree.load("T"), source),
            inside,
            [],
        )
        self.at(made, node.position)
        self.emit(made)
        self.defined = before

    def _loop_target(
        self, node: nodes.Expression
    ) -> tuple[ast.expr, list[tuple[nodes.Expression, str]]]:
        """What Python's loop assigns to; what the script's target then gets from there."""
        if isinstance(node, nodes.Variable):
            found = self.find(node.name)
            if not found.predefined:
                name = self.touch(found)
                self.define(found)
                return ast.Name(name, ast.Store()), []
        name = self.temporary()
        return ast.Name(name, ast.Store()), [(node, name)]

    def _inside(self, sort: str, flag: str | None, body: Sequence[nodes.Statement]) -> None:
        self.around.append((sort, flag))
        self.statements(body)
        self.around.pop()

    def write_break(self, _node: nodes.Break) -> None:
        self.emit(ast.Break())

    def write_continue(self, _node: nodes.Continue) -> None:
        # A switch is a loop in Python: leave those between here and the loop.
        for sort, flag in reversed(self.around):
            if sort == "loop":
                break
            assert flag is not None
            self.emit(tree.assign(flag, tree.constant(True)))
        if self.around[-1][0] == "loop":
            self.emit(ast.Continue())
        else:
            self.emit(ast.Break())

    # --- switch --------------------------------------------------------------

    def _switch(self, node: nodes.Switch) -> None:
        """A loop that runs once, so that ``break`` leaves it; the cases in order.

        The number of the first case to run is found first; each later body runs
        too unless something breaks (fall-through).
        """
        subject = self.expression(node.subject)
        self.at(subject, node.subject.position)
        held = self.temporary()
        self.emit(tree.assign(held, subject))
        chosen = self.temporary()
        self.emit(tree.assign(chosen, self._choice(node, held)))
        flag = self.temporary() if _continues_in(node.cases) else None
        if flag is not None:
            self.emit(tree.assign(flag, tree.constant(False)))
        before = set(self.defined)

        def body() -> None:
            for number, case in enumerate(node.cases):
                if not case.body:
                    continue
                self.defined = set(before)
                inside = self.within(lambda case=case: self._inside("switch", flag, case.body))  # type: ignore[misc]
                made = ast.If(
                    tree.compare(tree.load(chosen), ast.LtE(), tree.constant(number)), inside, []
                )
                self.at(made, case.position)
                self.emit(made)

        self.code.blocks += 1
        inside = self.within(body)
        self.code.blocks -= 1
        self.defined = before
        made = ast.For(ast.Name(_TURN, ast.Store()), tree.load("ONCE"), inside, [])
        self.at(made, node.position)
        self.emit(made)
        if flag is not None:
            leave: ast.stmt = ast.Continue() if self.around[-1][0] == "loop" else ast.Break()
            self.emit(ast.If(tree.load(flag), [leave], []))

    def _choice(self, node: nodes.Switch, held: str) -> ast.expr:
        """The number of the first case that equals the subject; else default's, else none's."""
        default = len(node.cases)
        tests: list[tuple[int, ast.expr]] = []
        for number, case in enumerate(node.cases):
            if case.test is None:
                default = number
                continue
            value = self.expression(case.test)
            self.at(value, case.test.position)
            test = self.operation(
                "==", tree.load(held), value, self.kind(node.subject), self.kind(case.test)
            )
            self.at(test, case.position)
            tests.append((number, test))
        result: ast.expr = tree.constant(default)
        for start in range(len(tests) - len(tests) % 40, -1, -40):
            for number, test in reversed(tests[start : start + 40]):
                result = tree.choose(test, tree.constant(number), result)
            if start:
                # Python nests with a chain; a list of functions does not.
                result = self._deferred(result)
        return result

    def _deferred(self, value: ast.expr) -> ast.expr:
        """An expression evaluated in a function of its own, where it is needed."""
        name = self.unit.fresh("choice_")
        self.unit.names[name] = LOOP
        code = Code(name, self.scope, self.code, loop=True)
        code.body.append(ast.Return(value))
        self.emit(self.finish(code))
        return tree.call(name)


Around = tuple[str, str | None]


def _continues(body: Sequence[nodes.Statement]) -> bool:
    """Whether a ``continue`` in a loop's body is that loop's (an include may have one)."""
    for statement in body:
        if isinstance(statement, (nodes.Continue, nodes.Include)):
            return True
        if isinstance(statement, (nodes.For, nodes.Foreach, nodes.While)):
            continue
        if any(_continues(inner) for inner in blocks(statement)):
            return True
    return False


def _continues_in(cases: Sequence[nodes.Case]) -> bool:
    return any(_continues(case.body) for case in cases)


__all__ = ["Around", "Builder", "Loops"]
