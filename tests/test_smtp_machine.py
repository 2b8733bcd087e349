"""Commands: one in, one reply out."""

from __future__ import annotations

from base64 import b64encode
from ipaddress import ip_network
from typing import Any

from twisted.internet.defer import Deferred
from twisted.mail.smtp import ESMTP
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.address import Mailbox
from smtpgate.smtp.machine import COMMANDS
from smtpgate.smtp.policy import Accept, AuthStep, Challenge, Policy
from smtpgate.smtp.reply import Reply
from smtpgate.smtp.session import Connection, Limits
from tests.support.smtp import TLS, Client, RecordingTransport, portal

TRANSACTION = ("EHLO me", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>")
LOCAL = (ip_network("192.0.2.0/24"),)


class TableTests(SynchronousTestCase):
    """The table of commands."""

    def test_is_esmtp(self) -> None:
        """The machine is Twisted's, and has no socket."""
        machine = Client().protocol.machine
        self.assertIsInstance(machine, ESMTP)
        self.assertIsNone(machine.transport)

    def test_case_and_blanks(self) -> None:
        """Verbs have no case; blanks behind a line are forgiven."""
        self.assertEqual(
            Client().say("nOoP", "NOOP  ", "RSET "), "250 2.0.0 OK\n250 2.0.0 OK\n250 2.0.0 Reset\n"
        )

    def test_arguments(self) -> None:
        """Commands without arguments refuse them."""
        client = Client()
        client.say(*TRANSACTION)
        for verb in (name.decode() for name, row in COMMANDS.items() if not row.argument):
            self.assertEqual(
                client.say(f"{verb} x"), "501 5.5.4 This command takes no arguments\n", verb
            )
        self.assertTrue(client.connection.transaction.has_sender)

    def test_every_row_answers_once(self) -> None:
        """Whatever command comes, with or without an argument, there is one reply."""
        for verb in COMMANDS:
            for argument in (b"", b" x", b" 0", b" 0 LAST"):
                client = Client(limits=Limits(errors=0))
                heard = client.say(verb + argument).splitlines()
                self.assertEqual([line[3] for line in heard].count(" "), 1, (verb, argument))

    def test_sendcode(self) -> None:
        """Twisted's way to answer gives a reply with an enhanced code."""
        machine = Client().protocol.machine
        machine.sendCode(250, b"one\ntwo")
        self.assertEqual(machine._said, Reply(250, ("one", "two"), (2, 0, 0)))

    def test_noise(self) -> None:
        """Empty lines and blanks are bad commands."""
        self.assertEqual(Client().say("", " NOOP"), "500 5.5.2 Command not recognised\n" * 2)


class GreetingTests(SynchronousTestCase):
    """HELO and EHLO."""

    def test_helo(self) -> None:
        """HELO offers nothing, and is enough for mail."""
        client = Client()
        self.assertEqual(client.say("HELO me"), "250 gw.example.org\n")
        self.assertEqual(client.say("MAIL FROM:<a@b>"), "250 2.1.0 Sender OK\n")
        self.assertEqual((client.connection.helo, client.connection.helo_verb), ("me", "HELO"))

    def test_bad_names(self) -> None:
        """A name cannot hold what would break a header."""
        for name in ("a b", "a(b", "a<b>", "ä", "x" * 256):
            self.assertEqual(Client().say(f"EHLO {name}"), "501 5.5.4 A host name is needed\n")

    def test_ehlo_resets(self) -> None:
        """EHLO gives up a transaction; who has authenticated stays so."""
        client = Client(portal=portal(joe="secret"), mechanisms=("PLAIN",), auth_require_tls=False)
        client.say("EHLO me", "AUTH PLAIN AGpvZQBzZWNyZXQ=", *TRANSACTION[1:])
        before = client.connection.transaction.id
        client.say("EHLO me")
        self.assertNotEqual(client.connection.transaction.id, before)
        self.assertFalse(client.connection.transaction.has_sender)
        self.assertEqual(client.transport.aborted, 1)
        self.assertEqual(client.connection.username, "joe")

    def test_policy(self) -> None:
        """The policy may change the name, the words and the keywords, or refuse."""

        class Changing(Policy):
            def helo(self, connection: Connection, verb: str, name: str, offered: Any) -> Any:
                if name == "no":
                    return Reply(550, ("no",), (5, 7, 1))
                return Accept(Reply(250, ("hi",)), helo="other", extensions=("X", "Y Z"))

        client = Client(Changing())
        self.assertEqual(client.say("EHLO no"), "550 5.7.1 no\n")
        self.assertEqual(client.connection.helo, "")
        self.assertEqual(client.say("EHLO me"), "250-hi\n250-X\n250 Y Z\n")
        self.assertEqual(client.connection.helo, "other")


class EnvelopeTests(SynchronousTestCase):
    """MAIL and RCPT."""

    def test_order(self) -> None:
        """One MAIL, then RCPT, then a message."""
        client = Client()
        client.say("EHLO me")
        self.assertEqual(
            client.say("RCPT TO:<a@b>", "DATA", "MAIL FROM:<>", "MAIL FROM:<>", "DATA"),
            "503 5.5.1 Say MAIL first\n503 5.5.1 Say MAIL first\n250 2.1.0 Sender OK\n"
            "503 5.5.1 A sender was given already\n554 5.5.1 No valid recipients\n",
        )

    def test_syntax(self) -> None:
        """The keyword is part of the command."""
        client = Client()
        client.say("EHLO me")
        self.assertEqual(client.say("MAIL TO:<a@b>"), "501 5.5.4 Syntax: FROM:<address>\n")
        client.say("mail from:<a@b>")
        self.assertEqual(client.say("RCPT <a@b>"), "501 5.5.4 Syntax: TO:<address>\n")

    def test_null_sender(self) -> None:
        """The null path is a sender too."""
        client = Client()
        client.say("EHLO me", "MAIL FROM:<>")
        transaction = client.connection.transaction
        self.assertEqual((transaction.sender, transaction.has_sender), (None, True))

    def test_recipients_limit(self) -> None:
        """Too many recipients are refused for now, the others are kept."""
        client = Client(limits=Limits(recipients=1))
        self.assertEqual(
            client.say(*TRANSACTION, "RCPT TO:<c@d>").splitlines()[-1],
            "452 4.5.3 Too many recipients",
        )
        self.assertEqual(len(client.connection.transaction.recipients), 1)

    def test_messages_limit(self) -> None:
        """Too many messages on one connection."""
        client = Client(limits=Limits(messages=1))
        client.say(*TRANSACTION, "DATA", ".")
        self.assertEqual(
            client.say("MAIL FROM:<>"), "452 4.5.3 Too many messages on this connection\n"
        )

    def test_policy(self) -> None:
        """The policy may change sender, recipient and transport, choose words, or refuse."""

        class Changing(Policy):
            def mail_from(self, connection: Connection, mailbox: Any, params: Any) -> Any:
                if mailbox is None:
                    return Reply(550, ("no bounces",), (5, 7, 1))
                return Accept(Reply(250, ("fine",)), sender=Mailbox("new", "example.org"))

            def rcpt_to(self, connection: Connection, recipient: Any) -> Any:
                recipient.mailbox = Mailbox("moved", recipient.mailbox.domain)
                recipient.transport = "other"
                return Reply(251, ("will forward",))

        client = Client(connect=False)
        other = RecordingTransport(client.clock, "other")
        client = Client(Changing(), [client.transport, other])
        client.say("EHLO me")
        self.assertEqual(
            client.say("MAIL FROM:<>", "MAIL FROM:<a@b>", "RCPT TO:<c@d>"),
            "550 5.7.1 no bounces\n250 fine\n251 will forward\n",
        )
        self.assertEqual(other.begun[0].sender, Mailbox("new", "example.org"))
        self.assertEqual(other.begun[0].recipients, ["moved@d"])

    def test_refused_recipient_is_none(self) -> None:
        """A recipient that the transport refuses is not in the envelope."""
        client = Client()
        client.transport.answers["rcpt"] = Reply(550, ("who?",), (5, 1, 1))
        self.assertIn("550 5.1.1 who?\n", client.say(*TRANSACTION))
        self.assertEqual(client.connection.transaction.recipients, [])
        self.assertEqual(client.say("DATA"), "554 5.5.1 No valid recipients\n")

    def test_refused_sender(self) -> None:
        """A transport that refuses the sender refuses all its recipients, and is asked once."""
        client = Client()
        client.transport.answers["mail"] = Reply(550, ("not you",), (5, 7, 1))
        heard = client.say(*TRANSACTION, "RCPT TO:<c@d>")
        self.assertEqual(heard.count("550 5.7.1 not you\n"), 2)
        self.assertEqual((len(client.transport.begun), client.transport.aborted), (1, 1))

    def test_unknown_transport(self) -> None:
        """A transport that does not exist is our mistake: the client may try again."""
        client = Client(default_transport="nowhere")
        self.assertIn("451 4.3.5 Server configuration error\n", client.say(*TRANSACTION))
        self.assertEqual(
            str(client.observer.of("trouble")[0][2].value), "there is no transport 'nowhere'"
        )

    def test_lost_recipient(self) -> None:
        """A delivery that breaks after it took a recipient costs the message, not the recipient."""
        client = Client()
        client.say(*TRANSACTION)
        client.transport.answers["rcpt"] = RuntimeError("gone")
        self.assertEqual(
            client.say("RCPT TO:<c@d>", "DATA"),
            "451 4.3.0 Temporary local problem, try again later\n" * 2,
        )
        self.assertEqual(client.transport.messages, [])


class MessageTests(SynchronousTestCase):
    """DATA and BDAT."""

    def bodies(self, client: Client) -> list[bytes]:
        return [each.octets.partition(b"+0000\r\n")[2] for each in client.transport.messages]

    def test_data(self) -> None:
        """The message arrives unstuffed; the next transaction has another name."""
        client = Client()
        before = client.connection.transaction.id
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("..a", "", "b", "."), "250 2.0.0 OK 1\n")
        self.assertEqual(self.bodies(client), [b".a\r\n\r\nb\r\n"])
        self.assertNotEqual(client.connection.transaction.id, before)
        self.assertEqual(client.transport.aborted, 0)

    def test_empty_message(self) -> None:
        """A message may hold nothing; the trace header is there."""
        client = Client()
        client.say(*TRANSACTION, "DATA", ".")
        self.assertEqual(self.bodies(client), [b""])
        self.assertTrue(client.transport.messages[0].octets.startswith(b"Received: from me "))

    def test_slow_empty_message(self) -> None:
        """A delivery that cannot take the trace header at once is waited for."""
        client = Client()
        room: Deferred[None] = Deferred()
        client.transport.answers["write"] = lambda: room
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("."), "")
        self.assertEqual(client.transport.messages, [])
        room.callback(None)
        self.assertEqual(client.heard(), "250 2.0.0 OK 1\n")

    def test_data_refused(self) -> None:
        """A delivery that wants no message says so instead of 354; the transaction is over."""
        client = Client()
        client.transport.answers["data"] = Reply(452, ("full",), (4, 3, 1))
        client.say(*TRANSACTION)
        self.assertEqual(client.say("DATA", "NOOP"), "452 4.3.1 full\n250 2.0.0 OK\n")
        self.assertFalse(client.connection.transaction.has_sender)
        self.assertEqual(client.transport.aborted, 1)

    def test_too_large(self) -> None:
        """A message that is too large is read to its end, refused and not kept."""
        client = Client(limits=Limits(message_size=10))
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(
            client.say("x" * 11, ".", "NOOP"), "552 5.3.4 Message too large\n250 2.0.0 OK\n"
        )
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))
        self.assertEqual(client.observer.of("message_refused")[0][3].code, 552)

    def test_end_of_data(self) -> None:
        """The policy may refuse the whole message; no transport is asked to keep it."""

        class No(Policy):
            def end_of_data(self, connection: Connection) -> Reply:
                return Reply(554, ("spam",), (5, 7, 1))

        client = Client(No())
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(client.say("x", "."), "554 5.7.1 spam\n")
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))

    def test_broken_write(self) -> None:
        """A delivery that breaks inside a message: the rest is read, the answer is 451."""
        client = Client()
        client.transport.answers["write"] = RuntimeError("disk")
        client.say(*TRANSACTION, "DATA")
        self.assertEqual(
            client.say("x", ".", "NOOP"),
            "451 4.3.0 Temporary local problem, try again later\n250 2.0.0 OK\n",
        )
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))

    def test_late_broken_write(self) -> None:
        """The same when it breaks later."""
        client = Client()
        room: Deferred[None] = Deferred()
        client.transport.answers["write"] = lambda: room
        client.say(*TRANSACTION, "DATA", "x")
        client.transport.answers.clear()
        room.errback(RuntimeError("disk"))
        self.assertEqual(client.say("."), "451 4.3.0 Temporary local problem, try again later\n")

    def test_bdat(self) -> None:
        """Chunks, cut anywhere and pipelined, make one message; a dot means nothing."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 4\r\nab\r\nBDAT 0\r\nBDAT 5\r\n.\r\n\r\nBDAT 2 LAST\r\n..NOOP\r\n")
        self.assertEqual(
            client.heard(), "250 2.0.0 Chunk received\n" * 3 + "250 2.0.0 OK 1\n250 2.0.0 OK\n"
        )
        self.assertEqual(self.bodies(client), [b"ab\r\n.\r\n\r\n.."])

    def test_bdat_last_of_nothing(self) -> None:
        """The last chunk may be empty."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 3\r\nabcBDAT 0 LAST\r\n")
        self.assertEqual(client.heard(), "250 2.0.0 Chunk received\n250 2.0.0 OK 1\n")
        self.assertEqual(self.bodies(client), [b"abc"])

    def test_bdat_without_envelope(self) -> None:
        """A refused chunk is read all the same: its octets are no commands."""
        client = Client()
        client.send(b"EHLO me\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        self.assertTrue(client.heard().endswith("503 5.5.1 Say MAIL first\n250 2.0.0 OK\n"))

    def test_bdat_error_in_the_middle(self) -> None:
        """After a refused chunk the pipelined ones are read and refused."""
        client = Client(limits=Limits(message_size=5))
        client.say(*TRANSACTION)
        client.send(b"BDAT 3\r\nabcBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
        self.assertEqual(
            client.heard(),
            "250 2.0.0 Chunk received\n552 5.3.4 Message too large\n"
            "503 5.5.1 Say MAIL first\n250 2.0.0 OK\n",
        )
        self.assertEqual((client.transport.messages, client.transport.aborted), ([], 1))

    def test_bdat_bare_newline(self) -> None:
        """A bare LF refuses the chunk that shows it."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 3\r\na\nbBDAT 1 LAST\r\nx")
        self.assertEqual(
            client.heard(),
            "554 5.6.0 Bare CR or LF in the message, lines end with CRLF\n"
            "503 5.5.1 Say MAIL first\n",
        )

    def test_bdat_and_data(self) -> None:
        """They are not mixed, and only a few commands come between chunks."""
        client = Client()
        client.say(*TRANSACTION)
        client.send(b"BDAT 1\r\nxDATA\r\nRCPT TO:<a@b>\r\nMAIL FROM:<>\r\nEHLO me\r\nNOOP\r\n")
        refused = "503 5.5.1 Only BDAT and RSET may follow BDAT\n"
        self.assertEqual(
            client.heard(), "250 2.0.0 Chunk received\n" + refused * 4 + "250 2.0.0 OK\n"
        )
        self.assertEqual(client.say("RSET", "DATA"), "250 2.0.0 Reset\n503 5.5.1 Say MAIL first\n")
        self.assertEqual(client.transport.aborted, 1)

    def test_bdat_malformed(self) -> None:
        """When nobody knows how many octets follow, the session ends."""
        client = Client()
        client.say(*TRANSACTION)
        self.assertEqual(client.say("BDAT x", "NOOP"), "501 5.5.4 Syntax: BDAT size [LAST]\n")
        self.assertTrue(client.closed)

    def test_bdat_asks_first(self) -> None:
        """The deliveries are asked for a message before the first chunk is taken."""
        client = Client()
        client.transport.answers["data"] = Reply(452, ("full",), (4, 3, 1))
        client.say(*TRANSACTION)
        client.send(b"BDAT 3 LAST\r\nabc")
        self.assertEqual(client.heard(), "452 4.3.1 full\n")


class AuthTests(SynchronousTestCase):
    """AUTH."""

    def client(self, policy: Policy | None = None, **values: Any) -> Client:
        values.setdefault("mechanisms", ("PLAIN", "LOGIN"))
        client = Client(policy, portal=portal(joe="secret"), auth_require_tls=False, **values)
        client.say("EHLO me")
        return client

    def test_login(self) -> None:
        """LOGIN asks twice, or once when the name came along."""
        client = self.client()
        self.assertEqual(
            client.say("AUTH LOGIN", "am9l", "c2VjcmV0"),
            "334 VXNlcm5hbWU6\n334 UGFzc3dvcmQ6\n235 2.7.0 Authentication succeeded\n",
        )
        client = self.client()
        self.assertEqual(
            client.say("AUTH LOGIN am9l", "c2VjcmV0"),
            "334 UGFzc3dvcmQ6\n235 2.7.0 Authentication succeeded\n",
        )
        self.assertEqual(
            (client.connection.username, client.connection.mechanism), ("joe", "LOGIN")
        )

    def test_empty_initial_response(self) -> None:
        """An equals sign is a response of no octets, and means nothing later."""
        client = self.client()
        self.assertEqual(client.say("AUTH PLAIN ="), "501 5.5.2 Cannot decode the response\n")
        self.assertEqual(
            client.say("AUTH PLAIN", "="), "334 \n501 5.5.2 Cannot decode the response\n"
        )

    def test_wrong(self) -> None:
        """Wrong names and wrong passwords are answered alike."""
        heard = {
            self.client().say("AUTH PLAIN " + b64encode(response).decode())
            for response in (b"\0joe\0wrong", b"\0ann\0secret", b"ann\0joe\0secret")
        }
        self.assertEqual(heard, {"535 5.7.8 Authentication failed\n"})

    def test_long_response(self) -> None:
        """A response that is too long ends the exchange; the next line is a command."""
        client = self.client()
        self.assertEqual(
            client.say("AUTH PLAIN", "A" * 20000, "NOOP"),
            "334 \n500 5.5.6 Authentication exchange line is too long\n250 2.0.0 OK\n",
        )

    def test_order(self) -> None:
        """Not before EHLO, not in a transaction, not twice."""
        client = Client(portal=portal(joe="secret"), mechanisms=("PLAIN",), auth_require_tls=False)
        login = "AUTH PLAIN AGpvZQBzZWNyZXQ="
        self.assertEqual(client.say("HELO me", login).splitlines()[1], "503 5.5.1 Say EHLO first")
        self.assertEqual(
            client.say("EHLO me", "MAIL FROM:<>", login).splitlines()[-1],
            "503 5.5.1 AUTH is not allowed during a mail transaction",
        )
        self.assertEqual(
            client.say("RSET", login, login).splitlines()[1:],
            ["235 2.7.0 Authentication succeeded", "503 5.5.1 Authenticated already"],
        )

    def test_needs_tls(self) -> None:
        """Neither offered nor taken in clear."""
        client = Client(portal=portal(joe="x"), mechanisms=("PLAIN",), tls=object())
        self.assertNotIn("AUTH", client.say("EHLO me"))
        self.assertEqual(
            client.say("AUTH PLAIN"),
            "538 5.7.11 Encryption required for this authentication mechanism\n",
        )
        client.say("STARTTLS")
        client.handshake()
        self.assertIn("AUTH PLAIN\n", client.say("EHLO me"))
        self.assertEqual(client.say("AUTH PLAIN"), "334 \n")

    def test_not_configured(self) -> None:
        """Without mechanisms there is no AUTH."""
        client = Client()
        client.say("EHLO me")
        self.assertEqual(client.say("AUTH PLAIN"), "502 5.5.1 AUTH is not offered here\n")

    def test_portal_trouble(self) -> None:
        """A portal that fails is a temporary failure, and says nothing about the password."""
        client = self.client()
        broken = client.server.portal
        assert broken is not None
        broken.realm = None
        self.assertEqual(
            client.say("AUTH PLAIN AGpvZQBzZWNyZXQ="),
            "454 4.7.0 Temporary authentication failure\n",
        )
        self.assertIn("trouble", client.observer.names())

    def test_logout(self) -> None:
        """The avatar is told when the client has gone."""
        client = self.client()
        client.say("AUTH PLAIN AGpvZQBzZWNyZXQ=")
        assert client.server.portal is not None
        account = client.server.portal.realm.accounts[0]
        self.assertFalse(account.logged_out)
        client.leave()
        self.assertTrue(account.logged_out)

    def test_secrets_are_not_observed(self) -> None:
        """A refused AUTH line is not shown to the observer, nor is the password in a step."""
        client = self.client()
        client.say("AUTH PLAIN AGpvZQB3cm9uZw==", "AUTH LOGIN am9l", "d3Jvbmc=")
        self.assertEqual(client.observer.of("command_refused"), [])
        self.assertEqual(len(client.observer.of("authentication_failed")), 2)
        self.assertNotIn("secret", repr(AuthStep("PLAIN", 0, b"secret", "joe", "secret")))

    def test_external_needs_a_certificate(self) -> None:
        """EXTERNAL is not offered, nor taken, without a verified certificate."""
        client = Client(portal=portal(joe="x"), mechanisms=("EXTERNAL",), tls=object())
        client.say("STARTTLS")
        client.handshake(TLS)
        self.assertNotIn("AUTH", client.say("EHLO me"))
        self.assertEqual(
            client.say("AUTH EXTERNAL ="), "504 5.5.4 Unrecognised authentication mechanism\n"
        )

    def test_policy_decides(self) -> None:
        """The policy sees names and passwords before the portal; None leaves it to the portal."""
        steps: list[AuthStep] = []

        class Deciding(Policy):
            decides_auth = True

            def auth(self, connection: Connection, step: AuthStep) -> Any:
                steps.append(step)
                return {
                    "ann": Accept(username="Ann"),
                    "eve": Reply(535, ("not you",), (5, 7, 8)),
                }.get(step.username or "")

        for name, code in (("ann", "235"), ("eve", "535"), ("joe", "235"), ("bob", "535")):
            client = self.client(Deciding())
            heard = client.say("AUTH PLAIN " + b64encode(f"\0{name}\0secret".encode()).decode())
            self.assertEqual(heard[:3], code, name)
        self.assertEqual((steps[0].username, steps[0].password), ("ann", "secret"))
        self.assertEqual(steps[0].mechanism, "PLAIN")

    def test_own_mechanism(self) -> None:
        """A mechanism that is not built in is the policy's, challenge by challenge."""
        steps: list[tuple[int, bytes]] = []

        class Own(Policy):
            decides_auth = True

            def auth(self, connection: Connection, step: AuthStep) -> Any:
                steps.append((step.state, step.response))
                return Challenge(b"who?") if step.state == 0 else Accept(username="joe")

        client = self.client(Own(), mechanisms=("X-OWN",))
        self.assertEqual(
            client.say("AUTH X-OWN", "am9l"), "334 d2hvPw==\n235 2.7.0 Authentication succeeded\n"
        )
        self.assertEqual(steps, [(0, b""), (1, b"joe")])
        self.assertEqual(
            (client.connection.username, client.connection.mechanism), ("joe", "X-OWN")
        )


class XclientTests(SynchronousTestCase):
    """XCLIENT, built in."""

    def client(self, **values: Any) -> Client:
        client = Client(xclient=LOCAL, **values)
        client.say("EHLO proxy")
        return client

    def test_denied(self) -> None:
        """Not offered to and not taken from clients that are not trusted."""
        client = Client(xclient=(ip_network("10.0.0.0/8"),))
        self.assertNotIn("XCLIENT", client.say("EHLO me"))
        self.assertEqual(
            client.say("XCLIENT ADDR=10.0.0.1"), "550 5.7.0 XCLIENT is not allowed from here\n"
        )
        self.assertEqual(client.connection.peer_ip, "192.0.2.1")

    def test_everything(self) -> None:
        """All attributes; the session begins anew with a banner, and trust stays with the proxy."""
        client = self.client()
        self.assertEqual(
            client.say(
                "XCLIENT NAME=c.example ADDR=IPv6:2001:db8::1 PORT=99 PROTO=ESMTP HELO=me",
                "XCLIENT LOGIN=joe+40x DESTADDR=10.0.0.9 DESTPORT=587",
            ),
            "220 gw.example.org ESMTP\n" * 2,
        )
        connection = client.connection
        self.assertEqual(
            (connection.peer_ip, connection.peer_port, connection.peer_ptr),
            ("2001:db8::1", 99, "c.example"),
        )
        self.assertEqual((connection.local_ip, connection.local_port), ("10.0.0.9", 587))
        self.assertEqual((connection.username, connection.mechanism), ("joe@x", "XCLIENT"))
        self.assertEqual(connection.client_ip, "192.0.2.1")
        self.assertEqual(client.say("MAIL FROM:<>"), "503 5.5.1 Say EHLO or HELO first\n")

    def test_unavailable(self) -> None:
        """What the proxy does not know is unknown."""
        client = self.client()
        client.say("XCLIENT NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL]")
        self.assertEqual((client.connection.peer_ptr, client.connection.peer_ip), ("", ""))

    def test_errors_change_nothing(self) -> None:
        """One bad attribute, and none is taken."""
        client = self.client()
        for attributes, words in (
            ("", "XCLIENT needs attributes"),
            ("FOO=1", "Bad XCLIENT attribute"),
            ("ADDR=10.0.0.1 PORT=x", "Bad XCLIENT value of PORT"),
            ("ADDR=10.0.0.1 NAME=a+0Ab", "Bad XCLIENT value of NAME"),
            ("ADDR=nonsense", "Bad XCLIENT value of ADDR"),
            ("ADDR", "Bad XCLIENT attribute"),
        ):
            self.assertEqual(client.say(f"XCLIENT {attributes}"), f"501 5.5.4 {words}\n")
        self.assertEqual(client.connection.peer_ip, "192.0.2.1")
        self.assertEqual(client.connection.helo, "proxy")

    def test_not_in_a_transaction(self) -> None:
        """The client of a transaction does not change."""
        client = self.client()
        client.say("MAIL FROM:<>")
        self.assertEqual(
            client.say("XCLIENT ADDR=10.0.0.1"), "503 5.5.1 Bad sequence of commands\n"
        )

    def test_policy_is_asked_again(self) -> None:
        """The policy's connect sees the assumed client, and may turn it away."""

        class Picky(Policy):
            def connect(self, connection: Connection) -> Any:
                if connection.peer_ip == "10.0.0.1":
                    return Reply(554, ("not you",), (5, 7, 1))
                return None

        client = self.client(policy=Picky())
        self.assertEqual(client.say("XCLIENT ADDR=10.0.0.1", "NOOP"), "554 5.7.1 not you\n")
        self.assertTrue(client.closed)
