"""From the command to the first connection: imports, and the example's scripts at their hooks."""

from __future__ import annotations

import compileall
import time

from benchmarks.gateway import Gateway, Server
from benchmarks.machine import ROOT
from benchmarks.measure import Bench

TITLE = "Starting"

#: Ten scripts, at hooks of all kinds: they bring what they use of the library.
_SCRIPTS = {
    "inbound": {
        "proxy": "status.hsl",
        "connect": "connect/dnsbl.hsl",
        "mailfrom": "mailfrom/rate-limit.hsl",
        "rcptto": "rcptto/greylisting.hsl",
        "eodonce": "eodonce/tag-subject.hsl",
    },
    "submission": {
        "proxy": "tls-first.hsl",
        "auth": "auth/cram-md5.hsl",
        "rcptto": "rcptto/routing.hsl",
    },
    "office": {"proxy": "xclient.hsl", "rcptto": "rcptto/recipients.hsl"},
}


def measure(bench: Bench) -> None:
    """Three servers with STARTTLS and ten scripts between them."""
    # As an installation does: also where Python is told to write no bytecode.
    compileall.compile_dir(ROOT / "smtpgate", quiet=1)
    servers = {
        name: Server(
            {
                hook: (ROOT / "etc/scripts" / file).read_text(encoding="utf-8")
                for hook, file in scripts.items()
            },
            tls=True,
        )
        for name, scripts in _SCRIPTS.items()
    }
    spent = []

    def start() -> float:
        begin = time.perf_counter()
        gateway = Gateway(servers)
        try:
            gateway.wait()
            taken = time.perf_counter() - begin
            spent.append(gateway.seconds())
        finally:
            gateway.stop()
        return taken

    seconds = bench.turns({"": start})[""]
    bench.record("until it takes connections", "ms", [each * 1e3 for each in seconds])
    bench.record(
        "until it takes connections: processor time", "ms",
        [each * 1e3 for each in spent[-len(seconds) :]],
    )  # fmt: skip
