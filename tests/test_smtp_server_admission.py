"""The door when somebody else has to be asked whether there is room."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from OpenSSL import SSL
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.server import Listener
from smtpgate.smtp.server.admission import Admission, Admitted
from smtpgate.smtp.session import Limits
from tests.support.certificates import server_options
from tests.support.smtp import Client

BANNER = "220 gw.example.org ESMTP\n"
TOO_MANY = "421 4.7.0 gw.example.org Too many connections, try again later\n"


class SlowAdmission(Admission):
    """Answers when told to; ``undone`` is what sessions have given back."""

    def __init__(self) -> None:
        super().__init__()
        self.room: Deferred[bool] = Deferred()
        self.place: Deferred[bool] = Deferred()
        self.undone: list[str] = []

    def enter(self, limits: Limits) -> Admitted:
        return self.room

    def identify(self, address: str, limits: Limits) -> Admitted:
        return self.place

    def leave(self) -> None:
        self.undone.append("room")

    def forget(self, address: str) -> None:
        self.undone.append(address)


class LaterTests(SynchronousTestCase):
    def client(self, listener: Listener | None = None, **settings: Any) -> Client:
        client = Client(listener=listener, connect=False, **settings)
        self.admission = SlowAdmission()
        client.factory.server = replace(client.server, admission=self.admission)
        client.connect()
        return client

    def test_admitted(self) -> None:
        """The banner comes when both answers are there; what was sent before is read then."""
        client = self.client()
        self.assertEqual("", client.banner)
        client.send(b"NO")
        client.send(b"OP\r\n")
        self.assertEqual("paused", client.wire.producerState)
        self.admission.room.callback(True)
        self.assertEqual("", client.heard())
        self.admission.place.callback(True)
        self.assertEqual(BANNER + "250 2.0.0 OK\n", client.heard())
        self.assertEqual("producing", client.wire.producerState)
        client.leave()
        self.assertEqual(["192.0.2.1", "room"], self.admission.undone)

    def test_no_room(self) -> None:
        """A client that is turned away later is told so, and gives nothing back."""
        client = self.client()
        self.admission.room.callback(False)
        self.assertEqual(TOO_MANY, client.heard())
        self.assertTrue(client.closed)
        client.leave()
        self.assertEqual([], self.admission.undone)

    def test_no_place(self) -> None:
        """So is one whose address has too many; its room is given back."""
        client = self.client()
        self.admission.room.callback(True)
        self.admission.place.callback(False)
        self.assertEqual(TOO_MANY, client.heard())
        client.leave()
        self.assertEqual(["room"], self.admission.undone)

    def test_leaving_meanwhile(self) -> None:
        """Who leaves does not wait for the answer any more; what it had is given back."""
        client = self.client()
        room = self.admission.room
        client.leave()
        self.assertTrue(room.called)
        self.assertEqual([], self.admission.undone)
        client = self.client()
        self.admission.room.callback(True)
        client.leave()
        self.assertTrue(self.admission.place.called)
        self.assertEqual(["room"], self.admission.undone)

    def test_failing(self) -> None:
        """Who cannot be asked about is turned away with 421."""
        client = self.client()
        self.admission.room.errback(ValueError("oops"))
        self.assertEqual("421 4.3.0 gw.example.org Temporary local problem\n", client.heard())

    def test_proxy_header(self) -> None:
        """A PROXY header that came meanwhile is read, and what is behind it too."""
        client = self.client(Listener(proxies=(ip_network("192.0.2.0/24"),)))
        client.send(b"PROXY TCP4 198.51.100.7 10.0.0.1 5000 25\r\nNOOP\r\n")
        self.admission.room.callback(True)
        self.assertEqual("198.51.100.7", client.connection.peer_ip)
        client.send(b"NOOP\r\n")
        self.admission.place.callback(True)
        self.assertEqual(BANNER + "250 2.0.0 OK\n" * 2, client.heard())

    def test_implicit_tls(self) -> None:
        """The handshake that came meanwhile goes to TLS, in its order."""
        client = self.client(
            Listener(implicit_tls=True, proxies=(ip_network("192.0.2.0/24"),)),
            tls=server_options(),
        )
        del client.protocol.secure
        peer = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
        peer.set_connect_state()
        self.assertRaises(SSL.WantReadError, peer.do_handshake)
        hello = peer.bio_read(10_000)
        self.admission.room.callback(True)
        client.send(b"PROXY UNKNOWN\r\n" + hello[:3])
        client.send(hello[3:])
        self.assertEqual("", client.heard())
        self.admission.place.callback(True)
        peer.bio_write(client.wire.value())
        peer.do_handshake()
        self.assertEqual("TLSv1.3", peer.get_protocol_version_name())
