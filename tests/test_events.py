"""What is told to the operator."""

from __future__ import annotations

from typing import Any

from twisted.logger import Logger, LogLevel, formatEvent
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.events import Events
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.reply import DELIVERY_TROUBLE, OK
from smtpgate.smtp.session import Connection, Recipient, TLSInfo, Transaction


class ScriptTests(SynchronousTestCase):
    """What scripts write."""

    def setUp(self) -> None:
        self.heard: list[Any] = []
        log = Logger(namespace="smtpgate", observer=self.heard.append)  # type: ignore[arg-type]
        self.events = Events(log)
        self.connection = Connection("inbound", "192.0.2.1", 25)

    def test_priorities(self) -> None:
        """The severity is in the three lowest bits, whatever the facility."""
        for facility in (0, 4 << 3, 23 << 3):
            self.heard.clear()
            for severity in range(8):
                self.events.script_syslog(self.connection, facility + severity, "x", "a.hsl")
            self.assertEqual(
                [event["log_level"] for event in self.heard],
                [LogLevel.error] * 4 + [LogLevel.warn] + [LogLevel.info] * 3,
            )

    def test_lines(self) -> None:
        """The session and the script stand in front, as long as there are some."""
        self.events.script_echo(self.connection, "one", "a.hsl")
        self.events.script_syslog(self.connection, 6, "two\n", "a.hsl")
        self.events.late_syslog(4, "three")
        self.assertEqual(
            [formatEvent(event) for event in self.heard],
            ["inbound 192.0.2.1:25: a.hsl: one", "inbound 192.0.2.1:25: a.hsl: two\\x0a",
             "script: three"],
        )  # fmt: skip


class TerseTests(SynchronousTestCase):
    """With and without lines about what goes well."""

    def setUp(self) -> None:
        self.heard: list[Any] = []
        log = Logger(namespace="smtpgate", observer=self.heard.append)  # type: ignore[arg-type]
        self.events = Events(log)
        self.connection = Connection("inbound", "192.0.2.1", 25)
        self.connection.tls = TLSInfo("TLSv1.3", "TLS_AES_128_GCM_SHA256", 128)
        self.connection.username, self.connection.mechanism = "jo", "PLAIN"
        self.transaction = Transaction(Mailbox("a", "b"), True, _id="name")

    def tell(self, events: Events) -> list[str]:
        """The lines of a session in which much happens."""
        self.heard.clear()
        connection, transaction = self.connection, self.transaction
        events.refused(connection, "too many connections")
        events.connected(connection)
        events.tls_started(connection)
        events.authenticated(connection)
        events.command_refused(connection, b"NO", DELIVERY_TROUBLE)
        events.message_accepted(connection, transaction, 7, OK)
        events.message_refused(connection, transaction, 8, DELIVERY_TROUBLE)
        events.closed(connection, "quit")
        events.closed(connection, "client left")
        events.closed(connection, "timeout")
        return [formatEvent(event).removeprefix("inbound 192.0.2.1:25: ") for event in self.heard]

    def test_all(self) -> None:
        """Everything has its line."""
        self.assertEqual(
            self.tell(self.events),
            [
                "refused, too many connections",
                "connected",
                "TLSv1.3 with TLS_AES_128_GCM_SHA256",
                "authenticated as jo by PLAIN",
                "'NO' answered 451 Temporary local problem, try again later",
                "message name accepted, from <a@b> to 0 recipients, 7 octets: 250 OK",
                "message name refused, from <a@b> to 0 recipients, 8 octets: "
                "451 Temporary local problem, try again later",
                "quit",
                "client left",
                "timeout",
            ],
        )

    def test_terse(self) -> None:
        """What goes well is counted, not told; what does not is told as ever."""
        self.assertEqual(
            self.tell(self.events.terse()),
            [
                "refused, too many connections",
                "'NO' answered 451 Temporary local problem, try again later",
                "message name refused, from <a@b> to 0 recipients, 8 octets: "
                "451 Temporary local problem, try again later",
                "timeout",
            ],
        )
        self.assertEqual(
            dict(self.events.counters),
            {
                "connections_refused": 1, "connections": 1, "tls": 1, "authentications": 1,
                "commands_refused": 1,
                "messages": 1, "octets": 7, "messages_refused": 1, "connections_closed": 3,
            },
        )  # fmt: skip


class LineTests(SynchronousTestCase):
    """The words of single events."""

    def setUp(self) -> None:
        self.heard: list[Any] = []
        log = Logger(namespace="smtpgate", observer=self.heard.append)  # type: ignore[arg-type]
        self.events = Events(log)
        self.connection = Connection("inbound", "192.0.2.1", 25)

    def tell(self, error: Exception) -> Any:
        """The one event about an error."""
        self.events.trouble(self.connection, "spool", Failure(error))  # type: ignore[no-untyped-call]
        (event,) = self.heard
        return event

    def test_machine(self) -> None:
        """A full disk is one line, and no traceback."""
        event = self.tell(OSError(28, "No space left on device"))
        said = "inbound 192.0.2.1:25: spool failed: No space left on device"
        self.assertEqual((formatEvent(event), event["log_level"]), (said, LogLevel.error))
        self.assertNotIn("log_failure", event)

    def test_file(self) -> None:
        """Where the system names a file, the line does."""
        event = self.tell(PermissionError(13, "Permission denied", "/var/spool/\x1b"))
        said = "inbound 192.0.2.1:25: spool failed: /var/spool/\\x1b: Permission denied"
        self.assertEqual(formatEvent(event), said)

    def test_program(self) -> None:
        """A mistake of the program comes with its traceback."""
        event = self.tell(ValueError("oops"))
        self.assertEqual(event["log_failure"].value.args, ("oops",))

    def test_one_recipient(self) -> None:
        """One is one."""
        transaction = Transaction(Mailbox("a", "b"), True, _id="name")
        transaction.recipients.append(Recipient(Mailbox("c", "d"), {}, "local"))
        self.events.message_accepted(self.connection, transaction, 7, OK)
        said = "message name accepted, from <a@b> to 1 recipient, 7 octets: 250 OK"
        self.assertEqual(formatEvent(self.heard[0]), f"inbound 192.0.2.1:25: {said}")

    def test_through_a_proxy(self) -> None:
        """Who speaks through whom, by a PROXY header."""
        self.connection.proxy_ip = "10.0.0.1"
        self.events.connected(self.connection)
        self.assertEqual(
            formatEvent(self.heard[0]), "inbound 192.0.2.1:25: connected through 10.0.0.1"
        )

    def test_introduced(self) -> None:
        """XCLIENT: later lines have another client, so one line has both."""
        connection = self.connection
        self.events.introduced(connection, ("", 0))
        connection.peer_ip, connection.username, connection.mechanism = "::1", "jo\n", "XCLIENT"
        self.events.introduced(connection, ("192.0.2.1", 25))
        self.assertEqual(
            [formatEvent(event) for event in self.heard],
            [
                "inbound 192.0.2.1:25: was local until XCLIENT",
                "inbound [::1]:25: was 192.0.2.1:25 until XCLIENT, authenticated as jo\\x0a",
            ],
        )
        self.events.terse().introduced(connection, ("192.0.2.1", 25))
        self.assertEqual((len(self.heard), self.events.counters["xclient"]), (2, 3))
