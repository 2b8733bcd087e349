"""What is made while the gateway starts stays until it ends: the collector need not look at it.

A start makes some hundred thousand objects (modules, classes, compiled scripts), and Python's
cyclic garbage collector would walk through them again and again, finding nothing: a tenth of
the start, and later a pause in each full collection.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def nothing_is_garbage() -> Iterator[None]:
    """Do not collect inside, and never look again at what has been made until the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
