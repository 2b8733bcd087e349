"""The example scripts: each compiles, says when to use it and is played in a session."""

import re

from twisted.trial.unittest import SynchronousTestCase

from tests.support.dialog import parse
from tests.support.session import EXAMPLES, HOSTNAME, Session, compiled
from tests.test_dialogs import DIALOGS

SCRIPTS = sorted(EXAMPLES.glob("*.hsl"))


def text_of(path):
    return path.read_text("latin-1")


class ExampleTests(SynchronousTestCase):
    """What every example has."""

    def test_found(self):
        """They are where the documentation says."""
        self.assertIn("proxy.hsl", [path.name for path in SCRIPTS])

    def test_compile(self):
        """Each compiles by itself, without warnings."""
        for path in SCRIPTS:
            script = compiled(text_of(path), path.name)
            self.assertEqual(script.warnings, (), path.name)

    def test_say_when(self):
        """Each begins with a comment that says when to use it, and is plain ASCII."""
        for path in SCRIPTS:
            comment = re.match(r"(//.*\n)+", text_of(path))
            self.assertIsNotNone(comment, path.name)
            self.assertRegex(comment[0], r"Use it|to have it|example of", path.name)
            self.assertTrue(text_of(path).isascii(), path.name)

    def test_played(self):
        """Each has at least one transcript."""
        played = {
            parse(text_of(path)).head.get("script") for path in DIALOGS.glob("examples/*.txt")
        }
        self.assertEqual({path.name for path in SCRIPTS} - played, set())

    def test_all_at_once(self):
        """With every part of proxy.hsl switched on they still get along."""
        source = text_of(EXAMPLES / "proxy.hsl").replace('// include "', 'include "')
        session = Session(source, tls=object(), client=("127.0.0.1", 50000))
        session.replies()
        self.assertEqual(session.send("STATUS")[0][:14], "250-2.0.0 serv")
        self.assertEqual(
            session.send("XCLIENT ADDR=192.0.2.1"), ["250 2.0.0 Nice to meet you, 192.0.2.1"]
        )
        self.assertEqual(
            session.send("COMPLAINT"), ["530 5.7.0 Must issue a STARTTLS command first"]
        )
        session.send("STARTTLS")
        session.shake_hands()
        session.send("EHLO client.example.org")
        self.assertEqual(session.send("COMPLAINT")[0], "350-What is it about?")
        self.assertEqual(session.connection.context["xclient"], {"ADDR": "192.0.2.1"})
        self.assertEqual(session.errors, [])


class XClientTests(SynchronousTestCase):
    """What xclient.hsl leaves behind for other scripts."""

    def test_context(self):
        """Attributes by upper-case name; what the proxy does not know is left out."""
        session = Session(text_of(EXAMPLES / "xclient.hsl"), client=("127.0.0.1", 50000))
        session.replies()
        session.send("XCLIENT addr=192.0.2.1 LOGIN=jo NAME=[TEMPUNAVAIL]")
        self.assertEqual(
            session.connection.context, {"xclient": {"ADDR": "192.0.2.1", "LOGIN": "jo"}}
        )
        self.assertEqual(session.connection.peer_ip, "127.0.0.1")


class ComplaintTests(SynchronousTestCase):
    """What complaint.hsl tells the log."""

    def test_echo(self):
        """One line with everything, once; the dialogue leaves nothing behind."""
        session = Session(text_of(EXAMPLES / "complaint.hsl"))
        session.replies()
        session.send("COMPLAINT")
        session.send("It is slow")
        session.send("jo@example.org")
        self.assertEqual(session.echoed, ["complaint from 192.0.2.7 (jo@example.org): It is slow"])
        self.assertEqual(session.connection.context, [])


class TarpitTests(SynchronousTestCase):
    """How long tarpit.hsl waits."""

    def waited(self, session, line):
        seconds = 0
        replies = session.send(line)
        while not replies:
            replies = session.advance(1)
            seconds += 1
        return seconds

    def test_grows_and_stops_growing(self):
        """Two seconds for each refused recipient, never more than twenty."""
        session = Session(text_of(EXAMPLES / "tarpit.hsl"))
        session.send("EHLO client.example.org", "MAIL FROM:<jo@example.org>")
        waits = [self.waited(session, "RCPT TO:<nobody>") for _ in range(13)]
        self.assertEqual(waits, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 20, 20])

    def test_others_go_on(self):
        """While one session is held, another one of the same server is served."""
        slow = Session(text_of(EXAMPLES / "tarpit.hsl"))
        slow.send("EHLO client.example.org", "MAIL FROM:<jo@example.org>", "RCPT TO:<nobody>")
        quick = Session(beside=slow)
        self.assertEqual(quick.replies(), [f"220 {HOSTNAME} ESMTP"])
        self.assertEqual(slow.send("RCPT TO:<nobody>"), [])
        self.assertEqual(quick.send("NOOP"), ["250 2.0.0 OK"])
        self.assertEqual(len(slow.advance(2)), 1)
