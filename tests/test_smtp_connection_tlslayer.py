"""TLS between a socket and its protocol."""

from __future__ import annotations

import gc
import weakref
from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.connection.tlslayer import RECORD, TLSLayer, start_client_tls, start_server_tls
from tests.support.certificates import server_options
from tests.test_smtp_connection_writing import Socket

DONE = Failure(ConnectionDone())


class Above:
    """A protocol that has TLS below it; what it does with octets is said by ``answer``."""

    def __init__(self, socket: Any) -> None:
        self.transport = socket
        self.octets = b""
        self.secured = False
        self.reason: Any = None

    def answer(self, octets: bytes) -> None:
        """Nothing."""

    def handshakeCompleted(self) -> None:
        self.secured = True

    def dataReceived(self, octets: bytes) -> None:
        self.octets += octets
        self.answer(octets)

    def connectionLost(self, reason: Failure) -> None:
        self.reason = reason.value


class Plug(Socket):
    """A socket that remembers each write, and how it was closed."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.ends: list[str] = []
        self.full = False
        self.protocol: Any = None

    def writeSomeData(self, data: bytes) -> int:
        if self.full:
            return 0
        self.writes.append(bytes(data))
        return len(data)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        self.ends.append("closed")
        self.connected = 0
        self.protocol.connectionLost(reason)

    def loseConnection(self) -> None:
        self.ends.append("close")

    def loseWriteConnection(self) -> None:
        self.ends.append("half")

    def abortConnection(self) -> None:
        self.ends.append("abort")

    def taken_away(self) -> bytes:
        octets = b"".join(self.writes)
        self.writes.clear()
        return octets


class LayerCase(SynchronousTestCase):
    """A layer as the server, and OpenSSL alone as the client."""

    options = server_options()

    def setUp(self) -> None:
        self.socket = Plug()
        self.above = Above(self.socket)
        start_server_tls(self.above, self.options)
        self.layer: TLSLayer = self.above.transport
        self.peer = SSL.Connection(SSL.Context(SSL.TLS_CLIENT_METHOD))
        self.peer.set_connect_state()

    def shake_hands(self) -> None:
        for _ in range(2):
            try:
                self.peer.do_handshake()
            except SSL.WantReadError:
                pass
            self.give()
            self.take()
        self.assertTrue(self.above.secured)

    def give(self) -> None:
        """What the client has written, in one piece."""
        self.layer.dataReceived(self.peer.bio_read(1_000_000))

    def take(self) -> None:
        """What the server has written."""
        octets = self.socket.taken_away()
        if octets:
            self.peer.bio_write(octets)

    def heard(self) -> bytes:
        """What the server has said since."""
        self.take()
        said = b""
        while True:
            try:
                said += self.peer.recv(100_000)
            except SSL.WantReadError:
                return said


class OctetTests(LayerCase):
    """Reading and writing."""

    def test_both_ways(self) -> None:
        """What is written outside of reading is sent at once, and the socket is not watched."""
        self.shake_hands()
        self.peer.send(b"EHLO me\r\n")
        self.give()
        self.assertEqual(b"EHLO me\r\n", self.above.octets)
        self.layer.write(b"250 ")
        self.layer.writeSequence([b"O", b"K"])
        self.assertEqual(2, len(self.socket.writes))
        self.assertFalse(self.socket.watched)
        self.assertEqual(b"250 OK", self.heard())

    def test_one_piece(self) -> None:
        """What is written while octets are read is sent in one piece after that."""
        self.shake_hands()
        self.above.answer = self.layer.write  # type: ignore[method-assign]
        for octets in (b"one", b"two", b"three"):
            self.peer.send(octets)
        self.give()
        self.assertEqual(1, len(self.socket.writes))
        self.assertEqual(b"onetwothree", self.heard())

    def test_much(self) -> None:
        """Much of it does not wait for that."""
        self.shake_hands()
        much = b"x" * RECORD
        self.above.answer = lambda octets: self.layer.write(much)  # type: ignore[method-assign]
        self.peer.send(b"one")
        self.peer.send(b"two")
        self.give()
        self.assertEqual(2, len(self.socket.writes))
        self.assertEqual(much * 2, self.heard())

    def test_large(self) -> None:
        """Octets of many records, in both directions."""
        self.shake_hands()
        large = bytes(range(256)) * 1000
        self.layer.write(large)
        self.assertEqual(large, self.heard())
        self.peer.sendall(large)
        self.give()
        self.assertEqual(large, self.above.octets)

    def test_full(self) -> None:
        """The socket's buffer is the one that fills, and its producer is told; order is kept."""
        self.shake_hands()
        told: list[str] = []

        class Producer:
            def pauseProducing(self) -> None:
                told.append("pause")

            def resumeProducing(inner) -> None:
                told.append("resume")
                self.layer.write(b"last")

            def stopProducing(self) -> None:
                told.append("stop")

        self.layer.registerProducer(Producer(), True)
        self.socket.full = True
        self.layer.write(b"first")
        self.assertEqual([], told)
        self.layer.write(b"x" * 200_000)
        self.assertEqual(["pause"], told)
        self.socket.full = False
        while self.socket.watched:
            self.socket.doWrite()
        self.assertEqual(["pause", "resume"], told)
        self.assertEqual(b"first" + b"x" * 200_000 + b"last", self.heard())

    def test_early(self) -> None:
        """What is written before the handshake is over is sent after it, and nothing in clear."""
        self.layer.write(b"early")
        self.assertEqual([], self.socket.writes)
        self.shake_hands()
        self.assertEqual(b"early", self.heard())

    def test_broken(self) -> None:
        """A protocol that fails does not keep what is written from being sent."""
        self.shake_hands()

        def fail(octets: bytes) -> None:
            raise ValueError

        self.above.answer = fail  # type: ignore[method-assign]
        self.peer.send(b"one")
        self.assertRaises(ValueError, self.give)
        self.layer.write(b"still here")
        self.assertEqual(b"still here", self.heard())

    def test_client(self) -> None:
        """The client's side speaks first."""
        socket = Plug()
        above = Above(socket)
        start_client_tls(above, self.options)
        self.above.answer = self.layer.write  # type: ignore[method-assign]
        above.transport.write(b"early")
        while socket.writes or self.socket.writes:
            for one, other in ((socket, self.layer), (self.socket, above.transport)):
                if one.writes:
                    other.dataReceived(one.taken_away())
        self.assertTrue(above.secured)
        self.assertEqual((b"early", b"early"), (self.above.octets, above.octets))


class EndTests(LayerCase):
    """How it may end."""

    def test_close(self) -> None:
        """The last words and the close_notify go out in one piece, and all is closed at once."""
        self.shake_hands()

        def goodbye(octets: bytes) -> None:
            self.layer.write(b"221 Bye\r\n")
            self.layer.loseConnection()
            self.layer.write(b"more")

        self.above.answer = goodbye  # type: ignore[method-assign]
        self.peer.send(b"QUIT\r\n")
        self.give()
        self.take()
        self.assertEqual(b"221 Bye\r\n", self.peer.recv(1000))
        self.assertRaises(SSL.ZeroReturnError, self.peer.recv, 1000)
        self.assertEqual(["closed"], self.socket.ends)
        self.assertIsInstance(self.above.reason, ConnectionDone)

    def test_close_full(self) -> None:
        """A socket that does not take it all is closed when it has."""
        self.shake_hands()
        self.socket.full = True
        self.layer.loseConnection()
        self.assertEqual(["close"], self.socket.ends)
        self.layer.loseConnection()
        self.assertEqual(["close"], self.socket.ends)
        self.socket.full = False
        self.socket.doWrite()
        self.take()
        self.assertRaises(SSL.ZeroReturnError, self.peer.recv, 1000)

    def test_close_half(self) -> None:
        """After a half close the other side may go on, until it closes too."""
        self.shake_hands()
        self.layer.loseWriteConnection()
        self.assertEqual(["half"], self.socket.ends)
        self.take()
        self.assertRaises(SSL.ZeroReturnError, self.peer.recv, 1000)
        self.peer.send(b"still here")
        self.give()
        self.assertEqual(b"still here", self.above.octets)
        self.peer.shutdown()
        self.give()
        self.assertEqual(["half", "close"], self.socket.ends)

    def test_peer_closes(self) -> None:
        """The other side closes: it is answered, and nothing of it is an error."""
        self.shake_hands()
        self.peer.send(b"last")
        self.peer.shutdown()
        self.give()
        self.assertEqual(b"last", self.above.octets)
        self.assertEqual(["closed"], self.socket.ends)
        self.take()
        self.assertRaises(SSL.ZeroReturnError, self.peer.recv, 1000)
        self.assertIsInstance(self.above.reason, ConnectionDone)

    def test_cut_off(self) -> None:
        """A connection that ends without a close_notify may have lacked something."""
        self.shake_hands()
        self.layer.connectionLost(DONE)
        self.assertIsInstance(self.above.reason, ConnectionLost)

    def test_abort(self) -> None:
        """An abort says nothing, and no more is read."""
        self.shake_hands()
        self.layer.abortConnection()
        self.assertEqual((["abort"], []), (self.socket.ends, self.socket.writes))
        self.peer.send(b"late")
        self.give()
        self.layer.write(b"late")
        self.assertEqual((b"", []), (self.above.octets, self.socket.writes))
        self.layer.connectionLost(Failure(ConnectionAborted()))
        self.assertIsInstance(self.above.reason, ConnectionAborted)

    def test_close_early(self) -> None:
        """Before the handshake is over there is nobody to say goodbye to."""
        self.layer.loseConnection()
        self.assertEqual((["abort"], []), (self.socket.ends, self.socket.writes))

    def test_close_early_with_words(self) -> None:
        """With something to say, the handshake is waited for."""
        self.layer.write(b"421 Sorry\r\n")
        self.layer.loseConnection()
        self.assertEqual([], self.socket.ends)
        self.assertRaises(SSL.WantReadError, self.peer.do_handshake)
        self.give()
        self.take()
        self.peer.do_handshake()
        self.give()
        self.take()
        self.assertEqual(b"421 Sorry\r\n", self.peer.recv(1000))
        self.assertRaises(SSL.ZeroReturnError, self.peer.recv, 1000)
        self.assertFalse(self.above.secured)
        self.assertEqual(["closed"], self.socket.ends)

    def test_no_handshake(self) -> None:
        """What is no TLS gets an alert, and its error is the reason of the end."""
        self.layer.dataReceived(b"EHLO me\r\n")
        self.assertEqual(["close"], self.socket.ends)
        self.layer.dataReceived(b"RSET\r\n")
        self.layer.connectionLost(DONE)
        self.assertIsInstance(self.above.reason, SSL.Error)
        self.assertFalse(self.above.secured)

    def test_tampered(self) -> None:
        """A record that somebody has changed ends it: with an alert, and without its octets."""
        self.shake_hands()
        self.peer.send(b"RCPT TO:<a@b>\r\n")
        record = bytearray(self.peer.bio_read(1000))
        record[-1] ^= 1
        self.layer.dataReceived(bytes(record))
        self.assertEqual((b"", ["close"]), (self.above.octets, self.socket.ends))
        self.take()
        self.assertRaises(SSL.Error, self.peer.recv, 1000)
        self.layer.connectionLost(DONE)
        self.assertIsInstance(self.above.reason, SSL.Error)

    def test_unverified(self) -> None:
        """A creator's own error counts more than OpenSSL's."""
        self.layer.failVerification(Failure(ValueError("not you")))
        self.assertEqual(["abort"], self.socket.ends)
        self.layer.connectionLost(Failure(ConnectionAborted()))
        self.assertEqual("not you", str(self.above.reason))

    def test_freed(self) -> None:
        """What has ended is freed at once, without the collector."""
        self.shake_hands()
        seen = [weakref.ref(each) for each in (self.layer, self.layer.getHandle())]
        self.addCleanup(gc.enable)
        gc.disable()
        self.layer.loseConnection()
        self.socket.protocol = self.above = None  # type: ignore[assignment]
        del self.layer
        self.assertEqual([None, None], [each() for each in seen])

    def test_in_memory(self) -> None:
        """Transports that are no sockets will do."""
        transport = StringTransport()
        above = Above(transport)
        start_client_tls(above, self.options)
        self.assertEqual(b"\x16\x03\x01", transport.value()[:3])
