"""auth: logins that a script decides about, and mechanisms of its own."""

from tests.support.phases import EHLO, PhaseTestCase, encoded


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
        self.assertEqual(said[-1], ["235 2.7.0 Welcome"])
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
            ('Reject("No");', "535 5.7.8 No"),
            ('Reject("No", ["reply_codes" => ["code" => 550]]);', "550 5.0.0 No"),
            ('Reject("No", ["reply_codes" => ["enhanced" => [5, 7, 9]]]);', "535 5.7.9 No"),
            ('Reject("No", ["reply_codes" => ["enhanced" => none]]);', "535 No"),
            ('Defer("Later");', "454 4.7.0 Later"),
            ('Defer("Later", ["reply_codes" => ["code" => 454]]);', "454 4.7.0 Later"),
            ('Defer("Later", ["reply_codes" => ["code" => 432]]);', "432 4.0.0 Later"),
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
        self.assertEqual(said[1], ["535 5.7.8 Wrong"])
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
