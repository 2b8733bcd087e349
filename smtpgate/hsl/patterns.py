"""Regular expressions: PCRE over octets, with a bound on the work of one match.

A pattern is the bare expression, or ``/expression/modifiers`` with the
modifiers ``i m u s x U X`` (manual: Pattern modifiers).  Subjects are strings
of octets; ``u`` reads both sides as UTF-8.

PCRE's match limit holds for an attempt at one place of the subject, and repeats of a
single character are hardly charged for: the time of a match can grow with the square of
the subject's length.  So a match has two stages: with a small match limit on a subject
that is short enough to have little cost, else with the full one and a callout that looks
at the clock before every attempt.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from itertools import islice
from typing import Any

import pcre2

from smtpgate.hsl.arrays import from_pairs
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.values import Array, Value, literal, type_name

# PCRE2_UNGREEDY has no name in the binding.
_UNGREEDY = 0x00040000
_GO_ON = pcre2.CalloutReturn.PASS
_MODIFIERS = {
    "i": int(pcre2.IGNORECASE),
    "m": int(pcre2.MULTILINE),
    "u": int(pcre2.UNICODE),
    "s": int(pcre2.DOTALL),
    "x": int(pcre2.VERBOSE),
    "U": _UNGREEDY,
    "X": 0,  # PCRE2 is always as strict about escapes as PCRE_EXTRA made PCRE.
}
_ENCLOSED = re.compile(r"/(.*)/([a-zA-Z]*)", re.DOTALL)
# Error numbers of the PCRE2 library (pcre2api, "ERROR RETURN VALUES FROM pcre2_match").
_MATCH_LIMIT = (-47, -53, -63)
_JIT_STACK_LIMIT = -46

#: The first stage's match limit, and the longest subject it takes: 50 ms of work at most.
_QUICK_LIMIT = 20_000
_QUICK_LENGTH = 8192
#: The longest pattern.
_PATTERN_LENGTH = 65_536
# Without any of these the work at one place does not depend on the subject's length.
_REPEATS = re.compile(r"[*+{]|\(\?(?:[R&+\-0-9]|P>)|\\g")
_VERBS = re.compile(rb"(?:\(\*[A-Z0-9_]+(?:=[0-9]+)?\))*")


class _Late(Exception):
    """A match has taken its time."""


class Regex:
    """A compiled pattern.  Matches are ``pcre2.Match`` objects over octets."""

    __slots__ = (
        "_expression", "_flags", "_interpreted", "_limit", "_quick", "_repeats", "_until",
        "_watched", "groups", "names", "pattern",
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
        self._watched: Any = None
        self._interpreted: Any = None
        self._until = 0.0
        try:
            self._expression = expression.encode("latin-1")
            first = b"(*LIMIT_MATCH=%d)" % min(limit, _QUICK_LIMIT)
            self._quick: Any = pcre2.compile(first + self._expression, self._flags)
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
        return self.search(subject) is not None

    def search(self, subject: str, start: int = 0) -> Any:
        """The first match at or after ``start``, or ``None``.

        :raises Fault: if the match limit is spent
        """
        octets = subject.encode("latin-1")
        if len(octets) <= _QUICK_LENGTH or not self._repeats:
            try:
                return self._quick.search(octets, start)
            except pcre2.LibraryError as error:
                _expect_limit(error)
        return self._slowly(octets, lambda compiled: compiled.search(octets, start))

    def finditer(self, subject: str) -> Iterator[Any]:
        """All matches that do not overlap, from the left, each found when it is asked for.

        :raises Fault: if the match limit is spent
        """
        octets = subject.encode("latin-1")
        done = 0
        if len(octets) <= _QUICK_LENGTH or not self._repeats:
            try:
                for match in self._quick.finditer(octets):
                    yield match
                    done += 1
                return
            except pcre2.LibraryError as error:
                _expect_limit(error)
        matches: Iterator[Any] | None = None
        count = done

        def following(compiled: Any) -> Any:
            nonlocal matches
            if matches is None or compiled is self._interpreted:
                matches = islice(compiled.finditer(octets), count, None)
            return next(matches, None)

        while (match := self._slowly(octets, following)) is not None:
            yield match
            count += 1

    def _slowly(self, octets: bytes, attempt: Callable[[Any], Any]) -> Any:
        """One match with the full match limit, and a limit of its time.

        :raises Fault: if either is spent
        """
        seconds = ACTIVE.limits.matching_seconds
        self._until = time.monotonic() + seconds
        if self._watched is None:
            self._watched = self._compile_watched(jit=True)
        try:
            if self._interpreted is None:
                try:
                    return attempt(self._watched)
                except pcre2.LibraryError as error:
                    if error.code != _JIT_STACK_LIMIT:
                        raise
                # Only the compiled one's small stack was spent: the interpreter has none.
                self._interpreted = self._compile_watched(jit=False)
            return attempt(self._interpreted)
        except pcre2.LibraryError as error:
            raise _fault(error) from None
        except _Late:
            raise Fault(
                f"the regular expression takes more than its limit of {seconds:g} seconds "
                f"on a string of {len(octets)} octets"
            ) from None

    def _compile_watched(self, jit: bool) -> Any:
        """The pattern with a callout at its start: it is called before every attempt."""
        verbs = _VERBS.match(self._expression)
        place = 0 if verbs is None else verbs.end()
        octets = b"(*LIMIT_MATCH=%d)%s(?C1)%s" % (
            self._limit,
            self._expression[:place],
            self._expression[place:],
        )
        return pcre2.compile(octets, self._flags, jit=jit, callout=self._look_at_clock)

    def _look_at_clock(self, _block: Any) -> Any:
        if time.monotonic() > self._until:
            raise _Late
        return _GO_ON

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


def _expect_limit(error: Any) -> None:
    """Go on to the second stage if only a limit was spent."""
    if error.code != _JIT_STACK_LIMIT and error.code not in _MATCH_LIMIT:
        raise _fault(error) from None


def _fault(error: Any) -> Fault:
    if error.code in _MATCH_LIMIT:
        return Fault("the regular expression needs too many steps (match limit)")
    return Fault(f"the regular expression cannot be matched: {error}")


@lru_cache(maxsize=512)
def _cached(pattern: str, limit: int) -> Regex:
    return Regex(pattern, limit)


def compile_pattern(pattern: Value) -> Regex:
    """The pattern, compiled; recent ones are kept.

    :raises Fault: if it is no string or no valid regular expression
    """
    if pattern.__class__ is not str:
        raise Fault(f"a regular expression must be a string, {type_name(pattern)} given")
    return _cached(pattern, ACTIVE.limits.matching)
