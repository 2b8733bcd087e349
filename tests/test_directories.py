"""What shows of directories before anything is written to them."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.assembly import Problems, assemble
from smtpgate.servers import prepare

SERVER = """\
[[servers]]
id = "in"
transport = "local"
listeners = [{ endpoint = "tcp:2525" }]
"""
STATE = 'hostname = "gw.test"\nstate = "var"\n'
MAILDIR = '[transports.local]\ntype = "maildir"\npath = "mail"\n'
FOLDERS = '[transports.local]\ntype = "maildir"\npath = "mail/{user}"\n'
CERTIFICATE = "[certificates.own]\nself_signed = true\n"


class UnwritableTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        (self.directory / "scripts").mkdir(parents=True)
        (self.directory / "scripts/reject.hsl").write_text("Reject();")
        self.state = self.directory / "var"
        self.file = self.directory / "smtpgate.toml"

    def errors(self, *parts: str) -> list[str]:
        """What a check finds; it must leave everything as it was."""
        self.file.write_text("".join((*parts, SERVER)))
        before = sorted(self.directory.rglob("*"))
        try:
            assemble(self.file, make=False)
            found = []
        except Problems as error:
            found = [str(each).removeprefix(f"{self.file}:") for each in error.problems]
        self.assertEqual(before, sorted(self.directory.rglob("*")))
        return found

    def test_nothing_there(self) -> None:
        """What is missing will be made."""
        hook = 'hooks = { eodonce = "reject.hsl" }\n'
        self.assertEqual([], self.errors(STATE, MAILDIR, CERTIFICATE))
        self.assertEqual([], self.errors(STATE, FOLDERS))
        self.file.write_text(STATE + MAILDIR + SERVER + hook)
        assemble(self.file, make=False)

    def test_file_in_the_way(self) -> None:
        """A file instead of the state directory is one error, whatever is to be there."""
        self.state.write_text("")
        expected = [f"2: state: {self.state} is no directory, expected a writable directory"]
        self.assertEqual(expected, self.errors(STATE, MAILDIR, CERTIFICATE))
        self.assertEqual(expected, self.errors(STATE, FOLDERS))
        discard = '[transports.local]\ntype = "discard"\n'
        self.assertEqual([], self.errors(STATE, discard))
        self.file.write_text(STATE + discard + SERVER + '[servers.hooks]\neodrcpt = "reject.hsl"\n')
        error = self.assertRaises(Problems, assemble, self.file, make=False)
        self.assertEqual(f"{self.file}:{expected[0]}", str(error))

    def test_above(self) -> None:
        """So is one further up; without `state` in the file its first line stands for it."""
        (self.directory / "data").write_text("")
        self.assertEqual(
            [
                f"1: state: {self.directory}/data/var cannot be made: {self.directory}/data "
                "is no directory, expected a writable directory"
            ],
            self.errors('state = "data/var"\n', MAILDIR),
        )
        self.directory.joinpath("var").symlink_to("nowhere")
        self.assertEqual(
            [f"1: state: {self.state} is no directory, expected a writable directory"],
            self.errors(MAILDIR),
        )

    def test_below(self) -> None:
        """Each place that cannot be written to has its key."""
        (self.state / "mail").mkdir(parents=True)
        (self.state / "mail/new").write_text("")
        (self.state / "certificates").write_text("")
        self.assertEqual(
            [
                f"4: certificates.own.self_signed: {self.state}/certificates is no directory, "
                "expected a writable directory",
                f"7: transports.local.path: {self.state}/mail/new is no directory, "
                "expected a writable directory",
            ],
            self.errors(STATE, CERTIFICATE, MAILDIR),
        )

    def test_denied(self) -> None:
        """A directory that this user may not write to, where there is something to write."""
        self.file.write_text(STATE + CERTIFICATE + MAILDIR + SERVER)
        prepare(assemble(self.file))
        denied: set[str] = set()
        really = os.access

        def access(path: object, mode: int) -> bool:
            return str(path) not in denied and really(str(path), mode)

        with patch("os.access", access):
            # All that is needed is there already.
            denied |= {str(self.directory), str(self.state), str(self.state / "certificates")}
            self.assertEqual([], self.errors(STATE, CERTIFICATE, MAILDIR))
            self.assertEqual([], self.errors(STATE, FOLDERS))
            self.assertEqual(
                [
                    f"2: state: {self.state} cannot be written to, expected a writable directory",
                ],
                self.errors(STATE, MAILDIR.replace('"mail"', '"other"')),
            )
            denied.add(str(self.state / "mail/tmp"))
            self.assertEqual(
                [
                    f"5: transports.local.path: {self.state}/mail/tmp cannot be written to, "
                    "expected a writable directory"
                ],
                self.errors(STATE, MAILDIR),
            )
