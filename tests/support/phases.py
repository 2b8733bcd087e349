"""Sessions with a script at one of the hooks before the message."""

import base64

from twisted.trial.unittest import SynchronousTestCase

from tests.support.session import Session

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
