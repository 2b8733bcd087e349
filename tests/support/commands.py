"""The commands of ``smtpgate`` as processes, in a directory of the test's own."""

from __future__ import annotations

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.process import smtpgate


class CommandTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()

    def file(self, name: str, text: str) -> str:
        (self.directory / name).write_text(text)
        return name

    def run_command(self, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
        return smtpgate(*arguments, stdin=stdin, cwd=self.directory)
