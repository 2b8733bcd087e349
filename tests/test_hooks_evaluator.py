"""A session's questions, answered by scripts."""

from twisted.internet.defer import Deferred, fail
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.decision import PASS
from smtpgate.hooks.evaluator import Binding, ScriptPolicy
from smtpgate.hsl.errors import ScriptCancelled, ScriptErrors
from smtpgate.hsl.runtime import Environment, Limits
from smtpgate.smtp.server.policy import Answer, Pass
from smtpgate.smtp.session import Connection
from tests.support.session import Session, compiled

TROUBLE = b"421 4.3.0 gw.example.org Temporary local problem\r\n"


class EvaluatorTestCase(SynchronousTestCase):
    """One policy at a time, asked by hand."""

    def setUp(self):
        self.clock = Clock()
        self.reports = []
        self.connection = Connection("inbound")

    def policy(self, source, commands="all", **limits):
        environment = Environment(self.clock, Limits(**limits), hostname="gw.example.org")
        hooks = {} if source is None else {"proxy": Binding(compiled(source), commands)}
        return ScriptPolicy(hooks, environment, "gw.example.org", self.report)

    def report(self, connection, hook, error):
        self.reports.append((connection, hook, str(error)))

    def ask(self, source, line=b"NOOP", **limits):
        return self.policy(source, **limits).command(self.connection, line)

    def assert_trouble(self, decision, *errors):
        self.assertIsInstance(decision, Answer)
        self.assertEqual(decision.reply.wire, TROUBLE)
        self.assertTrue(decision.reply.close)
        self.assertFalse(decision.next)
        self.assertEqual(self.reports, [(self.connection, "proxy", error) for error in errors])


class DecisionTests(EvaluatorTestCase):
    """What comes back."""

    def test_no_script(self):
        """Without a script nothing is asked, and everything passes."""
        policy = self.policy(None)
        self.assertFalse(policy.wants_command(self.connection, b"NOOP"))
        self.assertIs(policy.command(self.connection, b"NOOP"), PASS)

    def test_commands(self):
        """With one, it is asked when ``commands`` says so."""
        policy = self.policy("Reply();", ["VRFY"])
        self.assertTrue(policy.wants_command(self.connection, b"vrfy jo"))
        self.assertFalse(policy.wants_command(self.connection, b"NOOP"))

    def test_bad_commands(self):
        """A setting that is none is refused when the policy is made."""
        self.assertRaises(ValueError, self.policy, "Reply();", "some")

    def test_implicit_end(self):
        """The end of a script without a decision is Pass()."""
        self.assertIs(self.ask(""), PASS)
        self.assertIs(self.ask('if ($command == "X") Reply();'), PASS)
        self.assertIs(self.ask("return;"), PASS)

    def test_plain_values(self):
        """A script that does not wait gives a value, also when it loops and calls functions."""
        self.assertEqual(self.ask('Pass(["next" => true]);'), Pass(None, True))
        decision = self.ask(
            "function say($word) { Reply($word); }\n"
            'foreach (["a", "b"] as $word) if ($word == "b") say($word);'
        )
        self.assertEqual(decision.reply.wire, b"250 2.0.0 b\r\n")

    def test_deep_inside(self):
        """A decision inside a callback of a library function ends the whole script."""
        decision = self.ask(
            'array_map(function ($x) { Reply("deep $x"); }, [1, 2]); Reply("shallow");'
        )
        self.assertEqual(decision.reply.wire, b"250 2.0.0 deep 1\r\n")

    def test_as_a_value(self):
        """Reply is a function like others: it can be handed on."""
        decision = self.ask('$answer = Reply; $answer("by hand");')
        self.assertEqual(decision.reply.wire, b"250 2.0.0 by hand\r\n")

    def test_sessions_share_the_script(self):
        """One compiled script; each connection has its own $context."""
        policy = self.policy('$context = ($context ?? 0) + 1; Reply("$context");')
        other = Connection("inbound")
        for connection, expected in [
            (self.connection, b"250 2.0.0 1\r\n"),
            (self.connection, b"250 2.0.0 2\r\n"),
            (other, b"250 2.0.0 1\r\n"),
        ]:
            self.assertEqual(policy.command(connection, b"NOOP").reply.wire, expected)

    def test_nested_context(self):
        """Writes into $context reach the connection, however deep."""
        self.ask('$context = []; $context["a"]["b"][] = "c"; $context["a"]["n"] = 1;')
        self.assertEqual(self.connection.context, {"a": {"b": ["c"], "n": 1}})

    def test_context_survives_failure(self):
        """What was written before a script failed stays written."""
        self.ask('$context = "kept"; Reply($nothing);')
        self.assertEqual(self.connection.context, "kept")


class WaitingTests(EvaluatorTestCase):
    """Scripts that wait."""

    def test_waits(self):
        """A Deferred, and the decision when its time has come."""
        decision = self.ask('sleep(2); Reply("awake");')
        self.assertIsInstance(decision, Deferred)
        self.clock.advance(1)
        self.assertNoResult(decision)
        self.clock.advance(1)
        self.assertEqual(self.successResultOf(decision).reply.wire, b"250 2.0.0 awake\r\n")

    def test_waits_and_passes(self):
        """The implicit end after a wait is Pass() too."""
        decision = self.ask("sleep(2);")
        self.clock.advance(2)
        self.assertIs(self.successResultOf(decision), PASS)

    def test_cancelled(self):
        """A client that leaves cancels the script; that is no error of the script."""
        decision = self.ask('sleep(2); $context = "ran on";')
        decision.cancel()
        self.failureResultOf(decision, ScriptCancelled)
        self.clock.advance(10)
        self.assertIsNone(self.connection.context)
        self.assertEqual(self.reports, [])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_context_while_waiting(self):
        """$context is written when the script writes it, not when it ends."""
        self.ask('$context = "before"; sleep(2); $context = "after";')
        self.assertEqual(self.connection.context, "before")
        self.clock.advance(2)
        self.assertEqual(self.connection.context, "after")


class ErrorTests(EvaluatorTestCase):
    """Scripts that fail: 421, and a report with the place."""

    def test_fault(self):
        """A mistake that shows when it runs."""
        self.assert_trouble(
            self.ask("\n  Reply($reason);"), "proxy.hsl:2:9: undefined variable $reason"
        )

    def test_fault_in_options(self):
        """A mistake in the call of a hook function."""
        self.assert_trouble(
            self.ask('$options = ["next" => "yes"]; Reply("x", $options);'),
            'proxy.hsl:1:31: Reply() option "next" must be a boolean, string given',
        )

    def test_fault_after_waiting(self):
        """The same, later."""
        decision = self.ask("sleep(1); Reply($reason);")
        self.clock.advance(1)
        self.assert_trouble(
            self.successResultOf(decision), "proxy.hsl:1:17: undefined variable $reason"
        )

    def test_steps(self):
        """A loop that does not end spends its steps."""
        decision = self.ask("forever { }", steps=1000)
        self.assert_trouble(
            decision, "proxy.hsl:1:1: the script took more than its limit of 1000 steps"
        )

    def test_seconds(self):
        """Waiting is charged: too much of it is an error, at the place that waited."""
        decision = self.ask("sleep(60);", seconds=5.0)
        self.clock.advance(5)
        self.assert_trouble(
            self.successResultOf(decision),
            "proxy.hsl:1:1: the script took longer than its limit of 5 seconds",
        )

    def test_two_failures(self):
        """A policy outlives its scripts' failures."""
        policy = self.policy("Reply($reason);")
        policy.command(self.connection, b"NOOP")
        self.assert_trouble(
            policy.command(self.connection, b"NOOP"),
            *["proxy.hsl:1:7: undefined variable $reason"] * 2,
        )


class OurMistakeTests(SynchronousTestCase):
    """Not the script's fault: the session ends in the same way, and the log has the traceback."""

    def session(self, outcome):
        class Broken:
            def run(self, variables, environment):
                return outcome()

        policy = ScriptPolicy({"proxy": Binding(Broken())}, None, "gw.example.org", self.fail)
        session = Session(policy=policy)
        session.replies()
        return session

    def assert_trouble(self, session):
        self.assertEqual(session.send("NOOP"), ["421 4.3.0 gw.example.org Temporary local problem"])
        self.assertTrue(session.closed)
        self.assertEqual([str(failure.value) for failure in session.troubles], ["ours"])

    def test_raises(self):
        """An exception that is no script's."""

        def outcome():
            raise RuntimeError("ours")

        self.assert_trouble(self.session(outcome))

    def test_fails_later(self):
        """The same from a Deferred."""
        self.assert_trouble(self.session(lambda: fail(RuntimeError("ours"))))


class CompileTests(SynchronousTestCase):
    """What a hook's script can not be."""

    def complaints(self, source):
        return str(self.assertRaises(ScriptErrors, compiled, source))

    def test_readonly(self):
        """Assigning to a variable of the session does not compile."""
        self.assertEqual(
            self.complaints('$senderip = "127.0.0.1";'),
            "proxy.hsl:1:1: $senderip is read-only",
        )

    def test_arity(self):
        """Too many arguments do not compile."""
        self.assertEqual(
            self.complaints('Reply("a", [], 3);'),
            "proxy.hsl:1:1: Reply() takes 0 to 2 arguments, 3 given",
        )

    def test_other_hooks_functions(self):
        """Functions that only other places have are unknown here."""
        self.assertRegex(self.complaints("Accept();"), r"\Aproxy\.hsl:1:1: ")


class SessionTests(SynchronousTestCase):
    """The policy in whole sessions."""

    def test_other_sessions_go_on(self):
        """While one session's script sleeps, another session is served by the same script."""
        slow = Session('if ($command == "SLOW") sleep(5); Reply($command);')
        quick = Session(beside=slow)
        quick.replies()
        slow.replies()
        self.assertEqual(slow.send("SLOW"), [])
        self.assertEqual(quick.send("QUICK"), ["250 2.0.0 QUICK"])
        self.assertEqual(slow.advance(5), ["250 2.0.0 SLOW"])

    def test_many_lines_many_sleeps(self):
        """Pipelined lines are answered in their order, each after its own sleep."""
        session = Session('sleep(number($command)); Reply("slept $command");')
        session.replies()
        session.send("3", "1", "0", "2")
        said = []
        for _ in range(7):
            said.append(session.advance(1))
        self.assertEqual(
            said,
            [
                [], [], ["250 2.0.0 slept 3"],
                ["250 2.0.0 slept 1", "250 2.0.0 slept 0"],
                [], ["250 2.0.0 slept 2"], [],
            ],
        )  # fmt: skip

    def test_client_time_out_stands_still(self):
        """The client's own time-out does not count while its script runs."""
        session = Session("sleep(1000);", limits=Limits(seconds=2000.0))
        session.replies()
        session.send("NOOP")
        self.assertEqual(session.advance(900), [])
        self.assertEqual(session.advance(100), ["250 2.0.0 OK"])
        self.assertFalse(session.closed)
        self.assertEqual(
            session.advance(300), ["421 4.4.2 gw.example.org Timeout, closing connection"]
        )

    def test_leaving_cancels(self):
        """A client that leaves takes its script with it, and nothing is reported."""
        session = Session('sleep(5); $context = "ran on";')
        session.send("NOOP")
        session.leave()
        session.clock.advance(60)
        self.assertIsNone(session.connection.context)
        self.assertEqual(session.errors, [])
        self.assertEqual(session.troubles, [])

    def test_body_is_no_command(self):
        """A message reaches the transport octet for octet; the script sees none of it."""
        session = Session('$context = ($context ?? "") . "$command|";')
        session.send("EHLO c", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.com>", "DATA")
        session.send_octets(b"Subject: x\r\n\r\nQUIT\r\n..\r\n.\r\nNOOP\r\n")
        self.assertEqual(
            session.connection.context,
            "EHLO c|MAIL FROM:<a@example.org>|RCPT TO:<b@example.com>|DATA|NOOP|",
        )
        self.assertEqual(len(session.mail), 1)
        self.assertTrue(session.mail[0].octets.endswith(b"Subject: x\r\n\r\nQUIT\r\n.\r\n"))

    def test_chunks_are_no_commands(self):
        """Nor does it see the octets of BDAT."""
        session = Session('$context = ($context ?? "") . "$command|";')
        session.send("EHLO c", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.com>")
        session.send_octets(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        self.assertTrue(session.connection.context.endswith("|BDAT 6 LAST|NOOP|"))
        self.assertEqual(len(session.mail), 1)

    def test_illegal_lines_never_reach_it(self):
        """Lines that are none are answered by the server alone."""
        session = Session("Reply($command);")
        session.replies()
        self.assertEqual(session.send_octets(b"NO\0OP\r\nNOOP\r\n")[-1:], ["250 2.0.0 NOOP"])
        self.assertEqual(session.send("x" * 5000), ["500 5.5.2 Line too long"])
