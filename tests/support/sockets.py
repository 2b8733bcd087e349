"""Sessions over real sockets: a server on a port of its own, clients in threads."""

from __future__ import annotations

import ssl
import tempfile
from collections.abc import Callable
from typing import Any

from scramp import ScramMechanism
from twisted.internet import defer, reactor, task
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from smtpgate.smtp.factory import SMTPFactory
from smtpgate.smtp.server import Listener, Server
from smtpgate.smtp.server.credentials import ScramKeys
from smtpgate.smtp.server.policy import Policy
from smtpgate.smtp.session import ServerSettings
from tests.support.certificates import authority, issued, server_options
from tests.support.smtp import RecordingObserver, RecordingTransport, portal


class Directory:
    """Knows the SCRAM keys of one user."""

    scram_iterations = 4096
    scram_decoy_key = bytes(32)

    def __init__(self, name: str, password: str) -> None:
        self.name = name
        salt, stored, server, count = ScramMechanism("SCRAM-SHA-256").make_auth_info(password)
        self.keys = ScramKeys(salt, count, stored, server)

    def scram_keys(self, username: str) -> Any:
        return task.deferLater(reactor, 0, lambda: self.keys if username == self.name else None)


class SocketTestCase(TestCase):
    """A server on a port of its own."""

    timeout = 20

    def serve(
        self, listener: Listener | None = None, policy: Policy | None = None, **settings: Any
    ) -> int:
        self.transport = RecordingTransport(reactor)
        self.observer = RecordingObserver()
        settings.setdefault("tls", server_options())
        settings.setdefault("mechanisms", ("PLAIN", "LOGIN", "SCRAM-SHA-256", "EXTERNAL"))
        self.server = Server(
            ServerSettings("test", "gw.example.org", "local", **settings),
            {"local": self.transport},
            reactor,
            policy=policy or Policy(),
            portal=portal(joe="secret"),
            scram=Directory("joe", "secret"),
            observer=self.observer,
        )
        self.factory = SMTPFactory(self.server, listener)
        port = reactor.listenTCP(0, self.factory, interface="127.0.0.1")
        self.addCleanup(self.stop, port)
        return port.getHost().port

    @defer.inlineCallbacks
    def stop(self, port: Any) -> Any:
        yield port.stopListening()
        for session in list(self.factory.sessions):
            session.cut()
        yield self.factory.sessions.emptied()

    def client_context(self, *person: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cadata=authority().certificate.decode())
        if person:
            pair = issued(*person)
            with tempfile.NamedTemporaryFile() as file:
                file.write(pair.certificate + pair.key)
                file.flush()
                context.load_cert_chain(file.name)
        return context

    def in_thread(self, work: Callable[[], Any]) -> Any:
        return deferToThread(work)
