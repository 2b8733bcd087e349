"""The gateway as a process of its own, to be killed and measured."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

_START = "import sys; from smtpgate.cli.main import main; sys.exit(main())"

CONFIGURATION = """\
hostname = "gw.example.org"
state = "var"

[transports.next]
type = "smtp"
hosts = ["127.0.0.1:{next}"]
tls = "none"
{options}

[[servers]]
id = "relay"
transport = "next"
listeners = [{{ endpoint = "tcp:{port}:interface=127.0.0.1" }}]
limits = {{ message_size = 0 }}
"""


class GatewayProcess:
    """One gateway that relays to one next hop.

    :param directory: for its configuration and its log
    """

    def __init__(self, directory, next_port, options=""):
        self.directory = Path(directory).absolute()
        self.directory.mkdir(parents=True, exist_ok=True)
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            self.port = taken.getsockname()[1]
        self._file = self.directory / "smtpgate.toml"
        self._file.write_text(CONFIGURATION.format(next=next_port, port=self.port, options=options))
        self._process = None

    def start(self):
        """Start it; it takes connections a little later."""
        log = (self.directory / "log").open("ab")
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START, "start", "--config", str(self._file)],
            stdout=log,
            stderr=log,
            cwd=self.directory,
            env=environment,
        )
        return self

    def is_up(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            if self._process.poll() is not None:
                raise AssertionError(self.said()) from None
            return False
        return True

    def said(self):
        """Its log."""
        return (self.directory / "log").read_text(errors="replace")

    def kill(self, number=signal.SIGKILL):
        """End it; with SIGKILL it has no time for anything."""
        if self._process.poll() is None:
            self._process.send_signal(number)
        self._process.wait(60)

    def memory(self):
        """Octets that it has resident, now and at most (VmRSS and VmHWM)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        figures = dict(line.split(":", 1) for line in status.splitlines())
        return tuple(int(figures[name].split()[0]) * 1024 for name in ("VmRSS", "VmHWM"))

    def seconds(self):
        """Seconds of processor time that it has used."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
