"""Cryptographic functions (manual: Cryptographic): ciphers, digests and random numbers.

Signatures are in ``signing``, ``crypt()`` is in ``passwords``.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Any, Protocol

from cryptography.hazmat.primitives.ciphers import Cipher, modes
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.padding import PKCS7

from smtpgate.hsl.builtin import (
    BOOLEAN,
    NO_OPTIONS,
    STRING,
    Integer,
    Number,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.turns import pieces

#: The most octets that one call of random_bytes() makes (manual: random_bytes).
MAX_RANDOM = 1024 * 1024

_BLOCK = 16
#: Octets of a message that are digested before others have their turn.
_PART = 1024 * 1024

_AES_OPTIONS = {
    "iv": Option((STRING,), None, "The initialization vector: 16 octets, for ``cbc`` only."),
    "padding": Option((BOOLEAN,), True, "Use PKCS #7 padding."),
}

_random = secrets.SystemRandom()


def _cipher(key: str, mode: str, vector: str | None) -> Cipher[Any] | None:
    """The cipher, or ``None`` where key, mode and vector do not make one."""
    if len(key) not in (16, 24, 32):
        return None
    algorithm = AES(key.encode("latin-1"))
    if mode == "ecb":
        return Cipher(algorithm, modes.ECB())
    if mode == "cbc" and vector is not None and len(vector) == _BLOCK:
        return Cipher(algorithm, modes.CBC(vector.encode("latin-1")))
    return None


@builtin("aes_encrypt", options=_AES_OPTIONS)
def aes_encrypt(
    message: String, key: String, mode: String, options: Options = NO_OPTIONS
) -> String | None:
    """Encrypt a message with AES (FIPS 197; NIST SP 800-38A).

    :param string message: the message to encrypt; without padding a multiple of 16 octets
    :param string key: the key: 16, 24 or 32 octets, never padded or cut
    :param string mode: ``ecb`` or ``cbc``
    :param array options: options array
    :return: the encrypted message; none if the key's, the vector's or the message's
        length does not fit, or there is no such mode
    :rtype: string or none

    .. code-block:: hsl

      $sealed = aes_encrypt("hello", "0123456789abcdef", "cbc", ["iv" => "fedcba9876543210"]);
      echo length($sealed);  // => 16
    """
    cipher = _cipher(key, mode, options["iv"])
    if cipher is None:
        return None
    if not options["padding"] and len(message) % _BLOCK:
        return None
    encryptor = cipher.encryptor()
    parts: list[bytes] = []
    last = b""
    if options["padding"]:
        padder = PKCS7(_BLOCK * 8).padder()
        for piece in pieces(message, _PART):
            parts.append(encryptor.update(padder.update(piece.encode("latin-1"))))
        last = padder.finalize()
    else:
        for piece in pieces(message, _PART):
            parts.append(encryptor.update(piece.encode("latin-1")))
    parts += (encryptor.update(last), encryptor.finalize())
    return b"".join(parts).decode("latin-1")


@builtin("aes_decrypt", options=_AES_OPTIONS)
def aes_decrypt(
    message: String, key: String, mode: String, options: Options = NO_OPTIONS
) -> String | None:
    """Decrypt a message with AES (FIPS 197; NIST SP 800-38A).

    A wrong key is found out by the padding, but not always: a message that must not
    be changed needs a signature or an HMAC as well.

    :param string message: the message to decrypt: a multiple of 16 octets
    :param string key: the key: 16, 24 or 32 octets, never padded or cut
    :param string mode: ``ecb`` or ``cbc``
    :param array options: options array
    :return: the decrypted message; none if a length or the padding is wrong, or there is
        no such mode
    :rtype: string or none

    .. code-block:: hsl

      $key = pack("a32", "filled up with NUL");
      $iv = random_bytes(16);
      $sealed = aes_encrypt("hello", $key, "cbc", ["iv" => $iv]);
      echo aes_decrypt($sealed, $key, "cbc", ["iv" => $iv]);  // => hello
      echo aes_decrypt("too short", $key, "cbc", ["iv" => $iv]);  // => none
    """
    cipher = _cipher(key, mode, options["iv"])
    if cipher is None or len(message) % _BLOCK:
        return None
    decryptor = cipher.decryptor()
    parts = [decryptor.update(piece.encode("latin-1")) for piece in pieces(message, _PART)]
    octets = b"".join([*parts, decryptor.finalize()])
    if options["padding"]:
        unpadder = PKCS7(_BLOCK * 8).unpadder()
        try:
            octets = unpadder.update(octets) + unpadder.finalize()
        except ValueError:
            return None
    return octets.decode("latin-1")


class _Hash(Protocol):
    """What takes octets, and then has a digest."""

    def update(self, octets: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


def _digest(made: _Hash, message: str) -> str:
    """The digest of a long message, made with turns for others."""
    for piece in pieces(message, _PART):
        made.update(piece.encode("latin-1"))
    return made.hexdigest()


@builtin("md5")
def md5(message: String) -> String:
    """The MD5 digest of a message, in hexadecimal.

    :param string message: the message
    :return: 32 hexadecimal digits
    :rtype: string

    .. code-block:: hsl

      echo md5("abc");  // => 900150983cd24fb0d6963f7d28e17f72
    """
    if len(message) > _PART:
        return _digest(hashlib.md5(usedforsecurity=False), message)
    return hashlib.md5(message.encode("latin-1"), usedforsecurity=False).hexdigest()


@builtin("sha1")
def sha1(message: String) -> String:
    """The SHA-1 digest of a message, in hexadecimal.

    :param string message: the message
    :return: 40 hexadecimal digits
    :rtype: string

    .. code-block:: hsl

      echo sha1("abc");  // => a9993e364706816aba3e25717850c26c9cd0d89d
    """
    if len(message) > _PART:
        return _digest(hashlib.sha1(usedforsecurity=False), message)
    return hashlib.sha1(message.encode("latin-1"), usedforsecurity=False).hexdigest()


_SHA2 = {256: "sha256", 512: "sha512"}


def _sha2_name(function: str, hashsize: int) -> str:
    name = _SHA2.get(hashsize)
    if name is None:
        raise Fault(f'{function}() parameter "hashsize" must be 256 or 512, {hashsize} given')
    return name


@builtin("sha2")
def sha2(message: String, hashsize: Integer) -> String:
    """The SHA-256 or SHA-512 digest of a message, in hexadecimal.

    :param string message: the message
    :param number hashsize: 256 or 512
    :return: 64 or 128 hexadecimal digits
    :rtype: string

    .. code-block:: hsl

      echo sha2("abc", 256)[:16];  // => ba7816bf8f01cfea
    """
    name = _sha2_name("sha2", hashsize)
    if len(message) > _PART:
        return _digest(hashlib.new(name), message)
    return hashlib.new(name, message.encode("latin-1")).hexdigest()


def _hmac(key: str, message: str, name: str) -> str:
    if len(key) > _PART:
        # RFC 2104 2: of a key that is longer than a block its digest is the key.
        key = bytes.fromhex(_digest(hashlib.new(name), key)).decode("latin-1")
    if len(message) <= _PART:
        return hmac.digest(key.encode("latin-1"), message.encode("latin-1"), name).hex()
    return _digest(hmac.new(key.encode("latin-1"), digestmod=name), message)


@builtin("hmac_md5")
def hmac_md5(key: String, message: String) -> String:
    """The HMAC-MD5 of a message, in hexadecimal (RFC 2104).

    :param string key: the key
    :param string message: the message
    :return: 32 hexadecimal digits
    :rtype: string

    .. code-block:: hsl

      echo hmac_md5("Jefe", "what do ya want for nothing?");  // => 750c783e6ab0b503eaa86e310a5db738
    """
    return _hmac(key, message, "md5")


@builtin("hmac_sha1")
def hmac_sha1(key: String, message: String) -> String:
    """The HMAC-SHA-1 of a message, in hexadecimal (RFC 2104).

    :param string key: the key
    :param string message: the message
    :return: 40 hexadecimal digits
    :rtype: string

    .. code-block:: hsl

      echo hmac_sha1("Jefe", "what do ya want for nothing?")[:8];  // => effcdf6a
    """
    return _hmac(key, message, "sha1")


@builtin("hmac_sha2")
def hmac_sha2(key: String, message: String, hashsize: Integer) -> String:
    """The HMAC-SHA-256 or HMAC-SHA-512 of a message, in hexadecimal (RFC 4231).

    :param string key: the key
    :param string message: the message
    :param number hashsize: 256 or 512
    :return: 64 or 128 hexadecimal digits
    :rtype: string

    .. code-block:: hsl

      echo hmac_sha2("Jefe", "what do ya want for nothing?", 256)[:8];  // => 5bdcc146
    """
    return _hmac(key, message, _sha2_name("hmac_sha2", hashsize))


@builtin("hash")
def hash_(message: String) -> Number:
    """A number for a message: the same for equal messages, always and on every machine.

    It spreads messages evenly, as for choosing one of several servers.  It is
    not a signature: use :func:`sha2` where somebody may forge.

    :param string message: the message
    :return: a whole number from 0 to 2**53 - 1
    :rtype: number

    .. code-block:: hsl

      echo hash("mail.example.org") == hash("mail.example.org");  // => 1
    """
    digest = hashlib.blake2b(message.encode("latin-1"), digest_size=8).digest()
    # 53 bits are what a number holds exactly.
    return float(int.from_bytes(digest, "big") >> 11)


@builtin("random_bytes")
def random_bytes(bytes: Integer) -> String:
    """Random octets from the operating system, fit for keys.

    :param number bytes: how many; at most 1 MiB
    :return: the octets
    :rtype: string

    .. code-block:: hsl

      echo length(random_bytes(16));  // => 16
    """
    if not 0 <= bytes <= MAX_RANDOM:
        raise Fault(f'random_bytes() parameter "bytes" must be 0 to {MAX_RANDOM}, {bytes} given')
    return secrets.token_bytes(bytes).decode("latin-1")


_EXACT = 2**53


@builtin("random_number", aliases=("rand",))
def random_number(first: Integer | None = None, last: Integer | None = None) -> Number:
    """A random whole number from first to last, or a decimal from 0 to 1.

    Both are given or none is.

    :param number first: the smallest number
    :param number last: the greatest number, at most 2**53
    :return: the number; first and last are possible, 1 is not
    :rtype: number

    .. code-block:: hsl

      $dice = random_number(1, 6);
      echo $dice >= 1 and $dice <= 6;  // => 1
    """
    if first is None and last is None:
        return _random.random()
    if first is None or last is None:
        raise Fault("random_number() takes both first and last or neither")
    for name, bound in (("first", first), ("last", last)):
        if abs(bound) > _EXACT:
            raise Fault(
                f'random_number() parameter "{name}" must be -2**53 to 2**53, {bound:g} given'
            )
    if first > last:
        raise Fault(f'random_number() parameter "last" must be at least {first}, {last} given')
    return float(_random.randint(first, last))


FUNCTIONS = (
    aes_decrypt,
    aes_encrypt,
    hash_,
    hmac_md5,
    hmac_sha1,
    hmac_sha2,
    md5,
    random_bytes,
    random_number,
    sha1,
    sha2,
)
