"""PROXY headers that are written: those that the reader understands."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.connection.proxyheader import proxy_header
from smtpgate.smtp.connection.proxyline import ProxyReader


class HeaderTests(SynchronousTestCase):
    def read(self, *ends):
        header, rest = ProxyReader().feed(proxy_header(*ends) + b"rest")
        self.assertEqual(rest, b"rest")
        return header

    def test_inet(self):
        """Version 4 addresses."""
        header = self.read(("192.0.2.1", 40000), ("198.51.100.2", 25))
        self.assertEqual(header.source, ("192.0.2.1", 40000))
        self.assertEqual(header.destination, ("198.51.100.2", 25))

    def test_inet6(self):
        """Version 6 addresses."""
        header = self.read(("2001:db8::1", 40000), ("2001:db8::2", 25))
        self.assertEqual(header.source, ("2001:db8::1", 40000))
        self.assertEqual(header.destination, ("2001:db8::2", 25))

    def test_mixed(self):
        """One of each: the header has room for one family, so it is version 6."""
        header = self.read(("192.0.2.1", 40000), ("2001:db8::2", 25))
        self.assertEqual(IPv6Address(header.source.host).ipv4_mapped, IPv4Address("192.0.2.1"))
        self.assertEqual(header.destination, ("2001:db8::2", 25))

    def test_unknown(self):
        """A client without an address: the gateway speaks for itself."""
        header = self.read(("", 0), ("", 0))
        self.assertTrue(header.local)
        self.assertIsNone(header.source)
