"""pydantic's errors in our words: what is wrong, what is expected."""

from __future__ import annotations

import types
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from .errors import KeyPath, one_of, suggest
from .fields import Expected, describe
from .models import Config, Transport

_KINDS: dict[object, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a string",
    SecretStr: "a string",
    list: "a list",
    dict: "a table",
}
_TRANSPORTS = {
    get_args(kind.model_fields["type"].annotation)[0]: kind
    for kind in get_args(get_args(Transport)[0])
}


class _Kind(NamedTuple):
    """What a place in the configuration may hold: a type, and what is said beside it."""

    type: Any
    metadata: tuple[object, ...] = ()


def in_our_words(error: ErrorDetails) -> tuple[KeyPath, str]:
    """The key that an error is about, and the sentence about it."""
    location = error["loc"]
    path = location
    if location[:1] == ("transports",):
        # The third part is the transport's type: pydantic's choice, nobody's key.
        path = location[:2] + location[3:]
    value = error["input"]
    match error["type"]:
        case "smtpgate":
            return path, error["msg"]
        case "extra_forbidden":
            return path, _unknown(str(path[-1]), list(_model_at(location[:-1]).model_fields))
        case "missing":
            return path, f"is missing, expected {_expected(_kind_at(location))}"
        case "union_tag_not_found":
            if isinstance(value, dict):
                return (*path, "type"), f"is missing, expected {_choice(_TRANSPORTS)}"
            return path, f"is {describe(value)}, expected a table"
        case "union_tag_invalid":
            return (*path, "type"), _not_among(value.get("type"), list(_TRANSPORTS))
        case "literal_error":
            return path, _not_among(value, list(get_args(_kind_at(location).type)))
        case "too_short" | "string_too_short":
            return path, f"is empty, expected at least one {_element(location)}"
    return path, f"is {describe(value)}, expected {_expected(_kind_at(location))}"


def _unknown(key: str, known: list[str]) -> str:
    close = suggest(key, known)
    if close is not None:
        return f"unknown key, did you mean {close!r}?"
    return f"unknown key, expected {one_of(known)}"


def _not_among(value: object, known: list[str]) -> str:
    close = suggest(value, known) if isinstance(value, str) else None
    question = f" (did you mean {close!r}?)" if close is not None else ""
    return f"is {describe(value)}{question}, expected {_choice(known)}"


def _choice(words: Any) -> str:
    return one_of([f"'{word}'" for word in words])


def _element(location: KeyPath) -> str:
    kind = _kind_at(location)
    if get_origin(kind.type) is not list:
        return "character"
    expected = _expected(_unwrap(get_args(kind.type)[0]))
    return "entry" if expected == "a table" else expected.removeprefix("a ").removeprefix("an ")


def _expected(kind: _Kind) -> str:
    """What a value should be; a number with its range."""
    bounds: dict[type, object] = {}
    for item in kind.metadata:
        if isinstance(item, Expected):
            return item.words
        if isinstance(item, Ge):
            bounds[Ge] = item.ge
        elif isinstance(item, Le):
            bounds[Le] = item.le
    if get_origin(kind.type) is Literal:
        return _choice(get_args(kind.type))
    words = _KINDS.get(get_origin(kind.type) or kind.type, "a table")
    return f"{words} from {bounds[Ge]} to {bounds[Le]}" if len(bounds) == 2 else words


def _unwrap(annotation: Any, metadata: tuple[object, ...] = ()) -> _Kind:
    """Without ``| None`` and ``Annotated``, whose metadata is kept."""
    if get_origin(annotation) in (Union, types.UnionType):
        members = [member for member in get_args(annotation) if member is not type(None)]
        if len(members) == 1:
            return _unwrap(members[0], metadata)
    if get_origin(annotation) is Annotated:
        annotation, *more = get_args(annotation)
        for item in more:
            metadata += tuple(item.metadata) if isinstance(item, FieldInfo) else (item,)
        return _unwrap(annotation, metadata)
    return _Kind(annotation, metadata)


def _kind_at(location: KeyPath) -> _Kind:
    """What belongs at a place, following pydantic's location through the models."""
    kind = _Kind(Config)
    for part in location:
        if isinstance(part, str) and part in _TRANSPORTS and get_origin(kind.type) is not dict:
            kind = _Kind(_TRANSPORTS[part])
        elif get_origin(kind.type) in (list, dict):
            kind = _unwrap(get_args(kind.type)[-1])
        else:
            field = kind.type.model_fields[part]
            kind = _unwrap(field.annotation, tuple(field.metadata))
    return kind


def _model_at(location: KeyPath) -> type[BaseModel]:
    model: type[BaseModel] = _kind_at(location).type
    return model
