"""A gateway of several processes that does not come up."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.process import WORKERS, environment, free_ports


class StartTests(SynchronousTestCase):
    """A start with workers that do not come up: `start` and `twistd` say so, and end with 1."""

    #: What is done to a worker, before the gateway starts.
    BROKEN = """\
import os, signal, sys
from smtpgate.workers import worker
def run(self):
    if not os.path.exists("tried"):
        open("tried", "x").close()
        {fault}
    signal.pause()
worker.Worker.run = run
sys.argv[0] = {name!r}
{main}
"""
    MAIN = {
        "smtpgate": "from smtpgate.cli.main import main; sys.exit(main())",
        "twistd": "from twisted.scripts.twistd import run; run()",
    }

    def start(self, fault: str, name: str, *arguments: str) -> tuple[int, str]:
        directory = Path(self.mktemp()).absolute()
        directory.mkdir()
        (port,) = free_ports(1)
        text = WORKERS.format(workers=2, port=port)
        (directory / "smtpgate.toml").write_text(text)
        code = self.BROKEN.format(fault=fault, name=name, main=self.MAIN[name])
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments, "--config", "smtpgate.toml"],
            cwd=directory, env=environment(), text=True, timeout=60,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", port), 9)
        self.assertNotIn("is up", done.stdout)
        # twistd has its log there, too.
        return done.returncode, "smtpgate: " + done.stdout.rpartition("smtpgate: ")[2].rstrip()

    def test_killed(self) -> None:
        """A worker is killed before it is ready."""
        words = "smtpgate: a worker did not become ready: it was killed by SIGKILL"
        fault = "os.kill(os.getpid(), signal.SIGKILL)"
        self.assertEqual((1, words), self.start(fault, "smtpgate", "start"))
        self.assertEqual((1, words), self.start(fault, "twistd", "-n", "smtpgate"))

    def test_failed(self) -> None:
        """A worker fails; the log has the reason."""
        words = "smtpgate: a worker did not become ready: it has ended with exit code 1"
        self.assertEqual((1, words), self.start("raise OSError('no')", "smtpgate", "start"))
