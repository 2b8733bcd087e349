"""Policies and limits for tests of sessions."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from smtpgate.smtp.server.policy import Pass, Policy
from smtpgate.smtp.session import Connection, Limits


class Asked(Policy):
    """Wants every line that is a command, and answers when the test does."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.answers: list[Deferred[Any]] = []
        self.cancelled = 0
        self.gone = 0

    def wants_command(self, connection: Connection, line: bytes) -> bool:
        return True

    def command(self, connection: Connection, line: bytes) -> Any:
        self.lines.append(line)
        answer: Deferred[Any] = Deferred(self._cancel)
        self.answers.append(answer)
        return answer

    def _cancel(self, answer: Deferred[Any]) -> None:
        self.cancelled += 1

    def closed(self, connection: Connection) -> None:
        self.gone += 1


class Fixed(Policy):
    """Wants some lines and answers them at once."""

    def __init__(self, **decisions: Any) -> None:
        self.decisions = decisions
        self.lines: list[bytes] = []

    def wants_command(self, connection: Connection, line: bytes) -> bool:
        return line.split(b" ")[0].decode("latin-1") in self.decisions

    def command(self, connection: Connection, line: bytes) -> Any:
        self.lines.append(line)
        decision = self.decisions.get(line.split(b" ")[0].decode("latin-1"), Pass())
        if isinstance(decision, Exception):
            raise decision
        return decision


def limits(**values: Any) -> dict[str, Any]:
    return {"limits": Limits(**values)}
