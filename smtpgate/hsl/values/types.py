"""The types of the language's values, and their names.

=========  =============================================================
none       ``None``
boolean    ``bool``
number     ``float``; an ``int`` within 2**53 is accepted everywhere
string     ``str``, one character an octet (U+0000 to U+00FF)
array      ``list`` when the keys are 0..n-1, else :class:`Map`
function   :class:`Function`
object     :class:`Object`
=========  =============================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from smtpgate.hsl.errors import Fault


class Map(dict[Any, Any]):
    """An array whose keys are not 0..n-1; keys are made by :func:`arrays.key`.

    ``following`` is the key of the next appended item where :mod:`writing` knows it.
    """

    __slots__ = ("following",)

    following: int | None


class Function:
    """A callable value: a script's function, a closure or a builtin.

    ``least`` and ``most`` bound the number of arguments; ``most`` is ``None``
    for a variadic function.  Two values are the same function if their ``origin`` is
    the same: the code, unless the code is made anew for each value.
    """

    __slots__ = ("code", "least", "most", "name", "origin")

    def __init__(
        self,
        name: str,
        code: Callable[..., Any],
        least: int,
        most: int | None,
        origin: object = None,
    ) -> None:
        self.name = name
        self.code = code
        self.origin = code if origin is None else origin
        self.least = least
        self.most = most

    def check_arity(self, count: int) -> None:
        """Raise :class:`Fault` if the function can not take ``count`` arguments."""
        if count < self.least or (self.most is not None and count > self.most):
            raise Fault(arity_message(self.name, self.least, self.most, count))

    def accepting(self, count: int) -> Callable[..., Any]:
        """The Python callable, once it is known to take ``count`` arguments."""
        self.check_arity(count)
        return self.code


def arity_message(name: str, least: int, most: int | None, given: int) -> str:
    """The one sentence for a wrong number of arguments."""
    if most is None:
        wanted = f"at least {least}"
    elif least == most:
        wanted = str(least)
    else:
        wanted = f"{least} to {most}"
    noun = "argument" if wanted in ("1", "at least 1") else "arguments"
    return f"{name}() takes {wanted} {noun}, {given} given"


class Object:
    """Base of everything a script sees as an object; equality is identity."""

    __slots__ = ()

    class_name = "object"


Array: TypeAlias = list[Any] | Map
Value: TypeAlias = Any


def type_name(value: Value) -> str:
    """The type's name in the language's words, as error messages use it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (float, int)):
        return "number"
    if isinstance(value, str):
        return "string"
    if isinstance(value, (list, Map)):
        return "array"
    if isinstance(value, Function):
        return "function"
    return "object"


def a_type(value: Value) -> str:
    """The type's name with its article: ``a string``, ``an array``, ``none``."""
    return with_article(type_name(value))


def with_article(kind: str) -> str:
    """A type's name, or names with "or" between them, as a sentence has it."""
    if kind == "none":
        return kind
    return f"an {kind}" if kind[0] in "aeiou" else f"a {kind}"


def is_number(value: Value) -> bool:
    """Whether the value is a number; a boolean is none."""
    return isinstance(value, (float, int)) and not isinstance(value, bool)
