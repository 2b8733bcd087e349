"""The chapter on date and time."""

import datetime
import time

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from tests.support.calls import StubExecution, call

#: Friday, 2019-03-01T05:01:01Z.
NOW = 1551416461


class ClockTests(SynchronousTestCase):
    """Functions that ask the execution's clock."""

    def test_time(self):
        """The environment's clock, not the system's."""
        self.assertEqual(call("time", execution=StubExecution(1.25)), 1.25)

    def test_timelocal(self):
        """The time zone's offset is added."""
        zone = time.localtime(NOW).tm_gmtoff
        self.assertEqual(call("timelocal", execution=StubExecution(NOW)), NOW + zone)

    def test_executiontime(self):
        """Since the script's start."""
        execution = StubExecution(100)
        execution.clock.advance(2.5)
        self.assertEqual(call("executiontime", execution=execution), 2.5)

    def test_uptime(self):
        """It is never set back."""
        first = call("uptime")
        self.assertGreaterEqual(call("uptime"), first)

    def test_sleep(self):
        """The script waits for as long, and hears how long it was."""
        execution = StubExecution(10)
        self.assertEqual(call("sleep", 2.5, execution=execution), 2.5)
        self.assertEqual(execution.waited, [2.5])

    def test_sleep_less_than_nothing(self):
        """A negative time is none, but others have their turn."""
        execution = StubExecution()
        self.assertEqual(call("sleep", -1, execution=execution), 0)
        self.assertEqual(execution.waited, [0])

    def test_sleep_refused(self):
        """No endless sleep."""
        for seconds in (86401, float("inf"), float("nan")):
            error = self.assertRaises(Fault, call, "sleep", seconds)
            self.assertEqual(
                str(error), f'sleep() parameter "seconds" must be at most 86400, {seconds} given'
            )


class StrftimeTests(SynchronousTestCase):
    """strftime()."""

    def test_now(self):
        """Without a time it is now, in UTC."""
        self.assertEqual(call("strftime", "%H:%M:%S", execution=StubExecution(NOW)), "05:01:01")

    def test_conversions(self):
        """Each of POSIX, and FreeBSD's own."""
        for form, text in (
            ("%a %A %b %B %h", "Fri Friday Mar March Mar"),
            ("%C %d %e %y %Y", "20 01  1 19 2019"),
            ("%D %F %T %R", "03/01/19 2019-03-01 05:01:01 05:01"),
            ("%c", "Fri Mar  1 05:01:01 2019"),
            ("%x %X", "03/01/19 05:01:01"),
            ("%H %I %k %l %M %S %p %r", "05 05  5  5 01 01 AM 05:01:01 AM"),
            ("%j %u %w %U %W", "060 5 5 08 08"),
            ("%G %g %V", "2019 19 09"),
            ("%n%t%%", "\n\t%"),
            ("%s %z %Z", "1551416461 +0000 UTC"),
            ("%v", " 1-Mar-2019"),
            ("%+", "Fri Mar  1 05:01:01 UTC 2019"),
            ("%Ey %Od", "19 01"),
            ("%q %Q %", "%q %Q %"),
            ("\xff%Y", "\xff2019"),
        ):
            self.assertEqual(call("strftime", form, NOW), text)

    def test_decimals(self):
        """They are dropped, downwards."""
        self.assertEqual(call("strftime", "%T", 1.9), "00:00:01")
        self.assertEqual(call("strftime", "%T", -0.5), "23:59:59")

    def test_noon_and_midnight(self):
        """Twelve o'clock is AM at night and PM at noon."""
        self.assertEqual(call("strftime", "%I %p", 0), "12 AM")
        self.assertEqual(call("strftime", "%I %p", 43200), "12 PM")

    def test_too_long(self):
        """A hundred octets, no more."""
        self.assertEqual(len(call("strftime", "x" * 96 + "%Y", NOW)), 100)
        error = self.assertRaises(Fault, call, "strftime", "x" * 97 + "%Y", NOW)
        self.assertEqual(str(error), "strftime() gives at most 100 octets, not 101")
        error = self.assertRaises(Fault, call, "strftime", "%%" * 51, NOW)
        self.assertEqual(str(error), 'strftime() parameter "format" may have at most 100 octets')

    def test_out_of_range(self):
        """A time no calendar has."""
        error = self.assertRaises(Fault, call, "strftime", "%F", 1e300)
        self.assertEqual(str(error), "the time is out of range")
        error = self.assertRaises(Fault, call, "strftime", "%F", float("nan"))
        self.assertEqual(
            str(error), 'strftime() parameter "time" must be a finite number, nan given'
        )

    @settings(deadline=None, derandomize=True)
    @given(st.datetimes(datetime.datetime(1000, 1, 1)), st.sampled_from("aAbBdejyYgGVuUwWHIMSp"))
    def test_as_python(self, moment, code):
        """The same as Python's, for any day."""
        moment = moment.replace(microsecond=0, tzinfo=datetime.UTC)
        expected = moment.strftime(f"%{code}")
        self.assertEqual(call("strftime", f"%{code}", moment.timestamp()), expected)


class StrptimeTests(SynchronousTestCase):
    """strptime()."""

    def read(self, text, form):
        """The time a text stands for, written out."""
        found = call("strptime", text, form, execution=StubExecution(NOW))
        return None if found is None else call("strftime", "%F %T", found)

    def test_whole(self):
        """Nothing is left to guess."""
        for text, form in (
            ("2019-03-01 12:30:05", "%Y-%m-%d %H:%M:%S"),
            ("2019-03-01T12:30:05Z", "%FT%T%Z"),
            ("Fri, 1 Mar 2019 13:30:05 +0100", "%a, %d %b %Y %T %z"),
            ("fri march 01 2019 07:30:05 am -05:00", "%A %B %d %Y %I:%M:%S %p %z"),
            ("1551443405", "%s"),
            ("  19/3/1   12:30:5", "%y/%m/%d %T"),
            ("2019060123005", "%Y%j%H%M%S"),
            ("03/01/19 12:30:05 PM 100%", "%D %r 100%%"),
        ):
            self.assertEqual(self.read(text, form), "2019-03-01 12:30:05", text)

    def test_today(self):
        """What is larger is today's."""
        self.assertEqual(self.read("13:58:38", "%H:%M:%S"), "2019-03-01 13:58:38")
        self.assertEqual(self.read("13:58", "%R"), "2019-03-01 13:58:00")
        self.assertEqual(self.read("7:05", "%M:%S"), "2019-03-01 05:07:05")
        self.assertEqual(self.read("30", "%S"), "2019-03-01 05:01:30")
        self.assertEqual(self.read("12-24", "%m-%d"), "2019-12-24 00:00:00")
        self.assertEqual(self.read("15", "%d"), "2019-03-15 00:00:00")
        self.assertEqual(self.read("", ""), "2019-03-01 05:01:01")

    def test_least(self):
        """What is smaller is the least possible."""
        self.assertEqual(self.read("2020", "%Y"), "2020-01-01 00:00:00")
        self.assertEqual(self.read("2020-07", "%Y-%m"), "2020-07-01 00:00:00")
        self.assertEqual(self.read("July", "%b"), "2019-07-01 00:00:00")
        self.assertEqual(self.read("2020 15", "%Y %H"), "2020-01-01 15:00:00")
        self.assertEqual(self.read("20", "%C"), "2000-01-01 00:00:00")

    def test_weeks(self):
        """Days by their week."""
        self.assertEqual(self.read("2019-09-5", "%G-%V-%u"), "2019-03-01 00:00:00")
        self.assertEqual(self.read("2019 08 5", "%Y %W %w"), "2019-03-01 00:00:00")
        self.assertEqual(self.read("2019 08 5", "%Y %U %w"), "2019-03-01 00:00:00")
        self.assertEqual(self.read("2019 08", "%Y %U"), "2019-02-24 00:00:00")
        self.assertEqual(self.read("Sunday", "%A"), "2019-03-03 00:00:00")

    def test_two_digit_years(self):
        """69 is 1969, 68 is 2068."""
        self.assertEqual(self.read("69", "%y"), "1969-01-01 00:00:00")
        self.assertEqual(self.read("68", "%y"), "2068-01-01 00:00:00")

    def test_zone_decides_what_today_is(self):
        """At five in the morning in London it is still yesterday in Honolulu."""
        self.assertEqual(self.read("23:00 -1000", "%R %z"), "2019-03-01 09:00:00")

    def test_other_text(self):
        """none for a text that is not as the format says."""
        for text, form in (
            ("25:00", "%R"), ("12:60", "%R"), ("2019-02-29", "%F"), ("2019-13-01", "%F"),
            ("2019-03-01 ", "%F"), ("x2019-03-01", "%F"), ("Foo", "%a"), ("12 XM", "%I %p"),
            ("2019 366", "%Y %j"), ("CET", "%Z"), ("1", "%q"), ("\xb2", "%d"), ("", "%d"),
            ("2021-53-1", "%G-%V-%u"), ("1", "%"), ("a", "b"),
        ):  # fmt: skip
            self.assertIsNone(self.read(text, form), (text, form))

    def test_long(self):
        """A text that strftime() cannot have written is none of its."""
        self.assertIsNone(self.read("1" * 101, "%s"))

    @settings(deadline=None, derandomize=True)
    @given(
        st.integers(-30000000000, 200000000000),
        st.sampled_from(["%F %T", "%a, %d %b %Y %T %z", "%s", "%c", "%Y-%j %r", "%G-%V-%u %T"]),
    )
    def test_round_trip(self, seconds, form):
        """What was written is read again."""
        text = call("strftime", form, seconds)
        self.assertEqual(call("strptime", text, form), seconds)

    @settings(deadline=None, derandomize=True)
    @given(st.text("%aAbBcCdDeEgGhHIjkmMnpOrRsStTuUVwWyYzZ :-0123", max_size=12), st.data())
    def test_total(self, form, data):
        """Any format and any text give a number or none."""
        text = data.draw(st.text("0123456789:- +FriMarAMZ", max_size=12))
        found = call("strptime", text, form)
        self.assertTrue(found is None or isinstance(found, float))
