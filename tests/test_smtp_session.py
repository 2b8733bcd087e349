"""Session data, who is counted at the door, and deadlines."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.connection.deadlines import Deadline
from smtpgate.smtp.mail.received import protocol, received
from smtpgate.smtp.server.admission import Admission, network_of
from smtpgate.smtp.session import (
    Connection,
    Limits,
    Recipient,
    ServerSettings,
    TLSInfo,
    Transaction,
    unmapped,
    within,
)


class TransactionTests(SynchronousTestCase):
    """What lives how long."""

    def test_identity(self) -> None:
        """A transaction has one name; the next has another."""
        connection = Connection("test")
        first = connection.transaction.id
        self.assertEqual(connection.transaction.id, first)
        connection.new_transaction()
        self.assertNotEqual(connection.transaction.id, first)
        self.assertRegex(first, r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")

    def test_forget_greeting(self) -> None:
        """What was said is forgotten; context and addresses stay."""
        connection = Connection("test", peer_ip="192.0.2.1", helo="me", helo_verb="EHLO")
        connection.username, connection.mechanism, connection.context = "joe", "PLAIN", [1]
        connection.transaction.has_sender = True
        connection.forget_greeting()
        self.assertEqual((connection.helo, connection.extended), ("", False))
        self.assertEqual((connection.username, connection.mechanism), (None, None))
        self.assertFalse(connection.transaction.has_sender)
        self.assertEqual((connection.peer_ip, connection.context), ("192.0.2.1", [1]))


class NetworkTests(SynchronousTestCase):
    """Addresses in networks."""

    def test_within(self) -> None:
        """An address lies in one of the networks or in none."""
        networks = (ip_network("10.0.0.0/8"), ip_network("2001:db8::/32"))
        for address in ("10.1.2.3", "2001:db8::1", "::ffff:10.0.0.1"):
            self.assertTrue(within(address, networks), address)
        for address in ("11.0.0.1", "2001:db9::1", "", "x", "::ffff:11.0.0.1"):
            self.assertFalse(within(address, networks), address)
        self.assertFalse(within("10.1.2.3", ()))

    def test_unmapped(self) -> None:
        """An IPv4 client of an IPv6 socket has an IPv4 address."""
        self.assertEqual(unmapped("::ffff:192.0.2.1"), "192.0.2.1")
        for address in ("192.0.2.1", "2001:db8::1", "", "::ffff:x"):
            self.assertEqual(unmapped(address), address)

    def test_network_of(self) -> None:
        """IPv4 counts by /24, IPv6 by /64."""
        self.assertEqual(network_of("192.0.2.77"), network_of("192.0.2.1"))
        self.assertNotEqual(network_of("192.0.3.1"), network_of("192.0.2.1"))
        self.assertEqual(network_of("::ffff:192.0.2.9"), network_of("192.0.2.1"))
        self.assertEqual(network_of("2001:db8::1"), network_of("2001:db8:0:0:ffff::2"))
        self.assertNotEqual(network_of("2001:db8:0:1::1"), network_of("2001:db8::1"))

    def test_nothing_is_left(self) -> None:
        """Who has gone is not remembered."""
        admission = Admission()
        limits = Limits(connections_per_address=1)
        self.assertTrue(admission.identify("192.0.2.1", limits))
        self.assertFalse(admission.identify("192.0.2.1", limits))
        admission.forget("192.0.2.1")
        self.assertTrue(admission.identify("192.0.2.1", limits))
        admission.forget("192.0.2.1")
        self.assertEqual((admission._addresses, admission._networks), ({}, {}))


class DeadlineTests(SynchronousTestCase):
    """One deadline, moved often."""

    def setUp(self) -> None:
        self.clock = Clock()
        self.late: list[float] = []
        self.deadline = Deadline(self.clock, lambda: self.late.append(self.clock.seconds()))

    def test_late(self) -> None:
        """It comes once, when it was set to."""
        self.deadline.set(10)
        self.clock.pump([5, 5, 100])
        self.assertEqual(self.late, [10])

    def test_moved_later(self) -> None:
        """Moving it costs no timer, and it comes at its last time."""
        self.deadline.set(10)
        for _ in range(4):
            self.clock.advance(5)
            self.deadline.set(10)
            self.assertEqual(len(self.clock.getDelayedCalls()), 1)
        self.clock.pump([5, 4])
        self.assertEqual(self.late, [])
        self.clock.advance(1)
        self.assertEqual(self.late, [30])

    def test_moved_earlier(self) -> None:
        """An earlier one is not missed."""
        self.deadline.set(100)
        self.deadline.set(10)
        self.clock.advance(10)
        self.assertEqual(self.late, [10])

    def test_cleared(self) -> None:
        """A cleared one does not come, and can be set again."""
        self.deadline.set(10)
        self.deadline.clear()
        self.clock.advance(50)
        self.assertEqual(self.late, [])
        self.deadline.set(10)
        self.clock.advance(10)
        self.assertEqual(self.late, [60])

    def test_session(self) -> None:
        """The end of the session comes first when it is first."""
        self.deadline.session = 7
        self.deadline.set(10)
        self.clock.advance(7)
        self.assertEqual(self.late, [7])

    def test_stop(self) -> None:
        """Nothing is left behind."""
        self.deadline.set(10)
        self.deadline.stop()
        self.assertEqual(self.clock.getDelayedCalls(), [])


class ReceivedTests(SynchronousTestCase):
    """The trace header."""

    def setUp(self) -> None:
        self.settings = ServerSettings("test", "gw.example.org")
        self.connection = Connection(
            "test", peer_ip="192.0.2.1", helo="client.example", helo_verb="EHLO"
        )
        self.transaction = self.connection.transaction = Transaction(has_sender=True, _id="1-2")
        self.transaction.recipients.append(Recipient(Mailbox("a", "example.org"), {}, "local"))

    def header(self) -> str:
        return received(self.connection, self.settings, 1_700_000_000).decode("latin-1")

    def test_plain(self) -> None:
        """Who, where, how, the name, the one recipient, when."""
        self.assertEqual(
            self.header(),
            "Received: from client.example ([192.0.2.1])\r\n"
            "\tby gw.example.org with ESMTP id 1-2\r\n"
            "\tfor <a@example.org>; Tue, 14 Nov 2023 22:13:20 +0000\r\n",
        )

    def test_tls_and_names(self) -> None:
        """The cipher and the client's verified name are told; several recipients are not."""
        self.connection.tls = TLSInfo("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256)
        self.connection.peer_ptr, self.connection.peer_ip = "c.example", "2001:db8::1"
        self.connection.username = "joe"
        self.transaction.recipients *= 2
        self.assertEqual(
            self.header(),
            "Received: from client.example (c.example [IPv6:2001:db8::1])\r\n"
            "\tby gw.example.org with ESMTPSA id 1-2\r\n"
            "\t(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256 bits)); "
            "Tue, 14 Nov 2023 22:13:20 +0000\r\n",
        )

    def test_doubtful_names(self) -> None:
        """A name that a script made up cannot break the header."""
        self.connection.helo = "x (y)\r\nEvil: z"
        self.assertIn("Received: from x??y???Evil:?z ([192.0.2.1])\r\n", self.header())

    def test_keywords(self) -> None:
        """RFC 3848 and RFC 6531 4.3."""
        found = []
        for utf8 in (False, True):
            self.transaction.sender_params = {"SMTPUTF8": ""} if utf8 else {}
            for tls in (None, TLSInfo("TLSv1.2", "x", 128)):
                for name in (None, "joe"):
                    self.connection.tls, self.connection.username = tls, name
                    found.append(protocol(self.connection, self.transaction))
        expected = "ESMTP ESMTPA ESMTPS ESMTPSA UTF8SMTP UTF8SMTPA UTF8SMTPS UTF8SMTPSA"
        self.assertEqual(found, expected.split())
        self.connection.helo_verb = "HELO"
        self.assertEqual(protocol(self.connection, self.transaction), "SMTP")
