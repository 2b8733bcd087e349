"""Postfix, Exim and Dovecot, started by tests on the loopback, each with its own configuration.

They need root, and the Debian packages ``postfix``, ``exim4-daemon-light`` and ``dovecot-lmtpd``.
Postfix and Exim cannot be installed together; the environment variable ``SMTPGATE_EXIM`` names an
Exim that was unpacked somewhere.  What is not there is skipped.
"""

from __future__ import annotations

import atexit
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

KNOWN = ("b", "c", "d")
NOBODY = 65534


def free_port():
    """A port of the loopback that nobody listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Server:
    """A mail server as a child process.  ``why`` says why it cannot be started here, if so."""

    program = ""

    def __init__(self):
        self.directory = Path(tempfile.mkdtemp(prefix="smtpgate-mta-"))
        self.directory.chmod(0o755)
        self.port = free_port()
        self.mail = self.directory / "mail"
        self.mail.mkdir()
        os.chown(self.mail, NOBODY, NOBODY)
        self.process = None

    @classmethod
    def why(cls):
        if os.geteuid() != 0:
            return "mail servers are started as root"
        return None if cls.found() else f"{cls.program} is not installed"

    @classmethod
    def found(cls):
        return shutil.which(cls.program, path=f"{os.environ['PATH']}:/usr/sbin")

    def write(self, name, text):
        file = self.directory / name
        file.write_text(text)
        return file

    def run(self, *command):
        """Start it, and wait until it takes connections."""
        output = (self.directory / "output").open("wb")
        self.process = subprocess.Popen(
            command, stdout=output, stderr=output, stdin=subprocess.DEVNULL
        )
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", self.port), 1) as probe:
                    probe.recv(1)
                    return self
            except OSError:
                time.sleep(0.1)
                if self.process.poll() is not None:
                    break
        raise AssertionError(f"{self.program} does not start: {self.said()}")

    def said(self):
        """What it has to say about itself."""
        files = [self.directory / "output", *self.directory.glob("*log")]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(30)
        shutil.rmtree(self.directory, ignore_errors=True)

    def messages(self):
        """All messages that were delivered, octets as they are on the disk."""
        return [file.read_bytes() for file in sorted(self.mail.glob("**/new/*"))]


_running = {}


def running(kind):
    """The one server of a kind, started when it is first asked for, stopped at the end of all."""
    if kind not in _running:
        server = kind()
        atexit.register(server.stop)
        _running[kind] = server
        server.start()
    return _running[kind]


class Postfix(Server):
    """Takes mail for three mailboxes of example.net, into Maildirs."""

    program = "postfix"

    def start(self):
        configuration = self.directory / "etc"
        configuration.mkdir()
        for name in ("queue", "data"):
            (self.directory / name).mkdir()
        shutil.chown(self.directory / "data", "postfix")
        mailboxes = ", ".join(f"{{ {name}@example.net = {name}/ }}" for name in KNOWN)
        log = self.directory / "mail.log"
        self.write(
            "etc/main.cf",
            f"""
compatibility_level = 3.6
myhostname = postfix.example.net
mydestination =
queue_directory = {self.directory}/queue
data_directory = {self.directory}/data
maillog_file = {log}
maillog_file_prefixes = {self.directory}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_auth_destination, reject
smtpd_recipient_restrictions = reject_unlisted_recipient, check_client_access
  inline:{{ {{ 192.0.2.66 = REJECT this client is known }} }}, permit
smtpd_authorized_xclient_hosts = 127.0.0.0/8
smtpd_authorized_xforward_hosts = 127.0.0.0/8
smtputf8_enable = yes
strict_smtputf8 = no
message_size_limit = 100000000
virtual_mailbox_limit = 0
virtual_mailbox_domains = example.net
virtual_mailbox_base = {self.mail}
virtual_mailbox_maps = inline:{{ {mailboxes} }}
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
virtual_minimum_uid = 1
""",
        )
        services = """
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""
        self.write("etc/master.cf", f"127.0.0.1:{self.port} inet n - n - - smtpd{services}")
        self.configuration = configuration
        return self.run("postfix", "-c", str(configuration), "start-fg")

    def stop(self):
        subprocess.run(
            ["postfix", "-c", str(self.configuration), "abort"], capture_output=True, check=False
        )
        super().stop()


class Exim(Server):
    """Takes mail for the same mailboxes."""

    program = "exim4"

    @classmethod
    def found(cls):
        program = os.environ.get("SMTPGATE_EXIM") or super().found()
        try:
            pwd.getpwnam("Debian-exim")  # it is built in
        except KeyError:
            return None
        return program

    def start(self):
        spool = self.directory / "spool"
        spool.mkdir()
        for directory in (spool, self.mail):
            shutil.chown(directory, "Debian-exim", "Debian-exim")
        file = self.write(
            "exim.conf",
            f"""
primary_hostname = exim.example.net
exim_path = {self.found()}
spool_directory = {spool}
log_file_path = {spool}/%slog
pid_file_path = {spool}/pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {self.port}
message_size_limit = 100M
accept_8bitmime = true
smtputf8_advertise_hosts = *
rfc1413_query_timeout = 0s
host_lookup =
deliver_drop_privilege
smtp_accept_queue_per_connection = 0
domainlist local_domains = example.net
acl_smtp_rcpt = check_recipient

begin acl
check_recipient:
  deny domains = ! +local_domains
       message = relay not permitted
  deny ! verify = recipient
       message = unknown user
  accept

begin routers
known:
  driver = accept
  domains = +local_domains
  local_parts = {" : ".join(KNOWN)}
  transport = maildir

begin transports
maildir:
  driver = appendfile
  directory = {self.mail}/$local_part_data
  maildir_format
  create_directory
""",
        )
        return self.run(self.found(), "-C", str(file), "-bdf")


class Dovecot(Server):
    """Takes mail by LMTP for the same mailboxes; that of ``d`` is full."""

    program = "dovecot"

    def start(self):
        users = "".join(
            f"{name}@example.net:{{PLAIN}}x:{NOBODY}:{NOBODY}::{self.mail}/{name}::"
            f"{'userdb_quota_rule=*:bytes=10' if name == 'd' else ''}\n"
            for name in KNOWN
        )
        self.write("users", users)
        file = self.write(
            "dovecot.conf",
            f"""
base_dir = {self.directory}/run
state_dir = {self.directory}/state
log_path = {self.directory}/dovecot.log
protocols = lmtp
ssl = no
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_plugins = quota
plugin {{
  quota = maildir:User quota
  quota_exceeded_message = Quota exceeded (mailbox is full)
}}
passdb {{
  driver = passwd-file
  args = {self.directory}/users
}}
userdb {{
  driver = passwd-file
  args = {self.directory}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {self.port}
  }}
}}
service stats {{
  chroot =
}}
""",
        )
        return self.run("dovecot", "-F", "-c", str(file))
