"""How long to wait before a worker that has ended is replaced."""

from __future__ import annotations

#: Seconds that a worker has to live so that its end is taken for an accident.
STEADY = 10.0
#: The longest wait in seconds.
LONGEST = 60.0


class Backoff:
    """The first end is answered at once; one that soon follows after 1 second, then 2, 4..."""

    def __init__(self) -> None:
        self._quick: dict[int, int] = {}

    def delay(self, number: int, lived: float) -> float:
        """Seconds to wait for the replacement of a worker.

        :param number: its place
        :param lived: seconds that it has lived
        """
        quick = 0 if lived >= STEADY else self._quick.get(number, -1) + 1
        self._quick[number] = quick
        return 0.0 if quick == 0 else min(LONGEST, 2.0 ** (quick - 1))
