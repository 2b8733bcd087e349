"""The PROXY protocol, versions 1 and 2: who is behind a proxy, told before the session begins.

Source: "The PROXY protocol, Versions 1 & 2" (HAProxy, proxy-protocol.txt). Without I/O: octets go
in, a header and the octets behind it come out. Whether the proxy may be believed is not decided
here.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from enum import IntEnum
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final, NamedTuple

VERSION_1_LIMIT: Final = 107
"""Octets of the longest header line of version 1, CRLF included (section 2.1)."""

VERSION_2_LIMIT: Final = 4096
"""Octets of addresses and TLVs that are accepted in version 2. Known TLVs need far less."""

SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PREFIX = b"PROXY "
_FIXED = struct.Struct("!12sBBH")


class ProxyError(Exception):
    """The octets are no acceptable PROXY header. The connection is to be closed without a word."""


class Family(IntEnum):
    """Address family of the proxied connection."""

    UNSPECIFIED = 0
    INET = 1
    INET6 = 2
    UNIX = 3


class Kind(IntEnum):
    """Transport of the proxied connection."""

    UNSPECIFIED = 0
    STREAM = 1
    DATAGRAM = 2


class Endpoint(NamedTuple):
    """One end: a canonical IP address and a port, or a socket's path and 0."""

    host: str
    port: int


class Tlv(NamedTuple):
    """One type-length-value field of version 2, as it was sent."""

    type: int
    value: bytes


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """What the proxy says.

    `source` and `destination` are None when the proxy speaks for itself (`local`, such as a health
    check) or does not know: the addresses of the TCP connection count then.
    """

    version: int
    local: bool
    family: Family = Family.UNSPECIFIED
    kind: Kind = Kind.UNSPECIFIED
    source: Endpoint | None = None
    destination: Endpoint | None = None
    tlvs: tuple[Tlv, ...] = ()


class ProxyReader:
    """Collects octets until the header is complete. `limit` bounds what version 2 may carry."""

    __slots__ = ("_limit", "_octets")

    def __init__(self, limit: int = VERSION_2_LIMIT) -> None:
        self._limit = limit
        self._octets = bytearray()

    def feed(self, octets: bytes) -> tuple[ProxyHeader | None, bytes]:
        """Read on: the header when it is complete, else None, and the octets behind it.

        Raises ProxyError as soon as the octets cannot be a header. Afterwards, and after the
        header, the reader must not be fed again.
        """
        self._octets += octets
        collected = self._octets
        if collected.startswith(_PREFIX):
            return self._version_1()
        if collected.startswith(SIGNATURE):
            return self._version_2()
        if _PREFIX.startswith(collected) or SIGNATURE.startswith(collected):
            return None, b""
        raise ProxyError("the connection does not begin with one")

    def _version_1(self) -> tuple[ProxyHeader | None, bytes]:
        end = self._octets.find(b"\r\n", 0, VERSION_1_LIMIT)
        if end < 0:
            if len(self._octets) >= VERSION_1_LIMIT:
                raise ProxyError(f"the header line is longer than {VERSION_1_LIMIT} octets")
            return None, b""
        line = bytes(self._octets[len(_PREFIX) : end])
        return _parse_line(line), bytes(self._octets[end + 2 :])

    def _version_2(self) -> tuple[ProxyHeader | None, bytes]:
        if len(self._octets) < _FIXED.size:
            return None, b""
        _, command, protocol, length = _FIXED.unpack_from(self._octets)
        if command >> 4 != 2:
            raise ProxyError(f"version {command >> 4} is not known")
        if command & 15 > 1:
            raise ProxyError(f"command {command & 15} is not known")
        if length > self._limit:
            raise ProxyError(f"the header is longer than {self._limit} octets")
        end = _FIXED.size + length
        if len(self._octets) < end:
            return None, b""
        header = bytes(self._octets[:end])
        rest = bytes(self._octets[end:])
        if command & 15 == 0:
            # LOCAL: the rest of the header means nothing, whatever it is (section 2.2).
            return ProxyHeader(version=2, local=True), rest
        return _parse_block(header, protocol), rest


_PORT = re.compile(r"0|[1-9][0-9]{0,4}")


def _parse_line(line: bytes) -> ProxyHeader:
    """Read a header of version 1, without `PROXY ` and CRLF."""
    name = line.partition(b" ")[0]
    if name == b"UNKNOWN":
        return ProxyHeader(version=1, local=False)  # what follows is to be ignored
    if name not in (b"TCP4", b"TCP6"):
        raise ProxyError("the protocol must be TCP4, TCP6 or UNKNOWN")
    if not line.isascii():
        raise ProxyError("the header line is not ASCII")
    words = line.decode("ascii").split(" ")
    if len(words) != 5:
        raise ProxyError("the header line must hold two addresses and two ports")
    family = Family.INET if name == b"TCP4" else Family.INET6
    source, destination, source_port, destination_port = words[1:]
    return ProxyHeader(
        version=1,
        local=False,
        family=family,
        kind=Kind.STREAM,
        source=Endpoint(_address(family, source), _port(source_port)),
        destination=Endpoint(_address(family, destination), _port(destination_port)),
    )


def _address(family: Family, text: str) -> str:
    if "%" not in text:  # a zone means nothing on another machine
        try:
            return str(IPv4Address(text) if family is Family.INET else IPv6Address(text))
        except AddressValueError:
            pass
    version = 4 if family is Family.INET else 6
    raise ProxyError(f"{text!a} is no IPv{version} address")


def _port(text: str) -> int:
    if not _PORT.fullmatch(text) or int(text) > 65535:
        raise ProxyError(f"{text!a} is no port")
    return int(text)


_FAMILIES: Final = {1: Family.INET, 2: Family.INET6, 3: Family.UNIX}
_KINDS: Final = {1: Kind.STREAM, 2: Kind.DATAGRAM}
_BLOCKS: Final = {
    Family.INET: struct.Struct("!4s4sHH"),
    Family.INET6: struct.Struct("!16s16sHH"),
    Family.UNIX: struct.Struct("!108s108s"),
}


def _parse_block(header: bytes, protocol: int) -> ProxyHeader:
    """Read a whole header of version 2 with the command PROXY."""
    if protocol == 0:
        # The addresses are not known, and neither is where TLVs would begin.
        return ProxyHeader(version=2, local=False)
    try:
        family, kind = _FAMILIES[protocol >> 4], _KINDS[protocol & 15]
    except KeyError:
        raise ProxyError(f"address family and protocol 0x{protocol:02x} are not known") from None
    block = _BLOCKS[family]
    start = _FIXED.size + block.size
    if len(header) < start:
        raise ProxyError("the header is too short for its addresses")
    source, destination, *ports = block.unpack_from(header, _FIXED.size)
    source_port, destination_port = ports or (0, 0)
    return ProxyHeader(
        version=2,
        local=False,
        family=family,
        kind=kind,
        source=Endpoint(_host(family, source), source_port),
        destination=Endpoint(_host(family, destination), destination_port),
        tlvs=_parse_tlvs(header, start),
    )


def _host(family: Family, field: bytes) -> str:
    if family is Family.UNIX:
        return field.partition(b"\0")[0].decode("latin-1")
    return str(IPv4Address(field) if family is Family.INET else IPv6Address(field))


_CRC32C = 0x03


def _parse_tlvs(header: bytes, start: int) -> tuple[Tlv, ...]:
    tlvs = []
    at = start
    while at < len(header):
        if len(header) - at < 3:
            raise ProxyError("a TLV is cut off")
        kind, length = struct.unpack_from("!BH", header, at)
        value = header[at + 3 : at + 3 + length]
        if len(value) != length:
            raise ProxyError("a TLV is cut off")
        if kind == _CRC32C:
            _verify(header, at + 3, value)
        tlvs.append(Tlv(kind, value))
        at += 3 + length
    return tuple(tlvs)


def _verify(header: bytes, at: int, value: bytes) -> None:
    """Check the header's checksum, which is made with zeros in its own place (section 2.2.3)."""
    if len(value) != 4:
        raise ProxyError("the checksum is not 4 octets long")
    cleared = header[:at] + bytes(4) + header[at + 4 :]
    if crc32c(cleared) != int.from_bytes(value, "big"):
        raise ProxyError("the checksum is wrong")


def _crc32c_table() -> tuple[int, ...]:
    table = []
    for octet in range(256):
        value = octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return tuple(table)


_TABLE = _crc32c_table()


def crc32c(octets: bytes) -> int:
    """CRC-32 with Castagnoli's polynomial (RFC 3720 appendix B.4)."""
    value = 0xFFFFFFFF
    for octet in octets:
        value = _TABLE[(value ^ octet) & 255] ^ value >> 8
    return value ^ 0xFFFFFFFF
