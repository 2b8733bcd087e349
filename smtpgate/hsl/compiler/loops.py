"""Loops and switch.

Every loop draws on the supply of turns that the execution ``X`` is: one item a turn, and
every so many items a look at the budget and at the clock.  A ``while`` becomes
``for _ in X: if not ...: break``, which costs no more than Python's own.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from smtpgate.hsl import nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.assignments import Assignments
from smtpgate.hsl.compiler.code import MOST_BLOCKS, UNKNOWN, Builder, Code
from smtpgate.hsl.resolver import blocks
from smtpgate.hsl.runtime.tracing import LOOP
from smtpgate.hsl.scopes import Variable

_TURN = "_"
#: What may surround a statement: the last one is the Python function of a deep switch.
_LOOP, _SWITCH, _FUNCTION = "loop", "switch", "function"
#: So many tests in one expression: Python's compiler nests with them.
_TESTS = 40


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
        """Write a loop; too deep inside others, as a Python function of its own.

        That one gives ``None`` at its end, ``()`` for a ``continue`` of a loop around it
        and ``(value,)`` for a ``return``.
        """
        self.unit.waits = True
        if self.code.blocks < MOST_BLOCKS:
            getattr(self, f"_{type(node).__name__.lower()}")(node)
            return
        code = Code(self.unit.fresh("loop_"), self.scope, self.code, loop=True)
        self.unit.names[code.name] = LOOP
        inner = self.same(code)
        inner.defined = set(self.defined)
        inner.around = [(_FUNCTION, None)]
        getattr(inner, f"_{type(node).__name__.lower()}")(node)
        for made in code.body:
            inner.at(made, node.position)
        self.emit(inner.finish(code))
        result = self.temporary()
        self.emit(tree.assign(result, tree.call(code.name)))
        value: ast.expr = tree.load(result)
        if not self.code.loop:
            value = ast.Subscript(value, tree.constant(0), ast.Load())
        leave: list[ast.stmt] = [ast.Return(value)]
        if isinstance(node, nodes.Switch) and _continues_in(node.cases):
            going_on = self.within(self._continue)
            leave = [
                ast.If(ast.UnaryOp(ast.Not(), tree.load(result)), going_on, []),
                *leave,
            ]
        self.emit(
            ast.If(tree.compare(tree.load(result), ast.IsNot(), tree.constant(None)), leave, [])
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
        made = ast.For(ast.Name(_TURN, ast.Store()), tree.load("X"), body, [])
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
            self._inside(_LOOP, None, node.body)

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
            self._inside(_LOOP, None, node.body)
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
            self._inside(_LOOP, None, node.body)

        self.code.blocks += 1
        inside = self.within(body)
        self.code.blocks -= 1
        made = ast.For(
            ast.Tuple([ast.Name(_TURN, ast.Store()), target], ast.Store()),
            tree.call("zip", tree.load("X"), source),
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
        self._continue()

    def _continue(self) -> None:
        # A switch is a loop in Python: leave those between here and the loop.
        for sort, flag in reversed(self.around):
            if sort != _SWITCH:
                break
            assert flag is not None
            self.emit(tree.assign(flag, tree.constant(True)))
        self.emit(self._leave_for_next())

    def _leave_for_next(self) -> ast.stmt:
        """What leads from here towards the next turn of the loop."""
        sort = self.around[-1][0]
        if sort == _FUNCTION:
            return ast.Return(tree.items([]))
        return ast.Continue() if sort == _LOOP else ast.Break()

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
        chosen = self._choice(node, held)
        flag = self.temporary() if _continues_in(node.cases) else None
        if flag is not None:
            self.emit(tree.assign(flag, tree.constant(False)))
        before = set(self.defined)

        def body() -> None:
            for number, case in enumerate(node.cases):
                if not case.body:
                    continue
                self.defined = set(before)
                inside = self.within(lambda case=case: self._inside(_SWITCH, flag, case.body))  # type: ignore[misc]
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
            self.emit(ast.If(tree.load(flag), [self._leave_for_next()], []))

    def _choice(self, node: nodes.Switch, held: str) -> str:
        """A variable that gets the number of the first case that equals the subject.

        Without one it gets default's, else one behind all.
        """
        default = len(node.cases)
        tested: list[tuple[int, nodes.Case]] = []
        for number, case in enumerate(node.cases):
            if case.test is None:
                default = number
            else:
                tested.append((number, case))
        chosen = self.temporary()
        after: set[Variable] | None = None

        def part(start: int) -> None:
            nonlocal after
            tests: list[tuple[int, ast.expr]] = []
            for number, case in tested[start : start + _TESTS]:
                tests.append((number, self._case_test(node, case, held)))
                # What follows the first test is not always evaluated.
                after = set(self.defined) if after is None else after
                self.defined = set(after)
            last = start + _TESTS >= len(tested)
            result: ast.expr = tree.constant(default if last else None)
            for number, test in reversed(tests):
                result = tree.choose(test, tree.constant(number), result)
            self.emit(tree.assign(chosen, result))

        part(0)
        for start in range(_TESTS, len(tested), _TESTS):
            inside = self.within(lambda start=start: part(start))  # type: ignore[misc]
            none_yet = tree.compare(tree.load(chosen), ast.Is(), tree.constant(None))
            self.emit(ast.If(none_yet, inside, []))
        return chosen

    def _case_test(self, node: nodes.Switch, case: nodes.Case, held: str) -> ast.expr:
        assert case.test is not None
        value = self.expression(case.test)
        self.at(value, case.test.position)
        test = self.operation(
            "==", tree.load(held), value, self.kind(node.subject), self.kind(case.test)
        )
        self.at(test, case.position)
        return test


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
