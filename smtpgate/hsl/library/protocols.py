"""Protocol helpers (manual: Protocols): the static functions of LDAP."""

from __future__ import annotations

import re
from typing import Any

from smtpgate.hsl.builtin import Array, BuiltinClass, Integer, String, Value, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_string
from smtpgate.hsl.values import Object, arrays, type_name

# The texts of OpenLDAP's ldap_err2string(), which scripts and people search for.
_RESULTS = {
    0: "Success",
    1: "Operations error",
    2: "Protocol error",
    3: "Time limit exceeded",
    4: "Size limit exceeded",
    5: "Compare False",
    6: "Compare True",
    7: "Authentication method not supported",
    8: "Strong(er) authentication required",
    9: "Partial results and referral received",
    10: "Referral",
    11: "Administrative limit exceeded",
    12: "Critical extension is unavailable",
    13: "Confidentiality required",
    14: "SASL bind in progress",
    16: "No such attribute",
    17: "Undefined attribute type",
    18: "Inappropriate matching",
    19: "Constraint violation",
    20: "Type or value exists",
    21: "Invalid syntax",
    32: "No such object",
    33: "Alias problem",
    34: "Invalid DN syntax",
    35: "Entry is a leaf",
    36: "Alias dereferencing problem",
    47: "Proxy Authorization Failure (X)",
    48: "Inappropriate authentication",
    49: "Invalid credentials",
    50: "Insufficient access",
    51: "Server is busy",
    52: "Server is unavailable",
    53: "Server is unwilling to perform",
    54: "Loop detected",
    64: "Naming violation",
    65: "Object class violation",
    66: "Operation not allowed on non-leaf",
    67: "Operation not allowed on RDN",
    68: "Already exists",
    69: "Cannot modify object class",
    70: "Results too large",
    71: "Operation affects multiple DSAs",
    76: "Virtual List View error",
    80: "Other (e.g., implementation specific) error",
    113: "LCUP Resources Exhausted",
    114: "LCUP Security Violation",
    115: "LCUP Invalid Data",
    116: "LCUP Unsupported Scheme",
    117: "LCUP Reload Required",
    118: "Cancelled",
    119: "No Operation to Cancel",
    120: "Too Late to Cancel",
    121: "Cannot Cancel",
    122: "Assertion Failed",
    123: "Proxied Authorization Denied",
    4096: "Content Sync Refresh Required",
    -1: "Can't contact LDAP server",
    -2: "Local error",
    -3: "Encoding error",
    -4: "Decoding error",
    -5: "Timed out",
    -6: "Unknown authentication method",
    -7: "Bad search filter",
    -8: "User cancelled operation",
    -9: "Bad parameter to an ldap routine",
    -10: "Out of memory",
    -11: "Connect error",
    -12: "Not Supported",
    -13: "Control not found",
    -14: "No results returned",
    -15: "More results to return",
    -16: "Client Loop",
    -17: "Referral Limit Exceeded",
    -18: "Connecting (X)",
}

_ATTRIBUTE = r"[A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+"
# RFC 4514 3; spaces around separators may be read (RFC 2253 4).
_TYPE = re.compile(rf" *({_ATTRIBUTE}) *= *")
_ATTRIBUTE_ONLY = re.compile(_ATTRIBUTE)
_HEX_VALUE = re.compile(r"#((?:[0-9A-Fa-f]{2})+) *")
_VALUE = re.compile(r"""(?!\#)(?:[^\\",+;<>\x00]|\\(?:[ "\#+,;<=>\\]|[0-9A-Fa-f]{2}))*""")
_ESCAPED = re.compile(r"\\(?:([0-9A-Fa-f]{2})|(.))", re.DOTALL)

_FILTER_ESCAPES = {octet: f"\\{octet:02x}" for octet in (*b"\0()*\\", *range(128, 256))}

#: Octets of one distinguished name.
MAX_NAME = 64 * 1024

# OCTET STRING, UTF8String, NumericString, PrintableString, TeletexString and IA5String.
_STRING_TAGS = frozenset({0x04, 0x0C, 0x12, 0x13, 0x14, 0x16})


def _ber_string(octets: bytes) -> str | None:
    """The text of one BER-encoded string, ``None`` for any other element."""
    if len(octets) < 2 or octets[0] not in _STRING_TAGS:
        return None
    size, start = octets[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(octets[2:start], "big")
    return octets[start:].decode("latin-1") if len(octets) == start + size else None


def _strip_end(text: str) -> str:
    """``text`` without the spaces behind it; an escaped one is part of it."""
    stripped = text.rstrip(" ")
    backslashes = len(stripped) - len(stripped.rstrip("\\"))
    return stripped + " " if len(stripped) < len(text) and backslashes % 2 else stripped


def _unescape(text: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 16)) if found[1] else found[2], text)


def _read_value(text: str, at: int) -> tuple[str | None, int]:
    """The attribute value at ``at``, ``None`` if there is none, and where it ends."""
    binary = _HEX_VALUE.match(text, at)
    if binary is not None:
        return _ber_string(bytes.fromhex(binary[1])), binary.end()
    found = _VALUE.match(text, at)
    if found is None:
        return None, at
    return _unescape(_strip_end(found[0])), found.end()


def _read_names(text: str) -> list[Any] | None:
    """A distinguished name's relative names, ``None`` where the text is not one."""
    if not text.strip(" "):
        return []
    names: list[Any] = [[]]
    at = 0
    while True:
        attribute = _TYPE.match(text, at)
        if attribute is None:
            return None
        value, at = _read_value(text, attribute.end())
        if value is None:
            return None
        names[-1] += [attribute[1], value]
        if at == len(text):
            return names
        if text[at] == ",":
            names.append([])
        elif text[at] != "+":
            return None
        at += 1


def _escape_value(value: str) -> str:
    """RFC 4514 2.4; octets that are no UTF-8 as hexadecimal pairs."""
    escaped = re.sub(r'[\\",+;<>]', r"\\\g<0>", value).replace("\0", "\\00")
    if escaped[:1] in (" ", "#"):
        escaped = "\\" + escaped
    if escaped.endswith(" ") and escaped != "\\ ":
        escaped = escaped[:-1] + "\\ "
    try:
        value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return re.sub(r"[\x80-\xff]", lambda found: f"\\{ord(found[0]):02X}", escaped)
    return escaped


def _write_name(name: Value) -> str:
    parts = list(arrays.values(arrays.expect_array(name, "dn2str() part of the name")))
    if not parts or len(parts) % 2:
        raise Fault("dn2str() part of the name must be an array of an attribute and its value")
    for part in parts:
        if not isinstance(part, str):
            raise Fault(f"dn2str() attribute and value must be strings, {type_name(part)} given")
    for attribute in parts[::2]:
        if not _ATTRIBUTE_ONLY.fullmatch(attribute):
            raise Fault(f'dn2str(): "{attribute}" is no name of an attribute')
    pairs = zip(parts[::2], parts[1::2], strict=True)
    return "+".join(f"{attribute}={_escape_value(value)}" for attribute, value in pairs)


class LDAP(Object):
    """Helpers for LDAP: error texts, search filters and distinguished names.

    .. code-block:: hsl

      $filter = "(cn=" . LDAP::filter_escape("Jim (James)") . ")";
      echo $filter;  // => (cn=Jim \\28James\\29)
    """

    __slots__ = ()

    class_name = "LDAP"

    @builtin("LDAP")
    @staticmethod
    def constructor(uri: String) -> Value:
        """Connections to LDAP servers are not available: an error.

        :param string uri: the server's URI
        """
        raise Fault("LDAP connections are not available here")

    @builtin("err2string")
    @staticmethod
    def err2string(errno: Integer) -> String:
        """The text of an LDAP result code, as OpenLDAP words it.

        :param number errno: the result code; negative ones are the client's own
        :return: the text
        :rtype: string

        .. code-block:: hsl

          echo LDAP::err2string(49);  // => Invalid credentials
        """
        return _RESULTS.get(errno, "Unknown API error" if errno < 0 else "Unknown error")

    @builtin("filter_escape")
    @staticmethod
    def filter_escape(value: String) -> String:
        """A value as it may stand in a search filter (RFC 4515 3).

        :param string value: any octets
        :return: the value with what a filter or LDAP could misread escaped
        :rtype: string

        .. code-block:: hsl

          echo LDAP::filter_escape("*)(uid=*");  // => \\2a\\29\\28uid=\\2a
        """
        check_string(len(value) * 3)
        return value.translate(_FILTER_ESCAPES)

    @builtin("str2dn")
    @staticmethod
    def str2dn(str: String) -> Array | None:
        """The parts of a distinguished name (RFC 4514); none if the text is not one.

        Each part is an array of the attribute and its value, unescaped; a part with
        several attributes (``cn=a+sn=b``) has them one after the other.

        :param string str: the distinguished name
        :return: the parts
        :rtype: array or none

        .. code-block:: hsl

          echo LDAP::str2dn("cn=admin,dc=example")[0];  // => [0=>"cn",1=>"admin"]
        """
        return _read_names(str) if len(str) <= MAX_NAME else None

    @builtin("dn2str")
    @staticmethod
    def dn2str(dn: Array) -> String:
        """A distinguished name out of its parts, escaped where needed (RFC 4514).

        :param array dn: the parts, as :func:`LDAP::str2dn` gives them
        :return: the distinguished name
        :rtype: string

        .. code-block:: hsl

          echo LDAP::dn2str([["cn", "Doe, Jo"], ["dc", "example"]]);  // => cn=Doe\\, Jo,dc=example
        """
        text = ",".join(_write_name(name) for name in arrays.values(dn))
        check_string(len(text))
        return text


FUNCTIONS = ()
CLASSES = (BuiltinClass(LDAP),)
