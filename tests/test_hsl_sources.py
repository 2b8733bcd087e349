"""The files that scripts reach: those below their root, and nothing else."""

from __future__ import annotations

import os
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.sources import NoFiles, ScriptFileError, ScriptRoot, Texts


class ScriptRootTests(SynchronousTestCase):
    """A directory as the world of scripts."""

    def setUp(self) -> None:
        outside = Path(self.mktemp())
        self.directory = outside / "root"
        (self.directory / "sub").mkdir(parents=True)
        (outside / "secret").write_bytes(b"secret")
        (outside / "rootless").mkdir()
        (outside / "rootless" / "secret").write_bytes(b"secret")
        (self.directory / "a.hsl").write_bytes(b"echo \xe9;")
        (self.directory / "sub" / "b.hsl").write_bytes(b"b")
        self.outside = outside.resolve()
        self.root = ScriptRoot(self.directory)

    def refusal(self, path: str) -> str:
        with self.assertRaises(ScriptFileError) as caught:
            self.root.read(path, "main")
        return str(caught.exception)

    def test_read(self) -> None:
        """Name and text, one character an octet; file: may stand in front."""
        wanted = (str(self.directory / "a.hsl"), "echo \xe9;")
        for path in ("a.hsl", "file:a.hsl", "sub/../a.hsl", "./a.hsl"):
            name, text = self.root.read(path, "main")
            self.assertEqual(text, wanted[1], path)
            self.assertTrue(name.endswith("a.hsl"), path)
        self.assertEqual(self.root.read("a.hsl", "main"), wanted)
        self.assertEqual(self.root.read("sub/b.hsl", "main")[1], "b")

    def test_missing(self) -> None:
        """No such file."""
        for path in ("c.hsl", "sub/c.hsl"):
            self.assertEqual(
                self.refusal(path), f'there is no file "{path}" in the script root {self.directory}'
            )

    def test_names(self) -> None:
        """What is no name, and what is absolute."""
        self.assertEqual(self.refusal(""), '"" is no file name')
        self.assertEqual(self.refusal("file:"), '"file:" is no file name')
        self.assertEqual(self.refusal("a\0b"), '"a\0b" is no file name')
        for path in ("/etc/passwd", "file:/etc/passwd", "//etc/passwd", f"{self.outside}/secret"):
            self.assertEqual(self.refusal(path), f'"{path}" must be relative to the script root')

    def test_upwards(self) -> None:
        """No number of .. leads out, nor does a directory whose name begins like the root's."""
        for path in ("../secret", "sub/../../secret", "file:../secret", "../rootless/secret", ".."):
            self.assertEqual(self.refusal(path), f'"{path}" is outside the script root')

    def test_links(self) -> None:
        """A link may lead anywhere below the root, and not out of it."""
        (self.directory / "out").symlink_to(self.outside / "secret")
        (self.directory / "up").symlink_to("..")
        (self.directory / "within").symlink_to("sub/b.hsl")
        (self.directory / "loop").symlink_to("loop")
        self.assertEqual(self.refusal("out"), '"out" is outside the script root')
        self.assertEqual(self.refusal("up/secret"), '"up/secret" is outside the script root')
        self.assertEqual(self.root.read("within", "main")[1], "b")
        self.assertRegex(self.refusal("loop"), '^"loop" cannot be read')

    def test_no_files(self) -> None:
        """Directories, pipes and devices are refused at once."""
        os.mkfifo(self.directory / "pipe")
        self.assertEqual(self.refusal("pipe"), '"pipe" is no file')
        self.assertEqual(self.refusal("sub"), '"sub" is no file')
        self.assertEqual(self.refusal("."), '"." is no file')


class OtherSourcesTests(SynchronousTestCase):
    """Sources without a directory."""

    def test_none(self) -> None:
        """A script that stands alone reaches no file."""
        with self.assertRaises(ScriptFileError) as caught:
            NoFiles().read("a", "main")
        self.assertEqual(
            str(caught.exception), '"a" cannot be read: this script has no script root'
        )

    def test_texts(self) -> None:
        """Texts by name, with file: or without."""
        texts = Texts({"a": "1"})
        self.assertEqual(texts.read("file:a", "main"), ("a", "1"))
        with self.assertRaises(ScriptFileError) as caught:
            texts.read("b", "main")
        self.assertEqual(str(caught.exception), 'there is no file "b"')
