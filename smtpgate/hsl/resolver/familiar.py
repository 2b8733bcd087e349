"""Names that are not known: the ones they are near to, and the ones other languages have."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_PRINTED = "`echo` prints a value"
_FORMATTED = "`template % [values]` formats"
_ENDED = "`return` ends the script"
_SAFE = "a script cannot {}"

# Functions of other languages that have something else in their place.
_ELSEWHERE = {
    **dict.fromkeys(("print", "println", "puts", "print_r", "var_dump", "printf"), _PRINTED),
    **dict.fromkeys(("sprintf", "format", "number_format"), _FORMATTED),
    **dict.fromkeys(("exit", "die", "quit"), _ENDED),
    **dict.fromkeys(("exec", "system", "shell_exec", "popen"), _SAFE.format("run programs")),
    **dict.fromkeys(
        ("fopen", "fwrite", "file_put_contents", "unlink"), _SAFE.format("write files")
    ),
    "eval": _SAFE.format("make code"),
    "empty": "`!` asks that",
    "is_null": "`== none` asks that",
    "is_none": "`== none` asks that",
    "array_push": "`$array[] = value` does that",
    "array_pop": "`$array = $array[:-1]` does that",
    "array_shift": "`$array = $array[1:]` does that",
    "array_unshift": "`$array = [value] + $array` does that",
    "array_merge": "`+` joins arrays",
    "array_slice": "`[first:last]` is a slice",
    "array_key_exists": "`isset($array[key])` asks that",
    "array_search": "`array_find` does that",
    "substr_count": "`pcre_match_all` finds all matches",
    "concat": "`.` joins texts",
}
# And those that are here under another name.
_RENAMED = {
    "intval": "number", "floatval": "number", "int": "number", "float": "number",
    "parseint": "number", "strval": "string", "str": "string", "boolval": "boolean",
    "bool": "boolean", "len": "length", "sizeof": "length", "size": "length", "join": "array_join",
    "split": "str_split", "preg_match": "pcre_match", "preg_match_all": "pcre_match_all",
    "preg_replace": "pcre_replace", "preg_quote": "pcre_quote", "match": "pcre_match",
    "str_contains": "str_find", "stripos": "str_find", "indexof": "str_find",
    "ucase": "str_upper", "lcase": "str_lower", "upper": "str_upper", "lower": "str_lower",
    "toupper": "str_upper", "tolower": "str_lower", "usort": "array_sort", "sort": "array_sort",
    "ksort": "array_sort", "date": "strftime", "gmdate": "strftime", "now": "time",
    "microtime": "time", "mt_rand": "random_number", "random": "random_number",
    "gethostbyname": "dns_query", "dns_get_record": "dns_query", "sha256": "sha2",
    "filter": "array_filter", "map": "array_map", "reduce": "array_reduce",
    "keys": "array_keys", "values": "array_values", "ip2long": "inet_pton",
    "nil": "none", "null": "none", "undefined": "none", "nan": "none", "none": "none",
    "true": "true", "false": "false", "yes": "true", "no": "false",
}  # fmt: skip


def hint(name: str, known: Iterable[str], mark: str = "") -> str:
    """What to say behind "unknown ``name``": nothing, or which one it may have been."""
    names = list(known)
    near = [each for each in names if each.lower() == name.lower()]
    if not near:
        near = [each for each in get_close_matches(name, names, 3) if _near(name, each)]
    return f", did you mean {mark}{near[0]}?" if near else ""


def _near(name: str, other: str) -> bool:
    if len(name) > 3 and (other.startswith(name) or name.startswith(other)):
        return True
    return distance(name, other) <= max(1, (len(name) + 1) // 3)


def advice(name: str, known: Iterable[str], *, called: bool) -> str:
    """The same for a function; other languages' names are known.

    :param known: the functions and classes there are
    :param called: whether parentheses follow
    """
    names = list(known)
    if name.lower() in _ELSEWHERE:
        return f": {_ELSEWHERE[name.lower()]}"
    renamed = _RENAMED.get(name.lower())
    if renamed is not None and (called or renamed not in names):
        return f", did you mean {renamed}?"
    found = hint(name, names)
    if not found and not called:
        return ": the name of a variable begins with `$`, a text stands in quotes"
    return found


def distance(one: str, other: str) -> int:
    """How many letters were left out, added, changed or swapped with their neighbours."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        two_before, before, row = before, row, [i]
        for j, against in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != against))
            if i > 1 and j > 1 and letter == other[j - 2] and one[i - 2] == against:
                cost = min(cost, two_before[j - 2] + 1)
            row.append(cost)
    return row[-1]
