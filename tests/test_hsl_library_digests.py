"""Digests and HMACs against published vectors."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import crypto
from tests.support.library import call
from tests.support.vectors import unhex

#: RFC 1321 A.5
MD5 = (
    ("", "d41d8cd98f00b204e9800998ecf8427e"),
    ("a", "0cc175b9c0f1b6a831c399e269772661"),
    ("abc", "900150983cd24fb0d6963f7d28e17f72"),
    ("message digest", "f96b697d7cb7938d525a2f31aaf161d0"),
    ("abcdefghijklmnopqrstuvwxyz", "c3fcd3d76192e4007dfb496cca67e13b"),
    (
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
        "d174ab98d277d9f5a5611c2c9f419d9f",
    ),
    (
        "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
        "57edf4a22be3c955ac49da2e2107b67a",
    ),
)
#: NIST CAVP, SHA1ShortMsg.rsp: in hexadecimal, of 0, 8, 64, 440 to 448 and 512 bits.
SHA1 = (
    (
        "",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    ),
    (
        "36",
        "c1dfd96eea8cc2b62785275bca38ac261256e278",
    ),
    (
        "7e3d7b3eada98866",
        "24a2c34b976305277ce58c2f42d5092031572520",
    ),
    (
        "ec6b4a88713df27c0f2d02e738b69db43abda3921317259c864c1c386e9a5a3f533dc05f3beeb2"
        "bec2aac8e06db4c6cb3cddcf697e03d5",
        "a7272e2308622ff7a339460adc61efd0ea8dabdc",
    ),
    (
        "0321736beba578e90abc1a90aa56157d871618f6de0d764cc8c91e06c68ecd3b9de38240645033"
        "84db67beb7fe012232dacaef93a000fba7",
        "aef843b86916c16f66c84d83a6005d23fd005c9e",
    ),
    (
        "45927e32ddf801caf35e18e7b5078b7f5435278212ec6bb99df884f49b327c6486feae46ba187d"
        "c1cc9145121e1492e6b06e9007394dc33b7748f86ac3207cfe",
        "a70cfbfe7563dd0e665c7c6715a96a8d756950c0",
    ),
)
#: NIST CAVP, SHA256ShortMsg.rsp, of the same lengths.
SHA256 = (
    (
        "",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ),
    (
        "d3",
        "28969cdfa74a12c82f3bad960b0b000aca2ac329deea5c2328ebc6f2ba9802c1",
    ),
    (
        "5738c929c4f4ccb6",
        "963bb88f27f512777aab6c8b1a02c70ec0ad651d428f870036e1917120fb48bf",
    ),
    (
        "3ebfb06db8c38d5ba037f1363e118550aad94606e26835a01af05078533cc25f2f39573c04b632"
        "f62f68c294ab31f2a3e2a1a0d8c2be51",
        "6595a2ef537a69ba8583dfbf7f5bec0ab1f93ce4c8ee1916eff44a93af5749c4",
    ),
    (
        "2d52447d1244d2ebc28650e7b05654bad35b3a68eedc7f8515306b496d75f3e73385dd1b002625"
        "024b81a02f2fd6dffb6e6d561cb7d0bd7a",
        "cfb88d6faf2de3a69d36195acec2e255e2af2b7d933997f348e09f6ce5758360",
    ),
    (
        "5a86b737eaea8ee976a0a24da63e7ed7eefad18a101c1211e2b3650c5187c2a8a650547208251f"
        "6d4237e661c7bf4c77f335390394c37fa1a9f9be836ac28509",
        "42e61e174fbb3897d6dd6cef3dd2802fe67b331953b06114a65c772859dfc1aa",
    ),
)
#: NIST CAVP, SHA512ShortMsg.rsp, of 0, 8, 888 to 896 and 1024 bits.
SHA512 = (
    (
        "",
        "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2"
        "b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ),
    (
        "21",
        "3831a6a6155e509dee59a7f451eb35324d8f8f2df6e3708894740f98fdee23889f4de5adb0c501"
        "0dfb555cda77c8ab5dc902094c52de3278f35a75ebc25f093a",
    ),
    (
        "324533e685f1852e358eea8ea8b81c288b3f3beb1f2bc2b8d3fdbac318382e3d7120de30c9c237"
        "aa0a34831deb1e5e060a7969cd3a9742ec1e64b354f7eb290cba1c681c66cc7ea994fdf5614f60"
        "4d1a2718aab581c1c94931b1387e4b7dc73635bf3a7301174075fa70a9227d85d3",
        "3b26c5170729d0814153becb95f1b65cd42f9a6d0649d914e4f69d938b5e9dc041cd0f5c8da0b4"
        "84d7c7bc7b1bdefb08fe8b1bfedc81109345bc9e9a399feedf",
    ),
    (
        "518985977ee21d2bf622a20567124fcbf11c72df805365835ab3c041f4a9cd8a0ad63c9dee1018"
        "aa21a9fa3720f47dc48006f1aa3dba544950f87e627f369bc2793ede21223274492cceb77be7ee"
        "a50e5a509059929a16d33a9f54796cde5770c74bd3ecc25318503f1a41976407aff2",
        "c00926a374cde55b8fbd77f50da1363da19744d3f464e07ce31794c5a61b6f9c85689fa1cfe136"
        "553527fd876be91673c2cac2dd157b2defea360851b6d92cf4",
    ),
    (
        "fd2203e467574e834ab07c9097ae164532f24be1eb5d88f1af7748ceff0d2c67a21f4e4097f9d3"
        "bb4e9fbf97186e0db6db0100230a52b453d421f8ab9c9a6043aa3295ea20d2f06a2f37470d8a99"
        "075f1b8a8336f6228cf08b5942fc1fb4299c7d2480e8e82bce175540bdfad7752bc95b577f2295"
        "15394f3ae5cec870a4b2f8",
        "a21b1077d52b27ac545af63b32746c6e3c51cb0cb9f281eb9f3580a6d4996d5c9917d2a6e48462"
        "7a9d5a06fa1b25327a9d710e027387fc3e07d7c4d14c6086cc",
    ),
)

#: RFC 2202 2: keys and messages of HMAC-MD5.
HMAC_MD5 = (
    ("\x0b" * 16, "Hi There"),
    ("Jefe", "what do ya want for nothing?"),
    ("\xaa" * 16, "\xdd" * 50),
    ("".join(map(chr, range(1, 26))), "\xcd" * 50),
    ("\x0c" * 16, "Test With Truncation"),
    ("\xaa" * 80, "Test Using Larger Than Block-Size Key - Hash Key First"),
    ("\xaa" * 80, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
)
HMAC_MD5_DIGESTS = (
    "9294727a3638bb1c13f48ef8158bfc9d",
    "750c783e6ab0b503eaa86e310a5db738",
    "56be34521d144c88dbb8c733f0e8b3f6",
    "697eaf0aca3a3aea3a75164746ffaa79",
    "56461ef2342edc00f9bab995690efd4c",
    "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd",
    "6f630fad67cda0ee1fb1f562db3aa53e",
)
#: RFC 2202 3: of HMAC-SHA-1.
HMAC_SHA1 = (
    ("\x0b" * 20, "Hi There"),
    ("Jefe", "what do ya want for nothing?"),
    ("\xaa" * 20, "\xdd" * 50),
    ("".join(map(chr, range(1, 26))), "\xcd" * 50),
    ("\x0c" * 20, "Test With Truncation"),
    ("\xaa" * 80, "Test Using Larger Than Block-Size Key - Hash Key First"),
    ("\xaa" * 80, "Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data"),
)
HMAC_SHA1_DIGESTS = (
    "b617318655057264e28bc0b6fb378c8ef146be00",
    "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
    "125d7342b9ac11cd91a39af48aa17b4f63f175d3",
    "4c9007f4026250c6bc8414f9bf50c86c2d7235da",
    "4c1a03424b55e07fe7f27be1d58bb9324a9a5a04",
    "aa4ae5e15272d00e95705637ce8a3b55ed402112",
    "e8e99d0f45237d786d6bbaa7965c7808bbff1a91",
)
#: RFC 4231 4.2 to 4.4, 4.5, 4.7 and 4.8 (4.6 is about a digest that is cut).
HMAC_SHA2 = (
    ("\x0b" * 20, "Hi There"),
    ("Jefe", "what do ya want for nothing?"),
    ("\xaa" * 20, "\xdd" * 50),
    ("".join(map(chr, range(1, 26))), "\xcd" * 50),
    ("\xaa" * 131, "Test Using Larger Than Block-Size Key - Hash Key First"),
    (
        "\xaa" * 131,
        "This is a test using a larger than block-size key and a larger than block-size data. "
        "The key needs to be hashed before being used by the HMAC algorithm.",
    ),
)
HMAC_SHA256_DIGESTS = (
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
)
HMAC_SHA512_DIGESTS = (
    "87aa7cdea5ef619d4ff0b4241a1d6cb02379f4e2ce4ec2787ad0b30545e17cdedaa833b7d6b8a7"
    "02038b274eaea3f4e4be9d914eeb61f1702e696c203a126854",
    "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a99"
    "4a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737",
    "fa73b0089d56a284efb0f0756c890be9b1b5dbdd8ee81a3655f83e33b2279d39bf3e848279a722"
    "c806b485a47e67c807b946a337bee8942674278859e13292fb",
    "b0ba465637458c6990e5a8c5f61d4af7e576d97ff94b872de76f8050361ee3dba91ca5c11aa25e"
    "b4d679275cc5788063a5f19741120c4f2de2adebeb10a298dd",
    "80b24263c7c1a3ebb71493c1dd7be8b49b46d1f41b4aeec1121b013783f8f3526b56d037e05f25"
    "98bd0fd2215d6a1e5295e64f73f63f0aec8b915a985d786598",
    "e37b6a775dc87dbaa4dfa9f96e5e3ffddebd71f8867289865df5a32d20cdc944b6022cac3c4982"
    "b10d5eeb55c3e4de15134676fb6de0446065c97440fa8c6a58",
)


class DigestTests(SynchronousTestCase):
    """md5(), sha1() and sha2()."""

    def test_md5(self) -> None:
        """RFC 1321 A.5: all."""
        for message, digest in MD5:
            self.assertEqual(call(crypto.md5, message), digest)

    def test_sha1(self) -> None:
        """NIST's, and a million times "a" (RFC 3174 7.3)."""
        for message, digest in SHA1:
            self.assertEqual(call(crypto.sha1, unhex(message)), digest)
        million = call(crypto.sha1, "a" * 1_000_000)
        self.assertEqual(million, "34aa973cd4c4daa4f61eeb2bdbad27316534016f")

    def test_sha2(self) -> None:
        """NIST's, for 256 and 512 bits."""
        for message, digest in SHA256:
            self.assertEqual(call(crypto.sha2, unhex(message), 256.0), digest)
        for message, digest in SHA512:
            self.assertEqual(call(crypto.sha2, unhex(message), 512.0), digest)

    def test_sha2_sizes(self) -> None:
        """Other sizes are a fault that names the two."""
        error = self.assertRaises(Fault, call, crypto.sha2, "abc", 384.0)
        self.assertEqual(str(error), 'sha2() parameter "hashsize" must be 256 or 512, 384 given')
        error = self.assertRaises(Fault, call, crypto.hmac_sha2, "k", "abc", 1.0)
        self.assertEqual(str(error), 'hmac_sha2() parameter "hashsize" must be 256 or 512, 1 given')


class HMACTests(SynchronousTestCase):
    """hmac_md5(), hmac_sha1() and hmac_sha2()."""

    def test_md5(self) -> None:
        """RFC 2202 2: all cases."""
        for (key, message), digest in zip(HMAC_MD5, HMAC_MD5_DIGESTS, strict=True):
            self.assertEqual(call(crypto.hmac_md5, key, message), digest)

    def test_sha1(self) -> None:
        """RFC 2202 3: all cases."""
        for (key, message), digest in zip(HMAC_SHA1, HMAC_SHA1_DIGESTS, strict=True):
            self.assertEqual(call(crypto.hmac_sha1, key, message), digest)

    def test_sha2(self) -> None:
        """RFC 4231: all cases."""
        for (key, message), digest in zip(HMAC_SHA2, HMAC_SHA256_DIGESTS, strict=True):
            self.assertEqual(call(crypto.hmac_sha2, key, message, 256.0), digest)
        for (key, message), digest in zip(HMAC_SHA2, HMAC_SHA512_DIGESTS, strict=True):
            self.assertEqual(call(crypto.hmac_sha2, key, message, 512.0), digest)

    def test_cut(self) -> None:
        """RFC 4231 4.6: the first 128 bits."""
        key, message = "\x0c" * 20, "Test With Truncation"
        self.assertEqual(
            call(crypto.hmac_sha2, key, message, 256.0)[:32], "a3b6167473100ee06e0c796c2955552b"
        )
        self.assertEqual(
            call(crypto.hmac_sha2, key, message, 512.0)[:32], "415fad6271580a531d4179bc891d87a6"
        )


class HashTests(SynchronousTestCase):
    """hash()."""

    def test_hash_is_stable(self) -> None:
        """hash() is the same number in every process, whole and exact."""
        self.assertEqual(call(crypto.hash_, ""), 8044937785282358.0)
        self.assertEqual(call(crypto.hash_, "a"), float(int(call(crypto.hash_, "a"))))
        numbers = {call(crypto.hash_, str(number)) for number in range(1000)}
        self.assertEqual(len(numbers), 1000)
        self.assertTrue(all(0 <= number < 2**53 for number in numbers))
        self.assertEqual({number % 4 for number in numbers}, {0.0, 1.0, 2.0, 3.0})
