"""Signatures (manual: Cryptographic): RSA, Ed25519 and PKCS #7."""

from __future__ import annotations

import base64
import binascii
import re
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs7

from smtpgate.hsl.builtin import (
    BOOLEAN,
    NO_OPTIONS,
    STRING,
    Boolean,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.capabilities import slow
from smtpgate.hsl.runtime.execution import Execution

#: The cost of an RSA key grows with the cube of its size, and that of checking one even
#: faster: greater keys would hold up other sessions.
MAX_RSA_BITS = 4096
# A private key of 4096 bits takes about 2400 octets of DER.
_MAX_DER = 3000

#: The most certificates that one PKCS #7 signature carries.
MAX_CHAIN = 32

_HASHES: dict[str, Any] = {
    "md5": hashes.MD5,
    "sha1": hashes.SHA1,
    "sha256": hashes.SHA256,
    "sha512": hashes.SHA512,
}

# What cryptography raises for a key that it cannot read or will not use.
_BAD_KEY = (ValueError, TypeError, UnsupportedAlgorithm)


def refuse_pki(function: str, options: Options) -> None:
    """Raise :class:`Fault` if a key is named by its place in a configuration."""
    if options["id"]:
        raise Fault(f'{function}(): keys named "pki:" are not available here; pass the key itself')


def _rsa_options(format_default: str, format_other: str, what: str) -> dict[str, Option]:
    return {
        "hash": Option((STRING,), "sha256", "The digest to sign.", tuple(_HASHES)),
        "format": Option(
            (STRING,),
            format_default,
            f"How the {what} key is written.",
            (format_default, format_other),
        ),
        "pem": Option((BOOLEAN,), False, f"The {what} key is PEM text, not DER octets."),
        "id": Option(
            (BOOLEAN,), False, 'The key is a "pki:" name of the configuration: not available.'
        ),
    }


_PRIVATE_OPTIONS = _rsa_options("RSAPrivateKey", "PrivateKeyInfo", "private")
_PUBLIC_OPTIONS = _rsa_options("RSAPublicKey", "SubjectPublicKeyInfo", "public")

_PEM = re.compile(rb"-----BEGIN ([A-Z ]*KEY)-----([A-Za-z0-9+/=\s]{1,4500})-----END \1-----")


def _der(key: str, pem: bool) -> bytes | None:
    """The key's DER octets, out of its PEM text if it is that."""
    octets = key.encode("latin-1")
    if not pem:
        return octets
    found = _PEM.search(octets)
    if found is None:
        return None
    try:
        return base64.b64decode(b"".join(found[2].split()), validate=True)
    except binascii.Error:
        return None


def _elements(der: bytes) -> list[int]:
    """The tags of the first elements in a DER sequence: what tells the key formats apart."""
    tags: list[int] = []
    at = 0
    for outer in (True, False, False):
        if at + 2 > len(der):
            break
        tag, size = der[at], der[at + 1]
        at += 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(der[at : at + count], "big")
            at += count
        if not outer:
            tags.append(tag)
            at += size
        elif tag != 0x30:
            break
    return tags


_INTEGER, _SEQUENCE = 0x02, 0x30
_FORMATS = {
    "RSAPrivateKey": [_INTEGER, _INTEGER],  # RFC 8017 A.1.2
    "PrivateKeyInfo": [_INTEGER, _SEQUENCE],  # RFC 5208 5
    "RSAPublicKey": [_INTEGER, _INTEGER],  # RFC 8017 A.1.1
    "SubjectPublicKeyInfo": [_SEQUENCE, 0x03],  # RFC 5280 4.1
}


def _rsa_der(key: str, options: Options) -> bytes | None:
    der = _der(key, options["pem"])
    if der is None or len(der) > _MAX_DER or _elements(der) != _FORMATS[options["format"]]:
        return None
    return der


# Checking a private key takes far longer than signing with it: 30 ms at 2048 bits, once.
@lru_cache(maxsize=64)
def load_private_key(octets: bytes, pem: bool) -> Any:
    """The private key in DER or PEM octets.

    :raises ValueError: if it cannot be read or is greater than :data:`MAX_RSA_BITS`
    """
    load = serialization.load_pem_private_key if pem else serialization.load_der_private_key
    try:
        key = load(octets, None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("the key cannot be used") from error
    if isinstance(key, rsa.RSAPrivateKey) and key.key_size > MAX_RSA_BITS:
        raise ValueError("the key is too large")
    return key


@builtin("rsa_sign", options=_PRIVATE_OPTIONS)
def rsa_sign(
    execution: Execution, message: String, privatekey: String, options: Options = NO_OPTIONS
) -> String | None:
    """Sign the digest of a message with RSA (RFC 8017, PKCS #1 v1.5).

    PEM text that begins with ``BEGIN PRIVATE KEY``, as ``openssl genrsa`` writes it,
    has the format ``PrivateKeyInfo``; ``BEGIN RSA PRIVATE KEY`` is ``RSAPrivateKey``.

    :param string message: the message
    :param string privatekey: the private key, of at most 4096 bits, without a password
    :param array options: options array
    :return: the signature's octets; none for a key that cannot be used or is not as
        the options say
    :rtype: string or none

    .. code-block:: hsl

      $key = file_get_contents("key.pem");
      $options = ["pem" => true, "format" => "PrivateKeyInfo"];
      echo length(rsa_sign("hello", $key, $options));  // => 128
      echo rsa_sign("hello", $key);  // => none
    """
    refuse_pki("rsa_sign", options)
    der = _rsa_der(privatekey, options)
    if der is None:
        return None
    try:
        key = load_private_key(der, False)
        if not isinstance(key, rsa.RSAPrivateKey):
            return None
        digest = _HASHES[options["hash"]]()
        with slow(execution):
            signature = key.sign(message.encode("latin-1"), padding.PKCS1v15(), digest)
    except _BAD_KEY:
        return None
    return str(signature, "latin-1")


@builtin("rsa_verify", options=_PUBLIC_OPTIONS)
def rsa_verify(
    message: String,
    signature: String,
    publickey: String,
    options: Options = NO_OPTIONS,
) -> Boolean | None:
    """Whether an RSA signature (RFC 8017, PKCS #1 v1.5) is that of a message.

    PEM text that begins with ``BEGIN PUBLIC KEY`` has the format
    ``SubjectPublicKeyInfo``; ``BEGIN RSA PUBLIC KEY`` is ``RSAPublicKey``.

    :param string message: the message
    :param string signature: the signature's octets
    :param string publickey: the public key, of at most 4096 bits
    :param array options: options array
    :return: whether the signature is right; none for a key that cannot be used or is
        not as the options say
    :rtype: boolean or none

    .. code-block:: hsl

      $private = ["pem" => true, "format" => "PrivateKeyInfo"];
      $signature = rsa_sign("hello", file_get_contents("key.pem"), $private);
      $key = file_get_contents("public.pem");
      $public = ["pem" => true, "format" => "SubjectPublicKeyInfo"];
      echo rsa_verify("hello", $signature, $key, $public);  // => 1
      echo rsa_verify("hallo", $signature, $key, $public);  // => 0
      echo rsa_verify("hello", $signature, $key);  // => none
    """
    refuse_pki("rsa_verify", options)
    der = _rsa_der(publickey, options)
    if der is None:
        return None
    try:
        key = serialization.load_der_public_key(der)
        if not isinstance(key, rsa.RSAPublicKey) or key.key_size > MAX_RSA_BITS:
            return None
        digest = _HASHES[options["hash"]]()
        key.verify(
            signature.encode("latin-1"), message.encode("latin-1"), padding.PKCS1v15(), digest
        )
    except InvalidSignature:
        return False
    except _BAD_KEY:
        return None
    return True


@builtin("ed25519_sign")
def ed25519_sign(message: String, privatekey: String) -> String | None:
    """Sign a message with Ed25519 (RFC 8032).

    :param string message: the message
    :param string privatekey: the private key: 32 octets
    :return: the signature: 64 octets; none for a key that is not 32 octets
    :rtype: string or none

    .. code-block:: hsl

      echo length(ed25519_sign("hello", random_bytes(32)));  // => 64
    """
    if len(privatekey) != 32:
        return None
    key = ed25519.Ed25519PrivateKey.from_private_bytes(privatekey.encode("latin-1"))
    return key.sign(message.encode("latin-1")).decode("latin-1")


@builtin("ed25519_verify")
def ed25519_verify(message: String, signature: String, publickey: String) -> Boolean | None:
    """Whether an Ed25519 signature (RFC 8032) is that of a message.

    :param string message: the message
    :param string signature: the signature's octets
    :param string publickey: the public key: 32 octets
    :return: whether the signature is right; none for a key that is not 32 octets
    :rtype: boolean or none

    .. code-block:: hsl

      $private = base64_decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=");
      $public = base64_decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
      $signature = ed25519_sign("hello", $private);
      echo ed25519_verify("hello", $signature, $public);  // => 1
      echo ed25519_verify("hallo", $signature, $public);  // => 0
    """
    if len(publickey) != 32:
        return None
    try:
        key = ed25519.Ed25519PublicKey.from_public_bytes(publickey.encode("latin-1"))
        key.verify(signature.encode("latin-1"), message.encode("latin-1"))
    except InvalidSignature:
        return False
    except _BAD_KEY:
        return None
    return True


#: A private key in PEM text, wherever it stands.
PRIVATE_PEM = re.compile(
    rb"-----BEGIN [A-Z ]*PRIVATE KEY-----[A-Za-z0-9+/=\s]{0,4500}"
    rb"-----END [A-Z ]*PRIVATE KEY-----\s*"
)

_PKCS7_OPTIONS = {
    "id": Option(
        (BOOLEAN,), False, 'The certificate is a "pki:" name of the configuration: not available.'
    ),
    "detached": Option((BOOLEAN,), True, "Leave the message out of the signature."),
}


@builtin("pkcs7_sign", options=_PKCS7_OPTIONS)
def pkcs7_sign(
    execution: Execution, message: String, certificate: String, options: Options = NO_OPTIONS
) -> String | None:
    """Sign a message with PKCS #7 (RFC 5652), as S/MIME does.

    The first certificate that belongs to the private key signs (with SHA-256);
    all others go into the signature as well.

    :param string message: the message, signed octet by octet
    :param string certificate: PEM text with certificates and one private key (RSA or ECDSA)
    :param array options: options array
    :return: the signature's DER octets; none if certificate and key cannot be used or do
        not belong together
    :rtype: string or none

    .. code-block:: hsl

      $signature = pkcs7_sign("hello", file_get_contents("mail.pem"));
      echo base64_encode($signature)[:3];  // => MII
      echo pkcs7_sign("hello", "no certificate");  // => none
    """
    refuse_pki("pkcs7_sign", options)
    pem = certificate.encode("latin-1")
    try:
        key = load_private_key(b"".join(PRIVATE_PEM.findall(pem)), True)
        chain = x509.load_pem_x509_certificates(pem)
    except _BAD_KEY:
        return None
    if not isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
        return None
    if len(chain) > MAX_CHAIN:
        return None
    public = key.public_key()
    signer = next((entry for entry in chain if _belongs(entry, public)), None)
    if signer is None:
        return None
    builder = pkcs7.PKCS7SignatureBuilder().set_data(message.encode("latin-1"))
    builder = builder.add_signer(signer, key, hashes.SHA256())
    for entry in chain:
        if entry is not signer:
            builder = builder.add_certificate(entry)
    flags = [pkcs7.PKCS7Options.Binary]
    if options["detached"]:
        flags.append(pkcs7.PKCS7Options.DetachedSignature)
    with slow(execution):
        signature = builder.sign(serialization.Encoding.DER, flags)
    return signature.decode("latin-1")


def _belongs(certificate: x509.Certificate, public: Any) -> bool:
    try:
        return bool(certificate.public_key() == public)
    except _BAD_KEY:
        return False


FUNCTIONS = (ed25519_sign, ed25519_verify, pkcs7_sign, rsa_sign, rsa_verify)
