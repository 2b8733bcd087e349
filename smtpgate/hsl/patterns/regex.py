"""One pattern, and its compiled forms: which of them matches a subject."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator
from itertools import islice
from typing import Any, Final

import pcre2

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.patterns.beginnings import beginning
from smtpgate.hsl.patterns.watching import Slow, callout, expect_limit
from smtpgate.hsl.values import Array, Value, literal, type_name
from smtpgate.hsl.values.arrays import from_pairs

# PCRE2_UNGREEDY has no name in the binding.
_UNGREEDY = 0x00040000
_AUTO_CALLOUT = 0x00000004
_MODIFIERS = {
    "i": int(pcre2.IGNORECASE),
    "m": int(pcre2.MULTILINE),
    "u": int(pcre2.UNICODE),
    "s": int(pcre2.DOTALL),
    "x": int(pcre2.VERBOSE),
    "U": _UNGREEDY,
    "X": 0,  # PCRE2 is always as strict about escapes as PCRE_EXTRA made PCRE.
}
#: With these a beginning is more than its octets, or not the subject's.
_NO_BEGINNING = _MODIFIERS["m"] | _MODIFIERS["u"] | _MODIFIERS["x"]
_ENCLOSED = re.compile(r"/(.*)/([a-zA-Z]*)", re.DOTALL)

#: The longest subject and its match limit for a quick match: 15 ms of work at most.
_QUICK: Final = ((256, 1000), (512, 256), (1024, 64), (2048, 16))
#: The same where the work at one place does not depend on the subject's length.
_QUICK_FLAT: Final = ((8192, 1000), (131_072, 64), (1_048_576, 8))
#: Octets of the subject times octets of the pattern, there.
_QUICK_FLAT_WORK: Final = 30_000_000
#: The longest subject and its match limit for a watched match: 15 ms of work a place at most.
_WATCHED: Final = ((512, 1_000_000), (8192, 6000), (65_536, 750), (1_048_576, 48))
_WATCHED_LONGEST: Final = 2
#: The same for PCRE's interpreter, which is slower than compiled code.
_WATCHED_INTERPRETED: Final = 400_000
#: Kilobytes that PCRE's interpreter may take for one match.
_HEAP: Final = 65_536
#: The longest pattern.
_PATTERN_LENGTH = 65_536
# Without any of these the work at one place does not depend on the subject's length.
_REPEATS = re.compile(r"[*+{]|\\X|\(\?(?:[R&+\-0-9]|P>)|\\g")
# Without any of these a step costs little, however long the subject is: no repeat but of
# groups, and nothing that refers to what was matched.
_SCANS = re.compile(rb"(?:[^)]|\\\))[*+{]|\\[1-9gkX]|\(\?(?:[R&+\-0-9]|P[>=])")
_VERBS = re.compile(rb"(?:\(\*[A-Z0-9_]+(?:=[0-9]+)?\))*")


class Regex:
    """A compiled pattern.  Matches are ``pcre2.Match`` objects over octets."""

    __slots__ = (
        "_begins", "_caseless", "_compiled", "_expression", "_flags", "_limit", "_quick",
        "_quick_length", "_repeats", "groups", "names", "pattern",
    )  # fmt: skip

    def __init__(self, pattern: str, limit: int) -> None:
        """:raises Fault: if the pattern is not a valid regular expression"""
        if len(pattern) > _PATTERN_LENGTH:
            raise Fault(
                f"a regular expression may have at most {_PATTERN_LENGTH} octets, "
                f"this one has {len(pattern)}"
            )
        self.pattern = pattern
        expression, self._flags = _split(pattern)
        self._limit = limit
        self._repeats = _REPEATS.search(expression) is not None
        #: Compiled forms by match limit, callouts (none, at the start, everywhere) and JIT.
        self._compiled: dict[tuple[int, int, bool], Any] = {}
        self._expression = expression.encode("latin-1")
        self._begins = "" if self._flags & _NO_BEGINNING else beginning(expression)
        self._caseless = bool(self._flags & _MODIFIERS["i"])
        if self._caseless:
            self._begins = self._begins.upper()
        self._quick_length, first = (_QUICK if self._repeats else _QUICK_FLAT)[0]
        try:
            self._quick: Any = self._form(first, 0, jit=True)
        except pcre2.PatternError as error:
            reason = str(error).partition("; ")[2] or str(error)
            raise Fault(f"invalid regular expression {literal(pattern)}: {reason}") from None
        self.groups: int = self._quick.groups
        #: Name of a group -> its number.
        self.names: dict[str, int] = {
            name.decode("latin-1") if isinstance(name, bytes) else name: number
            for name, number in dict(self._quick.groupindex).items()
        }

    def matches(self, subject: Value) -> bool:
        """``subject =~ pattern``.

        :raises Fault: if ``subject`` is no string, or the match limit is spent
        """
        if subject.__class__ is not str:
            raise Fault(f"a string is expected on the left of =~, {type_name(subject)} given")
        if self._begins:
            first = subject[: len(self._begins)]
            if (first.upper() if self._caseless else first) != self._begins:
                return False
        return self._search(subject.encode("latin-1"), 0) is not None

    def search(self, subject: str, start: int = 0) -> Any:
        """The first match at or after ``start``, or ``None``.

        :raises Fault: if the match limit is spent
        """
        if self._begins and not start:  # as in `matches`: a call would cost half as much again
            first = subject[: len(self._begins)]
            if (first.upper() if self._caseless else first) != self._begins:
                return None
        return self._search(subject.encode("latin-1"), start)

    def _search(self, octets: bytes, start: int) -> Any:
        quick = self._quick if len(octets) <= self._quick_length else self._quick_form(octets)
        if quick is not None:
            try:
                return quick.search(octets, start)
            except pcre2.LibraryError as error:
                expect_limit(error)
        return self._slow(octets, lambda compiled: compiled.search(octets, start)).match()

    def finditer(self, subject: str) -> Iterator[Any]:
        """All matches that do not overlap, from the left, each found when it is asked for.

        :raises Fault: if the match limit is spent
        """
        octets = subject.encode("latin-1")
        count = 0
        quick = self._quick_form(octets)
        if quick is not None:
            try:
                for match in quick.finditer(octets):
                    yield match
                    count += 1
                return
            except pcre2.LibraryError as error:
                expect_limit(error)
        matches: Iterator[Any] = iter(())
        form: Any = None

        def following(compiled: Any) -> Any:
            nonlocal matches, form
            if compiled is not form:
                # Another form finds the same matches again, and then further ones.
                form = compiled
                matches = islice(compiled.finditer(octets), count, None)
            return next(matches, None)

        slow = self._slow(octets, following)
        while (match := slow.match()) is not None:
            yield match
            count += 1

    def _quick_form(self, octets: bytes) -> Any:
        """The form for a subject that needs no watching, or ``None``."""
        length = len(octets)
        if not self._repeats and length * len(self._expression) > _QUICK_FLAT_WORK:
            return None
        limit = _limit_for(length, _QUICK if self._repeats else _QUICK_FLAT)
        return None if limit is None else self._form(limit, 0, jit=True)

    def _slow(self, octets: bytes, attempt: Callable[[Any], Any]) -> Slow:
        return Slow(self._slow_forms(octets), octets, attempt)

    def _slow_forms(self, octets: bytes) -> Generator[Any, bool, None]:
        """The watched form and the thorough one, each compiled when it is asked for.

        ``True`` is sent where the small stack of compiled code was spent: the interpreter
        has none.
        """
        limit = self._limit
        if _SCANS.search(self._expression):
            limit = _limit_for(len(octets), _WATCHED) or _WATCHED_LONGEST
        stack_spent = yield self._form(limit, 1, jit=True)
        jit = not stack_spent
        if stack_spent:
            limit = min(limit, _WATCHED_INTERPRETED)
            yield self._form(limit, 1, jit)
        if limit < self._limit:
            stack_spent = yield self._form(self._limit, 2, jit)
            if stack_spent and jit:
                yield self._form(self._limit, 2, jit=False)

    def _form(self, limit: int, callouts: int, jit: bool) -> Any:
        limit = min(limit, self._limit)
        key = limit, callouts, jit
        found = self._compiled.get(key)
        if found is None:
            verbs = _VERBS.match(self._expression)
            place = 0 if verbs is None else verbs.end()
            octets = b"(*LIMIT_MATCH=%d)(*LIMIT_HEAP=%d)%s%s%s" % (
                limit,
                _HEAP,
                self._expression[:place],
                b"(?C1)" if callouts == 1 else b"",
                self._expression[place:],
            )
            flags = self._flags | (_AUTO_CALLOUT if callouts == 2 else 0)
            found = pcre2.compile(octets, flags, jit=jit, callout=callout if callouts else None)
            self._compiled[key] = found
        return found

    def captures(self, match: Any) -> Array:
        """A match as scripts see it: groups by number from 0, named ones by name too.

        A group that took no part in the match is ``""``.
        """
        texts = [_text(match.group(number)) for number in range(self.groups + 1)]
        if not self.names:
            return texts
        named = {number: name for name, number in self.names.items()}
        pairs: list[tuple[Any, str]] = []
        for number, text in enumerate(texts):
            if number in named:
                pairs.append((named[number], text))
            pairs.append((number, text))
        return from_pairs(pairs)


def _split(pattern: str) -> tuple[str, int]:
    enclosed = _ENCLOSED.fullmatch(pattern)
    if enclosed is None:
        return pattern, 0
    flags = 0
    for modifier in enclosed[2]:
        if modifier not in _MODIFIERS:
            raise Fault(
                f'unknown modifier "{modifier}" in the regular expression {literal(pattern)}'
            )
        flags |= _MODIFIERS[modifier]
    return enclosed[1], flags


def _text(octets: bytes | None) -> str:
    return "" if octets is None else octets.decode("latin-1")


def _limit_for(length: int, table: tuple[tuple[int, int], ...]) -> int | None:
    """The match limit for a subject, or ``None`` if it is longer than the table knows."""
    for longest, limit in table:
        if length <= longest:
            return limit
    return None
