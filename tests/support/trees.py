"""Values of the language made at random, and compared to the last bit."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from smtpgate.hsl.values import Map
from smtpgate.hsl.values.arrays import from_pairs, key

#: Strings of octets; digits, signs and ends of lines more often.
STRINGS = st.text(
    st.characters(max_codepoint=255) | st.sampled_from('019-+.eE" $\\\r\n'), max_size=6
)
#: Values that hold no others.
SCALARS = (
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False)
    | st.sampled_from([0.0, -0.0, 1.0, 2.0, float("inf")])
    | STRINGS
)
#: Subscripts as scripts write them.
SUBSCRIPTS = st.sampled_from([0.0, 1.0, 2.0, -1.0, 1.9, "1", "01", "a", "", True]) | STRINGS


def _arrays(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    mixed = st.lists(st.tuples(SUBSCRIPTS.map(key), items), max_size=5).map(from_pairs)
    return st.lists(items, max_size=5) | mixed


#: Plain data: scalars and arrays of arrays.
VALUES = st.recursive(SCALARS, _arrays, max_leaves=12)
#: Arrays only.
ARRAYS = _arrays(VALUES)


def same(left: Any, right: Any) -> bool:
    """Whether two values are of the same types all through, with the same keys in order."""
    if type(left) is not type(right):
        return False
    if isinstance(left, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, Map):
        return same(list(left), list(right)) and all(map(same, left.values(), right.values()))
    if isinstance(left, float):
        return repr(left) == repr(right)
    return bool(left == right)
