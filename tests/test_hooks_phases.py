"""The phase hooks in real sessions: what they have in common."""

from smtpgate.hooks.table import HOOKS
from tests.support.phases import EHLO, LINES, MAIL, REFUSALS, TO, PhaseTestCase
from tests.support.session import HOSTNAME, Session


class EveryHookTests(PhaseTestCase):
    """What Accept, Reject and Defer have in common."""

    def test_codes(self):
        """Each hook has its own codes; connect and helo do without enhanced ones (RFC 2034)."""
        for hook, rejected, deferred in REFUSALS:
            bare = hook in ("connect", "helo")
            for function, code in (("Reject", rejected), ("Defer", deferred)):
                session, said = self.last(hook, f'{function}("No\\nway");')
                enhanced = "" if bare else f"{code // 100}.0.0 "
                self.assertEqual(said, [f"{code}-{enhanced}No", f"{code} {enhanced}way"])
                self.assertEqual(session.closed, hook == "connect")

    def test_disconnect(self):
        """The connection is closed behind the reply."""
        for hook, code, _ in REFUSALS[1:]:
            session, said = self.last(hook, 'Reject("Go", ["disconnect" => true]);')
            self.assertEqual(said[-1][:3], str(code))
            self.assertTrue(session.closed)

    def test_disconnect_at_connect(self):
        """There the connection is closed anyway: the option does not exist."""
        session, said = self.last(
            "connect", '$options = ["disconnect" => true]; Reject("Go", $options);'
        )
        self.assertEqual(said, [f"421 4.3.0 {HOSTNAME} Temporary local problem"])
        self.assert_error(session, 'Reject() has no option "disconnect"')

    def test_reply_codes(self):
        """Codes of the script's choice."""
        for hook, _, _ in REFUSALS:
            codes = '["reply_codes" => ["code" => 571, "enhanced" => [5, 7, 1]]]'
            _, said = self.last(hook, f'Reject("Never", {codes});')
            self.assertEqual(said, ["571 5.7.1 Never"])

    def test_names_mean_what_they_say(self):
        """Reject can not accept, and Accept can not reject."""
        session, said = self.last("rcptto", 'Reject("x", ["reply_codes" => ["code" => 250]]);')
        self.assertEqual(said, ["450 4.3.0 Temporary local problem, try again later"])
        self.assert_error(
            session,
            'Reject() option "reply_codes" key "code" must be a whole number from 400 to 599, '
            "250 given",
        )
        session, said = self.last("rcptto", 'Accept(["reply_codes" => ["code" => 550]]);')
        self.assertEqual(said, ["450 4.3.0 Temporary local problem, try again later"])
        self.assert_error(
            session,
            'Accept() option "reply_codes" key "code" must be a whole number from 200 to 299, '
            "550 given",
        )
        self.assertEqual(session.connection.transaction.recipients, [])

    def test_implicit_end(self):
        """A script that decides nothing accepts: the session is as without it."""
        for hook in LINES:
            _, said = self.last(hook, '$x = "nothing";')
            plain = Session()
            expected = plain.replies()
            for line in LINES[hook]:
                expected = plain.send(line)
            self.assertEqual(said, expected, hook)

    def test_failure(self):
        """A script that fails defers, and the log knows where."""
        expected = {
            "connect": f"421 4.3.0 {HOSTNAME} Temporary local problem",
            "helo": "450 Temporary local problem, try again later",
            "mailfrom": "450 4.3.0 Temporary local problem, try again later",
            "rcptto": "450 4.3.0 Temporary local problem, try again later",
        }
        for hook, reply in expected.items():
            session, said = self.last(hook, "$x = $nothing;")
            self.assertEqual(said, [reply])
            self.assertEqual(len(session.errors), 1)
            self.assertEqual(session.errors[0].position.file, f"{hook}.hsl")
            self.assertEqual(session.closed, hook == "connect")

    def test_waits(self):
        """A script that waits holds the session, and nobody else's."""
        for hook in LINES:
            session, said = self.last(hook, "sleep(2); Reject();")
            self.assertEqual(said, [])
            other = Session(beside=session)
            self.assertEqual(session.advance(1), [])
            other.leave()
            self.assertEqual(len(session.advance(1)), 1)

    def test_client_leaves(self):
        """A client that leaves cancels the script; that is nobody's error."""
        for hook in LINES:
            session, _ = self.last(hook, 'sleep(2); $context = "went on";')
            session.leave()
            session.clock.advance(5)
            self.assertIsNone(session.connection.context)
            self.assertEqual(session.errors, [])
            self.assertEqual(session.troubles, [])

    def test_context(self):
        """$context goes through the whole session, from hook to hook."""
        note = '$context[] = "{}";'
        session = Session(
            hooks={hook: note.format(hook) for hook in LINES},
            proxy='if (!isset($context)) $context = []; $context[] = "proxy";',
            commands=["QUIT"],
        )
        session.connection.context = []
        session.send(EHLO, MAIL, TO, TO, "QUIT")
        self.assertEqual(
            session.connection.context, ["helo", "mailfrom", "rcptto", "rcptto", "proxy"]
        )

    def test_order(self):
        """The proxy hook runs before the phase hook of the same line, and to its end."""
        say = 'echo "{} begins"; sleep(1); echo "{} ends";'
        hooks = {hook: say.format(hook, hook) for hook in ("helo", "mailfrom", "rcptto")}
        session = Session(say.format("proxy", "proxy"), hooks=hooks)
        session.send(EHLO, MAIL, TO)
        for _ in range(8):
            session.advance(1)
        expected = []
        for hook in ("helo", "mailfrom", "rcptto"):
            for name in ("proxy", hook):
                expected += [f"{name} begins", f"{name} ends"]
        self.assertEqual(session.echoed, expected)

    def test_proxy_answers(self):
        """A proxy script that says 250 to MAIL by itself can not put the session out of step."""
        session = Session('if ($command =~ "^MAIL") Reply("Sure");', hooks={"rcptto": "Accept();"})
        session.send(EHLO)
        self.assertEqual(session.send(MAIL), ["250 2.0.0 Sure"])
        self.assertEqual(session.send(TO), ["503 5.5.1 Say MAIL first"])
        self.assertEqual(session.send("DATA"), ["503 5.5.1 Say MAIL first"])

    def test_not_asked(self):
        """What the server refuses by itself never comes to a script."""
        session = Session(hooks={hook: f'echo "{hook}";' for hook in LINES})
        session.send("EHLO", MAIL, "RCPT TO:<al>", "MAIL FROM:jo")
        self.assertEqual(session.echoed, ["connect"])

    def test_arguments(self):
        """The later editions' $arguments says the same."""
        expected = {
            "connect": {
                "remoteip": "192.0.2.7", "remoteport": 41666, "localip": "10.0.0.1",
                "localport": 25, "serverid": "inbound",
            },
            "mailfrom": {
                "sender": "jo@example.org",
                "address": {"localpart": "Jo", "domain": "Example.org"},
                "params": {"SIZE": "100"},
            },
            "rcptto": {
                "recipient": "al@example.com",
                "address": {"localpart": "Al", "domain": "Example.com"},
                "params": [],
                "transportid": "local",
            },
        }  # fmt: skip
        for hook, arguments in expected.items():
            session, _ = self.last(hook, "$context = $arguments;")
            self.assertEqual(session.connection.context, arguments)
        session, _ = self.last("helo", "$context = $arguments;")
        found = session.connection.context
        self.assertEqual((found["verb"], found["host"]), ("EHLO", "client.example.org"))
        self.assertIn("PIPELINING", found["extensions"])

    def test_every_row_has_connection(self):
        """$connection and $arguments are in every hook."""
        for hook in HOOKS.values():
            self.assertLessEqual({"connection", "arguments", "transaction"}, set(hook.variables))
