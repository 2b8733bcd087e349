"""Sessions with scripts at the end of data, and what becomes of a message."""

from twisted.trial.unittest import SynchronousTestCase

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
