"""The cryptographic functions against published vectors."""

from __future__ import annotations

import datetime
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import pkcs7
from cryptography.x509.oid import NameOID
from twisted.trial.unittest import SkipTest, SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import crypto, passwords, signing
from smtpgate.hsl.values import Map
from tests.support.library import Running, call


def unhex(text: str) -> str:
    """The octet string of hexadecimal digits; spaces do not count."""
    return bytes.fromhex(text).decode("latin-1")


def tohex(octets: str) -> str:
    return octets.encode("latin-1").hex()


# NIST SP 800-38A, F.1 and F.2: four blocks that all its examples use.
PLAIN = unhex(
    "6bc1bee22e409f96e93d7e117393172a ae2d8a571e03ac9c9eb76fac45af8e51"
    "30c81c46a35ce411e5fbc1191a0a52ef f69f2445df4f9b17ad2b417be66c3710"
)
VECTOR = unhex("000102030405060708090a0b0c0d0e0f")
KEYS = {
    128: unhex("2b7e151628aed2a6abf7158809cf4f3c"),
    192: unhex("8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b"),
    256: unhex("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"),
}
ECB = {
    128: "3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf"
    "43b1cd7f598ece23881b00e3ed0306887b0c785e27e8ad3f8223207104725dd4",
    192: "bd334f1d6e45f25ff712a214571fa5cc974104846d0ad3ad7734ecb3ecee4eef"
    "ef7afd2270e2e60adce0ba2face6444e9a4b41ba738d6c72fb16691603c18e0e",
    256: "f3eed1bdb5d2a03c064b5a7e3db181f8591ccb10d410ed26dc5ba74a31362870"
    "b6ed21b99ca6f4f9f153e7b1beafed1d23304b7a39f9f3ff067d8d8f9e24ecc7",
}
CBC = {
    128: "7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"
    "73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7",
    192: "4f021db243bc633d7178183a9fa071e8b4d9ada9ad7dedf4e5e738763f69145a"
    "571b242012fb7ae07fa9baac3df102e008b0e27988598881d920a9e64f5615cd",
    256: "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d"
    "39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b",
}
RAW = Map({"padding": False})


class AESTests(SynchronousTestCase):
    """aes_encrypt() and aes_decrypt()."""

    def test_nist_ecb(self) -> None:
        """NIST SP 800-38A F.1: ECB with keys of 128, 192 and 256 bits, both ways."""
        for bits, expected in ECB.items():
            sealed = call(crypto.aes_encrypt, PLAIN, KEYS[bits], "ecb", RAW)
            self.assertEqual(tohex(sealed), expected)
            self.assertEqual(call(crypto.aes_decrypt, sealed, KEYS[bits], "ecb", RAW), PLAIN)

    def test_nist_cbc(self) -> None:
        """NIST SP 800-38A F.2: CBC with keys of 128, 192 and 256 bits, both ways."""
        options = Map({"padding": False, "iv": VECTOR})
        for bits, expected in CBC.items():
            sealed = call(crypto.aes_encrypt, PLAIN, KEYS[bits], "cbc", options)
            self.assertEqual(tohex(sealed), expected)
            self.assertEqual(call(crypto.aes_decrypt, sealed, KEYS[bits], "cbc", options), PLAIN)

    def test_rfc3602_padding(self) -> None:
        """RFC 3602 4, case 1: a whole block gets a whole block of padding by default."""
        key = unhex("06a9214036b8a15b512e03d534120006")
        options = Map({"iv": unhex("3dafba429d9eb430b422da802c9fac41")})
        sealed = call(crypto.aes_encrypt, "Single block msg", key, "cbc", options)
        self.assertEqual(tohex(sealed[:16]), "e353779c1079aeb82708942dbe77181a")
        self.assertEqual(len(sealed), 32)
        self.assertEqual(call(crypto.aes_decrypt, sealed, key, "cbc", options), "Single block msg")

    def test_every_length_pads_and_unpads(self) -> None:
        """Messages of 0 to 33 octets come back, all octets included."""
        for length in range(34):
            message = "\xff\x00\x01" * 11
            sealed = call(crypto.aes_encrypt, message[:length], KEYS[128], "ecb")
            self.assertEqual(len(sealed), length // 16 * 16 + 16)
            self.assertEqual(call(crypto.aes_decrypt, sealed, KEYS[128], "ecb"), message[:length])

    def test_errors_are_none(self) -> None:
        """Wrong keys, modes, vectors, lengths and padding give none."""
        for function in (crypto.aes_encrypt, crypto.aes_decrypt):
            self.assertIsNone(call(function, PLAIN, "short", "ecb"))
            self.assertIsNone(call(function, PLAIN, KEYS[128], "gcm"))
            self.assertIsNone(call(function, PLAIN, KEYS[128], "cbc"))
            self.assertIsNone(call(function, PLAIN, KEYS[128], "cbc", Map({"iv": "short"})))
            self.assertIsNone(call(function, "not a block", KEYS[128], "ecb", RAW))
        self.assertIsNone(call(crypto.aes_decrypt, PLAIN, KEYS[128], "ecb"))
        self.assertIsNone(call(crypto.aes_decrypt, "", KEYS[128], "ecb"))


class DigestTests(SynchronousTestCase):
    """Hashes and HMACs."""

    def test_md5(self) -> None:
        """RFC 1321 A.5."""
        self.assertEqual(call(crypto.md5, ""), "d41d8cd98f00b204e9800998ecf8427e")
        self.assertEqual(call(crypto.md5, "message digest"), "f96b697d7cb7938d525a2f31aaf161d0")

    def test_sha1(self) -> None:
        """FIPS 180 examples, and a million times "a" (RFC 3174 7.3)."""
        self.assertEqual(
            call(crypto.sha1, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "84983e441c3bd26ebaae4aa1f95129e5e54670f1",
        )
        self.assertEqual(
            call(crypto.sha1, "a" * 1_000_000), "34aa973cd4c4daa4f61eeb2bdbad27316534016f"
        )

    def test_sha2(self) -> None:
        """FIPS 180 examples for 256 and 512 bits."""
        self.assertEqual(
            call(crypto.sha2, "abc", 256.0),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        )
        self.assertEqual(
            call(crypto.sha2, "abc", 512.0),
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
        )

    def test_sha2_sizes(self) -> None:
        """Other sizes are a fault that names the two."""
        error = self.assertRaises(Fault, call, crypto.sha2, "abc", 384.0)
        self.assertEqual(str(error), 'sha2() parameter "hashsize" must be 256 or 512, 384 given')
        error = self.assertRaises(Fault, call, crypto.hmac_sha2, "k", "abc", 1.0)
        self.assertEqual(str(error), 'hmac_sha2() parameter "hashsize" must be 256 or 512, 1 given')

    def test_hmac_rfc2202(self) -> None:
        """RFC 2202 2 and 3: cases 1, 3 (octets above 127) and 6 (a key longer than a block)."""
        self.assertEqual(
            call(crypto.hmac_md5, "\x0b" * 16, "Hi There"), "9294727a3638bb1c13f48ef8158bfc9d"
        )
        self.assertEqual(
            call(crypto.hmac_md5, "\xaa" * 16, "\xdd" * 50), "56be34521d144c88dbb8c733f0e8b3f6"
        )
        long = "Test Using Larger Than Block-Size Key - Hash Key First"
        self.assertEqual(
            call(crypto.hmac_md5, "\xaa" * 80, long), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd"
        )
        self.assertEqual(
            call(crypto.hmac_sha1, "\x0b" * 20, "Hi There"),
            "b617318655057264e28bc0b6fb378c8ef146be00",
        )
        self.assertEqual(
            call(crypto.hmac_sha1, "\xaa" * 80, long), "aa4ae5e15272d00e95705637ce8a3b55ed402112"
        )

    def test_hmac_rfc4231(self) -> None:
        """RFC 4231 4.2 and 4.3."""
        self.assertEqual(
            call(crypto.hmac_sha2, "\x0b" * 20, "Hi There", 256.0),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        )
        self.assertEqual(
            call(crypto.hmac_sha2, "Jefe", "what do ya want for nothing?", 512.0),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
            "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
        )

    def test_hash_is_stable(self) -> None:
        """hash() is the same number in every process, whole and exact."""
        self.assertEqual(call(crypto.hash_, ""), 8044937785282358.0)
        self.assertEqual(call(crypto.hash_, "a"), float(int(call(crypto.hash_, "a"))))
        numbers = {call(crypto.hash_, str(number)) for number in range(1000)}
        self.assertEqual(len(numbers), 1000)
        self.assertTrue(all(0 <= number < 2**53 for number in numbers))
        self.assertEqual({number % 4 for number in numbers}, {0.0, 1.0, 2.0, 3.0})


class RandomTests(SynchronousTestCase):
    """random_bytes() and random_number()."""

    def test_bytes(self) -> None:
        """As many octets as asked for, different each time."""
        self.assertEqual(call(crypto.random_bytes, 0.0), "")
        self.assertEqual(len(call(crypto.random_bytes, 1048576.0)), 1048576)
        self.assertNotEqual(call(crypto.random_bytes, 16.0), call(crypto.random_bytes, 16.0))

    def test_bytes_bound(self) -> None:
        """One more than a mebibyte, and less than nothing, are faults."""
        for count in (1048577, -1):
            error = self.assertRaises(Fault, call, crypto.random_bytes, float(count))
            self.assertEqual(
                str(error), f'random_bytes() parameter "bytes" must be 0 to 1048576, {count} given'
            )

    def test_number(self) -> None:
        """Both ends are possible; without arguments it is a decimal from 0 to 1."""
        drawn = {call(crypto.random_number, 1.0, 3.0) for _ in range(200)}
        self.assertEqual(drawn, {1.0, 2.0, 3.0})
        self.assertEqual(call(crypto.random_number, -5.0, -5.0), -5.0)
        self.assertTrue(0 <= call(crypto.random_number) <= 1)
        self.assertEqual(crypto.random_number.aliases, ("rand",))

    def test_number_faults(self) -> None:
        """One bound alone, bounds the wrong way round and inexact ones are faults."""
        error = self.assertRaises(Fault, call, crypto.random_number, 1.0)
        self.assertEqual(str(error), "random_number() takes both first and last or neither")
        error = self.assertRaises(Fault, call, crypto.random_number, 2.0, 1.0)
        self.assertEqual(str(error), 'random_number() parameter "last" must be at least 2, 1 given')
        error = self.assertRaises(Fault, call, crypto.random_number, 0.0, 1e17)
        self.assertEqual(str(error), "random_number() takes whole numbers up to 2**53")


class CryptTests(SynchronousTestCase):
    """crypt(), with the vectors of the schemes' own descriptions."""

    def test_known_hashes(self) -> None:
        """DES, MD5-crypt, SHA-crypt and bcrypt as every Linux knows them."""
        for key, stored in (
            ("hello", "abl0JrMf6tlhw"),
            ("hello", "$1$abc$jWy0FsfCoVBK.I85XpXf30"),
            ("Hello world!", "$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5"),
            (
                "Hello world!",
                "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
                "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
            ),
            (
                "Hello world!",
                "$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA",
            ),
        ):
            self.assertEqual(call(passwords.crypt, key, stored), stored)
            self.assertNotEqual(call(passwords.crypt, key + "x", stored), stored)

    def test_unknown_salt(self) -> None:
        """What the system does not know is none, never a marker that could be equal to a hash."""
        for salt in ("", "*0", "*1", "$zz$", "x", "$6$rounds= 99999999$s", "$6$rounds=$s"):
            self.assertIsNone(call(passwords.crypt, "hello", salt), salt)

    def test_key_is_whole(self) -> None:
        """A NUL does not end the key, and a very long key is refused."""
        self.assertIsNone(call(passwords.crypt, "hello\0x", "ab"))
        self.assertIsNone(call(passwords.crypt, "hello", "a\0b"))
        self.assertIsNone(call(passwords.crypt, "x" * 513, "$1$abc$"))

    def test_others_have_their_turn(self) -> None:
        """A loop that hashes or signs lets the reactor in after each one."""
        running = Running()
        running.slow_by(0.01)
        call(passwords.crypt, "hello", "ab", running=running)
        call(signing.rsa_sign, "m", RSA_DER, running=running)
        pem = certificate(RSA, "signer") + private_octets(RSA, "PEM", "PKCS8")
        call(signing.pkcs7_sign, "m", pem, running=running)
        self.assertEqual(running.turns, 3)

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


def private_octets(key: Any, encoding: str, form: str) -> str:
    return key.private_bytes(
        getattr(serialization.Encoding, encoding),
        getattr(serialization.PrivateFormat, form),
        serialization.NoEncryption(),
    ).decode("latin-1")


def public_octets(key: Any, encoding: str, form: str) -> str:
    return (
        key.public_key()
        .public_bytes(
            getattr(serialization.Encoding, encoding), getattr(serialization.PublicFormat, form)
        )
        .decode("latin-1")
    )


RSA = rsa.generate_private_key(65537, 2048)
RSA_DER = private_octets(RSA, "DER", "TraditionalOpenSSL")
RSA_PUBLIC = public_octets(RSA, "DER", "PKCS1")


# Wycheproof, rsa_signature_2048_sha256_test.json: the key, and tests 1, 3 and 9.
WYCHEPROOF_KEY = unhex(
    "3082010a0282010100a2b451a07d0aa5f96e455671513550514a8a5b462ebef717094fa1fee82224e6"
    "37f9746d3f7cafd31878d80325b6ef5a1700f65903b469429e89d6eac8845097b5ab393189db92512e"
    "d8a7711a1253facd20f79c15e8247f3d3e42e46e48c98e254a2fe9765313a03eff8f17e1a029397a1f"
    "a26a8dce26f490ed81299615d9814c22da610428e09c7d9658594266f5c021d0fceca08d945a12be82"
    "de4d1ece6b4c03145b5d3495d4ed5411eb878daf05fd7afc3e09ada0f1126422f590975a1969816f48"
    "698bcbba1b4d9cae79d460d8f9f85e7975005d9bc22c4e5ac0f7c1a45d12569a62807d3b9a02e5a530"
    "e773066f453d1f5b4c2e9cf7820283f742b9d50203010001"
)
WYCHEPROOF_EMPTY = unhex(
    "840f5dac53106dd1f9c57219224cf51289290c42f20466875ba8e830ac5690e541536fcc8ab03b731f"
    "82bf66d83f194e7e180b3963ec7a2f3f7904a7ce49aed47da4d4b79421eaf937d301b3e696169297b7"
    "97c32c076a12be4de0b58e003c5123051a84a10c62f8dac2f42a8640008eb3c7cccd6760ff5b51b689"
    "763922582845f048fb8150e5a7a6ca2eccc7bdc85349ad5b26c52137a79fa3fe5c29ab5cd761501321"
    "9c1941b6708e9c3c23feff5febaf0c8ebca5750b54e3e6e99a3e876b396f27860b7f3ec4e9191703c6"
    "332d944f6f69751167680c79c4f6b57f1cc8755d24b6ec158ccdbacdb23107a33cb6b332516c13274d"
    "1f9dccc21dced869e486"
)
WYCHEPROOF_TEST = unhex(
    "264491e844c119f14e425c03282139a558dcdaeb82a4628173cd407fd319f9076eaebc0dd87a1c22e4"
    "d17839096886d58a9d5b7f7aeb63efec56c45ac7bead4203b6886e1faa90e028ec0ae094d46bf3f97e"
    "fdd19045cfbc25a1abda2432639f9876405c0d68f8edbf047c12a454f7681d5d5a2b54bd3723d193db"
    "ad4338baad753264006e2d08931c4b8bb79aa1c9cad10eb6605f87c5831f6e2b08e002f9c6f21141f5"
    "841d92727dd3e1d99c36bc560da3c9067df99fcaf818941f72588be33032bad22caf6704223bb114d5"
    "75b6d02d9d222b580005d930e8f40cce9f672eebb634a20177d84351627964b83f2053d736a84ab1a0"
    "05f63bd5ba943de6205c"
)
WYCHEPROOF_LONG_FORM = unhex(
    "8a0e82d4f334aca72a718b6f8f643f69c6048d619d5eba71263a5d2d3ac7a7af133b780c7595ca2c98"
    "2c006e861948f543cd0210c758691f9626842c25de2843ea314ca8eff285d47e0cffa54180af416004"
    "017034962a80a5959c3d3f1bfc154a4824462a93c014f6dfe920824f414a6e30e0e5944d480b99949e"
    "c7bf64c4a7461575933b17d7d6b0178b5192392ace3ed8469e8ac1dacae51ad5d3ad73dcb213e056d0"
    "4596e64d8c0703def3110c7cecc93ba8ac8059f0f3d66b89d8712c62b41d407e4b4a104f4569558b02"
    "90c213cad6d0653898b9df8f4a453ab07d13bfb7598d505abbd0c4987e4f1ac66e1a523e113e370ab7"
    "cf990f0cc63f50f4f0a4"
)


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


class Ed25519Tests(SynchronousTestCase):
    """ed25519_sign() and ed25519_verify()."""

    def test_rfc8032(self) -> None:
        """RFC 8032 7.1, tests 1 and 2."""
        for private, public, message, signature in (
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
        ):
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


def certificate(key: Any, name: str) -> str:
    """A self-signed certificate's PEM text."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.datetime(2020, 1, 1))
        .not_valid_after(datetime.datetime(2120, 1, 1))
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
        .decode()
    )


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
