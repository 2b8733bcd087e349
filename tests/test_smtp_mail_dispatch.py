"""Copies of an examined message on their way."""

from twisted.logger import Logger, formatEvent

from smtpgate.events import Events
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.session import Connection
from tests.support.endofdata import AL, BO, EHLO, MAIL, MESSAGE, EndOfDataTestCase


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

    def test_refused_for_one(self):
        """A rejection for one recipient is the client's answer; the log has what others got."""
        source = 'if ($recipientlocalpart == "bo") Reject("no");'
        for answer, code in ((None, 250), (Reply(451, ("Full",)), 451)):
            session = self.session(each=source)
            if answer is not None:
                session.mailbox.answers["finish"] = answer
            self.assertEqual(self.deliver(session, AL, BO), ["550 5.0.0 no"])
            [(_, transaction, told)] = session.observer.of("refused_in_part")
            self.assertEqual(told.code, code)
            self.assertTrue(transaction.id)
            self.assertEqual(len(session.observer.of("message_refused")), 1)

    def test_failing_for_others(self):
        """A delivery that raises is logged with its reason as well."""
        session = self.session(each='if ($recipientlocalpart == "bo") Reject("no");')
        session.mailbox.answers["finish"] = RuntimeError("disk")
        self.assertEqual(self.deliver(session, AL, BO), ["550 5.0.0 no"])
        self.assertEqual(str(session.troubles[0].value), "disk")
        [(_, _, told)] = session.observer.of("refused_in_part")
        self.assertEqual(told.code, 451)

    def test_refused_for_all(self):
        """Where nobody was to have it there is nothing to tell."""
        session, _ = self.each('Reject("no");')
        self.assertEqual(session.observer.of("refused_in_part"), [])

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


class LogTests(EndOfDataTestCase):
    """What the operator reads about a message that was refused for one and not for another."""

    def logged(self, code, text):
        lines = []
        events = Events(Logger("smtpgate", observer=lambda event: lines.append(formatEvent(event))))
        connection = Connection("in", "192.0.2.7", 41666)
        connection.transaction._id = "4711"
        events.refused_in_part(connection, connection.transaction, Reply.of(code, text))
        return lines

    def test_sentences(self):
        """Whether the others have it, and why not."""
        self.assertEqual(
            self.logged(451, "Full"),
            ["in 192.0.2.7:41666: message 4711 is refused, and its copies for others were not "
             "delivered: 451 Full"],
        )  # fmt: skip
        self.assertEqual(
            self.logged(250, "OK"),
            ["in 192.0.2.7:41666: message 4711 is refused, and its copies for others were "
             "delivered: 250 OK"],
        )  # fmt: skip
