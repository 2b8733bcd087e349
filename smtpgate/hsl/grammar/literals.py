"""The values of literals.  Manual: Data types and literals."""

from __future__ import annotations

import math
import re

from smtpgate.hsl import nodes
from smtpgate.hsl.errors import Position
from smtpgate.hsl.grammar.tokens import Tokens

_SPECIAL = re.compile(
    r"\\x([0-9a-fA-F]{2})|\\([\\\"$nrt])|\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))"
)
_ESCAPES = {"n": "\n", "r": "\r", "t": "\t"}
_BASES = {"x": 16, "o": 8, "b": 2}


def number(text: str) -> float:
    """The value of a number token; beyond the largest double it is infinite."""
    text = text.replace("_", "")
    base = _BASES.get(text[1:2].lower())
    if base is None:
        return float(text)
    try:
        return float(int(text[2:], base))
    except OverflowError:
        return math.inf


def string(tokens: Tokens, index: int) -> nodes.Constant | nodes.Interpolation:
    """The node of a string token of either kind."""
    text = tokens.texts[index]
    position = tokens.position(index)
    if text[0] == "'":
        # '#'...'#': as many octets of mark and quotes at either end.
        edge = text.index("'", 1) + 1
        return nodes.Constant(position, text[edge:-edge])
    body = text[1:-1]
    if "\\" not in body and "$" not in body:
        return nodes.Constant(position, body)
    return _interpolated(tokens, position, body, tokens.starts[index] + 1)


def _interpolated(
    tokens: Tokens, position: Position, body: str, offset: int
) -> nodes.Constant | nodes.Interpolation:
    parts: list[str | nodes.Variable] = []
    plain: list[str] = []
    end = 0
    for match in _SPECIAL.finditer(body):
        plain.append(body[end : match.start()])
        end = match.end()
        octet, escaped, braced, bare = match.groups()
        if octet is not None:
            plain.append(chr(int(octet, 16)))
        elif escaped is not None:
            plain.append(_ESCAPES.get(escaped, escaped))
        else:
            text = "".join(plain)
            if text:
                parts.append(text)
            plain.clear()
            place = tokens.position_of(offset + match.start())
            parts.append(nodes.Variable(place, braced or bare))
    plain.append(body[end:])
    text = "".join(plain)
    if not parts:
        return nodes.Constant(position, text)
    if text:
        parts.append(text)
    return nodes.Interpolation(position, tuple(parts))
