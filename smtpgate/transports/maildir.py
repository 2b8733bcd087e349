"""Mail into a Maildir.

A message is written to ``tmp/``, synced to disk, renamed into ``new/``, and the
directory is synced: then, and not before, the client gets its 250.  A crash
leaves a file in ``tmp/`` at most; such files are removed when they are 36 hours
old, as Maildir's own rules say.

The file has the trace header (``Return-Path``, RFC 5321 4.4, then ``Received``)
and the message octet for octet as it came, CRLF line ends included.
"""

from __future__ import annotations

import errno
import itertools
import os
import re
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpgate.smtp.reply import RECIPIENT_OK, SENDER_OK, START_MAIL, Reply, octets, queued
from smtpgate.smtp.session import Connection, Recipient, Transaction

_log = Logger(namespace="smtpgate.maildir")

#: Files that are written at a time by one transport.
WRITERS = 8
#: Octets that are collected before a thread writes them.
BLOCK = 256 * 1024
ABANDONED = 36 * 3600
_numbers = itertools.count(1)
#: What a file name in a Maildir cannot have of a host's name.
_RESERVED = re.compile(r"[/:,\s]")

#: What the system says when there is no room: on the disk, or in somebody's quota.
FULL = (errno.ENOSPC, errno.EDQUOT)
NO_ROOM = Reply(452, ("Insufficient system storage",), (4, 3, 1))
CANNOT_STORE = Reply(451, ("Cannot store the message, try again later",), (4, 3, 0))

#: Runs a function in another thread: ``deferToThread``, or a stand-in for tests.
InThread = Callable[..., Deferred[Any]]


class Maildir:
    """One Maildir, all recipients together.

    :param path: made when it is missing, readable by its owner only
    """

    answers_mail = False
    keeps_tls = True

    def __init__(self, name: str, path: Path, in_thread: InThread | None = None) -> None:
        if in_thread is None:
            from twisted.internet.threads import deferToThread

            in_thread = deferToThread
        self.name = name
        self.path = path
        self._in_thread = in_thread
        self._turns = DeferredSemaphore(WRITERS)

    def prepare(self) -> None:
        """Make the directories, and remove what crashes have left behind.

        :raises OSError: when that is not possible
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        for part in ("tmp", "new", "cur"):
            (self.path / part).mkdir(mode=0o700, exist_ok=True)
        oldest = time.time() - ABANDONED
        for file in (self.path / "tmp").iterdir():
            with suppress(OSError):
                if file.stat().st_mtime < oldest:
                    file.unlink()

    def begin(self, connection: Connection, transaction: Transaction) -> Delivery:
        return Delivery(self)

    def beside(self, path: Path) -> Maildir:
        """Another Maildir that shares this one's turns at the disk."""
        other = Maildir(self.name, path, self._in_thread)
        other._turns = self._turns
        return other

    def work(self, function: Callable[..., object], *arguments: object) -> Deferred[Any]:
        """Call a function that waits for the disk, in a thread, a bounded number at a time."""
        return self._turns.run(self._in_thread, function, *arguments)


class Delivery:
    """One message on its way into a Maildir."""

    def __init__(self, maildir: Maildir) -> None:
        self._maildir = maildir
        self._file: _File | None = None
        self._transaction: Transaction | None = None
        self._block: list[bytes] = []
        self._size = 0
        self._problem: OSError | None = None

    def mail(self, transaction: Transaction) -> Reply:
        self._transaction = transaction
        return SENDER_OK

    def rcpt(self, recipient: Recipient) -> Reply:
        return RECIPIENT_OK

    def data(self) -> Reply:
        assert self._transaction is not None
        sender = self._transaction.sender
        path = "" if sender is None else sender.text
        self._file = _File(self._maildir.path)
        self._block = [octets(f"Return-Path: <{path}>\r\n")]
        return START_MAIL

    def write(self, octets: bytes) -> Deferred[object] | None:
        if self._problem is not None:
            return None
        self._block.append(octets)
        self._size += len(octets)
        return self._flush() if self._size >= BLOCK else None

    def finish(self) -> Reply | Deferred[Reply]:
        assert self._file is not None and self._transaction is not None
        if self._problem is not None:
            return self._answer_problem(self._problem)
        stored = queued(self._transaction.id)
        done = self._maildir.work(self._file.commit, self._take())
        return done.addCallbacks(lambda _: stored, self._failed)

    def abort(self) -> None:
        file, self._file = self._file, None
        self._block = []
        if file is not None:
            self._maildir.work(file.remove).addErrback(self._report)

    def _take(self) -> bytes:
        block = b"".join(self._block)
        self._block, self._size = [], 0
        return block

    def _flush(self) -> Deferred[object]:
        assert self._file is not None
        return self._maildir.work(self._file.write, self._take()).addErrback(self._remember)

    def _remember(self, failure: Failure) -> None:
        # The rest of the message is still to come; it is refused when it is complete.
        if not isinstance(failure.value, OSError):
            failure.raiseException()
        self._problem = failure.value

    def _failed(self, failure: Failure) -> Reply:
        if not isinstance(failure.value, OSError):
            failure.raiseException()
        return self._answer_problem(failure.value)

    def _answer_problem(self, problem: OSError) -> Reply:
        _log.error(
            "maildir {path}: cannot store a message: {problem}",
            path=str(self._maildir.path),
            problem=problem.strerror,
        )
        self.abort()
        return NO_ROOM if problem.errno in FULL else CANNOT_STORE

    def _report(self, failure: Failure) -> None:
        _log.failure("maildir {path}: cannot remove a file", failure, path=str(self._maildir.path))


class _File:
    """A file in ``tmp/`` that becomes one in ``new/``.  All methods run in threads.

    The lock is for :meth:`remove`, which does not wait for its turn behind the others.
    """

    def __init__(self, maildir: Path) -> None:
        host = _RESERVED.sub("_", socket.gethostname())
        moment = time.time_ns()
        self._name = (
            f"{moment // 10**9}.M{moment // 1000 % 10**6}P{os.getpid()}Q{next(_numbers)}.{host}"
        )
        self._maildir = maildir
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._temporary: Path | None = None
        self._removed = False

    def write(self, octets: bytes) -> None:
        """More octets; they go nowhere when the file has been removed."""
        with self._lock:
            self._write(octets)

    def commit(self, octets: bytes) -> None:
        """The last octets; when this returns, the message survives a crash."""
        with self._lock:
            self._write(octets)
            if self._descriptor is None or self._temporary is None:
                return
            os.fsync(self._descriptor)
            self._close()
            directory = self._maildir / "new"
            os.rename(self._temporary, directory / self._name)
            self._temporary = None
            _sync(directory)

    def remove(self) -> None:
        """Give the message up, unless it is in ``new/`` already."""
        with self._lock:
            self._removed = True
            self._close()
            if self._temporary is not None:
                self._temporary.unlink(missing_ok=True)

    def _write(self, octets: bytes) -> None:
        if self._removed:
            return
        if self._descriptor is None:
            temporary = self._maildir / "tmp" / self._name
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            self._descriptor = os.open(temporary, flags, 0o600)
            self._temporary = temporary
        rest = memoryview(octets)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
