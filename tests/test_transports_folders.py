"""A Maildir for each recipient, and none where an address leads elsewhere."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from unittest import mock

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.reply import RECIPIENT_OK
from smtpgate.smtp.session import Connection, Recipient, Transaction
from smtpgate.transports.folders import BAD_NAME, NO_FOLDER, Folders
from smtpgate.transports.maildir import NO_ROOM


def recipient(local, domain="example.net"):
    return Recipient(Mailbox(local, domain), {}, "local")


class PathTests(SynchronousTestCase):
    def folder(self, local, domain="example.net", template="/mail/{domain}/{user}"):
        return Folders("local", Path(template), hostname="gw.example").folder(
            recipient(local, domain)
        )

    def test_parts(self):
        """The parts of the address, in lower case, without the quotes."""
        self.assertEqual(self.folder("Jo", "Example.NET"), Path("/mail/example.net/jo"))
        self.assertEqual(self.folder('"a b"'), Path("/mail/example.net/a b"))
        self.assertEqual(self.folder("jo+tag"), Path("/mail/example.net/jo+tag"))
        self.assertEqual(self.folder("jo", "[192.0.2.1]"), Path("/mail/[192.0.2.1]/jo"))

    def test_places(self):
        """Wherever they stand."""
        found = self.folder("jo", template="/mail/x-{user}@{domain}/in")
        self.assertEqual(found, Path("/mail/x-jo@example.net/in"))

    def test_octets(self):
        """Octets of UTF-8 are those of the file's name."""
        found = self.folder("jö".encode().decode("latin-1"))
        self.assertEqual(os.fsencode(found), "/mail/example.net/jö".encode())

    def test_postmaster(self):
        """The Postmaster without a domain is the gateway's."""
        self.assertEqual(self.folder("Postmaster", ""), Path("/mail/gw.example/postmaster"))

    def test_elsewhere(self):
        """What would lead elsewhere, or be hidden, is no folder."""
        for local in (
            '".."', '"."', '"../x"', '"a/b"', '"/etc"', '".hidden"', '""', '"a\\/b"', '"\x7f"',
            "a/b", "/", "{user}/..", "x" * 256,
        ):  # fmt: skip
            self.assertIsNone(self.folder(local), local)
        self.assertIsNone(self.folder("jo", "../x"))

    @settings(deadline=None, derandomize=True, max_examples=300)
    @given(
        st.text(alphabet='./\\"a{}userdomain\0\x80', max_size=12),
        st.text(alphabet="./a{}\0", max_size=8),
    )
    def test_always_below(self, local, domain):
        """Whatever the address, its folder is two levels below the root, or nowhere."""
        found = self.folder(local, domain)
        if found is not None:
            path = os.path.normpath(found)
            self.assertEqual(path, str(found))
            self.assertTrue(path.startswith("/mail/"))
            self.assertEqual(path.count("/"), 3)


class DeliveryTests(SynchronousTestCase):
    def setUp(self):
        self.root = Path(self.mktemp())
        self.folders = self.make(self.root / "{domain}" / "{user}")

    def make(self, path, **options):
        folders = Folders("local", path, in_thread=maybeDeferred, **options)
        folders.prepare()
        return folders

    def begin(self, folders=None):
        transaction = Transaction(sender=Mailbox("a", "example.org"), has_sender=True)
        delivery = (folders or self.folders).begin(Connection("in"), transaction)
        self.assertEqual(delivery.mail(transaction).code, 250)
        return delivery

    def rcpt(self, delivery, *address):
        answer = delivery.rcpt(recipient(*address))
        return self.successResultOf(answer) if isinstance(answer, Deferred) else answer

    def files(self):
        return sorted(
            str(file.parent.relative_to(self.root))
            for file in self.root.rglob("*")
            if file.is_file()
        )

    def test_each(self):
        """Each recipient's folder has the message, once."""
        delivery = self.begin()
        for local in ("b", "c", "B"):
            self.assertEqual(self.rcpt(delivery, local), RECIPIENT_OK)
        delivery.data()
        delivery.write(b"text\r\n")
        self.assertEqual(self.files(), [])
        self.assertEqual(self.successResultOf(delivery.finish()).code, 250)
        self.assertEqual(self.files(), ["example.net/b/new", "example.net/c/new"])
        for file in self.root.glob("*/*/new/*"):
            self.assertEqual(file.read_bytes(), b"Return-Path: <a@example.org>\r\ntext\r\n")

    def test_abort(self):
        """A message that is given up is nowhere."""
        delivery = self.begin()
        self.rcpt(delivery, "b")
        delivery.data()
        delivery.write(b"x" * 1_000_000)
        self.assertEqual(self.files(), ["example.net/b/tmp"])
        delivery.abort()
        self.assertEqual(self.files(), [])

    def test_bad_name(self):
        """An address that cannot be a folder is refused."""
        self.assertEqual(self.rcpt(self.begin(), '"../b"'), BAD_NAME)

    def test_existing_only(self):
        """Without `create` there are no users but those that have a folder."""
        folders = self.make(self.root / "{domain}" / "{user}", create=False)
        (self.root / "example.net" / "b").mkdir(parents=True)
        delivery = self.begin(folders)
        self.assertEqual(self.rcpt(delivery, "b"), RECIPIENT_OK)
        self.assertEqual(self.rcpt(delivery, "c"), NO_FOLDER)
        self.assertFalse((self.root / "example.net" / "c").exists())

    def test_no_room_for_a_folder(self):
        """A folder that cannot be made for want of room is a 452."""
        full = OSError(errno.ENOSPC, "No space left on device")
        with mock.patch("os.mkdir", side_effect=full):
            self.assertEqual(self.rcpt(self.begin(), "b"), NO_ROOM)

    def test_one_is_full(self):
        """When one folder has no room, the client hears of it."""
        delivery = self.begin()
        self.rcpt(delivery, "b")
        self.rcpt(delivery, "c")
        delivery.data()
        renames = [OSError(errno.EDQUOT, "Quota exceeded"), None]
        with mock.patch("os.rename", side_effect=renames):
            self.assertEqual(self.successResultOf(delivery.finish()), NO_ROOM)
