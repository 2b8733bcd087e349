"""The PROXY protocol: whole, octet by octet, with octets behind the header, and malformed."""

from __future__ import annotations

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.connection.proxyline import (
    SIGNATURE,
    Endpoint,
    Family,
    Kind,
    ProxyError,
    ProxyHeader,
    ProxyReader,
    Tlv,
    crc32c,
)

PROPERTY = settings(deadline=None, derandomize=True, max_examples=300)
JUNK = b"EHLO a\r\nPROXY "


def version_2(command: int, protocol: int, body: bytes) -> bytes:
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, protocol, len(body)) + body


def tlv(kind: int, value: bytes) -> bytes:
    return struct.pack("!BH", kind, len(value)) + value


INET_BLOCK = bytes([192, 0, 2, 1, 198, 51, 100, 2]) + struct.pack("!HH", 41666, 25)
INET_HEADER = ProxyHeader(
    version=2,
    local=False,
    family=Family.INET,
    kind=Kind.STREAM,
    source=Endpoint("192.0.2.1", 41666),
    destination=Endpoint("198.51.100.2", 25),
)


class _Case(SynchronousTestCase):
    def accepted(self, octets: bytes, header: ProxyHeader) -> None:
        """Whole, with junk behind, octet by octet, and in two pieces cut anywhere."""
        self.assertEqual(ProxyReader().feed(octets), (header, b""))
        self.assertEqual(ProxyReader().feed(octets + JUNK), (header, JUNK))
        reader = ProxyReader()
        for at in range(len(octets) - 1):
            self.assertEqual(reader.feed(octets[at : at + 1]), (None, b""))
        self.assertEqual(reader.feed(octets[-1:] + JUNK), (header, JUNK))
        for cut in range(len(octets)):
            reader = ProxyReader()
            self.assertEqual(reader.feed(octets[:cut]), (None, b""))
            self.assertEqual(reader.feed(octets[cut:] + JUNK), (header, JUNK))

    def refused(self, octets: bytes, text: str) -> None:
        """With the same words whole and octet by octet."""
        error = self.assertRaises(ProxyError, ProxyReader().feed, octets)
        self.assertEqual(str(error), text, octets)
        error = self.assertRaises(ProxyError, self.feed_singles, octets)
        self.assertEqual(str(error), text, octets)

    def feed_singles(self, octets: bytes) -> None:
        reader = ProxyReader()
        for at in range(len(octets)):
            reader.feed(octets[at : at + 1])


class Version1Tests(_Case):
    """The line of version 1."""

    def test_tcp4(self) -> None:
        """IPv4 addresses and ports."""
        self.accepted(
            b"PROXY TCP4 192.0.2.1 198.51.100.2 41666 25\r\n",
            ProxyHeader(
                version=1,
                local=False,
                family=Family.INET,
                kind=Kind.STREAM,
                source=Endpoint("192.0.2.1", 41666),
                destination=Endpoint("198.51.100.2", 25),
            ),
        )

    def test_tcp6(self) -> None:
        """IPv6 addresses come out in their canonical form; the longest line fits."""
        line = b"PROXY TCP6 %b %b 65535 0\r\n" % (b"ffff:" * 7 + b"FFFF", b"2001:0db8::0:1")
        self.accepted(
            line,
            ProxyHeader(
                version=1,
                local=False,
                family=Family.INET6,
                kind=Kind.STREAM,
                source=Endpoint("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535),
                destination=Endpoint("2001:db8::1", 0),
            ),
        )

    def test_unknown(self) -> None:
        """UNKNOWN says nothing, whatever follows it, up to 107 octets."""
        for line in (
            b"PROXY UNKNOWN\r\n",
            b"PROXY UNKNOWN \r\n",
            b"PROXY UNKNOWN ffff::1 not.an.ip;evil\0 65535 x\r\n",
            b"PROXY UNKNOWN " + b"x" * 91 + b"\r\n",
        ):
            self.accepted(line, ProxyHeader(version=1, local=False))

    def test_too_long(self) -> None:
        """A line of 108 octets is refused as soon as it is known to be one."""
        self.refused(b"PROXY UNKNOWN " + b"x" * 93, "the header line is longer than 107 octets")
        self.refused(
            b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n", "the header line is longer than 107 octets"
        )

    def test_no_header(self) -> None:
        """Other octets are refused at the first one that does not fit."""
        for octets in (b"E", b"EHLO a\r\n", b"PROXY\r\n", b"PROXYx", b"proxy ", b" PROXY ", b"\n",
                       b"\r\n\r\n\0\r\nQUIT\r", b"\r\n\r\n\x01", b"\x16\x03\x01"):  # fmt: skip
            self.refused(octets, "the connection does not begin with one")

    def test_malformed(self) -> None:
        """Strictly one space between words, five words, known protocols."""
        protocol = "the protocol must be TCP4, TCP6 or UNKNOWN"
        words = "the header line must hold two addresses and two ports"
        for line, text in (
            (b"", protocol),
            (b"TCP", protocol),
            (b"tcp4 1.2.3.4 1.2.3.4 1 2", protocol),
            (b" TCP4 1.2.3.4 1.2.3.4 1 2", protocol),
            (b"UDP4 1.2.3.4 1.2.3.4 1 2", protocol),
            (b"UNKNOWNS", protocol),
            (b"TCP4\t1.2.3.4 1.2.3.4 1 2", protocol),
            (b"TCP4", words),
            (b"TCP4 1.2.3.4 1.2.3.4 1", words),
            (b"TCP4 1.2.3.4 1.2.3.4 1 2 3", words),
            (b"TCP4 1.2.3.4 1.2.3.4 1 2 ", words),
            (b"TCP4  1.2.3.4 1.2.3.4 1 2", words),
            (b"TCP4 1.2.3.4 1.2.3.\xb2 1 2", "the header line is not ASCII"),
        ):
            self.refused(b"PROXY " + line + b"\r\n", text)

    def test_addresses(self) -> None:
        """Only addresses are addresses, and of the right family."""
        for address in ("1.2.3", "01.2.3.4", "1.2.3.256", "1.2.3.4/8", "::1", "not.an.ip;evil",
                        "", "1.2.3.4\n", "+1.2.3.4", "0x1.2.3.4"):  # fmt: skip
            for words in (f"{address} 1.2.3.4", f"1.2.3.4 {address}"):
                self.refused(
                    f"PROXY TCP4 {words} 1 2\r\n".encode(), f"{address!r} is no IPv4 address"
                )
        for address in ("1.2.3.4", "fe80::1%eth0", "[::1]", ":::1", "12345::", ""):
            self.refused(
                f"PROXY TCP6 {address} ::1 1 2\r\n".encode(), f"{address!r} is no IPv6 address"
            )

    def test_ports(self) -> None:
        """Ports are 0 to 65535 without signs and leading zeros."""
        for port in ("", "-1", "+1", "01", "00", "65536", "99999", "100000", "1.0", "x", "1\n"):
            for words in (f"{port} 2", f"1 {port}"):
                self.refused(
                    f"PROXY TCP4 1.2.3.4 1.2.3.4 {words}\r\n".encode(), f"{port!r} is no port"
                )

    @PROPERTY
    @given(
        st.one_of(
            st.tuples(st.just("TCP4"), st.ip_addresses(v=4), st.ip_addresses(v=4)),
            st.tuples(st.just("TCP6"), st.ip_addresses(v=6), st.ip_addresses(v=6)),
        ),
        st.integers(0, 65535),
        st.integers(0, 65535),
    )
    def test_any_addresses(self, words: tuple[str, object, object], port: int, to: int) -> None:
        """Any addresses and ports come out as they went in."""
        name, source, destination = words
        header, rest = ProxyReader().feed(
            f"PROXY {name} {source} {destination} {port} {to}\r\n".encode() + JUNK
        )
        assert header is not None
        self.assertEqual(header.source, Endpoint(str(source), port))
        self.assertEqual(header.destination, Endpoint(str(destination), to))
        self.assertEqual(rest, JUNK)


class Version2Tests(_Case):
    """The binary header of version 2."""

    def test_inet(self) -> None:
        """IPv4."""
        self.accepted(version_2(1, 0x11, INET_BLOCK), INET_HEADER)

    def test_inet6_datagram(self) -> None:
        """IPv6, and a transport that is no stream."""
        block = bytes(15) + b"\1" + b"\x20\x01\x0d\xb8" + bytes(12) + struct.pack("!HH", 1, 2)
        self.accepted(
            version_2(1, 0x22, block),
            ProxyHeader(
                version=2,
                local=False,
                family=Family.INET6,
                kind=Kind.DATAGRAM,
                source=Endpoint("::1", 1),
                destination=Endpoint("2001:db8::", 2),
            ),
        )

    def test_unix(self) -> None:
        """The paths of UNIX sockets end at their first NUL, or fill their field."""
        block = b"/run/a\0junk".ljust(108, b"\0") + b"x" * 108
        self.accepted(
            version_2(1, 0x31, block),
            ProxyHeader(
                version=2,
                local=False,
                family=Family.UNIX,
                kind=Kind.STREAM,
                source=Endpoint("/run/a", 0),
                destination=Endpoint("x" * 108, 0),
            ),
        )

    def test_local(self) -> None:
        """LOCAL means the connection itself, whatever else the header holds."""
        for protocol, body in ((0, b""), (0x11, INET_BLOCK), (0xFF, b"junk")):
            self.accepted(version_2(0, protocol, body), ProxyHeader(version=2, local=True))

    def test_unspecified(self) -> None:
        """Without a family nothing is known, and the rest is skipped."""
        for body in (b"", b"anything"):
            self.accepted(version_2(1, 0, body), ProxyHeader(version=2, local=False))

    def test_tlvs(self) -> None:
        """TLVs are kept in order, empty and repeated ones too."""
        body = INET_BLOCK + tlv(2, b"mx.example") + tlv(4, b"") + tlv(0xE0, b"\0\xff") + tlv(4, b"")
        header, rest = ProxyReader().feed(version_2(1, 0x11, body) + JUNK)
        assert header is not None
        self.assertEqual(
            header.tlvs, (Tlv(2, b"mx.example"), Tlv(4, b""), Tlv(0xE0, b"\0\xff"), Tlv(4, b""))
        )
        self.assertEqual(header.source, INET_HEADER.source)
        self.assertEqual(rest, JUNK)

    def test_checksum(self) -> None:
        """A checksum is verified."""
        self.assertEqual(crc32c(b"123456789"), 0xE3069283)
        self.assertEqual(crc32c(bytes(32)), 0x8A9136AA)
        zeros = version_2(1, 0x11, INET_BLOCK + tlv(3, bytes(4)) + tlv(2, b"after"))
        value = struct.pack("!I", crc32c(zeros))
        body = INET_BLOCK + tlv(3, value) + tlv(2, b"after")
        header, _ = ProxyReader().feed(version_2(1, 0x11, body))
        assert header is not None
        self.assertEqual(header.tlvs, (Tlv(3, value), Tlv(2, b"after")))
        self.refused(version_2(1, 0x11, body.replace(b"after", b"After")), "the checksum is wrong")
        self.refused(zeros, "the checksum is wrong")
        self.refused(
            version_2(1, 0x11, INET_BLOCK + tlv(3, b"abc")), "the checksum is not 4 octets long"
        )

    def test_malformed(self) -> None:
        """Whatever the specification does not name is refused."""
        for octets, text in (
            (SIGNATURE + b"\x11\x11\0\0", "version 1 is not known"),
            (SIGNATURE + b"\x31\x11\0\0", "version 3 is not known"),
            (SIGNATURE + b"\x22\x11\0\0", "command 2 is not known"),
            (SIGNATURE + b"\x2f\x11\0\0", "command 15 is not known"),
            (SIGNATURE + b"\x21\x11\x10\x01", "the header is longer than 4096 octets"),
            (SIGNATURE + b"\x20\x00\xff\xff", "the header is longer than 4096 octets"),
            (version_2(1, 0x41, b""), "address family and protocol 0x41 are not known"),
            (version_2(1, 0x13, b""), "address family and protocol 0x13 are not known"),
            (version_2(1, 0x10, b""), "address family and protocol 0x10 are not known"),
            (version_2(1, 0x01, b""), "address family and protocol 0x01 are not known"),
            (version_2(1, 0x11, INET_BLOCK[:-1]), "the header is too short for its addresses"),
            (version_2(1, 0x21, bytes(35)), "the header is too short for its addresses"),
            (version_2(1, 0x31, bytes(215)), "the header is too short for its addresses"),
            (version_2(1, 0x11, INET_BLOCK + b"\2"), "a TLV is cut off"),
            (version_2(1, 0x11, INET_BLOCK + b"\2\0\1"), "a TLV is cut off"),
            (version_2(1, 0x11, INET_BLOCK + tlv(2, b"a") + b"\2\0"), "a TLV is cut off"),
        ):
            self.refused(octets, text)

    def test_limit(self) -> None:
        """The limit can be chosen, and a header of exactly that size passes."""
        octets = version_2(1, 0x11, INET_BLOCK)
        self.assertEqual(ProxyReader(12).feed(octets), (INET_HEADER, b""))
        error = self.assertRaises(ProxyError, ProxyReader(11).feed, octets)
        self.assertEqual(str(error), "the header is longer than 11 octets")
        full = version_2(0, 0, bytes(4096))
        self.assertEqual(ProxyReader().feed(full), (ProxyHeader(version=2, local=True), b""))

    @PROPERTY
    @given(
        st.sampled_from(
            [b"", b"PROXY ", b"PROXY TCP4 1.2.3.4 ", SIGNATURE, SIGNATURE + b"\x21\x11\0"]
        ),
        st.binary(max_size=60),
        st.lists(st.integers(0, 9), max_size=20),
    )
    def test_any_octets(self, start: bytes, octets: bytes, sizes: list[int]) -> None:
        """Any octets are a header, the beginning of one, or a ProxyError; cuts change nothing."""
        octets = start + octets
        whole = self.outcome([octets])
        pieces = []
        at = 0
        for size in sizes:
            pieces.append(octets[at : at + size])
            at += size
        pieces.append(octets[at:])
        self.assertEqual(self.outcome(pieces), whole)

    def outcome(self, pieces: list[bytes]) -> object:
        reader = ProxyReader()
        try:
            for index, piece in enumerate(pieces):
                header, rest = reader.feed(piece)
                if header is not None:
                    return header, rest + b"".join(pieces[index + 1 :])
        except ProxyError as error:
            return str(error)
        return None
