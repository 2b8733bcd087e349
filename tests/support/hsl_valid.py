"""Programs that compile: what a generated script does is worth comparing."""

# ruff: noqa: E501 - a template a line

from __future__ import annotations

from hypothesis import strategies as st

VARIABLES = ("a", "b", "c", "d")
_LITERALS = (
    "0", "1", "2.5", "-3", "1e9", '""', '"x"', '"12"', '"long text"', "true", "false", "none",
    "[]", "[1, 2, 3]", '["k" => 1, "l" => [2]]', "[[1], [2]]",
)  # fmt: skip
_BINARY = (
    "+", "-", "*", "/", "%", "**", ".", "&", "|", "^", "<<", ">>", "==", "!=", "===", "!==", "<",
    ">", "<=", ">=", "and", "or", "??",
)  # fmt: skip

variables = st.sampled_from(VARIABLES).map(lambda name: f"${name}")
atoms = st.one_of(st.sampled_from(_LITERALS), variables, variables)


def _more(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(inner, st.sampled_from(_BINARY), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda e: f"(- {e})"),
        inner.map(lambda e: f"(!{e})"),
        pair.map(lambda t: f"[{t[0]}, {t[1]}]"),
        pair.map(lambda t: f"({t[0]})[{t[1]}]"),
        pair.map(lambda t: f"({t[0]})[{t[1]}:]"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} ? {t[1]} : {t[2]})"),
        st.tuples(variables, inner).map(lambda t: f"({t[0]} = {t[1]})"),
        variables.map(lambda v: f"{v}++"),
        variables.map(lambda v: f" --{v}"),
        st.tuples(variables, inner).map(lambda t: f"isset({t[0]}[{t[1]}])"),
        variables.map(lambda v: f'"<{v}>"'),
        pair.map(lambda t: f"f({t[0]}, {t[1]})"),
        inner.map(lambda e: f"$g({e})"),
        inner.map(lambda e: f"O({e})->m({e})"),
        inner.map(lambda e: f"array_map(function ($x) {{ return $x . {e.replace('$', '$x . $')}; }}, [1])"
                  if "$" not in e else f"string({e})"),
    )  # fmt: skip


expressions = st.recursive(atoms, _more, max_leaves=6)
paths = st.one_of(
    variables,
    variables.map(lambda v: f"{v}[]"),
    st.tuples(variables, atoms).map(lambda t: f"{t[0]}[{t[1]}]"),
    st.tuples(variables, atoms).map(lambda t: f'{t[0]}["n"][{t[1]}]'),
    variables.map(lambda v: f"{v}->p"),
)
_AUGMENTED = ("+=", "-=", ".=", "*=")


def _blocks(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    body = st.lists(inner, min_size=1, max_size=3).map(" ".join)
    return st.one_of(
        st.tuples(expressions, body, body).map(lambda t: f"if ({t[0]}) {{ {t[1]} }} else {{ {t[2]} }}"),
        st.tuples(variables, body).map(lambda t: f"for ({t[0]} = 0; {t[0]} < 3; {t[0]}++) {{ {t[1]} }}"),
        st.tuples(expressions, variables, body).map(lambda t: f"foreach ({t[0]} as $k => {t[1]}) {{ {t[2]} }}"),
        st.tuples(expressions, body).map(lambda t: f"while ({t[0]}) {{ {t[1]} break; }}"),
        st.tuples(expressions, atoms, body, body).map(
            lambda t: f"switch ({t[0]}) {{ case {t[1]}: {t[2]} case 1: break; default: {t[3]} }}"),
        st.tuples(variables, body).map(lambda t: f'barrier "b" => {t[0]} {{ {t[1]} }}'),
    )  # fmt: skip


_simple = st.one_of(
    expressions.map(lambda e: f"echo {e};"),
    st.tuples(paths, expressions).map(lambda t: f"{t[0]} = {t[1]};"),
    st.tuples(variables, st.sampled_from(_AUGMENTED), expressions).map(
        lambda t: f"{t[0]} {t[1]} {t[2]};"
    ),
    st.tuples(paths, expressions).map(
        lambda t: f"{t[0]} .= {t[1]};" if "[]" not in t[0] else f"{t[0]} = {t[1]};"
    ),
    st.tuples(variables, variables, expressions).map(lambda t: f"[{t[0]}, {t[1]} = 1] = {t[2]};"),
    st.tuples(variables, expressions).map(lambda t: f"unset({t[0]}[{t[1]}]);"),
    st.tuples(variables, atoms, expressions).map(lambda t: f"{t[0]}[{t[1]}:1] = {t[2]};"),
    variables.map(lambda v: f"unset({v});"),
    variables.map(lambda v: f"{v} = {v};"),
)
statements = st.recursive(_simple, _blocks, max_leaves=6)
_HEAD = """
function f($x, $y = 1) { $x[] = $y; $y .= "f"; return $x; }
class O { $p = []; constructor($v) { $this->v = $v; } function m($x) { $this->p[] = $x; return $this->p; } }
$n = 0; $g = function ($x) closure ($n) { $n += 1; return $x; };
$a = 1; $b = "text"; $c = [1, [2, 3]];
"""


@st.composite
def valid_programs(draw: st.DrawFn) -> str:
    """The source of a script that compiles; it may fail when it runs."""
    body = "\n".join(draw(st.lists(statements, min_size=2, max_size=10)))
    ending = "\n".join(f'echo ${name} ?? "unset";' for name in VARIABLES)
    return f"{_HEAD}{body}\n{ending}"
