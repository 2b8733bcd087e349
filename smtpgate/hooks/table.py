"""The hooks as data: one row says all that sets one hook apart from another.

=============  ==========================================================
name           in the configuration, and of the Policy's place
variables      what a script can read, and how each is made
functions      what a script can call beside the library
implicit       the decision of a script that ends without one
failed         the decision when a script fails, given the host name
checks         what is looked at when a script compiles: likely mistakes
absent         functions that the manual has here and that are not, and why
=============  ==========================================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smtpgate.hooks import phasevariables as about
from smtpgate.hooks.accepting import (
    accept_auth,
    accept_connect,
    accept_helo,
    accept_mailfrom,
    accept_rcptto,
    refusing,
    reply_auth,
)
from smtpgate.hooks.decision import PASS, proxy_pass, proxy_reply
from smtpgate.hooks.examining import (
    Action,
    accept_eodonce,
    delete,
    deliver,
    done,
    get_metadata,
    queue,
    set_mail_transport,
    set_metadata,
    set_recipient,
    set_sender,
)
from smtpgate.hooks.headers import HEADER_FUNCTIONS
from smtpgate.hooks.outofstep import positive_replies
from smtpgate.hooks.telling import get_extensions, get_tls
from smtpgate.hooks.variables import (
    COMMAND,
    CONNECTION,
    CONNECTION_AT_AUTH,
    CONNECTION_AT_HELO,
    CONTEXT,
    PEER,
    TRANSACTION,
    Maker,
    Variable,
)
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.checks.endings import undecided
from smtpgate.hsl.checks.options import wrong_options
from smtpgate.hsl.runtime.environment import Check, Context
from smtpgate.smtp import reply
from smtpgate.smtp.server import policy


def hooks_with(name: str) -> list[str]:
    """The hooks that have a function, or a variable with its ``$``."""
    return [
        hook.name
        for hook in HOOKS.values()
        if name in hook.context.functions or (name[:1] == "$" and name[1:] in hook.variables)
    ]


def belongs(name: str) -> str:
    """The same in words, for errors; "" if none has it."""
    hooks = hooks_with(name)
    if len(hooks) == len(HOOKS):
        return "it belongs to the hooks"
    if len(hooks) < 2:
        return f"it belongs to the {hooks[0]} hook" if hooks else ""
    return f"it belongs to the {', '.join(hooks[:-1])} and {hooks[-1]} hooks"


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
    checks: tuple[Check, ...] = ()
    absent: Mapping[str, str] = field(default_factory=dict)
    context: Context = field(init=False, repr=False, compare=False)
    makers: Mapping[str, Maker] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        makers = {name: variable.make for name, variable in self.variables.items()}
        functions = {
            name: function
            for function in self.functions
            for name in (function.name, *function.aliases)
        }
        context = Context(
            self.name,
            frozenset(self.variables),
            self.writable,
            functions,
            (wrong_options, *self.checks),
            self.absent,
            belongs,
            {name: variable.kind for name, variable in self.variables.items()},
        )
        object.__setattr__(self, "makers", makers)
        object.__setattr__(self, "context", context)


_NO_QUEUE = {"GetMailQueueMetric": "mail is handed on at once, nothing waits"}
_PARTS = "only the header of a message can be read and changed"
_SCANNER = "there is no scanner"
_NO_MESSAGE_PARTS = {
    **dict.fromkeys(("GetMailMessage", "GetDSN", "GetDSNHeader"), _PARTS),
    **dict.fromkeys(("ScanDMARC", "ScanDLP", "ScanRPD", "ScanSA", "ScanKAV", "ScanCLAM"), _SCANNER),
}


def _close_with_421(hostname: str) -> policy.Answer:
    return policy.Answer(reply.local_trouble(hostname))


PROXY = Hook(
    name="proxy",
    variables={**CONNECTION, **TRANSACTION, **COMMAND},
    functions=(proxy_pass, proxy_reply),
    implicit=PASS,
    failed=_close_with_421,
    checks=(positive_replies(),),
)


def _defer(_hostname: str) -> Any:
    return _LATER


_LATER = reply.Reply.of(450, "Temporary local problem, try again later", (4, 3, 0))
# RFC 2034 4: no enhanced code in the answer to EHLO.
_LATER_AT_HELO = reply.Reply.of(450, "Temporary local problem, try again later")

CONNECT = Hook(
    name="connect",
    variables={**PEER, **TRANSACTION, **about.CONNECT},
    functions=(
        accept_connect,
        refusing("Reject", 521, "Turn the client away for good.", closes=True, bare=True),
        refusing("Defer", 421, "Turn the client away for now.", closes=True, bare=True),
    ),
    implicit=None,
    failed=reply.local_trouble,
)

HELO = Hook(
    name="helo",
    variables={**CONNECTION_AT_HELO, **TRANSACTION, **about.HELO},
    functions=(
        accept_helo,
        refusing("Reject", 554, "Refuse the name for good.", bare=True),
        refusing("Defer", 450, "Refuse the name for now.", bare=True),
        get_extensions,
        get_tls,
    ),
    implicit=None,
    failed=lambda _: _LATER_AT_HELO,
)

AUTH = Hook(
    name="auth",
    variables={**CONNECTION_AT_AUTH, **TRANSACTION, **about.AUTH},
    functions=(
        accept_auth,
        refusing("Reject", 535, "Refuse the login for good.", reply.AUTH_FAILED.enhanced),
        refusing("Defer", 454, "Refuse the login for now.", reply.AUTH_TEMPORARY.enhanced),
        reply_auth,
        get_tls,
    ),
    implicit=reply.AUTH_FAILED,
    failed=lambda _: reply.AUTH_TEMPORARY,
    absent=_NO_QUEUE,
)

MAILFROM = Hook(
    name="mailfrom",
    variables={**CONNECTION, **TRANSACTION, **about.MAILFROM},
    functions=(
        accept_mailfrom,
        refusing("Reject", 554, "Refuse the sender for good."),
        refusing("Defer", 450, "Refuse the sender for now."),
        get_tls,
    ),
    implicit=None,
    failed=_defer,
    absent=_NO_QUEUE,
)

RCPTTO = Hook(
    name="rcptto",
    variables={**CONNECTION, **TRANSACTION, **about.RCPTTO},
    functions=(
        accept_rcptto,
        refusing("Reject", 554, "Refuse the recipient for good."),
        refusing("Defer", 450, "Refuse the recipient for now."),
        get_tls,
    ),
    implicit=None,
    failed=_defer,
    absent=_NO_QUEUE,
)

_REJECT = refusing("Reject", 550, "Refuse the message for good.")
_DEFER = refusing("Defer", 421, "Refuse the message for now.")

EODONCE = Hook(
    name="eodonce",
    variables={**CONNECTION, **TRANSACTION, **about.EODONCE},
    functions=(accept_eodonce, _REJECT, _DEFER, queue, *HEADER_FUNCTIONS, get_tls),
    implicit=reply.UNDECIDED,
    failed=reply.local_trouble,
    checks=(undecided("the script can end without a decision, which defers the message"),),
    absent={**_NO_QUEUE, **_NO_MESSAGE_PARTS, "History": "the log has what became of each message"},
)

EODRCPT = Hook(
    name="eodrcpt",
    variables={**CONNECTION, **TRANSACTION, **about.EODRCPT},
    functions=(
        deliver,
        _REJECT,
        _DEFER,
        delete,
        done,
        set_sender,
        set_recipient,
        set_mail_transport,
        set_metadata,
        get_metadata,
        *HEADER_FUNCTIONS,
        get_tls,
    ),
    implicit=Action.DELIVER,
    failed=reply.local_trouble,
    absent={
        **_NO_QUEUE,
        **_NO_MESSAGE_PARTS,
        "Quarantine": "mail is handed on at once, Deliver() it to a transport that keeps it",
        "SetDelayedDeliver": "mail is handed on at once, nothing waits",
        **dict.fromkeys(("SetSenderIP", "SetSenderHELO"), "a message has one client"),
    },
)

DISCONNECT = Hook(
    name="disconnect",
    variables={**CONNECTION, **TRANSACTION, **about.DISCONNECT},
    functions=(get_tls,),
    implicit=None,
    failed=lambda _: None,
)

#: Every hook, by name, in the order of a session.
HOOKS: Mapping[str, Hook] = {
    hook.name: hook
    for hook in (PROXY, CONNECT, HELO, AUTH, MAILFROM, RCPTTO, EODONCE, EODRCPT, DISCONNECT)
}
