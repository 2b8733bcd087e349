"""eodrcpt in real sessions: a decision for each recipient."""

from tests.support.endofdata import AL, BO, TROUBLE, EndOfDataTestCase


class EachTests(EndOfDataTestCase):
    """eodrcpt."""

    def test_implicit_end(self):
        """The end of the script delivers."""
        session, said = self.each("", AL, BO)
        self.assertEqual(said, ["250 2.0.0 OK 1"])
        self.assertEqual(session.mail[0].recipients, ["Al@Example.com", "bo@example.com"])
        self.assertEqual(len(session.mail), 1)

    def test_variables(self):
        """Whose turn it is, and what $transaction knows."""
        session, _ = self.each(
            'echo "$recipient $recipientlocalpart $recipientdomain $transportid $actionid $sender";'
            'echo count($transaction["recipients"]); echo $arguments["address"]["domain"];',
            AL,
            BO,
        )
        self.assertEqual(
            session.echoed,
            ["al@example.com Al Example.com local 1 jo@example.org", "2", "Example.com",
             "bo@example.com bo example.com local 1 jo@example.org", "2", "example.com"],
        )  # fmt: skip

    def test_flat(self):
        """What some editions have beside $transaction."""
        session, _ = self.each(
            'if ($actionid == 1 and $recipientlocalpart == "bo") {'
            ' echo $messageid == $transaction["id"]; echo json_encode($recipients);'
            " echo json_encode($recipientdomains); echo json_encode($senderparams); }",
            AL,
            BO,
        )
        self.assertEqual(
            session.echoed,
            ["1", '["al@example.com","bo@example.com"]', '["Example.com","example.com"]', "[]"],
        )

    def test_time(self):
        """When the transaction began."""
        session = self.session(each='echo $transaction["ts"];')
        session.clock.advance(100)
        self.deliver(session)
        self.assertEqual(session.echoed, ["100"])

    CHOOSE = """
        $what = ["al" => function () { %s }, "bo" => function () { %s }];
        $what[str_lower($recipientlocalpart)]();
    """

    def choose(self, al, bo):
        return self.each(self.CHOOSE % (al, bo), AL, BO)

    def test_precedence(self):
        """Reject before defer before delete before deliver."""
        for al, bo, expected, delivered in (
            ("Deliver();", 'Reject("no");', "550 5.0.0 no", 1),
            ("Defer();", 'Reject("no");', "550 5.0.0 no", 0),
            ("Deliver();", 'Defer("later");', "421 4.0.0 later", 0),
            ("Delete();", 'Defer("later");', "421 4.0.0 later", 0),
            ("Deliver();", "Delete();", "250 2.0.0 OK 1", 1),
            ('Deliver(["reason" => "yes"]);', "Delete();", "250 2.0.0 yes", 1),
            ("Deliver();", "Done();",
             "421 4.3.0 Nobody has decided about the message, try again", 0),
        ):  # fmt: skip
            session, said = self.choose(al, bo)
            self.assertEqual(session.errors, [])
            self.assertEqual(said, [expected])
            self.assertEqual(len(session.mail), delivered, (al, bo))
            if delivered:
                self.assertEqual(session.mail[0].recipients, ["Al@Example.com"])

    def test_delete(self):
        """The client hears that all is well; nobody gets anything."""
        session, said = self.each("Delete();")
        self.assertRegex(said[0], "^250 2.0.0 OK [0-9a-f-]{36}$")
        self.assertEqual(session.mail, [])
        self.assertEqual(session.mailbox.aborted, 1)

    def test_failure(self):
        """A script that fails for one recipient defers all."""
        session, said = self.choose("Deliver();", "$x = $nothing;")
        self.assertEqual(said, [TROUBLE])
        self.assertEqual(session.mail, [])

    def test_several_actions(self):
        """Deliver with done false goes on; $actionid counts; Done ends."""
        session, _ = self.each(
            'echo $actionid; Deliver(["done" => false]); echo $actionid;'
            'echo $arguments["actionid"];'
            'Deliver(["recipient" => "copy@example.com", "transportid" => "lists", '
            '"done" => false]);'
            "echo $actionid; Done();"
        )
        self.assertEqual(session.echoed, ["1", "2", "2", "3"])
        self.assertEqual(session.mail[0].recipients, ["Al@Example.com"])
        self.assertEqual(session.others["lists"].messages[0].recipients, ["copy@example.com"])

    def test_setters(self):
        """The arguments of Deliver can be set before, and the variables follow."""
        session, _ = self.each(
            'SetSender("x@example.net"); SetRecipient(["y", "example.net"]);'
            'SetMailTransport("lists");'
            'echo "$sender $senderdomain $recipient $recipientlocalpart $transportid";'
            'echo $arguments["recipient"];'
        )
        self.assertEqual(
            session.echoed,
            ["x@example.net example.net y@example.net y lists", "y@example.net"],
        )
        [mail] = session.others["lists"].messages
        self.assertEqual((mail.sender.text, mail.recipients), ("x@example.net", ["y@example.net"]))
        self.assertEqual(session.mail, [])
        self.assertEqual(session.mailbox.aborted, 1)

    def test_setters_results(self):
        """They return what they have set; the null sender is an empty string."""
        session, _ = self.each(
            'echo SetSender(""); echo SetRecipient("A@b.c");'
            'echo SetMailTransport("lists") ?? "none";'
        )
        self.assertEqual(session.echoed, ["", "A@b.c", "none"])
        self.assertIsNone(session.others["lists"].messages[0].sender)

    def test_metadata(self):
        """It is there for this recipient and those behind it."""
        session, _ = self.each(
            'if ($recipientlocalpart == "Al") SetMetaData(["a" => "1"]);'
            'echo json_encode(GetMetaData()); Deliver(["metadata" => ["b" => $recipient]]);',
            AL,
            BO,
        )
        self.assertEqual(session.echoed, ['{"a":"1"}', '{"a":"1"}'])
        self.assertEqual(
            [mail.transaction.metadata for mail in session.mail],
            [{"a": "1", "b": "al@example.com"}, {"a": "1", "b": "bo@example.com"}],
        )

    def test_disconnect(self):
        """The connection is closed behind the reply."""
        session, said = self.each('Deliver(["disconnect" => true]);')
        self.assertEqual(said, ["250 2.0.0 OK"])
        self.assertTrue(session.closed)

    def test_one_header_each(self):
        """What is changed for one recipient is not changed for the others."""
        session, _ = self.choose('SetHeader("Subject", "for al");', "echo GetHeader('Subject');"
                                 .replace("'", '"'))  # fmt: skip
        self.assertEqual(session.echoed, ["hello"])
        self.assertIn("Subject: for al\r\n", self.message(session, 0))
        self.assertIn("Subject: hello\r\n", self.message(session, 1))

    def test_behind_eodonce(self):
        """Both: eodonce first, eodrcpt with the header as it left it; not when it queued."""
        session = self.session(
            'AddHeader("X-A", "a"); echo "once"; Accept(["reason" => "fine"]);',
            'echo GetHeader("X-A");',
        )
        self.assertEqual(self.deliver(session), ["250 2.0.0 fine"])
        self.assertEqual(session.echoed, ["once", "a"])
        session = self.session('Queue("al@b.c", "local"); Accept();', "Reject();")
        self.assertEqual(self.deliver(session)[0][:3], "250")

    def test_order(self):
        """The recipients come one after the other, in the order of RCPT."""
        session = self.session(each='echo "$recipient begins"; sleep(1); echo "ends"; Delete();')
        self.deliver(session, AL, BO)
        session.advance(1)
        session.advance(1)
        self.assertEqual(
            session.echoed, ["al@example.com begins", "ends", "bo@example.com begins", "ends"]
        )
