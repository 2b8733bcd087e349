"""Whether a script can end without a decision, for places where that is likely a mistake.

Only what is plain is seen: calls of functions that end the script, and of the
script's own functions that always do.  A script that includes others is trusted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.errors import Position


def undecided(program: nodes.Program, functions: Mapping[str, Builtin]) -> Position | None:
    """Where a script can end without a decision; None when it always decides.

    :param functions: those of the script's place, by name
    """
    return _Endings(program, functions).find()


class _Endings:
    def __init__(self, program: nodes.Program, functions: Mapping[str, Builtin]) -> None:
        self._program = program
        self._deciding = {name for name, made in functions.items() if made.terminates}
        own = [each for each in program.body if isinstance(each, nodes.FunctionDefinition)]
        self._deciding -= {each.name for each in own}
        open_ends = {each.name: each for each in own if not any(map(_returns, each.body))}
        while True:  # what a function calls may be defined behind it
            found = {name for name, each in open_ends.items() if self._always(each.body)}
            if not found:
                break
            self._deciding |= found
            for name in found:
                del open_ends[name]

    def find(self) -> Position | None:
        body = self._program.body
        if any(isinstance(each, nodes.Include) for each in body):
            return None
        for statement in body:
            left = next(_returns_of(statement), None)
            if left is not None:
                return left.position
        if self._always(body):
            return None
        return body[-1].position if body else self._program.position

    def _always(self, body: Sequence[nodes.Node]) -> bool:
        """Whether nothing gets past the end of these statements."""
        return any(self._decides(each) for each in body)

    def _decides(self, node: nodes.Node) -> bool:
        match node:
            case nodes.ExpressionStatement(
                expression=nodes.Call(callee=nodes.FunctionName(name=name))
            ):
                return name in self._deciding
            case nodes.Block() | nodes.Barrier():
                return self._always(node.body)
            case nodes.If():
                bodies = [*(body for _, body in node.branches), node.otherwise]
                return all(map(self._always, bodies))
            case nodes.Switch():
                whole = any(case.test is None for case in node.cases)
                return whole and all(self._always(case.body) for case in node.cases)
        return False


def _returns(node: object) -> bool:
    return next(_returns_of(node), None) is not None


def _returns_of(node: object) -> Iterator[nodes.Return]:
    """The return statements in a statement, without those of functions in it."""
    pending: list[object] = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, nodes.Return):
            yield each
        elif isinstance(each, tuple):
            pending.extend(each)
        elif isinstance(each, nodes.Node) and not isinstance(each, _FUNCTIONS):
            pending.extend(getattr(each, field.name) for field in fields(each))


_FUNCTIONS = (nodes.FunctionDefinition, nodes.AnonymousFunction, nodes.ClassDefinition)
