"""SMTP clients that cost little: sockets and epoll, in this process, beside the gateway's.

What a client says is a sequence of :class:`Step`: octets, and how many replies to wait for before
the next one.  Octets are made beforehand; of a reply only its code is looked at.
"""

from __future__ import annotations

import re
import select
import socket
import ssl
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, cycle, islice
from typing import NamedTuple

#: Seconds without any reply, and something is wrong.
PATIENCE = 60.0

_FINAL = re.compile(rb"^(\d)\d\d(?: |\r)", re.MULTILINE)


class Refused(Exception):
    """The server has answered 4yz or 5yz, or has closed."""


class Step(NamedTuple):
    """Octets to send, and the replies that are to come before the next step.

    :param handshake: after the replies, begin TLS
    """

    octets: bytes
    replies: int = 1
    handshake: bool = False


BANNER = Step(b"")
EHLO = Step(b"EHLO client.example.org\r\n")
QUIT = Step(b"QUIT\r\n")
STARTTLS = Step(b"STARTTLS\r\n", 1, handshake=True)


def envelope(recipients: int = 1, sender: bytes = b"<jo@example.org>") -> list[Step]:
    """MAIL and RCPT, one at a time."""
    mail = Step(b"MAIL FROM:%b\r\n" % sender)
    return [mail, *(Step(b"RCPT TO:<user%d@example.net>\r\n" % n) for n in range(recipients))]


def body(size: int) -> Step:
    """A message of so many octets, with its end."""
    header = b"From: jo@example.org\r\nTo: user@example.net\r\nSubject: benchmark\r\n\r\n"
    line = b"x" * 76 + b"\r\n"
    whole, rest = divmod(max(0, size - len(header)), len(line))
    last = b"x" * (rest - 2) + b"\r\n" if rest >= 2 else b""
    return Step(header + line * whole + last + b".\r\n")


def message(size: int) -> list[Step]:
    """One message in lockstep, as RFC 5321 has it."""
    return [*envelope(), Step(b"DATA\r\n"), body(size)]


class Client:
    """One connection."""

    __slots__ = ("_found", "_left", "_needed", "_step", "_steps", "_tls", "socket")

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.setblocking(False)
        self._steps: Iterator[Step] = iter(())
        self._step = BANNER
        self._found = b""
        self._needed = 0
        self._left = memoryview(b"")  # octets that the socket has not taken yet
        self._tls = False  # a handshake is going on

    def say(self, steps: Iterator[Step]) -> bool:
        """Begin; whether there was nothing to say."""
        self._steps = steps
        return self._next()

    def _next(self) -> bool:
        step = next(self._steps, None)
        if step is None:
            return True
        self._step = step
        self._needed = step.replies
        if step.octets:
            self._left = memoryview(step.octets)
            self._send()
        return False

    @property
    def writes(self) -> bool:
        """Whether it waits until it can write."""
        return bool(self._left)

    def ready(self) -> bool:
        """The socket can be read, or written; whether all has been said and answered."""
        if self._tls:
            return self._shake_hands()
        if self._left:
            self._send()
        try:
            octets = self.socket.recv(65536)
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        if not octets:
            raise Refused(f"the server has closed after {self._step.octets[:60]!r}")
        if self._found:
            octets = self._found + octets
        if not octets.endswith(b"\n"):
            self._found = octets
            return False
        self._found = b""
        codes = _FINAL.findall(octets)
        if b"4" in codes or b"5" in codes:
            raise Refused(octets.decode("latin-1"))
        self._needed -= len(codes)
        if self._needed > 0:
            return False
        if self._step.handshake:
            context = _context()
            self.socket = context.wrap_socket(self.socket, do_handshake_on_connect=False)
            self._tls = True
            return self._shake_hands()
        return self._next()

    def _send(self) -> None:
        try:
            self._left = self._left[self.socket.send(self._left) :]
        except BlockingIOError:
            pass

    def _shake_hands(self) -> bool:
        assert isinstance(self.socket, ssl.SSLSocket)
        try:
            self.socket.do_handshake()
        except ssl.SSLWantReadError:
            return False
        self._tls = False
        return self._next()


def _context() -> ssl.SSLContext:
    """Trusts anybody: it is the server's work that is measured.  A new one resumes nothing."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Crew:
    """Clients that work at the same time."""

    def __init__(self) -> None:
        self._poll = select.epoll()
        self._clients: dict[int, Client] = {}

    def __enter__(self) -> Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for client in list(self._clients.values()):
            self._drop(client)
        self._poll.close()

    def _add(self, port: int) -> Client:
        client = Client(port)
        number = client.socket.fileno()
        self._clients[number] = client
        self._poll.register(number, select.EPOLLIN)
        return client

    def _drop(self, client: Client) -> None:
        # The kernel takes a closed socket out of the set.
        del self._clients[client.socket.fileno()]
        client.socket.close()

    def open(
        self, ports: Sequence[int], count: int, steps: Sequence[Step] = (BANNER, EHLO)
    ) -> list[Client]:
        """Connections to the ports in turn, one after the other, and what each says first."""
        clients = []
        for port, _ in zip(cycle(ports), range(count), strict=False):
            client = self._add(port)
            self._work({client: iter(steps)}, lambda _: None)
            clients.append(client)
        return clients

    def repeat(
        self, clients: Sequence[Client], steps: Sequence[Step], times: int, at_once: int = 0
    ) -> None:
        """Say steps so many times, by the clients in turn.

        :param at_once: how many clients work at the same time; 0: all
        """
        waiting = deque(clients)
        left = times

        def following(done: Client | None) -> tuple[Client, Iterator[Step]] | None:
            nonlocal left
            if done is not None:
                waiting.append(done)
            if not left:
                return None
            left -= 1
            return waiting.popleft(), iter(steps)

        self._work_at_once(min(at_once or len(clients), len(clients)), following)

    def sessions(
        self, ports: Sequence[int], steps: Sequence[Step], times: int, at_once: int
    ) -> None:
        """Whole sessions, each with a connection of its own: banner, steps, QUIT."""
        turn = cycle(ports)
        left = times
        whole = (BANNER, *steps, QUIT)

        def following(done: Client | None) -> tuple[Client, Iterator[Step]] | None:
            nonlocal left
            if done is not None:
                self._drop(done)
            if not left:
                return None
            left -= 1
            return self._add(next(turn)), iter(whole)

        self._work_at_once(at_once, following)

    def _work_at_once(
        self, count: int, following: Callable[[Client | None], tuple[Client, Iterator[Step]] | None]
    ) -> None:
        """The first ``count`` begin together, and each is followed by another one."""
        self._work(dict(islice(iter(lambda: following(None), None), count)), following)

    def _work(
        self,
        begin: dict[Client, Iterator[Step]],
        following: Callable[[Client], tuple[Client, Iterator[Step]] | None],
    ) -> None:
        """Until nobody has anything left to say."""
        working = 0
        for client, steps in begin.items():
            if not client.say(steps):
                working += 1
                self._watch_writes(client)
        clients, poll = self._clients, self._poll.poll
        while working:
            events = poll(PATIENCE)
            if not events:
                raise Refused(f"no reply in {PATIENCE:g} seconds")
            for number, _ in events:
                client = clients[number]
                writes = client.writes
                if client.ready():
                    pair = following(client)
                    if pair is None:
                        working -= 1
                        continue
                    client, steps = pair
                    client.say(steps)
                if writes or client.writes:
                    self._watch_writes(client)

    def _watch_writes(self, client: Client) -> None:
        events = select.EPOLLIN | select.EPOLLOUT if client.writes else select.EPOLLIN
        self._poll.modify(client.socket.fileno(), events)


def pipelined(size: int) -> list[Step]:
    """One message, its envelope and DATA in one segment, RFC 2920."""
    return [in_one_go([*envelope(), Step(b"DATA\r\n")]), body(size)]


def in_one_go(steps: Sequence[Step]) -> Step:
    """Steps as one that sends all and then waits."""
    return Step(b"".join(step.octets for step in steps), sum(step.replies for step in steps))


def many(step: Step, count: int) -> Step:
    """The same step many times in one go."""
    return in_one_go(list(chain.from_iterable([[step]] * count)))
