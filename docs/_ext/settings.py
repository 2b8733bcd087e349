"""``.. settings:: Server``: the reference of one table of the configuration, from its model.

The option ``:key:`` says how the table is written in TOML.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import annotated_types
from docutils import nodes
from docutils.parsers.rst import directives
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from smtpgate import config
from smtpgate.config.descriptions import descriptions
from smtpgate.config.fields import Expected

_SIMPLE = {bool: "true or false", int: "an integer", float: "a number", str: "a string"}


def kind(hint: Any, metadata: tuple[Any, ...] = ()) -> str:
    """A field's type in the words that error messages use."""
    if get_origin(hint) is Annotated:
        hint, *inner = get_args(hint)
        metadata = (*metadata, *inner)
    for item in metadata:
        if isinstance(item, Expected):
            return item.words
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(f"``{json.dumps(value)}``" for value in arguments)
    if origin in (Union, UnionType):
        present = [each for each in arguments if each is not type(None)]
        if all(_is_table(each) for each in present):
            return "a table, " + _see(*present)
        return " or ".join(kind(each) for each in present)
    if origin is list:
        if _is_table(arguments[0]):
            return "a list of tables, " + _see(arguments[0])
        return f"a list, each {kind(arguments[0])}"
    if origin is dict:
        return f"tables by name, {kind(arguments[1]).removeprefix('a table, ')}"
    if _is_table(hint):
        return "a table, " + _see(hint)
    if hint is SecretStr:
        return "a string"
    return _SIMPLE[hint] + bounds(metadata)


def _is_table(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, BaseModel)


def _see(*models: type[BaseModel]) -> str:
    return "see " + ", ".join(f":ref:`settings-{model.__name__}`" for model in models)


def bounds(metadata: tuple[Any, ...]) -> str:
    """The limits of a number, or ""."""
    low = high = None
    for item in metadata:
        for part in getattr(item, "metadata", [item]):
            low = part.ge if isinstance(part, annotated_types.Ge) else low
            high = part.le if isinstance(part, annotated_types.Le) else high
    if low is None:
        return ""
    # Bounds that only keep nonsense out are nobody's concern.
    return f", at least {low:g}" if high is None or high > 10_000 else f" from {low:g} to {high:g}"


def default(field: FieldInfo) -> str:
    """A field's default as TOML has it; "" where there is nothing to say."""
    value = field.default
    if value is None or isinstance(value, BaseModel) or value in ([], {}):
        return ""
    if isinstance(value, Path):
        value = str(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"``{json.dumps(value)}``"


def prose(text: str) -> str:
    """A docstring's single backquotes as literals."""
    return re.sub(r"(?<!`)`([^`]+)`(?!`)", r"``\1``", " ".join(text.split()))


def reference(model: type[BaseModel], key: str) -> list[str]:
    """The reference of a model, as reStructuredText."""
    lines = [f".. _settings-{model.__name__}:", "", f"``{key}``", "~" * (len(key) + 4), ""]
    lines += [prose(model.__doc__ or ""), ""]
    described = descriptions(model)
    # What says which table it is comes first, also where models inherit.
    fields = sorted(model.model_fields.items(), key=lambda item: item[0] != "type")
    for name, field in fields:
        lines.append(f"``{name}``")
        facts = [kind(field.annotation, tuple(field.metadata))]
        if field.is_required():
            facts.append("**required**")
        elif default(field):
            facts.append(f"default {default(field)}")
        lines += [f"   *{facts[0]}*" if "`" not in facts[0] else f"   {facts[0]}"]
        lines[-1] += "".join(f"; {fact}" for fact in facts[1:])
        lines += ["", f"   {prose(described[name])}", ""]
    return lines


class Settings(SphinxDirective):
    """The directive."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"key": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        model = getattr(config, self.arguments[0])
        self.env.note_dependency(str(Path(config.__file__).with_name("models.py")))
        text = "\n".join(reference(model, self.options["key"]))
        return self.parse_text_to_nodes(text, allow_section_headings=True)


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("settings", Settings)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
