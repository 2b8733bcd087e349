"""How often long work gives way: pauses are counted, not timed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from smtpgate.hsl.limits import ACTIVE


class Counter:
    """Stands where the running script stands, and counts."""

    def __init__(self) -> None:
        self.pauses = 0

    def hurry(self) -> None:
        """The next step comes soon enough here."""

    def pause(self) -> None:
        self.pauses += 1


@contextmanager
def counted() -> Iterator[Counter]:
    """Count the pauses of what is called inside."""
    before = ACTIVE.running
    ACTIVE.running = counter = Counter()
    try:
        yield counter
    finally:
        ACTIVE.running = before
