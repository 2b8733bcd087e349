"""Octets to a socket at once, with the reactor's help only where the socket is full."""

from __future__ import annotations

from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.main import CONNECTION_DONE
from twisted.python.failure import Failure

#: What has a socket of its own, which can be written to directly.
_SOCKET: Any = FileDescriptor
_CLOSED = Failure(CONNECTION_DONE)  # type: ignore[no-untyped-call]


def write_now(transport: Any, octets: bytes) -> bool:
    """Write to a socket as far as it takes the octets; what is left is written when it takes more.

    ``transport.write`` has the reactor watch the socket, write a turn later and stop watching:
    most of what a short reply costs.  What is no socket gets just that.

    Nobody else may write to the transport.

    :return: whether the kernel has it all; False where nobody can tell
    """
    if not isinstance(transport, _SOCKET):
        transport.write(octets)
        return False
    if not transport.connected:
        return False
    if not transport.dataBuffer:
        try:
            sent = transport.getHandle().send(octets)
        except OSError:  # it is full, or lost: the transport finds out, and deals with it
            sent = 0
        if sent == len(octets):
            return True
        octets = octets[sent:]
    transport.write(octets)
    # What waits goes into dataBuffer, where the next call sees it.
    transport.doWrite()
    return False


def close_now(transport: Any) -> bool:
    """Close a socket that every :func:`write_now` has found ready: nothing is left to be written.

    ``transport.loseConnection`` has the reactor find that out, a turn and two changes of what it
    watches later.

    :return: whether it is closed; False for what is no socket
    """
    if not isinstance(transport, _SOCKET):
        return False
    transport.connectionLost(_CLOSED)
    return True
