"""What a script is told about TLS: GetTLS, and the certificate of later manuals."""

import hashlib
import ssl

from cryptography import x509
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.hooks.telling import get_tls
from smtpgate.hsl.values import Map
from smtpgate.smtp.session import Connection, TLSInfo
from tests.support.certificates import issued
from tests.support.session import Session


class TLSTests(SynchronousTestCase):
    """GetTLS with a client's certificate."""

    def ask(self, **options):
        pair = issued("client.example.org", "jo@example.org")
        encoded = ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
        connection = Connection("inbound")
        connection.tls = TLSInfo(
            "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, peer_certificate=encoded, verify_result=18
        )
        execution = Execution(connection)
        found = get_tls.code(execution, Map(options)) if options else get_tls.code(execution)
        return encoded, found

    def test_certificate(self):
        """Who it names, how long, and what is wrong with it."""
        _, found = self.ask()
        self.assertEqual(found["peer_cert_error"], 18)
        certificate = found["peer_cert"]
        self.assertEqual(certificate["subject"], {"CN": "client.example.org"})
        self.assertEqual(certificate["version"], 3)
        self.assertRegex(certificate["serial_number"], "^[0-9A-F]+$")
        self.assertLess(certificate["not_valid_before"], certificate["not_valid_after"])
        self.assertNotIn("fingerprint", certificate)

    def test_fingerprint(self):
        """The hash that was asked for."""
        encoded, found = self.ask(fingerprint="sha256")
        self.assertEqual(found["peer_cert"]["fingerprint"], hashlib.sha256(encoded).hexdigest())


class PeerCertificateTests(SynchronousTestCase):
    """``$connection["tls"]["peercert"]``, and X509 that reads it."""

    def ask(self, source, encoded=None):
        """What a script at MAIL says of a client with a certificate, or of one without."""
        session = Session(hooks={"mailfrom": source})
        session.send("EHLO client.example.org")
        if encoded is None:
            pair = issued("client.example.org", "jo@example.org")
            encoded = ssl.PEM_cert_to_DER_cert(pair.certificate.decode())
        session.connection.tls = TLSInfo(
            "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, peer_certificate=encoded, verify_result=18
        )
        session.send("MAIL FROM:<jo@example.org>")
        return encoded, session

    def test_read(self):
        """Who it names, how long it is good, and what is wrong with it."""
        encoded, session = self.ask("""
            $peer = $connection["tls"]["peercert"];
            $c = X509($peer["x509"]);
            echo $peer["error"];
            echo json_encode($c->subject());
            echo json_encode($c->issuer());
            echo json_encode($c->subject_alt_name());
            echo $c->version();
            echo $c->serial_number();
            echo $c->not_valid_before() < $c->not_valid_after();
            echo sha2($c->export(), 256);
            echo $c->export(["pem" => true]);
            echo sha2($c->public_key(), 256) == sha2($c->export(), 256);
            echo $c->public_key(["pem" => true])[0:26];
        """)
        self.assertEqual(session.errors, [])
        certificate = x509.load_der_x509_certificate(encoded)
        said = session.echoed
        self.assertEqual(said[:2], ["18", '[["CN","client.example.org"]]'])
        self.assertRegex(said[2], r'^\[\["CN",".+"\]\]$')
        self.assertRegex(said[3], r"^\[.*\]$")
        self.assertEqual(said[4], "3")
        self.assertEqual(int(said[5], 16), certificate.serial_number)
        self.assertEqual(said[6], "1")
        self.assertEqual(said[7], hashlib.sha256(encoded).hexdigest())
        self.assertEqual(ssl.PEM_cert_to_DER_cert(said[8]), encoded)
        self.assertEqual(said[9:], ["0", "-----BEGIN PUBLIC KEY-----"])

    def test_unreadable(self):
        """A certificate that is none, and a value that is none either."""
        _, session = self.ask('X509($connection["tls"]["peercert"]["x509"]);', b"nothing")
        self.assertEqual(session.errors[0].message, "X509(): the certificate cannot be read")
        _, session = self.ask('X509("x");')
        self.assertEqual(
            session.errors[0].message,
            'X509() parameter "x509resource" must be a X509Resource, string given',
        )

    def test_nothing_else(self):
        """The certificate itself has nothing that a script can use."""
        _, session = self.ask('echo is_object($connection["tls"]["peercert"]["x509"]);')
        self.assertEqual(session.echoed, ["1"])

    def test_none(self):
        """A client that has shown none."""
        session = Session(
            hooks={"helo": 'echo isset($connection["tls"]["peercert"]);'}, tls=object()
        )
        session.send("EHLO client.example.org", "STARTTLS")
        session.shake_hands()
        session.send("EHLO client.example.org")
        self.assertEqual(session.echoed, ["0", "0"])


class Execution:
    """As much of one as GetTLS looks at."""

    def __init__(self, connection):
        self.variables = self
        self.connection = connection
