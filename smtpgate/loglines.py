"""Log events as lines for people: time, level if it matters, and the text."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from twisted.logger import LogLevel, formatEvent, formatTime

#: Our own events; their formats are plain names in braces.
NAMESPACE = "smtpgate"

_INDENT = "\n    "

#: What Twisted says, as if it were nothing, when it cannot accept a connection.
_NO_FILES = "EMFILE encountered"


def line(event: Any) -> str | None:
    """One event, with its line end; None for what Twisted says about itself.

    :param event: of twisted.logger
    """
    level = event.get("log_level", LogLevel.info)
    failure = event.get("log_failure")
    if event.get("log_namespace") == NAMESPACE:
        # What formatEvent does for names alone, in a twentieth of its time.
        text = event["log_format"].format_map(event)
    elif level < LogLevel.warn:
        if not str(event.get("log_format")).startswith(_NO_FILES):
            return None
        level, text = LogLevel.warn, "clients are turned away: too many open files (ulimit -n)"
    else:
        text = formatEvent(event)
    if failure is not None:
        text = f"{text}\n{failure.getTraceback().rstrip()}"
    if not text:
        return None
    if "\n" in text:
        text = text.replace("\n", _INDENT)
    mark = "" if level is LogLevel.info else _mark(level)
    return f"{_second(int(event.get('log_time', 0)))} {mark}{text}\n"


def _mark(level: Any) -> str:
    return "" if level < LogLevel.warn else f"{level.name}: "


@lru_cache(maxsize=2)
def _second(when: int) -> str:
    """Many lines share their second."""
    return formatTime(when, "%Y-%m-%dT%H:%M:%S%z")
