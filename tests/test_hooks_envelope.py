"""mailfrom and rcptto: senders and recipients."""

from tests.support.phases import EHLO, MAIL, TO, PhaseTestCase


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
        self.assertEqual(said, ["250 2.1.0 Hi jo@example.org"])

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

    def test_reason(self):
        """The words of the reply, with the enhanced code of a recipient; a refusal has none."""
        for call, expected in (
            ('Accept(["reason" => "Fine"]);', "250 2.1.5 Fine"),
            ('Accept(["reply_codes" => ["code" => 251]]);',
             "251 2.0.0 Recipient not local, will forward"),
            ('Reject("Nobody");', "554 5.0.0 Nobody"),
        ):  # fmt: skip
            _, said = self.last("rcptto", call)
            self.assertEqual(said, [expected])

    def test_transaction(self):
        """Those that were accepted before are there."""
        session = self.session("rcptto", 'echo count($transaction["recipients"]);')
        session.send(EHLO, MAIL, TO, TO)
        self.assertEqual(session.echoed, ["0", "1"])

    def test_transaction_is_the_scripts_own(self):
        """What a script keeps of the recipients stays as it was; what it changes is its copy."""
        session = self.session(
            "rcptto",
            'echo count($context ?? []) . " of " . count($transaction["recipients"]);'
            '$context = $transaction["recipients"]; $mine = $context;'
            '$mine[0]["recipient"] = "x"; $mine[] = "y";'
            'foreach ($transaction["recipients"] as $each) echo $each["recipient"];',
        )
        session.send(EHLO, MAIL, TO, TO, TO)
        address = "al@example.com"
        self.assertEqual(session.echoed, ["0 of 0", "0 of 1", address, "1 of 2", address, address])

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
