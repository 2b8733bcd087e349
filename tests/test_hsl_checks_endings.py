"""Scripts that can end without a decision, where that is warned about."""

from twisted.trial.unittest import SynchronousTestCase

from tests.support.session import compiled

WORDS = "the script can end without a decision, which defers the message"


class EndingsTests(SynchronousTestCase):
    """The warning at eodonce."""

    def warnings(self, source):
        return list(compiled(source, "x.hsl", "eodonce").warnings)

    def test_decides(self):
        """Scripts that decide on every path."""
        for source in (
            "Accept();",
            'if (GetHeader("X")) Reject(); Accept();',
            "if ($saslauthed) Accept(); else Reject();",
            "if ($saslauthed) { Accept(); } else if ($tlsstarted) { Defer(); } else { Reject(); }",
            "function end() { last(); } function last() { Accept(); } end();",
            'switch ($senderip) { case "a": Reject(); default: Accept(); }',
            'barrier "x" { Accept(); }',
            "array_map(function ($x) { return $x; }, [1]); Accept();",
            "function one() { return 1; } one(); Accept();",
        ):
            self.assertEqual(self.warnings(source), [], source)

    def test_does_not(self):
        """Scripts with a path past every decision, and the place where it ends."""
        for source, place in (
            ("", "1:1"),
            ("$x = 1;", "1:1"),
            ("$x = 1;\nif ($saslauthed) Accept();", "2:1"),
            ("if ($saslauthed) return;\nAccept();", "1:18"),
            ("while ($saslauthed) Accept();", "1:1"),
            ('switch ($senderip) { case "a": Accept(); }', "1:1"),
            ("function end($x) { if ($x) return; Accept(); }\nend(1);", "2:1"),
            ("function Accept2() { Accept(); }\n$f = Accept2;", "2:1"),
            ("$saslauthed and Accept();", "1:1"),
        ):
            self.assertEqual(self.warnings(source), [f"x.hsl:{place}: {WORDS}"], source)

    def test_elsewhere(self):
        """Where the end of a script is a decision like others nobody is warned."""
        for hook in ("proxy", "connect", "rcptto", "eodrcpt", "disconnect"):
            self.assertEqual(compiled("$x = 1;", "x.hsl", hook).warnings, ())
