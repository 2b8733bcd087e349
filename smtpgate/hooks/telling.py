"""Functions of hooks that tell a script about its session: GetTLS and GetExtensions."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography import x509

from smtpgate.hsl.builtin import NO_OPTIONS, STRING, Array, Option, Options, builtin
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import Map, octets_of

_HASHES = ("md5", "sha1", "sha256", "sha512")


@builtin(
    "GetTLS",
    options={
        "fingerprint": Option((STRING,), None, "Which hash of the certificate to add", _HASHES)
    },
)
def get_tls(execution: Execution, options: Options = NO_OPTIONS) -> Array:
    """What the TLS handshake has agreed on; only ``started`` when there was none."""
    tls = execution.variables.connection.tls  # type: ignore[attr-defined]
    if tls is None:
        return Map(started=False)
    found = Map(
        started=True,
        protocol=tls.protocol,
        ciphers=tls.cipher,
        cipher=tls.cipher,
        keysize=float(tls.key_size),
    )
    if tls.peer_certificate is not None:
        found["peer_cert"] = _certificate(tls.peer_certificate, options["fingerprint"])
        found["peer_cert_error"] = float(tls.verify_result)
    return found


@builtin("GetExtensions")
def get_extensions(execution: Execution) -> Array:
    """The keywords that the server itself would answer EHLO with."""
    return list(execution.variables.subject.offered())  # type: ignore[attr-defined]


def _certificate(encoded: bytes, fingerprint: str | None) -> Map:
    certificate = x509.load_der_x509_certificate(encoded)
    found = Map(subject=_names(certificate.subject), issuer=_names(certificate.issuer))
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        names = None
    if names is not None:
        hosts: list[Any] = [octets_of(name) for name in names.get_values_for_type(x509.DNSName)]
        found["subject_alt_name"] = Map(DNS=hosts)
    found["version"] = float(certificate.version.value + 1)
    found["serial_number"] = f"{certificate.serial_number:X}"
    found["not_valid_before"] = certificate.not_valid_before_utc.timestamp()
    found["not_valid_after"] = certificate.not_valid_after_utc.timestamp()
    if fingerprint is not None:
        found["fingerprint"] = hashlib.new(fingerprint, encoded, usedforsecurity=False).hexdigest()
    return found


def _names(name: x509.Name) -> Map:
    """Values by attribute; those that are there several times as an array."""
    found = Map()
    for attribute in name:
        key = attribute.rfc4514_attribute_name
        value = attribute.value
        text = octets_of(value) if isinstance(value, str) else value.decode("latin-1")
        if key not in found:
            found[key] = text
        elif isinstance(found[key], list):
            found[key].append(text)
        else:
            found[key] = [found[key], text]
    return found
