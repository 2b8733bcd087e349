"""The commands of ``smtpgate``, as processes: what they print, where, and their exit code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from unittest import SkipTest

from smtpgate import __version__
from tests.support.commands import CommandTestCase
from tests.support.process import TWISTD, environment


class CheckTests(CommandTestCase):
    def test_good(self) -> None:
        """A script without mistakes: nothing is said."""
        name = self.file("good.hsl", 'if ($command == "X") Reply("y");')
        self.assertEqual((0, "", ""), self.run_command("check", name))

    def test_all_errors(self) -> None:
        """Every error with its place, its line and a caret."""
        name = self.file("bad.hsl", "$x = ;\nReply(1, 2, 3);\n\tPass(];\n")
        code, output, errors = self.run_command("check", name)
        self.assertEqual(1, code)
        self.assertTrue(
            output.startswith(
                "bad.hsl:1:6: expected an expression after `=`\n    $x = ;\n         ^\n"
            ),
            output,
        )
        self.assertIn("bad.hsl:3:7: ", output)
        self.assertIn("    \tPass(];\n    \t     ^\n", output)
        self.assertEqual("2 errors\n", errors)

    def test_directory(self) -> None:
        """In a directory with a hook's name a script is one of that hook."""
        for name in ("rcptto", "other"):
            (self.directory / "all" / name).mkdir(parents=True)
        self.file("all/a.hsl", "Pass();")
        self.file("all/rcptto/b.hsl", "Accept();")
        self.assertEqual((0, "", ""), self.run_command("check", "all"))
        self.file("all/rcptto/b.hsl", "Pass();")
        self.file("all/other/c.hsl", "Accept();")
        code, output, errors = self.run_command("check", "all")
        self.assertEqual((1, "2 errors\n"), (code, errors))
        self.assertIn("all/other/c.hsl:1:1: ", output)
        self.assertIn("all/rcptto/b.hsl:1:1: ", output)

    def test_json(self) -> None:
        """For editors: places as data."""
        name = self.file("bad.hsl", "$x = ;\n")
        code, output, _ = self.run_command("check", "--json", name)
        self.assertEqual(1, code)
        self.assertEqual(
            [
                {
                    "file": "bad.hsl",
                    "line": 1,
                    "column": 6,
                    "severity": "error",
                    "message": "expected an expression after `=`",
                }
            ],
            json.loads(output),
        )

    def test_json_of_warnings(self) -> None:
        """Warnings are there too, and are no failure."""
        name = self.file("odd.hsl", "\nPass;")
        code, output, errors = self.run_command("check", "--json", name)
        self.assertEqual((0, ""), (code, errors))
        self.assertEqual(
            [
                {
                    "file": "odd.hsl",
                    "line": 2,
                    "column": 1,
                    "severity": "warning",
                    "message": "this does not call Pass, write Pass()",
                }
            ],
            json.loads(output),
        )

    def test_json_of_a_configuration(self) -> None:
        """What is odd about a configuration as a whole has its file, too."""
        name = self.file(
            "gw.toml",
            '[transports.next]\ntype = "smtp"\nhosts = ["127.0.0.1"]\n'
            '[[servers]]\nid = "relay"\ntransport = "next"\n'
            'listeners = [{ endpoint = "tcp:2525" }]\n',
        )
        code, output, errors = self.run_command("check", "--json", name)
        self.assertEqual((0, ""), (code, errors))
        (warning,) = json.loads(output)
        self.assertTrue(warning.pop("message").startswith("server relay relays for everybody: "))
        self.assertEqual(
            {"file": "gw.toml", "line": 1, "column": 1, "severity": "warning"}, warning
        )

    def test_letters(self) -> None:
        """UTF-8 in a script is shown as letters, and the caret below the right one."""
        name = self.file("letters.hsl", 'echo "å日" x;')
        _, output, _ = self.run_command("check", "--hook", "core", name)
        self.assertEqual(
            "letters.hsl:1:14: expected `;` at the end of the statement\n"
            '    echo "å日" x;\n'
            "               ^\n",
            output,
        )
        _, output, _ = self.run_command("check", "--hook", "core", "--json", name)
        self.assertEqual(11, json.loads(output)[0]["column"])

    def test_configuration(self) -> None:
        """A configuration with its script; checking it makes no files."""
        (self.directory / "scripts").mkdir()
        self.file("scripts/proxy.hsl", "Pas();")
        self.file(
            "a.toml",
            '[certificates.default]\nself_signed = true\n[transports.local]\ntype = "discard"\n'
            '[[servers]]\nid = "in"\ntransport = "locl"\nlisteners = [{ endpoint = "tcp:25" }]\n'
            '[servers.hooks]\nproxy = "proxy.hsl"\n',
        )
        code, output, _ = self.run_command("check", "a.toml")
        self.assertEqual(1, code)
        first, second, *_ = output.split("\n")
        self.assertEqual(
            "a.toml:7: servers[0].transport: 'locl' is no transport (did you mean 'local'?), "
            "expected 'local'",
            first,
        )
        self.assertIn("scripts/proxy.hsl:1:1: ", second)
        self.assertFalse((self.directory / "var").exists())

    def test_missing(self) -> None:
        """A file that is not there is an error like others."""
        self.assertEqual(
            (1, "x.hsl:1: no such file or directory, expected a script\n", "1 error\n"),
            self.run_command("check", "x.hsl"),
        )

    def test_nothing_to_check(self) -> None:
        """A directory without scripts is an error, an empty script is a warning."""
        (self.directory / "all").mkdir()
        self.assertEqual(
            (1, "all: has no scripts, expected files named *.hsl\n", "1 error\n"),
            self.run_command("check", "all"),
        )
        _, output, _ = self.run_command("check", "--json", "all")
        self.assertEqual(("all", 1), (json.loads(output)[0]["file"], json.loads(output)[0]["line"]))
        self.file("all/a.hsl", " \n")
        for path, shown in (("all", "all/a.hsl"), ("/dev/null", "/dev/null")):
            self.assertEqual(
                (0, "", f"warning: {shown} is empty\n"), self.run_command("check", path)
            )

    def test_no_text(self) -> None:
        """What is no text has one error, not hundreds."""
        name = self.file("a.hsl", "\x7fELF\0\1\2 '@@@'\n\0@")
        self.assertEqual(
            (1, "a.hsl:1: is no text, expected a script\n", "1 error\n"),
            self.run_command("check", name),
        )
        self.assertEqual(
            (1, "", "a.hsl: is no text, expected a script\n"), self.run_command("run", name)
        )
        name = self.file("b.hsl", 'echo length("\0");')
        self.assertEqual((0, "1\n", ""), self.run_command("run", name))

    def test_root(self) -> None:
        """What a script includes is in the directory that is checked, or where an option says."""
        (self.directory / "all/sub").mkdir(parents=True)
        self.file("all/a.hsl", 'include "b.hsl";')
        self.file("all/sub/b.hsl", "echo 1;")
        words = (
            'all/a.hsl:1:9: there is no file "b.hsl" in the script root all\n'
            '    include "b.hsl";\n'
            "            ^\n"
        )
        self.assertEqual((1, words, "1 error\n"), self.run_command("check", "all"))
        self.assertEqual((1, "", words), self.run_command("run", "all/a.hsl"))
        for root in (["check", "all"], ["check", "all/a.hsl"]):
            self.assertEqual((0, "", ""), self.run_command(*root, "--scripts", "all/sub"))
        self.assertEqual((0, "1\n", ""), self.run_command("run", "--scripts=all/sub", "all/a.hsl"))


class RunTests(CommandTestCase):
    def test_output(self) -> None:
        """echo prints lines, octet for octet; a script that waits is waited for."""
        name = self.file("a.hsl", 'echo "grüße";\nsleep(0.01);\necho 1 + 1;\n')
        self.assertEqual((0, "grüße\n2\n", ""), self.run_command("run", name))

    def test_runtime_error(self) -> None:
        """What was printed before stays; the error has its place, and the calls that led there."""
        name = self.file("a.hsl", 'echo "a";\nfunction f() {\n  echo $y;\n}\nf();\n')
        error = (
            "a.hsl:3:8: undefined variable $y\n"
            "      echo $y;\n"
            "           ^\n"
            "  f() was called at a.hsl:5:1\n"
        )
        self.assertEqual((1, "a\n", error), self.run_command("run", name))

    def test_compile_error(self) -> None:
        """Nothing runs when something does not compile."""
        name = self.file("a.hsl", 'echo "a";\n$x = ;\n')
        code, output, errors = self.run_command("run", name)
        self.assertEqual((1, ""), (code, output))
        self.assertTrue(errors.startswith("a.hsl:2:6: "), errors)

    def test_function_of_a_hook(self) -> None:
        """Functions that only hooks have: which ones, and how to check such a script."""
        name = self.file("a.hsl", "Reply();\n")
        words = (
            "a.hsl:1:1: unknown function Reply: it belongs to the proxy and auth hooks "
            "(`smtpgate check --hook proxy`)\n"
            "    Reply();\n"
            "    ^\n"
        )
        self.assertEqual((1, "", words), self.run_command("run", name))
        self.assertEqual((1, words, "1 error\n"), self.run_command("check", "--hook=core", name))
        self.assertEqual(
            (1, words, "1 error\n"), self.run_command("check", "--hook", "connect", name)
        )
        name = self.file("b.hsl", "echo $senderip;")
        words = "it belongs to the hooks (`smtpgate check --hook proxy`)"
        self.assertEqual(
            (1, "", f"b.hsl:1:6: undefined variable $senderip: {words}\n"
             "    echo $senderip;\n         ^\n"),
            self.run_command("run", name),
        )  # fmt: skip
        output = self.run_command("check", "--hook", "core", name)
        self.assertEqual(
            (0, "", f"warning: b.hsl:1:6: $senderip is never assigned: {words}\n"),
            output,
        )  # fmt: skip

    def test_endless(self) -> None:
        """A script that does not end is ended."""
        name = self.file("a.hsl", "while (true) {}\n")
        code, _, errors = self.run_command("run", "--timeout", "0.2", name)
        self.assertEqual(1, code)
        self.assertTrue(errors.startswith("a.hsl:1:"), errors)


class PasswdTests(CommandTestCase):
    def test_twice(self) -> None:
        """Adds, then changes; the password comes from standard input and is not shown."""
        self.assertEqual(
            (0, "users: added jo\n", ""), self.run_command("passwd", "users", "jo", stdin="a b\n")
        )
        self.assertEqual(
            (0, "users: changed jo\n", ""),
            self.run_command("passwd", "--no-scram", "users", "jo", stdin="c"),
        )
        (line,) = (self.directory / "users").read_text().splitlines()
        self.assertTrue(line.startswith("jo:$argon2id$v=19$"), line)
        self.assertNotIn("SCRAM", line)

    def test_refusals(self) -> None:
        """What cannot be is refused, and no file is made."""
        for name, stdin, words in (
            ("jo", "", "no password was given"),
            ("jo", "\n", "the password is empty"),
            ("a:b", "x\n", "the name 'a:b' has a colon, a blank or a control character in it"),
        ):
            self.assertEqual(
                (1, "", f"smtpgate passwd: {words}\n"),
                self.run_command("passwd", "users", name, stdin=stdin),
            )
        self.assertFalse((self.directory / "users").exists())

    def test_no_directory(self) -> None:
        """A file that cannot be written is named as it was given."""
        self.assertEqual(
            (1, "", "smtpgate passwd: none/users: No such file or directory\n"),
            self.run_command("passwd", "none/users", "jo", stdin="x\n"),
        )


class StartTests(CommandTestCase):
    def twistd(self, *arguments: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [*TWISTD, "-n", "--pidfile=", "smtpgate", *arguments], cwd=self.directory,
            env=environment(), capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        return done.returncode, done.stdout, done.stderr

    def test_bad_configuration(self) -> None:
        """twistd and `smtpgate start` print all errors and end with 1, without a traceback."""
        self.file("a.toml", "limits = 5\nhost = 5\n[transports]\n")
        file = self.directory / "a.toml"
        expected = (
            f"{file}:1: servers: is missing, expected a list\n"
            f"{file}:1: limits: unknown key, expected hostname, scripts, state, workers, "
            "certificates, transports, users or servers\n"
            f"{file}:2: host: unknown key, did you mean 'hostname'?\n"
        )
        for code, _, errors in (
            self.twistd("--config", "a.toml"),
            self.run_command("start", "--config", "a.toml"),
        ):
            self.assertEqual(1, code)
            self.assertEqual(sorted(expected.split("\n")), sorted(errors.split("\n")))

    def test_port_in_use(self) -> None:
        """A port that cannot be had is one sentence and 1."""
        self.file(
            "a.toml",
            '[transports.local]\ntype = "discard"\n[[servers]]\nid = "in"\ntransport = "local"\n'
            'listeners = [{ endpoint = "tcp:2525:interface=192.0.2.1" }]\n',
        )
        words = (
            "smtpgate: server in: cannot listen on tcp:2525:interface=192.0.2.1: "
            "Cannot assign requested address"
        )
        code, _, errors = self.run_command("start", "--config", "a.toml")
        self.assertEqual((1, f"{words}\n"), (code, errors))
        code, output, errors = self.twistd("--config", "a.toml")
        self.assertEqual(1, code)
        self.assertIn(words, output + errors)
        self.assertNotIn("Traceback", output + errors)

    def test_help(self) -> None:
        """`twistd smtpgate --help` tells the options."""
        code, output, _ = self.twistd("--help")
        self.assertEqual(0, code)
        self.assertIn("--config=", output)
        self.assertIn("SIGHUP", output)

    def test_installed(self) -> None:
        """Where the package is installed, editable or not, twistd has its command."""
        without = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

        def elsewhere(*arguments: str) -> tuple[int, str]:
            done = subprocess.run(
                arguments, capture_output=True, text=True, timeout=60, env=without, cwd="/"
            )
            return done.returncode, done.stdout

        if elsewhere(sys.executable, "-c", "import importlib.metadata as m; m.version('smtpgate')")[
            0
        ]:
            raise SkipTest("smtpgate is not installed here")
        self.assertIn(
            "smtpgate         A scriptable SMTP gateway.", elsewhere(*TWISTD, "--help")[1]
        )

    def test_wrong_values(self) -> None:
        """Values that an option can not have: a sentence, and 2 as for other wrong usage."""
        for arguments, words in (
            (("check", "--hook", "prxy", "a.hsl"),
             "argument --hook: there is no hook 'prxy', expected proxy, connect, helo, auth, "
             "mailfrom, rcptto, eodonce, eodrcpt, disconnect, core"),
            (("run", "--timeout", "soon", "a.hsl"),
             "argument --timeout: 'soon' is no number of seconds more than 0"),
            (("run", "--timeout=-1", "a.hsl"),
             "argument --timeout: '-1' is no number of seconds more than 0"),
            (("run", "--timeout", "nan", "a.hsl"),
             "argument --timeout: 'nan' is no number of seconds more than 0"),
        ):  # fmt: skip
            code, output, errors = self.run_command(*arguments)
            self.assertEqual((2, ""), (code, output))
            self.assertEqual(f"smtpgate {arguments[0]}: error: {words}", errors.splitlines()[-1])

    def test_usage(self) -> None:
        """No command, or an unknown one, is wrong usage."""
        self.assertEqual(2, self.run_command()[0])
        self.assertEqual(2, self.run_command("strat")[0])

    def test_version(self) -> None:
        """`--version` says which one, and nothing else."""
        self.assertEqual((0, f"smtpgate {__version__}\n", ""), self.run_command("--version"))
