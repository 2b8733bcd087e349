"""Certificates for next hops: for any names, good ones and expired ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import crypto

_KEY = ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Issued:
    """A certificate, its key, and who has issued it."""

    certificate: crypto.X509
    key: crypto.PKey
    pem: bytes
    key_pem: bytes
    authority: bytes


def issued_to(*names, days=1):
    """A certificate for names and addresses, that expires in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _sign(names[0], key.public_key(), [_name(each) for each in names], days)
    root = _sign(_ROOT, _KEY.public_key(), None, 1)
    return _bundle(leaf, key, root)


def issued_by_stranger(*names):
    """The same, by an authority that nobody knows."""
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _sign(names[0], key.public_key(), [_name(each) for each in names], 1, issuer=key)
    return _bundle(leaf, key, leaf)


_ROOT = "Next hops' authority"


def _name(text):
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _sign(subject, public, names, days, issuer=None):
    now = datetime.now(UTC)
    signer = issuer or _KEY
    builder = (
        x509.CertificateBuilder()
        .subject_name(_common(subject))
        .issuer_name(_common(_ROOT if issuer is None else subject))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=3))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
    )
    if names is not None:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _common(text):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])


def _bundle(leaf, key, root):
    return Issued(
        crypto.X509.from_cryptography(leaf),
        crypto.PKey.from_cryptography_key(key),
        leaf.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
        root.public_bytes(serialization.Encoding.PEM),
    )
