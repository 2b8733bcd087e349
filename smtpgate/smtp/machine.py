"""The state machine behind a session: twisted.mail's ESMTP, with one clean command at a time.

Rules that this file keeps:

* A command goes in, one reply comes out: a method gives it back, now or later.  ``sendCode``, by
  which ESMTP's own methods would say it, keeps it; it never starts the next command.
* The machine has no socket.  What a reply asks of the connection (close, TLS) is in the reply or
  in an attribute, and the protocol does it.
* A command is found in a table, never by looking up a client's text.
* State is in the :class:`~smtpgate.smtp.session.Connection`; here is only what nobody else may see.
* While BDAT has octets to come there is no reply: the machine offers an intake instead.

Importing this file imports twisted.mail.smtp, which installs a reactor and asks the resolver for
the host's name.  Import it after the reactor was chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred
from twisted.mail.smtp import AUTH, COMMAND, ESMTP

from smtpgate.smtp import reply as replies
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.answers import when
from smtpgate.smtp.authentication.exchange import Authentication
from smtpgate.smtp.authentication.sasl import Credentials
from smtpgate.smtp.commands import xclient
from smtpgate.smtp.commands.envelope import hello_name, parse_mail, parse_rcpt
from smtpgate.smtp.commands.extensions import extensions, keeps_tls, may_xclient, refuses_auth
from smtpgate.smtp.framing import LineFault
from smtpgate.smtp.mail.transfer import Transfer
from smtpgate.smtp.refusal import EnhancedCode, Refusal
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server import Server
from smtpgate.smtp.server.credentials import IAccount
from smtpgate.smtp.server.policy import Accept, Decision
from smtpgate.smtp.session import Connection, Recipient

#: What a command's method gives; None where ESMTP has said it by ``sendCode``, and while BDAT has
#: octets to come.
Answer = Reply | Deferred[Reply] | Deferred[Reply | None] | None

_DEFAULT_ENHANCED: dict[int, EnhancedCode] = {2: (2, 0, 0), 4: (4, 0, 0), 5: (5, 0, 0)}


class Machine(ESMTP):
    """One session's commands.

    ``transfer.intake``, when set, wants the octets that come next, which are a message's; give them
    to it, up to :meth:`intake_done`.
    ``mode``, ESMTP's: COMMAND, or AUTH where the next line answers a challenge.
    ``tls_wanted``: after the present reply, the connection is to start TLS.
    """

    def __init__(self, connection: Connection, server: Server) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.host = server.settings.hostname.encode("ascii", "replace")
        self.connection = connection
        self.server = server
        self.transfer = Transfer(connection, server)
        self.tls_wanted = False
        self._said: Reply | None = None
        self._authentication: Authentication | None = None
        self._auth_failures = 0
        self._keywords: tuple[str, ...] | None = None

    # What the protocol calls

    def command(self, line: bytes) -> Answer:
        """Run one line.  None: BDAT wants its octets before it answers."""
        self._said = None
        answer = self.state_AUTH(line) if self.mode is AUTH else self.state_COMMAND(line)
        return self._said if answer is None else answer

    def greet(self) -> Reply | Deferred[Reply]:
        """Ask the policy about a client that has just come; the reply is the banner."""
        return self._ask_connect()

    def intake_done(self) -> Reply | Deferred[Reply]:
        """The intake has all that it wanted: the reply to the message or the chunk."""
        return self.transfer.end()

    def refuse_response(self, fault: LineFault) -> Reply:
        """An answer to a challenge that is no line: it ends the exchange, RFC 4954 4."""
        assert self._authentication is not None
        self._authentication.done = True
        too_long = fault is LineFault.TOO_LONG
        reply = replies.AUTH_TOO_LONG if too_long else replies.AUTH_SYNTAX
        return self._authentication_went_on(reply)

    def forget(self) -> None:
        """TLS has started: nothing that was said before counts, RFC 3207 4.2."""
        self.reset()
        self.connection.forget_greeting()
        self.tls_wanted = False
        self._keywords = None
        self._logout()

    def gone(self) -> None:
        """The connection is over."""
        self.transfer.abort()
        self._logout()

    # What ESMTP calls

    def sendCode(self, code: int, message: bytes = b"") -> None:
        """ESMTP's way to answer."""
        self._said = Reply.of(code, message.decode("latin-1"), _DEFAULT_ENHANCED.get(code // 100))

    def lookupMethod(self, command: bytes) -> Any:
        """The table's row for a verb, or None."""
        return COMMANDS.get(command.upper())

    def state_COMMAND(self, line: bytes) -> Answer:
        """Check a command against its row, then run it."""
        verb, _, argument = line.partition(b" ")
        row: Row | None = COMMANDS.get(verb) or self.lookupMethod(verb.rstrip(b"\t"))
        if row is None:
            bad = not verb.isascii() or not verb.isalnum()
            return replies.BAD_VERB if bad else replies.UNKNOWN_COMMAND
        if self.transfer.chunking and not row.amid_chunks:
            return replies.BDAT_BEGUN
        if argument:
            argument = argument.strip(b" \t")
            if argument and not row.argument:
                return replies.NO_ARGUMENTS
        try:
            return row.run(self, argument)
        except Refusal as refusal:
            return Reply.refusing(refusal)

    def state_AUTH(self, response: bytes) -> Reply | Deferred[Reply]:
        """An answer to a challenge."""
        assert self._authentication is not None
        return when(self._authentication.line(response), self._authentication_went_on)

    def extensions(self) -> tuple[str, ...]:
        """The keywords for EHLO."""
        if self._keywords is not None:
            return self._keywords
        return extensions(self.connection, self.server)

    def validateFrom(self, helo: str, origin: Mailbox | None) -> Decision | Deferred[Decision]:
        """Ask the policy about a sender."""
        params = self.transfer.sender_params
        return self.server.policy.mail_from(self.connection, origin, params)

    def validateTo(self, user: Recipient) -> Reply | Deferred[Reply]:
        """Ask the policy, then the recipient's transport."""
        decision = self.server.policy.rcpt_to(self.connection, user)
        return when(decision, self._recipient_decided, user)

    # Commands

    def do_HELO(self, argument: bytes) -> Answer:
        return self._hello("HELO", argument)

    def do_EHLO(self, argument: bytes) -> Answer:
        return self._hello("EHLO", argument)

    def do_MAIL(self, argument: bytes) -> Reply | Deferred[Reply]:
        refusal = self.transfer.refuses_mail()
        if refusal is not None:
            return refusal
        requiretls = keeps_tls(self.connection, self.server)
        sender, params = parse_mail(argument, self.server.settings, requiretls)
        self.transfer.sender_params = params
        decision = self.validateFrom(self.connection.helo, sender)
        return when(decision, self._sender_decided, sender)

    def do_RCPT(self, argument: bytes) -> Answer:
        refusal = self.transfer.refuses_rcpt()
        if refusal is not None:
            return refusal
        recipient = parse_rcpt(argument, self.server.settings, self.connection.transaction.smtputf8)
        return self.validateTo(recipient)

    def do_DATA(self, argument: bytes) -> Answer:
        return self.transfer.data()

    def do_BDAT(self, argument: bytes) -> Answer:
        return self.transfer.bdat(argument)

    def do_RSET(self, argument: bytes) -> Answer:
        self.reset()
        return replies.RESET

    def do_NOOP(self, argument: bytes) -> Answer:
        return replies.OK

    def do_VRFY(self, argument: bytes) -> Answer:
        return replies.CANNOT_VERIFY if argument else replies.SYNTAX

    def do_HELP(self, argument: bytes) -> Answer:
        return _HELP

    def do_QUIT(self, argument: bytes) -> Answer:
        return replies.goodbye(self.server.settings.hostname)

    def do_NOTHING(self, argument: bytes) -> Answer:
        """A command that SMTP knows and we do not do."""
        return replies.NOT_IMPLEMENTED

    def do_WEB(self, argument: bytes) -> Answer:
        """A web client that was sent here: the rest of its request is no mail either."""
        return replies.WEB_CLIENT

    def ext_STARTTLS(self, argument: bytes) -> Answer:
        if argument:
            return replies.NO_ARGUMENTS
        if self.connection.tls is not None:
            return replies.TLS_TWICE
        if self.server.settings.tls is None:
            return replies.TLS_UNAVAILABLE
        self.tls_wanted = True
        return replies.READY_FOR_TLS

    def ext_AUTH(self, argument: bytes) -> Reply | Deferred[Reply]:
        connection, server = self.connection, self.server
        name, _, initial = argument.partition(b" ")
        mechanism = name.decode("latin-1").upper()
        refusal = refuses_auth(mechanism, connection, server)
        if refusal is not None:
            return refusal
        self.mode = AUTH
        self._authentication = Authentication(mechanism, connection, server, self._login)
        return when(self._authentication.begin(initial.strip(b" ")), self._authentication_went_on)

    def ext_XCLIENT(self, argument: bytes) -> Answer:
        if not may_xclient(self.connection, self.server):
            return replies.XCLIENT_DENIED
        if self.connection.transaction.has_sender:
            return replies.BAD_SEQUENCE
        former = self.connection.peer_ip, self.connection.peer_port
        xclient.assume(self.connection, argument)
        self.server.observer.introduced(self.connection, former)
        self.reset()
        return self._ask_connect()

    # The steps of the commands

    def reset(self) -> None:
        """Give up the transaction; the next one has another name."""
        self.transfer.abort()
        self.connection.new_transaction()

    def _ask_connect(self) -> Reply | Deferred[Reply]:
        return when(self.server.policy.connect(self.connection), self._connect_decided)

    def _connect_decided(self, decision: Decision) -> Reply:
        accepted = _accepted(decision)
        if accepted.peer_ip is not None:
            self.connection.peer_ip = accepted.peer_ip
        if accepted.peer_ptr is not None:
            self.connection.peer_ptr = accepted.peer_ptr
        reply = accepted.reply
        if reply is None:
            reply = replies.banner(self.server.settings.hostname)
        # A client that is turned away is not waited for.
        return reply if reply.positive else reply.closing()

    def _hello(self, verb: str, argument: bytes) -> Reply | Deferred[Reply]:
        name = hello_name(argument)
        if name is None:
            return replies.HELO_NAME
        offered = partial(extensions, self.connection, self.server)
        decision = self.server.policy.helo(self.connection, verb, name, offered)
        return when(decision, self._hello_decided, verb, name)

    def _hello_decided(self, verb: str, name: str, decision: Decision) -> Reply:
        accepted = _accepted(decision)
        reply = accepted.reply
        if reply is not None and not reply.positive:
            return reply
        self.reset()
        self.connection.helo = name if accepted.helo is None else accepted.helo
        self.connection.helo_verb = verb
        self._keywords = accepted.extensions
        lines = (self.server.settings.hostname,) if reply is None else reply.lines
        if verb == "EHLO":
            lines += self.extensions()
        return replies.hello(lines, reply is not None and reply.close)

    def _sender_decided(
        self, sender: Mailbox | None, decision: Decision
    ) -> Reply | Deferred[Reply]:
        accepted = _accepted(decision)
        reply = accepted.reply
        if reply is not None and not reply.positive:
            return reply
        sender = None if accepted.null_sender else accepted.sender or sender
        return self.transfer.begin(sender, reply)

    def _recipient_decided(
        self, recipient: Recipient, decision: Decision
    ) -> Reply | Deferred[Reply]:
        accepted = _accepted(decision)
        reply = accepted.reply
        if reply is not None and not reply.positive:
            return reply
        recipient.mailbox = accepted.recipient or recipient.mailbox
        recipient.transport = accepted.transport or recipient.transport
        return self.transfer.rcpt(recipient, reply)

    def _authentication_went_on(self, reply: Reply) -> Reply:
        assert self._authentication is not None
        if self._authentication.done:
            self.mode = COMMAND
            self._authentication = None
            if not reply.positive:
                self._auth_failures += 1
                if self._auth_failures >= self.server.settings.limits.auth_attempts:
                    reply = replies.too_many_attempts(self.server.settings.hostname)
        return reply

    def _login(self, credentials: Credentials) -> Deferred[str]:
        """Ask the portal; gives the account's name, an octet a character."""
        assert self.server.portal is not None
        login = self.server.portal.login(credentials, None, IAccount)  # type: ignore[arg-type]
        return login.addCallback(self._cbAuthenticated)

    def _cbAuthenticated(self, loginInfo: tuple[Any, Any, Callable[[], None]]) -> str:
        _, avatar, logout = loginInfo
        self.authenticated = True
        self._onLogout = logout
        username: str = avatar.username
        return username if username.isascii() else username.encode("utf-8").decode("latin-1")

    def _logout(self) -> None:
        self.mode = COMMAND
        self._authentication = None
        self.authenticated = False
        logout, self._onLogout = self._onLogout, None
        if logout is not None:
            logout()


def _accepted(decision: Decision) -> Accept:
    if isinstance(decision, Accept):
        return decision
    return _AS_IT_IS if decision is None else Accept(reply=decision)


_AS_IT_IS = Accept()
_HELP = Reply.of(
    214, "Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP VRFY HELP QUIT", (2, 0, 0)
)


class Row(NamedTuple):
    """One command of the table.

    :param run: its method
    :param argument: whether it may have one
    :param amid_chunks: whether it may come between a message's chunks, RFC 3030 3
    """

    run: Callable[[Machine, bytes], Answer]
    argument: bool = True
    amid_chunks: bool = False


COMMANDS: dict[bytes, Row] = {
    b"HELO": Row(Machine.do_HELO),
    b"EHLO": Row(Machine.do_EHLO),
    b"MAIL": Row(Machine.do_MAIL),
    b"RCPT": Row(Machine.do_RCPT),
    b"DATA": Row(Machine.do_DATA, argument=False),
    b"BDAT": Row(Machine.do_BDAT, amid_chunks=True),
    b"RSET": Row(Machine.do_RSET, argument=False, amid_chunks=True),
    b"NOOP": Row(Machine.do_NOOP, amid_chunks=True),
    b"QUIT": Row(Machine.do_QUIT, argument=False, amid_chunks=True),
    b"VRFY": Row(Machine.do_VRFY),
    b"HELP": Row(Machine.do_HELP),
    b"STARTTLS": Row(Machine.ext_STARTTLS),
    b"AUTH": Row(Machine.ext_AUTH),
    b"XCLIENT": Row(Machine.ext_XCLIENT),
    **dict.fromkeys(
        (b"EXPN", b"ETRN", b"TURN", b"SEND", b"SOML", b"SAML"), Row(Machine.do_NOTHING)
    ),
    **dict.fromkeys(
        b"GET HEAD POST PUT CONNECT OPTIONS DELETE PATCH TRACE PRI".split(),
        Row(Machine.do_WEB, amid_chunks=True),
    ),
}
