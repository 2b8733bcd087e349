"""connect, helo and disconnect: the beginning and the end of a session."""

from ipaddress import ip_network

from smtpgate.smtp.server import Listener
from tests.support.phases import EHLO, PhaseTestCase
from tests.support.session import HOSTNAME, Session


class ConnectTests(PhaseTestCase):
    """connect."""

    def test_banner(self):
        """The banner is the script's."""
        _, said = self.last("connect", 'Accept(["reason" => "mx.example.com ESMTP here"]);')
        self.assertEqual(said, ["220 mx.example.com ESMTP here"])

    def test_address(self):
        """The address and its name are written back, by their old and their new names."""
        for ip, ptr in (("senderip", "senderptr"), ("remoteip", "remoteptr")):
            session, _ = self.last(
                "connect",
                f'Accept(["{ip}" => "2001:DB8::1", "{ptr}" => "mail.example.org"]);',
            )
            self.assertEqual(session.connection.peer_ip, "2001:db8::1")
            self.assertEqual(session.connection.peer_ptr, "mail.example.org")

    def test_no_address(self):
        """What is no address is an error of the script."""
        session, _ = self.last("connect", 'Accept(["senderip" => "there"]);')
        self.assert_error(session, 'Accept() option "senderip" must be an IP address')
        session, _ = self.last("connect", 'Accept(["senderptr" => "a b\\r\\nX: y"]);')
        self.assert_error(session, 'Accept() option "senderptr" must be a host name')

    def test_proxy(self):
        """Behind a PROXY header the proxy's own address is known as well; else it is not there."""
        networks = (ip_network("192.0.2.0/24"),)
        session = self.session("connect", 'echo $arguments["proxyip"] ?? "none";')
        self.assertEqual(session.echoed, ["none"])
        session.factory.listener = Listener(proxies=networks)
        other = Session(beside=session)
        other.send_octets(b"PROXY TCP4 198.51.100.7 10.0.0.1 5000 25\r\n")
        self.assertEqual(session.echoed, ["none", "192.0.2.7"])

    def test_xclient(self):
        """Who has assumed another address is asked about again."""
        session = self.session(
            "connect",
            'if ($senderip == "192.0.2.66") Reject("Listed");',
            client=("127.0.0.1", 50000),
            xclient=(ip_network("127.0.0.0/8"),),
        )
        session.replies()
        self.assertEqual(session.send("XCLIENT ADDR=192.0.2.66"), ["521 Listed"])
        self.assertTrue(session.closed)


class HeloTests(PhaseTestCase):
    """helo."""

    def test_name(self):
        """The name is written back."""
        session, _ = self.last("helo", 'Accept(["senderhelo" => "known.example"]);')
        self.assertEqual(session.connection.helo, "known.example")

    def test_bad_name(self):
        """A name that could not have been sent can not be set."""
        session, _ = self.last("helo", 'Accept(["host" => "a b"]);')
        self.assert_error(session, 'Accept() option "senderhelo" must be a host name')

    def test_former_name(self):
        """A name that was refused does not replace the one before it."""
        session = self.session("helo", 'if ($senderhelo != "good.example") Reject();')
        session.send("EHLO good.example", "EHLO bad.example")
        self.assertEqual(session.connection.helo, "good.example")

    def test_reason(self):
        """The first line is the script's; keywords follow."""
        _, said = self.last("helo", 'Accept(["reason" => "Hello $senderhelo"]);')
        self.assertEqual(said[0], "250-Hello client.example.org")
        self.assertIn("250-PIPELINING", said)

    def test_extensions(self):
        """What is announced is the script's choice, from what the server offers."""
        _, said = self.last(
            "helo",
            'Accept(["extensions" => array_filter(function ($x) { return $x != "CHUNKING"; }, '
            "GetExtensions())]);",
        )
        plain = Session()
        plain.replies()
        expected = [line for line in plain.send(EHLO) if "CHUNKING" not in line]
        self.assertEqual(said, expected)
        _, said = self.last("helo", 'Accept(["extensions" => []]);')
        self.assertEqual(said, [f"250 {HOSTNAME}"])

    def test_bad_extensions(self):
        """An announcement that would break the reply is an error."""
        for keyword in ("A\\r\\nB", "", "two  blanks"):
            session, said = self.last("helo", f'Accept(["extensions" => ["{keyword}"]]);')
            self.assertEqual(said, ["450 Temporary local problem, try again later"])
            self.assert_error(
                session,
                'Accept() option "extensions" must hold keywords, each with its parameters behind '
                "single spaces",
            )
        session, _ = self.last("helo", 'Accept(["extensions" => [1]]);')
        self.assert_error(session, 'Accept() option "extensions" must hold strings, number given')

    def test_type(self):
        """HELO and EHLO are told apart."""
        session = self.session("helo", "echo $senderhelotype;")
        session.send("HELO a.example", "EHLO a.example")
        self.assertEqual(session.echoed, ["HELO", "EHLO"])

    def test_tls(self):
        """GetTLS says what the handshake agreed on, and that there was none."""
        session = self.session("helo", "echo json_encode(GetTLS());", tls=object())
        session.send(EHLO, "STARTTLS")
        session.shake_hands()
        session.send(EHLO)
        self.assertEqual(session.echoed[0], '{"started":false}')
        self.assertEqual(
            session.echoed[1],
            '{"started":true,"protocol":"TLSv1.3","ciphers":"TLS_AES_256_GCM_SHA384",'
            '"cipher":"TLS_AES_256_GCM_SHA384","keysize":256}',
        )


class DisconnectTests(PhaseTestCase):
    """disconnect."""

    def test_runs_once(self):
        """However the session ends, with all that was known."""
        for line in ("QUIT", None):
            session = self.session(
                "disconnect", 'echo "$senderip $senderhelo "; echo count($arguments);'
            )
            session.send(EHLO)
            if line is not None:
                session.send(line)
            session.leave()
            self.assertEqual(session.echoed, ["192.0.2.7 client.example.org ", "0"])

    def test_goes_on(self):
        """It may wait though nobody is there; its errors are reported."""
        session = self.session("disconnect", 'sleep(2); echo "done"; $x = $nothing;')
        session.leave()
        self.assertEqual(session.echoed, [])
        session.clock.advance(2)
        self.assertEqual(session.echoed, ["done"])
        self.assertEqual(len(session.errors), 1)
