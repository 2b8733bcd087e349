"""Plays the transcripts of ``dialogs/``, and holds their reader to its word."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.dialog import Mismatch, parse, play

DIALOGS = Path(__file__).parent / "dialogs"


class DialogTests(SynchronousTestCase):
    """One test for each transcript, named after its file."""


def _test(path):
    def test(self):
        play(path.read_text("latin-1"))

    test.__doc__ = path.read_text("latin-1").partition("\n")[0].removeprefix("# ")
    return test


for _path in sorted(DIALOGS.glob("*/*.txt")):
    _name = "_".join(_path.relative_to(DIALOGS).with_suffix("").parts).replace("-", "_")
    setattr(DialogTests, f"test_{_name}", _test(_path))


class ReaderTests(SynchronousTestCase):
    """A transcript that does not fit is noticed."""

    SCRIPT = 'script:\n    if ($command == "FAIL") Reply($nothing);\n\n'

    def mismatch(self, dialogue):
        return str(self.assertRaises(Mismatch, play, self.SCRIPT + dialogue))

    def test_collected(self):
        """There are transcripts, and each says in its first line what it shows."""
        paths = list(DIALOGS.glob("*/*.txt"))
        self.assertGreater(len(paths), 30)
        for path in paths:
            self.assertRegex(path.read_text("latin-1"), r"\A# [A-Z0-9$].*[.]\n", path.name)

    def test_other_words(self):
        """The server says something else."""
        self.assertEqual(
            self.mismatch("S: 220 another.example.org ESMTP\n"),
            "line 4: expected '220 another.example.org ESMTP', "
            "the server said '220 gw.example.org ESMTP' []",
        )

    def test_silence(self):
        """The server says nothing."""
        self.assertEqual(
            self.mismatch("S: ...\nS: 250 2.0.0 OK\n"),
            "line 5: silence instead of: 250 2.0.0 OK []",
        )

    def test_more_words(self):
        """The server says more than the transcript, at its end or before the client's turn."""
        self.assertEqual(
            self.mismatch("S: ...\nC: NOOP\n"), "line 5: the server says more: ['250 2.0.0 OK']"
        )
        self.assertEqual(
            self.mismatch("C: NOOP\nS: ...\n"),
            "line 4: the server says more: ['220 gw.example.org ESMTP']",
        )

    def test_unexpected_error(self):
        """A script that fails and is not expected to."""
        self.assertEqual(
            self.mismatch("S: ...\nC: FAIL\nS: ...\n"),
            "a script failed: proxy.hsl:1:31: undefined variable $nothing",
        )

    def test_missing_error(self):
        """A script that does not fail and is expected to."""
        self.assertEqual(
            self.mismatch("S: ...\n-- error: x\n"), "line 5: expected error 'x', logged: 'nothing'"
        )

    def test_not_closed(self):
        """The server keeps a connection that it should close."""
        self.assertEqual(
            self.mismatch("S: ...\n-- closed\n"), "line 5: the connection is still open"
        )

    def test_no_mail(self):
        """Mail that never came."""
        self.assertEqual(
            self.mismatch("S: ...\n-- mail from <a@b> to <c@d>\n"), "line 5: no mail was accepted"
        )

    def test_no_transcript(self):
        """What is no transcript at all."""
        for text, message in [
            ("", "a transcript without a dialogue"),
            ("S: x\nscript: y\n", "line 2 is no line of a transcript: script: y"),
            ("S:x\n", "line 1 is no line of a transcript: S:x"),
        ]:
            self.assertEqual(str(self.assertRaises(ValueError, parse, text)), message)

    def test_unknown_words(self):
        """A mistyped key or direction is no test that passes."""
        for text, message in [
            ("colour: red\nS: ...\n", "unknown keys in the head of a transcript: colour"),
            ("S: ...\n-- jumps\n", "line 2: no such direction: jumps"),
        ]:
            self.assertEqual(str(self.assertRaises(ValueError, play, text)), message)
