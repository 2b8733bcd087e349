"""Complaints about arguments: one wording, and everything that a function takes is checked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.table import HOOKS
from smtpgate.hsl.builtin import ARRAY, INTEGER, Builtin, Kind, Option, Parameter
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import CLASSES, FUNCTIONS
from smtpgate.hsl.library.mime import MIME
from smtpgate.hsl.values import Function, Map, Object, literal, type_name


class Stranger(Object):
    """An object of no class that a function takes."""


#: One value of every type, and of the classes that functions take.
VALUES: tuple[Any, ...] = (
    None,
    True,
    1.0,
    "text",
    [1.0],
    Map({"key": 1.0}),
    Function("callback", lambda value: value, 1, 1),
    Stranger(),
    MIME(),
)
INFINITE = (float("inf"), float("-inf"), float("nan"))

_TYPES = r"(?:an? [A-Za-z0-9]+(?: or [A-Za-z0-9]+)*|none)"
_GIVEN = "(?:none|boolean|number|string|array|function|object)"


def builtins() -> Iterator[Builtin]:
    """All there are: functions, constructors, methods, static functions, those of the hooks."""
    seen: dict[int, Builtin] = {}
    for function in FUNCTIONS.values():
        seen[id(function)] = function
    for made in CLASSES.values():
        for member in (made.constructor, *made.methods.values(), *made.statics.values()):
            seen[id(member)] = member
    for hook in HOOKS.values():
        for function in hook.functions:
            seen[id(function)] = function
    yield from seen.values()


def fits(value: Any, kinds: tuple[Kind, ...]) -> bool:
    return not kinds or any(kind.accepts(value) for kind in kinds)


def fitting(parameter: Parameter) -> Any:
    """A value that a parameter takes; an options array is empty."""
    if parameter.name == "options":
        return []
    for value in VALUES:
        if fits(value, parameter.kinds):
            return value
    (kind,) = parameter.kinds
    # A class of the library that only the library makes objects of.
    made = next(each for each in classes(Object) if each.class_name == kind.name)
    return made.__new__(made)


def classes(base: type[Object]) -> Iterator[type[Object]]:
    for each in base.__subclasses__():
        yield each
        yield from classes(each)


def complaint(function: Builtin, arguments: list[Any]) -> str:
    """The Fault of a call that never gets as far as the function itself."""
    leading = [None] * (function.needs_object + function.needs_execution)
    try:
        function.check_arity(len(arguments))
        function.code(*leading, *arguments)
    except Fault as fault:
        return str(fault)
    raise AssertionError(f"{function.name} takes {arguments}")


def in_words(kinds: tuple[Kind, ...]) -> set[str]:
    return {kind.name for kind in kinds}


class ArityTests(SynchronousTestCase):
    """Too few and too many."""

    def test_every_function(self) -> None:
        """One less and one more than it takes, in a sentence that says how many it takes."""
        for function in builtins():
            counts = [] if function.least == 0 else [0, function.least - 1]
            counts += [] if function.most is None else [function.most + 1, function.most + 20]
            for count in counts:
                error = self.assertRaises(Fault, function.check_arity, count)
                least, most = function.least, function.most
                wanted = f"{least}" if least == most else f"{least} to {most}"
                wanted = f"at least {least}" if most is None else wanted
                noun = "argument" if wanted in ("1", "at least 1") else "arguments"
                self.assertEqual(
                    str(error), f"{function.name}() takes {wanted} {noun}, {count} given"
                )

    def test_bounds_are_the_parameters(self) -> None:
        """What is counted is what the manual entry lists; nothing optional is in front."""
        for function in builtins():
            required = [p for p in function.parameters if not p.optional and not p.variadic]
            self.assertEqual(function.least, len(required), function.name)
            self.assertEqual(list(function.parameters[: len(required)]), required, function.name)


class TypeTests(SynchronousTestCase):
    """The wrong type at each place."""

    def test_every_parameter(self) -> None:
        """A value of every type that a parameter does not take."""
        checked = 0
        for function in builtins():
            before: list[Any] = []
            for parameter in function.parameters:
                for value in VALUES:
                    if parameter.name == "options" or fits(value, parameter.kinds):
                        continue
                    checked += 1
                    said = complaint(function, self._filled(function, [*before, value]))
                    found = re.fullmatch(
                        rf'(\S+)\(\) parameter "(\S+)" must be ({_TYPES}), ({_GIVEN}) given', said
                    )
                    self.assertTrue(found, said)
                    assert found is not None
                    self.assertEqual(found[1], function.name)
                    self.assertEqual(found[2], parameter.name)
                    words = re.sub("^an? ", "", found[3]).split(" or ")
                    self.assertEqual(set(words), in_words(parameter.kinds), said)
                    self.assertEqual(found[4], type_name(value))
                before.append(fitting(parameter))
        self.assertGreater(checked, 800)

    def test_numbers_without_an_end(self) -> None:
        """Where decimals are dropped a number has to have an end."""
        for function in builtins():
            before: list[Any] = []
            for parameter in function.parameters:
                if INTEGER in parameter.kinds:
                    for value in INFINITE:
                        said = complaint(function, self._filled(function, [*before, value]))
                        self.assertEqual(
                            said,
                            f'{function.name}() parameter "{parameter.name}" must be a finite '
                            f"number, {value} given",
                        )
                before.append(fitting(parameter))

    @staticmethod
    def _filled(function: Builtin, arguments: list[Any]) -> list[Any]:
        """With what is needed behind them."""
        behind = function.parameters[len(arguments) : function.least]
        return arguments + [fitting(parameter) for parameter in behind]


class OptionTests(SynchronousTestCase):
    """Options arrays."""

    def complain(self, function: Builtin, options: Any) -> str:
        place = [parameter.name for parameter in function.parameters].index("options")
        return complaint(function, [*(fitting(p) for p in function.parameters[:place]), options])

    def with_options(self) -> Iterator[Builtin]:
        for function in builtins():
            self.assertEqual(
                "options" in [parameter.name for parameter in function.parameters],
                bool(function.options),
                function.name,
            )
            if function.options:
                yield function

    def test_no_options_array(self) -> None:
        """Anything else in its place."""
        for function in self.with_options():
            for value in VALUES:
                if not ARRAY.accepts(value) or isinstance(value, list):
                    self.assertEqual(
                        self.complain(function, value),
                        f'{function.name}() parameter "options" must be an array of named '
                        f"options, {type_name(value)} given",
                    )

    def test_unknown(self) -> None:
        """An option that the function does not have, and one that is nearly one."""
        for function in self.with_options():
            self.assertEqual(
                self.complain(function, Map({"?": 1.0})), f'{function.name}() has no option "?"'
            )
            for key in function.options:
                said = self.complain(function, Map({key + "x": 1.0}))
                start = f'{function.name}() has no option "{key}x", did you mean "'
                self.assertTrue(said.startswith(start), said)

    def test_types(self) -> None:
        """A value of every type that an option does not take."""
        for function in self.with_options():
            for key, option in function.options.items():
                for value in VALUES:
                    if not fits(value, option.kinds):
                        self._wrong_type(function, key, option, value)

    def _wrong_type(self, function: Builtin, key: str, option: Option, value: Any) -> None:
        said = self.complain(function, Map({key: value}))
        found = re.fullmatch(
            rf'(\S+)\(\) option "(\S+)" must be ({_TYPES}), ({_GIVEN}) given', said
        )
        self.assertTrue(found, said)
        assert found is not None
        self.assertEqual((found[1], found[2], found[4]), (function.name, key, type_name(value)))
        words = re.sub("^an? ", "", found[3]).split(" or ")
        self.assertEqual(set(words), in_words(option.kinds), said)

    def test_numbers_without_an_end(self) -> None:
        """Of options without decimals, too."""
        for function in self.with_options():
            for key, option in function.options.items():
                if INTEGER in option.kinds:
                    self.assertEqual(
                        self.complain(function, Map({key: float("inf")})),
                        f'{function.name}() option "{key}" must be a finite number, inf given',
                    )

    def test_choices(self) -> None:
        """One that is none of those there are; all of them are named."""
        for function in self.with_options():
            for key, option in function.options.items():
                if option.choices:
                    self._no_choice(function, key, option)

    def _no_choice(self, function: Builtin, key: str, option: Option) -> None:
        candidates = [v for v in VALUES if fits(v, option.kinds) and v not in option.choices]
        quoted = [literal(each) for each in option.choices]
        for value in candidates:
            wanted = f"must be one of {', '.join(quoted)}; {literal(value)} given"
            if option.why:
                wanted = f"must be {' or '.join(quoted)}: {option.why}"
            self.assertEqual(
                self.complain(function, Map({key: value})),
                f'{function.name}() option "{key}" {wanted}',
            )

    def test_defaults(self) -> None:
        """What an option is if it is left out is something that it may be."""
        for function in self.with_options():
            for key, option in function.options.items():
                if option.default is not None:
                    self.assertTrue(fits(option.default, option.kinds), f"{function.name} {key}")
                    if option.choices:
                        self.assertIn(option.default, option.choices)
