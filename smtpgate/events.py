"""What happens, told to the operator: one function an event, a log line and a counter.

Passwords, hashes, message text and the lines of AUTH never come here.  What a
client has sent is logged in quotes and escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpgate.smtp.reply import Reply
from smtpgate.smtp.server.observer import SessionObserver
from smtpgate.smtp.session import Connection, Transaction

#: A client's line is cut to this many octets in the log.
_LINE_SHOWN = 200


def _who(connection: Connection) -> str:
    """The session, as log lines begin: server and client."""
    return f"{connection.server_id} {_client(connection.peer_ip, connection.peer_port)}"


def _client(address: str, port: int) -> str:
    if not address:
        return "local"
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _sender(transaction: Transaction) -> str:
    return "<>" if transaction.sender is None else f"<{transaction.sender.text}>"


def _when(delay: float) -> str:
    if not delay:
        return "at once"
    return "in 1 second" if delay == 1 else f"in {delay:g} seconds"


def _plain(text: str) -> str:
    """Text from outside on one line of printable ASCII."""
    if text.isascii() and text.isprintable():
        return text
    return text.encode("ascii", "backslashreplace").decode("ascii").translate(_CONTROLS)


#: How sessions end that go well.
_GOOD_ENDS = frozenset({"quit", "client left"})

_CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), 127)}


class Events(SessionObserver):
    """Tells about everything; one for the whole gateway.

    ``counters`` has what was counted since the start, by name.

    :param sessions: whether sessions and messages that go well have lines of their own
    """

    def __init__(
        self,
        log: Logger | None = None,
        counters: Counter[str] | None = None,
        sessions: bool = True,
    ) -> None:
        self.log = Logger(namespace="smtpgate") if log is None else log
        self.counters: Counter[str] = Counter() if counters is None else counters
        self._sessions = sessions

    def terse(self) -> Events:
        """The same events and counters, without lines about what goes well."""
        return Events(self.log, self.counters, sessions=False)

    # The service

    def server_up(self, server: str, listeners: Iterable[str], details: Iterable[str]) -> None:
        """A server takes connections."""
        self.log.info(
            "server {server} is up on {listeners}; {details}",
            server=server,
            listeners=", ".join(listeners),
            details="; ".join(details),
        )

    def listener_closed(self, server: str, endpoint: str) -> None:
        """A reload has taken a listener away."""
        self.log.info(
            "server {server} no longer listens on {endpoint}", server=server, endpoint=endpoint
        )

    def reloaded(self, file: str) -> None:
        """The new configuration is in force."""
        self.counters["reloads"] += 1
        self.log.info("{file} is loaded again; new sessions follow it", file=file)

    def reload_failed(self, problems: Iterable[str]) -> None:
        """The new configuration has errors; the old one stays."""
        self.counters["reloads_failed"] += 1
        self.log.error(
            "not reloaded, everything stays as it was:\n{problems}", problems="\n".join(problems)
        )

    def worker_ended(self, number: int, pid: int, how: str, delay: float) -> None:
        """A worker is gone, with its sessions; another follows after ``delay`` seconds."""
        self.counters["workers_ended"] += 1
        self.log.error(
            "worker {number} (process {pid}) {how}; another takes its place {when}",
            number=number,
            pid=pid,
            how=how,
            when=_when(delay),
        )

    def worker_missing(self, number: int, reason: str, delay: float) -> None:
        """There should be another worker, and there is not."""
        self.log.error(
            "worker {number} cannot be replaced ({reason}); trying again {when}",
            number=number,
            reason=reason,
            when=_when(delay),
        )

    def stopping(self, sessions: int) -> None:
        """The service stops when its sessions are over."""
        self.log.info("stopping, {sessions} sessions are open", sessions=sessions)

    def certificate_made(self, name: str, file: str) -> None:
        """There was no certificate, and now there is a self-signed one."""
        self.log.info("certificate {name}: made a self-signed one, {file}", name=name, file=file)

    def certificate_expires(self, name: str, expires: str) -> None:
        """A certificate has expired, or soon will."""
        self.log.warn("certificate {name} expires {expires}", name=name, expires=expires)

    # Scripts

    def script_failed(self, connection: Connection, hook: str, error: Any) -> None:
        """A script has failed; ``error`` says where and why."""
        self.counters["script_errors"] += 1
        self.log.error(
            "{session}: the {hook} script failed: {error}",
            session=_who(connection),
            hook=hook,
            error=_plain(str(error)),
        )

    def script_echo(self, connection: Connection, text: str, file: str) -> None:
        """A script says something."""
        self.log.info(
            "{session}: {file}: {text}", session=_who(connection), file=file, text=_plain(text)
        )

    def script_syslog(self, connection: Connection, priority: int, text: str, file: str) -> None:
        """A script writes to the log; priorities are syslog's, a facility included."""
        self._by_priority(priority)(
            "{session}: {file}: {text}", session=_who(connection), file=file, text=_plain(text)
        )

    def late_syslog(self, priority: int, text: str) -> None:
        """Something that a script has begun writes to the log when the script has ended."""
        self._by_priority(priority)("script: {text}", text=_plain(text))

    def _by_priority(self, priority: int) -> Callable[..., None]:
        # RFC 5424 6.2.1: the facility is in the bits above.
        severity = priority & 7
        if severity == 4:
            return self.log.warn
        return self.log.error if severity < 4 else self.log.info

    # Sessions

    def connected(self, connection: Connection) -> None:
        self.counters["connections"] += 1
        if self._sessions:
            through = f" through {connection.proxy_ip}" if connection.proxy_ip else ""
            self.log.info(
                "{session}: connected{through}", session=_who(connection), through=through
            )

    def refused(self, connection: Connection, reason: str) -> None:
        self.counters["connections_refused"] += 1
        self.log.info(
            "{session}: refused, {reason}", session=_who(connection), reason=_plain(reason)
        )

    def introduced(self, connection: Connection, former: tuple[str, int]) -> None:
        self.counters["xclient"] += 1
        if self._sessions:
            user = connection.username if connection.mechanism == "XCLIENT" else None
            self.log.info(
                "{session}: was {former} until XCLIENT{user}",
                session=_who(connection),
                former=_client(*former),
                user="" if user is None else f", authenticated as {_plain(user)}",
            )

    def tls_started(self, connection: Connection) -> None:
        self.counters["tls"] += 1
        tls = connection.tls
        assert tls is not None
        if self._sessions:
            self.log.info(
                "{session}: {protocol} with {cipher}",
                session=_who(connection),
                protocol=tls.protocol,
                cipher=tls.cipher,
            )

    def authenticated(self, connection: Connection) -> None:
        self.counters["authentications"] += 1
        if self._sessions:
            self.log.info(
                "{session}: authenticated as {user} by {mechanism}",
                session=_who(connection),
                user=_plain(connection.username or ""),
                mechanism=connection.mechanism,
            )

    def authentication_failed(self, connection: Connection, mechanism: str) -> None:
        self.counters["authentications_failed"] += 1
        self.log.warn(
            "{session}: authentication failed, {mechanism}",
            session=_who(connection),
            mechanism=mechanism,
        )

    def message_accepted(
        self, connection: Connection, transaction: Transaction, size: int, reply: Reply
    ) -> None:
        self.counters["messages"] += 1
        self.counters["octets"] += size
        if self._sessions:
            self._message("accepted", connection, transaction, size, reply)

    def message_refused(
        self, connection: Connection, transaction: Transaction, size: int, reply: Reply
    ) -> None:
        self.counters["messages_refused"] += 1
        self._message("refused", connection, transaction, size, reply)

    def _message(
        self,
        verdict: str,
        connection: Connection,
        transaction: Transaction,
        size: int,
        reply: Reply,
    ) -> None:
        count = len(transaction.recipients)
        self.log.info(
            "{session}: message {id} {verdict}, from {sender} to {recipients}, "
            "{size} octets: {code} {text}",
            session=_who(connection),
            id=transaction.id,
            verdict=verdict,
            sender=_plain(_sender(transaction)),
            recipients="1 recipient" if count == 1 else f"{count} recipients",
            size=size,
            code=reply.code,
            text=_plain(reply.text),
        )

    def deliveries_disagree(
        self, connection: Connection, transaction: Transaction, answers: dict[str, Reply]
    ) -> None:
        self.counters["disagreements"] += 1
        said = ", ".join(f"{name}: {reply.code} {reply.text}" for name, reply in answers.items())
        self.log.error(
            "{session}: message {id} is not everywhere: {answers}",
            session=_who(connection),
            id=transaction.id,
            answers=_plain(said),
        )

    def refused_in_part(
        self, connection: Connection, transaction: Transaction, answer: Reply
    ) -> None:
        self.counters["refused_in_part" if answer.positive else "refused_in_part_lost"] += 1
        write = self.log.info if answer.positive else self.log.error
        write(
            "{session}: message {id} is refused, and its copies for others were {verdict}: "
            "{code} {text}",
            session=_who(connection),
            id=transaction.id,
            verdict="delivered" if answer.positive else "not delivered",
            code=answer.code,
            text=_plain(answer.text),
        )

    def command_refused(self, connection: Connection, line: bytes, reply: Reply) -> None:
        self.counters["commands_refused"] += 1
        self.log.info(
            "{session}: {line} answered {code} {text}",
            session=_who(connection),
            line=ascii(line[:_LINE_SHOWN].decode("latin-1")),
            code=reply.code,
            text=_plain(reply.text),
        )

    def trouble(self, connection: Connection, place: str, failure: Failure) -> None:
        self.counters["trouble"] += 1
        error = failure.value
        if isinstance(error, OSError) and error.strerror:
            # The machine's doing, as a full disk: a place in the code would explain nothing.
            about = "" if error.filename is None else f"{error.filename}: "
            self.log.error(
                "{session}: {place} failed: {error}",
                session=_who(connection),
                place=place,
                error=_plain(f"{about}{error.strerror}"),
            )
            return
        self.log.failure(
            "{session}: {place} failed", failure, session=_who(connection), place=place
        )

    def closed(self, connection: Connection, reason: str) -> None:
        self.counters["connections_closed"] += 1
        if self._sessions or reason not in _GOOD_ENDS:
            self.log.info("{session}: {reason}", session=_who(connection), reason=_plain(reason))
