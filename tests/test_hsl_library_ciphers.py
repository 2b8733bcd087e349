"""AES against published vectors, and random numbers."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import crypto
from smtpgate.hsl.values import Map
from tests.support.library import call
from tests.support.vectors import tohex, unhex

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

# FIPS 197, appendix C.1 to C.3: one block with the keys 000102...
FIPS_PLAIN = unhex("00112233445566778899aabbccddeeff")
FIPS = {
    16: "69c4e0d86a7b0430d8cdb78070b4c55a",
    24: "dda97ca4864cdfe06eaf70a0ec0d7191",
    32: "8ea2b7ca516745bfeafc49904b496089",
}

# Wycheproof, aes_cbc_pkcs5_test.json: (key, vector, message, encrypted) of tests 1, 2, 5, 19, 20.
PADDED = (
    (
        "e34f15c7bd819930fe9d66e0c166e61c",
        "da9520f7d3520277035173299388bee2",
        "",
        "b10ab60153276941361000414aed0a9d",
    ),
    (
        "e09eaa5a3f5e56d279d5e7a03373f6ea",
        "c9ee3cd746bf208c65ca9e72a266d54f",
        "ef4eab37181f98423e53e947e7050fd0",
        "d1fa697f3e2e04d64f1a0da203813ca5bc226a0b1d42287b2a5b994a66eaf14a",
    ),
    (
        "e1e726677f4893890f8c027f9d8ef80d",
        "155fd397579b0b5d991d42607f2cc9ad",
        "3f",
        "599d77aca16910b42d8b4ac9560efe1b",
    ),
    (
        "501d81ebf912ddb87fbe3b7aac1437bc",
        "90f5cf4fbfd2e2a1ab8eef402617bd5c",
        "2368e3c3636b5e8e94d2081adbf798",
        "fed05321d11d978e2ec32527ecfce06c",
    ),
    (
        "831e664c9e3f0c3094c0b27b9d908eb2",
        "54f2459e40e002763144f4752cde2fb5",
        "26603bb76dd0a0180791c4ed4d3b058807",
        "8d55dc10584e243f55d2bdbb5758b7fabcd58c8d3785f01c7e3640b2a1dadcd9",
    ),
)
# The same: a key and a vector, and what is wrongly padded in tests 25 to 39: with zeros, with
# 0xff and with one bit.
BAD_KEY = unhex("db4f3e5e3795cc09a073fa6a81e5a6bc")
BAD_VECTOR = unhex("23468aa734f5f0f19827316ff168e94f")
BADLY_PADDED = (
    "aa62606a287476777b92d8e4c4e53028",
    "ada437b682c92384b6c23ec10a21b3d8",
    "26c5b3e540ee3dd6b52d14afd01a44f8",
    "fbcbdfdaaf17980be939c0b243266ecbc0deb417e98aba3ee12fea2921f8ae51",
    "fbcbdfdaaf17980be939c0b243266ecb1188ff22f6563f6173440547d1e0dfd8",
    "726570a34cea08139d9f836579102a0e",
    "c8ef7ac3fd659ce7157d72a25f0a5048",
    "6123c889bbc766acd4bca4cb982f9978",
    "fbcbdfdaaf17980be939c0b243266ecb442cd16f7410fca70924b573f7967e84",
    "fbcbdfdaaf17980be939c0b243266ecbb20f899b0e7c1d65b931af94b5c44c25",
    "50aeed98a820c5a037a5aa4d4ef3090b",
    "25ee339006f948f42713543c62467ef9",
    "97914574676ed5b8db0b6f3931195b3f",
    "fbcbdfdaaf17980be939c0b243266ecb2874a1e2d28dd18e5573df9fd59fd789",
    "fbcbdfdaaf17980be939c0b243266ecbb547c4fddbdcd3e02f438a2e48587594",
)


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

    def test_fips197(self) -> None:
        """FIPS 197 C: one block, both ways, with keys of each length."""
        for length, expected in FIPS.items():
            key = "".join(map(chr, range(length)))
            sealed = call(crypto.aes_encrypt, FIPS_PLAIN, key, "ecb", RAW)
            self.assertEqual(tohex(sealed), expected)
            self.assertEqual(call(crypto.aes_decrypt, sealed, key, "ecb", RAW), FIPS_PLAIN)

    def test_wycheproof_padding(self) -> None:
        """Messages of 0, 1, 15, 16 and 17 octets."""
        for key, vector, message, sealed in PADDED:
            options = Map({"iv": unhex(vector)})
            made = call(crypto.aes_encrypt, unhex(message), unhex(key), "cbc", options)
            self.assertEqual(tohex(made), sealed)
            opened = call(crypto.aes_decrypt, unhex(sealed), unhex(key), "cbc", options)
            self.assertEqual(tohex(opened), message)

    def test_wycheproof_bad_padding(self) -> None:
        """Other padding is none."""
        options = Map({"iv": BAD_VECTOR})
        for sealed in BADLY_PADDED:
            self.assertIsNone(call(crypto.aes_decrypt, unhex(sealed), BAD_KEY, "cbc", options))


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
        self.assertEqual(
            str(error), 'random_number() parameter "last" must be -2**53 to 2**53, 1e+17 given'
        )
