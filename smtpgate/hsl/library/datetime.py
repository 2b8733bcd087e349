"""Date and time.

Times are seconds since 1970-01-01T00:00:00Z, with decimals.
"""

from __future__ import annotations

import time as system
from math import isfinite
from typing import Final

from twisted.internet.task import deferLater

from smtpgate.hsl.builtin import Number, String, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats.dates import format_time, parse_time
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import literal

#: Octets of the longest text that strftime() gives.
LONGEST_TEXT: Final = 100
#: Seconds of the longest sleep; an execution's own limit is usually far less.
LONGEST_SLEEP: Final = 86400


@builtin("executiontime")
def executiontime(execution: Execution) -> Number:
    """How long the script has been running, waiting included.

    :return: seconds, with decimals
    :rtype: number

    .. code-block:: hsl

       echo executiontime() < 5; // => 1
    """
    return float(execution.environment.clock.seconds() - execution.started)


@builtin("sleep", waits=True)
def sleep(execution: Execution, seconds: Number) -> Number:
    """Let the script wait; other sessions go on.

    :param number seconds: how long, with decimals, at most a day; less than 0 is 0
    :return: the seconds that have passed
    :rtype: number

    .. code-block:: hsl

       echo sleep(0.1) > 0.09; // => 1
    """
    if not isfinite(seconds) or seconds > LONGEST_SLEEP:
        raise Fault(
            f'sleep() parameter "seconds" must be at most {LONGEST_SLEEP}, {literal(seconds)} given'
        )
    clock = execution.environment.clock
    begin = clock.seconds()
    execution.wait(deferLater(clock, max(seconds, 0)))
    return float(clock.seconds() - begin)


@builtin("strftime")
def strftime(execution: Execution, format: String, time: Number | None = None) -> String:
    """Write a time as a format says, in English and in UTC.

    The conversions are those of POSIX: ``%Y`` ``%m`` ``%d`` ``%H`` ``%M``
    ``%S``, ``%a`` ``%A`` ``%b`` ``%B`` for names, ``%j`` ``%U`` ``%V`` ``%W``
    for days and weeks, ``%F`` ``%T`` ``%R`` ``%D`` ``%c`` for whole dates and
    times, ``%s`` for the seconds since 1970.  A conversion that does not exist
    stays.  For local time give it what :func:`timelocal` returns.

    :param string format: the format
    :param number time: the time; by default now
    :return: the text, at most 100 octets
    :rtype: string

    .. code-block:: hsl

       echo strftime("%a, %d %b %Y %T", 1551398400); // => Fri, 01 Mar 2019 00:00:00
    """
    when = execution.environment.clock.seconds() if time is None else time
    if not isfinite(when):
        raise Fault(f'strftime() parameter "time" must be a finite number, {literal(when)} given')
    if len(format) > LONGEST_TEXT:
        raise Fault(f'strftime() parameter "format" may have at most {LONGEST_TEXT} octets')
    text = format_time(format, when)
    if len(text) > LONGEST_TEXT:
        raise Fault(f"strftime() gives at most {LONGEST_TEXT} octets, not {len(text)}")
    return text


@builtin("strptime")
def strptime(execution: Execution, datestring: String, format: String) -> Number | None:
    """Read a time as a format says, in UTC unless the text has a time zone.

    The conversions are those of :func:`strftime`.  What the text does not say
    is taken from now if it is larger than what it says, and is the least
    possible if it is smaller: "13:58" is a time of today, "2019-03-01" is
    midnight.

    :param string datestring: the text
    :param string format: the format
    :return: the time; none if the text is not as the format says
    :rtype: number or none

    .. code-block:: hsl

       echo strptime("2019-03-01 12:00:00", "%Y-%m-%d %H:%M:%S"); // => 1551441600
       echo strptime("Fri, 1 Mar 2019 13:00:00 +0100", "%a, %d %b %Y %T %z"); // => 1551441600
       echo strftime("%T", strptime("13:58:38", "%H:%M:%S")); // => 13:58:38
       echo strptime("yesterday", "%F"); // => none
    """
    if len(datestring) > LONGEST_TEXT or len(format) > LONGEST_TEXT:
        return None
    return parse_time(datestring, format, execution.environment.clock.seconds())


@builtin("time")
def now(execution: Execution) -> Number:
    """The time now.

    :return: seconds since 1970-01-01T00:00:00Z, with decimals
    :rtype: number

    .. code-block:: hsl

       echo time() > 1551398400; // => 1
    """
    return float(execution.environment.clock.seconds())


@builtin("timelocal")
def timelocal(execution: Execution) -> Number:
    """The time now as the clocks of the gateway's time zone show it.

    :return: the seconds of :func:`time` and the zone's offset from UTC
    :rtype: number

    .. code-block:: hsl

       echo abs(timelocal() - time()) <= 14 * 3600; // => 1
    """
    seconds = float(execution.environment.clock.seconds())
    return seconds + system.localtime(seconds).tm_gmtoff


@builtin("uptime")
def uptime() -> Number:
    """How long the system has been running, by a clock that is never set back.

    :return: seconds, with decimals; for measuring, only differences matter
    :rtype: number

    .. code-block:: hsl

       $begin = uptime();
       echo uptime() >= $begin; // => 1
    """
    return system.monotonic()


FUNCTIONS = (executiontime, sleep, strftime, strptime, now, timelocal, uptime)
