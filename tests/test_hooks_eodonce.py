"""eodonce in real sessions: one decision about a message."""

from tests.support.endofdata import AL, BO, EHLO, MAIL, MESSAGE, TROUBLE, EndOfDataTestCase


class OnceTests(EndOfDataTestCase):
    """eodonce."""

    def test_accept(self):
        """Without Queue the message goes to the transaction's recipients, as it came."""
        session, said = self.once("Accept();", AL, BO)
        self.assertEqual(said, ["250 2.0.0 OK 1"])
        self.assertEqual(session.mail[0].recipients, ["Al@Example.com", "bo@example.com"])
        self.assertEqual(self.message(session), "\r\n".join(MESSAGE[:-1]) + "\r\n")
        self.assertEqual(len(session.observer.of("message_accepted")), 1)

    def test_accept_uses_what_was_begun(self):
        """The delivery that has agreed to the recipients is the one that gets the message."""
        session, _ = self.once("Accept();", AL)
        self.assertEqual(len(session.mailbox.begun), 1)

    def test_words(self):
        """Code and words are the script's."""
        codes = '["reason" => "Got it", "reply_codes" => ["code" => 251, "enhanced" => [2, 6, 0]]]'
        _, said = self.once(f"Accept({codes});")
        self.assertEqual(said, ["251 2.6.0 Got it"])

    def test_refused(self):
        """Reject, Defer, an error and the end of the script: nobody gets anything."""
        for source, expected, closed in (
            ('Reject("No");', "550 5.0.0 No", False),
            ('Reject("No", ["disconnect" => true]);', "550 5.0.0 No", True),
            ('Defer("Later");', "421 4.0.0 Later", True),
            ('Defer("Later", ["reply_codes" => ["code" => 451]]);', "451 4.0.0 Later", False),
            ("$x = $nothing;", TROUBLE, True),
            ("", "421 4.3.0 Nobody has decided about the message, try again", True),
            (
                'Queue("al@example.com", "local");',
                "421 4.3.0 Nobody has decided about the message, try again",
                True,
            ),
        ):
            session, said = self.once(source)
            self.assertEqual(said, [expected])
            self.assertEqual(session.closed, closed, source)
            self.assertEqual(session.mail, [])
            self.assertEqual(session.mailbox.aborted, len(session.mailbox.begun))
            self.assertEqual(len(session.observer.of("message_refused")), 1)

    def test_next_message(self):
        """The session goes on, with a new transaction."""
        session, _ = self.once('if ($transaction["sender"] == "") Reject(); Accept();')
        self.assertEqual(session.send("MAIL FROM:<>", AL, "DATA")[-1][:3], "354")
        self.assertEqual(session.send(*MESSAGE)[0][:3], "550")
        self.assertEqual(self.deliver(session)[0][:3], "250")

    def test_queue(self):
        """Only what was queued is sent, with its own envelope."""
        session, said = self.once(
            'Queue("list@example.net", "lists", ["sender" => "owner@example.net"]);'
            'Queue(["cy", "example.com"], "local"); Accept();',
            AL,
        )
        self.assertEqual(said[0][:3], "250")
        self.assertEqual([mail.recipients for mail in session.mail], [["cy@example.com"]])
        self.assertEqual(session.mail[0].sender.text, "Jo@Example.org")
        [listed] = session.others["lists"].messages
        self.assertEqual(listed.recipients, ["list@example.net"])
        self.assertEqual(listed.sender.text, "owner@example.net")

    def test_queue_each_recipient(self):
        """The manual's way to relay: the same as Accept alone, also for the next hop."""
        session, _ = self.once(
            'foreach ($transaction["recipients"] as $r)'
            ' Queue([$r["recipientlocalpart"], $r["recipientdomain"]], $r["transportid"]);'
            "Accept();",
            AL,
            BO,
        )
        self.assertEqual(len(session.mailbox.begun), 1)
        self.assertEqual(session.mail[0].recipients, ["Al@Example.com", "bo@example.com"])

    def test_queue_takes_the_header_as_it_is(self):
        """A header that is changed between two calls makes two messages."""
        session, _ = self.once(
            'Queue("al@example.com", "local"); SetHeader("Subject", "other");'
            'Queue("bo@example.com", "local"); Accept();'
        )
        self.assertEqual(len(session.mail), 2)
        self.assertIn("Subject: hello\r\n", self.message(session, 0))
        self.assertIn("Subject: other\r\n", self.message(session, 1))

    def test_queue_mistakes(self):
        """What can be nobody's mail is an error."""
        for call, words in (
            ('Queue("", "local");', 'Queue() parameter "recipient" must not be empty'),
            ('Queue("al@b.c", "");', 'Queue() parameter "transportid" must not be empty'),
            (
                '$options = ["delay" => 1]; Queue("al@b.c", "local", $options);',
                'Queue() option "delay" must be 0: mail is handed on at once, nothing waits',
            ),
            (
                'Queue("al@b.c", "local", ["metadata" => ["a" => 1]]);',
                'Queue() option "metadata" must hold strings by name, number given',
            ),
        ):
            session, said = self.once(call)
            self.assertEqual(said, [TROUBLE])
            self.assert_fault(session, words)

    def test_unknown_transport(self):
        """Nobody gets anything, and the log knows why."""
        session, said = self.once('Queue("al@b.c", "nowhere"); Queue("al@b.c", "local"); Accept();')
        self.assertEqual(said, ["451 4.3.5 Server configuration error"])
        self.assertEqual(session.mail, [])
        self.assertIn("nowhere", str(session.troubles[0].value))

    def test_metadata(self):
        """It stays with the message."""
        session, _ = self.once('Queue("al@b.c", "local", ["metadata" => ["a" => "1"]]); Accept();')
        self.assertEqual(session.mail[0].transaction.metadata, {"a": "1"})

    def test_header(self):
        """Changes of the header are in what Accept delivers."""
        session, _ = self.once('PrependHeader("Subject", "[x] "); Accept();')
        self.assertIn("Subject: [x] hello\r\n", self.message(session))

    def test_size(self):
        """SIZE says how long the changed message is."""
        session = self.session(once='AddHeader("X", "y"); Accept();')
        session.send(EHLO, MAIL + " SIZE=10", AL, "DATA")
        session.send(*MESSAGE)
        self.assertEqual(
            session.mail[0].transaction.sender_params["SIZE"], str(len(session.mail[0].octets))
        )

    def test_chunks(self):
        """A message that comes by BDAT is examined too."""
        session = self.session(once='if (GetHeader("Subject") == "hi") Accept(); Reject();')
        session.send(EHLO, MAIL, AL)
        session.send_octets(b"BDAT 5\r\nSubje")
        said = session.send_octets(b"BDAT 11 LAST\r\nct: hi\r\n\r\n.")
        self.assertEqual(said, ["250 2.0.0 OK 1"])
        self.assertEqual(self.message(session), "Subject: hi\r\n\r\n.")

    def test_waits(self):
        """A script that waits holds the answer; a client that leaves takes the message along."""
        session, said = self.once("sleep(2); Accept();")
        self.assertEqual(said, [])
        self.assertEqual(session.advance(2), ["250 2.0.0 OK 1"])
        session, _ = self.once("sleep(2); Accept();")
        session.leave()
        session.clock.advance(2)
        self.assertEqual(session.mail, [])
        self.assertEqual(session.troubles, [])
