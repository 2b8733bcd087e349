"""Header fields of a message that is made: checked, encoded (RFC 2047) and folded (RFC 5322).

No value can start another field: line ends are folds or are refused.
"""

from __future__ import annotations

import re
from email.errors import MessageError
from email.header import Header
from email.policy import SMTP

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import addresslist
from smtpgate.hsl.values import literal

#: Octets of one value.
MAX_VALUE = 64 * 1024
# RFC 5322 2.1.1
_WIDTH = 78
_MOST = 998

_NAME = re.compile(r"[!-9;-~]{1,76}")
_LINE_END = re.compile(r"[\r\n]+[ \t]*")
_NOT_PRINTABLE = re.compile(r"[^\t -~]")
_FOLD = re.compile(r"\r?\n(?=[ \t]+[^ \t\r\n])")
_FORBIDDEN = re.compile(r"[\r\n\x00]")
_WORD = re.compile(r"[ \t]*[^ \t]+")
# What str.splitlines() takes for a line end, and the email package with it.
_LINE_LIKE = re.compile("[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_WELL_FOLDED = re.compile(r"[\t -~]+(?:\r\n[ \t][\t -~]*[!-~][\t -~]*)*")

# Fields whose syntax says where encoded words may stand, and those with parameters.
_ADDRESSES = frozenset({
    "from", "sender", "reply-to", "to", "cc", "bcc",
    "resent-from", "resent-sender", "resent-reply-to", "resent-to", "resent-cc", "resent-bcc",
})  # fmt: skip
_PARAMETERS = frozenset({"content-type", "content-disposition"})
# The email package reads parameters in quadratic time.
_MOST_PARAMETERS = 1000

_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)


def make(function: str, name: str, value: str, encode: bool) -> str:
    """The field ``name: value`` in lines, without the last line end.

    :param encode: unfold, encode what is not printable US-ASCII and fold; without
        it the value stays as it is
    :raises Fault: for a name that is none, a value that is too long, and without
        ``encode`` for line ends that are no folds and for NUL
    """
    if _NAME.fullmatch(name) is None:
        raise Fault(f'{function} parameter "name" is no header name: {literal(name[:80])}')
    if not encode:
        return _verbatim(function, name, value)
    if len(value) > MAX_VALUE:
        raise Fault(
            f"{function}: a header value may have at most {MAX_VALUE} octets, this one has"
            f" {len(value)}"
        )
    text = _LINE_END.sub(" ", value).strip(" \t")
    if _NOT_PRINTABLE.search(text) is None:
        folded = _fold(name, text)
        if max(map(len, folded.split("\r\n"))) <= _MOST:
            return folded
    return _encoded(name, text)


def _verbatim(function: str, name: str, value: str) -> str:
    if _FORBIDDEN.search(_FOLD.sub("", value)) or value.startswith(("\r", "\n")):
        raise Fault(f'{function} parameter "value" must not have line ends or NUL')
    return f"{name}: " + _FOLD.sub("\r\n", value)


def _fold(name: str, text: str) -> str:
    """The field with line ends before white space, where lines would be too long."""
    if len(name) + 2 + len(text) <= _WIDTH:
        return f"{name}: {text}"
    lines: list[str] = []
    line = f"{name}: "
    for number, word in enumerate(_WORD.findall(text)):
        if number and len(line) + len(word) > _WIDTH:
            lines.append(line)
            line = word
        else:
            line += word
    return "\r\n".join([*lines, line])


def _encoded(name: str, text: str) -> str:
    """The field with its text encoded; octets that are no UTF-8 become U+FFFD."""
    kind = name.lower()
    if kind in _ADDRESSES:
        addresses = _encoded_addresses(text)
        if addresses is not None:
            return _fold(name, addresses)
    if kind in _PARAMETERS and len(text) <= _MOST_PARAMETERS:
        folded = _encoded_parameters(name, text)
        if _WELL_FOLDED.fullmatch(folded):
            return folded
    words = Header(_unicode(text), "utf-8", maxlinelen=_WIDTH - 2, header_name=name)
    return f"{name}: " + words.encode(linesep="\r\n")


def _unicode(text: str) -> str:
    return _LINE_LIKE.sub(" ", text.encode("latin-1").decode("utf-8", "replace"))


def _encoded_addresses(text: str) -> str | None:
    """An address list with its names in encoded words; ``None`` if it is not one in ASCII then."""
    made: list[str] = []
    words: list[tuple[str, str]] = []
    in_angle = False
    try:
        for kind, token in addresslist.tokens(text):
            if kind != "special" or token in ".@" or (in_angle and token != ">"):
                words.append((kind, token))
                continue
            made.append(_phrase(words) if token in "<:" else "".join(word for _, word in words))
            made.append(token)
            words = []
            in_angle = token == "<"
    except addresslist.Malformed:
        return None
    made += [word for _, word in words]
    encoded = "".join(made)
    return None if _NOT_PRINTABLE.search(encoded) else encoded


def _phrase(words: list[tuple[str, str]]) -> str:
    """A display name, in encoded words if it is not in ASCII."""
    raw = "".join(word for _, word in words)
    if _NOT_PRINTABLE.search(raw) is None or any(kind == "comment" for kind, _ in words):
        return raw
    text = "".join(
        _QUOTED_PAIR.sub(r"\1", word[1:-1]) if kind == "quoted" else word for kind, word in words
    )
    name = Header(_unicode(text.strip(" \t")), "utf-8", maxlinelen=_WIDTH - 2)
    before = " " if raw[:1] in " \t" else ""
    return f"{before}{name.encode(linesep='')} "


def _encoded_parameters(name: str, text: str) -> str:
    """A field with parameters as the email package writes it (RFC 2231); "" if it cannot."""
    try:
        folded = SMTP.header_factory(name, _unicode(text)).fold(policy=SMTP)
    except (MessageError, LookupError, ValueError, AttributeError, TypeError, RecursionError):
        # Its parser gives up on malformed values in all these ways.
        return ""
    return str(folded).removesuffix("\r\n")
