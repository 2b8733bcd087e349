"""A message before the scripts of end of data."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.letter import Letter
from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.mail.spool import Spool
from smtpgate.smtp.session import Recipient, Transaction

AL = Mailbox("al", "example.com")


class ParametersTests(SynchronousTestCase):
    """The parameters of RCPT that a copy for somebody gets."""

    def letter(self, *recipients: Recipient) -> Letter:
        return Letter(Spool(None), Transaction(recipients=list(recipients)))

    def test_recipient(self) -> None:
        """Who was named by RCPT has its parameters; who was named twice, the first ones."""
        letter = self.letter(
            Recipient(Mailbox("bo", "example.com"), {}, "local"),
            Recipient(AL, {"NOTIFY": "NEVER"}, "local"),
            Recipient(AL, {"NOTIFY": "DELAY"}, "local"),
        )
        self.assertEqual({"NOTIFY": "NEVER"}, letter.parameters(AL))
        self.assertEqual({}, letter.parameters(Mailbox("bo", "example.com")))

    def test_others(self) -> None:
        """Who was not named, or was named otherwise, has none."""
        letter = self.letter(Recipient(AL, {"NOTIFY": "NEVER"}, "local"))
        self.assertEqual({}, letter.parameters(Mailbox("Al", "example.com")))
        self.assertEqual({}, letter.parameters(Mailbox("cy", "example.com")))
