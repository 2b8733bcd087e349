"""What a hook offers is known when a script compiles: functions, options, and what is not there."""

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.table import HOOKS
from smtpgate.hsl.errors import ScriptErrors
from tests.support.session import compiled

NOTHING_WAITS = "mail is handed on at once, nothing waits"
ONLY_THE_HEADER = "only the header of a message can be read and changed"


class CompileTestCase(SynchronousTestCase):
    def assert_wrong(self, hook, source, *messages):
        error = self.assertRaises(ScriptErrors, compiled, source, "x.hsl", hook)
        self.assertEqual([str(each).split("\n")[0] for each in error.errors], list(messages))


class AbsentTests(CompileTestCase):
    """Functions that the manual has and that are not here."""

    def test_sentences(self):
        """They do not compile, and the reason is said."""
        for hook, call, reason in (
            ("eodonce", "GetMailQueueMetric()", NOTHING_WAITS),
            ("mailfrom", "GetMailQueueMetric()", NOTHING_WAITS),
            ("rcptto", "GetMailQueueMetric()", NOTHING_WAITS),
            ("auth", "GetMailQueueMetric()", NOTHING_WAITS),
            ("eodonce", 'History("REJECT", "a@b.c")', "the log has what became of each message"),
            ("eodonce", "GetMailMessage()", ONLY_THE_HEADER),
            ("eodrcpt", "GetDSN()", ONLY_THE_HEADER),
            ("eodrcpt", 'GetDSNHeader("X")', ONLY_THE_HEADER),
            ("eodrcpt", "ScanSA()", "there is no scanner"),
            ("eodrcpt", 'Quarantine("q")',
             "mail is handed on at once, Deliver() it to a transport that keeps it"),
            ("eodrcpt", "SetDelayedDeliver(60)", NOTHING_WAITS),
            ("eodrcpt", 'SetSenderIP("192.0.2.1")', "a message has one client"),
            ("eodrcpt", 'SetSenderHELO("a.b")', "a message has one client"),
        ):  # fmt: skip
            name = call.partition("(")[0]
            self.assert_wrong(hook, f"$x = {call};", f"x.hsl:1:6: there is no {name}(): {reason}")

    def test_own(self):
        """A script may have a function of such a name."""
        compiled("function History() { } History(); Accept();", "x.hsl", "eodonce")

    def test_elsewhere(self):
        """Where the manual does not have it, it is a function that nobody knows."""
        self.assert_wrong("proxy", "Quarantine();", "x.hsl:1:1: unknown function Quarantine")

    def test_none_is_there(self):
        """What is said not to be there is not there."""
        for hook in HOOKS.values():
            self.assertEqual(set(hook.absent) & set(hook.context.functions), set())


class BelongsTests(CompileTestCase):
    """What other hooks have, a script is told of."""

    def test_functions(self):
        """A function of one other hook, of two, of more; called or not, builtin or not."""
        unknown = "x.hsl:1:6: unknown function {}: it belongs to the {}"
        for hook, source, name, hooks in (
            ("connect", "Pass()", "Pass", "proxy hook"),
            ("connect", "Reply()", "Reply", "proxy and auth hooks"),
            ("proxy", "Deliver", "Deliver", "eodrcpt hook"),
            ("disconnect", 'Reject("x")', "Reject",
             "connect, helo, auth, mailfrom, rcptto, eodonce and eodrcpt hooks"),
        ):  # fmt: skip
            self.assert_wrong(hook, f"$x = {source};", unknown.format(name, hooks))
        self.assert_wrong(
            "connect",
            "builtin Queue();",
            "x.hsl:1:9: unknown builtin function Queue: it belongs to the eodonce hook",
        )

    def test_near(self):
        """What no hook has is looked for as ever."""
        self.assert_wrong(
            "connect", "Acept();", "x.hsl:1:1: unknown function Acept, did you mean Accept?"
        )

    def test_variables(self):
        """A variable of another hook is none here; a script may have one of its name."""
        script = compiled("if ($recipient) Accept();", "x.hsl", "connect")
        words = "$recipient is never assigned: it belongs to the rcptto and eodrcpt hooks"
        self.assertEqual(script.warnings, (f"x.hsl:1:5: {words}",))
        script = compiled("$recipient = 1; if ($recipient) Accept();", "x.hsl", "connect")
        self.assertEqual(script.warnings, ())


class OptionTests(CompileTestCase):
    """Options that are wrong in the source already."""

    def test_wrong(self):
        """Unknown ones, wrong types, values that they can not have."""
        for hook, source, message in (
            ("connect", 'Reject("x", ["disconnect" => true]);',
             'Reject() has no option "disconnect"'),
            ("rcptto", 'Accept(["reson" => $sender]);',
             'Accept() has no option "reson", did you mean "reason"?'),
            ("rcptto", 'Accept(["transportid" => 1]);',
             'Accept() option "transportid" must be a string, number given'),
            ("eodonce", 'Queue("a@b.c", "x", ["delay" => 60]);',
             f'Queue() option "delay" must be 0: {NOTHING_WAITS}'),
            ("eodonce", 'Queue("a@b.c", "x", ["hold" => true]);',
             f'Queue() option "hold" must be false: {NOTHING_WAITS}'),
            ("eodrcpt", 'Deliver(["delay" => 60]);',
             f'Deliver() option "delay" must be 0: {NOTHING_WAITS}'),
            ("eodrcpt", 'Deliver(["jobid" => "x"]);',
             'Deliver() has no option "jobid"'),
            ("helo", 'GetTLS(["fingerprint" => "crc"]);',
             'GetTLS() option "fingerprint" must be one of "md5", "sha1", "sha256", '
             '"sha512"; "crc" given'),
            ("proxy", 'function f() { Reply("x", ["nxt" => true]); } f();',
             'Reply() has no option "nxt", did you mean "next"?'),
            ("proxy", 'dns_query("x", ["typ" => $command]);',
             'dns_query() has no option "typ", did you mean "type"?'),
            ("proxy", 'dns_query("x", ["timeout" => "5"]);',
             'dns_query() option "timeout" must be a number, string given'),
            ("connect", 'function dns_query() { } builtin dns_query("x", ["typ" => 1]);',
             'dns_query() has no option "typ", did you mean "type"?'),
        ):  # fmt: skip
            column = source.index('["') + 2
            self.assert_wrong(hook, source, f"x.hsl:1:{column}: {message}")

    def test_right(self):
        """What can not be known yet, and what asks for nothing that is not there."""
        for hook, source in (
            ("rcptto", 'Accept(["transportid" => $context]);'),
            ("rcptto", "Accept($context);"),
            ("rcptto", "Reject(...$context);"),
            ("rcptto", "Accept([$context => 1]);"),
            ("eodonce", 'Queue("a@b.c", "x", ["delay" => 0, "hold" => false]); Accept();'),
            ("eodrcpt", 'Deliver(["delay" => 0, "queue" => false]);'),
            ("eodrcpt", 'Deliver(["queue" => true]);'),
            ("rcptto", 'function Accept($x) { } Accept(["nothing" => 1]);'),
            ("rcptto", 'function dns_query($x, $y) { } dns_query("x", ["nothing" => 1]);'),
            ("rcptto", 'dns_query("x", ["type" => "MX", "timeout" => 2]);'),
        ):
            compiled(source, "x.hsl", hook)
