"""What a start imports: nothing that its configuration and its scripts do not use.

Time would say so too, on some machines and on some days.
"""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.support.process import GatewayProcess, environment

PLAIN = """\
hostname = "gw.test"
[certificates.default]
self_signed = true
[transports.local]
type = "maildir"
path = "mail"
[[servers]]
id = "inbound"
transport = "local"
certificate = "default"
listeners = [{ endpoint = "tcp:0:interface=127.0.0.1" }]
hooks = { proxy = "proxy.hsl" }
"""
RICH = """\
[transports.next]
type = "smtp"
hosts = ["127.0.0.1:2526"]
[users]
file = "users"
"""
#: Starts the gateway, and says in the end what has been imported.
START = """\
import json, sys
from smtpgate.cli.main import main
main(["start", "--config", "smtpgate.toml"])
print("modules", json.dumps(sorted(sys.modules)), flush=True)
"""

#: Other people's packages that cost milliseconds, or tens of them, and who needs them.
HEAVY = {
    "argon2": "accounts",
    "asn1crypto": "scramp",
    "dns": "spf",
    "hyperlink": "http()",
    "prompt_toolkit": "smtpgate repl",
    "scramp": "SCRAM",
    "spf": "spf_query()",
    "treq": "http()",
    "twisted.names": "dns_query(), next hops by MX",
    "twisted.web": "http()",
}
#: Rooms and files of ours likewise.
OWN = {
    "smtpgate.accounts": "accounts",
    "smtpgate.cli.check": "smtpgate check",
    "smtpgate.cli.repl": "smtpgate repl",
    "smtpgate.config.descriptions": "the documentation",
    "smtpgate.hsl.library.crypto": "hash()",
    "smtpgate.hsl.library.dns": "dns_query()",
    "smtpgate.hsl.library.http": "http()",
    "smtpgate.hsl.library.mime": "MIME",
    "smtpgate.hsl.library.protocols": "LDAP",
    "smtpgate.relaying": "relays",
    "smtpgate.smtp.authentication.scram": "SCRAM",
    "smtpgate.transports.relay": "relays",
}


class StartTests(SynchronousTestCase):
    """``smtpgate start``, as a process."""

    def imported(self, configuration: str, script: str) -> set[str]:
        """What is there when a gateway has been up."""
        directory = Path(self.mktemp()).absolute()
        (directory / "scripts").mkdir(parents=True)
        (directory / "scripts/proxy.hsl").write_text(script)
        (directory / "users").touch()
        (directory / "smtpgate.toml").write_text(configuration)
        gateway = GatewayProcess([sys.executable, "-c", START], directory)
        try:
            gateway.wait_for("server inbound is up")
        finally:
            gateway.stop()
        found = gateway.log.partition("modules ")[2]
        return set(json.loads(found))

    def test_plain(self) -> None:
        """Maildir, STARTTLS and a proxy script take none of the heavy packages."""
        imported = self.imported(PLAIN, 'if (str_find($command, "VRFY") == 0) Reply("no");')
        self.assertEqual(set(), imported & (HEAVY.keys() | OWN.keys()))
        self.assertIn("smtpgate.hsl.library.string", imported)

    def test_what_is_used(self) -> None:
        """A relay, accounts and a function's name bring theirs, and no more."""
        imported = self.imported(PLAIN + RICH, "echo dns_query($senderip);")
        brought = imported & (HEAVY.keys() | OWN.keys())
        self.assertEqual(
            {
                "argon2",
                "smtpgate.accounts",
                "smtpgate.hsl.library.dns",
                "smtpgate.relaying",
                "smtpgate.transports.relay",
            },
            brought,
        )

    def test_names(self) -> None:
        """The modules above are called so: a wrong name would never be missed."""
        for name in HEAVY.keys() | OWN.keys():
            self.assertIsNotNone(find_spec(name), name)


class LanguageTests(SynchronousTestCase):
    """The language alone, in a process."""

    def imported(self, code: str) -> set[str]:
        done = subprocess.run(
            [sys.executable, "-c", f"{code}\nimport json, sys\nprint(json.dumps([*sys.modules]))"],
            capture_output=True, text=True, check=True, timeout=60, env=environment(),
        )  # fmt: skip
        return set(json.loads(done.stdout))

    def library(self, imported: set[str]) -> set[str]:
        head = "smtpgate.hsl.library."
        return {name.removeprefix(head) for name in imported if name.startswith(head)}

    def test_package(self) -> None:
        """Importing the language imports no parser, no library and no Twisted."""
        imported = self.imported("import smtpgate.hsl")
        self.assertEqual(set(), imported & {"pyparsing", "pydantic", "twisted"})
        self.assertEqual(set(), self.library(imported))

    def test_looking_through_the_names(self) -> None:
        """Whoever only asks which names there are imports nothing for it."""
        imported = self.imported(
            "from smtpgate.hsl.library import CLASSES, FUNCTIONS\n"
            "assert 'http' in FUNCTIONS and 'MIME' in CLASSES and 'htpt' not in FUNCTIONS\n"
            "assert len([*FUNCTIONS]) == len(FUNCTIONS) > 90\n"
        )
        self.assertEqual(set(), self.library(imported))

    def test_compiling(self) -> None:
        """A script brings the module of each function that it names, a mistake none."""
        imported = self.imported(
            "from smtpgate.hsl.errors import ScriptErrors\n"
            "from smtpgate.hsl.runtime import compile_script\n"
            "compile_script('echo str_lower(abs(-1));', 'a.hsl')\n"
            "try:\n"
            "    compile_script('htpt();', 'b.hsl')\n"
            "except ScriptErrors as error:\n"
            "    assert 'did you mean http' in str(error), error\n"
        )
        self.assertEqual({"math", "string"}, self.library(imported))
