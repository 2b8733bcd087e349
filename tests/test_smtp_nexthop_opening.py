"""What a next hop is told about the client."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.nexthop.opening import Identity, Login, xclient, xforward
from smtpgate.smtp.session import Connection

KNOWN = Identity(
    "192.0.2.1", 40000, "198.51.100.2", 25, "client.example", "helo=x", "ESMTP", "jö+b"
)
ALL = "NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT IDENT SOURCE"


class CommandTests(SynchronousTestCase):
    def test_xclient(self):
        """All attributes, as xtext."""
        self.assertEqual(
            xclient(KNOWN, ALL),
            "XCLIENT NAME=client.example ADDR=192.0.2.1 PORT=40000 PROTO=ESMTP HELO=helo+3Dx "
            "LOGIN=j+F6+2Bb DESTADDR=198.51.100.2 DESTPORT=25",
        )

    def test_what_is_known(self):
        """Only what the next hop has listed; what we do not know is unavailable."""
        self.assertEqual(
            xclient(Identity("2001:db8::1"), "addr port helo"),
            "XCLIENT ADDR=IPV6:2001:db8::1 PORT=[UNAVAILABLE] HELO=[UNAVAILABLE]",
        )

    def test_xforward(self):
        """XFORWARD has our name of the transaction beside."""
        self.assertEqual(
            xforward(KNOWN, "4711", ALL),
            "XFORWARD NAME=client.example ADDR=192.0.2.1 PORT=40000 PROTO=ESMTP HELO=helo+3Dx "
            "IDENT=4711 SOURCE=REMOTE",
        )

    def test_nothing_breaks_a_line(self):
        """Whatever a name holds, the command is one line."""
        line = xclient(Identity(name="a\r\nRCPT TO:<b>", helo="x y"), "NAME HELO")
        self.assertEqual(line, "XCLIENT NAME=a+0D+0ARCPT+20TO:<b> HELO=x+20y")


class IdentityTests(SynchronousTestCase):
    def test_of_a_session(self):
        """A session's client, as it is known by now."""
        connection = Connection("in", "192.0.2.1", 4, "198.51.100.2", 25)
        self.assertEqual(
            Identity.of(connection),
            Identity("192.0.2.1", 4, "198.51.100.2", 25, "", "", "SMTP", ""),
        )
        connection.helo, connection.helo_verb = "client.example", "EHLO"
        connection.username, connection.peer_ptr = "jo", "ptr.example"
        self.assertEqual(
            Identity.of(connection),
            Identity(
                "192.0.2.1", 4, "198.51.100.2", 25, "ptr.example", "client.example", "ESMTP", "jo"
            ),
        )

    def test_secrets(self):
        """A password does not show."""
        self.assertEqual(repr(Login(b"jo", b"secret")), "Login(b'jo')")
