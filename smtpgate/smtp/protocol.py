"""The session's front: lines and bodies from the socket, one at a time, replies in order.

Rules that this file keeps:

* One line is taken only when the last one has been answered.  What an octet means depends on that
  answer.
* While somebody else decides (a policy, a delivery, the portal) nothing runs and no time-out of
  the client's counts.  A client that leaves cancels it.
* After the reply that closes, nothing runs.
* STARTTLS drops what was sent behind it.
* A client that sends many commands at once takes turns with the others.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener
from twisted.mail.smtp import COMMAND
from twisted.python.failure import Failure
from zope.interface import implementer  # type: ignore[import-untyped]

from smtpgate.smtp import reply as replies
from smtpgate.smtp.answers import caught
from smtpgate.smtp.arrival import Arrival
from smtpgate.smtp.framing import CR, LF, NUL, LineFault, parse_bdat
from smtpgate.smtp.mail.body import Discard, Intake
from smtpgate.smtp.refusal import Refusal
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import Listener, Server
from smtpgate.smtp.server.policy import AS_IT_CAME, Answer, CommandDecision, Pass

#: Lines and parts of bodies that one session may take in a row.
TURN = 200

#: Octets of one read: of commands, which may have to wait, and of a message.
COMMANDS_READ = 65_536
MESSAGE_READ = 131_072


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class SMTPProtocol(Arrival):
    """One client.  Made by :class:`~smtpgate.smtp.factory.SMTPFactory`."""

    __slots__ = (
        "_a_command", "_auth_failed", "_draining", "_fed", "_finishing", "_line", "_next",
        "_pumping", "_unwanted", "_went_on",
    )  # fmt: skip

    def __init__(self, server: Server, listener: Listener, sessions: set[Any]) -> None:
        super().__init__(server, listener, sessions)
        self._pumping = False
        self._went_on = False  # the client has sent what was waited for
        self._next = False  # the policy wants the next line, whatever it is
        self._fed = True  # the intake needs not be fed when there are no octets
        self._finishing = False  # a message is complete and waits for its answer
        self._draining = False
        self._line = b""
        # A chunk that the policy kept back.
        self._unwanted: tuple[Discard, CommandDecision] | None = None
        self._a_command = True  # whether that line came where a command was expected
        self._auth_failed = False  # lines that are no commands may be answers to it

    # Octets

    def dataReceived(self, data: bytes) -> None:
        """Queue octets and do what can be done."""
        if self.closing:
            return
        if not self.arrived and not self.arriving(data):
            return
        self.lines.append(data)
        self.pump()

    def pump(self) -> None:
        """Take lines and bodies until somebody has to be waited for."""
        if self._pumping:
            return
        self._pumping = True
        self._went_on = False
        try:
            self._take()
        except Exception:  # noqa: BLE001 (whatever it is, it ends this session only)
            self.broken(caught())
        finally:
            self._pumping = False
        if self.closing:
            return
        self.flush()
        self.throttle(hold=self.pending is not None and not self.line_mode)
        self._watch()

    def _take(self) -> None:
        """Take one line after the other, or what there is of a body."""
        lines, limits = self.lines, self.limits
        machine, connection = self.machine, self.connection
        for _ in range(TURN):
            if self.pending is not None or self.closing or not self.arrived or self.write_paused:
                return
            if not self.line_mode:
                if self._fed and not lines:
                    break
                self._fed = self._went_on = True
                self.rawDataReceived(lines.drain())
                continue
            self._a_command = machine.mode is COMMAND
            line = lines.take(limits.command_line if self._a_command else limits.auth_line)
            if line is None:
                break
            self._went_on = True
            self._line = line if isinstance(line, bytes) else b""
            if self._a_command:
                connection.commands += 1
                if 0 < limits.commands < connection.commands:
                    self._answered(replies.too_many_commands(self.settings.hostname))
                    return
            if isinstance(line, bytes):
                self.lineReceived(line)
            else:
                self._faulty(line)
        else:
            self._wait_for_turn()
            return
        if self.half_closed:
            self.end("client left")

    def _wait_for_turn(self) -> None:
        if self._turn is None and not self.closing:
            self._turn = self.clock.callLater(0, self._have_turn)

    def _have_turn(self) -> None:
        self._turn = None
        self.pump()

    def _watch(self) -> None:
        """Start the clock for the client, when it is the client that we wait for."""
        if self.half_closed:  # then it has one deadline for all that it has sent
            return
        if self.pending is not None:
            self.deadline.clear()
            return
        if not self.arrived or (self.deadline.at and not self._went_on):
            return
        if self.line_mode:
            self.deadline.set(self.limits.command_timeout)
        else:
            left = self._message_until - self.clock.seconds()
            self.deadline.set(max(0.0, min(self.limits.data_timeout, left)))

    # Lines

    def lineReceived(self, line: bytes) -> None:
        """One line; the last one has been answered."""
        asked, self._next = self._next, False
        policy, connection = self.server.policy, self.connection
        if asked or (self._a_command and policy.wants_command(connection, line)):
            decision = policy.command(connection, line)
            if decision is not AS_IT_CAME:  # it nearly always is
                self.wait(decision, self._decided)
                return
        self._run(line)

    def _run(self, line: bytes) -> None:
        """Give a line to the state machine."""
        reply = self.machine.command(line)
        if type(reply) is Reply:
            self._answered(reply)
        else:
            self.wait(reply, self._ran)

    def _faulty(self, fault: LineFault) -> None:
        """A line that is none: answered by one 500."""
        if self._a_command:
            reply = replies.LINE_TOO_LONG if fault is LineFault.TOO_LONG else replies.BAD_CHARACTER
            self._answered(reply)
        else:
            self._answered(self.machine.refuse_response(fault))

    def _decided(self, decision: CommandDecision) -> None:
        """What the policy says about a line."""
        self._next = decision.next
        if self._a_command and not _passes_bdat(decision) and _is_bdat(self._line):
            try:
                chunk = parse_bdat(self._line.partition(b" ")[2].strip(b" \t"))
            except Refusal:
                return self._carry_out(decision)
            # The machine will not see the chunk, but its octets are still no commands.
            self._unwanted = Discard(chunk.size), decision
            return self._begin_body()
        return self._carry_out(decision)

    def _carry_out(self, decision: CommandDecision) -> None:
        if isinstance(decision, Answer):
            return self._answered(decision.reply)
        if decision.line is not None:
            line = self._line = decision.line
            if LF in line or CR in line or NUL in line:
                return self._answered(replies.BAD_CHARACTER)
            if len(line) + 2 > max(self.limits.command_line, self.limits.auth_line):
                return self._answered(replies.LINE_TOO_LONG)
        self._run(self._line)

    def _ran(self, reply: Reply | None) -> None:
        """What the machine says; nothing yet, when a chunk's octets come first."""
        if reply is None:
            self._begin_body()
        else:
            self._answered(reply)

    def _answered(self, reply: Reply) -> None:
        """The reply to a line or a body: write it, and do what it asks for."""
        if reply.code >= 400:
            reply = self._refused(reply)
        self.put(reply.wire)
        if reply.close:
            quits = reply.code == 221
            # Behind QUIT nothing comes; a client that has sent more may be sending still.
            reason = "quit" if quits else f"replied {reply.code} {reply.text}"
            self.end(reason, not quits or len(self.lines) > 0)
        elif self.machine.tls_wanted:
            self.start_tls(starttls=True)
        elif self.machine.transfer.intake is not None:
            self._begin_body()
        elif self._draining and not self.machine.transfer.chunking:
            self._say_goodbye(linger=True)  # the reply to a message is in front of it

    def _refused(self, reply: Reply) -> Reply:
        """Count an error; too many end the session."""
        connection, line = self.connection, self._line
        if not self._may_be_secret(line):
            self.server.observer.command_refused(connection, line, reply)
        if reply.code >= 500:
            connection.errors += 1
            if 0 < self.limits.errors <= connection.errors and not reply.close:
                return replies.too_many_errors(self.settings.hostname)
        return reply

    def _may_be_secret(self, line: bytes) -> bool:
        """Whether a refused line may hold a password.

        AUTH does, however it is misspelt.  So does what is no command behind an AUTH that has
        failed: the client may have sent its answers at once.
        """
        verb = line.partition(b" ")[0].upper()
        if not self._a_command or verb == b"AUTH":
            self._auth_failed = True
            return True
        if self.machine.lookupMethod(verb) is not None:
            return False
        return self._auth_failed or b"AUTH" in line.upper()

    # Bodies

    def _begin_body(self) -> None:
        intake = self._intake()
        self.setRawMode()  # type: ignore[no-untyped-call]
        self.transport.bufferSize = MESSAGE_READ
        self._fed = not intake.empty
        self._message_until = self.clock.seconds() + self.limits.message_timeout

    def rawDataReceived(self, data: bytes) -> None:
        """Octets of a message, and perhaps what follows it."""
        done, rest, wait = self._intake().feed(data)
        if rest:
            self.lines.append(rest)
        if wait is None:
            self._took(done, None)
        else:
            self.wait(wait, partial(self._took, done))

    def _intake(self) -> Intake | Discard:
        if self._unwanted is not None:
            return self._unwanted[0]
        intake = self.machine.transfer.intake
        assert intake is not None
        return intake

    def _took(self, done: bool, _: object) -> None:
        if not done:
            return
        self.setLineMode()  # type: ignore[no-untyped-call]
        self.transport.bufferSize = COMMANDS_READ
        if self._unwanted is not None:
            (_, decision), self._unwanted = self._unwanted, None
            self._carry_out(decision)
        else:
            self._finishing = True
            self.wait(self.machine.intake_done(), self._finished)

    def _finished(self, reply: Reply) -> None:
        self._finishing = False
        self._answered(reply)

    # Waiting for somebody

    def wait(self, answer: Any, then: Callable[[Any], None]) -> None:
        """Go on with an answer, now or when it comes."""
        if hasattr(answer, "addCallbacks"):  # as `later` asks, without a call
            self.pending = answer
            answer.addCallbacks(self._came, self._failed, callbackArgs=(then,))
        else:
            then(answer)

    def _came(self, answer: Any, then: Callable[[Any], None]) -> None:
        self.pending = None
        if self.closing:
            return
        try:
            then(answer)
        except Exception:  # noqa: BLE001 (whatever it is, it ends this session only)
            self.broken(caught())
        self.pump()

    def _failed(self, failure: Failure) -> None:
        self.pending = None
        if not self.closing:
            self.broken(failure)

    def broken(self, failure: Failure) -> None:
        """Somebody failed to decide, or we failed: the session cannot go on."""
        if self.closing:
            return
        self.server.observer.trouble(self.connection, "session", failure)
        if self.listener.implicit_tls and self.connection.tls is None:
            self.reason = "local trouble"
            self.cut()  # words in clear would mean nothing to the client
        else:
            self.put(replies.local_trouble(self.settings.hostname).wire)
            self.end("local trouble")

    # Ends

    def late(self) -> None:
        """The deadline has come."""
        if self.closing or self.half_closed or not self.arrived:
            self.reason = self.reason or "timeout"
            self.cut()
            return
        self.put(replies.timed_out(self.settings.hostname).wire)
        self.end("timeout")

    def readConnectionLost(self) -> None:
        """The client sends no more, but may still read: finish what it has sent."""
        if self.closing:
            self.transport.loseConnection()  # it has let us say all
            return
        self.half_closed = True
        self.pump()
        if not self.closing:
            self.deadline.set(self.limits.close_timeout)

    def writeConnectionLost(self) -> None:
        """The client reads no more."""
        if not self.closing:
            self.reason = "client left"
            self.cut()

    def drain(self, seconds: float) -> None:
        """The service stops: finish the message that is being taken in, within ``seconds``."""
        if self.closing or self._draining:
            return
        if not self.arrived:
            self.reason = "shutdown"
            self.cut()
            return
        self._draining = True
        if not self.line_mode or self._finishing or self.machine.transfer.chunking:
            self.deadline.session = self.clock.seconds() + seconds
            self._too_late = self.clock.callLater(seconds, self._drained)
        else:
            self._say_goodbye(linger=False)

    def _drained(self) -> None:
        self._too_late = None
        self._say_goodbye(linger=False)

    def _say_goodbye(self, linger: bool) -> None:
        self.put(replies.shutting_down(self.settings.hostname).wire)
        self.end("shutdown", linger)


def _is_bdat(line: bytes) -> bool:
    return line.partition(b" ")[0].rstrip(b"\t").upper() == b"BDAT"


def _passes_bdat(decision: CommandDecision) -> bool:
    """Whether the machine will see a BDAT, and read its octets."""
    return isinstance(decision, Pass) and (decision.line is None or _is_bdat(decision.line))
