"""The compiler: a script's syntax tree to a Python function.

``resolver`` has bound and checked all names.  Here every construct becomes
Python's own syntax tree, each node with the script's line and column, so that a
traceback tells where the script was.  Nothing of Python is in reach of a script:
its names all have prefixes, and the module has no builtins but those it uses.
"""

from __future__ import annotations

import ast
import gc
import itertools
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from smtpgate.hsl import grammar, nodes
from smtpgate.hsl.compiler import tree
from smtpgate.hsl.compiler.code import Code, Unit
from smtpgate.hsl.compiler.functions import Definitions
from smtpgate.hsl.compiler.support import SUPPORT
from smtpgate.hsl.compiler.trial import trial_of
from smtpgate.hsl.constants import Folder
from smtpgate.hsl.errors import Position, ScriptErrors, ScriptSyntaxError
from smtpgate.hsl.resolver import Resolver
from smtpgate.hsl.runtime import Script
from smtpgate.hsl.runtime.environment import Context
from smtpgate.hsl.scopes import Scope
from smtpgate.hsl.sources import Sources

_numbers = itertools.count(1)

#: Python frames for walking trees; chains of terms are that deep along their left side.
_RECURSION = 60_000
_DEEPEST_TREE = 900
_TOO_DEEP = "the script is nested too deeply"


def compile_program(source: str, file: str, context: Context, sources: Sources) -> Script:
    """Parse, resolve and compile a script.

    :raises ScriptErrors: with every independent error
    """
    program = grammar.parse(source, file)
    start = Position(file, 1, 1)
    try:
        with _deep(), _quiet_collector():
            unit, module = _translate(program, context, sources)
            resolution = unit.resolution
            for check in context.checks:
                for remark in check(resolution, context.functions):
                    if remark.wrong:
                        unit.complain(remark.message, remark.position)
                    else:
                        resolution.warnings.append((remark.position, remark.message))
        if unit.errors:
            raise ScriptErrors(unit.errors)
        too_deep = tree.deepest(module, _DEEPEST_TREE)
        if too_deep is not None:
            unit.complain(_TOO_DEEP, unit.place(*too_deep))
            raise ScriptErrors(unit.errors)
        code = compile(module, tag := f"<script {next(_numbers)}: {file}>", "exec")
    except SyntaxError as error:
        # Python's own limits, as of nested blocks.
        unit.complain(_TOO_DEEP, unit.place(error.lineno or 1, (error.offset or 1) - 1))
        raise ScriptErrors(unit.errors) from None
    except (RecursionError, MemoryError):
        raise ScriptErrors([ScriptSyntaxError(_TOO_DEEP, start)]) from None
    names: dict[str, Any] = {"__builtins__": {}, **SUPPORT, **unit.constants}
    exec(code, names)
    return Script(
        file,
        context,
        main=names["main"],
        tag=tag,
        show=partial(_shown, source, file, context, sources),
        bases=unit.bases,
        names=unit.names,
        reads=unit.reads,
        warnings=tuple(
            f"{place}: {message}"
            for place, message in sorted(
                resolution.warnings, key=lambda w: (w[0].file, w[0].line, w[0].column)
            )
        ),
        direct=names.get("trial") if unit.waits else names["main"],
    )


def _translate(
    program: nodes.Program, context: Context, sources: Sources
) -> tuple[Unit, ast.Module]:
    resolver = Resolver(program, context, sources, Folder())
    resolution = resolver.resolve()
    unit = Unit(resolution, resolver.library, context, resolver.folder)
    return unit, _module(unit)


def _shown(source: str, file: str, context: Context, sources: Sources) -> str:
    """The Python code of a script that compiled: made anew, as its tree takes much room.

    :raises ScriptErrors: if the files that it includes are not what they were
    """
    with _deep():
        _, module = _translate(grammar.parse(source, file), context, sources)
    try:
        return ast.unparse(module)
    except RecursionError:
        return "# the code is nested too deeply to be shown"


def _module(unit: Unit) -> ast.Module:
    """``def main(X, V)``: the script and its modules; its functions before it or inside.

    ``X`` is the execution, ``V`` its predefined variables.  Every function gets ``X`` first.
    """
    resolution = unit.resolution
    main = resolution.main
    code = Code("main", main, None)
    unit.names["main"] = unit.names["trial"] = "main"
    unit.owners[main] = code
    modules = list(dict.fromkeys(resolution.modules.values()))
    for module in modules:
        # A module's variables live as long as the script's own.
        unit.owners[module] = code
    builder = Definitions(unit, code)
    for scope in (*modules, main):
        _hoist(unit, code, scope, builder)
    builder.scope = main
    builder.statements(main.body)
    made = builder.finish(code)
    made.args.args = [ast.arg("X"), ast.arg("V")]
    module_tree = ast.Module([*unit.top, made], [])
    if unit.waits:
        tried = trial_of(made, unit.harmless, unit.final)
        if tried is not None:
            module_tree.body.insert(-1, tried)
    tree.fill_places(module_tree)
    return module_tree


def _hoist(unit: Unit, code: Code, scope: Scope, builder: Definitions) -> None:
    builder.scope = scope
    builder.hoist(scope)


@contextmanager
def _deep() -> Iterator[None]:
    """Room for recursion along long chains; Python's frames for it take no C stack."""
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(max(limit, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(limit)


@contextmanager
def _quiet_collector() -> Iterator[None]:
    """Trees have no cycles: looking for them takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
