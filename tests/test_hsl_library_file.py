"""Files below the script root, and strings read like files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import file
from smtpgate.hsl.limits.bounds import MAX_STRING
from smtpgate.hsl.sources import ScriptRoot
from smtpgate.hsl.values import Map
from tests.support.library import Running, call, method, options, script_function

FILE = file.CLASSES[0]


class RootCase(SynchronousTestCase):
    """A script root with a few files, and things beside it that no script may see."""

    def setUp(self) -> None:
        top = Path(self.mktemp())
        self.root = top / "scripts"
        (self.root / "lists").mkdir(parents=True)
        (top / "secret.txt").write_bytes(b"secret")
        (self.root / "hello.txt").write_bytes(b"Hello\r\nW\xf6rld\n\nend")
        (self.root / "empty.txt").write_bytes(b"")
        (self.root / "lists" / "hosts.csv").write_bytes(
            b'ip,comment\r\n192.0.2.1,"web, server"\r\n192.0.2.2,mail\r\n'
        )
        (self.root / "words.txt").write_bytes(b"jo  1\tx\nsam:2 3\n\xa0y 4\n")
        self.running = Running(files=ScriptRoot(self.root))

    def open(self, name: str) -> Any:
        return call(FILE.constructor, name, running=self.running)

    def fault(self, function: Any, *arguments: Any) -> str:
        error = self.assertRaises(Fault, call, function, *arguments, running=self.running)
        return str(error)


class FileTests(RootCase):
    """The class File."""

    def test_read(self) -> None:
        """In pieces, to the end, and an empty string behind it."""
        opened = self.open("hello.txt")
        self.assertEqual(method(opened, "read", 5.0), "Hello")
        self.assertEqual(method(opened, "tell"), 5)
        self.assertEqual(method(opened, "read"), "\r\nW\xf6rld\n\nend")
        self.assertEqual(method(opened, "read"), "")
        self.assertEqual(method(opened, "read", 10.0), "")
        self.assertEqual(method(opened, "read", 0.0), "")
        self.assertIsNone(method(opened, "read", -1.0))

    def test_readline(self) -> None:
        """Lines without CRLF or LF, empty ones too, the last without an end, then none."""
        opened = self.open("hello.txt")
        lines = [method(opened, "readline") for _ in range(6)]
        self.assertEqual(lines, ["Hello", "W\xf6rld", "", "end", None, None])
        self.assertIsNone(method(self.open("empty.txt"), "readline"))

    def test_seek(self) -> None:
        """From the begin, the position and the end; none before the begin."""
        for opened in (
            self.open("hello.txt"),
            call(FILE.statics["String"], "Hello\r\nW\xf6rld\n\nend"),
        ):
            self.assertEqual(method(opened, "seek", 7.0), 7)
            self.assertEqual(method(opened, "read", 1.0), "W")
            self.assertEqual(method(opened, "seek", -2.0, "SEEK_CUR"), 6)
            self.assertEqual(method(opened, "seek", -3.0, "SEEK_END"), 14)
            self.assertEqual(method(opened, "read"), "end")
            self.assertEqual(method(opened, "seek", 100.0), 100)
            self.assertEqual(method(opened, "read"), "")
            self.assertIsNone(method(opened, "seek", -1.0))
            self.assertIsNone(method(opened, "seek", -101.0, "SEEK_CUR"))
            self.assertIsNone(method(opened, "seek", 1e30))
            self.assertEqual(method(opened, "tell"), 100)

    def test_seek_whence(self) -> None:
        """Another whence is a fault that names the three."""
        opened = self.open("hello.txt")
        error = self.assertRaises(Fault, method, opened, "seek", 0.0, "END")
        self.assertEqual(
            str(error),
            'seek() parameter "whence" must be one of "SEEK_SET", "SEEK_CUR", "SEEK_END";'
            ' "END" given',
        )

    def test_closed(self) -> None:
        """A closed file gives none to everything; closing twice is nothing."""
        opened = self.open("hello.txt")
        self.assertIsNone(method(opened, "close"))
        method(opened, "close")
        for name, arguments in (("read", ()), ("readline", ()), ("seek", (0.0,)), ("tell", ())):
            self.assertIsNone(method(opened, name, *arguments))

    def test_path(self) -> None:
        """The path below the root; none for a string."""
        self.assertEqual(method(self.open("lists/../hello.txt"), "getPath"), "hello.txt")
        self.assertEqual(method(self.open("file:lists/hosts.csv"), "getPath"), "lists/hosts.csv")
        self.assertIsNone(method(call(FILE.statics["String"], "x"), "getPath"))

    def test_string(self) -> None:
        """A string with all octets."""
        opened = call(FILE.statics["String"], "Hello\nW\xffrld")
        self.assertEqual(method(opened, "readline"), "Hello")
        self.assertEqual(method(opened, "read"), "W\xffrld")

    def test_name_in_utf8(self) -> None:
        """A name is octets: a script in UTF-8 finds a file named in UTF-8."""
        (self.root / "gr\u00fcn.txt").write_bytes(b"green")
        opened = self.open("gr\xc3\xbcn.txt")
        self.assertEqual(method(opened, "read"), "green")
        self.assertEqual(method(opened, "getPath"), "gr\xc3\xbcn.txt")

    def test_too_long(self) -> None:
        """More than a string may have is a fault, in read() and in readline()."""
        with (self.root / "large.txt").open("wb") as large:
            large.truncate(MAX_STRING + 1)
        message = (
            f"a string may have at most {MAX_STRING} octets, this one would have {MAX_STRING + 1}"
        )
        for name in ("read", "readline"):
            error = self.assertRaises(Fault, method, self.open("large.txt"), name)
            self.assertEqual(str(error), message)
        self.assertEqual(self.fault(file.file_get_contents, "large.txt"), message)
        opened = self.open("large.txt")
        self.assertEqual(len(method(opened, "read", 1e12)), MAX_STRING)
        self.assertEqual(len(method(opened, "read")), 1)

    def test_descriptors_are_freed(self) -> None:
        """A file that nothing refers to any more is closed."""
        before = len(os.listdir("/proc/self/fd")), file.File.open_count
        for _ in range(10):
            self.open("hello.txt")
        self.assertEqual((len(os.listdir("/proc/self/fd")), file.File.open_count), before)

    def test_open_files_are_bounded(self) -> None:
        """Scripts cannot use up the descriptors that sessions need."""
        self.patch(file, "MAX_OPEN", file.File.open_count + 2)
        held = [self.open("hello.txt"), self.open("empty.txt")]
        self.assertEqual(
            self.fault(FILE.constructor, "hello.txt"),
            f"File(): scripts have {file.MAX_OPEN} files open, which is the limit",
        )
        method(held[0], "close")
        self.assertEqual(method(self.open("hello.txt"), "read", 1.0), "H")


class ConfinementTests(RootCase):
    """What is not below the root does not exist."""

    def test_outside(self) -> None:
        """Neither dots nor absolute paths nor links lead out of the root."""
        (self.root / "link.txt").symlink_to("../secret.txt")
        (self.root / "up").symlink_to("..")
        secret = str((self.root.parent / "secret.txt").resolve())
        for name, message in (
            ("../secret.txt", 'File(): "../secret.txt" is outside the script root'),
            (
                "lists/../../secret.txt",
                'File(): "lists/../../secret.txt" is outside the script root',
            ),
            ("link.txt", 'File(): "link.txt" is outside the script root'),
            ("up/secret.txt", 'File(): "up/secret.txt" is outside the script root'),
            (secret, f'File(): "{secret}" must be relative to the script root'),
            ("/dev/zero", 'File(): "/dev/zero" must be relative to the script root'),
            ("hello.txt\0", 'File(): "hello.txt\0" is no file name'),
            ("", 'File(): "" is no file name'),
        ):
            self.assertEqual(self.fault(FILE.constructor, name), message)

    def test_link_inside(self) -> None:
        """A link that stays below the root is followed."""
        (self.root / "lists" / "link.txt").symlink_to("../hello.txt")
        self.assertEqual(method(self.open("lists/link.txt"), "read", 5.0), "Hello")

    def test_no_regular_files(self) -> None:
        """Directories and pipes are no files, and opening a pipe does not wait."""
        os.mkfifo(self.root / "pipe")
        for name in ("lists", "pipe"):
            self.assertEqual(
                self.fault(FILE.constructor, name), f'File(): "{name}" is no regular file'
            )

    def test_missing(self) -> None:
        """A file that is not there is a fault that says who looked, and where."""
        words = f'there is no file "no.txt" in the script root {self.root}'
        for function, shown in (
            (FILE.constructor, "File()"),
            (file.file, "file()"),
            (file.file_get_contents, "file_get_contents()"),
        ):
            self.assertEqual(self.fault(function, "no.txt"), f"{shown}: {words}")
        self.assertEqual(self.fault(file.in_file, "x", "no.txt"), f"in_file(): {words}")

    def test_through_a_file(self) -> None:
        """A file is no directory."""
        self.assertEqual(
            self.fault(FILE.constructor, "hello.txt/x"),
            'File(): "hello.txt/x" cannot be read: Not a directory',
        )

    def test_no_root(self) -> None:
        """Without a script root there are no files."""
        error = self.assertRaises(Fault, call, FILE.constructor, "x", running=Running())
        self.assertEqual(str(error), "File() is not available here")


class OlderFunctionTests(RootCase):
    """file(), file_get_contents() and in_file()."""

    def call(self, function: Any, *arguments: Any) -> Any:
        return call(function, *arguments, running=self.running)

    def test_file(self) -> None:
        """Lines without their ends."""
        self.assertEqual(self.call(file.file, "hello.txt"), ["Hello", "W\xf6rld", "", "end"])
        self.assertEqual(self.call(file.file, "empty.txt"), [])

    def test_file_get_contents(self) -> None:
        """The octets."""
        self.assertEqual(self.call(file.file_get_contents, "hello.txt"), "Hello\r\nW\xf6rld\n\nend")

    def test_in_file(self) -> None:
        """The line whose word it is, split at white space of ASCII only."""
        self.assertEqual(self.call(file.in_file, "jo", "words.txt"), ["jo", "1", "x"])
        self.assertEqual(self.call(file.in_file, "\xa0y", "words.txt"), ["\xa0y", "4"])
        self.assertEqual(self.call(file.in_file, "jo ", "words.txt"), [])
        self.assertEqual(
            self.call(file.in_file, 3.0, "words.txt", options(index=1.0)), ["sam:2", "3"]
        )
        self.assertEqual(
            self.call(file.in_file, "sam", "words.txt", options(delimiter=":")), ["sam", "2 3"]
        )
        self.assertEqual(self.call(file.in_file, "x", "words.txt", options(index=9.0)), [])

    def test_in_file_csv(self) -> None:
        """Rows with the names of the first line, or without."""
        csv = options(type="text/csv")
        self.assertEqual(
            self.call(file.in_file, "192.0.2.1", "lists/hosts.csv", csv),
            Map({"ip": "192.0.2.1", "comment": "web, server"}),
        )
        plain = options(type="text/csv", assoc=False)
        self.assertEqual(self.call(file.in_file, "ip", "lists/hosts.csv", plain), ["ip", "comment"])

    def test_in_file_callback(self) -> None:
        """A function decides by the words."""
        is_mail = script_function(lambda row: row["comment"] == "mail", 1)
        row = self.call(file.in_file, is_mail, "lists/hosts.csv", options(type="text/csv"))
        self.assertEqual(row, Map({"ip": "192.0.2.2", "comment": "mail"}))

    def test_in_file_delimiter(self) -> None:
        """An empty delimiter is a fault."""
        self.assertEqual(
            self.fault(file.in_file, "x", "words.txt", options(delimiter="")),
            'in_file() option "delimiter" must not be empty',
        )
