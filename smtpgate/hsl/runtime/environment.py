"""What surrounds scripts: what a place offers them, and what they all share."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, final

from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.errors import Position
from smtpgate.hsl.limits import Limits
from smtpgate.hsl.runtime.store import MemoryStore, Store
from smtpgate.hsl.runtime.waiting import TurnQueue
from smtpgate.hsl.sources import ScriptRoot

if TYPE_CHECKING:
    from smtpgate.hsl.library.background import Background
    from smtpgate.hsl.library.resolving import Lookups
    from smtpgate.hsl.library.web import Web
    from smtpgate.hsl.runtime.execution import Execution
    from smtpgate.hsl.scopes import Resolution


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a script that compiled; ``wrong`` when it should not have."""

    position: Position
    message: str
    wrong: bool = False


#: Looks at a script that compiled; it is given what the resolver knows, and the functions of the
#: script's place by name.
Check: TypeAlias = "Callable[[Resolution, Mapping[str, Builtin]], Iterable[Remark]]"


def _nowhere(_name: str) -> str:
    """No other place is known."""
    return ""


@dataclass(frozen=True, slots=True)
class Context:
    """A place that runs scripts: the predefined variables and functions it adds.

    ``readonly`` and ``writable`` are names of predefined variables; a script
    that assigns to a read-only one does not compile.  ``checks`` look at a script
    that has compiled.  ``absent`` has functions that the manual has in this place and
    that are not here, with the reason.  ``elsewhere`` says which other places have a function,
    or a variable with its ``$``, in words that follow on a colon; "" if none has.  ``kinds`` has
    the types of read-only variables, as the manual names them: the compiler relies on them.
    """

    name: str
    readonly: frozenset[str] = frozenset()
    writable: frozenset[str] = frozenset()
    functions: Mapping[str, Builtin] = field(default_factory=dict)
    checks: tuple[Check, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    elsewhere: Callable[[str], str] = _nowhere
    kinds: Mapping[str, str] = field(default_factory=dict)


#: The language alone: no predefined variables, the standard library only.
CORE = Context("core")


def _no_echo(_text: str, _execution: Execution) -> None:
    """``echo`` goes nowhere unless the environment says where."""


def _no_syslog(_priority: int, _message: str, _execution: Execution | None) -> None:
    """``syslog()`` goes nowhere unless the environment says where."""


@dataclass(slots=True)
class Environment:
    """What a gateway gives every execution; shared by many of them.

    ``clock`` is Twisted's IReactorTime.  A capability that is ``None`` makes
    the functions that need it fail with an error in the script.
    """

    clock: Any
    limits: Limits = field(default_factory=Limits)
    echo: Callable[[str, Execution], None] = _no_echo
    #: Takes a priority, a message, and who writes it: nobody when a script has ended before.
    syslog: Callable[[int, str, Execution | None], None] = _no_syslog
    store: Store = field(default_factory=MemoryStore)
    files: ScriptRoot | None = None
    hostname: str = field(default_factory=socket.gethostname)
    #: Asks name servers; where the clock is a reactor, one is made at first use.
    resolver: Lookups | None = None
    #: Asks web servers; made likewise.
    web: Web | None = None
    #: Requests that need no script any more; made at first use.
    background: Background | None = None
    mailer: Any = None
    #: What tells this installation from others.
    serial: str | None = None
    #: Takes a graph's name and its numbers by legend.
    statistics: Callable[[str, Any], None] | None = None
    turns: TurnQueue = field(init=False)

    def __post_init__(self) -> None:
        self.turns = TurnQueue(self.clock)


@final
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a script ended: ``value`` is what its terminating function made of its
    arguments, ``None`` at the implicit end."""

    value: Any = None


#: Of a script that has not called a terminating function.
IMPLICIT_END = Outcome()
