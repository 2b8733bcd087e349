"""Handing messages of scripts to the gateway, which takes them in through ``mailer``."""

from __future__ import annotations

import re
from typing import Any

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.capabilities import capability
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import Array, arrays, to_string, type_name

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def address(function: str, parameter: str, value: str | Array) -> str:
    """A mailbox given as a string, or as an array of its local part and domain.

    :raises Fault: for any other array, and for control characters
    """
    if isinstance(value, str):
        text = value
    else:
        parts = list(arrays.values(value))
        if len(parts) != 2 or not all(isinstance(part, str) for part in parts):
            raise Fault(f'{function} parameter "{parameter}" must be [localpart, domain]')
        text = "@".join(parts)
    if _CONTROL.search(text):
        raise Fault(f'{function} parameter "{parameter}" must not have control characters')
    return text


def strings(function: str, option: str, given: Array) -> dict[str, str]:
    """The strings of an array by key; numbers and booleans become strings.

    :raises Fault: for any other value
    """
    found: dict[str, str] = {}
    for key, value in arrays.pairs(given):
        if not isinstance(value, (str, float, int)):
            raise Fault(f'{function} option "{option}" must hold strings, {type_name(value)} given')
        found[str(key)] = to_string(value)
    return found


def submit(
    execution: Execution,
    function: str,
    sender: str,
    recipient: str,
    transport: str,
    message: str,
    metadata: dict[str, str],
) -> str | None:
    """Hand a message over and wait until it is taken in: its id; None when it was not.

    The environment's ``mailer`` has one method, ``submit(sender, recipient,
    transport, message, metadata)`` with the message in octets and the rest as
    strings; it answers with an id, with None, or with a Deferred of either.

    :raises Fault: if the environment has no mailer
    """
    mailer: Any = capability(execution, "mailer", function)
    answer = mailer.submit(sender, recipient, transport, message.encode("latin-1"), metadata)
    taken = execution.settle(answer)
    return None if taken is None else to_string(taken)
