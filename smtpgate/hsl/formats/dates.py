"""Dates as text: the conversions of POSIX ``strftime`` and ``strptime``, in English.

All times are UTC.  The conversions are done here and not by C's library, whose
result depends on the process's locale and on the system.
"""

from __future__ import annotations

import re
import time
from calendar import timegm
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import Final

from smtpgate.hsl.errors import Fault

DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip

#: Conversions that stand for a row of others.
_COMPOUND: Final[Mapping[str, str]] = {
    "c": "%a %b %e %H:%M:%S %Y",
    "D": "%m/%d/%y",
    "F": "%Y-%m-%d",
    "h": "%b",
    "r": "%I:%M:%S %p",
    "R": "%H:%M",
    "T": "%H:%M:%S",
    "v": "%e-%b-%Y",
    "x": "%m/%d/%y",
    "X": "%H:%M:%S",
    "+": "%a %b %e %H:%M:%S %Z %Y",
}
_CONVERSION: Final = re.compile(r"%([EO]?)(.?)", re.DOTALL)


def _hour12(hour: int) -> int:
    return hour % 12 or 12


def _iso_week(moment: time.struct_time) -> tuple[int, int]:
    """The ISO 8601 year and week, for any year."""
    week = (moment.tm_yday - moment.tm_wday + 9) // 7
    if week < 1:
        year = moment.tm_year - 1
        return year, _iso_weeks(year)
    if week > _iso_weeks(moment.tm_year):
        return moment.tm_year + 1, 1
    return moment.tm_year, week


def _iso_weeks(year: int) -> int:
    def last_day(year: int) -> int:
        return (year + year // 4 - year // 100 + year // 400) % 7

    return 53 if last_day(year) == 4 or last_day(year - 1) == 3 else 52


_FORMATS: Final[Mapping[str, Callable[[time.struct_time], str]]] = {
    "%": lambda t: "%",
    "a": lambda t: DAYS[t.tm_wday][:3],
    "A": lambda t: DAYS[t.tm_wday],
    "b": lambda t: MONTHS[t.tm_mon - 1][:3],
    "B": lambda t: MONTHS[t.tm_mon - 1],
    "C": lambda t: f"{t.tm_year // 100:02}",
    "d": lambda t: f"{t.tm_mday:02}",
    "e": lambda t: f"{t.tm_mday:2}",
    "g": lambda t: f"{_iso_week(t)[0] % 100:02}",
    "G": lambda t: str(_iso_week(t)[0]),
    "H": lambda t: f"{t.tm_hour:02}",
    "I": lambda t: f"{_hour12(t.tm_hour):02}",
    "j": lambda t: f"{t.tm_yday:03}",
    "k": lambda t: f"{t.tm_hour:2}",
    "l": lambda t: f"{_hour12(t.tm_hour):2}",
    "m": lambda t: f"{t.tm_mon:02}",
    "M": lambda t: f"{t.tm_min:02}",
    "n": lambda t: "\n",
    "p": lambda t: "AM" if t.tm_hour < 12 else "PM",
    "s": lambda t: str(timegm(t)),
    "S": lambda t: f"{t.tm_sec:02}",
    "t": lambda t: "\t",
    "u": lambda t: str(t.tm_wday + 1),
    "U": lambda t: f"{(t.tm_yday + 6 - (t.tm_wday + 1) % 7) // 7:02}",
    "V": lambda t: f"{_iso_week(t)[1]:02}",
    "w": lambda t: str((t.tm_wday + 1) % 7),
    "W": lambda t: f"{(t.tm_yday + 6 - t.tm_wday) // 7:02}",
    "y": lambda t: f"{t.tm_year % 100:02}",
    "Y": lambda t: str(t.tm_year),
    "z": lambda t: "+0000",
    "Z": lambda t: "UTC",
}


def format_time(form: str, seconds: float) -> str:
    """A time as ``form`` says; a conversion that does not exist stays as it is.

    :param seconds: since 1970-01-01T00:00:00Z; decimals are dropped
    :raises Fault: if the time is out of range
    """
    try:
        moment = time.gmtime(int(seconds // 1))
    except (OverflowError, ValueError, OSError):
        raise Fault("the time is out of range") from None

    def convert(found: re.Match[str]) -> str:
        code = found[2]
        if code in _COMPOUND:
            return _CONVERSION.sub(convert, _COMPOUND[code])
        make = _FORMATS.get(code)
        return found[0] if make is None else make(moment)

    return _CONVERSION.sub(convert, form)


#: What is read: the pattern of a conversion, and the name of the field it fills.
_NUMBERS: Final[Mapping[str, tuple[str, int, int, str]]] = {
    "C": (r"\d{1,2}", 0, 99, "century"),
    "d": (r"\d{1,2}", 1, 31, "day"),
    "e": (r"\d{1,2}", 1, 31, "day"),
    "G": (r"\d{1,4}", 1, 9999, "iso_year"),
    "H": (r"\d{1,2}", 0, 23, "hour"),
    "I": (r"\d{1,2}", 1, 12, "hour12"),
    "j": (r"\d{1,3}", 1, 366, "year_day"),
    "k": (r"\d{1,2}", 0, 23, "hour"),
    "l": (r"\d{1,2}", 1, 12, "hour12"),
    "m": (r"\d{1,2}", 1, 12, "month"),
    "M": (r"\d{1,2}", 0, 59, "minute"),
    "s": (r"-?\d{1,15}", -(10**15), 10**15, "epoch"),
    "S": (r"\d{1,2}", 0, 60, "second"),
    "u": (r"\d", 1, 7, "iso_weekday"),
    "U": (r"\d{1,2}", 0, 53, "sunday_week"),
    "V": (r"\d{1,2}", 1, 53, "iso_week"),
    "w": (r"\d", 0, 6, "weekday"),
    "W": (r"\d{1,2}", 0, 53, "monday_week"),
    "y": (r"\d{1,2}", 0, 99, "short_year"),
    "Y": (r"\d{1,4}", 1, 9999, "year"),
}
_NAMES: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "a": (DAYS, "iso_weekday"),
    "A": (DAYS, "iso_weekday"),
    "b": (MONTHS, "month"),
    "B": (MONTHS, "month"),
}
_ZONE: Final = re.compile(r"[Zz]|([+-])(\d\d):?([0-5]\d)?|(?:UTC|GMT|UT)", re.ASCII | re.IGNORECASE)
_SPACE: Final = " \t\r\n\v\f"


class _Reader:
    """Reads a text along a format and collects fields."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.place = 0
        self.fields: dict[str, int] = {}

    def read(self, form: str) -> bool:
        """Whether the text is as ``form`` says from here on."""
        at = 0
        while at < len(form):
            found = _CONVERSION.match(form, at)
            if found is None:
                if not self._literal(form[at]):
                    return False
                at += 1
                continue
            if not self._conversion(found[2]):
                return False
            at = found.end()
        return True

    def _literal(self, character: str) -> bool:
        # Space in the format stands for any amount of it, also none.
        if character in _SPACE:
            self._skip_space()
            return True
        if self.text[self.place : self.place + 1] != character:
            return False
        self.place += 1
        return True

    def _skip_space(self) -> None:
        while self.place < len(self.text) and self.text[self.place] in _SPACE:
            self.place += 1

    def _conversion(self, code: str) -> bool:
        if code in _COMPOUND:
            return self.read(_COMPOUND[code])
        if code in ("n", "t"):
            self._skip_space()
            return True
        if code in _NUMBERS:
            return self._number(*_NUMBERS[code])
        if code in _NAMES:
            return self._name(*_NAMES[code])
        if code == "p":
            return self._half_day()
        if code in ("z", "Z"):
            return self._zone()
        return code == "%" and self._literal("%")

    def _number(self, pattern: str, least: int, most: int, field: str) -> bool:
        self._skip_space()
        found = re.compile(pattern, re.ASCII).match(self.text, self.place)
        if found is None or not least <= int(found[0]) <= most:
            return False
        self.fields[field] = int(found[0])
        self.place = found.end()
        return True

    def _name(self, names: tuple[str, ...], field: str) -> bool:
        rest = self.text[self.place : self.place + 9].lower()
        for number, name in enumerate(names, 1):
            for form in (name.lower(), name[:3].lower()):
                if rest.startswith(form):
                    self.fields[field] = number
                    self.place += len(form)
                    return True
        return False

    def _half_day(self) -> bool:
        half = self.text[self.place : self.place + 2].lower()
        if half not in ("am", "pm"):
            return False
        self.fields["afternoon"] = int(half == "pm")
        self.place += 2
        return True

    def _zone(self) -> bool:
        found = _ZONE.match(self.text, self.place)
        if found is None:
            return False
        offset = 0
        if found[1]:
            offset = int(found[2]) * 3600 + int(found[3] or 0) * 60
        self.fields["offset"] = -offset if found[1] == "-" else offset
        self.place = found.end()
        return True


def parse_time(text: str, form: str, now: float) -> float | None:
    """The time that a text stands for, or ``None`` if it is not as ``form`` says.

    What is larger than the largest given unit is taken from ``now``, what is
    smaller than the smallest one is the least possible: "13:58" is a time of
    today, "2019-03-01" midnight.

    :param now: seconds since 1970-01-01T00:00:00Z
    """
    reader = _Reader(text)
    if not reader.read(form) or reader.place != len(text):
        return None
    fields = reader.fields
    offset = fields.get("offset", 0)
    if "epoch" in fields:
        return float(fields["epoch"])
    # "Now" as the clocks show it where the text was written.
    today = time.gmtime(int(now // 1) + offset)
    try:
        day = _date(fields, today)
    except (ValueError, OverflowError):
        return None
    hour, minute, second = _clock(fields, today)
    return float(timegm((day.year, day.month, day.day, hour, minute, second)) - offset)


def _clock(fields: Mapping[str, int], today: time.struct_time) -> tuple[int, int, int]:
    hour = fields.get("hour")
    if "hour12" in fields:
        hour = fields["hour12"] % 12 + 12 * fields.get("afternoon", 0)
    given = {"hour": hour, "minute": fields.get("minute"), "second": fields.get("second")}
    current = {"hour": today.tm_hour, "minute": today.tm_min, "second": today.tm_sec}
    # Once a unit is given, or a date is, those below it start at 0.
    least = bool(_DATE_FIELDS & fields.keys())
    found = []
    for unit, value in given.items():
        if value is None:
            value = 0 if least else current[unit]
        else:
            least = True
        found.append(value)
    return found[0], found[1], found[2]


_DATE_FIELDS: Final = frozenset(
    {
        "century", "day", "iso_week", "iso_weekday", "iso_year", "monday_week", "month",
        "short_year", "sunday_week", "weekday", "year", "year_day",
    }
)  # fmt: skip


def _date(fields: Mapping[str, int], today: time.struct_time) -> date:
    """:raises ValueError: for a date that does not exist"""
    year = _year(fields)
    weekday = fields.get("iso_weekday")
    if weekday is None and "weekday" in fields:
        weekday = fields["weekday"] or 7
    if "month" in fields or "day" in fields:
        if year is None:
            year = today.tm_year
            month = fields.get("month", today.tm_mon)
        else:
            month = fields.get("month", 1)
        return date(year, month, fields.get("day", 1))
    this_year = today.tm_year if year is None else year
    if "year_day" in fields:
        day = date(this_year, 1, 1) + timedelta(fields["year_day"] - 1)
        if day.year != this_year:
            raise ValueError("the year has no such day")
        return day
    if "iso_week" in fields:
        iso_year = fields.get("iso_year", this_year)
        return date.fromisocalendar(iso_year, fields["iso_week"], weekday or 1)
    for field, first in (("monday_week", 1), ("sunday_week", 7)):
        if field in fields:
            return _in_week(this_year, fields[field], weekday or first, first)
    if year is not None:
        return date(year, 1, 1)
    current = date(today.tm_year, today.tm_mon, today.tm_mday)
    if weekday is not None:
        # A weekday alone is the one of this week.
        return current + timedelta(weekday - current.isoweekday())
    return current


def _year(fields: Mapping[str, int]) -> int | None:
    if "year" in fields:
        return fields["year"]
    short = fields.get("short_year")
    if "century" in fields:
        return fields["century"] * 100 + (short or 0)
    if short is None:
        return None
    # POSIX: 69 to 99 are of the 20th century.
    return short + (1900 if short >= 69 else 2000)


def _in_week(year: int, week: int, weekday: int, first: int) -> date:
    """A day by the number of its week; week 1 begins with the year's first Monday or Sunday."""
    start = date(year, 1, 1)
    start += timedelta((first - start.isoweekday()) % 7)
    return start + timedelta(7 * (week - 1) + (weekday - first) % 7)


__all__ = ["format_time", "parse_time"]
