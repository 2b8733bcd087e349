"""What names mean in a script: scopes, variables, functions and classes.

The resolver fills these in; the compiler reads them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TypeAlias

from smtpgate.hsl import nodes
from smtpgate.hsl.builtin import Builtin, BuiltinClass
from smtpgate.hsl.errors import Position


class Kind(Enum):
    """What the compiler knows of an expression's type; OTHER is anything."""

    NUMBER = "number"
    STRING = "string"
    BOOLEAN = "boolean"
    OTHER = "other"

    @classmethod
    def named(cls, type_name: str | None) -> Kind:
        """The kind of a type by the manual's name for it."""
        return cls(type_name) if type_name in ("number", "string", "boolean") else cls.OTHER


@dataclass(eq=False, slots=True)
class Variable:
    """One variable of one scope.

    ``probed``: it may be asked for before it has a value, so a mark stands for
    "no value".  ``shared``: another scope reaches it.  ``sources``: what is
    assigned to it; ``None`` among them is a value of any type.
    """

    name: str
    python: str
    scope: Scope
    predefined: bool = False
    readonly: bool = False
    probed: bool = False
    unset: bool = False
    shared: bool = False
    assigned: bool = False
    parameter: bool = False
    written_through: bool = False
    sources: list[nodes.Expression | Kind | None] = field(default_factory=list)
    kind: Kind | None = None
    first: Position | None = None


@dataclass(eq=False, slots=True)
class FunctionInfo:
    """A named function, a member function or an anonymous one."""

    name: str
    python: str
    parameters: tuple[nodes.Parameter, ...]
    body: tuple[nodes.Statement, ...]
    position: Position
    scope: Scope
    owner: ClassInfo | None = None
    static: bool = False
    private: bool = False
    calls: list[tuple[FunctionInfo, Position]] = field(default_factory=list)
    #: It is reached through a value or an object, and calls what the compiler cannot see.
    valued: bool = False
    calls_out: bool = False
    #: It needs a variable of the code around it, or what needs one: see ``closures``.
    bound: bool = False

    @property
    def least(self) -> int:
        return sum(p.default is None and not p.variadic for p in self.parameters)

    @property
    def most(self) -> int | None:
        if any(p.variadic for p in self.parameters):
            return None
        return len(self.parameters)


@dataclass(eq=False, slots=True)
class ClassInfo:
    """A class of a script: its node, and what its functions and static members became."""

    name: str
    python: str
    node: nodes.ClassDefinition
    scope: Scope
    constructor: FunctionInfo | None = None
    methods: dict[str, FunctionInfo] = field(default_factory=dict)
    static_functions: dict[str, FunctionInfo] = field(default_factory=dict)
    statics: dict[str, Variable] = field(default_factory=dict)
    static_nodes: dict[str, nodes.ClassVariable] = field(default_factory=dict)
    #: One of its functions is.
    bound: bool = False

    @property
    def members(self) -> list[FunctionInfo]:
        """All its functions."""
        made = [] if self.constructor is None else [self.constructor]
        return [*self.static_functions.values(), *self.methods.values(), *made]

    @property
    def least(self) -> int:
        return 0 if self.constructor is None else self.constructor.least

    @property
    def most(self) -> int | None:
        return 0 if self.constructor is None else self.constructor.most


@dataclass(eq=False, slots=True)
class Scope:
    """The main script, a module, or a function; blocks open no scope."""

    kind: str  # "main", "module" or "function"
    parent: Scope | None
    prefix: str
    file: str
    variables: dict[str, Variable] = field(default_factory=dict)
    functions: dict[str, FunctionInfo] = field(default_factory=dict)
    classes: dict[str, ClassInfo] = field(default_factory=dict)
    namespaces: dict[str, Scope] = field(default_factory=dict)
    #: What to define when the scope's code begins.
    defined_functions: list[FunctionInfo] = field(default_factory=list)
    defined_classes: list[ClassInfo] = field(default_factory=list)
    inside: ClassInfo | None = None
    function: FunctionInfo | None = None
    body: tuple[nodes.Statement, ...] = ()
    #: Functions, classes, and variables of classes and modules that its code names.
    uses: list[FunctionInfo | ClassInfo | Variable] = field(default_factory=list)

    @property
    def root(self) -> Scope:
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def find_function(self, name: str) -> FunctionInfo | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.functions:
                return scope.functions[name]
            scope = scope.parent
        return None

    def find_class(self, name: str) -> ClassInfo | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.classes:
                return scope.classes[name]
            scope = scope.parent
        return None

    def find_namespace(self, name: str) -> Scope | None:
        return self.root.namespaces.get(name)


Callee: TypeAlias = FunctionInfo | ClassInfo | Builtin | BuiltinClass


@dataclass(slots=True)
class Resolution:
    """What the resolver found out, for the compiler."""

    main: Scope
    scopes: dict[int, Scope] = field(default_factory=dict)
    #: Include node -> the statements that take its place.
    includes: dict[int, tuple[nodes.Statement, ...]] = field(default_factory=dict)
    #: Import node -> the module's scope, or the value of a data import.
    modules: dict[int, Scope] = field(default_factory=dict)
    data: dict[int, object] = field(default_factory=dict)
    #: Anonymous function node -> what it is.
    anonymous: dict[int, FunctionInfo] = field(default_factory=dict)
    variables: list[Variable] = field(default_factory=list)
    warnings: list[tuple[Position, str]] = field(default_factory=list)
    #: (file, lines) in the order of their first use.
    files: dict[str, list[str]] = field(default_factory=dict)
    #: Trees that must live as long as their nodes' ids are used.
    programs: list[nodes.Program] = field(default_factory=list)
    made: list[nodes.Node] = field(default_factory=list)
