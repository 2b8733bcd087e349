"""Domain names: internationalised labels and containment."""

from __future__ import annotations

import idna

from smtpgate.hsl.values import ascii_lower, octets_of

#: Octets of a name that may still be one: the 253 of its ASCII form, and much to spare.
_LONGEST = 4096


class DomainError(ValueError):
    """What is no domain name."""


def encode(domain: str) -> str:
    """The ASCII form of a domain name (RFC 5891, mapped as UTS #46 says).

    Labels of ASCII letters, digits and other signs stay, in lower case, so that
    ``_dmarc.example.com`` is welcome.

    :param domain: UTF-8 as a string of octets; a dot at its end stays
    :raises DomainError: for invalid UTF-8, characters no domain may have, and
        names or labels that are empty or too long
    """
    _bound(domain)
    try:
        text = domain.encode("latin-1").decode("utf-8")
        mapped = idna.uts46_remap(text, std3_rules=False, transitional=False)
        labels = mapped.split(".")
        encoded = ".".join(_encode_label(label) for label in _full(labels))
    except UnicodeError as error:  # idna.IDNAError is one
        raise DomainError(str(error)) from None
    if len(encoded) > 253:
        raise DomainError("the name is too long")
    return encoded + ("." if labels[-1] == "" else "")


def decode(domain: str) -> str:
    """The Unicode form of a domain name, as UTF-8 in a string of octets.

    :raises DomainError: as :func:`encode` does
    """
    _bound(domain)
    try:
        labels = domain.encode("latin-1").decode("utf-8").split(".")
        decoded = ".".join(_decode_label(label) for label in _full(labels))
    except UnicodeError as error:
        raise DomainError(str(error)) from None
    return octets_of(decoded + ("." if labels[-1] == "" else ""))


def _bound(domain: str) -> None:
    if len(domain) > _LONGEST:
        raise DomainError("the name is too long")


def _full(labels: list[str]) -> list[str]:
    """The labels without the empty one after a last dot; no other may be empty."""
    full = labels[:-1] if labels[-1] == "" else labels
    if not full or "" in full:
        raise DomainError("a label is empty")
    return full


def _is_plain(label: str) -> bool:
    return label.isascii() and not label.startswith("xn--")


def _encode_label(label: str) -> str:
    if not _is_plain(label):
        return idna.alabel(label).decode("ascii")
    if len(label) > 63:
        raise DomainError("a label is too long")
    if any(character <= " " or character == "\x7f" for character in label):
        raise DomainError("a label has a space or a control character")
    return label


def _decode_label(label: str) -> str:
    lower = label.lower()
    return label if not lower.startswith("xn--") else idna.ulabel(lower)


def includes(subdomain: str, domain: str) -> bool:
    """Whether ``subdomain`` is ``domain`` or below it; with a leading dot only below it.

    Upper and lower case are the same (RFC 4343); a dot at the end does not count.
    """
    inner = subdomain.removesuffix(".")
    outer = domain.removesuffix(".")
    before = len(inner) - len(outer)
    if before < 0 or ascii_lower(inner[before:]) != ascii_lower(outer):
        return False
    if outer.startswith("."):
        return before > 0
    return before == 0 or (outer != "" and inner[before - 1] == ".")


__all__ = ["DomainError", "decode", "encode", "includes"]
