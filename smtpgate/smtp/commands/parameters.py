"""The ESMTP parameters of MAIL and RCPT (RFC 5321 4.1.2 and the extensions' own RFCs).

Values are `str` with one character for each octet that was sent (latin-1), still encoded as they
came (xtext). Names are in upper case, and so are values that are keywords (BODY, RET, NOTIFY).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from typing import Final, NamedTuple

from smtpgate.smtp.refusal import EnhancedCode, Refusal

INVALID_ARGUMENTS: Final[EnhancedCode] = (5, 5, 4)
TOO_LARGE: Final[EnhancedCode] = (5, 3, 4)

ENVID_LIMIT: Final = 100
"""Octets of an ENVID as it is sent (RFC 3461 4.4)."""

ORCPT_LIMIT: Final = 500
"""Octets of an ORCPT as it is sent (RFC 3461 4.2)."""


class ParameterError(Refusal):
    """A parameter that is refused: `code`, `enhanced` and `text` make the reply."""


def encode_xtext(octets: bytes) -> str:
    """Write octets as xtext (RFC 3461 section 4)."""
    return _NOT_XCHAR.sub(lambda match: b"+%02X" % match[0][0], octets).decode("ascii")


def decode_xtext(text: str) -> bytes:
    """Read xtext. Raises ValueError when it is not well-formed."""
    octets = text.encode("latin-1")
    if not _XTEXT.fullmatch(octets):
        raise ValueError("not well-formed xtext")
    return _HEXCHAR.sub(lambda match: bytes([int(match[1], 16)]), octets)


# Repetitions are possessive: a pattern walks over its octets once and never goes back.
_NOT_XCHAR = re.compile(rb"[^!-*,-<>-~]")
_HEXCHAR = re.compile(rb"\+([0-9A-F]{2})")
_XTEXT = re.compile(rb"(?:[!-*,-<>-~]++|\+[0-9A-F]{2})*+")
_UTF8_ADDRESS = re.compile(
    r"(?:[^\x00-\x20+=\\\x7f-\x9f]++|\\x\{(?:10[0-9A-F]{4}|[0-9A-F]{2,5})\})++"
)
_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*+")
_VALUE = re.compile(r"[!-<>-~\x80-\xff]++")
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]++")
_SIZE = re.compile(r"[0-9]{1,20}")
_NOTIFY: Final = ("SUCCESS", "FAILURE", "DELAY")


def _malformed(name: str, expected: str) -> ParameterError:
    return ParameterError(501, INVALID_ARGUMENTS, f"{name} must be {expected}")


def _size(value: str, limit: int | None) -> str:
    # RFC 1870 section 4. A size of 0 means that the client does not know it.
    if not _SIZE.fullmatch(value):
        raise _malformed("SIZE", "a number of 1 to 20 digits")
    if limit is not None and int(value) > limit:
        raise ParameterError(552, TOO_LARGE, f"The message is larger than {limit} octets")
    return value


def _body(value: str, limit: int | None) -> str:
    # RFC 6152 section 2. BINARYMIME (RFC 3030) is not offered.
    keyword = value.upper()
    if keyword not in ("7BIT", "8BITMIME"):
        raise ParameterError(504, INVALID_ARGUMENTS, "BODY must be 7BIT or 8BITMIME")
    return keyword


def _smtputf8(value: str, limit: int | None) -> str:
    if value:
        raise ParameterError(501, INVALID_ARGUMENTS, "SMTPUTF8 takes no value")
    return value


def _requiretls(value: str, limit: int | None) -> str:
    if value:  # RFC 8689 section 3
        raise ParameterError(501, INVALID_ARGUMENTS, "REQUIRETLS takes no value")
    return value


def _auth(value: str, limit: int | None) -> str:
    # RFC 4954 section 5: the original sender as xtext, or <>. It may be UTF-8 (RFC 6531 3.4).
    if value != "<>":
        octets = _xtext(value)
        if not octets or any(octet < 32 or octet == 127 for octet in octets):
            raise _malformed("AUTH", "an address as xtext, or <>")
    return value


def _ret(value: str, limit: int | None) -> str:
    keyword = value.upper()
    if keyword not in ("FULL", "HDRS"):
        raise _malformed("RET", "FULL or HDRS")
    return keyword


def _envid(value: str, limit: int | None) -> str:
    # RFC 3461 4.4: printable ASCII under the xtext, so that it cannot break a header.
    if len(value) > ENVID_LIMIT:
        raise ParameterError(
            501, INVALID_ARGUMENTS, f"ENVID is longer than {ENVID_LIMIT} characters"
        )
    if not value or not _is_printable_xtext(value):
        raise _malformed("ENVID", "xtext of printable characters")
    return value


def _notify(value: str, limit: int | None) -> str:
    keywords = value.upper()
    if keywords != "NEVER":
        conditions = keywords.split(",")
        if len(set(conditions)) != len(conditions) or not set(conditions).issubset(_NOTIFY):
            raise _malformed("NOTIFY", "NEVER or a list of SUCCESS, FAILURE and DELAY")
    return keywords


def _orcpt(value: str, limit: int | None) -> str:
    # RFC 3461 4.2, and RFC 6533 section 3 for the address type utf-8.
    if len(value) > ORCPT_LIMIT:
        raise ParameterError(
            501, INVALID_ARGUMENTS, f"ORCPT is longer than {ORCPT_LIMIT} characters"
        )
    kind, semicolon, address = value.partition(";")
    if not semicolon or not address or not _ADDRESS_TYPE.fullmatch(kind):
        raise _malformed("ORCPT", "an address type, a semicolon and xtext")
    is_well_formed = _is_utf8_address if kind.lower() == "utf-8" else _is_printable_xtext
    if not is_well_formed(address):
        raise _malformed("ORCPT", "an address type, a semicolon and xtext")
    return value


def _xtext(value: str) -> bytes | None:
    try:
        return decode_xtext(value)
    except ValueError:
        return None


def _is_printable_xtext(value: str) -> bool:
    octets = _xtext(value)
    return octets is not None and all(32 <= octet <= 126 for octet in octets)


def _is_utf8_address(value: str) -> bool:
    try:
        text = value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return _UTF8_ADDRESS.fullmatch(text) is not None


class _Parameter(NamedTuple):
    """One parameter: the EHLO keyword that offers it, and what checks its value.

    The check gets the value and the size limit, gives the value to keep, raises ParameterError.
    """

    extension: str
    check: Callable[[str, int | None], str]


_MAIL: Final = {
    "SIZE": _Parameter("SIZE", _size),
    "BODY": _Parameter("8BITMIME", _body),
    "SMTPUTF8": _Parameter("SMTPUTF8", _smtputf8),
    "REQUIRETLS": _Parameter("REQUIRETLS", _requiretls),
    "AUTH": _Parameter("AUTH", _auth),
    "RET": _Parameter("DSN", _ret),
    "ENVID": _Parameter("DSN", _envid),
}
_RCPT: Final = {
    "NOTIFY": _Parameter("DSN", _notify),
    "ORCPT": _Parameter("DSN", _orcpt),
}

EXTENSIONS: Final = frozenset({"SIZE", "8BITMIME", "SMTPUTF8", "REQUIRETLS", "AUTH", "DSN"})
"""The EHLO keywords that bring parameters."""


def parse_mail_parameters(
    octets: bytes, *, offered: Collection[str] = EXTENSIONS, size_limit: int | None = None
) -> dict[str, str]:
    """Read what follows the path of MAIL, in order.

    `offered` holds the EHLO keywords that were offered; parameters of others are unknown.
    `size_limit` is the largest message in octets, None for no limit. A parameter without a value
    has the value "".

    Raises ParameterError: 555 unknown, 501 malformed or repeated, 504 unknown BODY, 552 too large.
    """
    return _parse(octets, _MAIL, offered, size_limit)


def parse_rcpt_parameters(
    octets: bytes, *, offered: Collection[str] = EXTENSIONS, smtputf8: bool = True
) -> dict[str, str]:
    """Read what follows the path of RCPT. Like `parse_mail_parameters`.

    Only a transaction with `smtputf8` may name an original recipient in UTF-8 (RFC 6533 section 3).
    """
    if not smtputf8 and not octets.isascii():
        raise ParameterError(501, INVALID_ARGUMENTS, "A parameter is not well-formed")
    return _parse(octets, _RCPT, offered, None)


def _parse(
    octets: bytes, known: dict[str, _Parameter], offered: Collection[str], limit: int | None
) -> dict[str, str]:
    found: dict[str, str] = {}
    for word in octets.decode("latin-1").split(" "):
        if not word:  # more than one space between parameters is harmless
            continue
        keyword, equals, value = word.partition("=")
        if not _KEYWORD.fullmatch(keyword) or (equals and not _VALUE.fullmatch(value)):
            raise ParameterError(501, INVALID_ARGUMENTS, "A parameter is not well-formed")
        name = keyword.upper()
        parameter = known.get(name)
        if parameter is None or parameter.extension not in offered:
            # RFC 5321 4.1.1.11
            raise ParameterError(555, INVALID_ARGUMENTS, "A parameter is not known")
        if name in found:
            raise ParameterError(501, INVALID_ARGUMENTS, f"{name} is given more than once")
        found[name] = parameter.check(value, limit)
    return found
