"""TLS between a socket and its protocol.

Twisted's own TLS collects what is written until the reactor's next turn, and has the reactor watch
the socket for every write: for the short replies of SMTP that costs more than the encryption.
Here, what is written while octets are being dealt with goes out in one piece when that is done,
and everything else at once, see :func:`~smtpgate.smtp.connection.writing.write_now`.
"""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableDescriptor, ITransport
from twisted.internet.protocol import Protocol
from twisted.protocols.policies import WrappingFactory
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from smtpgate.smtp.connection.writing import close_now, write_now

#: The most that one record holds, RFC 8446 5.1.
RECORD = 16_384
#: Octets that OpenSSL may add to what it is given: records' headers, or a flight of a handshake.
ADDED = 16_384


def start_server_tls(protocol: Any, creator: Any) -> None:
    """Put TLS between a protocol and its socket, and wait for the client's handshake.

    :param protocol: it has ``handshakeCompleted`` (IHandshakeListener)
    :param creator: an IOpenSSLServerConnectionCreator
    """
    layer = TLSLayer(protocol)
    tls = creator.serverConnectionForTLS(layer)
    tls.set_accept_state()
    layer.start(tls)


def start_client_tls(protocol: Any, creator: Any) -> None:
    """The same for the other side, which begins the handshake.

    :param creator: an IOpenSSLClientConnectionCreator
    """
    layer = TLSLayer(protocol)
    tls = creator.clientConnectionForTLS(layer)
    tls.set_connect_state()
    layer.start(tls)
    layer.begin()


@implementer(ITransport, IHalfCloseableDescriptor)
class TLSLayer(Protocol):
    """The protocol of a socket, and the transport of the protocol above it.

    Nothing that is written waits here once the handshake is over: OpenSSL takes it all, and the
    socket's buffer is the one that fills. So a producer is the socket's producer.
    """

    #: Creators ask it for a wrapped factory, which could name protocols for ALPN: there is none.
    factory = WrappingFactory(None)  # type: ignore[no-untyped-call]
    transport: Any

    def __init__(self, above: Any) -> None:
        self._above = above
        self._waiting: list[bytes] = []  # written before the handshake was over
        self._unsent = 0  # octets that OpenSSL was given since the socket was
        self._established = False
        self._reading = False
        self._over = False  # nothing is read or written any more
        self._reason: Failure | None = None
        self.disconnecting = False

    def start(self, tls: SSL.Connection) -> None:
        """Take the place between the two."""
        self._tls = tls
        self.transport = self._above.transport
        self.transport.protocol = self
        self._above.transport = self
        self.connected = True

    def begin(self) -> None:
        """Speak first."""
        self._shake_hands()
        self._flush()

    def getHandle(self) -> SSL.Connection:
        """OpenSSL's connection."""
        return self._tls

    # From the socket

    def dataReceived(self, octets: bytes) -> None:
        """Octets of the handshake, or encrypted ones."""
        if self._over:
            return
        self._reading = True
        try:
            self._tls.bio_write(octets)
            if self._established or self._shake_hands():
                self._read()
        finally:
            self._reading = False
        if not self._over:
            self._flush()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; tell whether it is over."""
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            return False
        except SSL.Error:
            self._fail()
            return False
        self._established = True
        for octets in self._waiting:
            self._encrypt(octets)
        if self.disconnecting:
            self._close()
        else:
            self._above.handshakeCompleted()
        return True

    def _read(self) -> None:
        while not self._over:
            try:
                octets = self._tls.recv(RECORD)
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:  # the other side has closed
                self._close()
            except SSL.Error:
                self._fail()
            else:
                self._above.dataReceived(octets)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The socket is closed."""
        if self._reason is not None:
            reason = self._reason
        elif not self._over and reason.check(ConnectionDone):  # type: ignore[no-untyped-call]
            # Nobody knows whether there was more: it may have been cut off on its way.
            reason = Failure(ConnectionLost())  # type: ignore[no-untyped-call]
        self.connected = False
        self._over = True
        # Each of them may know us: only the collector would find us all.
        above, self._above, self._reason = self._above, None, None
        del self._tls
        above.connectionLost(reason)

    # From the protocol

    def write(self, octets: bytes) -> None:
        """Encrypt and send; after a close, nothing."""
        if self._over or self.disconnecting:
            return
        if not self._established:
            self._waiting.append(octets)
            return
        self._encrypt(octets)
        if not self._reading or self._unsent >= RECORD:
            self._flush()

    def writeSequence(self, parts: Any) -> None:
        """Write them in one piece."""
        self.write(b"".join(parts))

    def _encrypt(self, octets: bytes) -> None:
        # OpenSSL takes it all, but amid a renegotiation: a next hop that begins one (TLS 1.2, ours
        # never do) while it is written to is given up.
        self._unsent += len(octets)
        try:
            self._tls.sendall(octets)
        except SSL.Error:
            self._fail()

    def _flush(self) -> bool:
        """Send what OpenSSL has to send; tell whether the kernel has it all."""
        size, self._unsent = self._unsent + ADDED, 0
        taken = False
        while True:
            try:
                octets = self._tls.bio_read(size)
            except SSL.WantReadError:
                return taken
            taken = write_now(self.transport, octets)
            if len(octets) < size:
                return taken

    @property
    def bufferSize(self) -> int:
        """Octets of one read from the socket."""
        size: int = self.transport.bufferSize
        return size

    @bufferSize.setter
    def bufferSize(self, size: int) -> None:
        self.transport.bufferSize = size

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """The socket's producer."""
        self.transport.registerProducer(producer, streaming)

    def unregisterProducer(self) -> None:
        """The socket has no producer any more."""
        self.transport.unregisterProducer()

    def pauseProducing(self) -> None:
        """Read no more from the socket."""
        self.transport.pauseProducing()

    def resumeProducing(self) -> None:
        """Read from the socket again."""
        self.transport.resumeProducing()

    def getPeer(self) -> Any:
        """The address of the other side."""
        return self.transport.getPeer()

    def getHost(self) -> Any:
        """The address of this side."""
        return self.transport.getHost()

    # Ends

    def loseConnection(self) -> None:
        """Say that no more comes, RFC 8446 6.1, and close.

        The connection may be lost before this returns, when the socket takes it all at once.
        """
        if self._over or self.disconnecting:
            return
        self.disconnecting = True
        if self._established:
            self._close()
        elif not self._waiting:
            self.abortConnection()

    def loseWriteConnection(self) -> None:
        """Say that no more comes; the other side may go on."""
        if self._over or self.disconnecting:
            return
        self.disconnecting = True
        if self._established:
            self._say_closing()
            self.transport.loseWriteConnection()

    def abortConnection(self) -> None:
        """Close without another word."""
        self._over = True
        self.transport.abortConnection()

    def failVerification(self, reason: Failure) -> None:
        """The other side is not who it should be: a creator says so amid the handshake."""
        self._reason = reason
        self.abortConnection()

    def _close(self) -> None:
        self._over = True
        if self._say_closing():
            close_now(self.transport)
        else:
            self.transport.loseConnection()

    def _say_closing(self) -> bool:
        """Send a close_notify; tell whether the kernel has it, and all before it."""
        try:
            self._tls.shutdown()
        except SSL.Error:
            return False
        return self._flush()

    def _fail(self) -> None:
        """TLS cannot go on: OpenSSL has an alert that says why."""
        if self._reason is None:
            self._reason = Failure()  # type: ignore[no-untyped-call]
        self._over = True
        self._flush()
        self.transport.loseConnection()
