"""Address lists of header fields (RFC 5322 3.4), read in one pass and without decoding.

Addresses are given as they stand, without white space and comments; encoded
words stay what they are.  Lists separated by semicolons are read as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from smtpgate.hsl.limits.turns import MANY, pause

#: Octets of one list: thousands of addresses.
MAX_LENGTH = 128 * 1024

_TOKEN = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*")'
    r"|(?P<literal>\[(?:[^\[\]\\]|\\.)*\])"
    r"|(?P<atom>[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+)"
    r"|(?P<space>[ \t\r\n]+)"
    r"|(?P<special>[<>,;:@.])"
    r"|(?P<comment>\()",
    re.DOTALL,
)
_IN_COMMENT = re.compile(r"[^()\\]+|\\.|[()]", re.DOTALL)
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_WORD = rf'(?:{_ATOM}|"(?:[^"\\]|\\.)*")'
_ADDRESS = re.compile(
    rf"{_WORD}(?:\.{_WORD})*@(?:{_ATOM}(?:\.{_ATOM})*|\[(?:[^\[\]\\]|\\.)*\])", re.DOTALL
)
_ROUTE = re.compile(rf"(?:@{_ATOM}(?:\.{_ATOM})*,?)+:")

_Token = tuple[str, str]


class Malformed(Exception):
    """The text is no address list."""


def extract(text: str) -> list[str] | None:
    """The addresses of an address list in order, ``None`` where the text is not one.

    So is a text of more than :data:`MAX_LENGTH`.
    """
    if len(text) > MAX_LENGTH:
        return None
    addresses: list[str] = []
    mailbox: list[_Token] = []
    in_group = in_angle = False
    try:
        for kind, token in tokens(text):
            if kind == "comment":
                kind = "space"
            if kind != "special" or (in_angle and token != ">"):
                mailbox.append((kind, token))
                continue
            if token in ",;":
                addresses += _address(mailbox)
                mailbox = []
                in_group = in_group and token == ","
            elif token == ":":
                if in_group or not _is_phrase(mailbox):
                    return None
                mailbox = []
                in_group = True
            else:
                mailbox.append((kind, token))
                in_angle = token == "<"
        addresses += _address(mailbox)
    except Malformed:
        return None
    return None if in_group else addresses


def tokens(text: str) -> Iterator[_Token]:
    """The kinds and texts of tokens: quoted, literal, atom, space, special and comment.

    Of a long list they come with turns for others.

    :raises Malformed: where no token can begin
    """
    at = 0
    count = 0
    while at < len(text):
        count += 1
        if not count % MANY:
            pause()
        found = _TOKEN.match(text, at)
        if found is None:
            raise Malformed
        end = found.end()
        kind = found.lastgroup or ""
        if kind == "comment":
            end = _skip_comment(text, end)
        yield kind, text[at:end]
        at = end


def _skip_comment(text: str, at: int) -> int:
    depth = 1
    count = 0
    while depth:
        found = _IN_COMMENT.match(text, at)
        if found is None:
            raise Malformed
        count += 1
        if not count % MANY:
            pause()
        depth += (found[0] == "(") - (found[0] == ")")
        at = found.end()
    return at


def _is_phrase(tokens: list[_Token]) -> bool:
    return any(kind in ("atom", "quoted") for kind, _ in tokens) and not any(
        token in ("<", ">") for _, token in tokens
    )


def _address(mailbox: list[_Token]) -> list[str]:
    """The address of one mailbox; of nothing but white space, none."""
    if all(kind == "space" for kind, _ in mailbox):
        return []
    texts = [token for _, token in mailbox]
    if "<" in texts:
        start = texts.index("<")
        end = texts.index(">") if ">" in texts else 0
        if end < start or any(kind != "space" for kind, _ in mailbox[end + 1 :]):
            raise Malformed
        mailbox = mailbox[start + 1 : end]
        joined = _join(mailbox)
        route = _ROUTE.match(joined)  # RFC 5322 4.4: read, and of no meaning
        if route is not None:
            joined = joined[route.end() :]
    else:
        joined = _join(mailbox)
    if _ADDRESS.fullmatch(joined) is None:
        raise Malformed
    return [joined]


def _join(tokens: list[_Token]) -> str:
    """The tokens without the white space, which may only stand around dots and the like."""
    parts: list[str] = []
    spaced = False
    for kind, token in tokens:
        if kind == "space":
            spaced = bool(parts)
            continue
        if spaced and token not in _GLUE and parts[-1] not in _GLUE:
            raise Malformed
        parts.append(token)
        spaced = False
    return "".join(parts)


_GLUE = frozenset(".@,:")
