"""Messages that are relayed while the client waits, to a next hop that does next to nothing."""

from __future__ import annotations

from benchmarks.macro.messages import send
from benchmarks.measure import Bench

TITLE = "Messages, relayed"


def measure(bench: Bench) -> None:
    """Without a script, and with fifteen lines at every command."""
    send(bench, small=500, large=8, relays=True)
