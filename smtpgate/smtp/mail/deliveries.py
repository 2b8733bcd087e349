"""The deliveries of one transaction: which transports have a part in it, and their common answer.

Rules that this file keeps:

* The first recipient for a transport begins its delivery. If that refuses the sender, every
  recipient for that transport gets the same refusal. MAIL begins the delivery of a transport that
  wants to answer it; when all recipients go elsewhere, it is aborted before the message.
* A message is asked for (354) only when every delivery that has a recipient wants it.
* If a delivery breaks that has a recipient, there is no message: all are aborted, and nobody keeps
  what the client is told to send again.
* The answer to a message is the worst of all answers. A delivery that has answered is over.
* Failing is answered with 451, and the client never sees why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TypeVar

from twisted.internet.defer import Deferred, gatherResults, succeed
from twisted.python.failure import Failure

from smtpgate.smtp.answers import cancelled, caught, later, when
from smtpgate.smtp.reply import DELIVERY_TROUBLE, START_MAIL, UNKNOWN_TRANSPORT, Reply, worst
from smtpgate.smtp.server.delivery import Answer, Delivery, Transport
from smtpgate.smtp.server.observer import SessionObserver
from smtpgate.smtp.session import Connection, Recipient

R = TypeVar("R")
Then = Callable[[Reply], Reply]


class _Leg:
    """One transport's part in the transaction."""

    __slots__ = ("delivery", "name", "recipients", "refusal")

    def __init__(self, name: str, delivery: Delivery) -> None:
        self.name = name
        self.delivery = delivery
        self.recipients = 0
        self.refusal: Reply | None = None


class Deliveries:
    """See the rules above.  After :meth:`finish` or :meth:`abort` it is spent.

    What is called ``then`` gets the answer, and says what the client is told.
    """

    __slots__ = ("_broken", "_connection", "_legs", "_observer", "_transports")

    def __init__(
        self,
        connection: Connection,
        transports: Mapping[str, Transport],
        observer: SessionObserver,
    ) -> None:
        self._connection = connection
        self._transports = transports
        self._observer = observer
        self._legs: dict[str, _Leg] = {}
        self._broken = False

    def mail(self, name: str, then: Then) -> Answer | None:
        """Offer the sender to a transport that answers MAIL; None when it does not."""
        transport = self._transports.get(name)
        if transport is None or not transport.answers_mail:
            return None
        leg = self._begin(name, transport)
        if isinstance(leg, Reply):
            return then(leg)
        return self._mail(leg, partial(self._offered, then))

    def rcpt(self, recipient: Recipient, then: Then) -> Answer:
        """Offer a recipient to its transport."""
        leg = self._legs.get(recipient.transport)
        if leg is not None:
            if leg.refusal is not None:
                return then(leg.refusal)
            return self._recipient(recipient, then, leg)
        transport = self._transports.get(recipient.transport)
        if transport is None:
            problem = LookupError(f"there is no transport {recipient.transport!r}")
            self._observer.trouble(self._connection, "rcpt", Failure(problem))  # type: ignore[no-untyped-call]
            return then(UNKNOWN_TRANSPORT)
        begun = self._begin(recipient.transport, transport)
        if isinstance(begun, Reply):
            return then(begun)
        return self._mail(begun, partial(self._sender_answered, recipient, then))

    def data(self) -> Answer:
        """Ask every delivery for the message: 354, or the worst refusal; then all are aborted."""
        if self._broken:
            self.abort()
            return DELIVERY_TROUBLE
        for leg in list(self._legs.values()):
            if not leg.recipients:
                self._drop(leg)
        legs = list(self._legs.values())
        if len(legs) == 1:
            return self._ask(legs[0], self._asked, legs[0].delivery.data)
        answers = [self._ask(leg, _its_answer, leg.delivery.data) for leg in legs]
        return when(_together(answers), self._all_asked)

    @property
    def broken(self) -> bool:
        """Whether a delivery has failed that had a recipient."""
        return self._broken

    def take(self, name: str) -> Delivery | None:
        """Hand over a transport's delivery that has recipients, before the message."""
        leg = self._legs.get(name)
        if leg is None or leg.refusal is not None or not leg.recipients:
            return None
        del self._legs[name]
        return leg.delivery

    def write(self, octets: bytes) -> Deferred[object] | None:
        """Hand on a part of the message; the Deferred fires when all can take more."""
        waiting = []
        for leg in list(self._legs.values()):
            try:
                wait = leg.delivery.write(octets)
            except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
                self._break(leg.name, caught())
                return None
            if wait is not None:
                wait.addErrback(partial(self._write_failed, leg.name))
                waiting.append(wait)
        if not waiting:
            return None
        if len(waiting) == 1:
            return waiting[0]
        together: Deferred[object] = gatherResults(waiting, consumeErrors=True)  # type: ignore[assignment]
        return together

    def finish(self, then: Then) -> Answer:
        """The message is complete: the one answer for it."""
        if self._broken:
            return then(DELIVERY_TROUBLE)
        legs = list(self._legs.values())
        if len(legs) == 1:
            return self._ask(legs[0], partial(self._only_one_over, then), legs[0].delivery.finish)
        answers = [self._ask(leg, self._over, leg.delivery.finish) for leg in legs]
        return when(_together(answers), self._all_over, then, [leg.name for leg in legs])

    def abort(self) -> None:
        """Give everything up."""
        legs, self._legs = self._legs, {}
        for leg in legs.values():
            self._abort(leg)

    def _begin(self, name: str, transport: Transport) -> _Leg | Reply:
        try:
            delivery = transport.begin(self._connection, self._connection.transaction)
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            return self._failed(name, caught())
        leg = self._legs[name] = _Leg(name, delivery)
        return leg

    def _mail(self, leg: _Leg, then: Callable[[_Leg, Reply], Answer]) -> Answer:
        return self._ask(leg, then, leg.delivery.mail, self._connection.transaction)

    def _offered(self, then: Then, leg: _Leg, reply: Reply) -> Reply:
        if not reply.positive:
            self.abort()
        return then(reply)

    def _sender_answered(self, recipient: Recipient, then: Then, leg: _Leg, reply: Reply) -> Answer:
        if reply.positive:
            return self._recipient(recipient, then, leg)
        leg.refusal = reply
        self._abort(leg)
        return then(reply)

    def _recipient(self, recipient: Recipient, then: Then, leg: _Leg) -> Answer:
        answered = partial(self._recipient_answered, then)
        return self._ask(leg, answered, leg.delivery.rcpt, recipient)

    def _recipient_answered(self, then: Then, leg: _Leg, reply: Reply) -> Reply:
        if reply.positive:
            leg.recipients += 1
        return then(reply)

    def _asked(self, _: _Leg, reply: Reply) -> Reply:
        return self._all_asked([reply])

    def _all_asked(self, replies: list[Reply]) -> Reply:
        refusals = [reply for reply in replies if not reply.positive]
        if not refusals:
            return replies[0] if len(replies) == 1 and replies[0].code == 354 else START_MAIL
        self.abort()
        return worst(refusals)

    def _over(self, leg: _Leg, reply: Reply) -> Reply:
        self._legs.pop(leg.name, None)
        # Only 2xx can mean that a message is safe.
        return DELIVERY_TROUBLE if reply.code // 100 == 3 else reply

    def _only_one_over(self, then: Then, leg: _Leg, reply: Reply) -> Reply:
        return then(self._over(leg, reply))

    def _all_over(self, then: Then, names: list[str], replies: list[Reply]) -> Reply:
        if len({reply.positive for reply in replies}) > 1:
            answers = dict(zip(names, replies, strict=True))
            self._observer.deliveries_disagree(
                self._connection, self._connection.transaction, answers
            )
        return then(worst(replies))

    def _ask(
        self,
        leg: _Leg,
        then: Callable[[_Leg, Reply], R | Deferred[R]],
        question: Callable[..., Answer],
        *about: object,
    ) -> R | Deferred[R]:
        """Ask a delivery; go on with its answer, which is a refusal when it fails."""
        try:
            answer = question(*about)
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            answer = self._question_failed(leg, caught())
        if later(answer):
            return answer.addCallbacks(
                partial(then, leg), lambda failure: then(leg, self._question_failed(leg, failure))
            )
        return then(leg, answer)

    def _question_failed(self, leg: _Leg, failure: Failure) -> Reply:
        if cancelled(failure):
            failure.raiseException()
        leg.refusal = DELIVERY_TROUBLE
        self._broken = self._broken or leg.recipients > 0
        self._abort(leg)
        return self._failed(leg.name, failure)

    def _failed(self, name: str, failure: Failure) -> Reply:
        self._observer.trouble(self._connection, f"transport {name}", failure)
        return DELIVERY_TROUBLE

    def _write_failed(self, name: str, failure: Failure) -> None:
        if not cancelled(failure):
            self._break(name, failure)

    def _break(self, name: str, failure: Failure) -> None:
        self._broken = True
        self._failed(name, failure)
        self.abort()

    def _drop(self, leg: _Leg) -> None:
        del self._legs[leg.name]
        self._abort(leg)

    def _abort(self, leg: _Leg) -> None:
        try:
            leg.delivery.abort()
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            self._observer.trouble(self._connection, f"transport {leg.name}", caught())


def _its_answer(_: _Leg, reply: Reply) -> Reply:
    return reply


def _together(answers: list[Answer]) -> list[Reply] | Deferred[list[Reply]]:
    """All answers, as one answer."""
    ready = [answer for answer in answers if not later(answer)]
    if len(ready) == len(answers):
        return ready
    return gatherResults(
        [answer if isinstance(answer, Deferred) else succeed(answer) for answer in answers],
        consumeErrors=True,
    )
