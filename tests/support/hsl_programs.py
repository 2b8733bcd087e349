"""Random programs as syntax trees: what the parser can make, and nothing else.

``programs()`` is for round trips and fuzzing; ``plain()`` takes the positions away
so that two trees can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import Position
from smtpgate.hsl.grammar.tokens import KEYWORDS

HERE = Position("random.hsl", 1, 1)

_BINARY = (
    "+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>",
    "==", "!=", "===", "!==", "<", ">", "<=", ">=", "=~", "!~",
)  # fmt: skip
_ASSIGNING = (None, "+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>")

variable_names = st.sampled_from(("a", "b", "x1", "_", "_long_name", "this", "if", "none"))
function_names = st.sampled_from(("f", "g", "strlen", "Pass", "_x", "readonly", "null"))
# After `->` and `::` a keyword is a name as any other.
member_names = st.one_of(function_names, st.sampled_from(sorted(KEYWORDS)))
# One character an octet, as the sources are read.
octets = st.text(st.characters(max_codepoint=0xFF), max_size=8)
numbers = st.floats(min_value=0.0, allow_nan=False).map(abs)

variables = st.builds(nodes.Variable, st.just(HERE), variable_names)
constants = st.builds(
    nodes.Constant,
    st.just(HERE),
    st.one_of(st.none(), st.booleans(), numbers, octets, st.sampled_from((0.0, 1.0, 42.0, 0.5))),
)


def plain(node: Any) -> Any:
    """The tree as tuples, without positions and without the source text."""
    if isinstance(node, nodes.Node):
        return (
            type(node).__name__,
            *(
                plain(getattr(node, field.name))
                for field in fields(node)
                if field.name not in {"position", "source"}
            ),
        )
    if isinstance(node, tuple):
        return tuple(plain(part) for part in node)
    # True and 1.0 are equal in Python, and different in a script.
    return (type(node).__name__, node)


def _listed(
    strategy: SearchStrategy[Any], minimum: int = 0, maximum: int = 3
) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, min_size=minimum, max_size=maximum).map(tuple)


def _build(node: type[nodes.Node], *parts: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.builds(node, st.just(HERE), *parts)


def _merged(parts: Sequence[Any]) -> tuple[Any, ...]:
    """Neighbouring texts as one, no empty ones: as the parser gives them."""
    merged: list[Any] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return tuple(merged)


_interpolations = st.builds(
    lambda before, variable, after: nodes.Interpolation(HERE, _merged([*before, variable, *after])),
    st.lists(st.one_of(octets, variables), max_size=2),
    variables,
    st.lists(st.one_of(octets, variables), max_size=2),
)


def _targets(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Variables and places in them."""
    roots = st.one_of(
        variables,
        _build(nodes.StaticMember, st.sampled_from((None, "C")), variable_names, st.just(True)),
    )
    return st.one_of(
        roots,
        _build(nodes.Property, roots, member_names),
        _build(nodes.Subscript, roots, inner),
        _build(nodes.Subscript, _build(nodes.Subscript, roots, inner), inner),
    )


def _patterns(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    maybe = st.one_of(st.none(), inner)
    targets = st.one_of(variables, _build(nodes.Subscript, variables, st.none()), _targets(inner))
    nested = _build(nodes.Pattern, _listed(_build(nodes.PatternItem, targets), 1, 2))

    def items(keyed: bool) -> SearchStrategy[Any]:
        key = inner if keyed else st.none()
        return _listed(_build(nodes.PatternItem, st.one_of(targets, nested), key, maybe), 1)

    rest = _listed(_build(nodes.PatternItem, targets, st.none(), st.none(), st.just(True)), 0, 1)
    both = st.builds(lambda head, tail: (*head, *tail), st.booleans().flatmap(items), rest)
    return _build(nodes.Pattern, both)


def _elements(inner: SearchStrategy[Any], *, keys: bool) -> SearchStrategy[Any]:
    spread = _build(nodes.Element, inner, st.none(), st.just(True))
    forms = [_build(nodes.Element, inner), spread]
    if keys:
        forms.append(_build(nodes.Element, inner, inner))
    return _listed(st.one_of(forms))


def _parameters(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.builds(
        lambda required, optional, variadic: (*required, *optional, *variadic),
        _listed(_build(nodes.Parameter, variable_names), 0, 2),
        _listed(_build(nodes.Parameter, variable_names, inner), 0, 1),
        _listed(_build(nodes.Parameter, variable_names, st.none(), st.just(True)), 0, 1),
    )


def _expressions_of(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    maybe = st.one_of(st.none(), inner)
    targets = _targets(inner)
    names = _build(nodes.FunctionName, function_names, st.booleans())
    members = _build(nodes.StaticMember, st.sampled_from((None, "C")), member_names, st.just(False))
    named = _build(nodes.Call, st.one_of(names, members), _elements(inner, keys=False))
    # `cache static::f()` is not in the language.
    cacheable = _build(
        nodes.Call,
        st.one_of(names, _build(nodes.StaticMember, st.just("C"), member_names, st.just(False))),
        _elements(inner, keys=False),
    )
    options = _listed(_build(nodes.CacheOption, octets, inner), 0, 2)
    body = _listed(_build(nodes.Return, maybe), 0, 2)
    captures = _listed(variables, 0, 2)
    return st.one_of(
        _interpolations,
        _build(nodes.ArrayLiteral, _elements(inner, keys=True)),
        named,
        _build(nodes.Call, inner, _elements(inner, keys=False)),
        _build(nodes.Cached, options, cacheable),
        _build(nodes.Subscript, inner, inner),
        _build(nodes.Slice, inner, maybe, maybe, maybe),
        _build(nodes.Property, inner, member_names),
        _build(nodes.Unary, st.sampled_from("-+!~"), inner),
        _build(nodes.Step, st.sampled_from(("++", "--")), targets, st.booleans()),
        _build(nodes.Binary, st.sampled_from(_BINARY), inner, inner),
        _build(nodes.Logical, st.sampled_from(("and", "or")), inner, inner),
        _build(nodes.Ternary, inner, maybe, inner),
        _build(nodes.Coalesce, inner, inner),
        _build(nodes.Assign, targets, st.sampled_from(_ASSIGNING), inner),
        _build(nodes.Assign, _patterns(inner), st.none(), inner),
        _build(nodes.Assign, _build(nodes.Subscript, variables, st.none()), st.none(), inner),
        _build(
            nodes.Assign, _build(nodes.Slice, variables, maybe, maybe, st.none()), st.none(), inner
        ),
        _build(nodes.Isset, targets),
        _build(nodes.Unset, targets),
        _build(nodes.AnonymousFunction, _parameters(inner), captures, body),
    )


_leaves = st.one_of(variables, constants, _build(nodes.FunctionName, function_names, st.booleans()))
expressions: SearchStrategy[Any] = st.recursive(_leaves, _expressions_of, max_leaves=8)
_small: SearchStrategy[Any] = st.recursive(_leaves, _expressions_of, max_leaves=3)


def _statements_of(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
    body = _listed(inner)
    some = _listed(inner, 1)
    maybe = st.one_of(st.none(), _small)
    values = st.one_of(variables, _patterns(_leaves))
    tests = _listed(st.one_of(st.none(), _small), 0, 2).map(
        # One `default` at most.
        lambda tests: tuple(
            test
            for place, test in enumerate(tests)
            if test is not None or None not in tests[:place]
        )
    )
    cases = tests.flatmap(
        lambda tests: st.tuples(*(_build(nodes.Case, st.just(test), body) for test in tests))
    )
    head = _listed(_small, 0, 2)
    return st.one_of(
        _build(nodes.Block, body),
        _build(nodes.If, _listed(st.tuples(_small, body), 1, 2), st.one_of(st.just(()), some)),
        _build(nodes.For, head, maybe, head, body),
        _build(nodes.Foreach, _small, st.one_of(st.none(), variables), values, body),
        _build(nodes.While, maybe, body),
        _build(nodes.Switch, _small, cases),
        _build(nodes.FunctionDefinition, function_names, _parameters(_leaves), body),
        _build(nodes.Barrier, _small, st.one_of(st.none(), variables), body),
        _classes(body),
    )


def _classes(body: SearchStrategy[Any]) -> SearchStrategy[Any]:
    value = st.one_of(st.none(), _small)
    flag = st.booleans()
    instance = st.sampled_from((*sorted(KEYWORDS), "f", "g"))
    return _build(
        nodes.ClassDefinition,
        function_names,
        _listed(_build(nodes.ClassVariable, variable_names, value, flag, flag, flag), 0, 2),
        _listed(
            st.one_of(
                _build(
                    nodes.ClassFunction,
                    instance.filter(lambda name: name != "constructor"),
                    _parameters(_leaves),
                    body,
                    flag,
                    flag,
                ),
                _build(nodes.ClassFunction, st.just("constructor"), _parameters(_leaves), body),
            ),
            0,
            2,
        ),
    )


def _renamed(name: str, alias: str, variable: bool) -> nodes.ImportedName:
    return nodes.ImportedName(HERE, name, alias, variable)


_paths = _build(nodes.Path, octets)
_imports = st.one_of(
    _build(
        nodes.ImportSymbols,
        _listed(
            st.one_of(
                st.builds(_renamed, function_names, function_names, st.just(False)),
                st.builds(_renamed, variable_names, variable_names, st.just(True)),
            ),
            1,
        ),
        _paths,
    ),
    _build(nodes.ImportModule, function_names, _paths),
    _build(
        nodes.ImportData,
        variables,
        _paths,
        st.one_of(st.none(), _build(nodes.ArrayLiteral, _elements(_leaves, keys=True))),
    ),
    _build(nodes.Include, _paths, st.booleans()),
)
_simple = st.one_of(
    _build(nodes.ExpressionStatement, expressions),
    _build(nodes.Echo, expressions),
    _build(nodes.Break),
    _build(nodes.Continue),
    _build(nodes.Return, st.one_of(st.none(), expressions)),
    _build(nodes.Global, _listed(variables, 1)),
    _imports,
)
statements: SearchStrategy[Any] = st.recursive(_simple, _statements_of, max_leaves=6)


def programs() -> SearchStrategy[nodes.Program]:
    """Programs that the parser can make; they need not compile or run."""
    return st.builds(nodes.Program, st.just(HERE), _listed(statements, 0, 4), st.just(""))
