"""What a script would do with a sample: nothing that it does is missed."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.table import PROXY
from smtpgate.hsl.checks.sampling import reached
from smtpgate.hsl.constants import UNKNOWN, Folder
from smtpgate.hsl.grammar import parse
from smtpgate.hsl.resolver import Resolver
from smtpgate.hsl.runtime import ScriptRoot
from smtpgate.hsl.runtime.environment import Context
from tests.support.session import EXAMPLES, Session

CONDITIONS = st.sampled_from(
    ['$command =~ "^MAIL"', '$command == "NOOP"', "$x", "!$x", "$senderport > 1",
     "$senderport < 1", '$command =~ "^M" and $senderport > 1', "$x or $tlsstarted",
     'str_upper($command)[0:4] == "MAIL"', '$tlsstarted ? $x : $y', "$y ?? $x"]
)  # fmt: skip
SIMPLE = st.sampled_from(
    ['Reply("@");', 'Reply("@");', "$x = true;", "$x = false;", "$y = $x;",
     "$x = $tlsstarted;", "$y = $senderport > 1;", "f($x);", "f(!$x);",
     '$command =~ "^MAIL" and Reply("@");', '[$x, $y] = [$y, $x];']
)  # fmt: skip
STATEMENTS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds("if ({}) {{ {} }}".format, CONDITIONS, inner),
        st.builds("if ({}) {{ {} }} else {{ {} }}".format, CONDITIONS, inner, inner),
        st.builds("foreach ([1, 2] as $i) {{ {} if ({}) break; }}".format, inner, CONDITIONS),
        st.builds('switch ($command) {{ case "NOOP": {} break; default: {} }}'.format,
                  inner, inner),
        st.builds("{} {}".format, inner, inner),
    ),
    max_leaves=12,
)  # fmt: skip


def reach(source, **variables):
    """The first arguments of the decisions that are reached."""
    own = PROXY.context
    context = Context("proxy", own.readonly, own.writable, own.functions)
    resolution = Resolver(parse(source, "x"), context, ScriptRoot(EXAMPLES), Folder()).resolve()
    found = reached(resolution, own.functions, variables)
    names = [each.arguments[0] if each.arguments else each.name for each in found]
    return list(dict.fromkeys(names))


class ReachedTests(SynchronousTestCase):
    """What is known, what is not, and what comes of it."""

    def test_known(self):
        """A condition that is known goes one way, one that is not both ways."""
        for source, expected in (
            ('if ($command == "A") Reply("1"); Reply("2");', ["1"]),
            ('if ($command == "B") Reply("1"); Reply("2");', ["2"]),
            ('if ($senderip == "B") Reply("1"); Reply("2");', ["1", "2"]),
            ('if ($senderip == "B") Reply("1"); else Reply("2"); Reply("3");', ["1", "2"]),
            ('$x = $command . "!"; Reply($x);', ["A!"]),
            ('$x = 1; if ($tlsstarted) $x = 2; if ($x == 1) Reply("1"); Reply("2");', ["1", "2"]),
            ('$x = 1; if ($tlsstarted) $x = 1; if ($x == 2) Reply("1"); Reply("2");', ["2"]),
            ('$x = 1; if ($tlsstarted) { $x = 2; Pass(); } if ($x == 2) Reply("1"); Reply("2");',
             ["Pass", "2"]),
            ('while ($tlsstarted) { if ($x ?? false) Reply("1"); $x = true; } Reply("2");',
             ["1", "2"]),
            ('foreach ([1] as $x) if ($x == 2) Reply("1"); Reply("2");', ["1", "2"]),
            ('$x = ["a" => $command, "b" => $senderip]; if ($x["a"] == "B") Reply("1");', []),
            ('$x = ["a" => $command, "b" => $senderip]; if ($x["b"] == "B") Reply("1");', ["1"]),
            ('$x = "B"; $x .= $senderip; if ($x == "C") Reply("1");', ["1"]),
            ('$x = ["B"]; $x[] = "C"; if ($x == ["B"]) Reply("1"); Reply("2");', ["1", "2"]),
            ('switch ($command) { case "A": $x = 1; case "B": Reply("1"); default: Reply("2"); }',
             ["1"]),
            ('switch ($senderip) { case "A": Reply("1"); break; default: Reply("2"); }',
             ["1", "2"]),
            ('function f($x) { if ($x == "A") Reply("1"); } f("B"); f($command); Reply("2");',
             ["1"]),
            ('function f($x) { if ($x) return; Reply("1"); } f($tlsstarted); Reply("2");',
             ["1", "2"]),
            ('$tlsstarted ? Reply("1") : Reply("2"); Reply("3");', ["1", "2", "3"]),
            ('$x = 1 / 0; Reply("1");', ["1"]),
        ):  # fmt: skip
            self.assertEqual(reach(source, command="A"), expected, source)

    def test_unknown_arguments(self):
        """An argument that is not known is said to be so."""
        self.assertEqual(reach("Reply($senderip);", command="A"), [UNKNOWN])
        self.assertEqual(reach("Reply(...$context);", command="A"), [UNKNOWN])

    @settings(deadline=None, derandomize=True, max_examples=200)
    @given(STATEMENTS, STATEMENTS, st.sampled_from(["NOOP", "MAIL FROM:<a@b.c>"]))
    def test_nothing_is_missed(self, inside, body, line):
        """What a script really answers is among what was reached."""
        source = f"function f($x) {{ $y = false; {inside.replace('f(', 'is_boolean(')} }}\n"
        source += f"$x = false; $y = true; {body}"
        parts = source.split("@")
        source = "".join(f"{part}{number}" for number, part in enumerate(parts[:-1])) + parts[-1]
        # In functions the predefined variables have to be asked for.
        source = source.replace("$y = false;", "global $command, $senderport, $tlsstarted;"
                                " $y = false;", 1)  # fmt: skip
        session = Session(source)
        session.replies()
        said = session.send(line)
        self.assertEqual(session.errors, [])
        if said[0].startswith("250 2.0.0 ") and said[0][10:].isdigit():
            self.assertIn(said[0][10:], reach(source, command=line))
