"""Relaying: throughput, latency, and the memory that one large message takes.

Gateway, client and next hop are processes of one machine, so each has a part of its processors:
the gateway's own processor time says more than the clock.
"""

from __future__ import annotations

import argparse
import json
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.support.relaying_process import GatewayProcess

Note = Callable[[str, float, str], None]
MEGABYTE = 1_000_000


class Sink(threading.Thread):
    """A next hop that takes everything, at a given pace.

    :param rate: octets a second that it reads of a message; 0: as fast as it can
    """

    def __init__(self, rate: float = 0) -> None:
        super().__init__(daemon=True)
        self.rate = rate
        self.octets = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]

    def run(self) -> None:
        """Take connections."""
        while True:
            connection, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(b"220 sink ESMTP\r\n")
        data = b""
        while octets := connection.recv(65536):
            data += octets
            while b"\r\n" in data:
                line, data = data.split(b"\r\n", 1)
                if line == b"DATA":
                    connection.sendall(b"354 go on\r\n")
                    data = self._message(connection, data)
                if line.startswith(b"EHLO"):
                    connection.sendall(b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n")
                else:
                    connection.sendall(b"250 2.0.0 OK\r\n")

    def _message(self, connection: socket.socket, data: bytes) -> bytes:
        tail, begun, read = b"\r\n" + data, time.perf_counter(), 0
        while b"\r\n.\r\n" not in tail:
            octets = connection.recv(65536)
            if not octets:
                return b""
            read += len(octets)
            self.octets += len(octets)
            tail = tail[-4:] + octets
            if self.rate:
                ahead = read / self.rate - (time.perf_counter() - begun)
                if ahead > 0:
                    time.sleep(ahead)
        return tail.split(b"\r\n.\r\n", 1)[1]


class Client:
    """A client in lockstep."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._lines = self._socket.makefile("rb")
        self._reply(b"220")
        self.say(b"EHLO client.example.org", b"250")

    def _reply(self, code: bytes) -> None:
        while True:
            line = self._lines.readline()
            if line[3:4] != b"-":
                break
        if not line.startswith(code):
            raise RuntimeError(line)

    def say(self, line: bytes, code: bytes) -> None:
        """Send a command, and expect an answer."""
        self._socket.sendall(line + b"\r\n")
        self._reply(code)

    def send(self, block: bytes, times: int) -> None:
        """A message of so many blocks."""
        self.say(b"MAIL FROM:<a@example.org>", b"250")
        self.say(b"RCPT TO:<b@example.net>", b"250")
        self.say(b"DATA", b"354")
        for _ in range(times):
            self._socket.sendall(block)
        self.say(b".", b"250")


LINES = b"".join(b"%07d %s\r\n" % (n, b"x" * 68) for n in range(MEGABYTE // 78))


def main() -> None:
    """Measure all, print it, and write it where ``--json FILE`` says."""
    parser = argparse.ArgumentParser(description="Relaying")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--size", type=int, default=1000, help="megabytes of the large message")
    parser.add_argument("--rate", type=float, default=100, help="megabytes a second of a slow hop")
    options = parser.parse_args()
    figures: dict[str, float] = {}

    def note(name: str, value: float, unit: str) -> None:
        figures[f"{name} ({unit})"] = round(value, 2)
        print(f"{name:48} {value:10.2f} {unit}", flush=True)

    with tempfile.TemporaryDirectory() as directory:
        sink = Sink()
        sink.start()
        gateway = GatewayProcess(directory, sink.port).start().wait_until_up()
        try:
            measure_small(gateway, note)
            measure_large(gateway, note)
            measure_memory(gateway, sink, options.size, options.rate * MEGABYTE, note)
        finally:
            gateway.kill()
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")


def measure_small(gateway: GatewayProcess, note: Note) -> None:
    """Messages of 1 kB, one after the other, and from several clients."""
    client, count = Client(gateway.port), 500
    client.send(b"x\r\n", 1)
    begun, spent = time.perf_counter(), gateway.seconds()
    for _ in range(count):
        client.send(LINES[: 13 * 78], 1)
    note("1 kB messages, one client", count / (time.perf_counter() - begun), "1/s")
    note("  processor time of each", (gateway.seconds() - spent) / count * 1e3, "ms")


def measure_large(gateway: GatewayProcess, note: Note) -> None:
    """200 MB as fast as they go."""
    client, count = Client(gateway.port), 200
    begun, spent = time.perf_counter(), gateway.seconds()
    client.send(LINES, count)
    size = len(LINES) * count / MEGABYTE
    note("one large message", size / (time.perf_counter() - begun), "MB/s")
    note("  by processor time", size / (gateway.seconds() - spent), "MB/s")


def measure_memory(gateway: GatewayProcess, sink: Sink, size: int, rate: float, note: Note) -> None:
    """One large message through a slow next hop."""
    client = Client(gateway.port)
    sink.rate = rate
    client.send(LINES, 20)
    gateway.forget_peak()
    resident, _ = gateway.memory()
    begun = time.perf_counter()
    client.send(LINES, size)
    seconds = time.perf_counter() - begun
    _, peak = gateway.memory()
    note(f"{size} MB to a next hop of {rate / MEGABYTE:.0f} MB/s", size / seconds, "MB/s")
    note("  more memory at its peak than before", (peak - resident) / 1024, "KiB")


if __name__ == "__main__":
    main()
