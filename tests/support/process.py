"""The gateway as a process of its own, as ``twistd`` starts it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
TWISTD = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
SMTPGATE = [sys.executable, "-m", "smtpgate"]

#: The smallest configuration that listens, for so many ``workers`` and on a ``port``.
WORKERS = """\
workers = {workers}
[transports.local]
type = "discard"
[[servers]]
id = "in"
transport = "local"
listeners = [{{ endpoint = "tcp:{port}:interface=127.0.0.1" }}]
"""


def environment() -> dict[str, str]:
    """The tests' environment, where the package and its plugin are found wherever one is."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def smtpgate(*arguments: str, stdin: str = "", cwd: Path | None = None) -> tuple[int, str, str]:
    """Run the command line: (exit code, standard output, standard error)."""
    done = subprocess.run(
        [*SMTPGATE, *arguments], input=stdin, capture_output=True, text=True, timeout=60,
        env=environment(), cwd=cwd,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on just now."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports


class GatewayProcess:
    """A running gateway; ``log`` has what it has written so far."""

    def __init__(self, command: list[str], cwd: Path) -> None:
        self.log = ""
        self._more = threading.Condition()
        self.process = subprocess.Popen(
            command, cwd=cwd, env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            with self._more:
                self.log += line
                self._more.notify_all()
        with self._more:
            self._more.notify_all()

    def wait_for(self, text: str, times: int = 1) -> None:
        """Until the log has a text so many times; 30 seconds at most."""
        with self._more:
            found = self._more.wait_for(lambda: self.log.count(text) >= times, 30)
        if not found:
            raise AssertionError(f"{text!r} is not in the log:\n{self.log}")

    def stop(self) -> int:
        """SIGTERM; gives the exit code."""
        self.process.terminate()
        return self._end()

    def kill(self) -> int:
        """SIGKILL, which leaves no time for anything; gives the exit code."""
        self.process.kill()
        return self._end()

    def _end(self) -> int:
        code = self.process.wait(60)
        self._reader.join(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code
