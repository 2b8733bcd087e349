"""What one execution may use, and the limits that are in force right now."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one execution.

    ``steps`` are loop turns and calls of script functions, ``seconds`` wall
    time with all waiting, ``string`` octets, ``array`` items, ``depth`` nested
    calls, ``matching`` the match limit of one regular expression match,
    ``memory`` octets that the process may grow by while the script has it for
    itself: what all its values take together, roughly.
    """

    steps: int = 1_000_000
    seconds: float = 30.0
    string: int = 16 * 1024 * 1024
    array: int = 1_000_000
    depth: int = 200
    matching: int = 1_000_000
    matching_seconds: float = 0.25
    memory: int = 256 * 1024 * 1024


class Active:
    """Where operators and library functions find the running script's limits.

    Every execution puts its own limits here when it starts or goes on; Python
    code runs in one thread and scripts are never interrupted elsewhere.
    """

    __slots__ = ("limits",)

    def __init__(self) -> None:
        self.limits = Limits()


ACTIVE = Active()
