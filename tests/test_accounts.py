"""Accounts: the users file, and what cred gets out of it."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError
from scramp import ScramClient, ScramMechanism
from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import UnauthorizedLogin
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.accounts import (
    Accounts,
    AccountsError,
    make_secret,
    name_problem,
    read_accounts,
    write_account,
)
from smtpgate.smtp.server.credentials import IAccount, Proven

#: Hashing that takes no time; what is stored says how it was made.
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class InThread:
    """Stands in for deferToThread: calls at once, and remembers."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __call__(self, function: Any, *arguments: Any) -> Deferred[Any]:
        self.calls.append(arguments)
        return maybeDeferred(function, *arguments)


class FileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = Path(self.mktemp())

    def test_comments_stay(self) -> None:
        """A new password takes the place of the old one; all else is left alone."""
        self.file.write_text("# people\njo:old\n\n# robots\ncron:x\n")
        self.assertTrue(write_account(self.file, "jo", "new"))
        self.assertFalse(write_account(self.file, "eva", "hers"))
        self.assertEqual("# people\njo:new\n\n# robots\ncron:x\neva:hers\n", self.file.read_text())

    def test_only_its_owner_reads_it(self) -> None:
        """The file is 0600, also when it was not, and nothing else is left in its directory."""
        self.file.write_text("")
        self.file.chmod(0o644)
        write_account(self.file, "jo", "x")
        self.assertEqual(0o600, stat.S_IMODE(self.file.stat().st_mode))
        self.assertEqual([], [*self.file.parent.glob(f".{self.file.name}*")])

    def test_crash_leaves_the_old_file(self) -> None:
        """When the new file cannot be put in place, the old one is whole and the new one gone."""
        self.file.write_text("jo:old\n")

        def fail(*_: object) -> None:
            raise OSError(28, "No space left on device")

        self.patch(os, "replace", fail)
        self.assertRaises(OSError, write_account, self.file, "jo", "new")
        self.assertEqual("jo:old\n", self.file.read_text())
        self.assertEqual([], [*self.file.parent.glob(f".{self.file.name}*")])

    def test_link(self) -> None:
        """A symbolic link stays one; the file behind it changes."""
        link = Path(self.mktemp())
        self.file.write_text("")
        link.symlink_to(self.file.absolute())
        write_account(link, "jo", "x")
        self.assertTrue(link.is_symlink())
        self.assertEqual("jo:x\n", self.file.read_text())

    def test_bad_lines(self) -> None:
        """Every line that is wrong is reported, with its number."""
        good = make_secret("a", scram=False, hasher=QUICK)
        self.file.write_text(
            f"jo:{good}\nno colon\n:x\na b:{good}\njo:{good}\neva:plain\n"
            f"max:{good},SCRAM-SHA-256$1:a$b:c\n"
        )
        error = self.assertRaises(AccountsError, read_accounts, self.file)
        self.assertEqual(
            [
                (2, "has no colon, expected name:hash"),
                (3, "a name is empty, expected name:hash"),
                (
                    4,
                    "the name 'a b' has a colon, a blank or a control character in it, "
                    "expected name:hash",
                ),
                (5, "'jo' is on line 1 too, expected each name once"),
                (6, "'eva' has no such hash as `smtpgate passwd` makes, expected one"),
                (7, "'max' has no such hash as `smtpgate passwd` makes, expected one"),
            ],
            error.problems,
        )
        self.assertNotIn(good, str(error))

    def test_missing(self) -> None:
        """A file that is not there is an error of the same kind."""
        error = self.assertRaises(AccountsError, read_accounts, self.file)
        self.assertEqual(
            f"{self.file}:1: No such file or directory, expected a users file", str(error)
        )

    def test_names(self) -> None:
        """Names are anything but what would break the file."""
        for name in ("jo", "jo@example.org", "jörg", "a,b$"):
            self.assertIsNone(name_problem(name))
        for name in ("", "a:b", "a\nb", "a b", "#a", "x" * 256):
            self.assertIsNotNone(name_problem(name))

    def test_bad_passwords(self) -> None:
        """Empty passwords, and those with control characters, are refused."""
        for password, words in (
            ("", "the password is empty"),
            ("a\tb", "the password has a control character in it"),
        ):
            error = self.assertRaises(ValueError, make_secret, password)
            self.assertEqual(words, str(error))


class CheckTests(SynchronousTestCase):
    def setUp(self) -> None:
        file = Path(self.mktemp())
        write_account(file, "jo", make_secret("swordfish", hasher=QUICK))
        write_account(file, "Jörg", make_secret("größe", scram=False, hasher=QUICK))
        self.in_thread = InThread()
        self.accounts = Accounts(read_accounts(file), self.in_thread)

    def login(self, credentials: object) -> Any:
        """Who that is, for the portal."""
        portal = self.accounts.portal()
        avatar: Any = self.successResultOf(maybeDeferred(portal.login, credentials, None, IAccount))
        return avatar[1].username

    def refused(self, credentials: object) -> str:
        portal = self.accounts.portal()
        login = maybeDeferred(portal.login, credentials, None, IAccount)
        return str(self.failureResultOf(login, UnauthorizedLogin).value)

    def test_right(self) -> None:
        """Name and password, UTF-8 as SASL has it."""
        self.assertEqual("jo", self.login(UsernamePassword(b"jo", b"swordfish")))
        self.assertEqual("Jörg", self.login(UsernamePassword("Jörg".encode(), "größe".encode())))

    def test_wrong(self) -> None:
        """A wrong password, a name that does not exist and one that is no UTF-8 look alike."""
        words = {
            self.refused(UsernamePassword(name, b"wrong"))
            for name in (b"jo", b"JO", b"nobody", b"\xff")
        }
        self.assertEqual({"wrong name or password"}, words)

    def test_unknown_names_cost_as_much(self) -> None:
        """Nobody's hash is checked with the same cost, off the reactor's thread."""
        self.refused(UsernamePassword(b"nobody", b"x"))
        self.refused(UsernamePassword(b"jo", b"x"))
        (nobody, _), (jo, _) = self.in_thread.calls
        self.assertEqual(jo.rpartition("$")[0], nobody.rpartition("$")[0])
        self.assertEqual(len(jo), len(nobody))
        self.assertNotEqual(jo, nobody)

    def test_nobodys_hash_without_accounts(self) -> None:
        """Without an account to follow, nobody's hash is as expensive as a new account's."""
        accounts = Accounts({}, self.in_thread)
        login = maybeDeferred(accounts.requestAvatarId, UsernamePassword(b"jo", b"x"))
        self.failureResultOf(login, UnauthorizedLogin)
        ((nobody, _),) = self.in_thread.calls
        made = make_secret("x", scram=False)
        self.assertEqual(extract_parameters(made), extract_parameters(nobody))
        self.assertEqual(made.split("$")[:4], nobody.split("$")[:4])
        self.assertEqual(len(made), len(nobody))
        self.assertRaises(VerifyMismatchError, PasswordHasher().verify, nobody, "x")

    def test_proven(self) -> None:
        """Who has proved their name needs an account and no password."""
        self.assertEqual("jo", self.login(Proven(b"jo", "EXTERNAL")))
        self.refused(Proven(b"nobody", "EXTERNAL"))

    def test_scram(self) -> None:
        """The stored keys are what a SCRAM client proves itself with."""
        keys = self.accounts.scram_keys("jo")
        assert keys is not None
        client = ScramClient(["SCRAM-SHA-256"], "jo", "swordfish")
        server = ScramMechanism("SCRAM-SHA-256").make_server(
            lambda _: (keys.salt, keys.stored_key, keys.server_key, keys.iterations)
        )
        server.set_client_first(client.get_client_first())
        client.set_server_first(server.get_server_first())
        server.set_client_final(client.get_client_final())
        client.set_server_final(server.get_server_final())
        self.assertIsNone(self.accounts.scram_keys("Jörg"))
        self.assertIsNone(self.accounts.scram_keys("nobody"))

    def test_few_at_a_time(self) -> None:
        """However many ask, two hashes are checked at a time."""
        waiting: list[Deferred[bool]] = []

        def in_thread(*_: object) -> Deferred[bool]:
            waiting.append(Deferred())
            return waiting[-1]

        accounts = Accounts({}, in_thread)
        answers = [
            maybeDeferred(accounts.requestAvatarId, UsernamePassword(b"jo", b"x")) for _ in range(5)
        ]
        self.assertEqual(2, len(waiting))
        waiting[0].callback(False)
        self.assertEqual(3, len(waiting))
        self.failureResultOf(answers[0], UnauthorizedLogin)

    def test_representation(self) -> None:
        """Hashes are in no representation."""
        file = Path(self.mktemp())
        write_account(file, "jo", make_secret("swordfish", hasher=QUICK))
        self.assertEqual("{'jo': Account()}", repr(read_accounts(file)))
