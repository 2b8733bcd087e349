"""A session's questions, answered by scripts.

A script that does not wait is answered at once, without a Deferred.  One that
waits answers through a Deferred; cancelling that cancels the script.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from smtpgate.hooks.commands import Commands, wanted
from smtpgate.hooks.examining import Action, combined, to_recipient
from smtpgate.hooks.letter import Letter
from smtpgate.hooks.questions import Hello, Sender
from smtpgate.hooks.table import (
    AUTH,
    CONNECT,
    DISCONNECT,
    EODONCE,
    EODRCPT,
    HELO,
    MAILFROM,
    PROXY,
    RCPTTO,
    Hook,
)
from smtpgate.hooks.variables import LineVariables, Variables
from smtpgate.hsl.errors import Fault, ScriptError, ScriptRuntimeError
from smtpgate.hsl.runtime import Environment, Outcome, Script
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.answers import cancelled, when
from smtpgate.smtp.mail.spool import Spool
from smtpgate.smtp.reply import UNDECIDED, Reply, queued
from smtpgate.smtp.server.policy import (
    Accept,
    AuthStep,
    Challenge,
    CommandDecision,
    Decision,
    Offered,
    Parcel,
    Policy,
    Send,
)
from smtpgate.smtp.session import Connection, Recipient

#: What a place is answered: a decision, now or later.
Answer: TypeAlias = Decision | Deferred[Decision]

#: Told about a script that failed: the connection, the hook's name and the error, whose
#: text has file, line, column and what was wrong.
ReportError: TypeAlias = Callable[[Connection, str, ScriptError], None]


@dataclass(frozen=True, slots=True)
class Binding:
    """A script at a hook; ``commands`` says when, and only the proxy hook looks at it."""

    script: Script
    commands: Commands = "all"


class ScriptPolicy(Policy):
    """What one server's scripts decide, for all its sessions.

    :param hooks: the hook's name to what is bound to it; a name that is not there costs nothing
    :param environment: what every execution gets, its budget included
    :param hostname: named to the client when a script has failed
    :param report: called for each script that failed
    :raises ValueError: for ``commands`` that are none
    """

    def __init__(
        self,
        hooks: Mapping[str, Binding],
        environment: Environment,
        hostname: str,
        report: ReportError,
    ) -> None:
        self._scripts = {name: binding.script for name, binding in hooks.items()}
        self._environment = environment
        self._hostname = hostname
        self._report = report
        proxy = hooks.get(PROXY.name)
        if proxy is not None:
            # Asked for every line, so without a call in between.
            self.wants_command = wanted(proxy.commands)  # type: ignore[method-assign,assignment]
        self.decides_auth = AUTH.name in hooks
        self.examines = EODONCE.name in hooks or EODRCPT.name in hooks

    def command(
        self, connection: Connection, line: bytes
    ) -> CommandDecision | Deferred[CommandDecision]:
        script = self._scripts.get(PROXY.name)
        if script is None:
            return super().command(connection, line)
        variables = LineVariables(PROXY.makers, connection, line)
        decision: CommandDecision | Deferred[CommandDecision]
        decision = self._run(PROXY, script, variables)
        return decision

    def connect(self, connection: Connection) -> Answer:
        decision: Answer = self._evaluate(CONNECT, connection, None)
        return decision

    def helo(self, connection: Connection, verb: str, name: str, offered: Offered) -> Answer:
        if HELO.name not in self._scripts:
            return None
        decision: Answer = self._evaluate(HELO, connection, Hello(verb, name, offered))
        return decision

    def auth(
        self, connection: Connection, step: AuthStep
    ) -> Decision | Challenge | Deferred[Decision | Challenge]:
        decision: Decision | Challenge | Deferred[Decision | Challenge] = self._evaluate(
            AUTH, connection, step
        )
        return decision

    def mail_from(
        self, connection: Connection, mailbox: Mailbox | None, params: Mapping[str, str]
    ) -> Answer:
        if MAILFROM.name not in self._scripts:
            return None
        decision: Answer = self._evaluate(MAILFROM, connection, Sender(mailbox, params))
        return decision

    def rcpt_to(self, connection: Connection, recipient: Recipient) -> Answer:
        decision: Answer = self._evaluate(RCPTTO, connection, recipient)
        return decision

    def examine(
        self, connection: Connection, message: Spool
    ) -> Reply | Send | Deferred[Reply | Send]:
        letter = Letter(message, connection.transaction)
        if EODONCE.name not in self._scripts:
            return self._each(connection, letter, None)
        decision: Any = self._evaluate(EODONCE, connection, letter)
        return when(decision, self._examined, connection, letter)

    def _examined(
        self, connection: Connection, letter: Letter, decision: Reply | Accept
    ) -> Reply | Send | Deferred[Reply | Send]:
        """What eodonce has decided; eodrcpt comes next, unless copies were queued."""
        if isinstance(decision, Reply):
            return decision
        if letter.parcels:
            return Send(tuple(letter.parcels), decision.reply)
        if EODRCPT.name in self._scripts:
            return self._each(connection, letter, decision.reply)
        return Send(letter.everybody(), decision.reply)

    def _each(
        self, connection: Connection, letter: Letter, words: Reply | None
    ) -> Deferred[Reply | Send]:
        return Deferred.fromCoroutine(self._each_recipient(connection, letter, words))

    async def _each_recipient(
        self, connection: Connection, letter: Letter, words: Reply | None
    ) -> Reply | Send:
        """Ask eodrcpt about each recipient, one after the other."""
        results: list[tuple[Any, list[Parcel]]] = []
        for recipient in letter.transaction.recipients:
            own = letter.addressed(recipient)
            value = self._evaluate(EODRCPT, connection, own)
            if isinstance(value, Deferred):
                value = await value
            if value is Action.DELIVER:
                value = self._deliver(connection, own)
            elif value is Action.DONE and not own.parcels:
                value = UNDECIDED
            letter.metadata = own.metadata
            results.append((value, own.parcels))
        return combined(results, words, queued(letter.transaction.id))

    def _deliver(self, connection: Connection, letter: Letter) -> Any:
        """The end of eodrcpt without a decision."""
        try:
            to_recipient(letter)
        except Fault as fault:
            place = self._scripts[EODRCPT.name].position
            return self._failed(EODRCPT, connection, ScriptRuntimeError(str(fault), place))
        return Action.DELIVER

    def closed(self, connection: Connection) -> None:
        """Run the disconnect script; nobody waits for it."""
        done = self._evaluate(DISCONNECT, connection, None)
        if isinstance(done, Deferred):
            done.addErrback(_unless_cancelled)

    def _evaluate(self, hook: Hook, connection: Connection, subject: Any) -> Any:
        """The decision of a hook's script, or a Deferred of it."""
        script = self._scripts.get(hook.name)
        if script is None:
            return hook.implicit
        return self._run(hook, script, Variables(hook.makers, connection, subject))

    def _run(self, hook: Hook, script: Script, variables: Variables) -> Any:
        try:
            outcome = script.run(variables, self._environment)
        except ScriptError as error:
            return self._failed(hook, variables.connection, error)
        if type(outcome) is Outcome:
            return hook.implicit if outcome.value is None else outcome.value
        return outcome.addCallbacks(
            self._decided,
            self._failed_later,
            callbackArgs=(hook,),
            errbackArgs=(hook, variables.connection),
        )

    def _decided(self, outcome: Outcome, hook: Hook) -> Any:
        return hook.implicit if outcome.value is None else outcome.value

    def _failed(self, hook: Hook, connection: Connection, error: ScriptError) -> Any:
        self._report(connection, hook.name, error)
        return hook.failed(self._hostname)

    def _failed_later(self, failure: Failure, hook: Hook, connection: Connection) -> Any:
        if isinstance(failure.value, ScriptError):
            return self._failed(hook, connection, failure.value)
        # A script that was cancelled, or a mistake of ours: the session deals with it.
        return failure


def _unless_cancelled(failure: Failure) -> Failure | None:
    return None if cancelled(failure) else failure
