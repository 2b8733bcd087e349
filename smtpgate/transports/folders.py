"""Mail into a Maildir for each recipient: the path has ``{user}`` and ``{domain}`` in it.

What a client calls a recipient becomes part of a path here.  So each of the two is one whole
component, or part of one, that can neither be hidden, nor go up, nor go down: an address that
would is refused.
"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpgate.smtp.reply import RECIPIENT_OK, SENDER_OK, START_MAIL, Reply, worst
from smtpgate.smtp.session import Connection, Recipient, Transaction
from smtpgate.transports.maildir import CANNOT_STORE, FULL, NO_ROOM, Delivery, InThread, Maildir

_log = Logger(namespace="smtpgate.maildir")

PLACES = ("{user}", "{domain}")
#: Octets that one component of a path may have, on the file systems there are.
COMPONENT_LIMIT = 255

NO_FOLDER = Reply(550, ("No such user here",), (5, 1, 1))
BAD_NAME = Reply(550, ("This address cannot be a mailbox here",), (5, 1, 3))


class Folders:
    """A Maildir for each recipient.

    :param path: with ``{user}``, ``{domain}`` or both; lower-case, without the quotes of a local
        part
    :param create: folders are made when they are missing; otherwise there is no such user
    :param hostname: the domain of ``<Postmaster>``
    """

    answers_mail = False
    keeps_tls = True

    def __init__(
        self,
        name: str,
        path: Path,
        create: bool = True,
        hostname: str = "localhost",
        in_thread: InThread | None = None,
    ) -> None:
        self.name = name
        self.create = create
        self._template = path
        self._hostname = hostname
        self._shared = Maildir(name, path, in_thread)

    @property
    def path(self) -> Path:
        """The directory that all folders are in."""
        fixed = []
        for part in self._template.parts:
            if any(place in part for place in PLACES):
                break
            fixed.append(part)
        return Path(*fixed)

    def prepare(self) -> None:
        """Make that directory.

        :raises OSError: when that is not possible
        """
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def folder(self, recipient: Recipient) -> Path | None:
        """Where a recipient's mail goes; None for an address that cannot be a path."""
        mailbox = recipient.mailbox
        user = _component(mailbox.unquoted)
        domain = _component(mailbox.domain or self._hostname)
        if user is None or domain is None:
            return None
        parts = [
            part.replace("{user}", user).replace("{domain}", domain)
            if any(place in part for place in PLACES)
            else part
            for part in self._template.parts
        ]
        if any(len(os.fsencode(part)) > COMPONENT_LIMIT for part in parts):
            return None
        return Path(*parts)

    def maildir(self, folder: Path) -> Maildir:
        """The Maildir of one folder; all of them share their turns at the disk."""
        return self._shared.beside(folder)

    def begin(self, connection: Connection, transaction: Transaction) -> FoldersDelivery:
        return FoldersDelivery(self)


def _component(text: str) -> str | None:
    """Text of an address as part of a file's name; None when it would mean something there."""
    octets = text.encode("latin-1").lower()
    bad = any(octet < 32 or octet == 127 for octet in octets)
    if not octets or bad or octets.startswith(b".") or b"/" in octets:
        return None
    return os.fsdecode(octets)


class FoldersDelivery:
    """One message on its way into the folders of its recipients."""

    def __init__(self, folders: Folders) -> None:
        self._folders = folders
        self._transaction: Transaction | None = None
        self._parts: dict[Path, Delivery] = {}

    def mail(self, transaction: Transaction) -> Reply:
        self._transaction = transaction
        return SENDER_OK

    def rcpt(self, recipient: Recipient) -> Reply | Deferred[Reply]:
        folder = self._folders.folder(recipient)
        if folder is None:
            return BAD_NAME
        if folder in self._parts:
            return RECIPIENT_OK
        maildir = self._folders.maildir(folder)
        ready = maildir.work(_ready, maildir, self._folders.create)
        return ready.addCallbacks(partial(self._is_ready, maildir), partial(_failed, folder))

    def _is_ready(self, maildir: Maildir, exists: bool) -> Reply:
        if not exists:
            return NO_FOLDER
        assert self._transaction is not None
        part = Delivery(maildir)
        part.mail(self._transaction)
        self._parts[maildir.path] = part
        return RECIPIENT_OK

    def data(self) -> Reply:
        for part in self._parts.values():
            part.data()
        return START_MAIL

    def write(self, octets: bytes) -> Deferred[Any] | None:
        waits = [wait for part in self._parts.values() if (wait := part.write(octets)) is not None]
        return gatherResults(waits) if waits else None

    def finish(self) -> Deferred[Reply]:
        answers = [part.finish() for part in self._parts.values()]
        waited = [each if isinstance(each, Deferred) else succeed(each) for each in answers]
        return gatherResults(waited).addCallback(self._finished)

    def _finished(self, replies: list[Reply]) -> Reply:
        if len({reply.positive for reply in replies}) > 1:
            for folder, reply in zip(self._parts, replies, strict=True):
                _log.warn(
                    "maildir {folder}: folders disagree: {code} {text}",
                    folder=str(folder),
                    code=reply.code,
                    text=reply.text,
                )
        return worst(replies)

    def abort(self) -> None:
        for part in self._parts.values():
            part.abort()


def _ready(maildir: Maildir, create: bool) -> bool:
    """Whether a folder is there, made if it may be.  Runs in a thread."""
    if not create and not maildir.path.is_dir():
        return False
    if not (maildir.path / "new").is_dir() or not (maildir.path / "tmp").is_dir():
        maildir.prepare()
    return True


def _failed(folder: Path, failure: Failure) -> Reply:
    if not isinstance(failure.value, OSError):
        failure.raiseException()
    problem = failure.value
    _log.error("maildir {path}: {problem}", path=str(folder), problem=problem.strerror)
    return NO_ROOM if problem.errno in FULL else CANNOT_STORE
