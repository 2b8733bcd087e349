"""Accounts for AUTH: the users file, checked through twisted.cred.

One account a line, ``name:hash``; empty lines and lines that begin with ``#`` are
comments.  The hash is Argon2id, and behind a comma there may be the keys that
SCRAM-SHA-256 needs (RFC 5803 has the form)::

    jo:$argon2id$v=19$m=65536,t=3,p=4$...$...,SCRAM-SHA-256$100000:salt$stored:server

``smtpgate passwd`` writes such lines.  Names are compared exactly.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import os
import re
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from twisted.cred.checkers import ICredentialsChecker
from twisted.cred.credentials import IUsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.cred.portal import IRealm, Portal
from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from smtpgate.smtp.server.credentials import IAccount, IProven, ScramKeys

#: PBKDF2 rounds of the SCRAM keys that are made here, RFC 7677 4 wants 4096 at least.
SCRAM_ITERATIONS = 100_000
#: Hashes that are checked at a time; each takes 64 MiB and a core.
CHECKS_AT_A_TIME = 2
_SCRAM = ",SCRAM-SHA-256$"
_SCRAM_KEYS = re.compile(r"(\d{1,8}):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)")
_UNNAMEABLE = re.compile(r"[\x00-\x20\x7f:]")
_NAME_LIMIT = 255

#: Runs a function in another thread: ``deferToThread``, or a stand-in for tests.
InThread = Callable[..., Deferred[Any]]


class AccountsError(Exception):
    """A users file that cannot be used; every line that is wrong, as (line, sentence)."""

    def __init__(self, file: Path, problems: list[tuple[int, str]]) -> None:
        super().__init__("\n".join(f"{file}:{line}: {words}" for line, words in problems))
        self.file = file
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Account:
    """One line of the users file; neither part ever appears in a log."""

    password_hash: str = field(repr=False)
    scram: ScramKeys | None = field(default=None, repr=False)


def name_problem(name: str) -> str | None:
    """Why somebody cannot be called this, or None."""
    if not name:
        return "a name is empty"
    if _UNNAMEABLE.search(name):
        return f"the name {name!r} has a colon, a blank or a control character in it"
    if name.startswith("#"):
        return f"the name {name!r} begins with '#', as comments do"
    if len(name.encode("utf-8", "replace")) > _NAME_LIMIT:
        return f"a name is longer than {_NAME_LIMIT} octets"
    return None


def read_accounts(file: Path) -> dict[str, Account]:
    """The accounts of a users file by name.

    :raises AccountsError: when it cannot be read or has lines that are wrong, with all of them
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        words = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
        raise AccountsError(file, [(1, f"{words}, expected a users file")]) from None
    accounts: dict[str, Account] = {}
    places: dict[str, int] = {}
    problems: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), 1):
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        name, colon, secret = entry.partition(":")
        problem = name_problem(name)
        if not colon:
            problems.append((number, "has no colon, expected name:hash"))
        elif problem is not None:
            problems.append((number, f"{problem}, expected name:hash"))
        elif name in places:
            problems.append(
                (number, f"{name!r} is on line {places[name]} too, expected each name once")
            )
        else:
            places[name] = number
            try:
                accounts[name] = _parse_secret(secret)
            except ValueError:
                problems.append(
                    (number, f"{name!r} has no such hash as `smtpgate passwd` makes, expected one")
                )
    if problems:
        raise AccountsError(file, problems)
    return accounts


def _parse_secret(secret: str) -> Account:
    password_hash, scram, keys = secret.partition(_SCRAM)
    try:
        if not password_hash.startswith("$argon2id$"):
            raise ValueError(password_hash)
        PasswordHasher().check_needs_rehash(password_hash)
    except InvalidHashError:
        raise ValueError(password_hash) from None
    if not scram:
        return Account(password_hash)
    match = _SCRAM_KEYS.fullmatch(keys)
    if match is None or int(match[1]) < 4096:
        raise ValueError(keys)
    try:
        salt, stored, server = (base64.b64decode(match[n], validate=True) for n in (2, 3, 4))
    except binascii.Error:
        raise ValueError(keys) from None
    if len(stored) != 32 or len(server) != 32:
        raise ValueError(keys)
    return Account(password_hash, ScramKeys(salt, int(match[1]), stored, server))


def make_secret(password: str, scram: bool = True, hasher: PasswordHasher | None = None) -> str:
    """What stands behind the colon for a password.

    :param scram: also the keys for SCRAM-SHA-256; whoever steals the file can guess against
        them faster than against Argon2
    :raises ValueError: for a password that is empty, or has characters that no client could send
    """
    if not password:
        raise ValueError("the password is empty")
    if any(ord(character) < 32 or ord(character) == 127 for character in password):
        raise ValueError("the password has a control character in it")
    secret = (hasher or PasswordHasher()).hash(password)
    if not scram:
        return secret
    from scramp import ScramException, ScramMechanism

    try:
        salt, stored, server, iterations = ScramMechanism("SCRAM-SHA-256").make_auth_info(
            password, iteration_count=SCRAM_ITERATIONS, salt=os.urandom(16)
        )
    except ScramException:
        raise ValueError("the password has characters that SASL does not allow") from None
    encoded = [base64.b64encode(part).decode("ascii") for part in (salt, stored, server)]
    return f"{secret}{_SCRAM}{iterations}:{encoded[0]}${encoded[1]}:{encoded[2]}"


def write_account(file: Path, name: str, secret: str) -> bool:
    """Put an account's line into a users file, in place of its former one; comments stay.

    The file is replaced as a whole, readable by its owner only: a crash leaves the old one.

    :return: whether the name was there before
    :raises ValueError: for a name that nobody can have
    """
    problem = name_problem(name)
    if problem is not None:
        raise ValueError(problem)
    file = Path(os.path.realpath(file))
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if line.strip().partition(":")[0] != name]
    place = next((n for n, line in enumerate(lines) if line not in kept), len(kept))
    known = len(kept) < len(lines)
    kept.insert(place, f"{name}:{secret}")
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with open(descriptor, "w", encoding="utf-8") as stream:
            stream.write("\n".join(kept) + "\n")
            stream.flush()
            if file.exists():
                # The service may run as somebody else than the administrator.
                owner = file.stat()
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fsync(descriptor)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
    return known


@implementer(IAccount)
@dataclass(frozen=True, slots=True)
class Avatar:
    """Somebody who has authenticated."""

    username: str


@implementer(IRealm)
class Realm:
    """Everybody who has proved who they are has an account here."""

    def requestAvatar(
        self, avatarId: bytes | tuple[()], mind: object, *interfaces: object
    ) -> tuple[object, Avatar, Callable[[], None]]:
        if IAccount not in interfaces or not isinstance(avatarId, bytes):
            raise UnauthorizedLogin("accounts are for SMTP AUTH only")
        return IAccount, Avatar(avatarId.decode("utf-8")), lambda: None


@implementer(ICredentialsChecker)
class Accounts:
    """The accounts of one users file, as a checker for cred and a directory for SCRAM.

    A name that does not exist costs as much time as a wrong password.

    :param in_thread: hashing takes a tenth of a second, and is not done on the reactor's thread
    """

    credentialInterfaces = (IUsernamePassword, IProven)
    scram_iterations = SCRAM_ITERATIONS

    def __init__(self, accounts: Mapping[str, Account], in_thread: InThread | None = None) -> None:
        if in_thread is None:
            from twisted.internet.threads import deferToThread

            in_thread = deferToThread
        self._accounts = accounts
        self._in_thread = in_thread
        self._turns = DeferredSemaphore(CHECKS_AT_A_TIME)
        self._nobody = _hash_of_nobody(accounts)
        scram = [account.scram for account in accounts.values() if account.scram is not None]
        # Names that do not exist have salts that stay the same, also in the next process: salts
        # that change would tell which names exist.
        self.scram_decoy_key = os.urandom(32)
        if scram:
            self.scram_iterations = scram[0].iterations
            self.scram_decoy_key = hmac.digest(scram[0].server_key, b"decoy", "sha256")

    def portal(self) -> Portal:
        """What the session asks."""
        realm: Any = Realm()
        checkers: list[Any] = [self]
        return Portal(realm, checkers)

    def scram_keys(self, username: str) -> ScramKeys | None:
        """The keys of an account that has some."""
        account = self._accounts.get(username)
        return None if account is None else account.scram

    def requestAvatarId(self, credentials: Any) -> Deferred[bytes] | bytes:
        """The name, as UTF-8.

        :raises UnauthorizedLogin: (or errbacks) for all that is wrong, without saying what
        """
        username: bytes = credentials.username
        try:
            account = self._accounts.get(username.decode("utf-8"))
        except UnicodeDecodeError:
            account = None
        if IProven.providedBy(credentials):
            if account is None:
                raise UnauthorizedLogin("unknown account")
            return username
        password_hash = self._nobody if account is None else account.password_hash

        def judge(matches: bool) -> bytes:
            if account is None or not matches:
                raise UnauthorizedLogin("wrong name or password")
            return username

        turn: Deferred[Any] = self._turns.acquire()
        return turn.addCallback(
            lambda _: self._check(password_hash, credentials.password)
        ).addCallback(judge)

    def _check(self, password_hash: str, password: bytes) -> Deferred[bool]:
        """Check in a thread, in our turn; the turn is over when the thread is done.

        A client that leaves gives up the answer only: otherwise who comes, asks and leaves could
        fill all threads with hashes.
        """
        answer: Deferred[bool] = Deferred()

        def done(result: bool | Failure) -> None:
            self._turns.release()
            answer.callback(result)

        self._in_thread(_matches, password_hash, password).addBoth(done)
        return answer


def _matches(password_hash: str, password: bytes) -> bool:
    try:
        return PasswordHasher().verify(password_hash, password)
    except VerificationError:
        return False


def _hash_of_nobody(accounts: Mapping[str, Account]) -> str:
    """A hash that no password has, made as expensive as the accounts' own."""
    for account in accounts.values():
        head, _, digest = account.password_hash.rpartition("$")
        return f"{head}${'A' * len(digest)}"
    # Written, not computed: hashing would take a tenth of a second of every start.
    cost = PasswordHasher()
    salt = base64.b64encode(os.urandom(cost.salt_len)).decode("ascii").rstrip("=")
    parameters = f"m={cost.memory_cost},t={cost.time_cost},p={cost.parallelism}"
    return f"$argon2id$v=19${parameters}${salt}${'A' * -(-cost.hash_len * 8 // 6)}"
