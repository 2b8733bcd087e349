"""Copies of one spooled message on their way: each to one transport, with its envelope and header.

Rules that this file keeps:

* No copy is written before every transport has taken its sender and its recipients and wants the
  message: one that refuses stops all, and nobody keeps what the client is told to send again.
* A delivery that was begun at RCPT is used when its envelope is still the same; the next hop has
  agreed to that one.
* The answer is the worst of all answers.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred, gatherResults
from twisted.python.failure import Failure

from smtpgate.smtp.answers import cancelled, caught
from smtpgate.smtp.mail.deliveries import Deliveries
from smtpgate.smtp.mail.spool import Spool
from smtpgate.smtp.reply import DELIVERY_TROUBLE, UNKNOWN_TRANSPORT, Reply, queued, worst
from smtpgate.smtp.server.delivery import Delivery, Transport
from smtpgate.smtp.server.observer import SessionObserver
from smtpgate.smtp.server.policy import Parcel
from smtpgate.smtp.session import Connection, Recipient, Transaction


@dataclass(slots=True, eq=False)
class _Copy:
    """What goes to one transport in one piece."""

    name: str
    transaction: Transaction
    header: bytes | None
    delivery: Delivery | None = None
    agreed: bool = False  # its envelope was taken at RCPT
    over: bool = False


class Dispatch:
    """One message, sent once.

    :param begun: what was begun at RCPT; what is not used of it is aborted
    :param trace: the header field that goes on top of each copy
    """

    def __init__(
        self,
        connection: Connection,
        transports: Mapping[str, Transport],
        observer: SessionObserver,
        begun: Deliveries,
        message: Spool,
        trace: bytes,
    ) -> None:
        self._connection = connection
        self._transports = transports
        self._observer = observer
        self._begun = begun
        self._message = message
        self._trace = trace
        self._copies: list[_Copy] = []

    def send(self, parcels: Iterable[Parcel]) -> Deferred[Reply]:
        """Deliver all; cancelling it aborts what has not been answered."""
        return Deferred.fromCoroutine(self._send(parcels))

    async def _send(self, parcels: Iterable[Parcel]) -> Reply:
        try:
            self._copies = self._sorted(parcels)
            self._begun.abort()
            offers = await _all(self._offer(copy) for copy in self._copies)
            refusals = [reply for reply in offers if not reply.positive]
            if refusals:
                return worst(refusals)
            return self._judged(await _all(self._deliver(copy) for copy in self._copies))
        finally:
            for copy in self._copies:
                self._abort(copy)

    def _judged(self, answers: list[Reply]) -> Reply:
        if not answers:
            return queued(self._connection.transaction.id)
        if len({reply.positive for reply in answers}) > 1:
            named = {copy.name: reply for copy, reply in zip(self._copies, answers, strict=True)}
            self._observer.deliveries_disagree(
                self._connection, self._connection.transaction, named
            )
        return worst(answers)

    def _sorted(self, parcels: Iterable[Parcel]) -> list[_Copy]:
        """One copy for all recipients that get the same from the same sender the same way."""
        copies: dict[Any, _Copy] = {}
        for parcel in parcels:
            key = (
                parcel.recipient.transport,
                parcel.sender,
                parcel.header,
                tuple(sorted(parcel.metadata.items())),
            )
            if key not in copies:
                copies[key] = _Copy(
                    parcel.recipient.transport, self._transaction(parcel), parcel.header
                )
            copies[key].transaction.recipients.append(parcel.recipient)
        for copy in copies.values():
            if self._is_agreed(copy):
                copy.delivery = self._begun.take(copy.name)
                copy.agreed = copy.delivery is not None
        return list(copies.values())

    def _transaction(self, parcel: Parcel) -> Transaction:
        original = self._connection.transaction
        params = dict(original.sender_params)
        if parcel.header is not None and "SIZE" in params:
            length = self._message.length(parcel.header) + len(self._trace)
            params["SIZE"] = str(length)
        return Transaction(
            parcel.sender, True, params, metadata=dict(parcel.metadata), _id=original.id
        )

    def _is_agreed(self, copy: _Copy) -> bool:
        original, own = self._connection.transaction, copy.transaction
        accepted = [each for each in original.recipients if each.transport == copy.name]
        return (
            own.sender == original.sender
            and own.sender_params == original.sender_params
            and not own.metadata
            and list(map(_envelope, own.recipients)) == list(map(_envelope, accepted))
        )

    async def _offer(self, copy: _Copy) -> Reply:
        if copy.agreed:
            assert copy.delivery is not None
            return await self._ask(copy, copy.delivery.data)
        transport = self._transports.get(copy.name)
        if transport is None:
            problem = LookupError(f"there is no transport {copy.name!r}")
            self._observer.trouble(self._connection, "end of data", Failure(problem))  # type: ignore[no-untyped-call]
            return UNKNOWN_TRANSPORT
        try:
            delivery = copy.delivery = transport.begin(self._connection, copy.transaction)
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            return self._failed(copy, caught())
        answer = await self._ask(copy, lambda: delivery.mail(copy.transaction))
        for recipient in copy.transaction.recipients:
            if not answer.positive:
                return answer
            answer = await self._ask(copy, lambda each=recipient: delivery.rcpt(each))  # type: ignore[misc]
        return await self._ask(copy, delivery.data) if answer.positive else answer

    async def _deliver(self, copy: _Copy) -> Reply:
        delivery = copy.delivery
        assert delivery is not None
        try:
            await _settled(delivery.write(self._trace))
            for block in self._message.blocks(copy.header):
                await _settled(delivery.write(block))
            reply: Reply = await _settled(delivery.finish())
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            return self._failed(copy, caught())
        copy.over = True
        # Only 2xx can mean that a message is safe.
        return DELIVERY_TROUBLE if reply.code // 100 == 3 else reply

    async def _ask(self, copy: _Copy, question: Callable[[], Reply | Deferred[Reply]]) -> Reply:
        try:
            reply: Reply = await _settled(question())
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            return self._failed(copy, caught())
        return reply

    def _failed(self, copy: _Copy, failure: Failure) -> Reply:
        if cancelled(failure):
            failure.raiseException()
        self._observer.trouble(self._connection, f"transport {copy.name}", failure)
        return DELIVERY_TROUBLE

    def _abort(self, copy: _Copy) -> None:
        if copy.over or copy.delivery is None:
            return
        copy.over = True
        try:
            copy.delivery.abort()
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            self._observer.trouble(self._connection, f"transport {copy.name}", caught())


def _envelope(recipient: Recipient) -> tuple[object, ...]:
    return recipient.mailbox, dict(recipient.params)


async def _settled(answer: Any) -> Any:
    return await answer if isinstance(answer, Deferred) else answer


async def _all(questions: Iterable[Coroutine[Any, Any, Reply]]) -> list[Reply]:
    """All answers; a cancellation reaches everybody."""
    asked = [Deferred.fromCoroutine(question) for question in questions]
    return list(await gatherResults(asked, consumeErrors=True))
