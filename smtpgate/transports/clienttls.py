"""TLS towards next hops: TLS 1.2 at least, verified where the configuration asks for it."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from OpenSSL import SSL, crypto
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    optionsForClientTLS,
    platformTrust,
    trustRootFromCertificates,
)
from twisted.protocols.tls import TLSMemoryBIOProtocol
from zope.interface import implementer  # type: ignore[import-untyped]

from smtpgate.smtp.nexthop.opening import TLSMode


class ClientTLSProblem(Exception):
    """A file that cannot be used; ``key`` is the configuration key at fault."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(message)
        self.key = key
        self.message = message


class ClientTLS:
    """Makes the TLS side of connections to next hops.

    ``required`` and ``implicit`` verify the certificate: its chain, and that it is for the host
    that was connected to (RFC 6125, by service-identity). ``opportunistic`` takes any.

    :param ca: PEM file of the authorities to trust instead of the system's
    :param certificate: PEM files of what to show to the next hop: its chain, its key
    :raises ClientTLSProblem: when a file cannot be used
    """

    def __init__(
        self,
        mode: TLSMode,
        ca: Path | None = None,
        certificate: tuple[Path, Path] | None = None,
    ) -> None:
        self._mode = mode
        self._options = _shown(certificate) if certificate is not None else {}
        self._trust = _system() if ca is None else _authorities(ca)
        self._creators: dict[str, object] = {}
        if mode == "opportunistic":
            self._context = CertificateOptions(**self._options).getContext()

    def creator(self, host: str) -> object | None:
        """The IOpenSSLClientConnectionCreator for one host; None when there is to be no TLS."""
        if self._mode == "none":
            return None
        creator = self._creators.get(host)
        if creator is None:
            if self._mode == "opportunistic":
                creator = _Unverified(self._context, host)
            else:
                creator = optionsForClientTLS(
                    host, self._trust, extraCertificateOptions=self._options
                )
            self._creators[host] = creator
        return creator


@implementer(IOpenSSLClientConnectionCreator)
class _Unverified:
    def __init__(self, context: SSL.Context, host: str) -> None:
        self._context = context
        self._name: bytes | None = None
        try:
            ip_address(host)
        except ValueError:
            self._name = host.encode("idna")

    def clientConnectionForTLS(self, tlsProtocol: TLSMemoryBIOProtocol) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        if self._name is not None:
            connection.set_tlsext_host_name(self._name)
        return connection


def _system() -> Any:
    return platformTrust()  # type: ignore[no-untyped-call]


def _authorities(file: Path) -> Any:
    try:
        found = x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError):
        raise ClientTLSProblem("ca", f"{file} has no certificate, expected PEM") from None
    shared = [crypto.X509.from_cryptography(each) for each in found]
    certificates = [Certificate(each) for each in shared]  # type: ignore[no-untyped-call]
    return trustRootFromCertificates(certificates)  # type: ignore[no-untyped-call]


def _shown(files: tuple[Path, Path]) -> dict[str, Any]:
    certificate, key = files
    try:
        leaf, *chain = x509.load_pem_x509_certificates(certificate.read_bytes())
        private = serialization.load_pem_private_key(key.read_bytes(), None)
    except (OSError, ValueError, TypeError):
        raise ClientTLSProblem(
            "certificate",
            f"{certificate} and {key} cannot be used, expected PEM without passphrase",
        ) from None
    return {
        "certificate": crypto.X509.from_cryptography(leaf),
        "privateKey": crypto.PKey.from_cryptography_key(private),  # type: ignore[arg-type]
        "extraCertChain": [crypto.X509.from_cryptography(each) for each in chain],
    }
