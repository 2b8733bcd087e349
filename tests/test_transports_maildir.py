"""The Maildir: what is in it, when, and what is left when something fails."""

from __future__ import annotations

import errno
import os
import stat
import time
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.session import Connection, Recipient, Transaction
from smtpgate.transports.maildir import BLOCK, CANNOT_STORE, NO_ROOM, Delivery, Maildir


class MaildirTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.path = Path(self.mktemp())
        self.maildir = Maildir("local", self.path, maybeDeferred)
        self.maildir.prepare()

    def begin(self, maildir: Maildir | None = None) -> Delivery:
        """A delivery that octets may be written to."""
        sender = Mailbox("jo", "example.org")
        self.transaction = Transaction(sender=sender, has_sender=True)
        delivery = (maildir or self.maildir).begin(Connection("in"), self.transaction)
        self.assertEqual(250, delivery.mail(self.transaction).code)
        self.assertEqual(250, delivery.rcpt(Recipient(sender, {}, "local")).code)
        self.assertEqual(354, delivery.data().code)
        return delivery

    def files(self, part: str) -> list[Path]:
        return sorted((self.path / part).iterdir())

    def finish(self, delivery: Delivery) -> Any:
        answer = delivery.finish()
        assert isinstance(answer, Deferred)
        return self.successResultOf(answer)

    def test_octets(self) -> None:
        """The file has the trace header and every octet, in new/, for its owner only."""
        delivery = self.begin()
        delivery.write(b"Received: x\r\n")
        delivery.write(b"Subject: \xff\r\n\r\n.\r\n")
        self.assertEqual(([], []), (self.files("tmp"), self.files("new")))
        reply = self.finish(delivery)
        self.assertEqual(Reply(250, (f"OK {self.transaction.id}",), (2, 0, 0)), reply)
        (file,) = self.files("new")
        self.assertEqual(
            b"Return-Path: <jo@example.org>\r\nReceived: x\r\nSubject: \xff\r\n\r\n.\r\n",
            file.read_bytes(),
        )
        self.assertEqual(0o600, stat.S_IMODE(file.stat().st_mode))
        self.assertEqual(0o700, stat.S_IMODE(self.path.stat().st_mode))
        self.assertEqual([], self.files("tmp"))

    def test_null_sender(self) -> None:
        """A bounce's return path is empty."""
        delivery = self.begin()
        self.transaction.sender = None
        delivery.data()
        self.finish(delivery)
        self.assertEqual(b"Return-Path: <>\r\n", self.files("new")[0].read_bytes())

    def test_large(self) -> None:
        """A large message goes to tmp/ block by block, and to new/ when it is complete."""
        delivery = self.begin()
        self.assertIsNone(delivery.write(b"a" * (BLOCK - 1)))
        block = delivery.write(b"bc")
        assert block is not None
        self.successResultOf(block)
        self.assertEqual(([], 1), (self.files("new"), len(self.files("tmp"))))
        delivery.write(b"d")
        self.finish(delivery)
        octets = self.files("new")[0].read_bytes()
        self.assertTrue(octets.endswith(b"\r\n" + b"a" * (BLOCK - 1) + b"bcd"))

    def test_abort(self) -> None:
        """A message that is given up leaves nothing; giving up twice does nothing more."""
        delivery = self.begin()
        delivery.write(b"a" * BLOCK)
        self.assertEqual(1, len(self.files("tmp")))
        delivery.abort()
        delivery.abort()
        self.assertEqual(([], []), (self.files("tmp"), self.files("new")))

    def test_abort_overtakes_a_write(self) -> None:
        """A write that a thread takes up after the end makes no file."""
        later: list[Any] = []

        def in_thread(function: Any, *arguments: Any) -> Deferred[Any]:
            later.append(lambda: function(*arguments))
            return Deferred()

        delivery = self.begin(Maildir("local", self.path, in_thread))
        delivery.write(b"a" * BLOCK)
        delivery.abort()
        write, remove = later
        remove()
        write()
        self.assertEqual(([], []), (self.files("tmp"), self.files("new")))

    def test_safe_before_it_is_said(self) -> None:
        """The file is synced, then renamed, then its directory is synced; then comes the 250."""
        calls: list[str] = []
        sync, rename = os.fsync, os.rename

        def fsync(descriptor: int) -> None:
            kind = "directory" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
            calls.append(f"sync {kind}")
            sync(descriptor)

        def renamed(source: Any, target: Any) -> None:
            calls.append("rename")
            rename(source, target)

        self.patch(os, "fsync", fsync)
        self.patch(os, "rename", renamed)
        delivery = self.begin()
        answer = delivery.finish()
        assert isinstance(answer, Deferred)
        answer.addCallback(lambda reply: calls.append(str(reply.code)))
        self.assertEqual(["sync file", "rename", "sync directory", "250"], calls)

    def fail(self, function: str, number: int) -> None:  # type: ignore[override]
        def failing(*_: object, **__: object) -> None:
            raise OSError(number, os.strerror(number))

        self.patch(os, function, failing)

    def test_faults(self) -> None:
        """Whatever the disk refuses: no 250, nothing in new/ and nothing in tmp/."""
        for function, number, expected in (
            ("open", errno.EACCES, CANNOT_STORE),
            ("write", errno.ENOSPC, NO_ROOM),
            ("write", errno.EDQUOT, NO_ROOM),
            ("fsync", errno.EIO, CANNOT_STORE),
            ("rename", errno.EIO, CANNOT_STORE),
        ):
            delivery = self.begin()
            real = getattr(os, function)
            SynchronousTestCase.patch(self, os, function, real)
            self.fail(function, number)
            self.assertEqual(expected, self.finish(delivery), function)
            setattr(os, function, real)
            self.assertEqual(([], []), (self.files("tmp"), self.files("new")), function)

    def test_full_disk_in_the_middle(self) -> None:
        """The rest of a message that cannot be kept is taken and dropped; the answer is 452."""
        delivery = self.begin()
        real = os.write
        self.fail("write", errno.ENOSPC)
        block = delivery.write(b"a" * BLOCK)
        assert block is not None
        self.successResultOf(block)
        os.write = real
        self.assertIsNone(delivery.write(b"b" * BLOCK))
        self.assertEqual(NO_ROOM, delivery.finish())
        self.assertEqual(([], []), (self.files("tmp"), self.files("new")))

    def test_names_are_unique(self) -> None:
        """Messages of the same moment have names of their own."""
        self.patch(time, "time_ns", lambda: 1_000_000_000)
        for _ in range(3):
            self.finish(self.begin())
        self.assertEqual(3, len(self.files("new")))

    def test_old_leftovers(self) -> None:
        """What a crash left in tmp/ is removed after 36 hours, and not before."""
        old, young = self.path / "tmp/old", self.path / "tmp/young"
        for file, hours in ((old, 37), (young, 35)):
            file.write_text("")
            moment = time.time() - hours * 3600
            os.utime(file, (moment, moment))
        self.maildir.prepare()
        self.assertEqual([young], self.files("tmp"))
