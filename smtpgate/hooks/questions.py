"""What the phase hooks are asked about: the subject of one evaluation each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.server.policy import Offered


@dataclass(frozen=True, slots=True)
class Hello:
    """HELO or EHLO; ``offered`` gives what EHLO would announce."""

    verb: str
    name: str
    offered: Offered


@dataclass(frozen=True, slots=True)
class Sender:
    """MAIL; ``mailbox`` is None for ``<>``."""

    mailbox: Mailbox | None
    params: Mapping[str, str]
