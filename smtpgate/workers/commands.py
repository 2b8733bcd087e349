"""What supervisor and worker say to each other, in AMP.

Values and names are :class:`Blob`: they may be of any size.  A value is what :mod:`codec` has
made of it; the supervisor keeps it as it is and never looks inside.

What needs no answer gets none: all commands of one worker are carried out in their order, so that
whatever it asks next already knows of them.
"""

# ruff: noqa: RUF012 (AMP declares its commands so)

from __future__ import annotations

from typing import Any

from twisted.protocols.amp import Argument, Boolean, Command, Float, Integer, String, Unicode

#: The most that AMP takes under one key.
_PIECE = 0xFFFF


class Blob(Argument):
    """Octets of any number: what does not fit under a key goes on under ``key.1``, ``key.2``..."""

    def toBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
        """Octets into a box; None, if it is optional, leaves them out."""
        octets = objects.get(name.decode())
        if octets is None:
            if self.optional:
                return
            raise KeyError(name)
        strings[name] = octets[:_PIECE]
        for number, start in enumerate(range(_PIECE, len(octets), _PIECE), 1):
            strings[b"%s.%d" % (name, number)] = octets[start : start + _PIECE]

    def fromBox(self, name: bytes, strings: Any, objects: Any, proto: Any) -> None:
        """Octets out of a box."""
        octets = strings.get(name)
        if octets is None and not self.optional:
            raise KeyError(name)
        if octets is not None and len(octets) == _PIECE:
            pieces = [octets]
            while (piece := strings.get(b"%s.%d" % (name, len(pieces)))) is not None:
                pieces.append(piece)
            octets = b"".join(pieces)
        objects[name.decode()] = octets


# Arguments do not change, and commands may share them.
_BLOB: Any = Blob()  # type: ignore[no-untyped-call]
_MAYBE: Any = Blob(optional=True)  # type: ignore[no-untyped-call]
_FLAG: Any = Boolean()  # type: ignore[no-untyped-call]
_COUNT: Any = Integer()  # type: ignore[no-untyped-call]
_SECONDS: Any = Float()  # type: ignore[no-untyped-call]
_WORD: Any = String()  # type: ignore[no-untyped-call]
_TEXT: Any = Unicode()  # type: ignore[no-untyped-call]


class Tell(Command):
    """A command without an answer."""

    requiresAnswer = False


# From the supervisor: a worker's life


class Serve(Command):
    """Take connections now."""


class Release(Command):
    """Give up one port, which has to be bound anew."""

    arguments = [(b"endpoint", _TEXT)]


class Retire(Command):
    """Take no more connections; end when the sessions are over."""


class Stop(Command):
    """The gateway stops: finish the messages under way, and end."""

    response = [(b"sessions", _COUNT)]


# From a worker: its life


class Ready(Command):
    """Everything is there to serve with."""


# From a worker: the cache.  ``number`` is what CacheReady says.

_SLOT = [(b"bucket", _BLOB), (b"key", _BLOB), (b"size", _COUNT), (b"lru", _FLAG)]


class CacheBegin(Command):
    """What is cached, or the right to work; ``force``: whatever is cached."""

    arguments = [*_SLOT, (b"number", _COUNT), (b"now", _SECONDS), (b"force", _FLAG)]
    response = [(b"state", _WORD), (b"value", _MAYBE)]


#: The states: there is a value; the caller has to work; another does, and CacheReady follows.
FOUND, CLAIMED, WORKING = b"found", b"claimed", b"working"


class CacheOld(Command):
    """The value that is replaced, if there is one."""

    arguments = _SLOT
    response = [(b"value", _MAYBE)]


class CacheEnd(Tell):
    """The work is done; without a value it came to nothing."""

    arguments = [*_SLOT, (b"value", _MAYBE), (b"now", _SECONDS), (b"ttl", _SECONDS)]


class CacheClear(Tell):
    """Forget a bucket."""

    arguments = [(b"bucket", _BLOB)]


class CacheReady(Tell):
    """To a worker: the work that a request waits for has ended."""

    arguments = [(b"number", _COUNT)]


# From a worker: barriers.  ``number`` is the ticket.


class BarrierEnter(Command):
    """Enter, or queue until BarrierGranted; who enters is told the variable."""

    arguments = [(b"name", _BLOB), (b"number", _COUNT)]
    response = [(b"entered", _FLAG), (b"value", _MAYBE)]


class BarrierGranted(Tell):
    """To a worker: the ticket is inside now."""

    arguments = [(b"number", _COUNT), (b"value", _MAYBE)]


class BarrierForget(Tell):
    """Leave the queue, or the barrier."""

    arguments = [(b"name", _BLOB), (b"number", _COUNT)]


class BarrierLeave(Tell):
    """Write the variable (or remove it, without a value) and leave."""

    arguments = [(b"name", _BLOB), (b"number", _COUNT), (b"value", _MAYBE)]


class BarrierValue(Command):
    """The variable, if there is one."""

    arguments = [(b"name", _BLOB)]
    response = [(b"value", _MAYBE)]


# From a worker: rates


class RateAdd(Command):
    """Count, if that is allowed."""

    arguments = [
        (b"namespace", _BLOB),
        (b"entry", _BLOB),
        (b"count", _COUNT),
        (b"interval", _SECONDS),
        (b"now", _SECONDS),
    ]
    response = [(b"allowed", _FLAG)]


class RateCount(Command):
    """How many there are."""

    arguments = [
        (b"namespace", _BLOB),
        (b"entry", _BLOB),
        (b"interval", _SECONDS),
        (b"now", _SECONDS),
    ]
    response = [(b"count", _COUNT)]


# Connections


class TakeSlots(Command):
    """From a worker: room for connections of a server; ``spare`` is how much it may keep idle."""

    arguments = [(b"server", _TEXT), (b"limit", _COUNT)]
    response = [(b"count", _COUNT), (b"spare", _COUNT)]


class GiveSlots(Tell):
    """From a worker: room that it does not need."""

    arguments = [(b"server", _TEXT), (b"count", _COUNT)]


class KeepNoSlots(Command):
    """To a worker: room is scarce; give back what is idle, and from now on at once."""

    arguments = [(b"server", _TEXT)]


class CountAddress(Command):
    """From a worker: count a session's address, if there is room for it; 0 is no limit."""

    arguments = [
        (b"server", _TEXT),
        (b"address", _TEXT),
        (b"per_address", _COUNT),
        (b"per_network", _COUNT),
    ]
    response = [(b"admitted", _FLAG)]


class ForgetAddress(Tell):
    """From a worker: undo CountAddress."""

    arguments = [(b"server", _TEXT), (b"address", _TEXT)]
