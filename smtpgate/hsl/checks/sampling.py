"""Which decisions of a script are reached when some of its variables have known values: a sample.

Nothing runs: values that depend on anything else are unknown, and where a condition is unknown
both ways are gone.  So what is never reached here is never reached with that sample; what is
reached may be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.constants import UNKNOWN
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import FUNCTIONS
from smtpgate.hsl.operations import reading, slices
from smtpgate.hsl.operations.operators import BINARY, bit_not, negate, number
from smtpgate.hsl.scopes import Resolution
from smtpgate.hsl.values import Map, to_string
from smtpgate.hsl.values.arrays import from_pairs, key, pairs

#: Functions whose result is known when what they are given is.
_KNOWN = frozenset(
    {
        "array_includes", "count", "explode", "in_array", "is_array", "is_string", "length",
        "pcre_match", "str_find", "str_lower", "str_rfind", "str_slice", "str_split", "str_strip",
        "str_upper", "string", "strlen", "strpos", "strtolower", "strtoupper", "substr", "trim",
    }
)  # fmt: skip
#: Parts of a script that are looked at; one that has more is left alone.
_MOST_STEPS = 20_000
_DEEPEST_CALL = 8
_LONGEST = 4096
#: What a spread argument may stand for.
_MOST_ARGUMENTS = 4


@dataclass(frozen=True, slots=True)
class Reached:
    """A call that ends the script; arguments that are not known are ``UNKNOWN``."""

    call: nodes.Call
    name: str
    arguments: tuple[Any, ...]


class _Ended(Exception):
    """The script ends in the middle of an expression."""


class _TooLong(Exception):
    """There is more to look at than anybody would wait for."""


def reached(
    resolution: Resolution, functions: Mapping[str, Builtin], variables: Mapping[str, Any]
) -> list[Reached]:
    """The calls of functions that end the script, in the order of the script.

    :param functions: those of the script's place
    :param variables: the sample, by name
    """
    sample = _Sample(resolution, functions, dict(variables))
    try:
        sample.body(resolution.main.body)
    except (_TooLong, _Ended):
        return [] if sample.steps > _MOST_STEPS else sample.found
    return sample.found


class _Sample:
    def __init__(
        self, resolution: Resolution, functions: Mapping[str, Builtin], variables: dict[str, Any]
    ) -> None:
        self.found: list[Reached] = []
        self.steps = 0
        self._includes = resolution.includes
        self._functions = functions
        self._own = {
            each.name: each
            for program in resolution.programs
            for each in program.body
            if isinstance(each, nodes.FunctionDefinition)
        }
        self._sample = dict(variables)
        self._variables = variables
        self._calls = 0

    # Statements: each tells whether what stands behind it is never reached.

    def body(self, statements: Sequence[nodes.Statement]) -> bool:
        return any(self._statement(each) for each in statements)

    def _statement(self, node: nodes.Statement) -> bool:
        self._step()
        match node:
            case nodes.ExpressionStatement():
                return self._ends(node.expression)
            case nodes.Echo():
                return self._ends(node.value)
            case nodes.Return():
                return node.value is None or self._ends(node.value) or True
            case nodes.Break() | nodes.Continue():
                return True
            case nodes.Block() | nodes.Barrier():
                return self.body(node.body)
            case nodes.Include():
                return self.body(self._includes.get(id(node), ()))
            case nodes.If():
                return self._if(node)
            case nodes.Switch():
                return self._switch(node)
            case nodes.For() | nodes.While() | nodes.Foreach():
                if isinstance(node, nodes.Foreach):
                    self._put(node.value, UNKNOWN)
                    self._variables |= {} if node.key is None else {node.key.name: UNKNOWN}
                # How often is not known, so neither is what it leaves behind.
                self._perhaps(lambda: self.body(node.body))
                self._perhaps(lambda: self.body(node.body))
            case nodes.Global():
                for variable in node.variables:
                    self._variables[variable.name] = self._sample.get(variable.name, UNKNOWN)
        return False

    def _ends(self, node: nodes.Expression) -> bool:
        try:
            self.value(node)
        except _Ended:
            return True
        return False

    def _if(self, node: nodes.If) -> bool:
        ways: list[Callable[[], bool]] = []
        for test, body in node.branches:
            found = self.value(test)
            if found is UNKNOWN:
                ways.append(lambda body=body: self.body(body))  # type: ignore[misc]
            elif found:
                ways.append(lambda body=body: self.body(body))  # type: ignore[misc]
                return self._either(ways)
        return self._either([*ways, lambda: self.body(node.otherwise)])

    def _switch(self, node: nodes.Switch) -> bool:
        subject = self.value(node.subject)
        ways: list[Callable[[], bool]] = []
        for number_, case in enumerate(node.cases):
            # A case without a break goes on into the next one.
            rest = [statement for each in node.cases[number_:] for statement in each.body]
            equal = UNKNOWN if case.test is None else self._binary("==", subject, case.test)
            if equal is UNKNOWN or equal:
                ways.append(lambda rest=rest: self.body(rest))  # type: ignore[misc]
            if equal is not UNKNOWN and equal:
                break
        self._either([*ways, lambda: False])
        return False

    def _either(self, ways: Sequence[Callable[[], bool]]) -> bool:
        """Go each way; what differs behind them is unknown."""
        before = self._variables
        left: list[dict[str, Any]] = []
        for way in ways:
            self._variables = dict(before)
            try:
                ended = way()
            except _Ended:
                ended = True
            if not ended:
                left.append(self._variables)
        self._variables = left[0] if left else before
        for other in left[1:]:
            for name in {*self._variables, *other}:
                if not _same(self._variables.get(name, UNKNOWN), other.get(name, UNKNOWN)):
                    self._variables[name] = UNKNOWN
        return not left

    def _perhaps(self, way: Callable[[], Any]) -> None:
        self._either([lambda: bool(way()) and False, lambda: False])

    # Expressions

    def value(self, node: nodes.Expression) -> Any:
        """The value, or ``UNKNOWN``.

        :raises _Ended: when the script ends there
        """
        self._step()
        try:
            found = self._value(node)
        except Fault:
            return UNKNOWN
        return UNKNOWN if isinstance(found, (str, list, Map)) and len(found) > _LONGEST else found

    def _value(self, node: nodes.Expression) -> Any:
        match node:
            case nodes.Constant():
                return node.value
            case nodes.Interpolation():
                parts = [each if isinstance(each, str) else self.value(each) for each in node.parts]
                return to_string("".join(map(to_string, parts))) if _known(parts) else UNKNOWN
            case nodes.Variable():
                return self._variables.get(node.name, UNKNOWN)
            case nodes.ArrayLiteral():
                return self._array(node)
            case nodes.Subscript() if node.index is not None:
                target, index = self.value(node.target), self.value(node.index)
                if target is UNKNOWN or not _known([index]):
                    return UNKNOWN
                return reading.item(target, index)
            case nodes.Slice():
                bounds = [
                    None if each is None else self.value(each)
                    for each in (node.start, node.stop, node.step)
                ]
                target = self.value(node.target)
                return slices.slice_of(target, *bounds) if _known([target, *bounds]) else UNKNOWN
            case nodes.Binary():
                return self._binary(node.operator, self.value(node.left), node.right)
            case nodes.Logical():
                return self._logical(node)
            case nodes.Unary():
                return self._unary(node)
            case nodes.Ternary():
                return self._ternary(node)
            case nodes.Coalesce():
                left = self.value(node.left)
                return left if left is UNKNOWN or left is not None else self.value(node.right)
            case nodes.Assign():
                return self._assign(node)
            case nodes.Step() | nodes.Unset():
                self._forget(node.target)
            case nodes.Call():
                return self._call(node)
        return UNKNOWN

    def _array(self, node: nodes.ArrayLiteral) -> Any:
        """An array, though some of its items may be unknown."""
        if any(element.spread for element in node.elements):
            return UNKNOWN
        items: list[tuple[Any, Any]] = []
        for position, element in enumerate(node.elements):
            name: Any = position if element.key is None else self.value(element.key)
            value = self.value(element.value)
            if name is UNKNOWN or (element.key is None) != (node.elements[0].key is None):
                return UNKNOWN
            items.append((name if element.key is None else key(name), value))
        return from_pairs(items)

    def _binary(self, operator: str, left: Any, node: nodes.Expression) -> Any:
        right = self.value(node)
        return BINARY[operator](left, right) if _known([left, right]) else UNKNOWN

    def _logical(self, node: nodes.Logical) -> Any:
        left = self.value(node.left)
        if left is not UNKNOWN and bool(left) == (node.operator == "or"):
            return bool(left)
        if left is not UNKNOWN:
            right = self.value(node.right)
            return right if right is UNKNOWN else bool(right)
        seen: list[Any] = []
        self._perhaps(lambda: seen.append(self.value(node.right)))
        decisive = node.operator == "or"
        settled = bool(seen) and seen[0] is not UNKNOWN and bool(seen[0]) == decisive
        return decisive if settled else UNKNOWN

    def _unary(self, node: nodes.Unary) -> Any:
        operand = self.value(node.operand)
        if not _known([operand]):
            return UNKNOWN
        match node.operator:
            case "!":
                return not operand
            case "~":
                return bit_not(operand)
            case "-":
                return negate(operand)
        return number(operand)

    def _ternary(self, node: nodes.Ternary) -> Any:
        test = self.value(node.test)
        if test is not UNKNOWN:
            if test:
                return test if node.then is None else self.value(node.then)
            return self.value(node.otherwise)
        if node.then is not None:
            self._perhaps(lambda then=node.then: self.value(then))  # type: ignore[misc]
        self._perhaps(lambda: self.value(node.otherwise))
        return UNKNOWN

    def _assign(self, node: nodes.Assign) -> Any:
        value = self.value(node.value)
        if isinstance(node.target, nodes.Variable):
            if node.operator is not None:
                old = self._variables.get(node.target.name, UNKNOWN)
                value = BINARY[node.operator](old, value) if _known([old, value]) else UNKNOWN
            self._variables[node.target.name] = value
        else:
            self._put(node.target, value)
        return value

    def _put(self, target: nodes.Expression, value: Any) -> None:
        if isinstance(target, nodes.Variable):
            self._variables[target.name] = value
        elif isinstance(target, nodes.Pattern):
            for position, item in enumerate(target.items):
                found: Any = UNKNOWN
                if isinstance(value, list) and item.key is None and not item.rest:
                    found = value[position] if position < len(value) else UNKNOWN
                self._put(item.target, found)
        else:
            self._forget(target)

    def _forget(self, target: nodes.Expression) -> None:
        while isinstance(target, (nodes.Subscript, nodes.Slice, nodes.Property)):
            target = target.target
        if isinstance(target, nodes.Variable):
            self._variables[target.name] = UNKNOWN

    def _call(self, node: nodes.Call) -> Any:
        arguments = tuple(self.value(each.value) for each in node.arguments)
        if not isinstance(node.callee, nodes.FunctionName):
            return UNKNOWN
        if any(each.spread for each in node.arguments):
            arguments = (UNKNOWN,) * _MOST_ARGUMENTS
        name = node.callee.name
        own = None if node.callee.builtin else self._own.get(name)
        if own is not None:
            return self._own_call(own, arguments)
        builtin = self._functions.get(name)
        if builtin is not None:
            if builtin.terminates:
                self.found.append(Reached(node, builtin.name, arguments))
                raise _Ended
            return UNKNOWN
        if name in _KNOWN and _known(arguments):
            known = FUNCTIONS[name]
            if not known.needs_execution:
                return known.code(*arguments)
        return UNKNOWN

    def _own_call(self, own: nodes.FunctionDefinition, arguments: tuple[Any, ...]) -> Any:
        if self._calls >= _DEEPEST_CALL:
            return UNKNOWN
        outside, self._calls = self._variables, self._calls + 1
        given = [*arguments, *[UNKNOWN] * len(own.parameters)]
        self._variables = {
            each.name: UNKNOWN if each.variadic else value
            for each, value in zip(own.parameters, given, strict=False)
        }
        decided = len(self.found)
        try:
            ended = self.body(own.body)
        finally:
            self._variables, self._calls = outside, self._calls - 1
        if ended and len(self.found) > decided and not _returns(own):
            raise _Ended
        return UNKNOWN

    def _step(self) -> None:
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise _TooLong


def _returns(own: nodes.FunctionDefinition) -> bool:
    return any(isinstance(each, nodes.Return) for each in nodes.within(own.body))


def _known(values: Sequence[Any]) -> bool:
    """Whether all of it is known, items of arrays too."""
    for value in values:
        if value is UNKNOWN:
            return False
        if isinstance(value, (list, Map)) and not _known([item for _, item in pairs(value)]):
            return False
    return True


def _same(one: Any, other: Any) -> bool:
    return one is other or (_known([one, other]) and type(one) is type(other) and one == other)
