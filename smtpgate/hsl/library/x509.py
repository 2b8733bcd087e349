"""Certificates that a place hands to its scripts (later manuals: X509)."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from smtpgate.hsl.builtin import (
    BOOLEAN,
    NO_OPTIONS,
    Array,
    BuiltinClass,
    Kind,
    Number,
    Option,
    Options,
    String,
    Value,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.values import Object, octets_of

_PEM = {"pem": Option((BOOLEAN,), False, "As text between two lines that say what it is.")}


class X509Resource(Object):
    """A certificate as it came, DER; only :class:`X509` can read it."""

    __slots__ = ("encoded",)

    class_name = "X509Resource"

    def __init__(self, encoded: bytes) -> None:
        self.encoded = encoded


_Resource: TypeAlias = Annotated[
    Object, Kind("X509Resource", lambda value: isinstance(value, X509Resource))
]


class X509(Object):
    """A certificate, such as the one that a client has shown.

    .. code-block:: hsl

      function name_of($resource) {
        foreach (X509($resource)->subject() as [$field, $value])
          if ($field == "CN")
            return $value;
      }
    """

    __slots__ = ("certificate",)

    class_name = "X509"

    def __init__(self, certificate: x509.Certificate) -> None:
        self.certificate = certificate

    @builtin("X509")
    @staticmethod
    def constructor(x509resource: _Resource) -> Value:
        """Read a certificate; one that cannot be read is an error.

        :param X509Resource x509resource: what ``$connection["tls"]["peercert"]["x509"]`` is
        """
        assert isinstance(x509resource, X509Resource)
        try:
            return X509(x509.load_der_x509_certificate(x509resource.encoded))
        except ValueError:
            raise Fault("X509(): the certificate cannot be read") from None

    @builtin("subject")
    def subject(self) -> Array:
        """Whose it is.

        :return: pairs of a field's name and its value
        :rtype: array
        """
        return _pairs(self.certificate.subject)

    @builtin("issuer")
    def issuer(self) -> Array:
        """Who has signed it.

        :return: pairs of a field's name and its value
        :rtype: array
        """
        return _pairs(self.certificate.issuer)

    @builtin("subject_alt_name")
    def subject_alt_name(self) -> Array:
        """The host names that it is for.

        :return: the names
        :rtype: array
        """
        try:
            found = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except (x509.ExtensionNotFound, ValueError):
            return []
        return [octets_of(name) for name in found.value.get_values_for_type(x509.DNSName)]

    @builtin("version")
    def version(self) -> Number:
        """The version of X.509 that it follows.

        :return: the version
        :rtype: number
        """
        return float(self.certificate.version.value + 1)

    @builtin("serial_number")
    def serial_number(self) -> String:
        """Its number, hexadecimal.

        :return: the number
        :rtype: string
        """
        return f"{self.certificate.serial_number:X}"

    @builtin("not_valid_before")
    def not_valid_before(self) -> Number:
        """From when it is good, in Unix time.

        :return: the time
        :rtype: number
        """
        return self.certificate.not_valid_before_utc.timestamp()

    @builtin("not_valid_after")
    def not_valid_after(self) -> Number:
        """Until when it is good, in Unix time.

        :return: the time
        :rtype: number
        """
        return self.certificate.not_valid_after_utc.timestamp()

    @builtin("public_key", options=_PEM)
    def public_key(self, options: Options = NO_OPTIONS) -> String:
        """Its key; of a kind that nobody here knows, an error.

        :param array options: options array
        :return: the key in DER, or in PEM
        :rtype: string
        """
        try:
            key = self.certificate.public_key()
        except (UnsupportedAlgorithm, ValueError):
            raise Fault("X509->public_key(): the key cannot be read") from None
        written = key.public_bytes(_encoding(options), PublicFormat.SubjectPublicKeyInfo)
        return written.decode("latin-1")

    @builtin("export", options=_PEM)
    def export(self, options: Options = NO_OPTIONS) -> String:
        """The whole certificate.

        :param array options: options array
        :return: the certificate in DER, or in PEM
        :rtype: string
        """
        return self.certificate.public_bytes(_encoding(options)).decode("latin-1")


def _encoding(options: Options) -> Encoding:
    return Encoding.PEM if options["pem"] else Encoding.DER


def _pairs(name: x509.Name) -> Array:
    return [
        [
            attribute.rfc4514_attribute_name,
            octets_of(attribute.value)
            if isinstance(attribute.value, str)
            else attribute.value.decode("latin-1"),
        ]
        for attribute in name
    ]


FUNCTIONS = ()
CLASSES = (BuiltinClass(X509),)
