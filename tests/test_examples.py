"""The example scripts: each compiles, says when to use it and is played in a session."""

import base64
import hmac
import re

from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hsl.library.resolving import Answer
from tests.support.dialog import hook_of, parse
from tests.support.session import EXAMPLES, HOSTNAME, Session, compiled
from tests.test_dialogs import DIALOGS

SCRIPTS = sorted(EXAMPLES.rglob("*.hsl"))


def text_of(path):
    return path.read_text("latin-1")


def name_of(path):
    """As a configuration has it."""
    return str(path.relative_to(EXAMPLES))


class ExampleTests(SynchronousTestCase):
    """What every example has."""

    def test_found(self):
        """They are where the documentation says."""
        names = [name_of(path) for path in SCRIPTS]
        self.assertIn("proxy.hsl", names)
        self.assertIn("rcptto/greylisting.hsl", names)

    def test_compile(self):
        """Each compiles by itself, without warnings."""
        for path in SCRIPTS:
            script = compiled(text_of(path), name_of(path), hook_of(name_of(path)))
            self.assertEqual(script.warnings, (), path.name)

    def test_say_when(self):
        """Each begins with a comment that says when to use it, and is plain ASCII."""
        for path in SCRIPTS:
            comment = re.match(r"(//.*\n)+", text_of(path))
            self.assertIsNotNone(comment, path.name)
            self.assertRegex(comment[0], r"Use it|to have it|example of", path.name)
            self.assertTrue(text_of(path).isascii(), path.name)

    def test_played(self):
        """Each has at least one transcript."""
        played = {parse(text_of(path)).head.get("script") for path in DIALOGS.glob("*/*.txt")}
        self.assertEqual({name_of(path) for path in SCRIPTS} - played, set())

    def test_all_at_once(self):
        """With every part of proxy.hsl switched on they still get along."""
        source = text_of(EXAMPLES / "proxy.hsl").replace('// include "', 'include "')
        session = Session(source, tls=object(), client=("127.0.0.1", 50000))
        session.replies()
        self.assertEqual(session.send("STATUS")[0][:14], "250-2.0.0 serv")
        self.assertEqual(
            session.send("XCLIENT ADDR=192.0.2.1"), ["250 2.0.0 Nice to meet you, 192.0.2.1"]
        )
        self.assertEqual(
            session.send("COMPLAINT"), ["530 5.7.0 Must issue a STARTTLS command first"]
        )
        session.send("STARTTLS")
        session.shake_hands()
        session.send("EHLO client.example.org")
        self.assertEqual(session.send("COMPLAINT")[0], "350-What is it about?")
        self.assertEqual(session.connection.context["xclient"], {"ADDR": "192.0.2.1"})
        self.assertEqual(session.errors, [])


class XClientTests(SynchronousTestCase):
    """What xclient.hsl leaves behind for other scripts."""

    def test_context(self):
        """Attributes by upper-case name; what the proxy does not know is left out."""
        session = Session(text_of(EXAMPLES / "xclient.hsl"), client=("127.0.0.1", 50000))
        session.replies()
        session.send("XCLIENT addr=192.0.2.1 LOGIN=jo NAME=[TEMPUNAVAIL]")
        self.assertEqual(
            session.connection.context, {"xclient": {"ADDR": "192.0.2.1", "LOGIN": "jo"}}
        )
        self.assertEqual(session.connection.peer_ip, "127.0.0.1")


class ComplaintTests(SynchronousTestCase):
    """What complaint.hsl tells the log."""

    def test_echo(self):
        """One line with everything, once; the dialogue leaves nothing behind."""
        session = Session(text_of(EXAMPLES / "complaint.hsl"))
        session.replies()
        session.send("COMPLAINT")
        session.send("It is slow")
        session.send("jo@example.org")
        self.assertEqual(session.echoed, ["complaint from 192.0.2.7 (jo@example.org): It is slow"])
        self.assertEqual(session.connection.context, [])


class TarpitTests(SynchronousTestCase):
    """How long tarpit.hsl waits."""

    def waited(self, session, line):
        seconds = 0
        replies = session.send(line)
        while not replies:
            replies = session.advance(1)
            seconds += 1
        return seconds

    def test_grows_and_stops_growing(self):
        """Two seconds for each refused recipient, never more than twenty."""
        session = Session(text_of(EXAMPLES / "tarpit.hsl"))
        session.send("EHLO client.example.org", "MAIL FROM:<jo@example.org>")
        waits = [self.waited(session, "RCPT TO:<nobody>") for _ in range(13)]
        self.assertEqual(waits, [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 20, 20])

    def test_others_go_on(self):
        """While one session is held, another one of the same server is served."""
        slow = Session(text_of(EXAMPLES / "tarpit.hsl"))
        slow.send("EHLO client.example.org", "MAIL FROM:<jo@example.org>", "RCPT TO:<nobody>")
        quick = Session(beside=slow)
        self.assertEqual(quick.replies(), [f"220 {HOSTNAME} ESMTP"])
        self.assertEqual(slow.send("RCPT TO:<nobody>"), [])
        self.assertEqual(quick.send("NOOP"), ["250 2.0.0 OK"])
        self.assertEqual(len(slow.advance(2)), 1)


class PolicyTests(SynchronousTestCase):
    """What transcripts can not show of the policies."""

    def session(self, name, **settings):
        session = Session(hooks={hook_of(name): text_of(EXAMPLES / name)}, **settings)
        session.send("EHLO client.example.org")
        return session

    def test_cram_md5(self):
        """The proof of RFC 2195 for a challenge that is another one each time."""
        challenges = set()
        for _ in range(2):
            session = self.session("auth/cram-md5.hsl", mechanisms=("CRAM-MD5",))
            [line] = session.send("AUTH CRAM-MD5")
            challenge = base64.b64decode(line.removeprefix("334 "))
            challenges.add(challenge)
            proof = hmac.digest(b"tanstaaftanstaaf", challenge, "md5").hex()
            response = base64.b64encode(f"printer {proof}".encode()).decode()
            self.assertEqual(session.send(response), ["235 2.7.0 Authentication succeeded"])
            self.assertEqual(session.connection.username, "printer")
            self.assertEqual(session.errors, [])
        self.assertEqual(len(challenges), 2)

    def test_cram_md5_replayed(self):
        """A proof that was right for one challenge is wrong for the next one."""
        session = self.session("auth/cram-md5.hsl", mechanisms=("CRAM-MD5",))
        [line] = session.send("AUTH CRAM-MD5")
        challenge = base64.b64decode(line.removeprefix("334 "))
        proof = hmac.digest(b"tanstaaftanstaaf", challenge, "md5").hex()
        session.send("*", "AUTH CRAM-MD5")
        response = base64.b64encode(f"printer {proof}".encode()).decode()
        self.assertEqual(session.send(response), ["535 5.7.8 Authentication failed"])

    def test_rate_limit(self):
        """A hundred messages an hour for a user, in all their sessions; then the hour slides."""
        session = self.session("mailfrom/rate-limit.hsl", users={"jo": "secret", "al": "word"})
        session.send("AUTH PLAIN " + base64.b64encode(b"\0jo\0secret").decode())
        for _ in range(100):
            self.assertEqual(session.send("MAIL FROM:<jo@example.org>"), ["250 2.1.0 Sender OK"])
            session.send("RSET")
        refused = ["450 4.7.1 You have sent 100 messages within an hour, try again later"]
        self.assertEqual(session.send("MAIL FROM:<jo@example.org>"), refused)
        other = Session(beside=session)
        other.send("EHLO client.example.org")
        other.send("AUTH PLAIN " + base64.b64encode(b"\0al\0word").decode())
        self.assertEqual(other.send("MAIL FROM:<al@example.org>"), ["250 2.1.0 Sender OK"])
        other.leave()
        session.leave()
        session.clock.advance(3600)
        again = Session(beside=session)
        again.send("EHLO client.example.org")
        again.send("AUTH PLAIN " + base64.b64encode(b"\0jo\0secret").decode())
        self.assertEqual(again.send("MAIL FROM:<jo@example.org>"), ["250 2.1.0 Sender OK"])

    def test_routing(self):
        """By the user first, then by the recipient's domain, then the server's way."""
        session = self.session(
            "rcptto/routing.hsl", users={"newsletter": "secret"}, transports=["bulk", "lists"]
        )
        session.send("MAIL FROM:<jo@example.org>", "RCPT TO:<dogs@Lists.Example.com>")
        session.send("RCPT TO:<al@example.com>", "DATA")
        session.send("Woof", ".")
        session.send("AUTH PLAIN " + base64.b64encode(b"\0newsletter\0secret").decode())
        session.send("MAIL FROM:<jo@example.org>", "RCPT TO:<dogs@lists.example.com>", "DATA")
        session.send("Woof", ".")
        found = {name: len(each.messages) for name, each in session.others.items()}
        self.assertEqual(found, {"bulk": 1, "lists": 1})
        self.assertEqual([mail.recipients for mail in session.mail], [["al@example.com"]])

    def test_tag_subject(self):
        """The mark is there once; encoded subjects get it too, and none at all becomes one."""
        for subject, expected in (
            ("Subject: hello", "Subject: [External] hello"),
            ("Subject: Re: [External] hello", "Subject: Re: [External] hello"),
            ("X: y", "Subject: [External]"),
        ):
            session = self.session("eodonce/tag-subject.hsl")
            session.send("MAIL FROM:<jo@example.org>", "RCPT TO:<al@example.com>", "DATA")
            session.send(subject, "", "Hello", ".")
            lines = session.mail[0].octets.decode("latin-1").split("\r\n")
            self.assertIn(expected, [line.rstrip() for line in lines])

    def test_rate_limit_more(self):
        """Who may send more, may."""
        session = self.session("mailfrom/rate-limit.hsl", users={"newsletter": "secret"})
        session.send("AUTH PLAIN " + base64.b64encode(b"\0newsletter\0secret").decode())
        for _ in range(150):
            self.assertEqual(session.send("MAIL FROM:<jo@example.org>")[0][:3], "250")
            session.send("RSET")

    def greylisted(self, address, *recipients, beside=None):
        """The codes for recipients of a client at an address."""
        if beside is None:
            session = self.session("rcptto/greylisting.hsl", client=(address, 50000))
        else:
            session = Session(beside=beside)
            session.connection.peer_ip = address
            session.send("EHLO client.example.org")
        session.send("MAIL FROM:<jo@example.org>")
        said = [session.send(f"RCPT TO:<{each}>")[0][:3] for each in recipients]
        return said, session

    def test_greylisting_networks(self):
        """Another machine of the same network is the same client; one of another is not."""
        for first, same, other in (
            ("192.0.2.7", "192.0.2.99", "192.0.3.7"),
            ("2001:db8::1", "2001:db8::ffff:2", "2001:db8:0:1::1"),
        ):
            said, session = self.greylisted(first, "al@example.com")
            self.assertEqual(said, ["451"])
            session.clock.advance(61)
            said, _ = self.greylisted(other, "al@example.com", beside=session)
            self.assertEqual(said, ["451"], other)
            said, _ = self.greylisted(same, "al@example.com", beside=session)
            self.assertEqual(said, ["250"], same)
            self.assertEqual(session.errors, [])

    def test_greylisting_exceptions(self):
        """Friends, and those who must be reached at once."""
        said, _ = self.greylisted("10.1.2.3", "al@example.com")
        self.assertEqual(said, ["250"])
        said, _ = self.greylisted("2001:db8:1::1", "al@example.com")
        self.assertEqual(said, ["250"])
        said, _ = self.greylisted("192.0.2.7", "Postmaster", "abuse@Example.com", "al@example.com")
        self.assertEqual(said, ["250", "250", "451"])

    def test_greylisting_patience(self):
        """Who comes again after days is new; who was let in once is known."""
        said, session = self.greylisted("192.0.2.7", "al@example.com")
        session.leave()
        session.clock.advance(25 * 3600)
        said, again = self.greylisted("192.0.2.7", "al@example.com", beside=session)
        self.assertEqual(said, ["451"])
        again.leave()
        session.clock.advance(61)
        said, again = self.greylisted("192.0.2.7", "al@example.com", beside=session)
        self.assertEqual(said, ["250"])
        again.leave()
        session.clock.advance(30 * 24 * 3600)
        said, _ = self.greylisted("192.0.2.7", "al@example.com", beside=session)
        self.assertEqual(said, ["250"])

    def dnsbl(self, address, records):
        session = Session(
            hooks={"connect": text_of(EXAMPLES / "connect/dnsbl.hsl")},
            records=records,
            client=(address, 50000),
        )
        self.assertEqual(session.errors, [])
        return session.replies(), session.echoed

    def test_dnsbl_ipv6(self):
        """An IPv6 address is asked about nibble by nibble, on each list."""
        name = "1." + "0." * 23 + "8.b.d.0.1.0.0.2."
        for number, domain in enumerate(("bl.example.net", "more.example.net")):
            said, _ = self.dnsbl("2001:db8::1", {(name + domain, "A"): ("127.0.0.2",)})
            self.assertEqual(said, [f"554 2001:db8::1 is on the list {domain}"], number)

    def test_dnsbl_trouble(self):
        """A list that fails, asks not to be asked, or says nonsense lets everybody in."""
        name = "7.2.0.192.bl.example.net"
        for answer, logged in (
            (Answer(error="SERVFAIL"), ["bl.example.net did not answer about 192.0.2.7: SERVFAIL"]),
            (Answer(error="TRY_AGAIN"),
             ["bl.example.net did not answer about 192.0.2.7: TRY_AGAIN"]),
            (("127.255.255.254",), ["bl.example.net does not want to be asked: 127.255.255.254"]),
            (("203.0.113.80",), []),
            (Answer(error="NO_DATA"), []),
        ):  # fmt: skip
            said, echoed = self.dnsbl("192.0.2.7", {(name, "A"): answer})
            self.assertEqual((said, echoed), ([f"220 {HOSTNAME} ESMTP"], logged))

    def test_dnsbl_at_home(self):
        """Clients on this machine are not asked about."""
        session = self.session(
            "connect/dnsbl.hsl", client=("127.0.0.1", 50000),
            records={("1.0.0.127.bl.example.net", "A"): ("127.0.0.2",)},
        )  # fmt: skip
        self.assertFalse(session.closed)
        self.assertEqual(session.environment.resolver.asked, [])
