"""What one execution may use, and the limits that are in force right now.

``bounds`` says how large a value may grow, ``resident`` how large the process is; ``turns`` gives
way to others in the middle of long work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one execution.

    ``steps`` are loop turns and calls of script functions, ``seconds`` wall
    time with all waiting, ``string`` octets, ``array`` items, ``depth`` nested
    calls, ``matching`` the match limit of one regular expression match,
    ``matching_seconds`` its time (others have their turns meanwhile), ``memory``
    octets that the process may grow by while the script has it for itself: what
    all its values take together, roughly.
    """

    steps: int = 1_000_000
    seconds: float = 30.0
    string: int = 16 * 1024 * 1024
    array: int = 1_000_000
    depth: int = 200
    matching: int = 1_000_000
    matching_seconds: float = 1.0
    memory: int = 256 * 1024 * 1024


class Running(Protocol):
    """The running script, as operators know it."""

    def hurry(self) -> None:
        """Look at the clock at the next step: this one was no small one."""

    def pause(self) -> None:
        """Look at the clock now, and let others have their turn if it is time."""


class Active:
    """Where operators and library functions find the running script and its limits.

    Every execution puts itself and its limits here when it starts or goes on; Python
    code runs in one thread and scripts are never interrupted elsewhere.
    """

    __slots__ = ("limits", "running")

    def __init__(self) -> None:
        self.limits = Limits()
        self.running: Running | None = None


ACTIVE = Active()
