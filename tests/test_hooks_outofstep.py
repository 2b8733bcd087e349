"""Warnings about proxy scripts that say yes to a command which the server never sees."""

from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpgate import assembly
from smtpgate.assembly import Problems, assemble
from smtpgate.hooks.outofstep import narrow, positive_replies
from smtpgate.hooks.table import PROXY
from smtpgate.hsl.runtime import ScriptRoot, compile_script
from smtpgate.hsl.runtime.environment import Context
from tests.support.session import EXAMPLES, compiled

MAIL = 'if ($command =~ "^MAIL") '


def words(verbs):
    return f"Reply() says yes to {verbs}, which the server never sees: Pass() it to accept it"


class OutOfStepTests(SynchronousTestCase):
    """What is warned about, and what is not."""

    def warnings(self, source):
        return list(compiled(source, "x.hsl").warnings)

    def test_yes(self):
        """A yes for one of these verbs, however the script asks for it."""
        for source, verbs in (
            (MAIL + "Reply();", "MAIL"),
            (MAIL + 'Reply("Sure");', "MAIL"),
            (MAIL + "Reply(none, []);", "MAIL"),
            (MAIL + 'Reply("Sure", ["reply_codes" => ["code" => 251]]);', "MAIL"),
            (MAIL + 'Reply("Sure", ["reply_codes" => ["enhanced" => [2, 1, 0]]]);', "MAIL"),
            ('if ($command == "DATA")\n  Reply("x", ["reply_codes" => ["code" => 354]]);',
             "DATA"),
            ('if ($arguments["command"] =~ ''"/^rcpt/i"'') Reply();', "RCPT"),
            ('if ($command =~ "^(MAIL|RCPT)") Reply();', "MAIL and RCPT"),
            ('if ($command =~ "^(MAIL|RCPT|DATA|BDAT)") Reply();', "MAIL, RCPT, DATA and BDAT"),
            ('$verb = str_upper(explode(" ", $command)[0]); if ($verb == "RSET") Reply();',
             "RSET"),
            ('switch (str_upper($command[0:4])) { case "QUIT": break; case "MAIL": Reply(); }',
             "MAIL"),
            ('if (str_find(str_upper($command), "STARTTLS") === 0) Reply();', "STARTTLS"),
            ('$m = pcre_match("^RCPT TO:", $command); if ($m) Reply(); else Pass();', "RCPT"),
            ('if ($senderip == "192.0.2.1" and $command =~ "^MAIL") Reply();', "MAIL"),
            ('if ($command =~ "^MAIL" and $senderip == "192.0.2.1") Reply();', "MAIL"),
            ('if ($command =~ "^MAIL") { if ($tlsstarted) Pass(); Reply(); }', "MAIL"),
            ('function yes($line) { if ($line =~ "^MAIL") Reply(); } yes($command);', "MAIL"),
            ('function yes() { global $command; if ($command =~ "^MAIL") Reply(); } yes();',
             "MAIL"),
            ('foreach (["MAIL", "RCPT"] as $x) if ($command =~ "^MAIL") Reply();', "MAIL"),
            ('[$verb] = explode(" ", $command); if ($verb == "MAIL") Reply();', "MAIL"),
            ('$command =~ "^MAIL" and Reply();', "MAIL"),
            ('$yes = $command =~ "^MAIL" ? true : false; if ($yes) Reply();', "MAIL"),
            ('if (!($command !~ "^MAIL")) Reply();', "MAIL"),
        ):  # fmt: skip
            line, _, column = source[: source.index("Reply(")].rpartition("\n")
            place = f"x.hsl:{line.count(chr(10)) + bool(line) + 1}:{len(column) + 1}"
            self.assertEqual(self.warnings(source), [f"{place}: {words(verbs)}"], source)

    def test_others(self):
        """A no, commands of the script's own, dialogues, and what nobody can tell."""
        for source in (
            MAIL + 'Reply("No", ["reply_codes" => ["code" => 550]]);',
            MAIL + 'Reply("No", ["reply_codes" => ["code" => 450]]);',
            MAIL + 'Reply("Bye", ["disconnect" => true]);',
            MAIL + 'Reply("x", ["disconnect" => $tlsstarted]);',
            MAIL + 'Reply("x", ["reply_codes" => ["code" => $senderport]]);',
            MAIL + 'Reply("x", $context);',
            MAIL + 'Reply(...$context);',
            MAIL + "Pass();",
            'if ($command == "PING") Reply();',
            'if ($command =~ "^(PING|X)") Reply();',
            'if ($command != "QUIT") Reply();',
            "Reply();",
            'if ($context == "asked") Reply("Thanks");',
            'if ($command =~ "^(HELO|NOOP|VRFY|QUIT|AUTH)") Reply();',
            '$m = "^MAIL"; $m = $senderip; if ($command =~ $m) Reply();',
            'function Reply2() { } if ($command =~ "^MAIL") Reply2();',
            'function Reply() { } if ($command =~ "^MAIL") Reply();',
            'if ($command =~ "^MAIL") { Pass(); Reply(); }',
            'if ($command =~ "^MAIL") { exit2(); Reply(); } function exit2() { Pass(); }',
        ):  # fmt: skip
            found = [each for each in self.warnings(source) if "never reached" not in each]
            self.assertEqual(found, [], source)

    def test_examples(self):
        """The example scripts say yes to commands of their own only."""
        for path in EXAMPLES.glob("*.hsl"):
            source = path.read_text("latin-1").replace('// include "', 'include "')
            self.assertEqual(compiled(source, path.name).warnings, (), path.name)

    def test_included(self):
        """The place is in the file that says yes."""
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "yes.hsl").write_text("\n" + MAIL + "Reply();")
        script = compiled('include "yes.hsl";', "x.hsl", root=directory)
        self.assertEqual(script.warnings, (f"{directory}/yes.hsl:2:26: {words('MAIL')}",))

    def test_narrow(self):
        """A script that is asked about nothing else says yes to just those."""
        self.assertIsNone(narrow("all"))
        self.assertIsNone(narrow("first"))
        self.assertIsNone(narrow(["MAIL", "VRFY"]))
        self.assertEqual(narrow(["mail", "RCPT"]), {"MAIL", "RCPT"})
        own = PROXY.context
        checks = (positive_replies(["mail", "RCPT"]),)
        context = Context("proxy", own.readonly, own.writable, own.functions, checks)
        for source, expected in (
            ("Reply();", [f"x.hsl:1:1: {words('MAIL and RCPT')}"]),
            ("if ($tlsstarted) Reply();", [f"x.hsl:1:18: {words('MAIL and RCPT')}"]),
            ('if ($command =~ "^DATA") Reply();', []),
            ('Reply("No", ["reply_codes" => ["code" => 550]]);', []),
        ):
            script = compile_script(source, "x.hsl", context, ScriptRoot(EXAMPLES))
            self.assertEqual(list(script.warnings), expected, source)

    def test_long(self):
        """What would take too long to look at is left alone."""
        source = "function f0() { Pass(); }\n"
        for n in range(1, 12):
            source += f"function f{n}($x) {{ if ($x) f{n - 1}($x); else f{n - 1}($x); }}\n".replace(
                "f0($x)", "f0()"
            )
        source += MAIL + "{ " + "f11($context);" * 200 + " Reply(); }"
        compiled(source, "x.hsl")
        deep = "if ($tlsstarted) { " * 30 + MAIL + "Reply();" + "}" * 30
        self.assertEqual(len(self.warnings(deep)), 1)


class BoundTests(SynchronousTestCase):
    """The same for a configuration, which says what the script is asked about."""

    CONFIGURATION = """
        scripts = "."
        [transports.here]
        type = "discard"
    """
    SERVER = """
        [[servers]]
        id = "%d"
        transport = "here"
        listeners = [{ endpoint = "tcp:%d" }]
        [servers.hooks]
        proxy = { script = "yes.hsl", commands = %s }
    """

    def warnings(self, *settings):
        directory = Path(self.mktemp())
        directory.mkdir()
        (directory / "yes.hsl").write_text('if ($senderip == "192.0.2.1")\n  Reply();')
        servers = (self.SERVER % (n, 2525 + n, setting) for n, setting in enumerate(settings))
        (directory / "smtpgate.toml").write_text(self.CONFIGURATION + "".join(servers))
        found = assemble(directory / "smtpgate.toml", make=False).warnings
        return [warning.partition("yes.hsl:")[2] for warning in found]

    def test_commands(self):
        """A yes is a warning where the script is asked about nothing but MAIL."""
        self.assertEqual(self.warnings('["MAIL"]'), [f"2:3: {words('MAIL')}"])
        self.assertEqual(self.warnings('["MAIL", "XMAIL"]'), [])
        self.assertEqual(self.warnings('"all"'), [])

    def test_once(self):
        """A script that several servers have is compiled once, and has one warning for all."""
        compiled = []

        def compile_(source, file, context, root):
            compiled.append(file)
            return compile_script(source, file, context, root)

        self.patch(assembly, "compile_script", compile_)
        found = self.warnings('["RCPT"]', '["MAIL"]', '"first"', '["mail"]')
        self.assertEqual(found, [f"2:3: {words('MAIL and RCPT')}"])
        self.assertEqual(len(compiled), 1)

    def test_wrong_setting(self):
        """Errors in the setting are the configuration's; the script is compiled all the same."""
        for setting in ("5", "[5]", "{}"):
            error = self.assertRaises(Problems, self.warnings, setting)
            self.assertIn("commands", str(error))
