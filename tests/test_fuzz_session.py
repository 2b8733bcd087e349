"""Random octets for random servers: no exception, no hanging, nothing that stays.

``SMTPGATE_FUZZ_SECONDS`` says how long each of the two fuzzers runs (10 by default),
``SMTPGATE_FUZZ_SEED`` which session is the first: set it to a session that failed, and the seconds
to 0, to play it again.
"""

from __future__ import annotations

import contextlib
import faulthandler
import gc
import io
import os
import random
import shutil
import smtplib
import socket
import ssl
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp import arrival
from tests.support.fuzzing import SCRIPT, Fuzzed, corpus, stream
from tests.support.process import SMTPGATE, GatewayProcess, free_ports, smtpgate
from tests.support.smtp import TLS

SECONDS = float(os.environ.get("SMTPGATE_FUZZ_SECONDS", "10"))
SEED = int(os.environ.get("SMTPGATE_FUZZ_SEED", "1"))
#: Seconds of processor time after which a session hangs; the slowest takes a tenth of it.
HANGS = 10.0


class SessionFuzzTests(SynchronousTestCase):
    """Without sockets, so that there are many."""

    def setUp(self) -> None:
        self.patch(arrival, "tls_info", lambda handle, starttls: TLS)

    def play(self, seed: int) -> None:
        faulthandler.dump_traceback_later(120, exit=True)  # a loop without end
        began = time.process_time()
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                Fuzzed(seed).play()
        except Exception as error:
            raise AssertionError(f"SMTPGATE_FUZZ_SEED={seed}: {error!r}") from error
        finally:
            faulthandler.cancel_dump_traceback_later()
        self.assertLess(time.process_time() - began, HANGS, f"SMTPGATE_FUZZ_SEED={seed}")
        errors = self.flushLoggedErrors()
        self.assertEqual([], errors, f"SMTPGATE_FUZZ_SEED={seed}")

    def test_random_sessions(self) -> None:
        """Each ends as it should, whatever it was."""
        self.assertGreater(len(corpus()), 10)
        until = time.monotonic() + SECONDS
        seed = SEED
        while time.monotonic() < until or seed == SEED:
            self.play(seed)
            seed += 1
        print(f"{seed - SEED} sessions")

    def test_nothing_grows(self) -> None:
        """The same sessions again and again leave no memory behind."""
        for seed in range(60):
            self.play(seed)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        figures = []
        for _ in range(3):
            for seed in range(60):
                self.play(seed)
            gc.collect()
            figures.append(tracemalloc.get_traced_memory()[0])
        self.assertLess(figures[2] - figures[1], 60 * 500, figures)


CONFIG = """\
hostname = "gw.test"
scripts = "."
[certificates.default]
self_signed = true
[transports.local]
type = "discard"
[users]
file = "users"
[[servers]]
id = "in"
transport = "local"
certificate = "default"
xclient = ["127.0.0.0/8"]
listeners = [
  {{ endpoint = "tcp:{0}:interface=127.0.0.1" }},
  {{ endpoint = "tcp:{1}:interface=127.0.0.1", tls = "implicit" }},
  {{ endpoint = "tcp:{2}:interface=127.0.0.1", proxy_protocol = ["127.0.0.0/8"] }},
]
auth = {{ mechanisms = ["PLAIN", "LOGIN", "SCRAM-SHA-256"], require_tls = false }}
hooks = {{ proxy = "proxy.hsl" }}
[servers.limits]
handshake_timeout = 0.5
command_timeout = 0.5
data_timeout = 0.5
close_timeout = 0.2
"""
#: Threads that attack.
ATTACKERS = 4


class ProcessFuzzTests(SynchronousTestCase):
    """On real sockets, with real TLS, against a gateway of its own."""

    def setUp(self) -> None:
        self.directory = Path(mkdtemp(prefix="smtpgate"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.ports = free_ports(3)
        (self.directory / "proxy.hsl").write_text(SCRIPT)
        smtpgate("passwd", str(self.directory / "users"), "joe", stdin="secret\n")
        (self.directory / "smtpgate.toml").write_text(CONFIG.format(*self.ports))
        self.gateway = GatewayProcess(
            [*SMTPGATE, "start", "--config", "smtpgate.toml"], self.directory
        )
        self.addCleanup(self.gateway.process.wait)
        self.addCleanup(self.gateway.process.kill)
        self.gateway.wait_for("server in is up")
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def resident(self) -> int:
        """Kilobytes."""
        status = Path(f"/proc/{self.gateway.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0])

    def attack(self, seed: int) -> None:
        """One client: sends, reads a little, and leaves in one way or another."""
        dice = random.Random(seed)
        octets = stream(dice)
        with socket.create_connection(("127.0.0.1", dice.choice(self.ports)), timeout=5) as plain:
            client: socket.socket = plain
            if dice.random() < 0.3:
                client = self.context.wrap_socket(plain)
            elif dice.random() < 0.2:
                plain.sendall(b"STARTTLS\r\n")
                plain.recv(1000)
            while octets:
                count = dice.choice((1, 20, 1000, 100_000))
                client.sendall(octets[:count])
                octets = octets[count:]
                if dice.random() < 0.2:
                    client.settimeout(0.01)
                    with contextlib.suppress(TimeoutError):
                        client.recv(dice.choice((1, 10_000)))
                    client.settimeout(5)
            match dice.randrange(4):
                case 0:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                case 1:
                    plain.shutdown(socket.SHUT_WR)
                    while client.recv(10_000):
                        pass
                case 2:
                    time.sleep(dice.random() * 0.1)
            client.close()

    def attack_until(self, first: int, until: float) -> int:
        seed = first
        while time.monotonic() < until:
            with contextlib.suppress(OSError):  # the server may well hang up
                self.attack(seed)
            seed += ATTACKERS
        return (seed - first) // ATTACKERS

    def attack_for(self, seconds: float, first: int) -> int:
        until = time.monotonic() + seconds
        with ThreadPoolExecutor(ATTACKERS) as pool:
            sessions = [pool.submit(self.attack_until, first + n, until) for n in range(ATTACKERS)]
            return sum(each.result() for each in sessions)

    def test_gateway(self) -> None:
        """It stays up, answers at once, keeps no session, and its log has no traceback."""
        self.attack_for(max(SECONDS / 3, 0.5), SEED)
        before = self.resident()
        count = self.attack_for(max(SECONDS * 2 / 3, 0.5), SEED + 100_000)
        print(f"{count} sessions")
        began = time.monotonic()
        with smtplib.SMTP("127.0.0.1", self.ports[0], timeout=20) as client:
            self.assertEqual(250, client.ehlo()[0])
        self.assertLess(time.monotonic() - began, 5)
        time.sleep(1.5)  # the deadlines of whoever has not left
        self.assertIsNone(self.gateway.process.poll())
        self.assertLess(self.resident() - before, 20_000, "kilobytes")
        self.assertEqual(0, self.gateway.stop())
        self.assertIn("stopping, 0 sessions are open", self.gateway.log)
        for word in ("Traceback", "Unhandled", "Error:", "critical"):
            self.assertNotIn(word, self.gateway.log)
