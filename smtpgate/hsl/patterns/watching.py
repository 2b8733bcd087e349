"""Matching that may take long: a watch looks at the clock, and lets others have their turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from typing import Any, ClassVar, Final

import pcre2

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.limits.turns import pause

_GO_ON = pcre2.CalloutReturn.PASS
_END = pcre2.CalloutReturn.ABORT
# Error numbers of the PCRE2 library (pcre2api, "ERROR RETURN VALUES FROM pcre2_match").
_MATCH_LIMIT = (-47, -53)
_JIT_STACK_LIMIT = -46
_HEAP_LIMIT = -63

#: Seconds between two turns for others.
_LOOK: Final = 0.001


class _Late(Exception):
    """A match has taken its time."""


class _Watch:
    """A match that may take long: how much of its time is left."""

    __slots__ = ("_look", "_until", "error")

    #: The one that is going on; callouts know nothing else of where they come from.
    current: ClassVar[_Watch]

    def __init__(self, seconds: float) -> None:
        now = time.monotonic()
        self._until = now + seconds
        self._look = now + _LOOK
        #: Why the match was ended: an exception in a callout would not end it.
        self.error: BaseException | None = None

    def look(self, _block: Any) -> Any:
        now = time.monotonic()
        if now < self._look:
            return _GO_ON
        if now >= self._until:
            self.error = _Late()
            return _END
        try:
            pause()
        except BaseException as error:  # noqa: BLE001 - raised when the match has ended
            self.error = error
            return _END
        finally:
            _Watch.current = self
        # Others' turns are not this match's time.
        later = time.monotonic()
        self._until += later - now
        self._look = later + _LOOK
        return _GO_ON

    def over(self, attempt: Callable[[Any], Any], compiled: Any) -> Any:
        """Make an attempt while this watch is the one."""
        _Watch.current = self
        found = attempt(compiled)
        if self.error is not None:
            raise self.error
        return found


def callout(block: Any) -> Any:
    """What PCRE calls on its way."""
    return _Watch.current.look(block)


class Slow:
    """Matching that is watched: one match after the other, each with its own time."""

    __slots__ = ("_attempt", "_form", "_forms", "_octets")

    def __init__(
        self, forms: Generator[Any, bool, None], octets: bytes, attempt: Callable[[Any], Any]
    ) -> None:
        """
        :param forms: compiled forms of the pattern, each for what is too much for the last;
            ``True`` is sent where the small stack of compiled code was spent
        :param attempt: finds a match with the form that it is given
        """
        self._octets = octets
        self._attempt = attempt
        self._forms = forms
        self._form = next(self._forms)

    def match(self) -> Any:
        """The result of an attempt.

        :raises Fault: if the match limit or the time of one match is spent
        """
        seconds = ACTIVE.limits.matching_seconds
        watch = _Watch(seconds)
        while True:
            try:
                return watch.over(self._attempt, self._form)
            except _Late:
                unit = "second" if seconds == 1 else "seconds"
                raise Fault(
                    f"the regular expression takes more than its limit of {seconds:g} {unit} "
                    f"on a string of {len(self._octets)} octets"
                ) from None
            except pcre2.LibraryError as error:
                expect_limit(error)
                form = self._next(error.code == _JIT_STACK_LIMIT)
                if form is None:
                    raise _fault(error) from None
                self._form = form

    def _next(self, stack_spent: bool) -> Any:
        try:
            return self._forms.send(stack_spent)
        except StopIteration:
            return None


def expect_limit(error: Any) -> None:
    """Go on to the next way only if a limit was spent."""
    if error.code not in (*_MATCH_LIMIT, _JIT_STACK_LIMIT, _HEAP_LIMIT):
        raise _fault(error) from None


def _fault(error: Any) -> Fault:
    if error.code in _MATCH_LIMIT:
        return Fault("the regular expression needs too many steps (match limit)")
    if error.code == _HEAP_LIMIT:
        return Fault("the regular expression needs too much memory")
    return Fault(f"the regular expression cannot be matched: {error}")
