"""Log events as lines for people."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger, LogLevel
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.loglines import line


class LineTests(SynchronousTestCase):
    """What an operator reads."""

    def setUp(self) -> None:
        self.events: list[Any] = []

    def logger(self, namespace: str = "smtpgate") -> Logger:
        return Logger(namespace=namespace, observer=self.events.append)  # type: ignore[arg-type]

    def lines(self) -> list[str | None]:
        """The lines without their times, whose form is checked."""
        found = []
        for event in self.events:
            text = line(event)
            if text is not None:
                stamp, _, text = text.partition(" ")
                self.assertRegex(stamp, r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4}$")
            found.append(text)
        return found

    def test_own(self) -> None:
        """Our own events at all levels; the level is named where it matters."""
        log = self.logger()
        log.info("{session}: connected", session="inbound 192.0.2.1:1")
        log.warn("{what} expires", what="certificate {x}")
        log.error("not reloaded")
        self.assertEqual(
            self.lines(),
            [
                "inbound 192.0.2.1:1: connected\n",
                "warn: certificate {x} expires\n",
                "error: not reloaded\n",
            ],
        )

    def test_no_files(self) -> None:
        """Twisted closes clients for want of open files and calls that information: it is more."""
        log = self.logger("twisted.internet.tcp.Port")
        log.info("EMFILE encountered; releasing reserved file descriptor.")
        log.info("EMFILE recovery: Closed socket from {address}", address="192.0.2.1")
        words = "warn: clients are turned away: too many open files (ulimit -n)\n"
        self.assertEqual(self.lines(), [words, None])

    def test_several_lines(self) -> None:
        """What follows the first line is indented: no text can look like another event."""
        self.logger().error("these:\n{problems}", problems="one\ntwo")
        self.assertEqual(self.lines(), ["error: these:\n    one\n    two\n"])

    def test_failure(self) -> None:
        """A failure comes with its traceback."""
        try:
            raise ValueError("broken")
        except ValueError:
            self.logger().failure("{session}: failed", Failure(), session="s")  # type: ignore[no-untyped-call]
        (text,) = self.lines()
        assert text is not None
        self.assertTrue(text.startswith("critical: s: failed\n    Traceback"), text)
        self.assertTrue(text.endswith("builtins.ValueError: broken\n"), text)

    def test_others(self) -> None:
        """What Twisted says about itself is left out, its troubles are not."""
        log = self.logger("twisted.internet.tcp")
        log.info("Starting factory")
        log.warn("odd: {value!r}", value="x")
        self.assertEqual(self.lines(), [None, "warn: odd: 'x'\n"])

    def test_time(self) -> None:
        """The time is the event's, to the second, and no line has another's."""
        event = {"log_level": LogLevel.info, "log_namespace": "smtpgate", "log_format": "x"}
        first, second, again = (
            line({**event, "log_time": when}) for when in (1e9 + 0.9, 1e9 + 1, 1e9)
        )
        self.assertNotEqual(first, second)
        self.assertEqual(first, again)
