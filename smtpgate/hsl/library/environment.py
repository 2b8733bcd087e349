"""What library functions ask of the execution that calls them.

Each is a capability: an environment that lacks one (or has ``None`` there)
makes the functions that need it a :class:`Fault`, and nothing else.
"""

from __future__ import annotations

from typing import Any, Protocol

from smtpgate.hsl.errors import Fault


class Execution(Protocol):
    """The part of a running script that the library uses."""

    @property
    def environment(self) -> Any: ...

    def wait(self, deferred: Any) -> Any:
        """The Deferred's result, once it has one; only this script waits."""


def capability(execution: Execution, name: str, function: str) -> Any:
    """The environment's ``name``.

    :raises Fault: if it has none; ``function`` is the script's function
    """
    found = getattr(execution.environment, name, None)
    if found is None:
        raise Fault(f"{function} is not available here")
    return found


def settled(execution: Execution, result: Any) -> Any:
    """The result itself, waited for if it is a Deferred."""
    return execution.wait(result) if hasattr(result, "addCallbacks") else result
