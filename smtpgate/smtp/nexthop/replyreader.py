"""A next hop's replies, cut from its octets and read strictly, without I/O.

Rules that this file keeps:

* Only CRLF ends a line, and all lines of a reply have the same code.
* What one reply may hold is bounded, however the network cuts it.
* What is no reply is an error, never a guess: the connection is of no use any more.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from smtpgate.smtp.refusal import EnhancedCode
from smtpgate.smtp.reply import Reply

LINE_LIMIT: Final = 2048
"""Octets of one line, CRLF included. RFC 5321 4.5.3.1.5 lets a server send 512."""

REPLY_LIMIT: Final = 32_768
"""Octets of one reply with all its lines."""

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\0\r\n]*+))?")
_ENHANCED = re.compile(r"([245])\.([0-9]{1,3})\.([0-9]{1,3})(?: +|$)")


class BadReply(Exception):
    """The octets are no SMTP reply."""


class ReplyReader:
    """Queues octets and cuts replies from them. ``len(reader)`` octets are not understood yet."""

    __slots__ = ("_code", "_lines", "_octets", "_size", "_start")

    def __init__(self) -> None:
        self._octets = b""
        self._start = 0  # of the octets that were not read yet
        self._code = 0
        self._lines: list[str] = []
        self._size = 0

    def __len__(self) -> int:
        return len(self._octets) - self._start + self._size

    def append(self, octets: bytes) -> None:
        """Queue what the network brought."""
        self._octets = self._octets[self._start :] + octets
        self._start = 0

    def next(self) -> Reply | None:
        """The next reply, or None when it is not complete yet.

        :raises BadReply: the reader is of no use afterwards
        """
        octets, start = self._octets, self._start
        while start < len(octets):
            end = octets.find(b"\r\n", start, start + LINE_LIMIT)
            if end < 0:
                if len(octets) - start >= LINE_LIMIT:
                    raise BadReply(f"a line is longer than {LINE_LIMIT} octets")
                break
            line = octets[start:end]
            size = self._size + end + 2 - start
            if size > REPLY_LIMIT:
                raise BadReply(f"a reply is longer than {REPLY_LIMIT} octets")
            start = self._start = end + 2
            code, last, text = _parsed(line)
            lines = self._lines
            if lines and code != self._code:
                raise BadReply(f"a reply with two codes: {line[:80]!r}")
            lines.append(text)
            if last:
                self._lines, self._size = [], 0
                return as_reply(code, tuple(lines))
            self._code, self._size = code, size
        return None


@lru_cache(maxsize=128)  # a next hop says the same few things again and again
def _parsed(line: bytes) -> tuple[int, bool, str]:
    """A line's code, whether it is the last one, and its text."""
    match = _LINE.fullmatch(line)
    if match is None:
        raise BadReply(f"no SMTP reply: {line[:80]!r}")
    code, more, text = match.groups(b"")
    return int(code), more != b"-", text.decode("latin-1")


@lru_cache(maxsize=128)
def as_reply(code: int, lines: tuple[str, ...]) -> Reply:
    """A reply with its enhanced code taken out of its text, RFC 2034 4.

    It is taken out when all lines have the same one, and it is of the reply's class.
    """
    matches = [_ENHANCED.match(line) for line in lines]
    first = matches[0]
    if first is None or int(first[1]) != code // 100:
        return Reply(code, lines)
    texts = []
    for match, line in zip(matches, lines, strict=True):
        if match is None or match.groups() != first.groups():
            return Reply(code, lines)
        texts.append(line[match.end() :])
    enhanced: EnhancedCode = (int(first[1]), int(first[2]), int(first[3]))
    return Reply(code, tuple(texts), enhanced)
