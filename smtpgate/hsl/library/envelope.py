"""Addresses of the envelope and what stands beside them (later manuals: Mail)."""

from __future__ import annotations

import re

from smtpgate.hsl.builtin import Array, String, builtin
from smtpgate.hsl.limits.bounds import check_string, rewritten
from smtpgate.hsl.limits.turns import LONG, escaped_pieces
from smtpgate.hsl.values import Map, arrays

#: Octets of the longest address that is looked at; RFC 5321 4.5.3.1.3 has 256.
LONGEST = 1000

# RFC 5321 4.1.2 and RFC 6531 3.3; octets above 127 are UTF-8.
_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\x80-\xff-]+"
_DOT_STRING = re.compile(rf"{_ATOM}(?:\.{_ATOM})*+")
_QUOTED = r'"(?:[ !#-\[\]-~\x80-\xff]|\\[ -~])*+"'
_LABEL = r"[A-Za-z0-9\x80-\xff](?:[A-Za-z0-9_\x80-\xff-]*[A-Za-z0-9\x80-\xff])?"
_ADDRESS = re.compile(rf"({_DOT_STRING.pattern}|{_QUOTED})@({_LABEL}(?:\.{_LABEL})*|\[[!-Z^-~]+\])")
_PAIR = re.compile(r"\\(.)", re.DOTALL)


@builtin("envelope_address_parse")
def envelope_address_parse(address: String) -> Array | None:
    """The parts of an address as MAIL and RCPT have it (RFC 5321 4.1.2).

    :param string address: the address, without angle brackets
    :return: ``localpart``, without quotes and backslashes, and ``domain``; none if it is
        no such address
    :rtype: array or none

    .. code-block:: hsl

       echo envelope_address_parse("jo@a.example"); // => ["localpart"=>"jo","domain"=>"a.example"]
       echo envelope_address_parse(''"jo smith"@example.com'')["localpart"]; // => jo smith
       echo envelope_address_parse("jo@"); // => none
    """
    found = _ADDRESS.fullmatch(address) if len(address) <= LONGEST else None
    if found is None:
        return None
    local = found[1]
    if local.startswith('"'):
        local = _PAIR.sub(r"\1", local[1:-1])
    return arrays.normal(Map({"localpart": local, "domain": found[2]}))


@builtin("envelope_localpart_escape")
def envelope_localpart_escape(localpart: String) -> String:
    """A local part as it may stand in an address (RFC 5321 4.1.2): with quotes if it needs them.

    :param string localpart: the local part
    :return: the local part, quoted or as it is
    :rtype: string

    .. code-block:: hsl

       echo envelope_localpart_escape("jo smith") . "@example.com"; // => "jo smith"@example.com
       echo envelope_localpart_escape("jo.smith") . "@example.com"; // => jo.smith@example.com
    """
    # Where it is that long quotes do no harm.
    if len(localpart) <= LONG and _DOT_STRING.fullmatch(localpart):
        return localpart
    quoted = rewritten(localpart, _quoted)
    check_string(len(quoted) + 2)
    return f'"{quoted}"'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


_NOT_XCHAR = re.compile(r"[^!-*,-<>-~]")
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*+")
_HEXCHAR = re.compile(r"\+([0-9A-F]{2})")


@builtin("xtext_encode")
def xtext_encode(text: String) -> String:
    """Write octets as xtext (RFC 3461 section 4), as in the parameter ORCPT.

    :param string text: the octets
    :return: the xtext
    :rtype: string

    .. code-block:: hsl

       echo xtext_encode("jo+tag@example.com"); // => jo+2Btag@example.com
    """
    return rewritten(text, _xtext)


def _xtext(text: str) -> str:
    return _NOT_XCHAR.sub(lambda found: f"+{ord(found[0]):02X}", text)


@builtin("xtext_decode")
def xtext_decode(text: String) -> String | None:
    """Read xtext (RFC 3461 section 4).

    :param string text: the xtext
    :return: the octets; none if it is no xtext
    :rtype: string or none

    .. code-block:: hsl

       echo xtext_decode("jo+2Btag@example.com"); // => jo+tag@example.com
       echo xtext_decode("jo+tag"); // => none
    """
    texts: list[str] = []
    for piece in escaped_pieces(text, "+"):
        if not _XTEXT.fullmatch(piece):
            return None
        texts.append(_HEXCHAR.sub(lambda found: chr(int(found[1], 16)), piece))
    return "".join(texts)


FUNCTIONS = (envelope_address_parse, envelope_localpart_escape, xtext_decode, xtext_encode)
