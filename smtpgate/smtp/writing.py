"""Octets to a socket at once, with the reactor's help only where the socket is full."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor


def write_now(transport: Any, octets: bytes) -> None:
    """Write to a socket as far as it takes the octets; what is left is written when it takes more.

    ``transport.write`` has the reactor watch the socket, write a turn later and stop watching:
    most of what a short reply costs.  TLS, and what is no socket, gets just that.

    Nobody else may write to the transport.
    """
    if not _is_plain_socket(transport):
        transport.write(octets)
        return
    if not transport.connected:
        return
    if not transport.dataBuffer:
        sent = transport.writeSomeData(octets)
        if isinstance(sent, int):
            if sent == len(octets):
                return
            octets = octets[sent:]
    transport.write(octets)
    # What waits goes into dataBuffer, where the next call sees it.
    transport.doWrite()


def is_written(transport: Any) -> bool:
    """Whether the kernel has all that was written; False where nobody can tell."""
    return _is_plain_socket(transport) and not transport.dataBuffer


def _is_plain_socket(transport: Any) -> bool:
    return isinstance(transport, FileDescriptor) and not getattr(transport, "TLS", False)
