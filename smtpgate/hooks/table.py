"""The hooks as data: one row says all that sets one hook apart from another.

=============  ==========================================================
name           in the configuration, and of the Policy's place
variables      what a script can read, and how each is made
functions      what a script can call beside the library
implicit       the decision of a script that ends without one
failed         the decision when a script fails, given the host name
=============  ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smtpgate.hooks.decision import PASS, proxy_pass, proxy_reply
from smtpgate.hooks.variables import COMMAND, CONNECTION, CONTEXT, TRANSACTION, Maker, Variable
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.environment import Context
from smtpgate.smtp import policy, reply


@dataclass(frozen=True, slots=True)
class Hook:
    """One place in a session where a script is asked.

    ``context`` is what its scripts are compiled against, ``makers`` what
    their variables come from.
    """

    name: str
    variables: Mapping[str, Variable]
    functions: tuple[Builtin, ...]
    implicit: Any
    failed: Callable[[str], Any]
    writable: frozenset[str] = frozenset({CONTEXT})
    context: Context = field(init=False, repr=False, compare=False)
    makers: Mapping[str, Maker] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        makers = {name: variable.make for name, variable in self.variables.items()}
        functions = {
            name: function
            for function in self.functions
            for name in (function.name, *function.aliases)
        }
        context = Context(self.name, frozenset(self.variables), self.writable, functions)
        object.__setattr__(self, "makers", makers)
        object.__setattr__(self, "context", context)


def _close_with_421(hostname: str) -> policy.Answer:
    return policy.Answer(reply.local_trouble(hostname))


PROXY = Hook(
    name="proxy",
    variables={**CONNECTION, **TRANSACTION, **COMMAND},
    functions=(proxy_pass, proxy_reply),
    implicit=PASS,
    failed=_close_with_421,
)

#: Every hook, by name.
HOOKS: Mapping[str, Hook] = {hook.name: hook for hook in (PROXY,)}
