"""Octets that go out together, when the reactor has dealt with all that has come.

A next hop on this machine sleeps until there is something for it, and to wake it takes longer
than to send.  At the end of a turn it is woken once, and finds what all sessions have for it.
"""

from __future__ import annotations

import os
from typing import Any

from smtpgate.smtp.connection.writing import write_now

# What waits in the present turn, by transport; None where there is none.
_held: dict[Any, bytes] | None = None


class Turn:
    """One turn of a reactor, as a context manager; a turn inside another one ends by itself."""

    __slots__ = ("_outer",)

    def __enter__(self) -> None:
        global _held
        self._outer, _held = _held, {}

    def __exit__(self, *_: object) -> None:
        global _held
        held, _held = _held, self._outer
        if held:
            for transport, octets in held.items():
                write_now(transport, octets)


def write_soon(transport: Any, octets: bytes) -> None:
    """Write at the end of the turn; at once, where the reactor does not tell its turns.

    Who writes to the transport otherwise does so in turns in which nothing waits for it.
    """
    if _held is None:
        write_now(transport, octets)
    else:
        _held[transport] = _held.get(transport, b"") + octets


def take_back(transport: Any) -> None:
    """What waits for a transport is not sent: it is given up."""
    if _held:
        _held.pop(transport, None)


def _forget() -> None:
    """What waits is the parent's to send, and its turn never ends in a fork."""
    global _held
    _held = None


os.register_at_fork(after_in_child=_forget)
