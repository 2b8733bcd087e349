"""The hooks at the end of a message, in real sessions."""

import tempfile
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks import letter
from smtpgate.smtp import spool
from smtpgate.smtp.reply import Reply
from tests.support.session import HOSTNAME, Session

EHLO = "EHLO client.example.org"
MAIL = "MAIL FROM:<Jo@Example.org>"
AL = "RCPT TO:<Al@Example.com>"
BO = "RCPT TO:<bo@example.com>"
MESSAGE = ["Subject: hello", "From: Jo <jo@example.org>", "X-One: 1", "x-one: 2", "", "Hello", "."]
BODY = "\r\nHello\r\n"
TROUBLE = f"421 4.3.0 {HOSTNAME} Temporary local problem"


class EndOfDataTestCase(SynchronousTestCase):
    """Sessions with scripts at the end of data."""

    def session(self, once=None, each=None, **settings):
        hooks = {"eodonce": once, "eodrcpt": each}
        return Session(
            hooks={name: source for name, source in hooks.items() if source is not None},
            transports=["lists"],
            **settings,
        )

    def deliver(self, session, *recipients, message=MESSAGE):
        """The reply to a message."""
        session.send(EHLO, MAIL, *(recipients or [AL]))
        session.send("DATA")
        return session.send(*message)

    def once(self, source, *recipients, **settings):
        session = self.session(once=source, **settings)
        return session, self.deliver(session, *recipients)

    def each(self, source, *recipients, **settings):
        session = self.session(each=source, **settings)
        return session, self.deliver(session, *recipients)

    def message(self, session, number=0):
        """A message that was delivered, without the trace header."""
        text = session.mail[number].octets.decode("latin-1")
        self.assertEqual(text[:10], "Received: ")
        lines = text.split("\r\n")
        first = next(n for n, line in enumerate(lines) if n and line[:1] not in " \t")
        return "\r\n".join(lines[first:])

    def header(self, source):
        """What becomes of the header in eodrcpt."""
        session, said = self.each(source)
        self.assertEqual([str(error) for error in session.errors], [])
        self.assertEqual(said[0][:3], "250")
        return self.message(session).removesuffix(BODY).split("\r\n")[:-1]

    def assert_fault(self, session, words):
        self.assertEqual([error.message for error in session.errors], [words])
        self.assertEqual(session.mail, [])


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
            ('Queue("al@b.c", "local", ["delay" => 1]);', 'Queue() has no option "delay"'),
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


class HeaderTests(EndOfDataTestCase):
    """The functions that read and change the header."""

    def test_read(self):
        """The first, all with a name, all; names in any case; none where there is none."""
        session, _ = self.each(
            'echo GetHeader("SUBJECT"); echo json_encode(GetHeaders("X-ONE"));'
            'echo GetHeader("X-Two") ?? "none"; echo json_encode(GetHeaders("X-Two"));'
            "echo json_encode(GetHeaders(true));"
        )
        self.assertEqual(
            session.echoed,
            ["hello", '["1","2"]', "none", "[]",
             '["Subject: hello","From: Jo <jo@example.org>","X-One: 1","x-one: 2"]'],
        )  # fmt: skip

    def test_decode(self):
        """Encoded words become UTF-8, unless they are asked for as they are."""
        for value, expected in (
            ("=?utf-8?q?caf=C3=A9?=", "caf\xc3\xa9"),
            ("=?iso-8859-1?Q?caf=E9?= =?utf-8?B?IG9r?=", "caf\xc3\xa9 ok"),
            ("=?utf-8?q?a?=\r\n =?utf-8?q?_b?=", "a b"),
            ("a\r\n b", "a b"),
            ("=?nonsense?q?x?=", "=?nonsense?q?x?="),
            ("=?zip?b?eJwDAAAAAAE=?=", "=?zip?b?eJwDAAAAAAE=?="),
            ("=?utf-8?b?****?=", "=?utf-8?b?****?="),
        ):
            session = self.session(
                each='echo GetHeader("Subject"); echo GetHeader("Subject", false);'
            )
            lines = f"Subject: {value}".split("\r\n")
            self.deliver(session, message=[*lines, "", "."])
            self.assertEqual(session.echoed, [expected, value.replace("\r\n", "")])

    def test_change(self):
        """Each function, where there is such a header."""
        rest = ["From: Jo <jo@example.org>", "X-One: 1", "x-one: 2"]
        for call, expected in (
            ('AddHeader("X-New", "v");', ["X-New: v", "Subject: hello", *rest]),
            ('SetHeader("subject", "v");', ["subject: v", *rest]),
            ('PrependHeader("Subject", "[x] ");', ["Subject: [x] hello", *rest]),
            ('AppendHeader("Subject", " (x)");', ["Subject: hello (x)", *rest]),
            ('DelHeader("X-ONE");', ["Subject: hello", rest[0]]),
        ):
            self.assertEqual(self.header(call), expected)

    def test_counts(self):
        """They tell how many headers were changed; a new one counts."""
        session, _ = self.each(
            'echo SetHeader("X-One", "x"); echo PrependHeader("X-One", "y");'
            'echo AppendHeader("X-New", "z"); echo DelHeader("X-One"); echo DelHeader("X-One");'
            'echo AddHeader("X", "y") ?? "none"; echo GetHeader("X-New");'
        )
        self.assertEqual(session.echoed, ["2", "2", "1", "2", "0", "none", "z"])

    def test_unchanged(self):
        """What is not changed stays as it came, folds and odd lines included."""
        lines = ["Subject:  odd\t", " folded", "no header at all", "X-\xe9: \xe9", "To:a", "", "x"]
        session = self.session(each='AddHeader("X-New", "v");')
        self.deliver(session, message=[*lines, "."])
        self.assertEqual(self.message(session), "\r\n".join(["X-New: v", *lines]) + "\r\n")

    def test_no_header(self):
        """A message without one, and one without a body."""
        for message, expected in ((["", "Hello"], "X: y\r\n\r\nHello\r\n"),
                                  (["A: b"], "X: y\r\nA: b\r\n\r\n"),
                                  ([], "X: y\r\n\r\n")):  # fmt: skip
            session = self.session(each='AddHeader("X", "y");')
            self.deliver(session, message=[*message, "."])
            self.assertEqual(self.message(session), expected)

    def test_encoding_and_folding(self):
        """A value is encoded and folded, unless it is not to be touched."""
        self.assertIn("X: =?utf-8?b?Y2Fmw6k=?=", self.header('AddHeader("X", "caf\\xc3\\xa9");'))
        [first, second, *_] = self.header('AddHeader("X", "word " . str_repeat("x", 75));')
        self.assertEqual((first, second[:4]), ("X: word", " xxx"))
        [first, *_] = self.header('AddHeader("X", "word " . str_repeat("x", 75), false);')
        self.assertEqual(len(first), 83)

    def test_injection(self):
        """A value can not start another header, and no name can."""
        self.assertIn("X: a B: c", self.header('AddHeader("X", "a\\r\\nB: c");'))
        for call, words in (
            ('AddHeader("X", "a\\r\\nB: c", false);',
             'AddHeader() parameter "value" must not have line ends or NUL'),
            ('SetHeader("X: y", "z");',
             'SetHeader() parameter "name" is no header name: "X: y"'),
            ("GetHeaders(false);",
             'GetHeaders() parameter "name" must be a string or true, false given'),
        ):  # fmt: skip
            session, said = self.each(call)
            self.assertEqual(said, [TROUBLE])
            self.assert_fault(session, words)

    def test_bounded(self):
        """A script can not make a header without end, and does not read one."""
        session, _ = self.each(
            'for ($i = 0; $i < 100; $i++) AddHeader("X", str_repeat("word ", 10000));'
        )
        self.assert_fault(session, "the header may have at most 262144 octets")
        session, _ = self.each('for ($i = 0; $i < 10000; $i++) AddHeader("X", "y");')
        self.assert_fault(session, "the header may have at most 10000 fields")
        session, _ = self.each(
            'for ($i = 0; $i < 9; $i++) AddHeader("X", "y");'
            'SetHeader("X", str_repeat("word ", 10000));'
        )
        self.assert_fault(session, "the header may have at most 262144 octets")

    def test_long_headers(self):
        """A header that no honest client sends is not read."""
        for line, count, words in (
            ("X: " + "y" * 900, 400, "the header has more than 262144 octets"),
            ("X:", 10_001, "the header has more than 10000 lines"),
        ):
            session = self.session(each='GetHeader("X");')
            self.deliver(session, message=[*([line] * count), "", "."])
            self.assert_fault(session, words)

    def test_many_headers(self):
        """A header for each recipient is kept only as far as there is room for all."""
        self.patch(letter, "MOST_HEADERS", 200)
        session, said = self.each('AddHeader("X-To", $recipient); $x = $recipient;', AL, BO)
        self.assertEqual(said, ["250 2.0.0 OK 1"])
        self.assertEqual(len(session.mail), 2)
        session = self.session(each='AddHeader("X-To", $recipient);')
        said = self.deliver(session, AL, BO, "RCPT TO:<cy@example.com>")
        self.assertEqual(said, [TROUBLE])
        self.assert_fault(session, "the headers of all copies may have at most 200 octets")
        session, said = self.each('AddHeader("X", "the same");', *[AL, BO] * 5)
        self.assertEqual(len(session.mail), 1)


class DispatchTests(EndOfDataTestCase):
    """What happens when copies meet trouble."""

    BOTH = 'Queue("al@b.c", "local"); Queue("bo@b.c", "lists"); Accept();'

    def answering(self, step, reply):
        session = self.session(once=self.BOTH)
        session.others["lists"].answers[step] = reply
        return session, self.deliver(session)

    def test_refused_before_the_message(self):
        """One that refuses its sender, its recipient or the message stops all."""
        no = Reply(554, ("No",))
        for step in ("mail", "rcpt", "data"):
            session, said = self.answering(step, no)
            self.assertEqual(said, ["554 No"])
            self.assertEqual(session.mail, [])
            begun = [*session.mailbox.begun, *session.others["lists"].begun]
            self.assertEqual({each.state for each in begun}, {"aborted"})

    def test_refused_at_the_end(self):
        """The worst answer counts, and the log is told who has the message."""
        session, said = self.answering("finish", Reply(451, ("Full",)))
        self.assertEqual(said, ["451 Full"])
        [(_, _, answers)] = session.observer.of("deliveries_disagree")
        self.assertEqual({name: reply.code for name, reply in answers.items()},
                         {"local": 250, "lists": 451})  # fmt: skip

    def test_failing(self):
        """A delivery that raises is answered by 451, and aborted."""
        for step in ("mail", "rcpt", "data", "write", "finish"):
            session, said = self.answering(step, RuntimeError(step))
            self.assertEqual(said, ["451 4.3.0 Temporary local problem, try again later"], step)
            self.assertEqual(session.others["lists"].begun[0].state, "aborted")
            self.assertEqual(len(session.troubles), 1)

    def test_slow(self):
        """Deliveries that take their time; all is aborted when the client leaves meanwhile."""
        session = self.session(once=self.BOTH)
        session.mailbox.delay = session.others["lists"].delay = lambda step: 1.0
        session.send(EHLO, MAIL)
        for line in (AL, "DATA"):
            session.send(line)
            for _ in range(3):
                session.advance(1)
        session.send(*MESSAGE)
        said = []
        for _ in range(8):
            said += session.advance(1)
        self.assertEqual(said, ["250 2.0.0 OK 1"])
        session.send(MAIL)
        session.send(AL)
        for _ in range(3):
            session.advance(1)
        session.send("DATA")
        session.send(*MESSAGE)
        session.advance(1)
        session.leave()
        session.clock.advance(20)
        self.assertEqual(len(session.mail), 1)
        states = {each.state for each in session.mailbox.begun[1:] if each.state != "finished"}
        self.assertEqual(states, {"aborted"})
        self.assertEqual(session.troubles, [])


class SpoolTests(EndOfDataTestCase):
    """Where the message waits."""

    def test_large(self):
        """A large message is in a file without a name, and its octets are all there."""
        directory = Path(self.mktemp())
        directory.mkdir()
        session = self.session(once='AddHeader("X", "y"); Accept();', spool=directory)
        line = "x" * 500
        self.deliver(session, message=["A: b", "", *[line] * 2000, "."])
        expected = "X: y\r\nA: b\r\n\r\n" + f"{line}\r\n" * 2000
        self.assertEqual(self.message(session), expected)
        self.assertEqual(list(directory.iterdir()), [])

    def test_flat(self):
        """Whatever the size of a message, little of it is in memory."""
        kept = spool.Spool(None)
        for _ in range(100):
            kept.write(b"x" * 10_000)
        self.assertTrue(kept._file._rolled)
        self.assertEqual(max(map(len, kept.blocks())), spool.BLOCK)
        self.assertEqual(sum(map(len, kept.blocks())), 1_000_000)
        kept.abort()

    def test_no_room(self):
        """A disk that is full: 452, and the log knows."""

        def full(*arguments, **options):
            raise OSError(28, "No space left on device")

        self.patch(tempfile, "TemporaryFile", full)
        session = self.session(once="Accept();")
        said = self.deliver(session, message=["x" * 500] * 200 + ["."])
        self.assertEqual(said, ["452 4.3.1 No room for the message now, try again later"])
        self.assertEqual(session.mail, [])
        self.assertEqual(session.troubles[0].value.errno, 28)

    def test_refused_by_the_server(self):
        """A message that the server refuses by itself is never examined."""
        session = self.session(once='echo "asked"; Accept();')
        session.send(EHLO, MAIL, AL, "DATA")
        said = session.send("a\rb", ".")
        self.assertEqual(said, ["554 5.6.0 Bare CR or LF in the message, lines end with CRLF"])
        self.assertEqual(session.echoed, [])
