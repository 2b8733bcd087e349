"""TLS of the servers: certificates by name, chosen by SNI, verified clients.

What is agreed on is TLS 1.2 with forward secrecy and AEAD ciphers, or TLS 1.3.  No
compression, no renegotiation, and no session resumption: a mail session is long,
and its handshake is not what costs.

A context is made once when the configuration is read.  Reading it again makes new
ones; connections keep the one that they began with.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[import-untyped]

CIPHERS = (
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256"
)
#: What a client may say it speaks (ALPN, RFC 7301); all others are told that it is not here, so
#: that nobody's browser can be made to talk to a mail server (the ALPACA attack).
PROTOCOLS = (b"smtp", b"esmtp")
_LIFETIME = timedelta(days=3650)


class CertificateProblem(Exception):
    """A certificate that cannot be used; ``key`` is the configuration key at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message


@dataclass(frozen=True, slots=True)
class Credential:
    """A certificate with its chain and key, ready to be served, and who it is for.

    ``build`` makes a context with it: each server has its own, with its own choice of names.
    """

    name: str
    build: Callable[[], SSL.Context]
    hosts: tuple[str, ...]
    expires: datetime
    verifies_clients: bool = False

    def covers(self, host: str) -> bool:
        """Whether it is for a host, RFC 6125 6.4: a wildcard stands for one whole label."""
        wanted = host.lower().rstrip(".")
        _, _, parent = wanted.partition(".")
        return any(own == wanted or (parent and own == f"*.{parent}") for own in self.hosts)


class RememberingConnection(SSL.Connection):
    """A server's side of a handshake, which knows how the client's certificate fared.

    pyOpenSSL forgets the error when a callback lets the handshake go on in spite of it.
    """

    verify_error: int = 0


def _judge_client(
    connection: SSL.Connection, certificate: crypto.X509, error: int, depth: int, good: int
) -> bool:
    """Let every client in; scripts and EXTERNAL decide about what was found."""
    if not good and isinstance(connection, RememberingConnection) and not connection.verify_error:
        connection.verify_error = error
    return True


def _choose_protocol(connection: SSL.Connection, offered: list[bytes]) -> bytes:
    for protocol in PROTOCOLS:
        if protocol in offered:
            return protocol
    raise SSL.Error([("SSL routines", "", "no application protocol")])


def server_context() -> SSL.Context:
    """A context with our policy, and no certificate yet."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(CIPHERS)
    context.set_options(
        SSL.OP_NO_COMPRESSION
        | SSL.OP_NO_RENEGOTIATION
        | SSL.OP_NO_TICKET
        | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    # TLS 1.3 sends two tickets all the same, which nobody can redeem: pyOpenSSL cannot say none.
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_session_id(b"smtpgate")
    # Twisted writes from buffers that move, and idle sessions need no buffers.
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_alpn_select_callback(_choose_protocol)
    return context


def load_credential(
    name: str, certificate: Path, private_key: Path, client_ca: Path | None = None
) -> Credential:
    """Read a certificate from its files.

    :raises CertificateProblem: when they cannot be read, or do not belong together
    """
    leaf, *chain = _read_certificates("certificate", certificate)
    try:
        key = serialization.load_pem_private_key(private_key.read_bytes(), None)
    except TypeError:
        raise CertificateProblem(
            "private_key", f"{private_key} is encrypted, expected a key without a passphrase"
        ) from None
    except (OSError, ValueError):
        raise CertificateProblem(
            "private_key", f"{private_key} has no private key, expected one as PEM"
        ) from None
    if _spki(key.public_key()) != _spki(leaf.public_key()):
        raise CertificateProblem(
            "private_key",
            f"{private_key} is not the key of {certificate}, expected the two to belong together",
        )
    authorities = [] if client_ca is None else _read_certificates("client_ca", client_ca)

    def build() -> SSL.Context:
        context = server_context()
        context.use_certificate(crypto.X509.from_cryptography(leaf))
        for link in chain:
            context.add_extra_chain_cert(crypto.X509.from_cryptography(link))
        context.use_privatekey(crypto.PKey.from_cryptography_key(key))  # type: ignore[arg-type]
        if authorities:
            _verify(context, authorities)
        return context

    try:
        build()
    except (SSL.Error, TypeError):
        raise CertificateProblem(
            "certificate", f"{certificate} is refused by OpenSSL, expected an RSA or EC key"
        ) from None
    return Credential(name, build, _hosts(leaf), leaf.not_valid_after_utc, bool(authorities))


def _verify(context: SSL.Context, authorities: Sequence[x509.Certificate]) -> None:
    """Ask clients for certificates of these authorities."""
    store = context.get_cert_store()
    assert store is not None
    for authority in authorities:
        known = crypto.X509.from_cryptography(authority)
        store.add_cert(known)
        context.add_client_ca(known)
    context.set_verify(SSL.VERIFY_PEER, _judge_client)


def _read_certificates(key: str, file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        raise CertificateProblem(key, f"{file} has no certificate, expected PEM") from None


def _spki(key: object) -> bytes:
    return key.public_bytes(  # type: ignore[attr-defined, no-any-return]
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def _hosts(certificate: x509.Certificate) -> tuple[str, ...]:
    """Its DNS names; the common name only when it has none, RFC 6125 6.4.4."""
    try:
        names = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value.get_values_for_type(x509.DNSName)
    except x509.ExtensionNotFound:
        names = []
    if not names:
        common = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
        names = [str(attribute.value) for attribute in common]
    return tuple(name.lower() for name in names)


@implementer(IOpenSSLServerConnectionCreator)
class ServerTLS:
    """Makes the TLS side of a server's connections.

    :param credentials: at least one; the first is for clients that ask for no host, or for one
        that no certificate is for
    """

    def __init__(self, credentials: Sequence[Credential]) -> None:
        self._choices = [(credential, credential.build()) for credential in credentials]
        self._default = self._choices[0][1]
        if len(self._choices) > 1:
            self._default.set_tlsext_servername_callback(self._choose)

    def serverConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        return RememberingConnection(self._default, None)

    def _choose(self, connection: SSL.Connection) -> None:
        asked = connection.get_servername()
        if asked is None:
            return
        host = asked.decode("ascii", "replace")
        for credential, context in self._choices:
            if credential.covers(host):
                connection.set_context(context)
                # Whether to ask for a client certificate does not come with the context.
                if credential.verifies_clients:
                    connection.set_verify(SSL.VERIFY_PEER, _judge_client)
                else:
                    connection.set_verify(SSL.VERIFY_NONE)
                return


def self_signed_files(directory: Path, name: str) -> tuple[Path, Path]:
    """Where a self-signed certificate and its private key are."""
    return directory / f"{name}.cert.pem", directory / f"{name}.key.pem"


def self_signed(directory: Path, name: str, hostname: str) -> tuple[Path, Path, bool]:
    """The files of a self-signed certificate under ``directory``; made when they are missing.

    :return: (certificate, private key, whether they were made now)
    :raises OSError: when they cannot be written
    """
    certificate, private_key = self_signed_files(directory, name)
    missing = not (certificate.exists() and private_key.exists())
    if missing:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = ec.generate_private_key(ec.SECP256R1())
        # The key first: a crash in between leaves no certificate, and the next start makes both.
        certificate.unlink(missing_ok=True)
        _write(
            private_key,
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
        _write(certificate, _make(key, hostname).public_bytes(serialization.Encoding.PEM))
    return certificate, private_key, missing


def _make(key: ec.EllipticCurvePrivateKey, hostname: str) -> x509.Certificate:
    # A common name has 64 characters at most, RFC 5280 appendix A; the name that counts is below.
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hostname[:64])])
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(hostname)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )


def _write(file: Path, octets: bytes) -> None:
    """All of it or nothing, readable by its owner only."""
    descriptor, temporary = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    try:
        with open(descriptor, "wb") as stream:
            stream.write(octets)
            stream.flush()
            os.fsync(descriptor)
        os.replace(temporary, file)
    except BaseException:
        os.unlink(temporary)
        raise
