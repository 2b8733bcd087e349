"""XCLIENT: a trusted proxy tells who its client is."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server.policy import Policy
from smtpgate.smtp.session import Connection
from tests.support.smtp import Client

LOCAL = (ip_network("192.0.2.0/24"),)


class XclientTests(SynchronousTestCase):
    """XCLIENT, built in."""

    def client(self, **values: Any) -> Client:
        client = Client(xclient=LOCAL, **values)
        client.say("EHLO proxy")
        return client

    def test_denied(self) -> None:
        """Not offered to and not taken from clients that are not trusted."""
        client = Client(xclient=(ip_network("10.0.0.0/8"),))
        self.assertNotIn("XCLIENT", client.say("EHLO me"))
        self.assertEqual(
            client.say("XCLIENT ADDR=10.0.0.1"), "550 5.7.0 XCLIENT is not allowed from here\n"
        )
        self.assertEqual(client.connection.peer_ip, "192.0.2.1")

    def test_everything(self) -> None:
        """All attributes; the session begins anew with a banner, and trust stays with the proxy."""
        client = self.client()
        self.assertEqual(
            client.say(
                "XCLIENT NAME=c.example ADDR=IPv6:2001:db8::1 PORT=99 PROTO=ESMTP HELO=me",
                "XCLIENT LOGIN=joe+40x DESTADDR=10.0.0.9 DESTPORT=587",
            ),
            "220 gw.example.org ESMTP\n" * 2,
        )
        connection = client.connection
        self.assertEqual(
            client.observer.of("introduced"),
            [(connection, ("192.0.2.1", 40000)), (connection, ("2001:db8::1", 99))],
        )
        self.assertEqual(
            (connection.peer_ip, connection.peer_port, connection.peer_ptr),
            ("2001:db8::1", 99, "c.example"),
        )
        self.assertEqual((connection.local_ip, connection.local_port), ("10.0.0.9", 587))
        self.assertEqual((connection.username, connection.mechanism), ("joe@x", "XCLIENT"))
        self.assertEqual(connection.client_ip, "192.0.2.1")
        self.assertEqual(client.say("MAIL FROM:<>"), "503 5.5.1 Say EHLO or HELO first\n")

    def test_unavailable(self) -> None:
        """What the proxy does not know is unknown."""
        client = self.client()
        client.say("XCLIENT NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL]")
        self.assertEqual((client.connection.peer_ptr, client.connection.peer_ip), ("", ""))

    def test_errors_change_nothing(self) -> None:
        """One bad attribute, and none is taken."""
        client = self.client()
        for attributes, words in (
            ("", "XCLIENT needs attributes"),
            ("FOO=1", "Bad XCLIENT attribute"),
            ("ADDR=10.0.0.1 PORT=x", "Bad XCLIENT value of PORT"),
            ("ADDR=10.0.0.1 NAME=a+0Ab", "Bad XCLIENT value of NAME"),
            ("ADDR=nonsense", "Bad XCLIENT value of ADDR"),
            ("ADDR", "Bad XCLIENT attribute"),
        ):
            self.assertEqual(client.say(f"XCLIENT {attributes}"), f"501 5.5.4 {words}\n")
        self.assertEqual(client.connection.peer_ip, "192.0.2.1")
        self.assertEqual(client.connection.helo, "proxy")

    def test_not_in_a_transaction(self) -> None:
        """The client of a transaction does not change."""
        client = self.client()
        client.say("MAIL FROM:<>")
        self.assertEqual(
            client.say("XCLIENT ADDR=10.0.0.1"), "503 5.5.1 Bad sequence of commands\n"
        )

    def test_policy_is_asked_again(self) -> None:
        """The policy's connect sees the assumed client, and may turn it away."""

        class Picky(Policy):
            def connect(self, connection: Connection) -> Any:
                if connection.peer_ip == "10.0.0.1":
                    return Reply(554, ("not you",), (5, 7, 1))
                return None

        client = self.client(policy=Picky())
        self.assertEqual(client.say("XCLIENT ADDR=10.0.0.1", "NOOP"), "554 5.7.1 not you\n")
        self.assertTrue(client.closed)
