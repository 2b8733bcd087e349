"""Reloading certificates in a running process, by SIGHUP, under sessions that stay."""

from __future__ import annotations

import shutil
import signal
import smtplib
import ssl
from pathlib import Path
from tempfile import mkdtemp

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.tls import self_signed
from tests.support.process import SMTPGATE, GatewayProcess, free_ports

CONFIG = """\
hostname = "gw.test"
[certificates.default]
certificate = "cert.pem"
private_key = "key.pem"
[transports.local]
type = "maildir"
path = "mail"
[[servers]]
id = "in"
transport = "local"
certificate = "default"
listeners = [
  {{ endpoint = "tcp:{starttls}:interface=127.0.0.1" }},
  {{ endpoint = "tcp:{implicit}:interface=127.0.0.1", tls = "implicit" }},
]
"""


class ReloadTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(mkdtemp(prefix="smtpgate"))
        self.addCleanup(shutil.rmtree, self.directory)
        self.starttls, self.implicit = free_ports(2)
        (self.directory / "smtpgate.toml").write_text(
            CONFIG.format(starttls=self.starttls, implicit=self.implicit)
        )
        self.first = self.install("first")
        self.gateway = GatewayProcess(
            [*SMTPGATE, "start", "--config", "smtpgate.toml"], self.directory
        )
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_for("server in is up")

    def install(self, name: str) -> bytes:
        """Put another certificate where the configuration says; gives it as DER."""
        certificate, key, _ = self_signed(self.directory / "made", name, "gw.test")
        shutil.copy(certificate, self.directory / "cert.pem")
        shutil.copy(key, self.directory / "key.pem")
        return ssl.PEM_cert_to_DER_cert(certificate.read_text())

    def hang_up(self, words: str = "is loaded again") -> None:
        times = self.gateway.log.count(words) + 1
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_for(words, times)

    def context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context

    def secure(self) -> smtplib.SMTP_SSL:
        client = smtplib.SMTP_SSL("127.0.0.1", self.implicit, context=self.context(), timeout=20)
        self.addCleanup(client.close)
        return client

    def plain(self) -> smtplib.SMTP:
        client = smtplib.SMTP("127.0.0.1", self.starttls, timeout=20)
        self.addCleanup(client.close)
        client.ehlo()
        return client

    def shown(self, client: smtplib.SMTP) -> bytes:
        """The certificate that a client was shown."""
        assert isinstance(client.sock, ssl.SSLSocket)
        certificate = client.sock.getpeercert(binary_form=True)
        assert certificate is not None
        return certificate

    def test_certificate(self) -> None:
        """New sessions get the new one; in open ones a message goes on as if nothing were."""
        inside, waiting, busy = self.secure(), self.plain(), self.plain()
        busy.mail("jo@example.org")
        busy.rcpt("eva@example.org")
        self.assertEqual(354, busy.docmd("DATA")[0])
        busy.send("Subject: before\r\n")
        self.assertEqual(self.first, self.shown(inside))

        second = self.install("second")
        self.hang_up()
        self.assertEqual(second, self.shown(self.secure()))
        fresh = self.plain()
        fresh.starttls(context=self.context())
        self.assertEqual(second, self.shown(fresh))

        inside.sendmail("jo@example.org", ["eva@example.org"], "Subject: inside\r\n\r\nx\r\n")
        busy.send("Subject: and after\r\n.\r\n")
        self.assertEqual(250, busy.getreply()[0])
        # A session keeps the configuration that it began with, its certificate too.
        waiting.starttls(context=self.context())
        self.assertEqual(self.first, self.shown(waiting))
        waiting.ehlo()
        self.assertEqual(250, waiting.noop()[0])
        self.assertEqual(2, len(list((self.directory / "var/mail/new").iterdir())))

    def test_bad_certificate(self) -> None:
        """One that does not fit its key changes nothing, and the log says so."""
        inside = self.secure()
        certificate, _, _ = self_signed(self.directory / "made", "other", "gw.test")
        shutil.copy(certificate, self.directory / "cert.pem")
        self.hang_up("not reloaded, everything stays as it was")
        self.gateway.wait_for("key.pem is not the key of ")
        self.assertEqual(250, inside.noop()[0])
        self.assertEqual(self.first, self.shown(self.secure()))

    def test_many(self) -> None:
        """A hundred reloads under an open session: it lives, and memory does not grow with them."""
        inside = self.secure()

        def resident() -> int:
            status = Path(f"/proc/{self.gateway.process.pid}/status").read_text()
            return int(status.partition("VmRSS:")[2].split()[0])

        for _ in range(30):
            self.hang_up()
        before = resident()
        for _ in range(70):
            self.hang_up()
        self.assertEqual(250, inside.noop()[0])
        self.assertLess(resident() - before, 3000, "kilobytes")
