"""One log, whoever writes it.

Workers have the supervisor's observers, and what these write to they share: a terminal, a pipe,
syslog.  A file that rotates is different: it must have one writer.  A worker's lines for it go to
the supervisor, which writes them as they are.
"""

from __future__ import annotations

import socket
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.logger import FileLogObserver, globalLogPublisher
from twisted.python.logfile import BaseLogFile


def rotating() -> list[FileLogObserver]:
    """The observers that write to files which rotate, as ``twistd --logfile`` makes one."""
    observers = getattr(globalLogPublisher, "_observers", ())
    return [
        observer
        for observer in observers
        if isinstance(observer, FileLogObserver) and isinstance(_file(observer), BaseLogFile)
    ]


def _file(observer: FileLogObserver) -> Any:
    return getattr(observer, "_outFile", None)


class _Pen:
    """The file of a worker's observer: all goes to the supervisor."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def write(self, text: str | bytes) -> None:
        self._connection.sendall(text.encode() if isinstance(text, str) else text)

    def flush(self) -> None:
        """Everything has been sent."""


def write_to(connection: socket.socket, observer: FileLogObserver) -> None:
    """In a worker: let an observer write to the supervisor.

    :param connection: one that blocks: a line is not lost, and not put off, as with a file
    """
    pen: Any = _Pen(connection)
    mine: Any = FileLogObserver(pen, observer.formatEvent)
    shared: Any = observer
    globalLogPublisher.addObserver(mine)
    globalLogPublisher.removeObserver(shared)


class Scribe(Protocol):
    """In the supervisor: writes a worker's lines, whole ones only."""

    def __init__(self, observer: FileLogObserver) -> None:
        self._file = _file(observer)
        self._rest = b""

    def dataReceived(self, data: bytes) -> None:
        """Octets of lines."""
        lines, end, rest = data.rpartition(b"\n")
        if end:
            self._write(self._rest + lines + end)
            self._rest = rest
        else:
            self._rest += rest

    def connectionLost(self, reason: Any = None) -> None:
        """The worker has ended; its last line may have no end."""
        if self._rest:
            self._write(self._rest + b"\n")

    def _write(self, lines: bytes) -> None:
        self._file.write(lines)
        self._file.flush()
