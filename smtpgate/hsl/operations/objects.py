"""Objects: instances of a script's classes, and access to the members of any object."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.values import Function, Object, Value, arity_message, type_name


class Method:
    """An instance function of a script class: its code takes the execution and ``$this`` first."""

    __slots__ = ("code", "least", "most", "name", "private")

    def __init__(
        self, name: str, code: Callable[..., Any], least: int, most: int | None, private: bool
    ) -> None:
        self.name = name
        self.code = code
        self.least = least
        self.most = most
        self.private = private


class ScriptClass:
    """A class of a script."""

    __slots__ = ("defaults", "methods", "name", "private", "readonly")

    def __init__(
        self,
        name: str,
        methods: Mapping[str, Method],
        defaults: Mapping[str, Value],
        private: frozenset[str],
        readonly: frozenset[str],
    ) -> None:
        self.name = name
        self.methods = methods
        self.defaults = defaults
        #: Names of private instance variables.
        self.private = private
        #: Names of instance variables that only the object's own functions may assign to.
        self.readonly = readonly

    def is_that_of(self, inside: ScriptClass | None) -> bool:
        """Whether code of a class is this one's.

        A class whose functions reach variables of the script is made in each run, and an earlier
        run may have left an object of it; what the class says of itself is made once.
        """
        return self is inside or (inside is not None and self.defaults is inside.defaults)


class Instance(Object):
    """An object of a script class, which belongs to the execution that has made it."""

    __slots__ = ("execution", "kind", "properties")

    def __init__(self, kind: ScriptClass, execution: Any) -> None:
        self.kind = kind
        self.execution = execution
        self.properties: dict[str, Value] = dict(kind.defaults)

    @property
    def class_name(self) -> str:  # type: ignore[override]
        return self.kind.name


#: Whose code it is that writes: its class, and the object whose function it is.
Access: TypeAlias = tuple[ScriptClass | None, Value]

#: The access of code that is in no class.
OUTSIDE: Access = (None, None)

_builtin_methods: dict[type, dict[str, Builtin]] = {}


def builtin_methods(kind: type) -> dict[str, Builtin]:
    """The methods that scripts may call on objects of a library class."""
    found = _builtin_methods.get(kind)
    if found is None:
        found = {}
        for each in reversed(kind.__mro__):
            for member in vars(each).values():
                if isinstance(member, Builtin) and member.needs_object:
                    found[member.name] = member
        _builtin_methods[kind] = found
    return found


def visible(target: Instance, name: str, inside: ScriptClass | None) -> None:
    """Refuse access to a private member from outside its class.

    :raises Fault: if the member is private; ``inside`` is the class whose code asks
    """
    kind = target.kind
    if kind.is_that_of(inside):
        return
    method = kind.methods.get(name)
    if name in kind.private or (method is not None and method.private):
        raise Fault(f"{kind.name}->{name} is private")


def get_property(target: Object, name: str, inside: ScriptClass | None) -> Value:
    """``target->name``: a variable, else a bound function, else none."""
    if isinstance(target, Instance):
        properties = target.properties
        if target.kind is not inside:
            visible(target, name, inside)
        if name in properties:
            return properties[name]
        method = target.kind.methods.get(name)
        if method is None:
            return None
        return _bound(target, method)
    member = builtin_methods(type(target)).get(name)
    if member is None:
        return None
    return Function(name, partial(member.code, target), member.least, member.most)


def _bound(target: Instance, method: Method) -> Function:
    code = partial(method.code, target.execution, target)
    return Function(method.name, code, method.least, method.most)


def has_property(target: Object, name: str, inside: ScriptClass | None) -> bool:
    """``isset(target->name)``."""
    if isinstance(target, Instance):
        kind = target.kind
        method = kind.methods.get(name)
        private = name in kind.private or (method is not None and method.private)
        if private and not kind.is_that_of(inside):
            return False
        return name in target.properties or method is not None
    return name in builtin_methods(type(target))


def member_name(subscript: Value) -> str:
    """The name of a member that is given as a subscript.

    :raises Fault: if it is no string
    """
    if isinstance(subscript, str):
        return subscript
    raise Fault(f"an object's member is named by a string, {type_name(subscript)} given")


def writable(target: Value, name: Value, inside: ScriptClass | None, this: Value) -> Instance:
    """``target`` if its property ``name`` may be assigned to.

    :param inside: the class whose code assigns
    :param this: the object whose function assigns, or none
    :raises Fault: if it may not, or ``name`` is no string
    """
    if name.__class__ is not str:
        member_name(name)
    if not isinstance(target, Instance):
        if isinstance(target, Object):
            raise Fault(f"the members of a {target.class_name} object cannot be assigned to")
        raise Fault(f"only an object has the property {name}")
    if target.kind is not inside:
        visible(target, name, inside)
    if name in target.kind.methods:
        raise Fault(f"{target.kind.name}->{name} is a function and cannot be assigned to")
    if target is not this and name in target.kind.readonly:
        raise Fault(f"{target.kind.name}->{name} is read-only")
    return target


def member_code(
    target: Object, name: str, count: int, inside: ScriptClass | None, execution: Any
) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """What a call of ``target->name`` runs: the code, and what goes before the arguments.

    :raises Fault: if there is no such function, it is private, or the arity is wrong
    """
    if isinstance(target, Instance):
        kind = target.kind
        method = kind.methods.get(name)
        if method is not None:
            if method.private and not kind.is_that_of(inside):
                raise Fault(f"{kind.name}->{name} is private")
            if count < method.least or (method.most is not None and count > method.most):
                raise Fault(arity_message(f"{kind.name}->{name}", method.least, method.most, count))
            return method.code, (target.execution, target)
        value = get_property(target, name, inside)
        if isinstance(value, Function):
            return value.accepting(count), ()
        if value is not None:
            raise Fault(f"{kind.name}->{name} is no function")
        raise Fault(f"{kind.name} has no function {name}")
    member = builtin_methods(type(target)).get(name)
    if member is None:
        raise Fault(f"{target.class_name} has no function {name}")
    if count < member.least or (member.most is not None and count > member.most):
        full = f"{target.class_name}->{name}"
        raise Fault(arity_message(full, member.least, member.most, count))
    before = (target, execution) if member.needs_execution else (target,)
    return member.code, before
