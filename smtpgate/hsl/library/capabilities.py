"""What a library function needs of the place that runs the script."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.execution import TURN, Execution


def capability(execution: Execution, name: str, function: str) -> Any:
    """The environment's ``name``.

    :param function: the script's function, as the message names it
    :raises Fault: if the environment has none
    """
    found = getattr(execution.environment, name, None)
    if found is None:
        raise Fault(f"{function} is not available here")
    return found


@contextmanager
def slow(execution: Execution) -> Iterator[None]:
    """Around what may take long: a loop of it must not keep other sessions waiting."""
    began = execution.environment.clock.seconds()
    yield
    if execution.environment.clock.seconds() - began > TURN / 4:
        execution.give_way()
