"""When the proxy hook is asked."""

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.commands import verb, wanted
from smtpgate.smtp.session import Connection


class VerbTests(SynchronousTestCase):
    """The first word of a line."""

    def test_words(self):
        """Upper case, up to the first blank or tab; blanks in front do not hide it."""
        for line, expected in [
            (b"MAIL FROM:<a@b>", b"MAIL"),
            (b"quit", b"QUIT"),
            (b"mail\tfrom:<a@b>", b"MAIL"),
            (b"  XClient ADDR=1.1.1.1", b"XCLIENT"),
            (b"\xe9\xff x", b"\xe9\xff"),
            (b"", b""),
            (b" \t ", b""),
        ]:
            self.assertEqual(verb(line), expected)


class WantedTests(SynchronousTestCase):
    """The setting ``commands``."""

    def test_all(self):
        """Every line, an empty one too."""
        test = wanted("all")
        self.assertTrue(test(Connection("x"), b"NOOP"))
        self.assertTrue(test(Connection("x"), b""))

    def test_first(self):
        """The connection's first command and no other."""
        test = wanted("first")
        connection = Connection("x")
        connection.commands = 1
        self.assertTrue(test(connection, b"NOOP"))
        connection.commands = 2
        self.assertFalse(test(connection, b"NOOP"))

    def test_verbs(self):
        """Those verbs in any case, in the list and on the line."""
        test = wanted(["xclient", "MAIL"])
        connection = Connection("x")
        self.assertTrue(test(connection, b"XCLIENT ADDR=1.1.1.1"))
        self.assertTrue(test(connection, b"mail FROM:<a@b>"))
        self.assertFalse(test(connection, b"MAILFROM:<a@b>"))
        self.assertFalse(test(connection, b"RCPT TO:<a@b>"))
        self.assertFalse(test(connection, b""))

    def test_no_verbs(self):
        """An empty list: never, but for ``next``."""
        self.assertFalse(wanted([])(Connection("x"), b"NOOP"))

    def test_nonsense(self):
        """Words that are no setting, and verbs that no line can begin with."""
        for commands, message in [
            ("some", 'commands are "all", "first" or a list of verbs, not "some"'),
            ([""], '"" is no verb: one word of printable ASCII is expected'),
            (["MAIL FROM"], '"MAIL FROM" is no verb: one word of printable ASCII is expected'),
            (["MA\xcfL"], '"MA\xcfL" is no verb: one word of printable ASCII is expected'),
        ]:
            self.assertEqual(str(self.assertRaises(ValueError, wanted, commands)), message)
