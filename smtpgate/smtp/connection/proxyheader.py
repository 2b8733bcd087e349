"""Writes the PROXY protocol, version 2: who is behind us, told before the session begins.

Source: "The PROXY protocol, Versions 1 & 2" (HAProxy, proxy-protocol.txt), section 2.2.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address, IPv6Address, ip_address

from smtpgate.smtp.connection.proxyline import SIGNATURE

_LOCAL = SIGNATURE + b"\x20\x00\x00\x00"
_PROXY = SIGNATURE + b"\x21"


def proxy_header(source: tuple[str, int], destination: tuple[str, int]) -> bytes:
    """The header for one connection; the LOCAL one when the addresses are not known."""
    try:
        here, there = ip_address(source[0]), ip_address(destination[0])
    except ValueError:
        return _LOCAL
    ports = struct.pack("!HH", source[1], destination[1])
    if isinstance(here, IPv4Address) and isinstance(there, IPv4Address):
        block = here.packed + there.packed + ports
        return _PROXY + b"\x11" + struct.pack("!H", len(block)) + block
    block = _wide(here) + _wide(there) + ports
    return _PROXY + b"\x21" + struct.pack("!H", len(block)) + block


def _wide(address: IPv4Address | IPv6Address) -> bytes:
    """An address in 16 octets; version 4 as mapped into version 6, RFC 4291 2.5.5.2."""
    if isinstance(address, IPv4Address):
        return bytes(10) + b"\xff\xff" + address.packed
    return address.packed
