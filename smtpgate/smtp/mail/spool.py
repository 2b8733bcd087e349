"""A message that is kept until somebody has looked at it as a whole.

Small messages stay in memory, others in a file without a name: it is gone when it
is closed, or when the process ends, however that happens.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

#: Octets that stay in memory.
IN_MEMORY = 65_536
#: Octets of one read.
BLOCK = 65_536
#: Octets and lines of the longest header that is looked at.
LONGEST_HEADER = 262_144
MOST_LINES = 10_000


class Spool:
    """One message, without the trace header of this server.

    :param directory: for the file; None for the system's
    """

    __slots__ = ("_body", "_file", "problem", "size")

    def __init__(self, directory: Path | None) -> None:
        place = None if directory is None else str(directory)
        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, dir=place)  # noqa: SIM115 (abort closes it)
        self._body: int | None = None
        #: Why the message is not complete.
        self.problem: OSError | None = None
        self.size = 0

    def write(self, octets: bytes) -> None:
        """More of the message; what cannot be kept is in :attr:`problem`."""
        if self.problem is not None or self._file.closed:
            return
        try:
            self._file.write(octets)
        except OSError as problem:
            self.problem = problem
            return
        self.size += len(octets)

    def header(self) -> bytes:
        """The header with the line end of its last field, without the blank line.

        :raises ValueError: when it is longer than :data:`LONGEST_HEADER` or :data:`MOST_LINES`
        :raises OSError: when the file cannot be read
        """
        self._file.seek(0)
        start = self._file.read(LONGEST_HEADER + 4)
        if start.startswith(b"\r\n"):
            self._body = 2
            return b""
        end = start.find(b"\r\n\r\n")
        if end < 0 and len(start) > LONGEST_HEADER:
            raise ValueError(f"the header has more than {LONGEST_HEADER} octets")
        if start.count(b"\n", 0, len(start) if end < 0 else end) >= MOST_LINES:
            raise ValueError(f"the header has more than {MOST_LINES} lines")
        if end >= 0:
            self._body = end + 4
            return start[: end + 2]
        self._body = len(start)
        return start if start.endswith(b"\r\n") or not start else start + b"\r\n"

    def blocks(self, header: bytes | None = None) -> Iterator[bytes]:
        """The message in pieces; several readers may take turns.

        :param header: instead of its own, as :meth:`header` gives it
        :raises OSError: when the file cannot be read
        """
        place = 0
        if header is not None:
            if self._body is None:
                self.header()
            assert self._body is not None
            place = self._body
            yield header + b"\r\n"
        while True:
            self._file.seek(place)
            block = self._file.read(BLOCK)
            if not block:
                return
            place += len(block)
            yield block

    def length(self, header: bytes) -> int:
        """Octets of the message with another header."""
        if self._body is None:
            self.header()
        assert self._body is not None
        return len(header) + 2 + self.size - self._body

    def abort(self) -> None:
        """Forget the message; calling it again does nothing."""
        self._file.close()
