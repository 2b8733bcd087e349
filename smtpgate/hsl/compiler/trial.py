"""A script's way to its end without a greenlet, as a Python function of its own.

What loops, waits or calls functions needs a greenlet; but most of its runs reach none of that.
So there is a second function of the same statements, in which whatever is not known to be free
of effects is replaced by ``return AGAIN``; what has an effect stays where that cannot follow.  It
is tried first.  If it comes to an end, that is the end of the script; if not, nothing has
happened, and the main function begins anew.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: What the code calls that has no effect, is quick, and calls nothing of the script's.
HELPERS = frozenset({
    "add", "subtract", "multiply", "divide", "modulo", "power", "concatenate", "bit_and", "bit_or",
    "bit_xor", "bit_not", "shift_left", "shift_right", "loose_equal", "not_equal", "strict_equal",
    "not_identical", "less", "less_or_equal", "greater", "greater_or_equal", "matches",
    "not_matches", "negate", "number", "text", "bounded", "format_number", "undefined", "item",
    "named_item", "slice_of", "peek", "has_item", "has_slice", "len",
})  # fmt: skip
#: The same of the library.
LIBRARY = frozenset({
    "boolean", "chr", "count", "domain_includes", "in_array", "in_network", "inet_includes",
    "is_array", "is_boolean", "is_function", "is_number", "is_object", "is_string", "is_subdomain",
    "length", "number", "ord", "pcre_match", "str_find", "str_lower", "str_replace", "str_rfind",
    "str_slice", "str_split", "str_strip", "str_upper", "string", "strlen", "strpos", "strrpos",
    "strtolower", "strtoupper", "substr", "trim",
})  # fmt: skip
_PLAIN = (
    ast.Constant, ast.BoolOp, ast.BinOp, ast.UnaryOp, ast.Compare, ast.IfExp, ast.JoinedStr,
    ast.FormattedValue, ast.NamedExpr, ast.Tuple, ast.List, ast.Dict, ast.Subscript,
    ast.boolop, ast.operator, ast.unaryop, ast.cmpop, ast.expr_context,
)  # fmt: skip


def trial_of(
    main: ast.FunctionDef, harmless: Iterable[str], final: Iterable[str]
) -> ast.FunctionDef | None:
    """The function to try, or ``None`` if it would seldom come to an end.

    :param harmless: functions of the module that have no effect, beside the helpers
    :param final: its functions that end the script and do not wait
    """
    trying = _Trial(HELPERS.union(harmless), frozenset(final))
    made = trying.block(main.body, _Way([], again=False, ends=True, usual=True))
    if not made.usual:
        return None
    return ast.FunctionDef("trial", main.args, made.statements or [ast.Pass()], [], None, None)


class _Way(NamedTuple):
    """What is run from some place on."""

    #: From the end to the beginning, as they are found.
    backwards: list[ast.stmt]
    #: Whether it may give AGAIN, and whether it may come to an end.
    again: bool
    ends: bool
    #: Whether it does where a script passes all its ifs: that is taken for what is usual.
    usual: bool

    @property
    def statements(self) -> list[ast.stmt]:
        return self.backwards[::-1]


class _Trial:
    def __init__(self, harmless: frozenset[str], final: frozenset[str]) -> None:
        self._harmless = harmless
        self._final = final

    def block(self, statements: Sequence[ast.stmt], after: _Way) -> _Way:
        """A block's way, given the one that follows it: made from its end."""
        way = after._replace(backwards=[])
        for statement in reversed(statements):
            way = self._before(statement, way)
            if not way.ends:
                again = ast.copy_location(ast.Return(ast.Name("AGAIN", ast.Load())), statement)
                way = _Way([again], again=True, ends=False, usual=False)
        return way

    def _before(self, statement: ast.stmt, way: _Way) -> _Way:
        """The way with a statement in front of it; one that does not end if it cannot be tried."""
        if isinstance(statement, ast.FunctionDef):
            # Whatever names it is not harmless.
            return way
        if isinstance(statement, ast.Return) and self._is_final(statement.value):
            return _Way([statement], again=False, ends=True, usual=True)
        if isinstance(statement, ast.If) and self._is_harmless(statement.test):
            then = self.block(statement.body, way)
            otherwise = self.block(statement.orelse, way)
            made = ast.If(statement.test, then.statements or [ast.Pass()], otherwise.statements)
            way.backwards.append(ast.copy_location(made, statement))
            return _Way(
                way.backwards,
                again=then.again or otherwise.again,
                ends=then.ends or otherwise.ends,
                usual=otherwise.usual or (bool(statement.orelse) and then.usual),
            )
        if self._is_quiet(statement) or (self._is_effect(statement) and not way.again):
            way.backwards.append(statement)
            return way
        return way._replace(ends=False)

    def _is_effect(self, statement: ast.stmt) -> bool:
        """Whether a statement does no more than to write a predefined variable, or to echo."""
        match statement:
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id="V"))], value=value):
                return self._is_harmless(value)
            case ast.Expr(
                value=ast.Call(
                    func=ast.Attribute(value=ast.Name(id="X"), attr="echo"), args=[value]
                )
            ):
                return self._is_harmless(value)
        return False

    def _is_quiet(self, statement: ast.stmt) -> bool:
        """Whether a statement changes variables of this function at most."""
        match statement:
            case ast.Pass():
                return True
            case ast.Expr(value=value):
                return self._is_harmless(value)
            case ast.Assign(targets=[ast.Name()], value=value):
                return self._is_harmless(value)
            case ast.AugAssign(target=ast.Name(), value=value):
                return self._is_harmless(value)
        return False

    def _is_final(self, value: ast.expr | None) -> bool:
        """Whether a result is one: its function may have effects, as nothing comes after it."""
        match value:
            case ast.Call(func=ast.Name(id=name), args=[*arguments]) if name in self._final:
                if arguments and isinstance(arguments[0], ast.Name) and arguments[0].id == "X":
                    del arguments[0]
                return all(map(self._is_harmless, arguments))
        return value is None or self._is_harmless(value)

    def _is_harmless(self, expression: ast.expr) -> bool:
        return all(map(self._is_harmless_node, ast.walk(expression)))

    def _is_harmless_node(self, node: ast.AST) -> bool:
        match node:
            case ast.Name(id=name):
                return name != "X"
            case ast.Attribute(attr=name):
                # The class of a value; and an item of an array whose class has been seen.
                return name in ("__class__", "get")
            case ast.Call(func=ast.Name(id=name)):
                return name in self._harmless
            case ast.Call(func=ast.Attribute(attr="get")):
                return True
        return isinstance(node, _PLAIN)
