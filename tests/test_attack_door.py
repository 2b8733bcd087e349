"""The door: PROXY headers, XCLIENT, connection limits, early talkers, other protocols."""

from __future__ import annotations

import struct
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.connection.proxyline import SIGNATURE
from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.server import Listener
from smtpgate.smtp.session import Limits
from tests.support.smtp import Client, portal

PROXY = IPv4Address("TCP", "10.0.0.1", 5000)
BEHIND = Listener(proxies=(ip_network("10.0.0.0/8"),))
LEFT = Failure(ConnectionDone())
BUSY = "421 4.7.0 gw.example.org Too many connections, try again later\n"


class ProxyTests(SynchronousTestCase):
    """PROXY headers of people who are no proxy, and of proxies that went mad."""

    def test_spoof_from_outside(self) -> None:
        """Who is not in the proxies' networks keeps his own address, whatever he says."""
        for header in (
            b"PROXY TCP4 10.9.9.9 10.0.0.1 1 25\r\n",
            SIGNATURE + b"\x21\x11\0\x0c" + bytes([10, 9, 9, 9, 10, 0, 0, 1, 0, 1, 0, 25]),
        ):
            client = Client(listener=BEHIND, xclient=(ip_network("10.0.0.0/8"),))
            self.assertEqual("220 gw.example.org ESMTP\n", client.banner)
            client.send(header)
            for line in client.heard().splitlines():
                self.assertEqual("5", line[0])
            self.assertEqual("192.0.2.1", client.connection.peer_ip)
            self.assertNotIn("XCLIENT", client.say("", "EHLO me"))

    def test_header_on_a_plain_port(self) -> None:
        """A port without PROXY believes none, not even that of its own proxies."""
        client = Client(peer=PROXY)
        self.assertEqual(
            "500 5.5.1 Command not recognised\n",
            client.say("PROXY TCP4 192.0.2.99 10.0.0.1 1 25"),
        )
        self.assertEqual("10.0.0.1", client.connection.peer_ip)

    def test_second_header(self) -> None:
        """Only the proxy's own header counts; the one that its client adds is a bad command."""
        client = Client(peer=PROXY, listener=BEHIND)
        client.send(b"PROXY TCP4 192.0.2.9 10.0.0.1 9 25\r\nPROXY TCP4 10.1.1.1 10.0.0.1 1 25\r\n")
        self.assertEqual(
            "220 gw.example.org ESMTP\n500 5.5.1 Command not recognised\n", client.heard()
        )
        self.assertEqual("192.0.2.9", client.connection.peer_ip)

    def test_trust_is_the_clients(self) -> None:
        """XCLIENT behind a proxy is for the client's address, not for the proxy's."""
        client = Client(peer=PROXY, listener=BEHIND, xclient=(ip_network("10.0.0.0/8"),))
        client.send(b"PROXY TCP4 192.0.2.9 10.0.0.1 9 25\r\n")
        self.assertNotIn("XCLIENT", client.say("EHLO me"))
        self.assertEqual(
            "550 5.7.0 XCLIENT is not allowed from here\n", client.say("XCLIENT ADDR=10.1.1.1")
        )

    def test_garbage(self) -> None:
        """What is no header ends the connection without a word."""
        endless = SIGNATURE + b"\x21\x11" + struct.pack("!H", 65535)
        for octets in (
            b"EHLO me\r\n",
            b"\x16\x03\x01\x02\0\x01\0",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 99999 1\r\n",
            b"PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n",
            b"PROXY TCP6 ::1%eth0 ::1 1 1\r\n",
            b"PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n",
            b"PROXY TCP4 1.2.3.4\n1.2.3.4 1 1\r\n",
            b"PROXY " + b"x" * 200,
            b"PROXY TCP4 ::1 ::1 1 1\r\n",
            SIGNATURE + b"\x31\x11\0\x0c" + bytes(12),
            SIGNATURE + b"\x22\x11\0\x0c" + bytes(12),
            SIGNATURE + b"\x21\x11\0\x04" + bytes(4),
            SIGNATURE + b"\x21\x41\0\x0c" + bytes(12),
            SIGNATURE + b"\x21\x11\0\x0e" + bytes(14),
            endless,
        ):
            client = Client(peer=PROXY, listener=BEHIND)
            client.send(octets)
            self.assertEqual("", client.heard(), octets)
            self.assertTrue(client.wire.aborted, octets)
            client.leave()
            self.assertEqual(0, client.server.admission.sessions)

    def test_endless(self) -> None:
        """A header that never ends is bounded in octets, and in time."""
        client = Client(peer=PROXY, listener=BEHIND, limits=Limits(handshake_timeout=30))
        client.send(SIGNATURE + b"\x21\x11\x10\0")
        for _ in range(29):
            client.send(b"x")
            client.wait(1)
            self.assertFalse(client.wire.aborted)
        client.wait(1)
        self.assertTrue(client.wire.aborted)
        client = Client(peer=PROXY, listener=BEHIND)
        client.send(b"PROXY TCP4 ")
        sent = len(b"PROXY TCP4 ")
        while not client.wire.aborted:
            client.send(b"1")
            sent += 1
        self.assertEqual(107, sent)


class XclientTests(SynchronousTestCase):
    """XCLIENT is for whom the configuration names."""

    def test_untrusted(self) -> None:
        """By default for nobody; nothing of it is believed."""
        client = Client(portal=portal(joe="x"), mechanisms=("PLAIN",))
        client.say("EHLO me")
        for attributes in ("ADDR=127.0.0.1", "LOGIN=joe", "NAME=localhost HELO=localhost"):
            self.assertEqual(
                "550 5.7.0 XCLIENT is not allowed from here\n", client.say(f"XCLIENT {attributes}")
            )
        connection = client.connection
        self.assertEqual(
            ("192.0.2.1", None, "me", ""),
            (connection.peer_ip, connection.username, connection.helo, connection.peer_ptr),
        )

    def test_trust_is_not_inherited(self) -> None:
        """Who has assumed a trusted address is not trusted by it; who was trusted still is."""
        client = Client(xclient=(ip_network("192.0.2.0/24"),))
        client.say("EHLO me")
        self.assertEqual("220", client.say("XCLIENT ADDR=198.51.100.1")[:3])
        self.assertEqual("220", client.say("XCLIENT ADDR=203.0.113.1")[:3])
        self.assertEqual("192.0.2.1", client.connection.client_ip)

    def test_injection(self) -> None:
        """No value brings line ends or blanks into the session, an IPv6 zone neither."""
        client = Client(xclient=(ip_network("192.0.2.0/24"),))
        for value in (
            "ADDR=IPV6:fe80::1%+0D+0ASubject:x",
            "ADDR=fe80::1%eth0",
            "HELO=a+0D+0AX:y",
            "NAME=a+20b",
            "NAME=a+00b",
            "HELO=a+3Cb",
            "LOGIN=a+0Ab",
            "PORT=1+0A",
            "PORT=+D9+A3",
            "PROTO=ESMTP+0D",
            "DESTADDR=::1%+0A",
        ):
            self.assertEqual("501 5.5.4", client.say(f"XCLIENT {value}")[:9], value)
        self.assertEqual("192.0.2.1", client.connection.peer_ip)


class LimitTests(SynchronousTestCase):
    """Connections at a time: of the server, an address, a network."""

    def flood(self, client: Client, count: int, listener: Listener | None = None) -> list[str]:
        """Banners of so many more connections, which all stay."""
        if listener is not None:
            client.factory = SMTPFactory(client.server, listener)
        banners = []
        for _ in range(count):
            client.connect()
            banners.append(client.banner)
        return banners

    def test_server(self) -> None:
        """One over the limit is told and closed at once; one that leaves makes room."""
        client = Client(limits=Limits(connections=3))
        first = client.protocol
        banners = self.flood(client, 3)
        self.assertEqual([False, False, True], [banner == BUSY for banner in banners])
        self.assertTrue(client.closed)
        client.protocol.connectionLost(LEFT)
        self.assertEqual([BUSY], self.flood(client, 1))
        client.protocol.connectionLost(LEFT)
        first.connectionLost(LEFT)
        self.assertEqual("220", self.flood(client, 1)[0][:3])

    def test_all_listeners(self) -> None:
        """The limit is the server's: its listeners share it."""
        client = Client(limits=Limits(connections=3), tls=object())
        self.flood(client, 1)
        self.flood(client, 1, Listener(implicit_tls=True))
        self.assertFalse(client.closed)
        self.assertEqual([""], self.flood(client, 1, Listener(implicit_tls=True)))
        self.assertTrue(client.closed, "no words in clear")
        self.assertEqual([BUSY], self.flood(client, 1, Listener()))

    def test_address_on_all_listeners(self) -> None:
        """So is the one of an address."""
        client = Client(limits=Limits(connections_per_address=2), tls=object())
        self.flood(client, 1, Listener(implicit_tls=True))
        self.assertEqual([BUSY], self.flood(client, 1, Listener()))

    def test_network(self) -> None:
        """A /64 of IPv6 is one client, however many addresses it has; a mapped IPv4 is IPv4."""
        client = Client(
            limits=Limits(connections_per_network=2),
            peer=IPv6Address("TCP", "2001:db8:0:1::1", 1),
        )
        for number, busy in ((2, False), (3, True), (4, True)):
            client.peer = IPv6Address("TCP", f"2001:db8:0:1:{number:x}::", 1)
            self.assertEqual([busy], [banner == BUSY for banner in self.flood(client, 1)])
        client.peer = IPv6Address("TCP", "2001:db8:0:2::1", 1)
        self.assertNotEqual([BUSY], self.flood(client, 1))
        client.peer = IPv4Address("TCP", "192.0.2.1", 1)
        self.flood(client, 1)
        client.peer = IPv6Address("TCP", "::ffff:192.0.2.2", 1)
        self.flood(client, 1)
        client.peer = IPv4Address("TCP", "192.0.2.3", 1)
        self.assertEqual([BUSY], self.flood(client, 1))

    def test_clients_behind_a_proxy(self) -> None:
        """Behind a proxy each client is counted by his own address, not by the proxy's."""
        client = Client(
            limits=Limits(connections_per_address=1), peer=PROXY, listener=BEHIND, connect=False
        )
        heard = []
        for host in (1, 2, 1):
            client.connect()
            client.send(b"PROXY TCP4 192.0.2.%d 10.0.0.1 1 25\r\n" % host)
            heard.append(client.heard())
        self.assertEqual([False, False, True], [each == BUSY for each in heard])

    def test_nothing_is_left(self) -> None:
        """However sessions end, and at whichever step, their places are free again."""
        limits = Limits(connections=50, connections_per_address=50, greeting_delay=1)
        client = Client(limits=limits, peer=PROXY, listener=BEHIND, connect=False, tls=object())

        def end(*steps: Any) -> None:
            client.connect()
            for step in steps:
                step()
            client.protocol.connectionLost(LEFT)

        header = b"PROXY TCP4 192.0.2.1 10.0.0.1 1 25\r\n"
        end()
        end(lambda: client.send(b"x"))
        end(lambda: client.send(header))
        end(lambda: client.send(header + b"EHLO early\r\n"))
        end(lambda: client.send(header), lambda: client.wait(1), lambda: client.say("QUIT"))
        end(lambda: client.send(header), lambda: client.wait(1), lambda: client.say("STARTTLS"))
        end(lambda: client.wait(30))
        admission = client.server.admission
        self.assertEqual((0, 0), (admission.sessions, len(admission._addresses)))
        self.assertEqual(0, len(client.factory.sessions))
        self.assertEqual([], [call for call in client.clock.getDelayedCalls() if call.active()])


class StrangerTests(SynchronousTestCase):
    """Who does not wait, and who speaks something else."""

    def test_early_talker(self) -> None:
        """With a greeting delay, who does not wait for the banner is sent away."""
        client = Client(limits=Limits(greeting_delay=5))
        client.send(b"EHLO spam\r\nMAIL FROM:<a@b>\r\n")
        self.assertEqual(
            "554 5.5.1 gw.example.org Protocol error, wait for the greeting\n", client.heard()
        )
        self.assertTrue(client.closed)
        self.assertEqual("", client.say("NOOP"))

    def test_early_talker_behind_a_proxy(self) -> None:
        """Also one who has come with his proxy's header in one segment."""
        client = Client(peer=PROXY, listener=BEHIND, limits=Limits(greeting_delay=5))
        client.send(b"PROXY TCP4 192.0.2.1 10.0.0.1 1 25\r\nEHLO spam\r\n")
        self.assertEqual("554", client.heard()[:3])
        self.assertTrue(client.closed)

    def test_web(self) -> None:
        """A web client, and so a browser that was made to speak to us, gets one answer."""
        form = (
            b" / HTTP/1.1\r\nHost: gw\r\nContent-Length: 99\r\n\r\n"
            b"EHLO me\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n"
        )
        verbs = (
            "GET",
            "HEAD",
            "POST",
            "PUT",
            "DELETE",
            "OPTIONS",
            "CONNECT",
            "TRACE",
            "get",
            "PRI",
        )
        for verb in verbs:
            client = Client()
            client.send(verb.encode() + form)
            self.assertEqual("554 5.5.1 This is a mail server\n", client.heard(), verb)
            self.assertTrue(client.closed)
            self.assertEqual([], client.transport.begun)

    def test_nonsense(self) -> None:
        """Other protocols end after a number of errors; each has one answer."""
        for octets in (
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + b"\r\n" * 100,
            b"SSH-2.0-OpenSSH_9.2\r\n" * 100,
            b"\0\0\0\x0c\r\n" * 100,
            b"*1\r\n$4\r\nPING\r\n" * 100,
            b"USER anonymous\r\n" * 100,
        ):
            client = Client(limits=Limits(errors=20))
            client.send(octets)
            heard = client.heard().splitlines()
            self.assertEqual(20, len(heard), octets)
            self.assertEqual("421 4.7.0 gw.example.org Too many errors", heard[-1])
            self.assertTrue(client.closed)

    def test_limits_hold_for_lines_that_are_none(self) -> None:
        """Lines that are too long or hold control characters are counted as commands."""
        for line in (b"x" * 3000, b"\0", b"a\rb"):
            client = Client(limits=replace(Limits(), commands=5, errors=0))
            for _ in range(6):
                client.say(line)
            self.assertTrue(client.closed, line)
