"""The SASL mechanisms, response by response."""

from __future__ import annotations

from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from scramp import ScramClient, ScramMechanism
from twisted.cred.credentials import UsernamePassword
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.authentication.exchange import decode
from smtpgate.smtp.authentication.sasl import (
    External,
    Login,
    Malformed,
    Plain,
    Unproven,
    certificate_names,
)
from smtpgate.smtp.authentication.scram import ScramSHA256
from smtpgate.smtp.server.credentials import Proven, ScramKeys
from smtpgate.smtp.server.policy import Challenge
from smtpgate.smtp.session import TLSInfo
from tests.support.certificates import issued
from tests.support.smtp import Client, portal


class PasswordTests(SynchronousTestCase):
    """PLAIN and LOGIN."""

    def test_plain(self) -> None:
        """Name and password, with or without the same name in front."""
        for response in (b"\0joe\0secret", b"joe\0joe\0secret"):
            credentials = Plain().respond(response)
            assert isinstance(credentials, UsernamePassword)
            self.assertEqual((credentials.username, credentials.password), (b"joe", b"secret"))
        self.assertEqual(Plain().respond(None), Challenge(b""))

    def test_plain_malformed(self) -> None:
        """Three parts, and the last two are not empty."""
        for response in (b"", b"joe", b"\0joe", b"\0joe\0", b"\0\0secret", b"\0a\0b\0c"):
            self.assertRaises(Malformed, Plain().respond, response)

    def test_plain_for_another(self) -> None:
        """Nobody acts for somebody else."""
        self.assertRaises(Unproven, Plain().respond, b"root\0joe\0secret")

    def test_login_malformed(self) -> None:
        """Neither name nor password is empty, or holds NUL."""
        for response in (b"", b"a\0b"):
            self.assertRaises(Malformed, Login().respond, response)

    def test_base64(self) -> None:
        """Only what we would write ourselves."""
        self.assertEqual(decode(b"am9l"), b"joe")
        self.assertEqual(decode(b""), b"")
        for bad in (b"am9", b"am9l=", b"am9l\n", b"a m9l", b"QR==", b"QQ", b"\xff", b"am9l=am9l"):
            self.assertIsNone(decode(bad), bad)


class Directory:
    """Knows one user; ``answer`` overrides."""

    scram_iterations = 4096
    scram_decoy_key = bytes(32)

    def __init__(self, answer: Any = None) -> None:
        salt, stored, server, count = ScramMechanism().make_auth_info("secret")
        self.keys = ScramKeys(salt, count, stored, server)
        self.answer = answer

    def scram_keys(self, username: str) -> Any:
        if self.answer is not None:
            return self.answer
        return self.keys if username == "joe" else None


class ScramTests(SynchronousTestCase):
    """SCRAM-SHA-256."""

    def test_both_sides(self) -> None:
        """The client proves itself, then we do, then it is who it says."""
        client, server = ScramClient(["SCRAM-SHA-256"], "joe", "secret"), ScramSHA256(Directory())
        self.assertEqual(server.respond(None), Challenge(b""))
        first: Any = server.respond(client.get_client_first().encode())
        client.set_server_first(first.octets.decode())
        final: Any = server.respond(client.get_client_final().encode())
        client.set_server_final(final.octets.decode())
        self.assertRaises(Malformed, server.respond, b"more")
        self.assertEqual(server.respond(b""), Proven(b"joe", "SCRAM-SHA-256"))

    def test_wrong_password(self) -> None:
        """A wrong proof is no proof."""
        client, server = ScramClient(["SCRAM-SHA-256"], "joe", "wrong"), ScramSHA256(Directory())
        first: Any = server.respond(client.get_client_first().encode())
        client.set_server_first(first.octets.decode())
        self.assertRaises(Unproven, server.respond, client.get_client_final().encode())

    def test_unknown_name(self) -> None:
        """A name that does not exist looks like one that does, and never gets in."""
        salts = set()
        for _ in range(2):
            client = ScramClient(["SCRAM-SHA-256"], "nobody", "secret")
            server = ScramSHA256(Directory())
            first: Any = server.respond(client.get_client_first().encode())
            fields = dict(part.split("=", 1) for part in first.octets.decode().split(","))
            self.assertEqual(fields["i"], "4096")
            salts.add(fields["s"])
            client.set_server_first(first.octets.decode())
            self.assertRaises(Unproven, server.respond, client.get_client_final().encode())
        self.assertEqual(len(salts), 1)

    def test_malformed(self) -> None:
        """What is no first message."""
        for message in (b"", b"x", b"n,,", b"n,,n=joe", b"\xff", b"p=tls-unique,,n=joe,r=abc"):
            self.assertRaises(Malformed, ScramSHA256(Directory()).respond, message)

    def test_directory_trouble(self) -> None:
        """A directory that fails, now or later, is a temporary failure and no more."""

        class Broken(Directory):
            def scram_keys(self, username: str) -> Any:
                raise OSError("gone")

        first = "AUTH SCRAM-SHA-256 biwsbj1qb2Uscj1hYmNk"
        for directory in (Broken(), Directory(fail(OSError("gone")))):
            client = Client(
                portal=portal(joe="x"),
                scram=directory,
                mechanisms=("SCRAM-SHA-256",),
                auth_require_tls=False,
            )
            client.say("EHLO me")
            self.assertEqual(client.say(first), "454 4.7.0 Temporary authentication failure\n")
            self.assertEqual(client.say("NOOP"), "250 2.0.0 OK\n")

    def test_leaving(self) -> None:
        """A client that leaves cancels the search for its keys."""
        cancelled: list[Any] = []
        client = Client(
            portal=portal(joe="x"),
            scram=Directory(Deferred(cancelled.append)),
            mechanisms=("SCRAM-SHA-256",),
            auth_require_tls=False,
        )
        client.say("EHLO me", "AUTH SCRAM-SHA-256 biwsbj1qb2Uscj1hYmNk")
        client.leave()
        self.assertEqual(len(cancelled), 1)
        self.assertEqual(client.observer.of("trouble"), [])


class ExternalTests(SynchronousTestCase):
    """EXTERNAL."""

    def tls(self, verified: bool = True) -> TLSInfo:
        pem = issued("joe", "joe@example.org", "j@example.org").certificate
        der = x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)
        return TLSInfo("TLSv1.3", "x", 256, peer_certificate=der, peer_verified=verified)

    def test_names(self) -> None:
        """Mail addresses come first, then the common name."""
        self.assertEqual(certificate_names(self.tls()), ["joe@example.org", "j@example.org", "joe"])
        self.assertEqual(certificate_names(self.tls(verified=False)), [])

    def test_identity(self) -> None:
        """No response means the first name; any of the names may be chosen, others not."""
        external = External(self.tls())
        self.assertEqual(external.respond(None), Challenge(b""))
        self.assertEqual(external.respond(b""), Proven(b"joe@example.org", "EXTERNAL"))
        self.assertEqual(external.respond(b"joe"), Proven(b"joe", "EXTERNAL"))
        self.assertRaises(Unproven, external.respond, b"root")
        self.assertRaises(Malformed, external.respond, b"\xff")
        self.assertRaises(Unproven, External(self.tls(verified=False)).respond, b"joe")
