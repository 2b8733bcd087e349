"""Published vectors that are too long to stand in a test."""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa


def unhex(text: str) -> str:
    """The octet string of hexadecimal digits; spaces do not count."""
    return bytes.fromhex(text).decode("latin-1")


def tohex(octets: str) -> str:
    return octets.encode("latin-1").hex()


# NIST CAVP, FIPS 186-2, SigGen15_186-2.txt: the key of 1024 bits, and for each hash the first
# message and its signature.
NIST_N = int(
    "c8a2069182394a2ab7c3f4190c15589c56a2d4bc42dca675b34cc950e24663048441e8aa593b2bc5"
    "9e198b8c257e882120c62336e5cc745012c7ffb063eebe53f3c6504cba6cfe51baa3b6d1074b2f39"
    "8171f4b1982f4d65caf882ea4d56f32ab57d0c44e6ad4e9cf57a4339eb6962406e350c1b15397183"
    "fbf1f0353c9fc991",
    16,
)
NIST_E = 0x10001
NIST_D = int(
    "5dfcb111072d29565ba1db3ec48f57645d9d8804ed598a4d470268a89067a2c921dff24ba2e37a3c"
    "e834555000dc868ee6588b7493303528b1b3a94f0b71730cf1e86fca5aeedc3afa16f65c0189d810"
    "ddcd81049ebbd0391868c50edec958b3a2aaeff6a575897e2f20a3ab5455c1bfa55010ac51a7799b"
    "1ff8483644a3d425",
    16,
)
NIST_SIGNATURES = {
    "sha1": (
        unhex(
            "e8312742ae23c456ef28a23142c4490895832765dadce02afe5be5d31b0048fbeee2cf218b17"
            "47ad4fd81a2e17e124e6af17c3888e6d2d40c00807f423a233cad62ce9eaefb709856c94af16"
            "6dba08e7a06965d7fc0d8e5cb26559c460e47bc088589d2242c9b3e62da4896fab199e144ec1"
            "36db8d84ab84bcba04ca3b90c8e5"
        ),
        unhex(
            "28928e19eb86f9c00070a59edf6bf8433a45df495cd1c73613c2129840f48c4a2c24f11df79b"
            "c5c0782bcedde97dbbb2acc6e512d19f085027cd575038453d04905413e947e6e1dddbeb3535"
            "cdb3d8971fe0200506941056f21243503c83eadde053ed866c0e0250beddd927a08212aa8ac0"
            "efd61631ef89d8d049efb36bb35f"
        ),
    ),
    "sha256": (
        unhex(
            "e567a39ae4e5ef9b6801ea0561b72a5d4b5f385f0532fc9fe10a7570f869ae05c0bdedd6e0e2"
            "2d4542e9ce826a188cac0731ae39c8f87f9771ef02132e64e2fb27ada8ff54b330dd93ad5e3e"
            "f82e0dda646248e35994bda10cf46e5abc98aa7443c03cddeb5ee2ab82d60100b10296318979"
            "70275f119d05daa2220a4a0defba"
        ),
        unhex(
            "0e7cdd121e40323ca6115d1ec6d1f9561738455f0e9e1cd858e8b566ae2da5e8ee63d8f15c3c"
            "dd88027e13406db609369c88ca99b34fa156c7ee62bc5a3923bb5a1edabd45c1a422aafcbb47"
            "e0947f35cfef87970b4b713162b21916cafb8c864a3e5b9ffc989401d4eae992312a32c5bc88"
            "abbb45f99ac885b54d6b8e61b6ec"
        ),
    ),
    "sha512": (
        unhex(
            "e567a39ae4e5ef9b6801ea0561b72a5d4b5f385f0532fc9fe10a7570f869ae05c0bdedd6e0e2"
            "2d4542e9ce826a188cac0731ae39c8f87f9771ef02132e64e2fb27ada8ff54b330dd93ad5e3e"
            "f82e0dda646248e35994bda10cf46e5abc98aa7443c03cddeb5ee2ab82d60100b10296318979"
            "70275f119d05daa2220a4a0defba"
        ),
        unhex(
            "bf3ff2c69675f1b8ed421021801fb4ce29a757f7f8869ce436d0d75ab749efc8b903d9f9cb21"
            "4686147f12f3335fa936689c192f310ae3c5d75493f44b24bc1cd3501584aaa5004b65a8716d"
            "1eda7240ad8a529d5a0cf169f4054b450e076ee0d41a0011c557aa69a84a8104c909201d60fe"
            "39c79e684347ef4d144ea18f7a4e"
        ),
    ),
}


def nist_key() -> Any:
    """NIST's private key."""
    p, q = rsa.rsa_recover_prime_factors(NIST_N, NIST_E, NIST_D)
    public = rsa.RSAPublicNumbers(NIST_E, NIST_N)
    numbers = rsa.RSAPrivateNumbers(
        p, q, NIST_D, NIST_D % (p - 1), NIST_D % (q - 1), rsa.rsa_crt_iqmp(p, q), public
    )
    return numbers.private_key()


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
