"""Copies of an examined message on their way."""

from smtpgate.smtp.reply import Reply
from tests.support.endofdata import AL, EHLO, MAIL, MESSAGE, EndOfDataTestCase


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
