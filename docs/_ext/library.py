"""``.. library:: Array``: a chapter of the function reference, from the functions themselves.

``.. library-index::`` is the list of all of them with their aliases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from smtpgate.hsl.builtin import Builtin, BuiltinClass, Option
from smtpgate.hsl.library import CHAPTERS
from smtpgate.hsl.values import literal

# `:param string name: text`, `:param name:`, `:type name:`, `:return:` and `:rtype:`.
_FIELD = re.compile(r":(param|type|return|rtype)(?: ([^:]*))?:(?: |$)")


def page(title: str) -> str:
    """The file of a chapter, below ``functions``."""
    return re.sub(r"[^a-z]+", "-", title.lower())


def fields(text: str) -> tuple[list[str], list[tuple[str, str, str]]]:
    """A manual entry as its prose and its fields: (field, argument, text)."""
    prose: list[str] = []
    found: list[tuple[str, str, str]] = []
    inside = False
    for line in text.splitlines():
        match = _FIELD.match(line)
        if match:
            found.append((match[1], match[2] or "", line[match.end() :].strip()))
            inside = True
        elif inside and line.startswith(" "):
            name, argument, words = found[-1]
            found[-1] = (name, argument, f"{words} {line.strip()}")
        else:
            inside = False
            prose.append(line)
    return prose, found


def described(
    found: Iterable[tuple[str, str, str]], left_out: Mapping[str, str] | None = None
) -> list[str]:
    """The fields in a form whose types are words, not references."""
    kinds: dict[str, str] = {}
    texts: dict[str, str] = {}
    result, meaning = "", ""
    for name, argument, text in found:
        if name == "param":
            *kind, parameter = argument.split()
            texts[parameter] = text
            if kind:
                kinds[parameter] = " ".join(kind)
        elif name == "type":
            kinds[argument] = text
        elif name == "return":
            meaning = text
        else:
            result = text
    if texts.get("options") == "options array":
        texts["options"] = "see below"
    for name, value in (left_out or {}).items():
        if "default" not in texts[name]:
            texts[name] += f"; ``{value}`` if left out"
    lines = [f":param {name}: {_typed(kinds.get(name, ''), text)}" for name, text in texts.items()]
    if meaning or result:
        lines.append(f":returns: {_typed(result, meaning)}")
    return lines


def _typed(kind: str, text: str) -> str:
    return "; ".join(part for part in (f"*{kind}*" if kind else "", text) if part)


def shown(default: Any) -> str:
    """A default as scripts write it."""
    return str(default).lower() if isinstance(default, bool) else literal(default)


def defaults(function: Builtin) -> dict[str, str]:
    """What arguments are that are left out, where that is a value and not told in words."""
    return {
        each.name: shown(each.default)
        for each in function.parameters
        if isinstance(each.default, (bool, int, float, str))
    }


def option(name: str, given: Option) -> list[str]:
    """An option of an options array."""
    kinds = " or ".join(dict.fromkeys(kind.name for kind in given.kinds))
    facts = kinds or "any"
    if given.default is not None:
        facts += f", default ``{shown(given.default)}``"
    text = given.text if given.text.endswith((".", "")) else f"{given.text}."
    if given.choices:
        text += " One of " + ", ".join(f"``{literal(choice)}``" for choice in given.choices) + "."
    return [f"``{name}`` ({facts})", f"   {text}"]


def entry(function: Builtin, directive: str, name: str, names: Iterable[str]) -> list[str]:
    """The manual entry of a function under all its names."""
    arguments = function.signature[len(function.name) :]
    first, *others = [f"{each}{arguments}" for each in (name, *names)]
    margin = " " * len(f".. {directive}:: ")
    lines = [f".. {directive}:: {first}", *(margin + other for other in others), ""]
    prose, found = fields(function.text)
    lines += _indented(_before_examples(prose))
    lines += _indented(described(found, defaults(function)))
    lines.append("")
    if function.options:
        lines += ["   Options:", ""]
        for key, given in function.options.items():
            lines += _indented(option(key, given))
        lines.append("")
    lines += _indented(_examples(prose))
    return [*lines, ""]


def _before_examples(prose: list[str]) -> list[str]:
    return [*prose[: _first_example(prose)], ""]


def _examples(prose: list[str]) -> list[str]:
    return prose[_first_example(prose) :]


def _first_example(prose: list[str]) -> int:
    starts = (number for number, line in enumerate(prose) if line.startswith(".. code-block::"))
    return next(starts, len(prose))


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"   {line}" if line else "" for line in lines]


def class_entry(made: BuiltinClass) -> list[str]:
    """The manual entry of a class: its constructor, then its functions."""
    first, *constructor = entry(made.constructor, "js:class", made.name, ())
    lines = [first, "", *_indented([*made.text.splitlines(), ""]), *constructor]
    for name, method in made.methods.items():
        lines += _indented(entry(method, "js:method", name, ()))
    for name, static in made.statics.items():
        lines += entry(static, "js:function", f"{made.name}::{name}", ())
    return lines


class Library(SphinxDirective):
    """The directive of a chapter."""

    required_arguments = 1
    final_argument_whitespace = True

    def run(self) -> list[nodes.Node]:
        (chapter,) = (each for each in CHAPTERS if each.title == self.arguments[0])
        for name in (*(each.__name__ for each in chapter.modules()), "smtpgate.hsl.library"):
            self.env.note_dependency(f"../{name.replace('.', '/')}.py")
        lines: list[str] = []
        for function in sorted(chapter.all_functions(), key=lambda each: each.name):
            lines += entry(function, "js:function", function.name, function.aliases)
        for made in chapter.all_classes():
            lines += class_entry(made)
        return self.parse_text_to_nodes("\n".join(lines))


def index() -> list[str]:
    """The list of everything, a row a chapter."""
    lines = [".. list-table::", "   :widths: 25 75", ""]
    for chapter in CHAPTERS:
        names = []
        for function in sorted(chapter.all_functions(), key=lambda each: each.name):
            aliases = ", ".join(f":js:func:`{alias}`" for alias in function.aliases)
            names.append(f":js:func:`{function.name}`" + (f" ({aliases})" if aliases else ""))
        for made in chapter.all_classes():
            names.append(f":js:class:`{made.name}`")
            names += [f":js:func:`{made.name}::{static}`" for static in made.statics]
        lines += [
            f"   * - :doc:`{chapter.title} <{page(chapter.title)}>`",
            f"     - {', '.join(names)}",
        ]
    return lines


class LibraryIndex(SphinxDirective):
    """The directive of the list."""

    def run(self) -> list[nodes.Node]:
        return self.parse_text_to_nodes("\n".join(index()))


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_directive("library", Library)
    app.add_directive("library-index", LibraryIndex)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
