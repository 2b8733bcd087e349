"""AUTH: guessing passwords, asking who exists, and passwords where nobody should see them."""

from __future__ import annotations

import base64
from typing import Any

from argon2 import PasswordHasher
from twisted.cred.portal import Portal
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.accounts import CHECKS_AT_A_TIME, Account, Accounts
from smtpgate.smtp.server.credentials import ScramKeys
from smtpgate.smtp.session import Limits
from tests.support.smtp import Client, portal

FAILED = "535 5.7.8 Authentication failed\n"
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def plain(name: str, password: str) -> str:
    return f"AUTH PLAIN {encoded(f'{chr(0)}{name}{chr(0)}{password}')}"


class Threads:
    """Runs nothing until told; remembers what was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.waiting: list[Deferred[Any]] = []

    def __call__(self, function: Any, *arguments: Any) -> Deferred[Any]:
        self.calls.append((function, *arguments))
        work: Deferred[Any] = Deferred()
        self.waiting.append(work)
        return work

    def finish(self) -> None:
        function, *arguments = self.calls[-1]
        self.waiting.pop(0).callback(function(*arguments))


class AuthTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.threads = Threads()
        keys = ScramKeys(b"s" * 16, 4096, b"k" * 32, b"v" * 32)
        self.accounts = Accounts({"jo": Account(QUICK.hash("right"), keys)}, self.threads)
        self.portal: Portal = self.accounts.portal()

    def client(self, **limits: Any) -> Client:
        client = Client(
            portal=self.portal,
            scram=self.accounts,
            mechanisms=("PLAIN", "LOGIN", "SCRAM-SHA-256"),
            auth_require_tls=False,
            limits=Limits(**limits),
        )
        client.say("EHLO me")
        return client

    def answer(self, client: Client, *lines: str) -> str:
        heard = client.say(*lines)
        if self.threads.waiting:
            self.threads.finish()
            heard += client.heard()
        return heard


class EnumerationTests(AuthTestCase):
    """Who exists cannot be told from who does not."""

    def test_plain_and_login(self) -> None:
        """The same words and the same work, whatever was wrong."""
        words, work = set(), set()
        for name, password in (("jo", "wrong"), ("nobody", "wrong"), ("JO", "right")):
            words.add(self.answer(self.client(), plain(name, password)))
            words.add(
                self.answer(self.client(), "AUTH LOGIN", encoded(name), encoded(password)).replace(
                    "334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n", ""
                )
            )
            for function, stored, _ in self.threads.calls:
                work.add((function, stored.rpartition("$")[0].rpartition("$")[0], len(stored)))
        self.assertEqual({FAILED}, words)
        self.assertEqual(6, len(self.threads.calls))
        self.assertEqual(1, len(work), "the same function with the same cost")

    def scram(self, name: str, accounts: Accounts | None = None) -> tuple[str, str]:
        if accounts is not None:
            self.accounts = accounts
            self.portal = accounts.portal()
        client = self.client()
        first = client.say(f"AUTH SCRAM-SHA-256 {encoded(f'n,,n={name},r=abcdefgh')}")
        self.assertEqual("334 ", first[:4])
        challenge = base64.b64decode(first[4:]).decode()
        nonce, salt, iterations = (part[2:] for part in challenge.split(","))
        last = client.say(encoded(f"c=biws,r={nonce},p={encoded('x' * 32)}"))
        self.assertEqual(FAILED, last)
        return salt, iterations

    def test_scram(self) -> None:
        """A name that does not exist has a salt like all others: always its own."""
        known, nobody, other = (self.scram(name) for name in ("jo", "nobody", "other"))
        self.assertEqual({"4096"}, {known[1], nobody[1], other[1]})
        self.assertEqual(1, len({len(base64.b64decode(each[0])) for each in (known, nobody)}))
        self.assertEqual(nobody, self.scram("nobody"))
        self.assertNotEqual(nobody, other)

    def test_scram_across_restarts(self) -> None:
        """Also in another process: a salt that changes would tell that nobody has it."""
        keys = ScramKeys(b"s" * 16, 4096, b"k" * 32, b"v" * 32)
        before = self.scram("nobody")
        again = Accounts({"jo": Account(QUICK.hash("right"), keys)}, self.threads)
        self.assertEqual(before, self.scram("nobody", again))
        stranger = ScramKeys(b"s" * 16, 4096, b"k" * 32, b"w" * 32)
        elsewhere = Accounts({"jo": Account(QUICK.hash("right"), stranger)}, self.threads)
        self.assertNotEqual(before, self.scram("nobody", elsewhere))

    def test_vrfy_and_expn(self) -> None:
        """Nor do VRFY and EXPN tell."""
        client = self.client()
        self.assertEqual(client.say("VRFY jo"), client.say("VRFY nobody"))
        self.assertEqual(client.say("EXPN jo"), client.say("EXPN nobody"))


class GuessingTests(AuthTestCase):
    """Guessing costs the connection."""

    def test_all_mechanisms_together(self) -> None:
        """Failures of all mechanisms count, also exchanges that are given up or malformed."""
        client = self.client(auth_attempts=4)
        self.assertEqual("535", self.answer(client, plain("jo", "a"))[:3])
        client.say("AUTH LOGIN", "*")
        client.say("AUTH PLAIN !!!")
        heard = client.say("AUTH SCRAM-SHA-256 AAAA")
        self.assertEqual("421 4.7.0 gw.example.org Too many failed authentications\n", heard)
        self.assertTrue(client.closed)

    def test_resets_give_no_new_attempts(self) -> None:
        """Neither RSET, EHLO nor a message buys another guess."""
        client = self.client(auth_attempts=2)
        self.answer(client, plain("jo", "a"))
        client.say("RSET", "EHLO again", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", ".")
        self.assertEqual("421", self.answer(client, plain("jo", "b"))[:3])

    def test_pipelined(self) -> None:
        """Guesses that are pipelined are tried one by one, and no more than allowed."""
        client = self.client(auth_attempts=3)
        client.say(*[plain("jo", "wrong")] * 50)
        while self.threads.waiting:
            self.threads.finish()
        self.assertEqual(3, len(self.threads.calls))
        self.assertEqual(["535", "535", "421"], [x[:3] for x in client.heard().splitlines()])

    def test_endless_name(self) -> None:
        """A name as long as a line may be is not prepared at all: that would take a while."""
        client = self.client()
        client.say("AUTH SCRAM-SHA-256")
        heard = client.say(encoded(f"n,,n={'a' * 9000},r=abcdefgh"))
        self.assertEqual("501 5.5.2 Cannot decode the response\n", heard)
        long = encoded(f"n,,n={'a' * 255},r={'x' * 100}")
        self.assertEqual("334 ", client.say(f"AUTH SCRAM-SHA-256 {long}")[:4])

    def test_leaving_clients(self) -> None:
        """Who asks and leaves at once cannot fill the threads: each check keeps its turn."""
        for _ in range(50):
            client = self.client()
            client.say(plain("jo", "wrong"))
            client.leave()
        self.assertEqual(CHECKS_AT_A_TIME, len(self.threads.waiting))
        while self.threads.waiting:
            self.threads.finish()
        self.assertEqual(CHECKS_AT_A_TIME, len(self.threads.calls), "others left the queue")
        self.assertEqual("235", self.answer(self.client(), plain("jo", "right"))[:3])

    def test_cancelled_check(self) -> None:
        """A check that is cancelled errs as such, and its thread's answer goes nowhere."""
        from twisted.cred.credentials import UsernamePassword

        checked = self.accounts.requestAvatarId(UsernamePassword(b"jo", b"x"))
        assert isinstance(checked, Deferred)
        checked.cancel()
        self.failureResultOf(checked, CancelledError)
        self.threads.finish()

    def test_without_tls(self) -> None:
        """Where TLS is required no mechanism is offered or taken in clear, not even to be tried."""
        client = Client(portal=portal(joe="x"), mechanisms=("PLAIN",), tls=object())
        self.assertNotIn("AUTH", client.say("EHLO me"))
        self.assertEqual("538 5.7.11", client.say(plain("joe", "x"))[:10])
        self.assertIsNone(client.connection.username)

    def test_somebody_elses_rights(self) -> None:
        """Nobody may act for somebody else."""
        client = Client(portal=portal(joe="x"), mechanisms=("PLAIN",), auth_require_tls=False)
        client.say("EHLO me")
        self.assertEqual(FAILED, client.say(f"AUTH PLAIN {encoded(f'eve{chr(0)}joe{chr(0)}x')}"))


class SecretTests(AuthTestCase):
    """Passwords reach neither the log nor a representation."""

    def test_refused_commands(self) -> None:
        """Lines of AUTH are not told to the observer, however they are wrong."""
        secret = encoded(f"{chr(0)}jo{chr(0)}swordfish")
        for lines in (
            (f"AUTH PLAIN {secret}",),
            (f"auth plain {secret}x",),
            (f"AUTH NONSENSE {secret}",),
            (f" AUTH PLAIN {secret}",),
            (f"AUTH\tPLAIN {secret}",),
            (f"\tauth PLAIN {secret}",),
            ("AUTH PLAIN", f"{secret}!"),
            ("AUTH NONSENSE", secret),
            ("AUTH LOGIN x", secret, secret),
            ("RSET x", f"AUTH PLAIN {secret}"),
        ):
            client = self.client()
            self.answer(client, *lines)
            told = [arguments[1] for arguments in client.observer.of("command_refused")]
            self.assertNotIn(secret.encode(), b" ".join(told), lines)
