"""The configuration: what is read, and how each mistake is worded."""

from __future__ import annotations

import errno
import re
import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.config import ConfigErrors, Maildir, ProxyHook, SMTPRelay, Table, load
from smtpgate.config.endpoints import Endpoint, parse_endpoint
from smtpgate.config.lines import key_lines
from smtpgate.smtp.session import Limits

BAD = Path(__file__).parent / "badconfig"
SMALL = """\
[transports.local]
type = "discard"
[[servers]]
id = "in"
transport = "local"
listeners = [{ endpoint = "tcp:2525" }]
"""


class BadConfigTests(SynchronousTestCase):
    """Each folder of badconfig/ has a configuration, and the errors that it must give."""

    maxDiff = None

    def test_there_are_cases(self) -> None:
        """The folders are found: no case passes because it is not there."""
        self.assertGreater(len([*BAD.glob("*/smtpgate.toml")]), 10)


def _case(folder: Path) -> Any:
    def test(self: BadConfigTests) -> None:
        error = self.assertRaises(ConfigErrors, load, folder / "smtpgate.toml")
        found = str(error).replace(f"{folder.absolute()}/", "").replace(str(folder), ".")
        self.assertEqual((folder / "expected").read_text().rstrip("\n"), found)

    test.__doc__ = f"All errors of badconfig/{folder.name}, each in its words and on its line."
    return test


for _folder in sorted(BAD.iterdir()):
    setattr(BadConfigTests, f"test_{_folder.name}", _case(_folder))


class LoadTests(SynchronousTestCase):
    def load(self, text: str) -> Any:
        """A configuration in a directory of its own."""
        self.directory = Path(self.mktemp()).absolute()
        (self.directory / "scripts").mkdir(parents=True)
        (self.directory / "scripts/proxy.hsl").write_text("Pass();")
        (self.directory / "users").write_text("")
        self.file = self.directory / "smtpgate.toml"
        self.file.write_text(text)
        return load(self.file)

    def test_defaults(self) -> None:
        """What a small file leaves out is as the reference says."""
        config = self.load(SMALL)
        self.assertIsNone(config.hostname)
        self.assertEqual(1, config.workers)
        self.assertEqual(self.directory / "scripts", config.scripts)
        self.assertEqual(self.directory / "var", config.state)
        server = config.servers[0]
        self.assertEqual("starttls", server.listeners[0].tls)
        self.assertEqual([], server.hooks.configured())
        self.assertEqual("reject", server.bare_newlines)

    def test_limits_are_the_sessions(self) -> None:
        """Limits have the names and the defaults that a session knows them by."""
        limits = self.load(SMALL).servers[0].limits.model_dump()
        self.assertEqual(30.0, limits.pop("script_timeout"))
        self.assertEqual(1_000_000, limits.pop("script_steps"))
        known = Limits()
        self.assertEqual({name: getattr(known, name) for name in limits}, limits)

    def test_paths(self) -> None:
        """Files are relative to the configuration, a Maildir to the state directory."""
        config = self.load(
            'state = "../state"\n[users]\nfile = "users"\n'
            '[transports.mail]\ntype = "maildir"\npath = "mail"\n' + SMALL
        )
        self.assertEqual(self.directory / "users", config.users.file)
        mail = config.transports["mail"]
        assert isinstance(mail, Maildir)
        self.assertEqual(self.directory.parent / "state/mail", mail.path)

    def test_paths_are_plain(self) -> None:
        """No `..` is left over in paths, but behind a symbolic link, where it means another."""
        text = 'scripts = "x/../scripts"\nstate = "link/../state"\n' + SMALL
        self.load(text)
        (self.directory / "real/deep").mkdir(parents=True)
        (self.directory / "link").symlink_to("real/deep")
        config = load(self.file)
        self.assertEqual(self.directory / "scripts", config.scripts)
        self.assertEqual(self.directory / "link/../state", config.state)

    def test_no_script_root(self) -> None:
        """A script root that is set must be there, hooks or not; one that is not set need not."""
        hook = '[servers.hooks]\nproxy = "proxy.hsl"\n'
        for name, problem in (("nope", "does not exist"), ("users", "is no directory")):
            for text in (SMALL, SMALL + hook):
                error = self.assertRaises(ConfigErrors, self.load, f'scripts = "{name}"\n{text}')
                self.assertEqual(
                    f"{self.file}:1: scripts: {self.directory / name} {problem}, "
                    "expected a directory",
                    str(error),
                )
        self.load(SMALL)
        (self.directory / "scripts/proxy.hsl").unlink()
        (self.directory / "scripts").rmdir()
        load(self.file)
        self.file.write_text(SMALL + hook)
        error = self.assertRaises(ConfigErrors, load, self.file)
        self.assertEqual(
            f"{self.file}:8: servers[0].hooks.proxy: 'proxy.hsl' is not there: "
            f"{self.directory}/scripts is no directory, expected `scripts` to be one",
            str(error),
        )

    def test_no_paths(self) -> None:
        """What is no path at all is an error like others, wherever it is."""
        error = self.assertRaises(
            ConfigErrors,
            self.load,
            'scripts = "~nobody-of-that-name/x"\nstate = "a\\u0000"\n'
            f'{SMALL}[servers.hooks]\nproxy = "b\\u0000"\n[users]\nfile = ""\n'
            f'[certificates.c]\nclient_ca = "{"x" * 300}"\nself_signed = true\n',
        )
        file, long = self.file, self.directory / ("x" * 300)
        self.assertEqual(
            f"{file}:1: scripts: is '~nobody-of-that-name/x', expected a home directory that "
            "there is\n"
            f"{file}:2: state: is 'a\\x00', expected a path\n"
            f"{file}:10: servers[0].hooks.proxy: is 'b\\x00', expected the path of a script\n"
            f"{file}:12: users.file: is '', expected a path\n"
            f"{file}:14: certificates.c.client_ca: {long} cannot be read (file name too long), "
            "expected a readable file",
            str(error),
        )

    def test_unreadable_script(self) -> None:
        """A script that is there, and may not be read."""
        self.load(SMALL + '[servers.hooks]\nproxy = "proxy.hsl"\n')
        really = Path.open

        def denied(path: Path, mode: str = "r") -> Any:
            if path.suffix == ".hsl":
                raise PermissionError(errno.EACCES, "Permission denied")
            return really(path, mode)

        with patch.object(Path, "open", denied):
            error = self.assertRaises(ConfigErrors, load, self.file)
        self.assertEqual(
            f"{self.file}:8: servers[0].hooks.proxy: {self.directory}/scripts/proxy.hsl cannot be "
            "read (permission denied), expected a readable script",
            str(error),
        )

    def test_short_forms(self) -> None:
        """One certificate needs no list, and a hook that is only a path no table."""
        config = self.load(
            "[certificates.default]\nself_signed = true\n" + SMALL + 'certificate = "default"\n'
            'hooks = { proxy = "proxy.hsl" }\n'
        )
        self.assertEqual(["default"], config.servers[0].certificate)
        self.assertEqual(ProxyHook(script="proxy.hsl"), config.servers[0].hooks.proxy)

    def test_verbs_are_upper_case(self) -> None:
        """Commands of the proxy hook are compared without case."""
        config = self.load(
            SMALL + '[servers.hooks]\nproxy = { script = "proxy.hsl", commands = ["xclient"] }'
        )
        self.assertEqual(["XCLIENT"], config.servers[0].hooks.proxy.commands)

    def test_networks(self) -> None:
        """Networks are parsed, one address is a network too."""
        config = self.load(SMALL + 'xclient = ["10.0.0.0/8", "::1"]')
        self.assertEqual([ip_network("10.0.0.0/8"), ip_network("::1")], config.servers[0].xclient)

    def test_password_is_not_shown(self) -> None:
        """The password for the next hop is in no representation of the configuration."""
        config = self.load(
            '[transports.next]\ntype = "smtp"\nhosts = ["a"]\ntls = "required"\n'
            'auth = { username = "me", password = "swordfish" }\n' + SMALL
        )
        relay = config.transports["next"]
        assert isinstance(relay, SMTPRelay) and relay.auth is not None
        self.assertNotIn("swordfish", repr(config))
        self.assertEqual("swordfish", relay.auth.password.get_secret_value())

    def test_missing_file(self) -> None:
        """A configuration that is not there is an error like others."""
        error = self.assertRaises(ConfigErrors, load, Path("nowhere.toml"))
        self.assertEqual(
            "nowhere.toml:1: no such file or directory, expected a configuration file", str(error)
        )

    def test_not_utf8(self) -> None:
        """The line of the first octet that is no UTF-8 is named."""
        file = Path(self.mktemp())
        file.write_bytes(b"# \xc3\xa4\n# \xe4\n")
        error = self.assertRaises(ConfigErrors, load, file)
        self.assertEqual(f"{file}:2: is not UTF-8, expected a TOML file in UTF-8", str(error))

    def test_example(self) -> None:
        """The configuration of `make run` is valid, and shows every key that there is."""
        example = Path(__file__).parent.parent / "etc/smtpgate.toml"
        load(example)
        shown = set(re.findall(r"(?:^(?:# )?|[{,] )(\w+) =", example.read_text(), re.M))
        shown |= set(re.findall(r"# also: ([a-z ]+)", example.read_text())[0].split())
        shown |= {"certificates", "transports", "servers", "hooks", "limits", "users"}
        known = {name for model in _tables(Table) for name in model.model_fields}
        self.assertEqual(set(), known - shown, "in the models, not in the example")
        self.assertEqual(set(), shown - known, "in the example, not in the models")


def _tables(model: type[Table]) -> list[type[Table]]:
    return [model, *(below for each in model.__subclasses__() for below in _tables(each))]


class LineTests(SynchronousTestCase):
    def test_all_forms(self) -> None:
        """Tables, lists of tables, inline tables, dotted and quoted keys, multi-line values."""
        text = (
            "# [comment]\n"
            'a = """x\n[b]\n"""\n'
            "b.c = 1 # = {\n"
            "[[s]]\n"
            'l = [ # ]\n  1,\n  { e = \'}\' , f = "]\\"" },\n]\n'
            "[s.h]\n'q r' = 1979-05-27T07:32:00Z\n"
            '[[s]]\n"d\\u0065" = """"a"""""\n'
            "z = 1\n"
        )
        tomllib.loads(text)
        self.assertEqual(
            {
                ("a",): 2, ("b",): 5, ("b", "c"): 5, ("s",): 6, ("s", 0): 6, ("s", 0, "l"): 7,
                ("s", 0, "l", 0): 8, ("s", 0, "l", 1): 9, ("s", 0, "l", 1, "e"): 9,
                ("s", 0, "l", 1, "f"): 9, ("s", 0, "h"): 11, ("s", 0, "h", "q r"): 12,
                ("s", 1): 13, ("s", 1, "de"): 14, ("s", 1, "z"): 15,
            },
            dict(key_lines(text)),
        )  # fmt: skip

    @settings(deadline=None, derandomize=True, max_examples=150)
    @given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=8))
    def test_any_strings(self, pairs: dict[str, str]) -> None:
        """Whatever keys and strings are: each key is on the line that it was written to."""
        import json

        def quoted(value: str) -> str:
            # JSON's escapes are TOML's, but for surrogates and DEL.
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

        text = "".join(f"{quoted(key)} = {quoted(value)}\n" for key, value in pairs.items())
        self.assertEqual(pairs, tomllib.loads(text))
        self.assertEqual(
            {(key,): number for number, key in enumerate(pairs, 1)}, dict(key_lines(text))
        )


class EndpointTests(SynchronousTestCase):
    def test_parts(self) -> None:
        """Escaped colons belong to the value; named arguments may replace positions."""
        self.assertEqual(Endpoint("tcp", "25", "::1"), parse_endpoint("tcp:25:interface=\\:\\:1"))
        self.assertEqual(Endpoint("tcp", "25", ""), parse_endpoint("tcp:port=25"))

    def test_collisions(self) -> None:
        """All interfaces collide with each of them, two of them do not; port 0 never does."""
        one = Endpoint("tcp", "25", "127.0.0.1")
        self.assertTrue(one.collides(Endpoint("tcp", "25")))
        self.assertTrue(Endpoint("tcp", "25", "0.0.0.0").collides(one))
        self.assertFalse(one.collides(Endpoint("tcp", "25", "127.0.0.2")))
        self.assertFalse(one.collides(Endpoint("tcp", "26", "127.0.0.1")))
        self.assertFalse(Endpoint("tcp", "0").collides(Endpoint("tcp", "0")))
        self.assertFalse(one.collides(Endpoint("tcp6", "25", "::1")))
