"""Regular expressions: PCRE over octets, with a bound on the work of one match.

A pattern is the bare expression, or ``/expression/modifiers`` with the
modifiers ``i m u s x U X`` (manual: Pattern modifiers).  Subjects are strings
of octets; ``u`` reads both sides as UTF-8.

PCRE's match limit holds for an attempt at one place of the subject, a step of it may cost
as much as the subject is long, and there are as many places.  So there are three ways to
match, and what is too much for one goes the next:

quick
    without looking at the clock, on short subjects and with a match limit that leaves
    little to do whatever the pattern;
watched
    with a callout before every attempt, and a match limit that makes an attempt short;
thorough
    with a callout before every item of the pattern, and the full match limit.

A callout looks at the clock, and lets others have their turn: a match may last, but it does
not hold up the reactor.
"""

from __future__ import annotations

from functools import lru_cache

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.patterns.regex import Regex
from smtpgate.hsl.values import Value, type_name


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


__all__ = ["Regex", "compile_pattern"]
