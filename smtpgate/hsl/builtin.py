"""How a Python function becomes a function of the language.

:func:`builtin` reads a function's annotations, wraps it in a check of its
arguments and words every complaint the same way::

    @builtin("str_repeat", aliases=())
    def str_repeat(string: String, multiplier: Integer) -> String: ...

    str_repeat() parameter "multiplier" must be a number, string given

A parameter with a default is optional, ``*args`` is variadic.  A leading
parameter named ``execution`` receives the running execution and a leading
``self`` the object; scripts see neither.  A parameter named ``options`` is an
options array, checked against the decorator's table and handed over as a dict
with every option present.  What parameters may be is in ``parameters``; a module of
the library gets it from here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from smtpgate.hsl.parameters import (
    ARRAY,
    BOOLEAN,
    CALLBACK,
    INTEGER,
    NO_OPTIONS,
    NONE,
    NUMBER,
    OBJECT,
    STRING,
    Array,
    Boolean,
    Callback,
    Integer,
    Kind,
    Nothing,
    Number,
    Option,
    Options,
    Parameter,
    String,
    Value,
    checker,
    ordered,
    read_options,
    wrong,
)
from smtpgate.hsl.values import Function, Object


class Builtin(Function):
    """A library function: a :class:`Function` that knows its manual entry.

    ``code`` takes the script's arguments; in front of them the object where
    ``needs_object`` is set, then the execution where ``needs_execution`` is.
    ``waits``: it may suspend the script.  ``terminates``: the script ends with
    its result.
    """

    __slots__ = (
        "aliases", "needs_execution", "needs_object", "options", "parameters", "result",
        "terminates", "text", "waits",
    )  # fmt: skip

    parameters: tuple[Parameter, ...]
    options: Mapping[str, Option]
    aliases: tuple[str, ...]
    text: str
    result: str
    needs_execution: bool
    needs_object: bool
    waits: bool
    terminates: bool

    @property
    def signature(self) -> str:
        """As manuals write it: ``str_split(string, delimiter, [limit])``."""
        parts = []
        for parameter in self.parameters:
            if parameter.variadic:
                parts.append(f"[...{parameter.name}]")
            elif parameter.optional:
                parts.append(f"[{parameter.name}]")
            else:
                parts.append(parameter.name)
        return f"{self.name}({', '.join(parts)})"


def builtin(
    name: str,
    *,
    aliases: tuple[str, ...] = (),
    options: Mapping[str, Option] | None = None,
    waits: bool = False,
    terminates: bool = False,
) -> Callable[[Callable[..., Any]], Builtin]:
    """Make a :class:`Builtin` named ``name``; its docstring is its manual entry.

    :raises TypeError: if an annotation names no kind (a mistake in the library)
    """

    def decorate(python: Callable[..., Any]) -> Builtin:
        parameters, leading = _parameters(python)
        required = sum(not p.optional and not p.variadic for p in parameters)
        variadic = any(p.variadic for p in parameters)
        table = options or {}
        code = _checked(name, python, parameters, leading, table)
        made = Builtin(name, code, required, None if variadic else len(parameters))
        made.parameters = parameters
        made.options = table
        made.aliases = aliases
        made.text = inspect.getdoc(python) or ""
        made.result = _result(python)
        made.needs_execution = "execution" in leading
        made.needs_object = "self" in leading
        made.waits = waits
        made.terminates = terminates
        return made

    return decorate


def _parameters(python: Callable[..., Any]) -> tuple[tuple[Parameter, ...], list[str]]:
    """The parameters that scripts see, and the names of the leading ones they do not."""
    hints = get_type_hints(python, include_extras=True)
    found: list[Parameter] = []
    leading: list[str] = []
    for parameter in inspect.signature(python).parameters.values():
        if not found and parameter.name in ("self", "execution"):
            leading.append(parameter.name)
            continue
        variadic = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        optional = parameter.default is not inspect.Parameter.empty
        kinds = (ARRAY,) if parameter.name == "options" else _kinds(hints[parameter.name], optional)
        found.append(
            Parameter(
                parameter.name, kinds, optional, variadic, parameter.default if optional else None
            )
        )
    return tuple(found), leading


def _kinds(hint: Any, optional: bool) -> tuple[Kind, ...]:
    if hint is Any:
        return ()
    if get_origin(hint) is Annotated:
        return tuple(extra for extra in get_args(hint)[1:] if isinstance(extra, Kind))
    if get_origin(hint) in (Union, UnionType):
        kinds: tuple[Kind, ...] = ()
        for part in get_args(hint):
            # ``X | None`` on an optional parameter says "left out", not "none is welcome".
            if part is NoneType:
                if not optional:
                    kinds += (NONE,)
            else:
                kinds += _kinds(part, optional)
        return kinds
    if isinstance(hint, type) and issubclass(hint, Object):
        return (Kind(hint.class_name, lambda value: isinstance(value, hint)),)
    raise TypeError(f"no kind of value: {hint!r}")


def _result(python: Callable[..., Any]) -> str:
    hint = get_type_hints(python, include_extras=True).get("return", Any)
    if hint is NoneType or hint is None:
        return "none"
    if get_origin(hint) in (Union, UnionType):
        parts = get_args(hint)
    else:
        parts = (hint,)
    names: list[str] = []
    for part in parts:
        if part is NoneType:
            names.append("none")
        elif part is Any:
            names.append("any")
        elif get_origin(part) is Annotated:
            names.extend(extra.name for extra in get_args(part)[1:] if isinstance(extra, Kind))
        elif isinstance(part, type) and issubclass(part, Object):
            names.append(part.class_name)
        else:
            names.append("any")
    return " or ".join(ordered(names))


def _checked(
    name: str,
    python: Callable[..., Any],
    parameters: tuple[Parameter, ...],
    leading: list[str],
    options: Mapping[str, Option],
) -> Callable[..., Any]:
    """Wrap ``python`` in the checks its parameters need.

    The wrapper is generated, so that a call costs the tests of its own
    parameters and nothing else.
    """
    scope: dict[str, Any] = {
        "absent": object(),
        "name": name,
        "python": python,
        "options_table": options,
        "read_options": read_options,
        "wrong": wrong,
    }
    head = list(leading)
    passed = list(leading)
    checks: list[str] = []
    for number, parameter in enumerate(parameters):
        variable = f"argument{number}"
        if parameter.variadic:
            head.append(f"*{variable}")
            passed.append(f"*{variable}")
            if parameter.kinds:
                scope[f"check{number}"] = checker(parameter)
                checks.append(f"{variable} = [check{number}(name, v) for v in {variable}]")
            continue
        # Nothing that a script has is ``absent``: none is no way to leave an argument out.
        head.append(f"{variable}=absent" if parameter.optional else variable)
        passed.append(variable)
        if parameter.name == "options":
            checks.append(
                f"{variable} = read_options({name!r}, options_table, {variable},"
                f" {variable} is absent)"
            )
            continue
        if parameter.optional:
            scope[f"default{number}"] = parameter.default
            checks.append(f"if {variable} is absent: {variable} = default{number}")
        if parameter.kinds:
            scope[f"parameter{number}"] = parameter
            otherwise = "else: " if parameter.optional else ""
            checks.append(f"{otherwise}{_test(number, parameter, scope)}")
    body = [
        f"def checked({', '.join(head)}):",
        *(f"    {line}" for line in checks),
        f"    return python({', '.join(passed)})",
    ]
    exec(compile("\n".join(body), f"<builtin {name}>", "exec"), scope)
    checked: Callable[..., Any] = scope["checked"]
    return checked


def _test(number: int, parameter: Parameter, scope: dict[str, Any]) -> str:
    variable = f"argument{number}"
    if parameter.kinds == (STRING,):
        return f"{variable}.__class__ is str or wrong(name, parameter{number}, {variable})"
    scope[f"check{number}"] = checker(parameter)
    return f"{variable} = check{number}(name, {variable})"


class BuiltinClass(Function):
    """A class of the library: calling it makes an object.

    Made from a Python class whose members are Builtins: ``constructor`` (which
    returns the object), methods (with ``self``) and static functions (without).
    """

    __slots__ = ("constructor", "methods", "python", "statics", "text")

    def __init__(self, python: type[Object]) -> None:
        members = {
            member.name: member
            for attribute, member in vars(python).items()
            if isinstance(member, Builtin) and attribute != "constructor"
        }
        constructor: Builtin = vars(python)["constructor"]
        name = python.class_name
        super().__init__(name, constructor.code, constructor.least, constructor.most)
        self.python = python
        self.constructor = constructor
        self.methods = {key: made for key, made in members.items() if made.needs_object}
        self.statics = {key: made for key, made in members.items() if not made.needs_object}
        self.text = inspect.getdoc(python) or ""


__all__ = [
    "ARRAY", "BOOLEAN", "CALLBACK", "INTEGER", "NONE", "NO_OPTIONS", "NUMBER", "OBJECT", "STRING",
    "Array", "Boolean", "Builtin", "BuiltinClass", "Callback", "Integer", "Kind", "Number",
    "Nothing", "Option", "Options", "Parameter", "String", "Value", "builtin",
    "read_options",
]  # fmt: skip
