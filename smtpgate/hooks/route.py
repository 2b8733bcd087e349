"""The way of a message by its Received fields, RFC 5321 4.4: for GetRoute.

Anybody may have written such a field, and every server writes it in its own way.  What can not
be read is left out; nothing here raises.
"""

from __future__ import annotations

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from ipaddress import ip_address

from smtpgate.hsl.values import Map

#: Fields that are read: servers take a message with a hundred for one in a loop, RFC 5321 6.3.
MOST_HOPS = 100
#: Octets of a field that is read: no server writes so much.
LONGEST_FIELD = 8192
_CLAUSES = frozenset({"from", "by", "via", "with", "id", "for"})
#: Octets of a date: what is longer is none.
_LONGEST_DATE = 100
#: A quoted string, a semicolon, a parenthesis or a word.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"|[;()]|(?:[^\s;()\\]|\\.)++|\\', re.DOTALL)
#: In a comment: parentheses, and what stands between them.
_INSIDE = re.compile(r"[()]|(?:[^()\\]|\\.)++|\\", re.DOTALL)
#: What the client called itself, where that stands in a comment.
_HELLO = re.compile(r"\b(?:HELO|EHLO)[ =](\S+)", re.IGNORECASE)
#: An address in brackets.
_LITERAL = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f:.]{2,45})\]")
_HOST = re.compile(r"[A-Za-z0-9._-]{1,255}")
_HOST_AT_END = re.compile(r"[A-Za-z0-9._-]{1,255}\Z")


def hop(value: str, extended: bool) -> Map:
    """What one Received field says, by name.

    :param value: unfolded, without the name of the field
    :param extended: the less usual clauses as well, and the field itself
    """
    clauses, comments, date = _read(value if len(value) <= LONGEST_FIELD else "")
    found = _client(clauses.get("from", ""), comments.get("from", []))
    if clauses.get("by"):
        found["by"] = clauses["by"]
    time = _time(date)
    if time is not None:
        found["ts"] = time
    if extended:
        for name in ("via", "with", "id", "for"):
            if clauses.get(name):
                found[name] = clauses[name]
        found["value"] = value
    return found


def _read(value: str) -> tuple[dict[str, str], dict[str, list[str]], str]:
    """The words of the clauses, the comments that follow each, and the date."""
    clauses: dict[str, str] = {}
    comments: dict[str, list[str]] = {}
    clause = ""
    position = 0
    date = len(value)
    while (token := _TOKEN.search(value, position)) is not None:
        word, position = token[0], token.end()
        if word == "(":
            comment, position = _comment(value, position)
            comments.setdefault(clause, []).append(comment)
        elif word == ";":
            # The last one is in front of the date: what a client says about itself comes earlier.
            date = position
        elif word.lower() in _CLAUSES and word.lower() not in clauses:
            clause = word.lower()
            clauses[clause] = ""
        elif clause and not clauses[clause]:
            clauses[clause] = word.strip("<>") if clause == "for" else word
    return clauses, comments, value[date:]


def _comment(value: str, position: int) -> tuple[str, int]:
    """A comment without its parentheses, and where it ends; one that does not is the rest."""
    start, depth = position, 1
    for part in _INSIDE.finditer(value, position):
        depth += {"(": 1, ")": -1}.get(part[0], 0)
        if not depth:
            return value[start : part.start()], part.end()
    return value[start:], len(value)


def _client(name: str, comments: list[str]) -> Map:
    """Who the client was: what it said, and what the server saw."""
    helo, pointer, address = name, "", ""
    for comment in comments:
        said = _HELLO.search(comment)
        if said is not None:
            # Then the word in front is what the server knows it as.
            helo, pointer = said[1], pointer or name
            comment = _HELLO.sub("", comment)
        if not address:
            seen, address = _seen(comment)
            pointer = seen or pointer
    if not address:
        address = _address(name.strip("[]").removeprefix("IPv6:"))
    found = Map()
    if helo:
        found["helo"] = helo
    if _HOST.fullmatch(pointer) and pointer.lower() != "unknown" and not _address(pointer):
        found["ptr"] = pointer.rstrip(".")
    if address:
        found["ip"] = address
    return found


def _seen(comment: str) -> tuple[str, str]:
    """The name and the address in a comment of the server; "" for what is not there."""
    for literal in _LITERAL.finditer(comment):
        address = _address(literal[1])
        if address:
            before = comment[max(0, literal.start() - 300) : literal.start()].rstrip()
            name = _HOST_AT_END.search(before)
            return name[0] if name is not None else "", address
    return "", _address(comment.strip())


def _address(text: str) -> str:
    try:
        return str(ip_address(text)) if "%" not in text else ""
    except ValueError:
        return ""


def _time(date: str) -> float | None:
    """Unix time; None when it is none."""
    if not date or len(date) > _LONGEST_DATE:
        return None
    try:
        moment = parsedate_to_datetime(date)
        # RFC 5322 3.3: -0000 is UTC, and says nothing about where.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError):
        return None
