"""Colours for the documentation's code blocks: ``hsl`` for scripts, ``dialogue`` for sessions."""

from __future__ import annotations

from typing import Any, ClassVar

from pygments.lexer import RegexLexer, bygroups, words
from pygments.token import (
    Comment,
    Generic,
    Keyword,
    Name,
    Number,
    Operator,
    Punctuation,
    String,
    Text,
    Whitespace,
)
from sphinx.application import Sphinx

_KEYWORDS = (
    "as", "barrier", "break", "builtin", "cache", "case", "class", "closure", "constructor",
    "continue", "default", "echo", "else", "elseif", "for", "foreach", "forever", "from",
    "function", "global", "if", "import", "include", "include_once", "object", "private",
    "return", "static", "switch", "while", "with",
)  # fmt: skip


class HSLLexer(RegexLexer):
    """The scripts' language."""

    name = "HSL"
    aliases = ("hsl",)
    filenames = ("*.hsl",)

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"\s+", Whitespace),
            (r"//[^\n]*", Comment.Single),
            (r"/\*(?:[^*]|\*(?!/))*\*/", Comment.Multiline),
            (r"'([!-&(-~]*)'(?:.|\n)*?'\1'", String.Other),
            (r'"', String.Double, "string"),
            (r"\$[A-Za-z_]\w*", Name.Variable),
            (r"0x[0-9A-Fa-f]+|0o[0-7]+|0b[01]+", Number),
            (r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", Number),
            (words(("true", "false", "none"), suffix=r"\b"), Keyword.Constant),
            (words(("and", "or", "not", "isset", "unset"), suffix=r"\b"), Operator.Word),
            (words(_KEYWORDS, suffix=r"\b"), Keyword),
            (r"([A-Za-z_]\w*)(\s*)(\()", bygroups(Name.Function, Whitespace, Punctuation)),
            (r"[A-Za-z_]\w*", Name),
            (r"=>|->|::|\.\.|[-+*/%.=!<>&|^~?:]+", Operator),
            (r"[()\[\]{},;]", Punctuation),
        ],
        "string": [
            (r'"', String.Double, "#pop"),
            (r"\\.", String.Escape),
            (r"\$[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\}", String.Interpol),
            (r'[^"\\$]+|\$', String.Double),
        ],
    }


class DialogueLexer(RegexLexer):
    """A session: what the server says after ``S:``, what the client says after ``C:``."""

    name = "SMTP dialogue"
    aliases = ("dialogue",)

    tokens: ClassVar[dict[str, list[Any]]] = {
        "root": [
            (r"(S:)(.*\n)", bygroups(Generic.Prompt, Generic.Output)),
            (r"(C:)(.*\n)", bygroups(Generic.Prompt, Generic.Strong)),
            (r"(--|#).*\n", Comment.Single),
            (r"(\w+:)(.*\n)", bygroups(Name.Attribute, String)),
            (r".*\n", Text),
        ],
    }


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_lexer("hsl", HSLLexer)
    app.add_lexer("dialogue", DialogueLexer)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
