"""A worker's side of connection limits: the slots that it holds, and asking for more."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smtpgate.smtp.server.admission import Admission, Admitted
from smtpgate.smtp.session import Limits
from smtpgate.workers import commands


class LeasedAdmission(Admission):
    """Counts one server's sessions here, within what the supervisor has granted.

    Answers are at once where they can be.  Without the supervisor nobody is admitted any more.

    :param ask: says something to the supervisor, as AMP's ``callRemote``
    """

    def __init__(self, server_id: str, ask: Callable[..., Any]) -> None:
        super().__init__()
        self._server = server_id
        self._ask = ask
        self._held = 0
        self._spare = 0
        self._limit = 0
        self._asking = False
        self._waiting: deque[Deferred[bool]] = deque()
        self._counted_there = False

    def enter(self, limits: Limits) -> Admitted:
        if not limits.connections:
            self.sessions += 1
            return True
        if self.sessions < self._held and not self._waiting:
            self.sessions += 1
            return True
        self._limit = limits.connections
        waiter: Deferred[bool] = Deferred(self._given_up)
        self._waiting.append(waiter)
        self._take()
        return waiter

    def _take(self) -> None:
        if not self._asking:
            self._asking = True
            asked = self._ask(commands.TakeSlots, server=self._server, limit=self._limit)
            asked.addCallbacks(self._granted, self._refused)

    def _granted(self, response: dict[str, int]) -> None:
        self._asking = False
        self._held += response["count"]
        self._spare = response["spare"]
        self._admit()
        if self._waiting:
            if response["count"]:
                self._take()
            else:
                self._turn_away()
        else:
            self._trim()

    def _refused(self, _: Failure) -> None:
        self._asking = False
        self._turn_away()

    def _turn_away(self) -> None:
        waiting, self._waiting = self._waiting, deque()
        for waiter in waiting:
            if not waiter.called:
                waiter.callback(False)

    def _given_up(self, waiter: Deferred[bool]) -> None:
        if waiter in self._waiting:
            self._waiting.remove(waiter)

    def _admit(self) -> None:
        while self._waiting and self.sessions < self._held:
            self.sessions += 1
            self._waiting.popleft().callback(True)

    def leave(self) -> None:
        self.sessions -= 1
        if self._waiting:
            self._admit()
        else:
            self._trim()

    def keep_none(self) -> None:
        """Give back what is idle, and from now on at once."""
        self._spare = 0
        self._trim()

    def _trim(self) -> None:
        """Give back what is idle, when it is more than twice what may be."""
        idle = self._held - self.sessions
        if idle > 2 * self._spare:
            self._held -= idle - self._spare
            self._ask(commands.GiveSlots, server=self._server, count=idle - self._spare)

    def identify(self, address: str, limits: Limits) -> Admitted:
        per_address, per_network = limits.connections_per_address, limits.connections_per_network
        if not per_address and not per_network:
            return True
        self._counted_there = True
        answer: Deferred[bool] = Deferred()

        def came(response: dict[str, bool]) -> None:
            if not answer.called:
                answer.callback(response["admitted"])
            elif response["admitted"]:
                self.forget(address)  # the client has left meanwhile

        def failed(_: Failure) -> None:
            if not answer.called:
                answer.callback(False)

        asked = self._ask(
            commands.CountAddress,
            server=self._server,
            address=address,
            per_address=per_address,
            per_network=per_network,
        )
        asked.addCallbacks(came, failed)
        return answer

    def forget(self, address: str) -> None:
        if self._counted_there:
            self._ask(commands.ForgetAddress, server=self._server, address=address)
