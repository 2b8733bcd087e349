"""The supervisor where no process is needed: what it refuses, and how long it waits."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import inlineCallbacks
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from smtpgate.assembly import assemble
from smtpgate.events import Events
from smtpgate.lifecycle import Foundation, Lifecycle
from smtpgate.service import Gateway, StartError, make_gateway
from smtpgate.workers import supervisor
from smtpgate.workers.backoff import Backoff
from smtpgate.workers.supervisor import Supervisor
from tests.support.process import WORKERS, free_ports, smtpgate


class BackoffTests(SynchronousTestCase):
    def test_delays(self) -> None:
        """At once, then ever later, until one lives for a while; each place for itself."""
        backoff = Backoff()
        delays = [backoff.delay(1, 0.1) for _ in range(9)]
        self.assertEqual([0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0], delays)
        self.assertEqual(0.0, backoff.delay(2, 0.1))
        self.assertEqual([0.0, 1.0], [backoff.delay(1, 10.0), backoff.delay(1, 9.9)])


class RefusalTests(TestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        self.file = self.directory / "smtpgate.toml"
        (self.port,) = free_ports(1)
        self.configure(2)
        self.logged: list[str] = []
        self.patch(Lifecycle, "_take_signals", lambda gateway: None)

    def configure(self, workers: int) -> None:
        self.file.write_text(WORKERS.format(workers=workers, port=self.port))

    def events(self) -> Events:
        def observe(event: Any) -> None:
            self.logged.append(formatEvent(event))

        return Events(Logger(namespace="smtpgate", observer=observe))  # type: ignore[arg-type]

    def test_kinds(self) -> None:
        """One worker is the process itself; more have a supervisor."""
        self.assertIsInstance(make_gateway(self.file), Supervisor)
        self.configure(1)
        self.assertIsInstance(make_gateway(self.file), Gateway)

    def test_other_reactors(self) -> None:
        """A reactor that cannot be forked is refused, with a sentence."""
        made = Supervisor(Foundation(self.file, assemble(self.file), MemoryReactorClock()))
        error = self.assertRaises(StartError, made.startService)
        self.assertEqual(
            "workers is 2: that takes the epoll, kqueue, poll or select reactor, and this is "
            "MemoryReactorClock",
            str(error),
        )

    @inlineCallbacks
    def test_no_more_processes(self) -> Any:
        """When not all workers can be made there is no gateway, and no port is taken."""

        def fork(*_: object) -> int:
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))

        self.patch(supervisor, "fork", fork)
        made = Supervisor(Foundation(self.file, assemble(self.file), reactor, self.events()))
        made.privilegedStartService()
        listening = made.ports[0].listening
        error = self.assertRaises(StartError, made.startService)
        self.assertEqual(
            "no more processes can be made: Resource temporarily unavailable", str(error)
        )
        yield listening.deferred
        self.assertFalse(listening.connected)

    @inlineCallbacks
    def test_not_by_reload(self) -> Any:
        """A process that serves does not become a supervisor."""
        self.configure(1)
        made = Gateway(Foundation(self.file, assemble(self.file), reactor, self.events()))
        made.privilegedStartService()
        made.startService()
        self.configure(3)
        yield made.reload()
        self.assertEqual(
            "not reloaded, everything stays as it was:\n"
            "workers is 3, and was 1 at the start: that takes a restart",
            self.logged[-1],
        )
        yield made.stopService()

    def test_exit_code(self) -> None:
        """`smtpgate start` says in one line why there are no workers, and ends with 1."""
        self.configure(2)
        with socket.create_server(("127.0.0.1", self.port)):
            code, _, words = smtpgate("start", "--config", str(self.file))
        self.assertEqual(1, code)
        self.assertEqual(
            f"smtpgate: server in: cannot listen on tcp:{self.port}:interface=127.0.0.1: "
            "Address already in use\n",
            words,
        )
