"""Files below the script root (manual: File and HTTP), for reading only.

Reads are plain blocking ones of a local disk, each bounded in size.
"""

from __future__ import annotations

import io
import os
import re
import stat
from typing import Annotated, BinaryIO, TypeAlias

from smtpgate.hsl.builtin import (
    BOOLEAN,
    INTEGER,
    NO_OPTIONS,
    STRING,
    Array,
    BuiltinClass,
    Integer,
    Kind,
    Option,
    Options,
    String,
    Value,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats import csvtext
from smtpgate.hsl.library.capabilities import capability
from smtpgate.hsl.limits.bounds import MAX_STRING, check_array, check_string
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.sources import ScriptFileError, ScriptRoot
from smtpgate.hsl.values import Function, Object, arrays, to_string

#: Files that all scripts together may have open: sessions need descriptors, too.
MAX_OPEN = 256


def open_file(execution: Execution, function: str, filename: str) -> tuple[str, BinaryIO]:
    """A file of the script root: its path there, and what reads it.

    :param function: the script's function, as messages name it
    :raises Fault: if the file is outside the root or cannot be read
    """
    root: ScriptRoot = capability(execution, "files", function)
    # Names are octets to the system; the decoding that brings them back unchanged.
    name = os.fsdecode(filename.encode("latin-1"))
    try:
        path = root.resolve(name)
        # Neither a link put there since, nor a pipe that nobody writes to.
        number = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except ScriptFileError as error:
        raise Fault(f"{function}: {error}") from None
    except FileNotFoundError:
        raise Fault(f"{function}: {root.missing(name)}") from None
    except OSError as error:
        raise Fault(f'{function}: "{name}" cannot be read: {error.strerror}') from None
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise Fault(f'{function}: "{name}" is no regular file')
    shown = os.fsencode(path.relative_to(root.directory.resolve())).decode("latin-1")
    return shown, open(number, "rb")


def read_whole(execution: Execution, function: str, filename: str) -> str:
    """The octets of a file.

    :raises Fault: as :func:`open_file`, and for more than a string may have
    """
    stream = open_file(execution, function, filename)[1]
    with stream:
        octets = stream.read(MAX_STRING + 1)
    check_string(len(octets))
    return octets.decode("latin-1")


def split_lines(text: str) -> list[str]:
    """The lines of a text without their LF or CRLF; none behind the last line end."""
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    check_array(len(lines))
    return [line.removesuffix("\r") for line in lines]


# str.split() would take octets above 127 for spaces, too.
_SPACES = " \t\r\v\f"
_SPACE = re.compile(f"[{_SPACES}]+")

# Numbers are exact up to here, and so are positions.
_FAR = 2**53

_WHENCE = {"SEEK_SET": os.SEEK_SET, "SEEK_CUR": os.SEEK_CUR, "SEEK_END": os.SEEK_END}


# What String() gives back, nameable before the class is.
_FileValue: TypeAlias = Annotated[Object, Kind("File", lambda value: isinstance(value, File))]


class File(Object):
    """A file below the script root, open for reading; or a string read like one.

    It is closed when nothing refers to it any more.

    .. code-block:: hsl

      $file = File::String("Hello\\nWorld");
      while (($line = $file->readline()) !== none)
        echo $line;
      // => Hello
      // => World
    """

    __slots__ = ("path", "stream")

    class_name = "File"
    open_count = 0

    def __init__(self, path: str | None, stream: BinaryIO) -> None:
        self.path = path
        self.stream: BinaryIO | None = stream
        if path is not None:
            File.open_count += 1

    def release(self) -> None:
        """Close what reads the file; a second time nothing happens."""
        if self.stream is not None:
            self.stream.close()
            self.stream = None
            if self.path is not None:
                File.open_count -= 1

    def __del__(self) -> None:
        self.release()

    @builtin("File")
    @staticmethod
    def constructor(execution: Execution, filename: String) -> Value:
        """Open a file; one that cannot be read is an error.

        :param string filename: the path below the script root
        """
        if File.open_count >= MAX_OPEN:
            raise Fault(f"File(): scripts have {MAX_OPEN} files open, which is the limit")
        return File(*open_file(execution, "File()", filename))

    @builtin("String")
    @staticmethod
    def string(data: String) -> _FileValue:
        """A file whose content is a string.

        :param string data: the content
        :return: the file
        :rtype: File

        .. code-block:: hsl

          echo File::String("Hello\\nWorld")->readline();  // => Hello
        """
        return File(None, io.BytesIO(data.encode("latin-1")))

    @builtin("close")
    def close(self) -> None:
        """Close the file; reading it then gives none.

        :return: none

        .. code-block:: hsl

          $file = File::String("Hello");
          $file->close();
          echo $file->read();  // => none
        """
        self.release()

    @builtin("read")
    def read(self, length: Integer | None = None) -> String | None:
        """Read on; at the end of the file the result is an empty string.

        :param number length: the most octets to read; all if left out
        :return: the octets; none if the file is closed
        :rtype: string or none

        .. code-block:: hsl

          $file = File::String("Hello World");
          echo $file->read(5);  // => Hello
          echo $file->read();   // =>  World
        """
        if self.stream is None or (length is not None and length < 0):
            return None
        most = MAX_STRING + 1 if length is None else min(length, MAX_STRING)
        try:
            octets = self.stream.read(most)
        except OSError:
            return None
        check_string(len(octets))
        return octets.decode("latin-1")

    @builtin("readline")
    def readline(self) -> String | None:
        """Read one line, without its CRLF or LF.

        :return: the line; none at the end of the file
        :rtype: string or none

        .. code-block:: hsl

          echo File::String("Hello\\r\\nWorld")->readline();  // => Hello
        """
        if self.stream is None:
            return None
        try:
            octets = self.stream.readline(MAX_STRING + 1)
        except OSError:
            return None
        check_string(len(octets))
        if not octets:
            return None
        if octets.endswith(b"\n"):
            octets = octets[:-1].removesuffix(b"\r")
        return octets.decode("latin-1")

    @builtin("seek")
    def seek(self, offset: Integer, whence: String = "SEEK_SET") -> Integer | None:
        """Go to a position; none for one before the file's begin.

        :param number offset: the offset
        :param string whence: what it counts from: ``SEEK_SET`` (the begin),
            ``SEEK_CUR`` (the current position) or ``SEEK_END``
        :return: the position from the begin
        :rtype: number or none

        .. code-block:: hsl

          $file = File::String("Hello World");
          echo $file->seek(-5, "SEEK_END");  // => 6
          echo $file->read();  // => World
        """
        origin = _WHENCE.get(whence)
        if origin is None:
            names = '"SEEK_SET", "SEEK_CUR", "SEEK_END"'
            raise Fault(f'seek() parameter "whence" must be one of {names}; "{whence}" given')
        if self.stream is None:
            return None
        try:
            # A string's reader would take a position before its begin for the begin.
            base = (0, self.stream.tell(), 0)[origin]
            if origin == os.SEEK_END:
                base = self._size(self.stream)
            if not 0 <= base + offset <= _FAR:
                return None
            return self.stream.seek(base + offset)
        except OSError:
            return None

    @staticmethod
    def _size(stream: BinaryIO) -> int:
        here = stream.tell()
        size = stream.seek(0, os.SEEK_END)
        stream.seek(here)
        return size

    @builtin("tell")
    def tell(self) -> Integer | None:
        """The current position.

        :return: the position from the begin; none if the file is closed
        :rtype: number or none

        .. code-block:: hsl

          $file = File::String("Hello World");
          $file->read(5);
          echo $file->tell();  // => 5
        """
        return None if self.stream is None else self.stream.tell()

    @builtin("getPath")
    def getPath(self) -> String | None:
        """The file's path below the script root; none for a string.

        :return: the path
        :rtype: string or none

        .. code-block:: hsl

          echo File::String("Hello")->getPath();  // => none
        """
        return self.path


@builtin("file")
def file(execution: Execution, filename: String) -> Array:
    """The lines of a file, without CRLF or LF; older than :class:`File`.

    :param string filename: the path below the script root
    :return: the lines
    :rtype: array

    .. code-block:: hsl

      foreach (file("blocked.txt") as $line)
        echo $line;
      // => spam.example
      // => junk.example
    """
    return split_lines(read_whole(execution, "file()", filename))


@builtin("file_get_contents")
def file_get_contents(execution: Execution, filename: String) -> String:
    """The content of a file; older than :class:`File`.

    :param string filename: the path below the script root
    :return: the content
    :rtype: string

    .. code-block:: hsl

      echo length(file_get_contents("blocked.txt"));  // => 26
    """
    return read_whole(execution, "file_get_contents()", filename)


_IN_FILE_OPTIONS = {
    "type": Option(
        (STRING,), "text/plain", "How lines are made of words.", ("text/plain", "text/csv")
    ),
    "delimiter": Option(
        (STRING,), None, "What separates words: white space, or a comma in ``text/csv``."
    ),
    "assoc": Option((BOOLEAN,), True, "The first line of ``text/csv`` names the words."),
    "index": Option((INTEGER,), 0, "Which word of a line to compare, counted from 0."),
}


@builtin("in_file", options=_IN_FILE_OPTIONS)
def in_file(
    execution: Execution, needle: Value, filename: String, options: Options = NO_OPTIONS
) -> Array:
    """The first line of a file that has a word at its begin, as an array of its words.

    :param any needle: the word, or a function that takes the words of a line and
        says whether it is the line
    :param string filename: the path below the script root
    :param array options: options array
    :return: the line's words; empty if there is no such line
    :rtype: array

    .. code-block:: hsl

      $row = in_file("192.0.2.1", "hosts.csv", ["type" => "text/csv"]);
      if ($row) echo $row["comment"];  // => mail server
    """
    text = read_whole(execution, "in_file()", filename)
    delimiter = options["delimiter"]
    rows: Array
    if options["type"] == "text/csv":
        rows = csvtext.decode("in_file()", text, delimiter or ",", options["assoc"])
    else:
        if delimiter == "":
            raise Fault('in_file() option "delimiter" must not be empty')
        rows = [
            line.split(delimiter) if delimiter else _SPACE.split(line.strip(_SPACES))
            for line in split_lines(text)
        ]
    is_line = needle.accepting(1) if isinstance(needle, Function) else None
    wanted = "" if is_line else to_string(needle)
    for found in arrays.values(rows):
        row = arrays.expect_array(found, "in_file() line")
        words = list(arrays.values(row))
        if is_line:
            if is_line(row):
                return row
        elif 0 <= options["index"] < len(words) and words[options["index"]] == wanted:
            return row
    return []


FUNCTIONS = (file, file_get_contents, in_file)
CLASSES = (BuiltinClass(File),)
