"""crypt() against the known answers of its schemes."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import passwords
from tests.support.library import Running, call

#: Passwords and their hashes.
KNOWN = (
    # DES and BSDi: John the Ripper's own tests.
    ("U*U*U*U*", "CCNf8Sbh3HDfQ"),
    ("*U*U*U*U", "XXxzOu6maQKqQ"),
    ("U*U***U", "_J9..CCCCXUhOBTXzaiE"),
    ("ab1234567", "_J9..SDizh.vll5VED9g"),
    # MD5-crypt and NetBSD's SHA-1: passlib's known answers.
    ("test", "$1$SuMrG47N$ymvzYjr7QcEQjaK5m1PGx1"),
    ("password", "$sha1$10$c.mcTzCw$gF8UeYst9yXX7WNZKc5Fjkq0.au7"),
    # SHA-crypt: the specification of Ulrich Drepper.
    ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
    (
        "Hello world!",
        "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
    ),
    (
        "Hello world!",
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
        "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
    ),
    # bcrypt: the tests of crypt_blowfish.
    ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    ("U*U*", "$2b$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
    # SunMD5: from the passwd manual of Solaris, by way of passlib.
    ("passwd", "$md5$RPgLF6IJ$WTvAlUJ7MqH5xak2FMEwS/"),
    # NT: MD4 of the password in UTF-16.
    ("password", "$3$$8846f7eaee8fb117ad06bdd830b7586c"),
)


class CryptTests(SynchronousTestCase):
    """crypt(), with the vectors of the schemes' own descriptions."""

    def test_known_hashes(self) -> None:
        """Each scheme's, and another password's is another one."""
        for key, stored in KNOWN:
            self.assertEqual(call(passwords.crypt, key, stored), stored)
            self.assertNotEqual(call(passwords.crypt, "x" + key, stored), stored)

    def test_salt_alone(self) -> None:
        """What is in front of the hash is enough."""
        for key, stored in KNOWN:
            salt = stored[:2] if stored[0] != "$" else stored[: stored.rindex("$") + 1]
            # The others' salt has no end of its own, or one that says more.
            if not stored.startswith(("$2", "$md5", "_")):
                self.assertEqual(call(passwords.crypt, key, salt), stored)

    def test_others_have_their_turn(self) -> None:
        """A loop that hashes lets the reactor in after each one."""
        running = Running()
        running.slow_by(0.01)
        call(passwords.crypt, "hello", "ab", running=running)
        self.assertEqual(running.turns, 1)

    def test_unknown_salt(self) -> None:
        """What the system does not know is none, never a marker that could be equal to a hash."""
        for salt in ("", "*0", "*1", "$zz$", "x", "$6$rounds= 99999999$s", "$6$rounds=$s"):
            self.assertIsNone(call(passwords.crypt, "hello", salt), salt)

    def test_key_is_whole(self) -> None:
        """A NUL does not end the key, and a very long key is refused."""
        self.assertIsNone(call(passwords.crypt, "hello\0x", "ab"))
        self.assertIsNone(call(passwords.crypt, "hello", "a\0b"))
        self.assertIsNone(call(passwords.crypt, "x" * 513, "$1$abc$"))

    def test_work_is_bounded(self) -> None:
        """A salt that asks for too much work is a fault."""
        for salt, asked, most in (
            ("$6$rounds=200001$salt", "200001", 200000),
            ("$5$rounds=999999999999$salt", "999999999999", 200000),
            ("$2b$13$R9h/cIPz0gi.URNNX3kh2O", "13", 12),
            ("$sha1$999999$salt$", "999999", 200000),
            ("$md5,rounds=60000$salt$", "60000", 50000),
        ):
            error = self.assertRaises(Fault, call, passwords.crypt, "hello", salt)
            self.assertEqual(
                str(error),
                f"crypt(): the salt asks for {asked} rounds, at most {most} are allowed",
            )
        for salt in ("$y$jFT$abcdefgh$", "$7$FU..../....abcd$", "_zzzzabcd", "$gy$jFT$x$"):
            error = self.assertRaises(Fault, call, passwords.crypt, "hello", salt)
            self.assertEqual(str(error), "crypt(): the salt asks for more work than is allowed")
