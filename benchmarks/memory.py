"""What an idle session costs: the resident memory of a gateway's process, with and without them."""

from __future__ import annotations

import argparse
import json
import resource
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parent.parent
CONFIG = """\
hostname = "gw.test"
[transports.local]
type = "discard"
[[servers]]
id = "in"
transport = "local"
listeners = [{{ endpoint = "tcp:{port}:interface=127.0.0.1:backlog=1024" }}]
"""
START = "from smtpgate.cli.main import main; raise SystemExit(main())"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def resident(process: int) -> int:
    """Octets of memory that are really there (proc(5), VmRSS)."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise ProcessLookupError(process)


def session(port: int) -> socket.socket:
    """A client that has said EHLO, and waits."""
    client = socket.create_connection(("127.0.0.1", port), timeout=30)
    client.recv(1000)
    client.sendall(b"EHLO client.test\r\n")
    heard = b""
    while b"250 " not in heard:
        heard += client.recv(1000)
    return client


def start(directory: Path, port: int) -> subprocess.Popen[bytes]:
    (directory / "smtpgate.toml").write_text(CONFIG.format(port=port))
    process = subprocess.Popen(
        [sys.executable, "-c", START, "start", "--config", "smtpgate.toml"],
        cwd=directory,
        env={"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            # The first session also loads what is only loaded when it is needed.
            session(port).close()
            return process
        except ConnectionRefusedError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.1)


def measure(count: int) -> float:
    """Octets of each of `count` idle sessions."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as directory:
        port = free_port()
        process = start(Path(directory), port)
        clients: list[socket.socket] = []
        try:
            time.sleep(0.5)
            empty = resident(process.pid)
            for _ in range(count):
                clients.append(session(port))
            time.sleep(0.5)
            full = resident(process.pid)
        finally:
            for client in clients:
                client.close()
            process.terminate()
            process.wait(60)
    print(f"  empty process {empty / 1e6:,.1f} MB, with {count:,} sessions {full / 1e6:,.1f} MB")
    return (full - empty) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there")
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("Memory of idle sessions without TLS")
    figures = sorted(measure(options.sessions) for _ in range(options.rounds))
    median = figures[len(figures) // 2]
    print(
        f"  {'a session, after EHLO':<44} {median / 1024:>12,.2f} {'KB':<12} "
        f"({figures[0] / 1024:,.2f} to {figures[-1] / 1024:,.2f})"
    )
    if options.json is not None:
        result = {
            "unit": "octets",
            "median": median,
            "min": figures[0],
            "max": figures[-1],
            "sessions": options.sessions,
        }
        results = {"python": sys.version.split()[0], "results": {"idle session": result}}
        options.json.write_text(json.dumps(results, indent=2) + "\n")


if __name__ == "__main__":
    main()
