"""Scripts under attack: lines that make them work hard, and words that they pass on."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.errors import ScriptErrors
from smtpgate.hsl.runtime import Limits, ScriptRoot
from tests.support.session import Session

TROUBLE = "421 4.3.0 gw.example.org Temporary local problem"


class RegexTests(SynchronousTestCase):
    """Patterns that take exponential time on the right line, and the client who sends it."""

    BOMBS = (
        (r"^(a+)+$", "a" * 1000 + "b"),
        (r"^(a|a)*$", "a" * 1000 + "b"),
        (r"^(a|aa)+$", "a" * 1000 + "b"),
        (r"(.*a){20}$", "a" * 1000 + "b"),
        (r"^(([a-z])+.)+[A-Z]([a-z])+$", "a" * 1000),
        (r"(x+x+)+y", "x" * 1000),
        (r"^(.*?,){25}P", "1," * 500),
        (r"(?=(a+))*\1*b", "a" * 1000),
    )

    def test_bombs(self) -> None:
        """Each ends: the client gets 421 or an answer, and the log says which pattern."""
        for pattern, line in self.BOMBS:
            session = Session(f"if ($command =~ ''/{pattern}/'') Reply(\"matched\");")
            session.replies()
            (reply,) = session.send(line)
            self.assertIn(reply[:9], (TROUBLE[:9], "500 5.5.1", "500 5.5.2"), pattern)
            if reply == TROUBLE:
                self.assertTrue(session.closed)
                self.assertIn("proxy.hsl:1:", str(session.errors[0]))

    def test_bomb_goes_off(self) -> None:
        """At least the classic one is stopped by its limit, so that the test above has teeth."""
        session = Session("if ($command =~ ''/^(a+)+$/'') Reply(\"matched\");")
        session.replies()
        self.assertEqual([TROUBLE], session.send("a" * 1000 + "b"))

    def test_others_go_on(self) -> None:
        """The next client is served as ever."""
        session = Session("if ($command =~ ''/^(a+)+$/'') Reply(\"matched\");")
        session.send("a" * 1000 + "b")
        other = Session(beside=session)
        other.replies()
        self.assertEqual(["250 2.0.0 OK"], other.send("NOOP"))


class PathTests(SynchronousTestCase):
    """What the log says of this machine's directories is for the operator."""

    def test_missing_file(self) -> None:
        """A file that a client's line names is not there: the log says where it would be."""
        session = Session("echo file_get_contents($command);")
        session.environment.files = ScriptRoot("/srv/secret")
        session.replies()
        self.assertEqual([TROUBLE], session.send("none.txt"))
        self.assertEqual(
            [
                'proxy.hsl:1:6: file_get_contents(): there is no file "none.txt" '
                "in the script root /srv/secret"
            ],
            [str(error) for error in session.errors],
        )


class WorkTests(SynchronousTestCase):
    """Scripts that never end, or eat memory, because of what a client has sent."""

    def outcome(self, script: str, line: str, **limits: float) -> list[str]:
        session = Session(script, limits=Limits(**limits))  # type: ignore[arg-type]
        session.replies()
        replies = session.send(line)
        self.assertEqual([], session.troubles)
        return replies

    def test_endless(self) -> None:
        """A loop without end is stopped by its steps."""
        self.assertEqual([TROUBLE], self.outcome("while (true) { $a = 1; }", "NOOP", steps=10_000))

    def test_recursion(self) -> None:
        """A function that calls itself does not even compile."""
        script = "function f($x) { return f($x) + 1; } f($command);"
        error = self.assertRaises(ScriptErrors, Session, script)
        self.assertIn("f() calls itself: recursion is not allowed", str(error))

    def test_memory(self) -> None:
        """A string that doubles is stopped before it fills the memory."""
        script = "$a = $command; while (true) { $a = $a . $a; }"
        self.assertEqual([TROUBLE], self.outcome(script, "x" * 1000))

    def test_waiting(self) -> None:
        """A script that sleeps too long is stopped, and holds nobody but its client."""
        session = Session("sleep(1000);")
        session.replies()
        self.assertEqual([], session.send("NOOP"))
        other = Session(beside=session)
        self.assertEqual(["220 gw.example.org ESMTP"], other.replies())
        self.assertEqual([TROUBLE], session.advance(31))


class InjectionTests(SynchronousTestCase):
    """What a script passes on of a client's words stays in its place."""

    def test_reply(self) -> None:
        """Line ends become lines of the same reply; no reply can be made up."""
        for octets in ("\\r\\n", "\\n", "\\r", "\\x00", "\\n.\\r\\n", "\\r\\n\\r\\n"):
            session = Session(
                f'Reply("x{octets}250 2.0.0 made up", ["reply_codes" => ["code" => 550]]);'
            )
            session.replies()
            for line in session.send("NOOP"):
                self.assertRegex(line, r"^550[ -]5\.0\.0 ")
                self.assertNotRegex(line, "[\r\n\0]")

    def test_echoed_command(self) -> None:
        """A command that is told back is one line."""
        session = Session("Reply($command);")
        session.replies()
        self.assertEqual(
            ["250 2.0.0 a\x85b\x0b\x0cc \x1b[2J"], session.send("a\x85b\x0b\x0cc \x1b[2J")
        )

    def test_command(self) -> None:
        """A command with line ends that a script makes of it never reaches the server."""
        for octets in ("\\r\\nQUIT", "\\nQUIT", "\\x00"):
            session = Session(f'Pass(["command" => "NOOP{octets}"]);')
            session.replies()
            (reply,) = session.send("x")
            self.assertEqual(TROUBLE, reply)
            self.assertIn("proxy.hsl:1:", str(session.errors[0]))

    def test_addresses(self) -> None:
        """An address that a script believes in has no zone, and so no text of anybody's in it."""
        for zone in ("%\\r\\nX: y", "%eth0"):
            session = Session(hooks={"connect": f'Accept(["senderip" => "fe80::1{zone}"]);'})
            self.assertEqual([TROUBLE], session.replies())
            self.assertEqual("192.0.2.7", session.connection.peer_ip)
            self.assertIn('option "senderip" must be an IP address', str(session.errors[0]))

    def test_refusals(self) -> None:
        """A refusal keeps its code in each line, at each hook."""
        lines = {
            "connect": (),
            "helo": ("EHLO me",),
            "mailfrom": ("EHLO me", "MAIL FROM:<a@b>"),
            "rcptto": ("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<c@d>"),
        }
        for hook, said in lines.items():
            session = Session(hooks={hook: 'Reject("no\\r\\n250 2.0.0 made up");'})
            replies = session.replies()
            for line in said:
                replies = session.send(line)
            self.assertEqual(2, len(replies), hook)
            for number, line in enumerate(replies):
                self.assertRegex(line, r"^5\d\d" + "- "[number], hook)
