"""Pass and Reply: what a script's call becomes, and every complaint in its full wording."""

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.decision import LONGEST_COMMAND, PASS, proxy_pass, proxy_reply
from smtpgate.hooks.replying import default_text
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.values import Map
from smtpgate.smtp.server.policy import Answer, Pass

TEXTS = {
    211: "System status", 214: "No help here", 220: "Ready", 221: "Goodbye",
    235: "Authentication succeeded", 251: "Recipient not local, will forward",
    252: "Cannot verify, but will take a message and try", 334: "",
    354: "Start mail input, end with <CRLF>.<CRLF>",
    421: "Service not available, closing connection", 432: "A password transition is needed",
    450: "Not available now, try again later", 451: "Local problem, try again later",
    452: "Out of resources, try again later", 454: "Temporary authentication failure",
    455: "Cannot accommodate the parameters now", 500: "Command not recognised",
    501: "Syntax error in arguments", 502: "Command not implemented",
    503: "Bad sequence of commands", 504: "Parameter not implemented",
    521: "This server does not accept mail", 530: "Authentication required",
    534: "Authentication mechanism is too weak", 535: "Authentication failed",
    538: "Encryption required", 550: "Not available", 551: "Recipient not local",
    552: "Message too large", 553: "Mailbox name not allowed", 554: "Transaction failed",
    555: "Parameters not recognised", 556: "The domain does not accept mail",
}  # fmt: skip
BY_CLASS = {2: "OK", 3: "Go on", 4: "Try again later", 5: "Refused"}


def options(**given):
    return Map(given)


def codes(code=None, enhanced=...):
    pairs = {} if code is None else {"code": code}
    if enhanced is not ...:
        pairs["enhanced"] = enhanced
    return options(reply_codes=Map(pairs))


class PassTests(SynchronousTestCase):
    """Pass([options])."""

    def complaint(self, *arguments):
        return str(self.assertRaises(Fault, proxy_pass.code, *arguments))

    def test_nothing(self):
        """Pass() gives the line as it came; the decision is made once and for all."""
        self.assertIs(proxy_pass.code(), PASS)
        self.assertEqual(PASS, Pass(None, False))

    def test_empty_options(self):
        """An empty options array is no options."""
        self.assertIs(proxy_pass.code([]), PASS)

    def test_next(self):
        """next asks for the line after this one."""
        self.assertEqual(proxy_pass.code(options(next=True)), Pass(None, True))

    def test_command(self):
        """command is another line; its characters are octets."""
        self.assertEqual(
            proxy_pass.code(options(command="NOOP \xe9\xff")), Pass(b"NOOP \xe9\xff", False)
        )

    def test_empty_command(self):
        """An empty command is a line too: the server will refuse it."""
        self.assertEqual(proxy_pass.code(options(command="")), Pass(b"", False))

    def test_command_and_next(self):
        """Both options together."""
        self.assertEqual(proxy_pass.code(options(command="NOOP", next=True)), Pass(b"NOOP", True))

    def test_line_ends(self):
        """A command with a line end in it would be two commands."""
        for octet in "\r\n\0":
            self.assertEqual(
                self.complaint(options(command=f"NOOP{octet}QUIT")),
                'Pass() option "command" must not contain CR, LF or NUL',
            )

    def test_longest(self):
        """The longest line passes, one octet more is a fault."""
        longest = "x" * LONGEST_COMMAND
        self.assertEqual(proxy_pass.code(options(command=longest)).line, longest.encode())
        self.assertEqual(
            self.complaint(options(command=longest + "x")),
            'Pass() option "command" must be at most 12286 octets, 12287 given',
        )

    def test_types(self):
        """Each option says what it wants."""
        self.assertEqual(
            self.complaint(options(command=1.0)),
            'Pass() option "command" must be a string, number given',
        )
        self.assertEqual(
            self.complaint(options(next="yes")),
            'Pass() option "next" must be a boolean, string given',
        )
        self.assertEqual(
            self.complaint(options(disconnect=True)), 'Pass() has no option "disconnect"'
        )
        self.assertEqual(
            self.complaint(options(comand="x")),
            'Pass() has no option "comand", did you mean "command"?',
        )
        self.assertEqual(
            self.complaint("NOOP"),
            'Pass() parameter "options" must be an array of named options, string given',
        )

    def test_ends_the_script(self):
        """Both functions end the script, and take what the manual says."""
        self.assertTrue(proxy_pass.terminates)
        self.assertTrue(proxy_reply.terminates)
        self.assertEqual(proxy_pass.signature, "Pass([options])")
        self.assertEqual(proxy_reply.signature, "Reply([reason], [options])")


class ReplyTests(SynchronousTestCase):
    """Reply([reason, [options]])."""

    def wire(self, *arguments):
        answer = proxy_reply.code(*arguments)
        self.assertIsInstance(answer, Answer)
        return answer.reply.wire

    def complaint(self, *arguments):
        return str(self.assertRaises(Fault, proxy_reply.code, *arguments))

    def test_nothing(self):
        """Reply() says OK, and neither closes nor asks for more."""
        answer = proxy_reply.code()
        self.assertEqual(answer.reply.wire, b"250 2.0.0 OK\r\n")
        self.assertFalse(answer.reply.close)
        self.assertFalse(answer.next)

    def test_reason(self):
        """The reason is the reply's text, octet by octet."""
        self.assertEqual(self.wire("Fine \xe9"), b"250 2.0.0 Fine \xe9\r\n")

    def test_empty_reason(self):
        """An empty string is an empty text; an empty array is none."""
        self.assertEqual(self.wire(""), b"250 2.0.0 \r\n")
        self.assertEqual(self.wire([]), b"250 2.0.0 OK\r\n")

    def test_none_is_no_reason(self):
        """none stands for the default."""
        self.assertEqual(self.wire(None), b"250 2.0.0 OK\r\n")

    def test_lines_by_array(self):
        """Each item is a line, whatever the keys; numbers print as scripts print them."""
        self.assertEqual(self.wire(["one", 2.0]), b"250-2.0.0 one\r\n250 2.0.0 2\r\n")
        self.assertEqual(self.wire(Map(a="one", b="two")), b"250-2.0.0 one\r\n250 2.0.0 two\r\n")

    def test_lines_by_newline(self):
        """LF and CRLF start a line, also inside an item."""
        self.assertEqual(
            self.wire("one\ntwo\r\nthree"),
            b"250-2.0.0 one\r\n250-2.0.0 two\r\n250 2.0.0 three\r\n",
        )
        self.assertEqual(
            self.wire(["one\ntwo", "three"]),
            b"250-2.0.0 one\r\n250-2.0.0 two\r\n250 2.0.0 three\r\n",
        )

    def test_control_characters(self):
        """CR and NUL become blanks."""
        self.assertEqual(self.wire("a\rb\0c"), b"250 2.0.0 a b c\r\n")

    def test_codes(self):
        """The code decides the enhanced code's class and, without a reason, the words."""
        self.assertEqual(self.wire(None, codes(550.0)), b"550 5.0.0 Not available\r\n")
        self.assertEqual(
            self.wire(None, codes(451.0)), b"451 4.0.0 Local problem, try again later\r\n"
        )
        self.assertEqual(self.wire("Hi", codes(220.0)), b"220 2.0.0 Hi\r\n")

    def test_intermediate_codes(self):
        """3xx has no enhanced code of its own (RFC 2034)."""
        self.assertEqual(self.wire("dXNlcg==", codes(334.0)), b"334 dXNlcg==\r\n")
        self.assertEqual(self.wire(None, codes(399.0)), b"399 Go on\r\n")

    def test_every_code(self):
        """Each code from 200 to 599, with the default enhanced code and with a given one."""
        for code in range(200, 600):
            first = str(code)[0]
            own = "" if first == "3" else f"{first}.0.0 "
            self.assertEqual(self.wire("x", codes(float(code))), f"{code} {own}x\r\n".encode())
            chosen = codes(float(code), [float(first), 1.0, 2.0])
            self.assertEqual(self.wire("x", chosen), f"{code} {first}.1.2 x\r\n".encode())
            long = self.wire("x" * 600, codes(float(code))).count(b"\r\n")
            self.assertEqual(long, 1 if first == "3" else 2)

    def test_enhanced(self):
        """An enhanced code is sent as given, on each line."""
        self.assertEqual(
            self.wire("a\nb", codes(550.0, [5.0, 7.0, 1.0])),
            b"550-5.7.1 a\r\n550 5.7.1 b\r\n",
        )
        self.assertEqual(self.wire("x", codes(None, [2.0, 1.0, 5.0])), b"250 2.1.5 x\r\n")
        self.assertEqual(self.wire("x", codes(354.0, [3.0, 0.0, 0.0])), b"354 3.0.0 x\r\n")

    def test_no_enhanced(self):
        """none leaves it out: EHLO's answer has none, RFC 2034."""
        self.assertEqual(
            self.wire(["gw.example.org", "SIZE 1000"], codes(250.0, None)),
            b"250-gw.example.org\r\n250 SIZE 1000\r\n",
        )

    def test_disconnect(self):
        """disconnect closes behind the reply."""
        self.assertTrue(proxy_reply.code("Bye", options(disconnect=True)).reply.close)

    def test_421_closes(self):
        """421 says that the connection is closed, so it is."""
        reply = proxy_reply.code(None, codes(421.0)).reply
        self.assertTrue(reply.close)
        self.assertEqual(reply.wire, b"421 4.0.0 Service not available, closing connection\r\n")

    def test_next(self):
        """next asks for the line after this one."""
        self.assertTrue(proxy_reply.code("More?", options(next=True)).next)

    def test_code_at_fault(self):
        """Codes outside SMTP, and what is no code."""
        what = 'Reply() option "reply_codes" key "code" must be a'
        for number, shown in [(199.0, "199"), (600.0, "600"), (-1.0, "-1"), (250.5, "250.5")]:
            self.assertEqual(
                self.complaint("x", codes(number)),
                f"{what} whole number from 200 to 599, {shown} given",
            )
        self.assertEqual(
            self.complaint("x", codes(float("nan"))),
            f"{what} whole number from 200 to 599, nan given",
        )
        self.assertEqual(self.complaint("x", codes("550")), f"{what} number, string given")
        self.assertEqual(self.complaint("x", codes(True)), f"{what} number, boolean given")

    def test_enhanced_at_fault(self):
        """Enhanced codes that are none, or of another class than the code."""
        what = 'Reply() option "reply_codes" key "enhanced" must'
        for value, shown in [
            ([5.0, 7.0], "[0=>5,1=>7]"),
            ([5.0, 7.0, "1"], '[0=>5,1=>7,2=>"1"]'),
            ([5.0, 7.5, 1.0], "[0=>5,1=>7.5,2=>1]"),
            ([5.0, 1000.0, 1.0], "[0=>5,1=>1000,2=>1]"),
            ([5.0, -1.0, 1.0], "[0=>5,1=>-1,2=>1]"),
        ]:
            self.assertEqual(
                self.complaint("x", codes(550.0, value)),
                f"{what} be three whole numbers from 0 to 999, {shown} given",
            )
        self.assertEqual(
            self.complaint("x", codes(550.0, "5.7.1")), f"{what} be an array, string given"
        )
        self.assertEqual(
            self.complaint("x", codes(450.0, [5.0, 7.0, 1.0])),
            f"{what} begin with 4 for code 450, 5.7.1 given",
        )

    def test_reply_codes_at_fault(self):
        """The option itself."""
        self.assertEqual(
            self.complaint("x", options(reply_codes=550.0)),
            'Reply() option "reply_codes" must be an array, number given',
        )
        self.assertEqual(
            self.complaint("x", options(reply_codes=[550.0])),
            'Reply() option "reply_codes" must have the keys "code" and "enhanced"',
        )
        self.assertEqual(
            self.complaint("x", options(reply_codes=Map(enhance=[5.0, 7.0, 1.0]))),
            'Reply() option "reply_codes" has no key "enhance", did you mean "enhanced"?',
        )

    def test_empty_reply_codes(self):
        """An empty array leaves the codes as they are."""
        self.assertEqual(self.wire("x", options(reply_codes=[])), b"250 2.0.0 x\r\n")

    def test_reason_at_fault(self):
        """A reason that is no text."""
        self.assertEqual(
            self.complaint(550.0),
            'Reply() parameter "reason" must be a string or array or none, number given',
        )
        self.assertEqual(
            self.complaint(["x", None]),
            'Reply() parameter "reason" must hold strings or numbers, none given for key "1"',
        )

    def test_longest_reason(self):
        """A reason has a limit, with the line ends between its items."""
        longest = "x" * 65536
        self.assertEqual(self.wire(longest).count(b"x"), 65536)
        self.assertEqual(self.wire(["x" * 65534, "y"]).count(b"x"), 65534)
        for reason in [longest + "x", ["x" * 65534, "yy"]]:
            self.assertEqual(
                self.complaint(reason),
                'Reply() parameter "reason" must be at most 65536 octets, 65537 given',
            )

    def test_options_at_fault(self):
        """command is Pass's option, and a mistyped name is guessed."""
        self.assertEqual(
            self.complaint("x", options(command="NOOP")), 'Reply() has no option "command"'
        )
        self.assertEqual(
            self.complaint("x", options(diconnect=True)),
            'Reply() has no option "diconnect", did you mean "disconnect"?',
        )

    def test_long_line(self):
        """A line that is too long for SMTP goes on in the next one, cut at a blank."""
        words = " ".join(["word"] * 200)
        lines = self.wire(words).split(b"\r\n")[:-1]
        self.assertEqual(len(lines), 2)
        self.assertTrue(all(len(line) <= 510 for line in lines))
        self.assertEqual(b" ".join(line[10:] for line in lines).decode(), words)

    def test_long_word(self):
        """Without blanks it is cut where it must."""
        lines = self.wire("x" * 1000).split(b"\r\n")[:-1]
        self.assertEqual([len(line) for line in lines], [510, 510])

    def test_long_challenge(self):
        """A challenge is one word and stays one."""
        self.assertEqual(self.wire("x" * 2000, codes(334.0)), b"334 " + b"x" * 2000 + b"\r\n")

    def test_longest_lines(self):
        """512 octets with code and line end are allowed, one more is not."""
        for chosen, overhead in [
            (codes(250.0, [2.0, 11.0, 123.0]), len("250 2.11.123 ")),
            (codes(250.0, None), len("250 ")),
        ]:
            longest = "x" * (510 - overhead)
            self.assertEqual(len(self.wire(longest, chosen)), 512)
            self.assertEqual(self.wire(longest + "y", chosen)[-3:], b"y\r\n")
            self.assertEqual(self.wire(longest + "y", chosen).count(b"\r\n"), 2)

    def test_cut_at_blanks(self):
        """The last blank that fits is where a long line is cut; one too far in front is not."""
        bare = codes(250.0, None)
        room = 506
        for words, pieces in [
            (["x" * room, "y"], ["x" * room, "y"]),
            (["x" * (room - 1), "y"], ["x" * (room - 1), "y"]),
            (["x" * (room // 2), "y" * room], ["x" * (room // 2), "y" * room]),
            (
                ["x" * (room // 2 - 1), "y" * room],
                ["x" * (room // 2 - 1) + " " + "y" * (room // 2), "y" * (room // 2)],
            ),
        ]:
            lines = self.wire(" ".join(words), bare).decode().split("\r\n")[:-1]
            self.assertEqual([line[4:] for line in lines], pieces)

    def test_only_long_lines_are_cut(self):
        """The other lines of the reply stay as they are."""
        lines = self.wire(["a b", "x" * 600, "c d"]).split(b"\r\n")[:-1]
        self.assertEqual(len(lines), 4)
        self.assertEqual((lines[0], lines[3]), (b"250-2.0.0 a b", b"250 2.0.0 c d"))

    def test_long_line_that_closes(self):
        """Cutting a line changes nothing else."""
        answer = proxy_reply.code("x" * 600, options(disconnect=True, next=True))
        self.assertTrue(answer.reply.close)
        self.assertTrue(answer.next)
        self.assertFalse(proxy_reply.code("x" * 600).reply.close)

    def test_largest_enhanced(self):
        """Three digits are the most, RFC 3463 2; none are needed."""
        self.assertEqual(self.wire("x", codes(550.0, [5.0, 999.0, 0.0])), b"550 5.999.0 x\r\n")

    def test_guesses(self):
        """A mistyped key of reply_codes is guessed, one like none of them is not."""
        what = 'Reply() option "reply_codes" has no key'
        for key, end in [
            ("cod", '"cod", did you mean "code"?'),
            ("enhancd", '"enhancd", did you mean "enhanced"?'),
            ("xyz", '"xyz"'),
        ]:
            self.assertEqual(
                self.complaint("x", options(reply_codes=Map({key: 550.0}))), f"{what} {end}"
            )

    def test_default_texts(self):
        """Every code has words; those of RFC 5321, 4954 and 7504 have their own."""
        for code, text in TEXTS.items():
            self.assertEqual(default_text(code), text)
        for code in set(range(200, 600)) - set(TEXTS):
            self.assertEqual(default_text(code), BY_CLASS[code // 100])

    @settings(deadline=None, derandomize=True)
    @given(
        st.one_of(
            st.text(st.characters(max_codepoint=255), max_size=2000),
            st.lists(st.text(st.characters(max_codepoint=255), max_size=600), max_size=5),
        ),
        st.integers(200, 599),
    )
    def test_any_reason(self, reason, code):
        """Whatever the reason: lines of one code, in one reply, of legal length."""
        wire = self.wire(reason, codes(float(code)))
        self.assertTrue(wire.endswith(b"\r\n"))
        lines = wire[:-2].split(b"\r\n")
        for line in lines[:-1]:
            self.assertTrue(line.startswith(b"%d-" % code))
        self.assertTrue(lines[-1].startswith(b"%d " % code))
        for line in lines:
            self.assertFalse(set(line) & set(b"\r\n\0"))
            self.assertTrue(code // 100 == 3 or len(line) <= 510)
