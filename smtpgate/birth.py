"""What is made while the gateway starts stays until it ends: the collector need not look at it.

A start makes some hundred thousand objects (modules, classes, compiled scripts), and Python's
cyclic garbage collector would walk through them again and again, finding nothing: a tenth of
the start, and later a pause in each full collection.

Full collections are rare as well: each walks through whatever there is, and while a script
fills an array with arrays there would be one for every quarter that it grows by.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

#: Collections of what is younger (each after some 7000 new objects) from one full one to the next.
FULL = 200


@contextmanager
def nothing_is_garbage() -> Iterator[None]:
    """Do not collect inside, never look again at what has been made until the end, and seldom
    at what lives long."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, FULL)
        if was_enabled:
            gc.enable()
