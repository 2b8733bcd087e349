"""How a client comes in, and how its end is accounted: all around the lines and bodies.

The order at the door::

    count -> PROXY header (from trusted proxies) -> count its address -> TLS (implicit)
          -> the policy's connect -> greeting delay -> banner
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smtpgate.smtp import reply as replies
from smtpgate.smtp.answers import caught, later
from smtpgate.smtp.connection.clock import Timer
from smtpgate.smtp.connection.proxyline import Family, ProxyError, ProxyHeader, ProxyReader
from smtpgate.smtp.connection.tlsinfo import tls_info, tls_problem
from smtpgate.smtp.connection.tlslayer import TLSLayer
from smtpgate.smtp.connection.wire import Wire
from smtpgate.smtp.machine import Machine
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import Listener, Server
from smtpgate.smtp.server.admission import Admitted
from smtpgate.smtp.session import Connection, unmapped, within


class Arrival(Wire):
    """A client until its banner, and its farewell.

    ``arrived`` says that lines may be taken; ``pending`` is what is being waited for.
    """

    __slots__ = (
        "_asked", "_banner", "_early", "_entered", "_identified", "_known", "_message_until",
        "_no_room_yet", "_reader", "_starttls", "_too_late", "_turn", "arrived", "connection",
        "half_closed", "limits", "listener", "machine", "pending", "reason", "server", "sessions",
        "settings",
    )  # fmt: skip

    def __init__(self, server: Server, listener: Listener, sessions: set[Any]) -> None:
        self.arrived = self.half_closed = False
        self.pending: Deferred[Any] | None = None
        self.reason = ""
        self._message_until = 0.0
        self._starttls = False
        self._asked = False  # the policy knows of the client
        self._known = False  # the observer knows of the client
        self._entered = self._identified = False
        self._no_room_yet = False  # somebody is asked whether there is room for the client
        self._early = b""  # what it has sent meanwhile
        self._reader: ProxyReader | None = None
        self._banner: Timer | None = None
        self._too_late: Timer | None = None
        self._turn: Timer | None = None
        self.server = server
        self.settings = server.settings
        self.limits = server.settings.limits
        self.listener = listener
        self.sessions = sessions
        self.connection = Connection(server.settings.server_id)
        self.machine = Machine(self.connection, server)
        super().__init__(server.clock, self.limits.backlog, self.limits.close_timeout)

    @abstractmethod
    def wait(self, answer: Any, then: Callable[[Any], None]) -> None:
        """Go on with an answer, now or when it comes."""

    @abstractmethod
    def broken(self, failure: Failure) -> None:
        """Somebody failed to decide, or we failed: the session cannot go on."""

    def guarded(self, step: Callable[[], None]) -> None:
        """Do something; if it fails, this session ends, and no other."""
        try:
            step()
        except Exception:  # noqa: BLE001 (whatever it is, it ends this session only)
            self.broken(caught())

    # The door

    def connectionMade(self) -> None:
        """A client is here."""
        connection, limits = self.connection, self.limits
        self.sessions.add(self)
        self.opened()
        connection.started = now = self.clock.seconds()
        if limits.session_timeout:
            self.deadline.session = now + limits.session_timeout
        peer, host = self.transport.getPeer(), self.transport.getHost()
        # A UNIX socket's peer has no address.
        connection.peer_ip = unmapped(getattr(peer, "host", ""))
        connection.peer_port = getattr(peer, "port", 0)
        connection.local_ip = unmapped(getattr(host, "host", ""))
        connection.local_port = getattr(host, "port", 0)
        self._ask_for_room(self.server.admission.enter(limits), self._entered_or_not)

    def _ask_for_room(self, answer: Admitted, then: Callable[[bool], None]) -> None:
        """Go on when it is known whether there is room."""
        if later(answer):
            self._no_room_yet = True
            self.wait(answer, partial(self._told, then))
        else:
            then(answer)

    def _told(self, then: Callable[[bool], None], room: bool) -> None:
        self._no_room_yet = False
        self.transport.resumeProducing()
        then(room)

    def _entered_or_not(self, entered: bool) -> None:
        if not entered:
            self._turn_away("connections of the server")
            return
        self._entered = True
        if within(self.connection.peer_ip, self.listener.proxies):
            self.deadline.set(self.limits.handshake_timeout)
            self._reader = ProxyReader()
            self._read_early()
        else:
            self.guarded(self._identify)

    def _read_early(self) -> None:
        """Read what came too early to be read."""
        early, self._early = self._early, b""
        if early and not self.closing:
            # TLS may have started: then the octets are its, not ours.
            handler = self.transport if isinstance(self.transport, TLSLayer) else self
            handler.dataReceived(early)

    def arriving(self, data: bytes) -> bool:
        """Octets before the banner; tells whether they are to be queued."""
        if self._no_room_yet:
            self._early += data
            self.transport.pauseProducing()
            return False
        if self._reader is not None:
            self._read_proxy(data)
            return False
        if self._banner is not None:
            self.put(replies.early_talker(self.settings.hostname).wire)
            self.end("early talker")
            return False
        return True

    def _read_proxy(self, data: bytes) -> None:
        assert self._reader is not None
        try:
            header, rest = self._reader.feed(data)
        except ProxyError as error:
            self.server.observer.refused(self.connection, f"PROXY header: {error}")
            self.reason = "bad PROXY header"
            self.cut()
            return
        if header is None:
            return
        self._reader = None
        self._believe(header)
        self._early = rest
        self.guarded(self._identify)

    def _believe(self, header: ProxyHeader) -> None:
        connection = self.connection
        if header.source is None or header.destination is None:
            return  # the proxy speaks for itself
        connection.proxy_ip = connection.peer_ip
        if header.family is Family.UNIX:
            connection.peer_ip = connection.local_ip = ""
            connection.peer_port = connection.local_port = 0
            return
        connection.peer_ip = unmapped(header.source.host)
        connection.peer_port = header.source.port
        connection.local_ip = unmapped(header.destination.host)
        connection.local_port = header.destination.port

    def _identify(self) -> None:
        connection = self.connection
        address = connection.client_ip = connection.peer_ip
        if address:
            answer = self.server.admission.identify(address, self.limits)
            self._ask_for_room(answer, self._identified_or_not)
        else:
            self._let_in()

    def _identified_or_not(self, identified: bool) -> None:
        if identified:
            self._identified = True
            self._let_in()
        else:
            self._turn_away("connections of the address or network")

    def _let_in(self) -> None:
        self._known = True
        self.server.observer.connected(self.connection)
        if self.listener.implicit_tls:
            self.start_tls(starttls=False)
        else:
            self._greet()
        self._read_early()

    def _turn_away(self, limit: str) -> None:
        self.server.observer.refused(self.connection, f"too many {limit}")
        if not self.listener.implicit_tls:
            self.put(replies.too_many_connections(self.settings.hostname).wire)
        self.end("too many connections", linger=False)  # it is not counted: it must not stay

    def _greet(self) -> None:
        self._asked = True
        self.deadline.clear()
        self.wait(self.machine.greet(), self._greeted)

    def _greeted(self, reply: Reply) -> None:
        delay = self.limits.greeting_delay
        if reply.close or not delay:
            self._welcome(reply)
        elif self.lines:
            self.put(replies.early_talker(self.settings.hostname).wire)
            self.end("early talker")
        else:
            self._banner = self.clock.callLater(delay, self._welcome, reply)

    def _welcome(self, reply: Reply) -> None:
        self._banner = None
        self.put(reply.wire)
        if reply.close:
            self.end(f"replied {reply.code} {reply.text}")
        else:
            self.arrived = True
            self.pump()

    # TLS

    def start_tls(self, starttls: bool) -> None:
        """Begin the handshake; nothing that was read before it counts."""
        self.arrived = False
        self._starttls = starttls
        self.lines.clear()
        if starttls:
            self.machine.forget()
        self.flush()
        self.deadline.set(self.limits.handshake_timeout)
        self.secure(self.settings.tls)

    def handshakeCompleted(self) -> None:
        """TLS is there (IHandshakeListener)."""
        if not self.closing and self.connection.tls is None:
            self.guarded(self._secured)

    def _secured(self) -> None:
        self.connection.tls = tls_info(self.transport.getHandle(), self._starttls)
        self.server.observer.tls_started(self.connection)
        self.deadline.clear()
        if self._starttls:
            self.arrived = True
            self.pump()
        else:
            self._greet()

    # Ends

    def end(self, reason: str, linger: bool = True) -> None:
        """Write what is queued and close; nothing runs any more.

        :param linger: make sure that the client can read it all, whatever it still sends
        """
        if self.closing:
            return
        self.reason = reason
        self.closing = True
        self._stop_work()
        self.close(linger and not self.half_closed)

    def connectionLost(self, reason: Failure) -> None:  # type: ignore[override]
        """The client has gone, or we have closed."""
        self.closing = True
        self.deadline.stop()
        self._stop_work()
        if self._identified:
            self.server.admission.forget(self.connection.client_ip)
        if self._entered:
            self.server.admission.leave()
        if self._asked:
            self._tell_policy()
        if self._known:
            why = self.reason or tls_problem(reason) or "client left"
            self.server.observer.closed(self.connection, why)
        self.sessions.discard(self)  # last: whoever stops the service waits for it

    def _tell_policy(self) -> None:
        try:
            self.server.policy.closed(self.connection)
        except Exception:  # noqa: BLE001 (another's code: nobody is left to be answered)
            self.server.observer.trouble(self.connection, "closed", caught())

    def _stop_work(self) -> None:
        """Nobody waits for answers any more: cancel what was asked, abort deliveries."""
        for call in (self._banner, self._too_late, self._turn):
            if call is not None and call.active():
                call.cancel()
        pending, self.pending = self.pending, None
        if pending is not None:
            pending.cancel()
        self.machine.gone()
