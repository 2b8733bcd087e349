"""A certificate authority for tests, made in memory."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    PrivateCertificate,
    trustRootFromCertificates,
)


class Pair(NamedTuple):
    """A certificate with its key, PEM."""

    certificate: bytes
    key: bytes

    @property
    def private(self) -> PrivateCertificate:
        return PrivateCertificate.loadPEM(self.certificate + self.key)


_KEYS: dict[bytes, tuple[x509.Certificate, ec.EllipticCurvePrivateKey]] = {}


@cache
def authority() -> Pair:
    """The authority itself."""
    return _issue("Test CA", (), None)


@cache
def issued(name: str, *mail: str) -> Pair:
    """A certificate of the authority, for a host or a person."""
    return _issue(name, mail, authority())


def _issue(name: str, mail: tuple[str, ...], issuer: Pair | None) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    parent = None if issuer is None else _KEYS[issuer.certificate]
    now = datetime.now(UTC)
    names: list[x509.GeneralName] = [x509.RFC822Name(each) for each in mail]
    names.append(x509.DNSName("localhost"))
    issuer_key = key if parent is None else parent[1]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if parent is None else parent[0].subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=parent is None, path_length=None), critical=True)
        # RFC 5280 4.2.1.1 to 4.2.1.3; Python 3.13 verifies strictly.
        .add_extension(_usage(authority=parent is None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    _KEYS[pem] = certificate, key
    return Pair(
        pem,
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ),
    )


def _usage(authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def server_options(verify_clients: bool = False) -> CertificateOptions:
    """TLS for a server named localhost."""
    pair = issued("localhost").private
    trust = None
    if verify_clients:
        trust = trustRootFromCertificates([Certificate.loadPEM(authority().certificate)])
    return CertificateOptions(
        privateKey=pair.privateKey.original,
        certificate=pair.original,
        trustRoot=trust,
    )
