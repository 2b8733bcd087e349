"""Which functions and classes need the code around them.

A function that uses none of the variables outside it is the same in every run of its script:
Python makes it once, when the script is compiled.  Any other one is ``bound``: it is made in
each run, where the variables are that it reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from smtpgate.hsl.scopes import ClassInfo, FunctionInfo, Scope, Variable


def find(functions: Sequence[FunctionInfo]) -> None:
    """Mark what is bound, among all functions of a script and their classes."""
    #: Function or class -> the functions and classes that are bound if it is.
    users: dict[FunctionInfo | ClassInfo, list[FunctionInfo | ClassInfo]] = {}
    todo: list[FunctionInfo | ClassInfo] = []
    for function in functions:
        scope = function.scope
        for variable in scope.variables.values():
            todo += _between(scope, variable)
        for used in scope.uses:
            if isinstance(used, Variable):
                todo += _between(scope, used)
            else:
                users.setdefault(used, []).extend(_between(scope, used))
        if scope.inside is not None:
            # What may see private members knows their class.
            users.setdefault(scope.inside, []).extend(_between(scope, scope.inside))
        if function.owner is not None and not function.static:
            users.setdefault(function, []).append(function.owner)
    while todo:
        found = todo.pop()
        if not found.bound:
            found.bound = True
            todo += users.get(found, ())


def _between(scope: Scope, used: Variable | FunctionInfo | ClassInfo) -> Iterator[FunctionInfo]:
    """The functions from a scope outwards that do not have inside them what the scope uses."""
    if isinstance(used, Variable) and used.predefined:
        return
    home = used.scope.parent if isinstance(used, FunctionInfo) else used.scope
    around: Scope | None = scope
    while around is not None and around is not home and around.function is not None:
        yield around.function
        around = around.parent
