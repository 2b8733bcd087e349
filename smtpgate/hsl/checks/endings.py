"""Whether a script can end without a decision, for places where that is likely a mistake.

Only what is plain is seen: calls of functions that end the script, and of the
script's own functions that always do.  A script that includes others is trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.errors import Position
from smtpgate.hsl.runtime.environment import Check, Remark
from smtpgate.hsl.scopes import Resolution


def undecided(words: str) -> Check:
    """A warning about scripts that can end without a decision.

    :param words: what that means in the script's place
    """

    def check(resolution: Resolution, functions: Mapping[str, Builtin]) -> Iterable[Remark]:
        place = _Endings(resolution.programs[0], functions).find()
        return () if place is None else (Remark(place, words),)

    return check


class _Endings:
    def __init__(self, program: nodes.Program, functions: Mapping[str, Builtin]) -> None:
        self._program = program
        self._deciding = {name for name, made in functions.items() if made.terminates}
        own = [each for each in program.body if isinstance(each, nodes.FunctionDefinition)]
        self._deciding -= {each.name for each in own}
        open_ends = {
            each.name: each for each in own if not any(map(_is_return, nodes.within(each.body)))
        }
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
            left = next(filter(_is_return, nodes.within(statement)), None)
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


def _is_return(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Return)
