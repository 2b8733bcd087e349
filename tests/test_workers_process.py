"""A gateway of several processes: real ones, with real clients, kills and signals."""

from __future__ import annotations

import os
import re
import select
import signal
import smtplib
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.process import ROOT, SMTPGATE, TWISTD, GatewayProcess, environment, free_ports

CONFIG = """\
hostname = "gw.test"
workers = {workers}
[certificates.default]
self_signed = true
[transports.local]
type = "maildir"
path = "mail"
[[servers]]
id = "in"
transport = "local"
certificate = "default"
listeners = [{{ endpoint = "tcp:{port}:interface=127.0.0.1" }}{more}]
[servers.hooks]
proxy = "proxy.hsl"
[servers.limits]
close_timeout = 0.3
{limits}
"""
SCRIPT = """\
if ($command == "COUNT")
    Reply(string(memory_inc("count")));
if ($command == "RATE")
    Reply(rate("commands", "all", 5, 3600) ? "yes" : "no");
if ($command == "LARGE") {
    memory_store("large", str_repeat("0123456789", 30000));
    Reply("stored");
}
if ($command == "LENGTH")
    Reply(string(length(memory_fetch("large"))));
if ($command == "HOLD") {
    barrier "door" {
        echo "inside";
        sleep(20);
    }
}
if ($command == "ENTER") {
    barrier "door" {
        Reply("entered");
    }
}
function slow($x) {
    echo "working";
    sleep(0.2);
    return uuid();
}
if ($command == "CACHE")
    Reply(cache ["ttl" => 60] slow(1));
if ($command == "SPIN") {
    echo "spinning";
    sleep(20);
}
"""


class _WorkersTests(SynchronousTestCase):
    workers = 3
    limits = ""
    more = ""
    command = [*SMTPGATE, "start"]

    def setUp(self) -> None:
        self.directory = Path(self.mktemp()).absolute()
        (self.directory / "scripts").mkdir(parents=True)
        (self.directory / "scripts/proxy.hsl").write_text(SCRIPT)
        (self.port,) = free_ports(1)
        self.configure()
        self.clients: list[smtplib.SMTP] = []
        self.gateway = GatewayProcess([*self.command, "--config", "smtpgate.toml"], self.directory)
        self.addCleanup(self._clean)
        self.gateway.wait_for("server in is up")

    def _clean(self) -> None:
        for client in self.clients:
            client.close()
        if self.gateway.process.poll() is None:
            self.gateway.stop()
        else:
            self.gateway.process.stdout.close()

    def configure(self, **changes: object) -> None:
        values = {
            "workers": self.workers, "port": self.port, "limits": self.limits, "more": self.more,
            **changes,
        }  # fmt: skip
        (self.directory / "smtpgate.toml").write_text(CONFIG.format(**values))

    def pids(self) -> list[int]:
        """The workers' processes."""
        pid = self.gateway.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        return [int(child) for child in children.split()]

    def client(self) -> smtplib.SMTP:
        client = smtplib.SMTP("127.0.0.1", self.port, timeout=20)
        self.clients.append(client)
        client.ehlo("me.test")
        return client

    def worker_of(self, client: smtplib.SMTP) -> int:
        """Which worker serves a client."""
        sock = client.sock
        assert sock is not None
        mine, theirs = sock.getsockname()[1], sock.getpeername()[1]
        for pid in self.pids():
            inodes = {
                os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()
            }
            for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
                fields = line.split()
                local, remote = (int(field.rpartition(":")[2], 16) for field in fields[1:3])
                if (local, remote) == (theirs, mine) and f"socket:[{fields[9]}]" in inodes:
                    return pid
        raise AssertionError("no worker has this client")

    def everywhere(self) -> list[smtplib.SMTP]:
        """A client at each worker."""
        found: dict[int, smtplib.SMTP] = {}
        for _ in range(200):
            client = self.client()
            found.setdefault(self.worker_of(client), client)
            if len(found) == self.workers:
                return list(found.values())
        raise AssertionError("a worker gets no clients")


class SharedTests(_WorkersTests):
    """What sessions share, they share across processes."""

    def test_shared(self) -> None:
        """Memory of any size, rates, the cache and barriers are the same in all workers."""
        clients = self.everywhere()
        counts = [client.docmd("COUNT")[1] for client in clients * 2]
        self.assertEqual([b"2.0.0 %d" % number for number in range(1, 7)], counts)
        rates = [client.docmd("RATE")[1] for client in clients * 2]
        self.assertEqual([b"2.0.0 yes"] * 5 + [b"2.0.0 no"], rates)
        clients[0].docmd("LARGE")
        lengths = {client.docmd("LENGTH")[1] for client in clients}
        self.assertEqual({b"2.0.0 300000"}, lengths)
        with ThreadPoolExecutor(3) as pool:
            cached = {words for _, words in pool.map(lambda each: each.docmd("CACHE"), clients)}
        self.assertEqual(1, len(cached))
        self.assertEqual(1, self.gateway.log.count("working"))
        holder, waiting, _ = clients
        holder.putcmd("HOLD")
        self.gateway.wait_for("inside")
        waiting.putcmd("ENTER")
        holder.close()
        self.assertEqual((250, b"2.0.0 entered"), waiting.getreply())

    def test_crash(self) -> None:
        """A worker that dies takes its own sessions along, and nothing else."""
        holder, waiting, other = self.everywhere()
        holder.putcmd("HOLD")
        self.gateway.wait_for("inside")
        waiting.putcmd("ENTER")
        before = self.pids()
        victim = self.worker_of(holder)
        os.kill(victim, signal.SIGKILL)
        self.assertEqual((250, b"2.0.0 entered"), waiting.getreply())
        self.gateway.wait_for(
            f"(process {victim}) was killed by SIGKILL; another takes its place at once"
        )
        self.assertRaises(smtplib.SMTPServerDisconnected, holder.getreply)
        self.assertEqual((250, b"2.0.0 1"), other.docmd("COUNT"))
        self.everywhere()
        self.assertEqual(set(before) - {victim}, set(before) & set(self.pids()))

    def test_balance(self) -> None:
        """All workers get clients."""
        self.assertEqual(3, len(self.everywhere()))


class ExampleTests(_WorkersTests):
    """An example script, with more than one process."""

    def setUp(self) -> None:
        script = (ROOT / "etc/scripts/rcptto/greylisting.hsl").read_text()
        self.script = script.replace("$wait = 60;", "$wait = 2;")
        super().setUp()

    def configure(self, **changes: object) -> None:
        super().configure(**changes)
        (self.directory / "scripts/greylisting.hsl").write_text(self.script)
        file = self.directory / "smtpgate.toml"
        file.write_text(
            file.read_text().replace(
                "[servers.hooks]", '[servers.hooks]\nrcptto = "greylisting.hsl"'
            )
        )

    def test_greylisting(self) -> None:
        """Whom one worker has asked to come again the others know."""

        def ask(client: smtplib.SMTP) -> tuple[int, bytes]:
            return client.docmd("RCPT TO:<eva@example.org>")

        clients = self.everywhere()
        for client in clients:
            client.docmd("MAIL FROM:<jo@example.org>")
        first, *others = (ask(client)[1] for client in clients)
        self.assertIn(b"I do not know you yet", first)
        for words in others:
            self.assertIn(b"It is too early", words)
        until = time.monotonic() + 20
        while (answer := ask(clients[1]))[0] == 451 and time.monotonic() < until:
            self.assertIn(b"It is too early", answer[1])
        self.assertEqual([250, 250, 250], [answer[0], *(ask(client)[0] for client in clients[1:])])


class LoadTests(_WorkersTests):
    """Under load."""

    def send(self, number: int) -> list[str]:
        """Messages one after the other, each in a session of its own; gives those with a 250."""
        accepted = []
        for each in range(20):
            subject = f"{number}-{each}"
            try:
                with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
                    client.sendmail("a@b.test", ["c@d.test"], f"Subject: {subject}\r\n\r\nhi\r\n")
                    accepted.append(subject)
            except (smtplib.SMTPException, ConnectionResetError, BrokenPipeError):
                continue  # its worker has died; a refused connection would be an error
        return accepted

    def stored(self) -> list[str]:
        files = (self.directory / "var/mail/new").iterdir()
        return sorted(re.findall(r"Subject: (.*)", file.read_text())[0] for file in files)

    def test_crashes(self) -> None:
        """Workers die, others take their places, and no message with a 250 is lost."""
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(self.send, number) for number in range(4)]
            for times in (1, 2, 3):
                self.gateway.wait_for("accepted", times * 15)
                os.kill(self.pids()[0], signal.SIGKILL)
                self.gateway.wait_for("another takes its place", times)
            accepted = [subject for each in sent for subject in each.result()]
        self.assertEqual(set(), set(accepted) - set(self.stored()))
        self.assertLess(60, len(accepted))

    def test_reloads(self) -> None:
        """A reload costs no session anything, whatever it is doing."""
        with ThreadPoolExecutor(4) as pool:
            sent = [pool.submit(self.send, number) for number in range(4)]
            for times in (1, 2, 3):
                self.gateway.wait_for("accepted", times * 15)
                self.gateway.process.send_signal(signal.SIGHUP)
                self.gateway.wait_for("is loaded again", times)
            accepted = [subject for each in sent for subject in each.result()]
        self.assertEqual(80, len(accepted))
        self.assertEqual(sorted(accepted), self.stored())


class LimitTests(_WorkersTests):
    limits = "connections = 4\nconnections_per_address = 3"

    def banner(self) -> tuple[socket.socket, bytes]:
        client = socket.create_connection(("127.0.0.1", self.port), 20)
        self.addCleanup(client.close)
        return client, client.recv(200)[:3]

    def test_limits(self) -> None:
        """So many connections, of one address so many, whichever workers have them."""
        found = [self.banner() for _ in range(4)]
        self.assertEqual([b"220", b"220", b"220", b"421"], [code for _, code in found])
        self.gateway.wait_for("too many connections of the address")
        found[0][0].sendall(b"QUIT\r\n")
        while found[0][0].recv(100):
            pass
        # Its end is heard by the supervisor a little later than by us.
        for _ in range(100):
            if self.banner()[1] == b"220":
                break
        else:
            raise AssertionError("a place that is free cannot be taken")


class LifeTests(_WorkersTests):
    """Reload and stop."""

    def message(self, client: smtplib.SMTP) -> None:
        """Begin a message, and leave it in the middle."""
        for command in ("MAIL FROM:<a@b.test>", "RCPT TO:<c@d.test>", "DATA"):
            client.docmd(command)
        client.send(b"Subject: x\r\n\r\nhel")

    def test_reload(self) -> None:
        """New sessions follow the new configuration, on old and new ports; an open one does not."""
        (new,) = free_ports(1)
        old = self.everywhere()
        before = set(self.pids())
        text = SCRIPT.replace('Reply(string(memory_inc("count")))', 'Reply("new")')
        (self.directory / "scripts/proxy.hsl").write_text(text)
        self.configure(more=f', {{ endpoint = "tcp:{new}:interface=127.0.0.1" }}', workers=2)
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_for("is loaded again; new sessions follow it")
        self.gateway.wait_for(f"127.0.0.1:{new} (STARTTLS)")
        for _ in range(4):
            self.assertEqual((250, b"2.0.0 new"), self.client().docmd("COUNT"))
        with smtplib.SMTP("127.0.0.1", new, timeout=20) as client:
            self.assertEqual((250, b"2.0.0 new"), client.docmd("COUNT"))
        counts = [client.docmd("COUNT")[1] for client in old]
        self.assertEqual([b"2.0.0 1", b"2.0.0 2", b"2.0.0 3"], counts)
        # Who has no session any more ends.
        pidfds = [os.pidfd_open(pid) for pid in before]
        for client in self.clients[:]:
            client.quit()
        for pidfd in pidfds:
            _wait(pidfd)
        self.configure(workers=2)
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_for(f"server in no longer listens on tcp:{new}")
        self.assertRaises(ConnectionRefusedError, socket.create_connection, ("127.0.0.1", new), 9)

    def test_reload_with_errors(self) -> None:
        """Errors in scripts, and ports that are taken, change nothing in any worker."""
        before = self.pids()
        (self.directory / "scripts/proxy.hsl").write_text("$x = ;")
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_for("not reloaded, everything stays as it was")
        # The script is broken; a worker that is replaced now is like its neighbours.
        os.kill(before[0], signal.SIGKILL)
        self.gateway.wait_for("another takes its place")
        (self.directory / "scripts/proxy.hsl").write_text("")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            number = taken.getsockname()[1]
            self.configure(more=f', {{ endpoint = "tcp:{number}:interface=127.0.0.1" }}')
            self.gateway.process.send_signal(signal.SIGHUP)
            self.gateway.wait_for("Address already in use")
        clients = self.everywhere()
        self.assertEqual({250}, {client.docmd("COUNT")[0] for client in clients})
        self.assertEqual(set(before[1:]), set(before) & set(self.pids()))

    def test_reload_moves_a_port(self) -> None:
        """A port whose description changes is given up by all, and taken again; or back."""
        with socket.create_server(("127.0.0.2", 0)) as other:
            number = other.getsockname()[1]
            self.configure(port=number)
            self.gateway.process.send_signal(signal.SIGHUP)
            self.gateway.wait_for("is loaded again")
            text = (self.directory / "smtpgate.toml").read_text()
            (self.directory / "smtpgate.toml").write_text(
                text.replace("127.0.0.1", "0.0.0.0").replace("gw.test", "new.test")
            )
            self.gateway.process.send_signal(signal.SIGHUP)
            self.gateway.wait_for("Address already in use")
            with smtplib.SMTP("127.0.0.1", number, timeout=20) as client:
                self.assertTrue(client.ehlo("me")[1].startswith(b"gw.test"))
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_for("is loaded again", 2)
        with smtplib.SMTP("127.0.0.1", number, timeout=20) as client:
            self.assertTrue(client.ehlo("me")[1].startswith(b"new.test"))

    def test_stop(self) -> None:
        """Sessions that wait get 421 in all workers, messages under way are finished, exit 0."""
        idle, busy, waiting = self.everywhere()
        self.message(busy)
        waiting.putcmd("SPIN")
        self.gateway.wait_for("spinning")
        self.gateway.process.terminate()
        self.assertEqual(421, idle.getreply()[0])
        self.assertEqual(421, waiting.getreply()[0])
        busy.send(b"lo\r\n.\r\n")
        self.assertEqual([250, 421], [busy.getreply()[0], busy.getreply()[0]])
        self.assertEqual(0, self.gateway.process.wait(30))
        self.gateway.wait_for("stopping, ")
        (file,) = (self.directory / "var/mail/new").iterdir()
        self.assertTrue(file.read_bytes().endswith(b"Subject: x\r\n\r\nhello\r\n"))
        self.assertRaises(
            ConnectionRefusedError, socket.create_connection, ("127.0.0.1", self.port), 9
        )

    def test_stop_retired(self) -> None:
        """A message that was begun before a reload is finished at the end too."""
        busy = self.client()
        self.message(busy)
        self.gateway.process.send_signal(signal.SIGHUP)
        self.gateway.wait_for("is loaded again")
        self.gateway.process.terminate()
        self.gateway.wait_for("stopping, 1 sessions are open")
        busy.send(b"lo\r\n.\r\n")
        self.assertEqual(250, busy.getreply()[0])
        self.assertEqual(0, self.gateway.process.wait(30))

    def test_without_supervisor(self) -> None:
        """Workers do not outlive their supervisor, but for messages under way."""
        idle, busy, _ = self.everywhere()
        self.message(busy)
        pidfds = [os.pidfd_open(pid) for pid in self.pids()]
        self.gateway.process.kill()
        self.assertEqual(421, idle.getreply()[0])
        busy.send(b"lo\r\n.\r\n")
        self.assertEqual(250, busy.getreply()[0])
        for pidfd in pidfds:
            _wait(pidfd)
        self.assertRaises(
            ConnectionRefusedError, socket.create_connection, ("127.0.0.1", self.port), 9
        )

    def test_worker_is_told_to_end(self) -> None:
        """SIGTERM to a worker: it finishes what it is doing, and another takes its place."""
        busy = self.client()
        self.message(busy)
        pid = self.worker_of(busy)
        os.kill(pid, signal.SIGTERM)
        busy.send(b"lo\r\n.\r\n")
        self.assertEqual(250, busy.getreply()[0])
        self.gateway.wait_for(f"(process {pid}) has ended with exit code 0; another takes")
        self.everywhere()


class TwistdTests(_WorkersTests):
    """The same by twistd, in the foreground."""

    command = [*TWISTD, "-n", "--pidfile=", "smtpgate"]

    def test_stop(self) -> None:
        """SIGTERM ends all with 0."""
        clients = self.everywhere()
        self.assertEqual(0, self.gateway.stop())
        self.assertEqual({421}, {client.getreply()[0] for client in clients})


class DaemonTests(SynchronousTestCase):
    """twistd in the background: a pid file, and a log that rotates."""

    def test_daemon(self) -> None:
        """One log, also when it is rotated, with whole lines of all processes."""
        directory = Path(self.mktemp()).absolute()
        (directory / "scripts").mkdir(parents=True)
        (directory / "scripts/proxy.hsl").write_text("")
        (port,) = free_ports(1)
        unix = f', {{ endpoint = "unix:{directory}/s:mode=600" }}'
        (directory / "smtpgate.toml").write_text(
            CONFIG.format(workers=2, port=port, limits="", more=unix)
        )
        subprocess.run(
            [*TWISTD, "--logfile", "gate.log", "--pidfile", "gate.pid", "smtpgate", "--config",
             "smtpgate.toml"],
            cwd=directory, env=environment(), check=True, timeout=60,
        )  # fmt: skip
        pid = int((directory / "gate.pid").read_text())
        pidfd = os.pidfd_open(pid)
        try:
            for number in range(10):
                with smtplib.SMTP("127.0.0.1", port, timeout=20) as client:
                    client.ehlo("me")
                if number == 4:
                    os.kill(pid, signal.SIGUSR1)
            with socket.socket(socket.AF_UNIX) as local:
                local.connect(str(directory / "s"))
                self.assertEqual(b"220", local.recv(100)[:3])
            self.assertEqual(0o600, (directory / "s").stat().st_mode & 0o777)
        finally:
            os.kill(pid, signal.SIGTERM)
            _wait(pidfd)
        self.assertFalse((directory / "gate.pid").exists())
        self.assertFalse((directory / "s").exists())
        logs = [(directory / name).read_text() for name in ("gate.log.1", "gate.log")]
        lines = "".join(logs).splitlines()
        self.assertEqual(10, sum("127.0.0.1:" in line and ": quit" in line for line in lines))
        self.assertEqual([], [line for line in lines if not re.match(r"\d{4}-|\t", line)])
        self.assertIn(": quit", logs[1])


def _wait(pidfd: int) -> None:
    """Until a process has ended."""
    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    assert poll.poll(30_000), "the process goes on"
    os.close(pidfd)
