"""The static function of Socket."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.socket import CLASSES
from tests.support.library import call

SOCKET = CLASSES[0]


class SocketTests(SynchronousTestCase):
    """Socket::AF() and what is not there."""

    def test_family(self) -> None:
        """The family of IPv4 and IPv6 addresses; none for any other text."""
        family = SOCKET.statics["AF"]
        self.assertEqual(call(family, "192.0.2.1"), "AF_INET")
        self.assertEqual(call(family, "2001:db8::1"), "AF_INET6")
        self.assertEqual(call(family, "::ffff:192.0.2.1"), "AF_INET6")
        for text in (
            "",
            "localhost",
            "192.0.2",
            "192.0.2.256",
            "1::2::3",
            "[::1]",
            "\xff",
            "1\x00",
        ):
            self.assertIsNone(call(family, text), text)

    def test_constructor(self) -> None:
        """Connections are refused with a clear sentence."""
        error = self.assertRaises(Fault, call, SOCKET.constructor, "AF_INET", "SOCK_STREAM")
        self.assertEqual(str(error), "Socket is not available here")
        self.assertEqual(SOCKET.methods, {})
