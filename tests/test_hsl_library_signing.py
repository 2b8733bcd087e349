"""Signatures against published vectors and against OpenSSL."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import signing
from smtpgate.hsl.values import Map
from tests.support.library import Running, call
from tests.support.signers import certificate, private_octets, public_octets
from tests.support.vectors import (
    NIST_D,
    NIST_N,
    NIST_SIGNATURES,
    WYCHEPROOF_EMPTY,
    WYCHEPROOF_KEY,
    WYCHEPROOF_LONG_FORM,
    WYCHEPROOF_TEST,
    nist_key,
    tohex,
    unhex,
)

RSA = rsa.generate_private_key(65537, 2048)
RSA_DER = private_octets(RSA, "DER", "TraditionalOpenSSL")
RSA_PUBLIC = public_octets(RSA, "DER", "PKCS1")


class RSATests(SynchronousTestCase):
    """rsa_sign() and rsa_verify()."""

    def test_wycheproof(self) -> None:
        """Two right signatures, a wrong message and a padding that is not DER."""
        self.assertIs(call(signing.rsa_verify, "", WYCHEPROOF_EMPTY, WYCHEPROOF_KEY), True)
        self.assertIs(call(signing.rsa_verify, "Test", WYCHEPROOF_TEST, WYCHEPROOF_KEY), True)
        self.assertIs(call(signing.rsa_verify, "test", WYCHEPROOF_TEST, WYCHEPROOF_KEY), False)
        self.assertIs(
            call(signing.rsa_verify, "123400", WYCHEPROOF_LONG_FORM, WYCHEPROOF_KEY), False
        )

    def test_nist(self) -> None:
        """NIST's signatures with SHA-1, SHA-256 and SHA-512 are made and verified."""
        key = nist_key()
        private = private_octets(key, "DER", "TraditionalOpenSSL")
        public = public_octets(key, "DER", "PKCS1")
        for name, (message, signature) in NIST_SIGNATURES.items():
            options = Map({"hash": name})
            made = call(signing.rsa_sign, message, private, options)
            self.assertEqual(tohex(made), tohex(signature))
            self.assertIs(call(signing.rsa_verify, message, signature, public, options), True)

    def test_md5(self) -> None:
        """RFC 8017 9.2 with its note 1: what a signature with MD5 is, octet by octet."""
        key = nist_key()
        digest = hashlib.md5(b"message").digest()
        named = bytes.fromhex("3020300c06082a864886f70d020505000410") + digest
        size = (NIST_N.bit_length() + 7) // 8
        encoded = b"\x00\x01" + b"\xff" * (size - len(named) - 3) + b"\x00" + named
        expected = pow(int.from_bytes(encoded, "big"), NIST_D, NIST_N).to_bytes(size, "big")
        private = private_octets(key, "DER", "TraditionalOpenSSL")
        made = call(signing.rsa_sign, "message", private, Map({"hash": "md5"}))
        self.assertEqual(tohex(made), expected.hex())

    def test_every_hash_and_format(self) -> None:
        """Each digest signs and verifies with keys in each format, as DER and as PEM."""
        for digest in ("md5", "sha1", "sha256", "sha512"):
            for encoding in ("DER", "PEM"):
                for private, form in (
                    ("RSAPrivateKey", "TraditionalOpenSSL"),
                    ("PrivateKeyInfo", "PKCS8"),
                ):
                    signature = call(
                        signing.rsa_sign,
                        "message\xff",
                        private_octets(RSA, encoding, form),
                        Map({"hash": digest, "format": private, "pem": encoding == "PEM"}),
                    )
                    self.assertEqual(len(signature), 256)
                for public, form in (
                    ("RSAPublicKey", "PKCS1"),
                    ("SubjectPublicKeyInfo", "SubjectPublicKeyInfo"),
                ):
                    key = public_octets(RSA, encoding, form)
                    options = {"hash": digest, "format": public, "pem": encoding == "PEM"}
                    verify = signing.rsa_verify
                    self.assertIs(call(verify, "message\xff", signature, key, Map(options)), True)
                    self.assertIs(call(verify, "message", signature, key, Map(options)), False)

    def test_signature_of_another_hash(self) -> None:
        """A signature is bound to its digest."""
        signature = call(signing.rsa_sign, "m", RSA_DER, Map({"hash": "sha512"}))
        self.assertIs(call(signing.rsa_verify, "m", signature, RSA_PUBLIC), False)
        self.assertIs(call(signing.rsa_verify, "m", "", RSA_PUBLIC), False)

    def test_keys_that_do_not_fit_are_none(self) -> None:
        """Other formats, encrypted, cut off and foreign keys, and text that is no key."""
        pem = private_octets(RSA, "PEM", "TraditionalOpenSSL")
        encrypted = RSA.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        ).decode()
        other = private_octets(ec.generate_private_key(ec.SECP256R1()), "DER", "PKCS8")
        for key, options in (
            ("", {}),
            ("no key", {}),
            ("no key", {"pem": True}),
            (pem, {}),
            (RSA_DER, {"pem": True}),
            (RSA_DER, {"format": "PrivateKeyInfo"}),
            (RSA_DER[:-1], {}),
            (RSA_DER[:3], {}),
            (pem.replace("A", "*"), {"pem": True}),
            (encrypted, {"pem": True, "format": "PrivateKeyInfo"}),
            (other, {"format": "PrivateKeyInfo"}),
            ("\x30\x82\xff\xff" + RSA_DER[4:] * 4, {}),
        ):
            self.assertIsNone(call(signing.rsa_sign, "m", key, Map(options)))
        self.assertIsNone(call(signing.rsa_verify, "m", "s", RSA_PUBLIC[:-1]))
        self.assertIsNone(
            call(signing.rsa_verify, "m", "s", RSA_PUBLIC, Map({"format": "SubjectPublicKeyInfo"}))
        )

    def test_size_is_bounded(self) -> None:
        """A public key of more than 4096 bits is none."""
        numbers = rsa.RSAPublicNumbers(65537, 2**4096 + 1)
        key = numbers.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.PKCS1
        )
        self.assertIsNone(call(signing.rsa_verify, "m", "s", key.decode("latin-1")))

    def test_options(self) -> None:
        """Unknown digests and formats, and keys of a configuration, are faults."""
        error = self.assertRaises(
            Fault, call, signing.rsa_sign, "m", RSA_DER, Map({"hash": "sha3"})
        )
        self.assertEqual(
            str(error),
            'rsa_sign() option "hash" must be one of "md5", "sha1", "sha256", "sha512";'
            ' "sha3" given',
        )
        error = self.assertRaises(
            Fault, call, signing.rsa_verify, "m", "s", "pki:1", Map({"id": True})
        )
        self.assertEqual(
            str(error),
            'rsa_verify(): keys named "pki:" are not available here; pass the key itself',
        )


#: RFC 8032 7.1: private key, public key, message and signature.
RFC8032 = (
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da0"
        "85ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac1"
        "8ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
    (
        "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
        "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b5890"
        "9351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
    ),
)


class Ed25519Tests(SynchronousTestCase):
    """ed25519_sign() and ed25519_verify()."""

    def test_rfc8032(self) -> None:
        """RFC 8032 7.1, tests 1, 2, 3 and SHA(abc)."""
        for private, public, message, signature in RFC8032:
            made = call(signing.ed25519_sign, unhex(message), unhex(private))
            self.assertEqual(tohex(made), signature)
            verify = signing.ed25519_verify
            self.assertIs(call(verify, unhex(message), made, unhex(public)), True)
            self.assertIs(call(verify, unhex(message) + "x", made, unhex(public)), False)
            self.assertIs(call(verify, unhex(message), made[:-1], unhex(public)), False)

    def test_wrong_keys_are_none(self) -> None:
        """Keys that are not 32 octets."""
        self.assertIsNone(call(signing.ed25519_sign, "m", "k" * 31))
        self.assertIsNone(call(signing.ed25519_verify, "m", "s" * 64, "k" * 33))


def openssl_verify(signature: str, content: str | None) -> str:
    """What OpenSSL's own ``cms -verify`` makes of a signature: the signed content."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        (path / "signature").write_bytes(signature.encode("latin-1"))
        command = ["openssl", "cms", "-verify", "-binary", "-noverify", "-inform", "DER"]
        command += ["-in", str(path / "signature")]
        if content is not None:
            (path / "content").write_bytes(content.encode("latin-1"))
            command += ["-content", str(path / "content")]
        done = subprocess.run(command, capture_output=True, check=True)
        return done.stdout.decode("latin-1")


class PKCS7Tests(SynchronousTestCase):
    """pkcs7_sign()."""

    message = "Hello\nW\xf6rld\r\n"

    def sign(self, pem: str, **options: Any) -> Any:
        return call(signing.pkcs7_sign, self.message, pem, Map(options))

    def test_verified_by_openssl(self) -> None:
        """Detached and not, with RSA and ECDSA keys, over the message's very octets."""
        if shutil.which("openssl") is None:
            raise SkipTest("no openssl command")
        for key in (RSA, ec.generate_private_key(ec.SECP256R1())):
            pem = certificate(key, "signer") + private_octets(key, "PEM", "PKCS8")
            detached = self.sign(pem)
            self.assertEqual(openssl_verify(detached, self.message), self.message)
            self.assertNotIn(self.message, detached)
            self.assertIn(self.message, self.sign(pem, detached=False))
            self.assertEqual(openssl_verify(self.sign(pem, detached=False), None), self.message)
            self.assertRaises(
                subprocess.CalledProcessError, openssl_verify, detached, self.message + "x"
            )

    def test_chain(self) -> None:
        """All certificates are in the signature, wherever the signer's stands."""
        other = certificate(ec.generate_private_key(ec.SECP256R1()), "intermediate")
        made = self.sign(
            other + private_octets(RSA, "PEM", "TraditionalOpenSSL") + certificate(RSA, "signer")
        )
        carried = pkcs7.load_der_pkcs7_certificates(made.encode("latin-1"))
        self.assertEqual(
            sorted(entry.subject.rfc4514_string() for entry in carried),
            ["CN=intermediate", "CN=signer"],
        )

    def test_errors_are_none(self) -> None:
        """Nothing, a certificate alone, a key alone, a foreign pair, an unfit key."""
        key = private_octets(RSA, "PEM", "PKCS8")
        other = certificate(ec.generate_private_key(ec.SECP256R1()), "other")
        edwards = ed25519.Ed25519PrivateKey.generate()
        for pem in (
            "",
            certificate(RSA, "signer"),
            key,
            key + other,
            key + "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            private_octets(edwards, "PEM", "PKCS8") + other,
        ):
            self.assertIsNone(self.sign(pem))

    def test_pki(self) -> None:
        """A certificate of a configuration is a fault."""
        error = self.assertRaises(Fault, self.sign, "pki:1", id=True)
        self.assertEqual(
            str(error),
            'pkcs7_sign(): keys named "pki:" are not available here; pass the key itself',
        )


class TurnTests(SynchronousTestCase):
    """Others have their turn."""

    def test_after_each(self) -> None:
        """A loop that signs lets the reactor in after each one."""
        running = Running()
        running.slow_by(0.01)
        call(signing.rsa_sign, "m", RSA_DER, running=running)
        pem = certificate(RSA, "signer") + private_octets(RSA, "PEM", "PKCS8")
        call(signing.pkcs7_sign, "m", pem, running=running)
        self.assertEqual(running.turns, 2)
