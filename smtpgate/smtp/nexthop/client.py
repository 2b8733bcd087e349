"""A next hop that is ready for mail: one transaction after the other.

Rules that this file keeps:

* Parameters go to a next hop that offers their extension, and to no other. Mail that needs
  8BITMIME, SMTPUTF8 or REQUIRETLS is refused for a next hop that has not got it: nothing is
  converted, and no promise is broken.
* A message is complete only with its last dot: a client that is dropped before has sent nothing.
* An answer to the last dot that does not come leaves the outcome unknown. That is no success.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from twisted.internet.defer import Deferred

from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.nexthop.channel import DONE, GO_ON, Channel
from smtpgate.smtp.nexthop.opening import Identity, Offered, Timeouts, xforward
from smtpgate.smtp.nexthop.stuffing import DotStuffer
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.session import Transaction

R = TypeVar("R")

NEEDS_8BITMIME = Reply(
    550, ("The next hop takes no 8-bit message, and it is not converted",), (5, 6, 3)
)
NEEDS_SMTPUTF8 = Reply(550, ("The next hop takes no internationalised mail",), (5, 6, 7))
NEEDS_REQUIRETLS = Reply(550, ("The next hop does not support REQUIRETLS",), (5, 7, 30))


class Client:
    """One connection with its state.

    :param offered: what the next hop's EHLO has said
    :param authenticated: we have logged in there, so that it may believe AUTH=
    """

    def __init__(
        self,
        channel: Channel,
        offered: Offered,
        timeouts: Timeouts,
        *,
        lmtp: bool = False,
        authenticated: bool = False,
    ) -> None:
        self.channel = channel
        self.offered = offered
        self._timeouts = timeouts
        self._lmtp = lmtp
        self._authenticated = authenticated
        self._stuffer = DotStuffer()
        self._streaming = False

    @property
    def usable(self) -> bool:
        """Whether there may be another command."""
        return self.channel.problem is None and not self._streaming

    def refuses(self, params: Mapping[str, str]) -> Reply | None:
        """Why a message with these parameters of MAIL cannot go to this next hop."""
        if not params:
            return None
        if params.get("BODY") == "8BITMIME" and "8BITMIME" not in self.offered:
            return NEEDS_8BITMIME
        if "SMTPUTF8" in params and "SMTPUTF8" not in self.offered:
            return NEEDS_SMTPUTF8
        if "REQUIRETLS" in params and "REQUIRETLS" not in self.offered:
            return NEEDS_REQUIRETLS
        return None

    def mail(
        self, transaction: Transaction, identity: Identity | None = None, trusted: bool = False
    ) -> Deferred[Reply]:
        """MAIL; XFORWARD before it, when there is an identity and the next hop wants it.

        :param trusted: whether who gave us the message has authenticated
        :raises NextHopError: when there is no answer
        """
        sender = "" if transaction.sender is None else transaction.sender.text
        line = f"MAIL FROM:<{sender}>"
        if transaction.sender_params:
            line += _written(self._sender_params(transaction.sender_params, trusted))
        if identity is None or "XFORWARD" not in self.offered:
            return self._ask(line)
        supported = self.offered["XFORWARD"]
        return self._introduced(xforward(identity, transaction.id, supported), line)

    def _introduced(self, introduction: str, line: str) -> Deferred[Reply]:
        """XFORWARD, then a command; a next hop that does not take the first refuses that only."""
        if "PIPELINING" in self.offered:
            answers = self.channel.ask_all((introduction, line), self._timeouts.command, DONE)
            return _last_of(answers)
        return self._ask(introduction).addCallback(lambda _: self._ask(line))

    def rcpt(self, mailbox: Mailbox, params: Mapping[str, str]) -> Deferred[Reply]:
        """RCPT.

        :raises NextHopError: when there is no answer
        """
        line = f"RCPT TO:<{mailbox.text}>"
        if params and "DSN" in self.offered:
            line += _written(params)
        return self._ask(line)

    def data(self) -> Deferred[Reply]:
        """DATA: 354, or a refusal.

        :raises NextHopError: when there is no answer
        """
        return self._ask("DATA", GO_ON).addCallback(self._data_answered)

    def _data_answered(self, reply: Reply) -> Reply:
        if reply.positive:
            self._streaming = True
            self.channel.begin_message()
        return reply

    def write(self, octets: bytes) -> Deferred[None] | None:
        """Part of the message, unstuffed; a Deferred when the next hop is slow."""
        return self.channel.write(self._stuffer.feed(octets))

    def end(self, recipients: int) -> Deferred[list[Reply]]:
        """The end of the message: one answer, or by LMTP one for each accepted recipient.

        :param recipients: how many the next hop has accepted
        :raises NextHopError: nobody knows what has become of the message
        """
        channel, seconds = self.channel, self._timeouts.message
        count = recipients if self._lmtp else 1
        channel.end_message(self._stuffer.finish())
        replies: list[Reply] = []
        answers = []
        for _ in range(count):
            answer = channel.expect(seconds, "the end of the message", DONE)
            answers.append(answer.addCallback(self._message_answered, replies, count))
        return _last_of(answers)

    def _message_answered(self, reply: Reply, replies: list[Reply], count: int) -> list[Reply]:
        replies.append(reply)
        self._streaming = len(replies) < count
        return replies

    def reset(self) -> Deferred[Reply]:
        """Forget the transaction.

        :raises NextHopError: when the next hop does not
        """
        return self._ask("RSET").addCallback(self._was_reset)

    def _was_reset(self, reply: Reply) -> Reply:
        if reply.code // 100 != 2:
            raise self.channel.drop(f"RSET is answered by {reply.code} {reply.text}")
        return reply

    def drop(self, reason: str) -> None:
        """Close without another word."""
        self.channel.drop(reason)

    def quit(self) -> None:
        """Say goodbye."""
        if self._streaming:
            self.drop("given up inside a message")
        else:
            self.channel.quit()

    def _ask(self, line: str, good: range = DONE) -> Deferred[Reply]:
        return self.channel.ask(line, self._timeouts.command, good)

    def _sender_params(self, params: Mapping[str, str], trusted: bool) -> dict[str, str]:
        passed = {}
        for name, value in params.items():
            if name == "AUTH":
                if self._authenticated:
                    passed[name] = value if trusted else "<>"  # RFC 4954 5
            elif _EXTENSION.get(name, name) in self.offered:
                passed[name] = value
        return passed


_EXTENSION = {"BODY": "8BITMIME", "RET": "DSN", "ENVID": "DSN"}


def _written(params: Mapping[str, str]) -> str:
    return "".join(f" {name}={value}" if value else f" {name}" for name, value in params.items())


def _last_of(answers: list[Deferred[R]]) -> Deferred[R]:
    """The last answer: they come in order, and what takes one takes those behind it too."""
    for answer in answers[:-1]:
        answer.addErrback(lambda _: None)  # the last one has the same to say
    return answers[-1]
