"""Options that are wrong already when the script compiles: of the library, and of its place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin, read_options
from smtpgate.hsl.constants import UNKNOWN, Folder
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import FUNCTIONS
from smtpgate.hsl.runtime.environment import Remark
from smtpgate.hsl.scopes import Resolution
from smtpgate.hsl.values import Map


def wrong_options(resolution: Resolution, functions: Mapping[str, Builtin]) -> Iterable[Remark]:
    """Errors: options that a function does not have, or with values that they can not have.

    Only what is written as an array in the call is looked at.
    """
    every = list(nodes.within(tuple(resolution.programs), functions=True))
    own = set(_own(every))
    folder = Folder()
    for call in every:
        if not isinstance(call, nodes.Call) or not isinstance(call.callee, nodes.FunctionName):
            continue
        name = call.callee.name
        function = functions.get(name) or FUNCTIONS.get(name)
        if function is None or (name in own and not call.callee.builtin):
            continue
        for option in _options(function, call):
            key, value = folder.value(option.key), folder.value(option.value)
            if isinstance(key, str) and (value is not UNKNOWN or key not in function.options):
                try:
                    read_options(name, function.options, Map({key: value}))
                except Fault as fault:
                    assert option.key is not None
                    yield Remark(option.key.position, str(fault), True)


def _own(every: Iterable[nodes.Node]) -> Iterator[str]:
    """The names that mean something of the script's, somewhere in it."""
    for node in every:
        match node:
            case nodes.FunctionDefinition(name=name) | nodes.ClassDefinition(name=name):
                yield name
            case nodes.ImportSymbols(names=names):
                yield from (each.alias for each in names)


def _options(function: Builtin, call: nodes.Call) -> Iterable[nodes.Element]:
    """The options that a call is written with."""
    if any(argument.spread for argument in call.arguments):
        return ()
    for parameter, argument in zip(function.parameters, call.arguments, strict=False):
        if parameter.name == "options" and isinstance(argument.value, nodes.ArrayLiteral):
            return [each for each in argument.value.elements if each.key is not None]
    return ()
