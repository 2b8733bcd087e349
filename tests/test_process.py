"""The whole product: the plugin as a process, two servers, three ports, other people's clients."""

from __future__ import annotations

import shutil
import signal
import smtplib
import ssl
import subprocess
from pathlib import Path

from twisted.trial.unittest import SkipTest, SynchronousTestCase

from smtpgate.accounts import make_secret, write_account
from tests.support.process import TWISTD, GatewayProcess, free_ports

CONFIG = """\
hostname = "gw.test"
[certificates.default]
self_signed = true
[transports.local]
type = "maildir"
path = "mail"
[users]
file = "users"
[[servers]]
id = "inbound"
transport = "local"
certificate = "default"
listeners = [{{ endpoint = "tcp:{plain}:interface=127.0.0.1" }}]
[servers.hooks]
proxy = {{ script = "proxy.hsl", commands = ["STATUS", "MAIL"] }}
[[servers]]
id = "submission"
transport = "local"
certificate = "default"
listeners = [
  {{ endpoint = "tcp:{starttls}:interface=127.0.0.1" }},
  {{ endpoint = "tcp:{implicit}:interface=127.0.0.1", tls = "implicit" }},
]
auth = {{ mechanisms = ["PLAIN", "LOGIN", "SCRAM-SHA-256"], required = true }}
"""
SCRIPT = """\
if ($command =~ ''/^STATUS$/i'')
    Reply(["server $serverid", "you are $senderip"]);
if ($command == "MAIL FROM: broken@example.org")
    Pass(["command" => "MAIL FROM:<broken@example.org>"]);
"""
MESSAGE = b"Subject: gr\xc3\xbc\xc3\x9fe\r\n\r\n.dot\r\n..\r\n\r\n"
ENVELOPE = ("jo@example.org", ["eva@example.org"])


class ProcessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        (self.directory / "scripts").mkdir(parents=True)
        (self.directory / "scripts/proxy.hsl").write_text(SCRIPT)
        write_account(self.directory / "users", "jo", make_secret("swordfish"))
        self.plain, self.starttls, self.implicit = free_ports(3)
        (self.directory / "smtpgate.toml").write_text(
            CONFIG.format(plain=self.plain, starttls=self.starttls, implicit=self.implicit)
        )
        self.gateway = GatewayProcess(
            [*TWISTD, "-n", "--pidfile=", "smtpgate", "--config", "smtpgate.toml"], self.directory
        )
        self.addCleanup(self.gateway.stop)
        self.gateway.wait_for("server submission is up")
        made = self.directory / "var/certificates/default.cert.pem"
        self.tls = ssl.create_default_context(cafile=str(made))
        # The certificate is for the gateway's name; the tests only know its address.
        self.tls.check_hostname = False

    def stored(self) -> list[tuple[list[str], bytes]]:
        """Each message in the Maildir: its trace header's lines, and what is below them."""
        found = []
        for file in (self.directory / "var/mail/new").iterdir():
            path, _, rest = file.read_bytes().partition(b"\r\n")
            lines = [path.decode()]
            while rest.startswith((b"Received:", b"\t")):
                line, _, rest = rest.partition(b"\r\n")
                lines.append(line.decode())
            found.append((lines, rest))
        return found

    def check(self, protocol: str) -> None:
        """Exactly one message, exactly as it was sent, below the trace header."""
        ((header, octets),) = self.stored()
        self.assertEqual("Return-Path: <jo@example.org>", header[0])
        self.assertTrue(header[1].startswith("Received: from "), header)
        self.assertIn(f"\tby gw.test with {protocol} id ", header[2])
        self.assertEqual(MESSAGE, octets)

    def test_log(self) -> None:
        """The log says which scripts are bound to which server and port."""
        self.assertIn(
            f"server inbound is up on 127.0.0.1:{self.plain} (STARTTLS); transport local; "
            "hooks: proxy proxy.hsl (STATUS MAIL commands)",
            self.gateway.log,
        )
        self.assertIn(
            f"server submission is up on 127.0.0.1:{self.starttls} (STARTTLS), "
            f"127.0.0.1:{self.implicit} (TLS); transport local; "
            "AUTH PLAIN LOGIN SCRAM-SHA-256; no hooks",
            self.gateway.log,
        )

    def test_plain(self) -> None:
        """smtplib in clear."""
        with smtplib.SMTP("127.0.0.1", self.plain, timeout=20) as client:
            client.sendmail(*ENVELOPE, MESSAGE)
        self.check("ESMTP")

    def test_starttls_and_auth(self) -> None:
        """smtplib over STARTTLS, with each of its mechanisms that we have."""
        for mechanism in ("PLAIN", "LOGIN"):
            with smtplib.SMTP("127.0.0.1", self.starttls, timeout=20) as client:
                client.ehlo()
                self.assertFalse(client.has_extn("auth"))
                client.starttls(context=self.tls)
                client.ehlo()
                client.user, client.password = "jo", "swordfish"
                method = getattr(client, f"auth_{mechanism.lower()}")
                self.assertEqual(235, client.auth(mechanism, method)[0])
                client.sendmail(*ENVELOPE, MESSAGE)
            self.check("ESMTPSA")
            for file in (self.directory / "var/mail/new").iterdir():
                file.unlink()

    def test_implicit_tls(self) -> None:
        """smtplib over TLS from the first octet; STARTTLS is not offered inside."""
        with smtplib.SMTP_SSL("127.0.0.1", self.implicit, context=self.tls, timeout=20) as client:
            client.login("jo", "swordfish")
            self.assertFalse(client.has_extn("starttls"))
            client.sendmail(*ENVELOPE, MESSAGE)
        self.check("ESMTPSA")

    def test_wrong_password(self) -> None:
        """A wrong password is refused, and is not in the log."""
        with smtplib.SMTP_SSL("127.0.0.1", self.implicit, context=self.tls, timeout=20) as client:
            error = self.assertRaises(
                smtplib.SMTPAuthenticationError, client.login, "jo", "gr0uper"
            )
            self.assertEqual(535, error.smtp_code)
            self.assertEqual(530, client.mail("jo@example.org")[0])
        self.gateway.wait_for("authentication failed")
        self.assertNotIn("gr0uper", self.gateway.log)
        self.assertNotIn("swordfish", self.gateway.log)

    def test_scripts(self) -> None:
        """The proxy script answers a command of its own, and mends another."""
        with smtplib.SMTP("127.0.0.1", self.plain, timeout=20) as client:
            client.ehlo()
            self.assertEqual(
                (250, b"2.0.0 server inbound\n2.0.0 you are 127.0.0.1"), client.docmd("STATUS")
            )
            self.assertEqual(250, client.docmd("MAIL FROM: broken@example.org")[0])
            self.assertEqual(250, client.rcpt("eva@example.org")[0])
            self.assertEqual(250, client.data(MESSAGE)[0])
        ((header, _),) = self.stored()
        self.assertEqual("Return-Path: <broken@example.org>", header[0])

    def swaks(self, port: int, *options: str) -> str:
        if shutil.which("swaks") is None:
            raise SkipTest("swaks is not installed")
        # A file, because swaks reads line ends of its own into an argument.
        data = self.directory / "message"
        data.write_bytes(MESSAGE.removesuffix(b"\r\n"))
        done = subprocess.run(
            ["swaks", "--server", f"127.0.0.1:{port}", "--from", ENVELOPE[0], "--to",
             ENVELOPE[1][0], "--helo", "me.test", "--data", f"@{data}", "--timeout", "20",
             *options],
            capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
        if "requires Net::SSLeay" in done.stderr + done.stdout:
            raise SkipTest("swaks has no TLS here: libnet-ssleay-perl is not installed")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def swaks_check(self, protocol: str) -> None:
        ((header, octets),) = self.stored()
        self.assertIn(f"\tby gw.test with {protocol} id ", header[2])
        self.assertIn(b"\r\n\r\n.dot\r\n..\r\n", octets)

    def test_swaks_plain(self) -> None:
        """swaks in clear."""
        self.swaks(self.plain)
        self.swaks_check("ESMTP")

    def test_swaks_starttls_and_auth(self) -> None:
        """swaks over STARTTLS, authenticated by PLAIN."""
        self.swaks(self.starttls, "--tls", "--auth", "PLAIN", "-au", "jo", "-ap", "swordfish")
        self.swaks_check("ESMTPSA")

    def test_swaks_implicit_tls(self) -> None:
        """swaks over TLS from the first octet, authenticated by LOGIN."""
        self.swaks(self.implicit, "--tlsc", "--auth", "LOGIN", "-au", "jo", "-ap", "swordfish")
        self.swaks_check("ESMTPSA")

    def test_hangup(self) -> None:
        """SIGHUP: new sessions run the new script, an open one its old one."""
        script = self.directory / "scripts/proxy.hsl"
        with smtplib.SMTP("127.0.0.1", self.plain, timeout=20) as old:
            old.ehlo()
            done = self.gateway.log.count("is loaded again")
            script.write_text(SCRIPT.replace("server $serverid", "new $serverid"))
            self.gateway.process.send_signal(signal.SIGHUP)
            self.gateway.wait_for("is loaded again", done + 1)
            with smtplib.SMTP("127.0.0.1", self.plain, timeout=20) as new:
                new.ehlo()
                self.assertIn(b"new inbound", new.docmd("STATUS")[1])
            self.assertIn(b"server inbound", old.docmd("STATUS")[1])
            script.write_text("$x = ;")
            self.gateway.process.send_signal(signal.SIGHUP)
            self.gateway.wait_for("not reloaded")
            self.gateway.wait_for(f"{script}:1:6: ")
            script.write_text(SCRIPT)
            self.gateway.process.send_signal(signal.SIGHUP)
            self.gateway.wait_for("is loaded again", done + 2)


class StopTests(SynchronousTestCase):
    def start(self, command: list[str]) -> GatewayProcess:
        self.directory = Path(self.mktemp()).absolute()
        self.directory.mkdir()
        (port,) = free_ports(1)
        self.port = port
        (self.directory / "smtpgate.toml").write_text(
            '[transports.local]\ntype = "discard"\n[[servers]]\nid = "in"\ntransport = "local"\n'
            f'listeners = [{{ endpoint = "tcp:{port}:interface=127.0.0.1" }}]\n'
        )
        gateway = GatewayProcess(command, self.directory)
        self.addCleanup(gateway.process.kill)
        gateway.wait_for("server in is up")
        return gateway

    def test_twistd(self) -> None:
        """SIGTERM ends twistd with 0, and a waiting session with 421."""
        gateway = self.start([*TWISTD, "-n", "--pidfile=", "smtpgate", "--config", "smtpgate.toml"])
        client = smtplib.SMTP("127.0.0.1", self.port, timeout=20)
        self.assertEqual(0, gateway.stop())
        self.assertEqual(421, client.getreply()[0])
        client.close()

    def test_start(self) -> None:
        """`smtpgate start` is the same."""
        from tests.support.process import SMTPGATE

        gateway = self.start([*SMTPGATE, "start", "--config", "smtpgate.toml"])
        self.assertEqual(0, gateway.stop())
        self.assertIn("stopped", gateway.log)
