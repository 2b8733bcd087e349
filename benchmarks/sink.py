"""A next hop that takes everything and does next to nothing: ``python -m benchmarks.sink``.

It prints its port, and ends with its standard input.
"""

from __future__ import annotations

import select
import socket
import subprocess
import sys

from benchmarks import processes

_EHLO = b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
_END = b"\r\n.\r\n"


class Session:
    """One client."""

    __slots__ = ("_octets", "_text")

    def __init__(self) -> None:
        self._octets = b""
        self._text = False  # a message is coming

    def answer(self, octets: bytes) -> bytes:
        """What is said to some octets."""
        answers = []
        self._octets += octets
        while self._octets:
            if self._text:
                before, end, rest = self._octets.partition(_END)
                if not end:
                    self._octets = before[-4:]
                    break
                self._text, self._octets = False, rest
                answers.append(b"250 2.0.0 Taken\r\n")
                continue
            line, end, rest = self._octets.partition(b"\r\n")
            if not end:
                break
            self._octets = rest
            answers.append(self._command(line[:4].upper()))
        return b"".join(answers)

    def _command(self, verb: bytes) -> bytes:
        if verb == b"EHLO":
            return _EHLO
        if verb == b"DATA":
            self._text = True
            self._octets = b"\r\n" + self._octets  # an empty message begins with its end
            return b"354 Go on\r\n"
        if verb == b"QUIT":
            return b"221 2.0.0 Bye\r\n"
        return b"250 2.0.0 Fine\r\n"


def serve(listener: socket.socket) -> None:
    """Until standard input is closed."""
    poll = select.epoll()
    poll.register(listener.fileno(), select.EPOLLIN)
    poll.register(sys.stdin.fileno(), select.EPOLLIN)
    sessions: dict[int, tuple[socket.socket, Session]] = {}
    while True:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                return
            if number == listener.fileno():
                connection, _ = listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                connection.sendall(b"220 sink\r\n")
                sessions[connection.fileno()] = connection, Session()
                poll.register(connection.fileno(), select.EPOLLIN)
                continue
            connection, session = sessions[number]
            try:
                octets = connection.recv(1 << 18)
                if octets:
                    connection.sendall(session.answer(octets))
            except OSError:
                octets = b""
            if not octets:
                del sessions[number]
                connection.close()


class Sink:
    """The sink as a process of its own; ends with the ``with``."""

    def __init__(self) -> None:
        self.process = processes.start(
            ["-m", "benchmarks.sink"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def __enter__(self) -> Sink:
        return self

    def __exit__(self, *_: object) -> None:
        # Closes its standard input, and waits.
        self.process.__exit__(None, None, None)


if __name__ == "__main__":
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listening:
        print(listening.getsockname()[1], flush=True)
        serve(listening)
