"""What people write who come from other languages, and what it is here.

The grammar says what it expected.  Where the words at that place are known from
another language, :func:`advice` says what to write instead.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from smtpgate.hsl.grammar.tokens import KINDS, NAME, NUMBER, STRING, VARIABLE, WORDS, Tokens

_DECLARED = "`{}` is not needed: assigning to a variable makes it"
_DEFINED = "`{}` is not known: a function begins with `function`"
_NO_EXCEPTIONS = "`{}` is not known: errors are not caught, what may fail is asked before"
_LADDER = "`{}` is not known: write `else if`"
_DECLARING = (
    "let", "var", "const", "my", "local", "dim", "auto", "int", "float", "number", "string", "bool",
    "boolean",
)  # fmt: skip
# The first word of a statement that went wrong right behind it, or behind its parentheses.
_FIRST = {
    **dict.fromkeys(_DECLARING, _DECLARED),
    **dict.fromkeys(("def", "func", "fn", "fun", "sub", "proc"), _DEFINED),
    **dict.fromkeys(("try", "catch", "finally", "throw", "raise"), _NO_EXCEPTIONS),
    **dict.fromkeys(("elif", "elsif", "elseIf"), _LADDER),
    "then": "`{}` is not needed: the statement follows the condition",
    "do": "`{}` is not known: write `forever {{ ... }}` and leave it with `break`",
    "until": "`{}` is not known: write `while` and the opposite condition",
    "unless": "`{}` is not known: write `if` and the opposite condition",
    "require": "`{}` is not known: write `include`",
    "require_once": "`{}` is not known: write `include_once`",
    "use": "`{}` is not known: write `import`",
    "print": "`{}` is not known: write `echo`",
    "puts": "`{}` is not known: write `echo`",
    "goto": "`{}` is not known: write a loop, or a function",
    "yield": "`{}` is not known: add to an array, and return it",
    "new": "`{}` is not needed: calling a class makes an object",
}
# Words between two operands.
_BETWEEN = {
    "eq": "==", "equals": "==", "is": "==", "ne": "!=", "isnt": "!=", "lt": "<", "gt": ">",
    "le": "<=", "ge": ">=", "matches": "=~", "like": "=~", "mod": "%", "div": "/", "And": "and",
    "AND": "and", "Or": "or", "OR": "or", "NOT": "!",
}  # fmt: skip
_SENTENCES = {
    "in": "`in` is no operator: write `in_array(value, array)`",
    "contains": "`contains` is no operator: `in_array` and `str_find` ask for it",
    "xor": "`xor` is no operator: write `!=` between two conditions",
    "instanceof": "`instanceof` is no operator: ask with `is_object`, `is_array` and their like",
    "then": "`then` is not needed: the statement follows the condition",
    "extends": "`extends` is not known: a class is made from no other one",
    "implements": "`implements` is not known: a class is made from no other one",
}
# Two symbols that stand together and were meant as one.
_TOGETHER = {
    "=<": "<=", "<>": "!=", "====": "===", "!===": "!==", "<=>": "<` or `>", "~=": "=~", ":=": "=",
    "..": ".", "=!=": "!=", "===!": "!==", ">=<": "!=", "?->": "->", "!!==": "!==",
    "??=": "$a = $a ?? value",
}  # fmt: skip
_CASTS = {
    "int": "number", "integer": "number", "float": "number", "double": "number",
    "number": "number", "string": "string", "bool": "boolean", "boolean": "boolean",
}  # fmt: skip
_CONDITION = "`)` to close the condition of"
_OPERANDS = frozenset((VARIABLE, NAME, STRING, "]", ")"))
_MATCHES = frozenset((KINDS["=~"], KINDS["!~"]))
_ARROW = KINDS["=>"]
# What a statement that is part of another one stands behind.
_BEFORE_BODIES = frozenset((")", ":", WORDS["else"], WORDS["forever"]))
# What an array is not written like, where one may stand.
_BEFORE_ARRAYS = frozenset("=([,") | {_ARROW, WORDS["return"], WORDS["echo"]}
# A sentence of its own, or the one that was there with more behind it; and the token to show,
# where it is not the one that was not expected.
_Advice: TypeAlias = str | tuple[str, int] | None


def advice(tokens: Tokens, start: int, index: int, message: str) -> tuple[str, int]:
    """What to say of an error at token ``index``, and the token to show.

    :param start: the first token of the statement that it is in
    :param message: what the grammar has to say
    """
    for ask in (_in_class, _first_word, _together, _word, _by_symbol, _assigned, _parameter):
        found = ask(tokens, start, index, message)
        if found is not None:
            return found if isinstance(found, tuple) else (found, index)
    return message, index


def _first_word(tokens: Tokens, start: int, index: int, message: str) -> _Advice:
    if tokens[index - 1] == NAME and tokens[index - 2] in _BEFORE_BODIES:
        start = index - 1
    word = tokens.texts[start]
    if tokens[start] != NAME or word not in _FIRST or not message.startswith("expected"):
        return None
    if index == start + 1 or tokens[start + 1] in {"(", NAME}:
        return _FIRST[word].format(word), start
    return None


def _together(tokens: Tokens, _start: int, index: int, _message: str) -> _Advice:
    for first in (index - 1, index):
        text = "".join(tokens.texts[max(first, 0) : first + 2])
        if text in _TOGETHER and tokens.end_of(first) == tokens.starts[first + 1]:
            return f"`{text}` is no operator: write `{_TOGETHER[text]}`", first
    return None


def _word(tokens: Tokens, start: int, index: int, message: str) -> _Advice:
    word, before = tokens.texts[index], tokens.texts[index - 1]
    if tokens[index] != NAME:
        return None
    if word in {"in", "of"} and tokens[start] in {WORDS["for"], WORDS["foreach"]}:
        return "a loop over an array is written `foreach (array as $value)`"
    if word in _BETWEEN:
        return f"`{word}` is no operator: write `{_BETWEEN[word]}`"
    if word in _SENTENCES:
        return _SENTENCES[word]
    if word == "use" and before == ")":
        return "`use` is not known: write `closure` in front of the captured variables"
    if before == "new":
        return f"`new` is not needed: calling `{word}(...)` makes an object", index - 1
    if tokens[index - 1] == STRING and _in_string(tokens, index):
        return f'{message}; a `"` inside of a string is written `\\"`'
    if "parameters of the function" in message:
        return "a function in an expression has no name"
    return None


def _in_string(tokens: Tokens, index: int) -> bool:
    """Whether a quote seems to have ended a string too early, right before ``index``."""
    adjacent = tokens.end_of(index - 1) == tokens.starts[index]
    return adjacent and "\n" not in tokens.texts[index - 1]


def _by_symbol(tokens: Tokens, start: int, index: int, message: str) -> _Advice:
    text = tokens.texts[index]
    found = _SYMBOLS.get(text)
    if found is not None:
        return found(tokens, start, index, message)
    if tokens[index - 1] == ")" and tokens[index - 3] == "(" and index > 2:
        cast = _CASTS.get(tokens.texts[index - 2])
        if cast and tokens[index] in {VARIABLE, NAME, STRING, NUMBER}:
            return f"there are no casts: write `{cast}({text})`", index - 3
    return None


def _colon(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if "to close the array" in message:
        return f"{message}; an item with a key is written `key => value`"
    if tokens[index - 1] == ")":
        if message.startswith("expected `{`"):
            return f"{message}; a function does not say what it returns"
        if message.startswith("unexpected"):
            return f"{message}: a block is written `{{ ... }}`"
    return None


def _arrow(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if _CONDITION in message:
        return "`=>` is no operator: write `>=`"
    if tokens[index - 1] == ")":
        return f"{message}; a function without a name is written `function ($x) {{ ... }}`"
    return None


def _brace(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if message.startswith("expected an expression") and tokens[index - 1] in _BEFORE_ARRAYS:
        return f'{message}; an array is written `["key" => value]`'
    if tokens[index - 1] == VARIABLE and tokens.end_of(index - 1) == tokens.starts[index]:
        return f"{message}; an item is written `{tokens.texts[index - 1]}[key]`"
    return None


def _slash(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if tokens[index - 1] in _MATCHES or tokens[index - 1] in "(,":
        return f"{message}; a regular expression is a string: ''/.../''"
    return None


def _comma(tokens: Tokens, start: int, index: int, message: str) -> _Advice:
    adjacent = tokens.starts[index + 1] - tokens.end_of(index - 1) == 1
    if adjacent and tokens[index - 1] == NUMBER and tokens[index + 1] == NUMBER:
        return f"{message}; decimals stand behind a point"
    if tokens[start] == WORDS["echo"]:
        return f"{message}; `echo` prints one value, `.` joins several"
    return None


def _ampersand(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if tokens[index + 1] == VARIABLE and "expected a" in message:
        return f"{message}; there are no references: values are copied"
    return None


def _shift(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if tokens[index + 1] == "<":
        return f"{message}; a text of several lines is a string like any other"
    return None


def _question(tokens: Tokens, start: int, _index: int, _message: str) -> _Advice:
    return "a script has no tags around it" if tokens[start] == "?" else None


def _less(tokens: Tokens, start: int, index: int, _message: str) -> _Advice:
    return "a script has no tags around it" if index == start else None


def _parenthesis(_tokens: Tokens, _start: int, _index: int, message: str) -> _Advice:
    if message.startswith("expected the path of a file"):
        return f"{message}, without parentheses"
    return None


def _scope(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if tokens[index - 1] == VARIABLE:
        return f"{message}; `->` reaches the members of an object, `::` those of a class"
    if tokens[index - 1] == NAME:
        return "expected a static member after `::`", index + 1
    return None


_SYMBOLS: Mapping[str, Callable[[Tokens, int, int, str], _Advice]] = {
    ":": _colon, "=>": _arrow, "{": _brace, "/": _slash, ",": _comma, "&": _ampersand,
    "<<": _shift, "::": _scope, "?": _question, "<": _less, "(": _parenthesis,
}  # fmt: skip


def _assigned(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if not message.endswith("cannot be assigned to"):
        return None
    operator = _together(tokens, _start, tokens.find("=", index) + 1, message)
    if operator is not None:
        return operator
    kinds, texts = tokens[index : index + 4], tokens.texts[index : index + 3]
    if kinds == VARIABLE + "." + NAME + "=":
        return f"{message}: a property is written `{texts[0]}->{texts[2]}`"
    if kinds[:2] == NAME + "=":
        return f"{message}: the name of a variable begins with `$`"
    if texts[0] == "list" and kinds[1:2] == "(":
        return f"{message}: a pattern is written `[$a, $b]`"
    if tokens[index - 1] == "[" and tokens[index - 2] in _OPERANDS:
        return "expected `]` to close the subscript", index + 1
    if tokens[index - 1] in "[,(" and kinds[:2] in {STRING + "=", NUMBER + "="}:
        return f"{message}; an item with a key is written `key => value`"
    return None


def _in_class(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if not message.startswith("expected a variable, a function or the constructor"):
        return None
    word = tokens.texts[index]
    if word in {"public", "var"}:
        return f"`{word}` is not needed: members are public unless they are `private`"
    if word == "protected":
        return "`protected` is not known: write `private`"
    if word == "const":
        return "`const` is not known: write `readonly` or `static`"
    if tokens[index] == NAME and tokens[index + 1] == "(":
        return f"{message}; a function begins with `function`"
    if tokens[index] == NAME and tokens[index + 1] in {"=", ";"}:
        return f"{message}; the name of a variable begins with `$`"
    return None


def _parameter(tokens: Tokens, _start: int, index: int, message: str) -> _Advice:
    if tokens[index] != NAME or not message.startswith("expected a parameter"):
        return None
    if tokens[index + 1] == VARIABLE:
        return f"{message}; parameters have no types"
    return f"{message}; the name of a variable begins with `$`"
