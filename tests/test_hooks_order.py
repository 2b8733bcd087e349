"""The proxy hook and the others: their order, and that no answer puts a session out of step."""

import base64
from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks import evaluator
from smtpgate.hsl import runtime
from smtpgate.smtp.mail import transfer
from tests.support.session import Session

EHLO = "EHLO client.example.org"
MAIL = "MAIL FROM:<jo@example.org>"
AL = "RCPT TO:<al@example.com>"
PLAIN = "AUTH PLAIN " + base64.b64encode(b"\0jo\0secret").decode()


class OrderTests(SynchronousTestCase):
    """The proxy hook comes first, to its end; no hook runs in the middle of another."""

    SAY = 'echo "{0} begins"; sleep(1); echo "{0} ends"; '

    def session(self, *hooks, **settings):
        ends = {"eodonce": "Accept();", "auth": "Accept();"}
        sources = {hook: self.SAY.format(hook) + ends.get(hook, "") for hook in hooks}
        return Session(self.SAY.format("proxy"), hooks=sources, **settings)

    def assert_order(self, session, *hooks):
        for _ in range(2 * len(hooks) + 4):
            session.advance(1)
        expected = [f"{hook} {what}" for hook in hooks for what in ("begins", "ends")]
        self.assertEqual(session.echoed, expected)
        self.assertEqual(session.errors, [])
        session.echoed.clear()

    def test_connect(self):
        """Before the first line of the client, though the client has sent it."""
        session = self.session("connect")
        session.send("NOOP")
        self.assert_order(session, "connect", "proxy")

    def test_connect_again(self):
        """XCLIENT is a line for the proxy hook; then there is another client."""
        networks = (ip_network("127.0.0.0/8"),)
        session = self.session("connect", client=("127.0.0.1", 5000), xclient=networks)
        session.send("XCLIENT ADDR=192.0.2.9")
        self.assert_order(session, "connect", "proxy", "connect")

    def test_helo(self):
        """EHLO and HELO."""
        session = self.session("helo")
        session.send(EHLO, "HELO client.example.org")
        self.assert_order(session, "proxy", "helo", "proxy", "helo")

    def test_auth(self):
        """AUTH; the client's responses are no lines for the proxy hook."""
        session = self.session("auth", mechanisms=("PLAIN", "LOGIN"))
        session.send(EHLO, PLAIN)
        self.assert_order(session, "proxy", "proxy", "auth")
        session = self.session("auth", mechanisms=("PLAIN", "LOGIN"))
        session.send(EHLO, "AUTH LOGIN", "am8=", "c2VjcmV0")
        self.assert_order(session, "proxy", "proxy", "auth")

    def test_envelope(self):
        """MAIL and RCPT, sent together."""
        session = self.session("mailfrom", "rcptto")
        session.send(EHLO, MAIL, AL, AL)
        self.assert_order(
            session, "proxy", "proxy", "mailfrom", "proxy", "rcptto", "proxy", "rcptto"
        )

    def test_end_of_data(self):
        """DATA, then the two at the end, then the next line."""
        session = self.session("eodonce", "eodrcpt")
        session.send(EHLO, MAIL, AL)
        self.assert_order(session, "proxy", "proxy", "proxy")
        session.send("DATA", "Hello", ".", "NOOP")
        self.assert_order(session, "proxy", "eodonce", "eodrcpt", "proxy")

    def test_chunks(self):
        """The same with BDAT: the proxy hook has the line and not the octets."""
        session = self.session("eodonce", "eodrcpt")
        session.send(EHLO, MAIL, AL)
        self.assert_order(session, "proxy", "proxy", "proxy")
        session.send_octets(b"BDAT 7 LAST\r\nHello\r\nNOOP\r\n")
        self.assert_order(session, "proxy", "eodonce", "eodrcpt", "proxy")

    def test_disconnect(self):
        """QUIT is the proxy hook's first; disconnect is last."""
        session = self.session("disconnect")
        session.send("QUIT")
        session.advance(1)
        session.leave()
        self.assert_order(session, "proxy", "disconnect")


class OutOfStepTests(SynchronousTestCase):
    """The proxy script answers a command by itself: for the server it was never there."""

    def session(self, verb, answer="Reply();", **settings):
        return Session(f'if ($command =~ "^{verb}") {answer}', **settings)

    def test_greeting(self):
        """EHLO and HELO: the client has not said its name."""
        for verb in ("EHLO", "HELO"):
            session = self.session(verb)
            session.replies()
            self.assertEqual(session.send(f"{verb} client.example.org"), ["250 2.0.0 OK"])
            self.assertEqual(session.connection.helo, "")
            self.assertEqual(session.send(MAIL), ["503 5.5.1 Say EHLO or HELO first"])

    def test_greeting_again(self):
        """A second EHLO resets a transaction (RFC 5321 4.1.4); one that nobody saw does not."""
        session = self.session("EHLO again")
        session.send(EHLO, MAIL, AL)
        session.send("EHLO again.example.org")
        self.assertEqual(session.connection.helo, "client.example.org")
        self.assertEqual(session.send("DATA")[0][:3], "354")

    def test_auth(self):
        """AUTH: nobody has logged in, and the credentials are nobody's."""
        session = self.session(
            "AUTH",
            'Reply("Fine", ["reply_codes" => ["code" => 235]]);',
            users={"jo": "secret"},
            auth_required=True,
        )
        session.send(EHLO)
        self.assertEqual(session.send(PLAIN), ["235 2.0.0 Fine"])
        self.assertIsNone(session.connection.username)
        self.assertIsNone(session.connection.credentials)
        self.assertEqual(session.send(MAIL), ["530 5.7.0 Authentication required"])

    def test_auth_dialogue(self):
        """A question of the script's own: the answer is a line like any other."""
        session = self.session(
            "AUTH", 'Reply("", ["reply_codes" => ["code" => 334]]);', users={"jo": "secret"}
        )
        session.send(EHLO)
        self.assertEqual(session.send("AUTH LOGIN"), ["334 "])
        self.assertEqual(session.send("am8=")[0][:3], "500")
        self.assertIsNone(session.connection.username)
        self.assertEqual(session.send("NOOP"), ["250 2.0.0 OK"])

    def test_starttls(self):
        """STARTTLS: no handshake begins, and what was said in clear is not encrypted."""
        session = self.session(
            "STARTTLS", 'Reply("Go", ["reply_codes" => ["code" => 220]]);', tls=object()
        )
        session.send(EHLO)
        self.assertEqual(session.send("STARTTLS"), ["220 2.0.0 Go"])
        self.assertFalse(session.transport.tls)
        self.assertIsNone(session.connection.tls)
        self.assertEqual(session.send("NOOP"), ["250 2.0.0 OK"])

    def test_mail(self):
        """MAIL: there is no transaction."""
        session = self.session("MAIL", hooks={"mailfrom": 'echo "asked";'})
        session.send(EHLO)
        self.assertEqual(session.send(MAIL), ["250 2.0.0 OK"])
        self.assertFalse(session.connection.transaction.has_sender)
        self.assertEqual(session.send(AL), ["503 5.5.1 Say MAIL first"])
        self.assertEqual(session.echoed, [])

    def test_rcpt(self):
        """RCPT: nobody gets the message."""
        session = self.session("RCPT TO:<bo", hooks={"rcptto": "echo $recipient;"})
        session.send(EHLO, MAIL)
        self.assertEqual(session.send("RCPT TO:<bo@example.com>"), ["250 2.0.0 OK"])
        self.assertEqual(session.send("DATA"), ["554 5.5.1 No valid recipients"])
        session.send(MAIL, "RCPT TO:<bo@example.com>", AL, "DATA", "Hello", ".")
        self.assertEqual(session.mail[0].recipients, ["al@example.com"])
        self.assertEqual(session.echoed, ["al@example.com"])

    def test_data(self):
        """DATA: what the client sends are commands, and none of them a message."""
        for code in (354, 250):
            session = self.session("DATA", f'Reply("x", ["reply_codes" => ["code" => {code}]]);')
            session.send(EHLO, MAIL, AL)
            self.assertEqual(session.send("DATA")[0][:3], str(code))
            said = session.send("Subject: x", "", "Hello", ".")
            self.assertEqual({line[:3] for line in said}, {"500"})
            self.assertEqual(session.mail, [])
            self.assertEqual(len(session.connection.transaction.recipients), 1)

    def test_chunk(self):
        """BDAT: the octets behind it are no commands, and belong to no message."""
        session = self.session("BDAT")
        session.send(EHLO, MAIL, AL)
        said = session.send_octets(b"BDAT 6 LAST\r\nRSET\r\nNOOP\r\n")
        self.assertEqual(said, ["250 2.0.0 OK", "250 2.0.0 OK"])
        self.assertEqual(len(session.connection.transaction.recipients), 1)
        self.assertEqual(session.mail, [])

    def test_reset(self):
        """RSET: the transaction goes on."""
        session = self.session("RSET")
        session.send(EHLO, MAIL, AL)
        self.assertEqual(session.send("RSET"), ["250 2.0.0 OK"])
        self.assertEqual(len(session.connection.transaction.recipients), 1)

    def test_quit(self):
        """QUIT: the client is still there if it stays, and is served."""
        session = self.session("QUIT", 'Reply("Stay", ["reply_codes" => ["code" => 221]]);')
        session.send(EHLO)
        self.assertEqual(session.send("QUIT", "NOOP"), ["221 2.0.0 Stay", "250 2.0.0 OK"])
        self.assertFalse(session.closed)

    def test_passed_as_another(self):
        """A line that becomes another one is that one: nothing of the first is left."""
        session = self.session("MAIL", 'Pass(["command" => "RSET"]);')
        session.send(EHLO)
        self.assertEqual(session.send(MAIL), ["250 2.0.0 Reset"])
        self.assertEqual(session.send(AL), ["503 5.5.1 Say MAIL first"])
        session = self.session("PLEASE", 'Pass(["command" => "DATA"]);')
        session.send(EHLO, MAIL, AL)
        self.assertEqual(session.send("PLEASE")[0][:3], "354")
        self.assertEqual(session.send("NOOP", "."), ["250 2.0.0 OK 1"])
        self.assertTrue(session.mail[0].octets.endswith(b"\r\nNOOP\r\n"))


class CostTests(SynchronousTestCase):
    """What is bound is compiled once; what is not bound costs nothing."""

    def test_compiled_once(self):
        """One script, however many sessions and lines."""
        compiled = []
        made = runtime.Script.__init__

        def noting(script, *arguments, **values):
            compiled.append(script)
            made(script, *arguments, **values)

        self.patch(runtime.Script, "__init__", noting)
        first = Session(hooks={"mailfrom": "echo $sender;", "rcptto": "echo $recipient;"})
        sessions = [first, *(Session(beside=first) for _ in range(3))]
        for session in sessions:
            session.send(EHLO, MAIL, AL, AL)
        self.assertEqual(len(first.echoed), 12)
        self.assertEqual(len(compiled), 2)

    def test_not_configured(self):
        """No variables are made and nothing runs where no script is bound."""
        made = []
        real = evaluator.Variables

        def noting(*arguments):
            made.append(arguments)
            return real(*arguments)

        self.patch(evaluator, "Variables", noting)
        session = Session(hooks={"rcptto": "Accept();"})
        session.send(EHLO, MAIL)
        self.assertEqual(made, [])
        session.send(AL)
        self.assertEqual(len(made), 1)
        session.send("DATA", "Hello", ".", "QUIT")
        session.leave()
        self.assertEqual(len(made), 1)
        self.assertEqual(len(session.mail), 1)

    def test_not_spooled(self):
        """Without a script at the end of data the message is not kept back."""
        self.patch(transfer, "Spool", None)
        session = Session(hooks={"rcptto": "Accept();"})
        session.send(EHLO, MAIL, AL, "DATA", "Hello")
        self.assertIn(b"Hello", session.mailbox.begun[0].octets)
