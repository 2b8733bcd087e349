"""Where a message waits while it is examined."""

import tempfile
from pathlib import Path

from smtpgate.smtp.mail import spool
from tests.support.endofdata import AL, EHLO, MAIL, EndOfDataTestCase


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
