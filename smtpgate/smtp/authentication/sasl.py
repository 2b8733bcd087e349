"""The SASL mechanisms that are built in: one exchange each, without I/O; SCRAM is in ``scram``.

``respond`` takes the client's decoded response, None for an AUTH command without one, and gives
the next challenge, or the credentials for the portal.  It raises :class:`Malformed` (501) for
what cannot be read and :class:`Unproven` (535) for what is wrong, and never says which part was.
"""

from __future__ import annotations

from typing import Protocol

from cryptography import x509
from twisted.cred.credentials import UsernamePassword
from twisted.internet.defer import Deferred

from smtpgate.smtp.server.credentials import Proven
from smtpgate.smtp.server.policy import Challenge
from smtpgate.smtp.session import TLSInfo

Credentials = UsernamePassword | Proven
Step = Challenge | Credentials


class Malformed(Exception):
    """A response that the mechanism cannot read."""


class Unproven(Exception):
    """A response that proves nothing."""


class Exchange(Protocol):
    """One authentication under way."""

    def respond(self, response: bytes | None) -> Step | Deferred[Step]:
        """Take the next response."""


class Plain:
    """PLAIN, RFC 4616."""

    def respond(self, response: bytes | None) -> Step:
        if response is None:
            return Challenge(b"")
        parts = response.split(b"\0")
        if len(parts) != 3 or not parts[1] or not parts[2]:
            raise Malformed
        identity, username, password = parts
        if identity not in (b"", username):
            raise Unproven  # nobody may act for somebody else
        return UsernamePassword(username, password)


class Login:
    """LOGIN, draft-murchison-sasl-login: the prompts that clients know."""

    _username: bytes | None = None

    def respond(self, response: bytes | None) -> Step:
        if response is None:
            return Challenge(b"Username:")
        if b"\0" in response or not response:
            raise Malformed
        if self._username is None:
            self._username = response
            return Challenge(b"Password:")
        return UsernamePassword(self._username, response)


class External:
    """EXTERNAL, RFC 4422 appendix A: the verified client certificate says who it is."""

    def __init__(self, tls: TLSInfo) -> None:
        self._tls = tls

    def respond(self, response: bytes | None) -> Step:
        if response is None:
            return Challenge(b"")
        names = certificate_names(self._tls)
        if not names:
            raise Unproven
        try:
            wanted = response.decode("utf-8") if response else names[0]
        except UnicodeDecodeError:
            raise Malformed from None
        if wanted not in names:
            raise Unproven
        return Proven(wanted.encode(), "EXTERNAL")


def certificate_names(tls: TLSInfo) -> list[str]:
    """The names in a verified certificate: mail addresses, then common names."""
    if not tls.peer_verified or tls.peer_certificate is None:
        return []
    certificate = x509.load_der_x509_certificate(tls.peer_certificate)
    names: list[str] = []
    try:
        alternatives = certificate.extensions.get_extension_for_class(
            x509.SubjectAlternativeName
        ).value
        names += alternatives.get_values_for_type(x509.RFC822Name)
    except (x509.ExtensionNotFound, ValueError):
        pass  # a certificate may do without, or hold one that cannot be read
    for identifier in (x509.NameOID.EMAIL_ADDRESS, x509.NameOID.COMMON_NAME):
        for attribute in certificate.subject.get_attributes_for_oid(identifier):
            value = attribute.value
            names.append(value if isinstance(value, str) else value.decode("utf-8", "replace"))
    return names
