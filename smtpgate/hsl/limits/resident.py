"""How much memory the process has, as the kernel counts it."""

from __future__ import annotations

import resource
import sys

_PAGE = resource.getpagesize()
_STATM = "/proc/self/statm"


def resident() -> int:
    """Octets of the process that are in memory now; where Linux is not, at most so far."""
    try:
        with open(_STATM, "rb", buffering=0) as file:
            return int(file.read(100).split()[1]) * _PAGE
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
