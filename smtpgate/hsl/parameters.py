"""What arguments may be: kinds of values, parameters and options, and the words for all others.

A kind is a type of the language as a function's annotation names it (``String``, ``Integer``).
Every complaint is worded here, so that all functions and hooks say it the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Annotated, Any, TypeAlias

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.values import (
    Function,
    Map,
    Object,
    is_number,
    literal,
    type_name,
    with_article,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One type a parameter may have: its name in messages and its test."""

    name: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], Any] | None = None


class _Endless(Exception):
    """A number that is infinite, or none at all, where decimals are dropped."""


def _whole(value: float) -> int:
    try:
        return int(value)
    except (ValueError, OverflowError):
        raise _Endless from None


STRING = Kind("string", lambda value: isinstance(value, str))
NUMBER = Kind("number", is_number)
INTEGER = Kind("number", is_number, _whole)
BOOLEAN = Kind("boolean", lambda value: isinstance(value, bool))
ARRAY = Kind("array", lambda value: isinstance(value, (list, Map)))
CALLBACK = Kind("function", lambda value: isinstance(value, Function))
OBJECT = Kind("object", lambda value: isinstance(value, Object))
NONE = Kind("none", lambda value: value is None)

String: TypeAlias = Annotated[str, STRING]
Number: TypeAlias = Annotated[float, NUMBER]
#: A number whose decimals are dropped before the function sees it, as an ``int``.
Integer: TypeAlias = Annotated[int, INTEGER]
Boolean: TypeAlias = Annotated[bool, BOOLEAN]
Array: TypeAlias = Annotated[list[Any] | Map, ARRAY]
Callback: TypeAlias = Annotated[Function, CALLBACK]
#: none, where an argument that may be left out may be none as well.
Nothing: TypeAlias = Annotated[None, NONE]
#: Anything, unchecked.
Value: TypeAlias = Any
#: What an ``options`` parameter is annotated with.
Options: TypeAlias = dict[str, Any]
#: The default of an ``options`` parameter that may be left out; never written to.
NO_OPTIONS: Options = {}


@dataclass(frozen=True, slots=True)
class Option:
    """One key of an options array: its kinds, default and meaning.

    ``choices`` are the only values that it can have, texts in upper or lower case, and ``why`` is
    the reason for that.
    """

    kinds: tuple[Kind, ...]
    default: Any
    text: str = ""
    choices: tuple[Any, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter as scripts see it; empty ``kinds`` accept anything."""

    name: str
    kinds: tuple[Kind, ...]
    optional: bool = False
    variadic: bool = False
    default: Any = None


_UNFIT = object()


def _convert(value: Any, kinds: tuple[Kind, ...]) -> Any:
    for kind in kinds:
        if kind.accepts(value):
            return kind.convert(value) if kind.convert else value
    return _UNFIT


def checker(parameter: Parameter) -> Callable[[str, Any], Any]:
    """A test of one argument: takes the function's name and the value, gives what is passed on."""
    kinds = parameter.kinds

    def check(name: str, value: Any) -> Any:
        try:
            converted = _convert(value, kinds)
        except _Endless:
            raise Fault(_endless(f'{name}() parameter "{parameter.name}"', value)) from None
        if converted is _UNFIT:
            wrong(name, parameter, value)
        return converted

    return check


#: Messages name several types in this order; typing does not keep the order of a union.
_ORDER = ("string", "number", "boolean", "array", "function")


def ordered(names: Iterable[str]) -> list[str]:
    """The names of types, each once, in the order that messages have."""

    def rank(name: str) -> tuple[int, str]:
        if name == "none":
            return len(_ORDER) + 1, ""
        return (_ORDER.index(name), "") if name in _ORDER else (len(_ORDER), name)

    return sorted(set(names), key=rank)


def _names(kinds: tuple[Kind, ...]) -> str:
    return with_article(" or ".join(ordered(kind.name for kind in kinds)))


def wrong(name: str, parameter: Parameter, value: Any) -> None:
    """Complain of an argument of another type.

    :raises Fault: always
    """
    raise Fault(
        f'{name}() parameter "{parameter.name}" must be {_names(parameter.kinds)}, '
        f"{type_name(value)} given"
    )


def _endless(what: str, value: float) -> str:
    return f"{what} must be a finite number, {value} given"


def read_options(
    name: str, table: Mapping[str, Option], given: Any, absent: bool = False
) -> dict[str, Any]:
    """An options array as a dict with every option of ``table`` in it.

    :raises Fault: for what is no array, an unknown option, a value of the wrong
        type or one that is not among the choices
    """
    found = {key: option.default for key, option in table.items()}
    if absent:
        return found
    if isinstance(given, list) and not given:
        return found
    if not isinstance(given, Map):
        wanted = "an array of named options"
        raise Fault(f'{name}() parameter "options" must be {wanted}, {type_name(given)} given')
    for key, value in given.items():
        option = table.get(key)
        if option is None:
            near = get_close_matches(str(key), list(table), 1)
            hint = f', did you mean "{near[0]}"?' if near else ""
            raise Fault(f'{name}() has no option "{key}"{hint}')
        if option.kinds:
            try:
                converted = _convert(value, option.kinds)
            except _Endless:
                raise Fault(_endless(f'{name}() option "{key}"', value)) from None
            if converted is _UNFIT:
                raise Fault(
                    f'{name}() option "{key}" must be {_names(option.kinds)}, '
                    f"{type_name(value)} given"
                )
            value = converted
        if option.choices and value not in option.choices:
            chosen = _in_any_case(option.choices, value)
            if chosen is None:
                raise Fault(f'{name}() option "{key}" {_choose(option, value)}')
            value = chosen
        found[key] = value
    return found


def _in_any_case(choices: tuple[Any, ...], value: Any) -> str | None:
    """The choice that is a value but for the case of its letters."""
    if isinstance(value, str):
        for choice in choices:
            if isinstance(choice, str) and choice.lower() == value.lower():
                return choice
    return None


def _choose(option: Option, value: Any) -> str:
    choices = [literal(choice) for choice in option.choices]
    if option.why:
        return f"must be {' or '.join(choices)}: {option.why}"
    return f"must be one of {', '.join(choices)}; {literal(value)} given"
