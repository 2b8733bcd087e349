"""Processes and what they use, from the kernel (proc(5))."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import ROOT

PAGE = os.sysconf("SC_PAGE_SIZE")
#: Seconds until a process has nothing to do any more: the kernel books its time when it sleeps.
SETTLING = 0.01


def resident(process: int | None = None) -> int:
    """Octets of memory that are really there; of this process, or of another one."""
    fields = Path(f"/proc/{process or 'self'}/statm").read_text(encoding="ascii").split()
    return int(fields[1]) * PAGE


def family(process: int) -> Iterator[int]:
    """A process and all that it has started."""
    yield process
    for task in Path(f"/proc/{process}/task").iterdir():
        for child in (task / "children").read_text(encoding="ascii").split():
            yield from family(int(child))


def seconds(process: int) -> float:
    """Processor time of a process, its threads and its children, to the microsecond.

    ``/proc/PID/stat`` counts in hundredths of a second.  Each process has a clock too, whose number
    the C library makes so (clock_getcpuclockid(3)).
    """
    return sum(time.clock_gettime((~each << 3) | 2) for each in family(process))


def open_files(wanted: int) -> int:
    """Raise the limit of open files as far as it goes, here and for children started later.

    :returns: what one process can have now, 100 kept back for everything else
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < wanted + 100 and os.geteuid() == 0:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted + 100, wanted + 100))
        except (ValueError, OSError):
            pass
        else:
            return wanted
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most - 100


def start(
    words: Sequence[str], directory: Path | None = None, **options: Any
) -> subprocess.Popen[bytes]:
    """A Python process that knows the package wherever it runs."""
    process: subprocess.Popen[bytes] = subprocess.Popen(
        [sys.executable, *words], cwd=directory or ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, **options,
    )  # fmt: skip
    return process
