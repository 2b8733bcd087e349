"""Where a run makes what it needs: functions and classes that are bound to its variables.

Each stands in front of the first statement that needs it, and inside the branch that alone does;
so a run makes none for a branch that it does not take.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Sequence


def sink(definitions: Sequence[ast.stmt], block: list[ast.stmt]) -> list[ast.stmt]:
    """The block with the definitions in it; what nothing needs is left out.

    :param definitions: statements that give one name a value each, in an order that works
    """
    if not definitions:
        return block
    return _Sinking(definitions).placed(list(range(len(definitions))), block)


class _Sinking:
    """Definitions go by their numbers here."""

    def __init__(self, definitions: Sequence[ast.stmt]) -> None:
        self._definitions = definitions
        self._numbers = {_defined(each): number for number, each in enumerate(definitions)}
        #: Statement or expression, by id -> the definitions that it names.
        self._named: dict[int, set[int]] = {}
        self._needed = [self._all_from(number) for number in range(len(definitions))]

    def placed(self, definitions: Sequence[int], block: list[ast.stmt]) -> list[ast.stmt]:
        """The block with these definitions, which only it needs."""
        #: Definition -> the statements that need it, and in which of their branches.
        users: dict[int, list[tuple[int, list[ast.stmt] | None]]] = defaultdict(list)
        for number, statement in enumerate(block):
            for part, branch in _parts(statement):
                for each in self._needs(part):
                    users[each].append((number, branch))
        before: dict[int, list[int]] = defaultdict(list)
        within: dict[int, list[int]] = defaultdict(list)
        for each in definitions:
            if users[each]:
                number, branch = users[each][0]
                if branch is None or len(users[each]) > 1:
                    before[number].append(each)
                else:
                    within[id(branch)].append(each)
        result: list[ast.stmt] = []
        for number, statement in enumerate(block):
            result += [self._definitions[each] for each in before[number]]
            for _, branch in _parts(statement):
                if branch is not None and within[id(branch)]:
                    branch[:] = self.placed(within[id(branch)], branch)
            result.append(statement)
        return result

    def _needs(self, part: Sequence[ast.AST]) -> set[int]:
        """What must be there when a part runs."""
        found: set[int] = set()
        for node in part:
            for number in self._names(node):
                found |= self._needed[number]
        return found

    def _names(self, node: ast.AST) -> set[int]:
        found = self._named.get(id(node))
        if found is None:
            if isinstance(node, ast.If):
                inner = (node.test, *node.body, *node.orelse)
                found = set().union(*map(self._names, inner))
            else:
                names = (each.id for each in ast.walk(node) if isinstance(each, ast.Name))
                found = {self._numbers[name] for name in names if name in self._numbers}
            self._named[id(node)] = found
        return found

    def _all_from(self, number: int) -> set[int]:
        """A definition and all that it leads to."""
        found: set[int] = set()
        todo = {number}
        while todo:
            each = todo.pop()
            found.add(each)
            todo |= self._names(self._definitions[each]) - found
        return found


def _defined(statement: ast.stmt) -> str:
    if isinstance(statement, ast.FunctionDef):
        return statement.name
    assert isinstance(statement, ast.Assign)
    (target,) = statement.targets
    assert isinstance(target, ast.Name)
    return target.id


def _parts(statement: ast.stmt) -> Iterator[tuple[Sequence[ast.AST], list[ast.stmt] | None]]:
    """A statement's parts; and where one may hold definitions, because it is run once at most."""
    if isinstance(statement, ast.If):
        yield [statement.test], None
        yield statement.body, statement.body
        yield statement.orelse, statement.orelse
    elif isinstance(statement, ast.For) and _is_switch(statement):
        yield statement.body, statement.body
    else:
        yield [statement], None


def _is_switch(loop: ast.For) -> bool:
    return isinstance(loop.iter, ast.Name) and loop.iter.id == "ONCE"
