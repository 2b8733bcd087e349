"""The phase hooks in real sessions: what each function and option does."""

import base64

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.table import HOOKS
from tests.support.session import HOSTNAME, Session

EHLO = "EHLO client.example.org"
MAIL = "MAIL FROM:<Jo@Example.org> SIZE=100"
TO = "RCPT TO:<Al@Example.com>"
REFUSALS = [("connect", 521, 421), ("helo", 554, 450), ("mailfrom", 554, 450), ("rcptto", 554, 450)]
LINES = {"connect": [], "helo": [EHLO], "mailfrom": [EHLO, MAIL], "rcptto": [EHLO, MAIL, TO]}


def encoded(text):
    return base64.b64encode(text.encode("latin-1")).decode("ascii")


class PhaseTestCase(SynchronousTestCase):
    """Sessions with one script at one hook."""

    def session(self, hook, source, **settings):
        return Session(hooks={hook: source}, **settings)

    def last(self, hook, source, **settings):
        """The session, and the reply lines to the command that the hook is about."""
        session = self.session(hook, source, **settings)
        said = session.replies()
        for line in LINES[hook]:
            said = session.send(line)
        return session, said

    def assert_error(self, session, words):
        self.assertEqual([error.message for error in session.errors], [words])


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
        session, said = self.last("connect", 'Reject("Go", ["disconnect" => true]);')
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


class ConnectTests(PhaseTestCase):
    """connect."""

    def test_banner(self):
        """The banner is the script's."""
        _, said = self.last("connect", 'Accept(["reason" => "mx.example.com ESMTP here"]);')
        self.assertEqual(said, ["220 mx.example.com ESMTP here"])

    def test_address(self):
        """The address and its name are written back, by their old and their new names."""
        for ip, ptr in (("senderip", "senderptr"), ("remoteip", "remoteptr")):
            session, _ = self.last(
                "connect",
                f'Accept(["{ip}" => "2001:DB8::1", "{ptr}" => "mail.example.org"]);',
            )
            self.assertEqual(session.connection.peer_ip, "2001:db8::1")
            self.assertEqual(session.connection.peer_ptr, "mail.example.org")

    def test_no_address(self):
        """What is no address is an error of the script."""
        session, _ = self.last("connect", 'Accept(["senderip" => "there"]);')
        self.assert_error(session, 'Accept() option "senderip" must be an IP address')
        session, _ = self.last("connect", 'Accept(["senderptr" => "a b\\r\\nX: y"]);')
        self.assert_error(session, 'Accept() option "senderptr" must be a host name')

    def test_xclient(self):
        """Who has assumed another address is asked about again."""
        session = self.session(
            "connect",
            'if ($senderip == "192.0.2.66") Reject("Listed");',
            client=("127.0.0.1", 50000),
            xclient=(__import__("ipaddress").ip_network("127.0.0.0/8"),),
        )
        session.replies()
        self.assertEqual(session.send("XCLIENT ADDR=192.0.2.66"), ["521 Listed"])
        self.assertTrue(session.closed)


class HeloTests(PhaseTestCase):
    """helo."""

    def test_name(self):
        """The name is written back."""
        session, _ = self.last("helo", 'Accept(["senderhelo" => "known.example"]);')
        self.assertEqual(session.connection.helo, "known.example")

    def test_bad_name(self):
        """A name that could not have been sent can not be set."""
        session, _ = self.last("helo", 'Accept(["host" => "a b"]);')
        self.assert_error(session, 'Accept() option "senderhelo" must be a host name')

    def test_former_name(self):
        """A name that was refused does not replace the one before it."""
        session = self.session("helo", 'if ($senderhelo != "good.example") Reject();')
        session.send("EHLO good.example", "EHLO bad.example")
        self.assertEqual(session.connection.helo, "good.example")

    def test_reason(self):
        """The first line is the script's; keywords follow."""
        _, said = self.last("helo", 'Accept(["reason" => "Hello $senderhelo"]);')
        self.assertEqual(said[0], "250-Hello client.example.org")
        self.assertIn("250-PIPELINING", said)

    def test_extensions(self):
        """What is announced is the script's choice, from what the server offers."""
        _, said = self.last(
            "helo",
            'Accept(["extensions" => array_filter(function ($x) { return $x != "CHUNKING"; }, '
            "GetExtensions())]);",
        )
        plain = Session()
        plain.replies()
        expected = [line for line in plain.send(EHLO) if "CHUNKING" not in line]
        self.assertEqual(said, expected)
        _, said = self.last("helo", 'Accept(["extensions" => []]);')
        self.assertEqual(said, [f"250 {HOSTNAME}"])

    def test_bad_extensions(self):
        """An announcement that would break the reply is an error."""
        for keyword in ("A\\r\\nB", "", "two  blanks"):
            session, said = self.last("helo", f'Accept(["extensions" => ["{keyword}"]]);')
            self.assertEqual(said, ["450 Temporary local problem, try again later"])
            self.assert_error(
                session,
                'Accept() option "extensions" must hold keywords, each with its parameters behind '
                "single spaces",
            )
        session, _ = self.last("helo", 'Accept(["extensions" => [1]]);')
        self.assert_error(session, 'Accept() option "extensions" must hold strings, number given')

    def test_type(self):
        """HELO and EHLO are told apart."""
        session = self.session("helo", "echo $senderhelotype;")
        session.send("HELO a.example", "EHLO a.example")
        self.assertEqual(session.echoed, ["HELO", "EHLO"])

    def test_tls(self):
        """GetTLS says what the handshake agreed on, and that there was none."""
        session = self.session("helo", "echo json_encode(GetTLS());", tls=object())
        session.send(EHLO, "STARTTLS")
        session.shake_hands()
        session.send(EHLO)
        self.assertEqual(session.echoed[0], '{"started":false}')
        self.assertEqual(
            session.echoed[1],
            '{"started":true,"protocol":"TLSv1.3","ciphers":"TLS_AES_256_GCM_SHA384",'
            '"keysize":256}',
        )


class AuthTests(PhaseTestCase):
    """auth."""

    def auth(self, source, *lines, mechanisms=("PLAIN", "LOGIN", "QUIZ")):
        session = self.session("auth", source, mechanisms=mechanisms)
        session.send(EHLO)
        return session, [session.send(line) for line in lines]

    def plain(self, source):
        session, said = self.auth(source, "AUTH PLAIN " + encoded("\0jo\0secret"))
        return session, said[0]

    def test_plain(self):
        """Name and password are the script's to judge."""
        session, said = self.plain(
            'if ($saslusername == "jo" and $saslpassword == "secret" and $saslmechanism == "PLAIN"'
            " and $saslstate == 0 and $saslresponse === none) Accept();"
        )
        self.assertEqual(said, ["235 2.7.0 Authentication succeeded"])
        self.assertEqual(session.connection.username, "jo")
        self.assertEqual(session.connection.mechanism, "PLAIN")

    def test_login(self):
        """LOGIN comes when its dialogue is over."""
        session, said = self.auth(
            'if ("$saslusername:$saslpassword" == "jo:secret") Accept(["reason" => "Welcome"]);',
            "AUTH LOGIN",
            encoded("jo"),
            encoded("secret"),
        )
        self.assertEqual(said[-1], ["235 2.0.0 Welcome"])
        self.assertEqual(session.connection.username, "jo")

    def test_username(self):
        """Who it is can be said otherwise."""
        session, _ = self.plain('Accept(["saslusername" => "jo@example.org"]);')
        self.assertEqual(session.connection.username, "jo@example.org")
        session, _ = self.plain('Accept(["username" => ""]);')
        self.assert_error(
            session,
            'Accept() option "saslusername" must be a name without control characters',
        )

    def test_refused(self):
        """The end of the script, Reject, Defer and an error all leave the client out."""
        for source, expected in (
            ("", "535 5.7.8 Authentication failed"),
            ('Reject("No");', "535 5.0.0 No"),
            ('Defer("Later");', "454 4.0.0 Later"),
            ("$x = $nothing;", "454 4.7.0 Temporary authentication failure"),
        ):
            session, said = self.plain(source)
            self.assertEqual(said, [expected])
            self.assertIsNone(session.connection.username)

    def test_announced(self):
        """PLAIN and LOGIN need no accounts when a script decides; a mechanism needs the script."""
        session = self.session("auth", "", mechanisms=("PLAIN", "QUIZ"))
        self.assertIn("250 AUTH PLAIN QUIZ", session.send(EHLO)[-1:])
        session = self.session("helo", "", mechanisms=("PLAIN", "QUIZ"))
        self.assertNotIn("AUTH", "".join(session.send(EHLO)))

    QUIZ = """
        if ($saslmechanism != "QUIZ") Reject();
        if ($saslstate == 0) Reply("2 + 2");
        if ($saslstate == 1 and $saslresponse == "4") Reply("3 + 3");
        if ($saslstate == 2 and $saslresponse == "6") Accept(["saslusername" => "clever"]);
        Reject("Wrong");
    """

    def test_custom(self):
        """A mechanism of the script's own: questions, answers, and a name at the end."""
        session, said = self.auth(self.QUIZ, "AUTH QUIZ", encoded("4"), encoded("6"))
        self.assertEqual(
            said,
            [
                ["334 " + encoded("2 + 2")],
                ["334 " + encoded("3 + 3")],
                ["235 2.7.0 Authentication succeeded"],
            ],
        )
        self.assertEqual(session.connection.username, "clever")
        self.assertEqual(session.connection.mechanism, "QUIZ")

    def test_custom_wrong(self):
        """A wrong answer ends the dialogue; the next AUTH begins anew."""
        _, said = self.auth(self.QUIZ, "AUTH QUIZ", encoded("5"), "AUTH QUIZ", "*", "NOOP")
        self.assertEqual(said[1], ["535 5.0.0 Wrong"])
        self.assertEqual(said[2], ["334 " + encoded("2 + 2")])
        self.assertEqual(said[3], ["501 5.7.0 Authentication cancelled"])
        self.assertEqual(said[4], ["250 2.0.0 OK"])

    def test_initial_response(self):
        """It comes with state 0."""
        session, _ = self.auth('echo "$saslstate $saslresponse";', "AUTH QUIZ " + encoded("early"))
        self.assertEqual(session.echoed, ["0 early"])

    def test_no_name(self):
        """Accept needs a name when the mechanism has none."""
        session, said = self.auth("Accept();", "AUTH QUIZ")
        self.assertEqual(said, [["454 4.7.0 Temporary authentication failure"]])
        self.assert_error(
            session, 'Accept() needs the option "saslusername": QUIZ does not tell who it is'
        )

    def test_reply_to_plain(self):
        """A built-in exchange is complete: there is nothing to ask."""
        session, _ = self.plain('Reply("more?");')
        self.assert_error(session, "Reply() has no meaning for PLAIN: its exchange is complete")

    def test_reply_options(self):
        """Another 3xx code, and the end."""
        session, said = self.auth(
            'Reply("x", ["reply_codes" => ["code" => 335], "disconnect" => true]);', "AUTH QUIZ"
        )
        self.assertEqual(said, [["335 " + encoded("x")]])
        self.assertTrue(session.closed)
        session, _ = self.auth('Reply("x", ["reply_codes" => ["code" => 250]]);', "AUTH QUIZ")
        self.assert_error(
            session,
            'Reply() option "reply_codes" key "code" must be a whole number from 300 to 399, '
            "250 given",
        )

    def test_long_challenge(self):
        """A challenge that no client would take is an error."""
        session, _ = self.auth('Reply(str_repeat("x", 9300));', "AUTH QUIZ")
        self.assert_error(
            session, 'Reply() parameter "reply" must be at most 9210 octets, 9300 given'
        )


class MailFromTests(PhaseTestCase):
    """mailfrom."""

    def test_variables(self):
        """The address in lower case, its parts as sent, its parameters."""
        session, _ = self.last(
            "mailfrom",
            'echo "$sender $senderlocalpart $senderdomain"; echo json_encode($senderparams);',
        )
        self.assertEqual(session.echoed, ["jo@example.org Jo Example.org", '{"SIZE":"100"}'])

    def test_reason(self):
        """The words are the script's."""
        _, said = self.last("mailfrom", 'Accept(["reason" => "Hi $sender"]);')
        self.assertEqual(said, ["250 2.0.0 Hi jo@example.org"])

    def test_sender(self):
        """The sender can be changed, as a string and as a tuple."""
        for given in ('"x@example.net"', '["x", "example.net"]',
                      '["localpart" => "x", "domain" => "example.net"]'):  # fmt: skip
            session, _ = self.last("mailfrom", f'Accept(["sender" => {given}]);')
            self.assertEqual(session.connection.transaction.sender.text, "x@example.net")

    def test_null_sender(self):
        """It can become the sender of bounces, and back."""
        session, _ = self.last("mailfrom", 'Accept(["sender" => ""]);')
        self.assertIsNone(session.connection.transaction.sender)
        self.assertTrue(session.connection.transaction.has_sender)

    def test_quoting(self):
        """A local part in a tuple is quoted where it has to be, and only then."""
        for given, expected in (
            ('["a b", "example.net"]', '"a b"@example.net'),
            ('["\\"a b\\"", "example.net"]', '"a b"@example.net'),
        ):
            session, _ = self.last("mailfrom", f'Accept(["sender" => {given}]);')
            self.assertEqual(session.connection.transaction.sender.text, expected)

    def test_bad_sender(self):
        """What is no address is an error, in the parser's words."""
        for given, words in (
            ('"x"', 'Accept() option "sender" is no address: the address has no domain'),
            ('["x"]', 'Accept() option "sender" must be a string, or a local part and a domain'),
            ('["x", 1]', 'Accept() option "sender" must hold two strings, number given'),
            ('["x\\n", "a.b"]',
             'Accept() option "sender" is no address: a local part cannot hold control characters'),
            ('"\\xc3\\xa9@example.net"',
             'Accept() option "sender" is not US-ASCII, and the client has not asked for SMTPUTF8'),
        ):  # fmt: skip
            session, said = self.last("mailfrom", f'Accept(["sender" => {given}]);')
            self.assertEqual(said[0][:3], "450")
            self.assert_error(session, words)
            self.assertFalse(session.connection.transaction.has_sender)


class RcptToTests(PhaseTestCase):
    """rcptto."""

    def test_recipient(self):
        """The recipient can be changed; $transaction has it afterwards."""
        session, _ = self.last("rcptto", 'Accept(["recipient" => ["list", "example.net"]]);')
        recipients = session.connection.transaction.recipients
        self.assertEqual([each.mailbox.text for each in recipients], ["list@example.net"])
        self.assertEqual(session.mailbox.begun[0].recipients, ["list@example.net"])

    def test_transaction(self):
        """Those that were accepted before are there."""
        session = self.session("rcptto", 'echo count($transaction["recipients"]);')
        session.send(EHLO, MAIL, TO, TO)
        self.assertEqual(session.echoed, ["0", "1"])

    def test_transport(self):
        """Each recipient goes where the script says."""
        session = self.session(
            "rcptto",
            'if ($recipientlocalpart == "list") Accept(["transportid" => "lists"]);',
            transports=["lists"],
        )
        session.send(EHLO, MAIL, TO, "RCPT TO:<list@example.com>", "DATA", "Hello", ".")
        self.assertEqual(session.mail[0].recipients, ["Al@Example.com"])
        self.assertEqual(session.others["lists"].messages[0].recipients, ["list@example.com"])

    def test_unknown_transport(self):
        """A transport that there is not: the client may try again, the log knows."""
        session, said = self.last("rcptto", 'Accept(["transportid" => "nowhere"]);')
        self.assertEqual(said, ["451 4.3.5 Server configuration error"])
        self.assertIn("nowhere", str(session.troubles[0].value))

    def test_empty(self):
        """A recipient is somebody, somewhere."""
        session, _ = self.last("rcptto", 'Accept(["recipient" => ""]);')
        self.assert_error(session, 'Accept() option "recipient" must not be empty')
        session, _ = self.last("rcptto", 'Accept(["transportid" => ""]);')
        self.assert_error(session, 'Accept() option "transportid" must not be empty')

    def test_postmaster(self):
        """The one recipient without a domain survives its own parts."""
        session = self.session(
            "rcptto", 'Accept(["recipient" => [$recipientlocalpart, $recipientdomain]]);'
        )
        session.send(EHLO, MAIL, "RCPT TO:<Postmaster>")
        self.assertEqual(session.connection.transaction.recipients[0].mailbox.text, "Postmaster")


class DisconnectTests(PhaseTestCase):
    """disconnect."""

    def test_runs_once(self):
        """However the session ends, with all that was known."""
        for line in ("QUIT", None):
            session = self.session(
                "disconnect", 'echo "$senderip $senderhelo "; echo count($arguments);'
            )
            session.send(EHLO)
            if line is not None:
                session.send(line)
            session.leave()
            self.assertEqual(session.echoed, ["192.0.2.7 client.example.org ", "0"])

    def test_goes_on(self):
        """It may wait though nobody is there; its errors are reported."""
        session = self.session("disconnect", 'sleep(2); echo "done"; $x = $nothing;')
        session.leave()
        self.assertEqual(session.echoed, [])
        session.clock.advance(2)
        self.assertEqual(session.echoed, ["done"])
        self.assertEqual(len(session.errors), 1)
