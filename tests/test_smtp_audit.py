"""What twisted.mail.smtp does by itself and a gateway must not: one test for each finding.

The findings were made with Twisted 26.10.  Each test holds what this server does instead, so that
a later change cannot bring the behaviour back.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

import smtpgate
from smtpgate.smtp.reply import OK, Reply
from smtpgate.smtp.server import Listener
from smtpgate.smtp.server.policy import Policy
from smtpgate.smtp.session import Connection, Limits
from tests.support.smtp import TRANSACTION, Client, RecordingTransport, portal


class Pending(Policy):
    """Answers MAIL, RCPT and AUTH when the test does."""

    decides_auth = False

    def __init__(self) -> None:
        self.answers: list[Deferred[Any]] = []

    def _ask(self) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        self.answers.append(answer)
        return answer

    def mail_from(self, connection: Connection, mailbox: Any, params: Any) -> Any:
        return self._ask()

    def rcpt_to(self, connection: Connection, recipient: Any) -> Any:
        return self._ask()

    def auth(self, connection: Connection, step: Any) -> Any:
        return self._ask()


class OrderTests(SynchronousTestCase):
    """Pipelining, and what overtakes what."""

    def test_pipelining_with_a_deferred(self) -> None:
        """A slow MAIL holds back RCPT and DATA; nothing is answered out of order."""
        policy = Pending()
        client = Client(policy)
        client.say("EHLO me")
        self.assertEqual(client.say("MAIL FROM:<a@b>", "RCPT TO:<c@d>", "DATA", "NOOP"), "")
        policy.answers[0].callback(None)
        self.assertEqual(client.heard(), "250 2.1.0 Sender OK\n")
        policy.answers[1].callback(Reply(550, ("no",), (5, 1, 1)))
        self.assertEqual(
            client.heard(), "550 5.1.1 no\n554 5.5.1 No valid recipients\n250 2.0.0 OK\n"
        )

    def test_recipient_across_reset(self) -> None:
        """A RCPT that is pending when RSET was sent stays in its own transaction."""
        policy = Pending()
        client = Client(policy)
        client.say("EHLO me", "MAIL FROM:<a@b>", "RCPT TO:<c@d>", "RSET", "MAIL FROM:<e@f>")
        policy.answers[0].callback(None)
        policy.answers[1].callback(None)
        policy.answers[2].callback(None)
        self.assertEqual(client.connection.transaction.recipients, [])
        assert client.connection.transaction.sender is not None
        self.assertEqual(client.connection.transaction.sender.text, "e@f")

    def test_end_of_data(self) -> None:
        """MAIL behind the dot is not answered before the message."""
        client = Client()
        finish: Deferred[Reply] = Deferred()
        client.transport.answers["finish"] = lambda: finish
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("x", ".", "MAIL FROM:<>", "QUIT"), "")
        finish.callback(OK)
        self.assertEqual([line[:3] for line in client.heard().splitlines()], ["250", "250", "221"])

    def test_slow_auth(self) -> None:
        """MAIL behind a slow AUTH does not run unauthenticated; a second AUTH is refused."""
        policy = Pending()
        policy.decides_auth = True
        client = Client(
            policy,
            portal=portal(joe="secret"),
            mechanisms=("PLAIN",),
            auth_require_tls=False,
            auth_required=True,
        )
        client.say("EHLO me")
        login = "AUTH PLAIN AGpvZQBzZWNyZXQ="
        self.assertEqual(client.say(login, login, "MAIL FROM:<>"), "")
        policy.answers[0].callback(None)
        self.assertEqual(
            client.heard(),
            "235 2.7.0 Authentication succeeded\n503 5.5.1 Authenticated already\n",
        )
        self.assertEqual(client.connection.username, "joe")

    def test_quit_under_starttls(self) -> None:
        """After QUIT inside TLS nothing runs."""
        client = Client(tls=object())
        client.say("EHLO me", "STARTTLS")
        client.handshake()
        client.say("EHLO me", "QUIT", "MAIL FROM:<>", "RCPT TO:<a@b>", "DATA", "x", ".")
        self.assertEqual(client.transport.begun, [])
        self.assertTrue(client.closed)


class TLSTests(SynchronousTestCase):
    """STARTTLS and implicit TLS."""

    def test_starttls_injection(self) -> None:
        """Lines and a part of a line behind STARTTLS are dropped."""
        client = Client(tls=object())
        client.say("EHLO me")
        client.send(b"STARTTLS\r\nMAIL FROM:<evil@example.org>\r\nNO")
        self.assertEqual(client.heard(), "220 2.0.0 Ready to start TLS\n")
        self.assertEqual(client.handshake(), "")
        self.assertEqual(client.say("OP"), "500 5.5.1 Command not recognised\n")

    def test_starttls_forgets(self) -> None:
        """Greeting, envelope and authentication do not cross into TLS."""
        client = Client(
            tls=object(), portal=portal(joe="secret"), mechanisms=("PLAIN",), auth_require_tls=False
        )
        client.say("EHLO me", "AUTH PLAIN AGpvZQBzZWNyZXQ=", "MAIL FROM:<a@b>", "RCPT TO:<c@d>")
        before = client.connection.transaction.id
        self.assertEqual(client.connection.username, "joe")
        client.say("STARTTLS")
        client.handshake()
        connection = client.connection
        self.assertEqual((connection.username, connection.helo), (None, ""))
        self.assertFalse(connection.transaction.has_sender)
        self.assertNotEqual(connection.transaction.id, before)
        self.assertEqual(client.transport.aborted, 1)
        self.assertEqual(client.say("RCPT TO:<c@d>"), "503 5.5.1 Say EHLO or HELO first\n")

    def test_starttls_arguments(self) -> None:
        """STARTTLS takes no arguments, and does not start."""
        client = Client(tls=object())
        self.assertEqual(client.say("STARTTLS foo"), "501 5.5.4 This command takes no arguments\n")
        self.assertEqual(client.wire.tls, [])

    def test_close_of_a_silent_peer(self) -> None:
        """The producer is unregistered before the close, and the close has an end."""
        client = Client()
        client.say("QUIT")
        self.assertIsNone(client.wire.producer)
        self.assertTrue(client.wire.disconnecting)
        client.wait(10)
        self.assertTrue(client.wire.aborted)

    def test_implicit_tls_offers_no_starttls(self) -> None:
        """Inside implicit TLS there is nothing to start."""
        client = Client(listener=Listener(implicit_tls=True), tls=object())
        client.handshake()
        self.assertNotIn("STARTTLS", client.say("EHLO me"))


class LineTests(SynchronousTestCase):
    """What a command line may hold."""

    def test_control_characters(self) -> None:
        """CR, LF and NUL in a command are refused, inside quotes too."""
        client = Client()
        client.say("EHLO me")
        for line in (b"MAIL FROM:<a@b>\nSIZE=3", b'MAIL FROM:<"a\rb"@c>', b'MAIL FROM:<"\0"@c>'):
            self.assertEqual(
                client.say(line), "500 5.5.2 Control characters are not allowed in a command\n"
            )
        self.assertFalse(client.connection.transaction.has_sender)

    def test_long_command(self) -> None:
        """An endless line is answered once, is not stored, and the next line is a command."""
        client = Client()
        for _ in range(100):
            client.send(b"x" * 1000)
        self.assertEqual(client.heard(), "500 5.5.2 Line too long\n")
        self.assertLess(len(client.protocol.lines), 3000)
        self.assertEqual(client.say("", "NOOP"), "250 2.0.0 OK\n")

    def test_eight_bit_verb(self) -> None:
        """A verb beyond ASCII is a bad command, not an exception."""
        self.assertEqual(
            Client().say(b"\xc3\xa4\xff", "NOOP"),
            "500 5.5.2 Command not recognised\n250 2.0.0 OK\n",
        )

    def test_blanks_cost_nothing(self) -> None:
        """Thousands of blanks are read in linear time."""
        client = Client(limits=Limits(command_line=100_000))
        client.say("EHLO me")
        before = time.process_time()
        self.assertTrue(client.say(b"MAIL FROM:" + b" " * 90_000 + b"<a@b> x").startswith("5"))
        self.assertLess(time.process_time() - before, 0.2)

    def test_verbs(self) -> None:
        """The verbs that Twisted has not are there; the refused ones are refused properly."""
        client = Client()
        self.assertEqual(
            [client.say(line)[:9] for line in ("NOOP", "VRFY joe", "HELP", "EXPN l", "ETRN x")],
            ["250 2.0.0", "252 2.5.0", "214 2.0.0", "502 5.5.1", "502 5.5.1"],
        )

    def test_no_attribute_lookup(self) -> None:
        """A client's word is never looked up as an attribute."""
        client = Client()
        for verb in ("WEB", "NOTHING", "UNKNOWN", "do_QUIT", "__class__"):
            self.assertTrue(client.say(verb).startswith("500 "), verb)

    def test_helo_is_required(self) -> None:
        """MAIL needs a greeting, and a greeting needs a name."""
        self.assertEqual(
            Client().say("MAIL FROM:<>", "HELO", "EHLO ", "MAIL FROM:<>"),
            "503 5.5.1 Say EHLO or HELO first\n501 5.5.4 A host name is needed\n"
            "501 5.5.4 A host name is needed\n503 5.5.1 Say EHLO or HELO first\n",
        )


class EnvelopeTests(SynchronousTestCase):
    """Paths and parameters."""

    def test_paths(self) -> None:
        """What Twisted takes wrongly is refused, what it refuses wrongly is taken."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<a@b>")
        for path in ("<>", "<@x>", "a@b", "<a..b@c>", "<a>", "<" + "a" * 65 + "@b>"):
            self.assertEqual(client.say(f"RCPT TO:{path}")[0], "5", path)
        for path in ('<"a b"@c.d>', '<"a\\"b"@c>', "<a@[192.0.2.1]>", "<Postmaster>", "<@x:a@b>"):
            self.assertEqual(client.say(f"RCPT TO:{path}"), "250 2.0.0 OK\n", path)

    def test_smtputf8(self) -> None:
        """An address beyond ASCII is for SMTPUTF8 only."""
        client = Client()
        address = "MAIL FROM:<ä@b>".encode()
        self.assertEqual(client.say("EHLO me", address).splitlines()[-1][:9], "553 5.6.7")
        self.assertEqual(client.say(address + b" SMTPUTF8"), "250 2.1.0 Sender OK\n")

    def test_parameters(self) -> None:
        """Parameters are read, kept and checked."""
        client = Client(limits=Limits(message_size=1000))
        client.say("EHLO me")
        self.assertEqual(client.say("MAIL FROM:<> FOO=1")[:9], "555 5.5.4")
        self.assertEqual(client.say("MAIL FROM:<> SIZE=x")[:9], "501 5.5.4")
        self.assertEqual(client.say("MAIL FROM:<> SIZE=1001")[:9], "552 5.3.4")
        client.say("MAIL FROM:<> SIZE=10 BODY=8bitmime", "RCPT TO:<a@b> NOTIFY=NEVER")
        transaction = client.connection.transaction
        self.assertEqual(transaction.sender_params, {"SIZE": "10", "BODY": "8BITMIME"})
        self.assertEqual(transaction.recipients[0].params, {"NOTIFY": "NEVER"})

    def test_ehlo_list(self) -> None:
        """EHLO offers what there is, and AUTH only where it may be used."""
        client = Client(tls=object(), portal=portal(joe="x"), mechanisms=("PLAIN", "LOGIN"))
        keywords = ["PIPELINING", "8BITMIME", "SMTPUTF8", "CHUNKING", "ENHANCEDSTATUSCODES", "DSN"]
        expected = ["gw.example.org", *keywords, "SIZE 52428800"]
        heard = [line[4:] for line in client.say("EHLO me").splitlines()]
        self.assertEqual(heard, [*expected, "STARTTLS"])
        client.say("STARTTLS")
        client.handshake()
        heard = [line[4:] for line in client.say("EHLO me").splitlines()]
        self.assertEqual(heard, [*expected, "AUTH PLAIN LOGIN"])

    def test_enhanced_codes(self) -> None:
        """Every reply has an enhanced code but the banner, EHLO, HELO, 334 and 354."""
        client = Client(portal=portal(joe="x"), mechanisms=("LOGIN",), auth_require_tls=False)
        lines = client.say(
            "NOOP", "FOO", "MAIL", "HELO me", "EHLO me", "AUTH LOGIN", "*", "AUTH X", "VRFY x",
            "MAIL FROM:<>", "MAIL FROM:<>", "RCPT TO:<a@b>", "RCPT", "DATA", "x", ".", "RSET",
            "BDAT 0 LAST", "STARTTLS", "XCLIENT ADDR=1.2.3.4", "HELP", "QUIT",
        ).splitlines()  # fmt: skip
        bare = [line for line in lines if not line[4:9].replace(".", "").isdigit()]
        self.assertEqual(
            [line[:4] for line in bare],
            ["250 "] + ["250-"] * 8 + ["250 ", "334 ", "354 "],
        )


class AuthTests(SynchronousTestCase):
    """AUTH errors."""

    def client(self, **values: Any) -> Client:
        client = Client(
            portal=portal(joe="secret"),
            mechanisms=("PLAIN", "LOGIN"),
            auth_require_tls=False,
            **values,
        )
        client.say("EHLO me")
        return client

    def test_bare_auth(self) -> None:
        """AUTH without a mechanism is a syntax error."""
        self.assertEqual(self.client().say("AUTH"), "501 5.5.4 Syntax error in arguments\n")

    def test_bad_plain(self) -> None:
        """A PLAIN response with the wrong number of parts is a syntax error."""
        self.assertEqual(
            self.client().say("AUTH PLAIN am9l"), "501 5.5.2 Cannot decode the response\n"
        )

    def test_strict_base64(self) -> None:
        """Base64 has one form."""
        good = "AGpvZQBzZWNyZXQ="
        for bad in (good[:-1], good + "=", "!" + good, good[:4] + " " + good[4:], good[:-2] + "R="):
            client = self.client()
            self.assertEqual(
                client.say("AUTH PLAIN", bad).splitlines()[1],
                "501 5.5.2 Cannot decode the response",
                bad,
            )

    def test_attempts(self) -> None:
        """Guessing ends with the connection."""
        client = self.client(limits=Limits(auth_attempts=3))
        wrong = "AUTH PLAIN AGpvZQB3cm9uZw=="
        self.assertEqual(
            client.say(wrong, wrong, wrong, wrong),
            "535 5.7.8 Authentication failed\n" * 2
            + "421 4.7.0 gw.example.org Too many failed authentications\n",
        )
        self.assertTrue(client.closed)


class BodyTests(SynchronousTestCase):
    """DATA."""

    def say(self, body: bytes, **values: Any) -> tuple[str, Client]:
        client = Client(**values)
        client.say(*TRANSACTION, "DATA")
        client.send(body)
        return client.heard(), client

    def test_smuggling(self) -> None:
        """Only CRLF.CRLF ends a message; a message with bare CR or LF is refused."""
        for end in (b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n"):
            heard, client = self.say(b"x" + end + b"MAIL FROM:<evil@b>\r\nx\r\n.\r\n")
            self.assertEqual(heard[:9], "554 5.6.0", end)
            self.assertEqual(client.transport.messages, [])

    def test_normalised(self) -> None:
        """Or bare ones are made CRLF, and still end nothing."""
        heard, client = self.say(b"x\n.\ny\r\n.\r\n", bare_newlines="normalize")
        self.assertEqual(heard, "250 2.0.0 OK 1\n")
        self.assertTrue(client.transport.messages[0].octets.endswith(b"0000\r\nx\r\n.\r\ny\r\n"))

    def test_long_line(self) -> None:
        """A line longer than any buffer is part of the message like any other."""
        heard, client = self.say(b"x" * 100_000 + b"\r\nQUIT\r\n.\r\n")
        self.assertEqual(heard, "250 2.0.0 OK 1\n")
        self.assertFalse(client.closed)
        self.assertIn(b"x" * 100_000 + b"\r\nQUIT\r\n", client.transport.messages[0].octets)

    def test_delivery_answers(self) -> None:
        """The transport's own answer reaches the client, temporary or permanent."""
        for code, enhanced in ((451, (4, 3, 0)), (552, (5, 2, 2)), (554, (5, 7, 1))):
            client = Client()
            client.transport.answers["finish"] = Reply(code, ("its words",), enhanced)
            client.say(*TRANSACTION, "DATA")
            self.assertEqual(
                client.say("."),
                Reply(code, ("its words",), enhanced).wire.decode().replace("\r\n", "\n"),
            )


class SocketTests(SynchronousTestCase):
    """Reading, writing, closing."""

    def test_timeout(self) -> None:
        """The client's time does not run while we are the slow ones."""
        policy = Pending()
        client = Client(policy, limits=Limits(command_timeout=10))
        client.say("EHLO me", "MAIL FROM:<>")
        self.assertEqual(client.wait(100), "")
        policy.answers[0].callback(None)
        self.assertEqual(client.heard(), "250 2.1.0 Sender OK\n")
        self.assertIn("421 4.4.2", client.wait(10))

    def test_backlog(self) -> None:
        """What is read ahead is bounded: the transport is paused."""
        policy = Pending()
        client = Client(policy)
        client.say("EHLO me", "MAIL FROM:<>")
        client.send(b"NOOP\r\n" * 20_000)
        self.assertEqual(client.wire.producerState, "paused")

    def test_write_flood(self) -> None:
        """Replies that are not read stop the work."""
        client = Client()
        client.wire.producer.pauseProducing()
        client.send(b"HELP\r\n" * 1000)
        self.assertEqual(client.heard(), "")
        client.wire.producer.resumeProducing()
        self.assertEqual(client.wait(0).count("214 "), 1000)

    def test_half_close(self) -> None:
        """Pending replies are written after a half close, then the connection ends."""
        policy = Pending()
        client = Client(policy)
        client.say("EHLO me", "MAIL FROM:<>", "NOOP")
        client.protocol.readConnectionLost()
        policy.answers[0].callback(None)
        self.assertEqual(client.heard(), "250 2.1.0 Sender OK\n250 2.0.0 OK\n")
        self.assertTrue(client.closed)

    def test_unix_socket(self) -> None:
        """EHLO works for a peer without an address."""
        self.assertIn("250 SIZE", Client(peer=UNIXAddress(b"")).say("EHLO me"))

    def test_proxy_protocol(self) -> None:
        """The banner waits for the header; UNKNOWN is taken, nonsense is not."""
        listener = Listener(proxies=(ip_network("192.0.2.0/24"),))
        client = Client(listener=listener)
        client.send(b"PRO")
        client.send(b"XY UNKNOWN\r\n")
        self.assertEqual(client.heard(), "220 gw.example.org ESMTP\n")
        client = Client(listener=listener)
        client.send(b"PROXY TCP4 not.an.ip;evil 1.2.3.4 1 2\r\n")
        self.assertEqual(client.heard(), "")
        self.assertTrue(client.wire.aborted)

    def test_import(self) -> None:
        """The edges that other rooms import install no reactor; the host name is ours."""
        modules = (
            "reply session address server server.policy server.delivery server.credentials "
            "server.observer server.admission"
        )
        program = (
            "import sys\n"
            + "".join(f"import smtpgate.smtp.{name}\n" for name in modules.split())
            + "sys.exit('twisted.internet.reactor' in sys.modules)"
        )
        root = str(Path(smtpgate.__file__).parents[1])
        done = subprocess.run(
            [sys.executable, "-c", program], check=False, env={**os.environ, "PYTHONPATH": root}
        )
        self.assertEqual(done.returncode, 0)
        self.assertEqual(Client().protocol.machine.host, b"gw.example.org")

    def test_several_transports(self) -> None:
        """A broken delivery is 451, not 550, and never exception text."""
        client = Client()
        broken = RecordingTransport(client.clock, answers={"finish": RuntimeError("secret path")})
        client = Client(transports=[broken])
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("."), "451 4.3.0 Temporary local problem, try again later\n")
