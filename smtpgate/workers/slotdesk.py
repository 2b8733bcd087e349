"""The supervisor's side of connection limits: who may have how many.

A worker holds slots, room for that many connections of a server, and asks for more when it has
none left.  While there is plenty it gets many at a time, and may keep some idle; the fewer there
are the fewer it gets, and in the end one, which it gives back as soon as it is free.  When none is
left the idle ones are called back before anybody is turned away.  So the limit holds exactly, and
far from it a connection costs no question.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, DeferredList

from smtpgate.smtp.server.admission import Admission
from smtpgate.smtp.session import Limits
from smtpgate.workers import commands
from smtpgate.workers.end import End

#: The most slots that a worker gets at a time.
_BATCH = 64
#: Into how many parts a worker's share of what is free is cut.
_PARTS = 8


class _Pool:
    """The slots of one server."""

    def __init__(self) -> None:
        self.held: Counter[SlotDesk] = Counter()
        self.idle: set[SlotDesk] = set()
        self.waiting: list[Callable[[], None]] = []
        self.addresses = Admission()


class Slots:
    """The slots and the counted addresses of all servers.

    :param workers: how many processes share them now
    """

    def __init__(self, workers: Callable[[], int]) -> None:
        self._workers = workers
        self._pools: dict[str, _Pool] = {}

    def pool(self, server: str) -> _Pool:
        """What there is of a server."""
        return self._pools.setdefault(server, _Pool())

    def take(self, desk: SlotDesk, server: str, limit: int) -> Any:
        """Slots for a worker, as its answer; a Deferred when others have to give some back."""
        pool = self.pool(server)
        if limit > pool.held.total() or not (pool.idle or pool.waiting):
            return self._grant(pool, desk, limit)
        answer: Deferred[Any] = Deferred()
        pool.waiting.append(lambda: answer.callback(self._grant(pool, desk, limit)))
        if len(pool.waiting) == 1:
            holders, pool.idle = pool.idle, set()
            asked = [holder.tell(commands.KeepNoSlots, server=server) for holder in holders]
            # Who does not answer is gone, and so are its slots.
            DeferredList(asked, consumeErrors=True).addCallback(self._recalled, pool)
        return answer

    def _recalled(self, _: object, pool: _Pool) -> None:
        waiting, pool.waiting = pool.waiting, []
        for grant in waiting:
            grant()

    def _grant(self, pool: _Pool, desk: SlotDesk, limit: int) -> dict[str, Any]:
        free = limit - pool.held.total()
        if free <= 0:
            return {"count": 0, "spare": 0}
        share = min(_BATCH, free // (_PARTS * max(1, self._workers())))
        if share < 2:
            count, spare = 1, 0
            pool.idle.discard(desk)
        else:
            count = spare = share
            pool.idle.add(desk)
        pool.held[desk] += count
        return {"count": count, "spare": spare}

    def give(self, desk: SlotDesk, server: str, count: int) -> None:
        """A worker does not need so many."""
        self.pool(server).held[desk] -= count

    def forget(self, desk: SlotDesk) -> None:
        """A worker is gone."""
        for pool in self._pools.values():
            del pool.held[desk]
            pool.idle.discard(desk)


class SlotDesk(End):
    """Serves slots, and counts addresses, for one worker."""

    slots: Slots

    def __init__(self) -> None:
        super().__init__()
        self._addresses: Counter[tuple[str, str]] = Counter()

    def abandon(self) -> None:
        """The worker is gone, and its sessions are."""
        self.slots.forget(self)
        for server, address in self._addresses.elements():
            self.slots.pool(server).addresses.forget(address)
        self._addresses.clear()

    @commands.TakeSlots.responder
    def take_slots(self, server: str, limit: int) -> Any:
        return self.slots.take(self, server, limit)

    @commands.GiveSlots.responder
    def give_slots(self, server: str, count: int) -> dict[str, Any]:
        self.slots.give(self, server, count)
        return {}

    @commands.CountAddress.responder
    def count_address(
        self, server: str, address: str, per_address: int, per_network: int
    ) -> dict[str, Any]:
        limits = Limits(connections_per_address=per_address, connections_per_network=per_network)
        admitted = self.slots.pool(server).addresses.identify(address, limits)
        if admitted:
            self._addresses[server, address] += 1
        return {"admitted": admitted}

    @commands.ForgetAddress.responder
    def forget_address(self, server: str, address: str) -> dict[str, Any]:
        self._addresses[server, address] -= 1
        if not self._addresses[server, address]:
            del self._addresses[server, address]
        self.slots.pool(server).addresses.forget(address)
        return {}
