"""One AUTH exchange, RFC 4954: Base64 lines here, a mechanism and the portal there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial

from twisted.cred.credentials import UsernamePassword
from twisted.cred.error import LoginFailed, UnauthorizedLogin
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.python.failure import Failure

from smtpgate.smtp import reply as replies
from smtpgate.smtp.answers import cancelled, caught, when
from smtpgate.smtp.authentication import sasl
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import Server
from smtpgate.smtp.server.policy import Accept, AuthStep, Challenge, Decision
from smtpgate.smtp.session import Connection

#: Logs somebody in: gives the name that the portal knows them by.
Login = Callable[[sasl.Credentials], Deferred[str]]


def decode(response: bytes) -> bytes | None:
    """Read Base64 strictly (RFC 4648 3.3, 3.5): None when we would not write it so."""
    try:
        octets = base64.b64decode(response, validate=True)
    except (binascii.Error, ValueError):
        return None
    return octets if base64.b64encode(octets) == response else None


class Authentication:
    """One exchange.  :attr:`done` says that the next line is a command again.

    :param login: asks the portal
    """

    __slots__ = (
        "_brought",
        "_connection",
        "_exchange",
        "_login",
        "_mechanism",
        "_server",
        "_state",
        "done",
    )

    def __init__(
        self, mechanism: str, connection: Connection, server: Server, login: Login
    ) -> None:
        self.done = False
        self._mechanism = mechanism
        self._connection = connection
        self._server = server
        self._login = login
        self._state = 0
        self._brought: tuple[bytes, bytes] | None = None
        self._exchange = self._built_in()

    def _built_in(self) -> sasl.Exchange | None:
        match self._mechanism:
            case "PLAIN":
                return sasl.Plain()
            case "LOGIN":
                return sasl.Login()
            case "SCRAM-SHA-256" if self._server.scram is not None:
                # scramp brings a library for certificates along: imported for those who log in so.
                from smtpgate.smtp.authentication.scram import ScramSHA256

                return ScramSHA256(self._server.scram)
            case "EXTERNAL" if self._connection.tls is not None:
                return sasl.External(self._connection.tls)
        return None

    def begin(self, initial: bytes) -> Reply | Deferred[Reply]:
        """The AUTH command; ``initial`` is its initial response as sent, or empty."""
        if not initial:
            return self._respond(None)
        # RFC 4954 4: a response of no octets is written as "=" here, and only here.
        return self._line(b"" if initial == b"=" else initial)

    def line(self, line: bytes) -> Reply | Deferred[Reply]:
        """An answer to a challenge."""
        if line == b"*":
            return self._end(replies.AUTH_CANCELLED)
        return self._line(line)

    def _line(self, encoded: bytes) -> Reply | Deferred[Reply]:
        response = decode(encoded)
        if response is None:
            return self._end(replies.AUTH_SYNTAX)
        return self._respond(response)

    def _respond(self, response: bytes | None) -> Reply | Deferred[Reply]:
        if self._exchange is None:
            asked = AuthStep(self._mechanism, self._state, response or b"")
            self._state += 1
            return when(
                self._server.policy.auth(self._connection, asked), partial(self._decided, asked)
            )
        try:
            step = self._exchange.respond(response)
        except sasl.Malformed:
            return self._end(replies.AUTH_SYNTAX)
        except sasl.Unproven:
            return self._failed()
        except Exception:  # noqa: BLE001 (another's code: whatever it raises is answered)
            return self._trouble(caught())
        if isinstance(step, Deferred):
            return step.addCallbacks(self._stepped, self._trouble)
        return self._stepped(step)

    def _stepped(self, step: sasl.Step) -> Reply | Deferred[Reply]:
        if isinstance(step, Challenge):
            return _challenge(step)
        if isinstance(step, UsernamePassword):
            self._brought = step.username, step.password
        if isinstance(step, UsernamePassword) and self._server.policy.decides_auth:
            asked = AuthStep(
                self._mechanism,
                self._state,
                b"",
                step.username.decode("latin-1"),
                step.password.decode("latin-1"),
            )
            return when(
                self._server.policy.auth(self._connection, asked),
                partial(self._decided, asked, credentials=step),
            )
        return self._ask_portal(step)

    def _ask_portal(self, credentials: sasl.Credentials) -> Reply | Deferred[Reply]:
        if self._server.portal is None:
            return self._failed()
        login = maybeDeferred(self._login, credentials)
        return login.addCallbacks(self._succeeded, self._refused)

    def _decided(
        self,
        step: AuthStep,
        decision: Decision | Challenge,
        credentials: sasl.Credentials | None = None,
    ) -> Reply | Deferred[Reply]:
        """What the policy says."""
        if isinstance(decision, Challenge):
            return _challenge(decision)
        if decision is None:
            return self._failed() if credentials is None else self._ask_portal(credentials)
        accepted = decision if isinstance(decision, Accept) else Accept(reply=decision)
        reply = accepted.reply or replies.AUTHENTICATED
        if reply.code // 100 == 3:
            return reply
        if not reply.positive:
            self._server.observer.authentication_failed(self._connection, self._mechanism)
            return self._end(reply)
        return self._succeeded(accepted.username or step.username or "", reply)

    def _succeeded(self, username: str, reply: Reply = replies.AUTHENTICATED) -> Reply:
        self._connection.username = username
        self._connection.mechanism = self._mechanism
        self._connection.credentials = self._brought
        self._server.observer.authenticated(self._connection)
        return self._end(reply)

    def _refused(self, failure: Failure) -> Reply:
        if isinstance(failure.value, UnauthorizedLogin | LoginFailed):
            return self._failed()
        return self._trouble(failure)

    def _failed(self) -> Reply:
        self._server.observer.authentication_failed(self._connection, self._mechanism)
        return self._end(replies.AUTH_FAILED)

    def _trouble(self, failure: Failure) -> Reply:
        """Looking somebody up went wrong: that says nothing about them."""
        if cancelled(failure):
            failure.raiseException()
        self._server.observer.trouble(self._connection, "auth", failure)
        return self._end(replies.AUTH_TEMPORARY)

    def _end(self, reply: Reply) -> Reply:
        self.done = True
        return reply


def _challenge(challenge: Challenge) -> Reply:
    return replies.challenge(base64.b64encode(challenge.octets).decode("ascii"))
