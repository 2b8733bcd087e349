"""TLS of the servers, by handshakes in memory."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from cryptography import x509
from OpenSSL import SSL, crypto
from twisted.trial.unittest import SynchronousTestCase

from smtpgate.smtp.connection.tlsinfo import tls_info
from smtpgate.tls import (
    CertificateProblem,
    Credential,
    ServerTLS,
    load_credential,
    self_signed,
)
from tests.support.certificates import Pair, authority, issued


def handshake(tls: ServerTLS, client: SSL.Connection) -> Any:
    """The server's side of a finished handshake; the client is finished too."""
    protocol: Any = None
    server = tls.serverConnectionForTLS(protocol)
    server.set_accept_state()
    client.set_connect_state()
    for _ in range(6):
        for one, other in ((client, server), (server, client)):
            try:
                one.do_handshake()
            except SSL.WantReadError:
                pass
            try:
                other.bio_write(one.bio_read(65536))
            except SSL.WantReadError:
                pass
    for end in (client, server):
        try:
            end.recv(1)
        except SSL.WantReadError:
            pass
    return server


def client(host: bytes = b"", pair: Pair | None = None, version: int = 0) -> SSL.Connection:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    if version:
        context.set_min_proto_version(version)
        context.set_max_proto_version(version)
        context.set_cipher_list(b"ALL:@SECLEVEL=0")
    if pair is not None:
        context.use_certificate(crypto.load_certificate(crypto.FILETYPE_PEM, pair.certificate))
        context.use_privatekey(crypto.load_privatekey(crypto.FILETYPE_PEM, pair.key))
    connection = SSL.Connection(context, None)
    if host:
        connection.set_tlsext_host_name(host)
    return connection


class TLSTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.directory = Path(self.mktemp())

    def credential(self, host: str, client_ca: Path | None = None) -> Credential:
        certificate, key, _ = self_signed(self.directory, host.replace("*", "any"), host)
        return load_credential(host, certificate, key, client_ca)

    def served(self, tls: ServerTLS, host: bytes) -> str:
        """Whose certificate a client gets that asks for a host."""
        connection = client(host)
        handshake(tls, connection)
        certificate = connection.get_peer_certificate()
        assert certificate is not None
        name = certificate.to_cryptography().subject.get_attributes_for_oid(
            x509.NameOID.COMMON_NAME
        )
        return str(name[0].value)


class HandshakeTests(TLSTestCase):
    def test_server_name(self) -> None:
        """The name that is asked for chooses; the first is for all others."""
        tls = ServerTLS([self.credential(name) for name in ("a.test", "b.test", "*.c.test")])
        for asked, served in (
            (b"", "a.test"),
            (b"a.test", "a.test"),
            (b"B.Test", "b.test"),
            (b"x.c.test", "*.c.test"),
            (b"x.y.c.test", "a.test"),
            (b"c.test", "a.test"),
            (b"elsewhere.test", "a.test"),
        ):
            self.assertEqual(served, self.served(tls, asked), asked)

    def test_servers_share_certificates(self) -> None:
        """Two servers with the same default have each their own other names."""
        default, first, second = (self.credential(name) for name in ("a.test", "b.test", "c.test"))
        one, two = ServerTLS([default, first]), ServerTLS([default, second])
        self.assertEqual("b.test", self.served(one, b"b.test"))
        self.assertEqual("a.test", self.served(one, b"c.test"))
        self.assertEqual("c.test", self.served(two, b"c.test"))

    def test_versions(self) -> None:
        """TLS 1.2 and 1.3 are spoken, 1.1 is not."""
        tls = ServerTLS([self.credential("a.test")])
        for version, name in ((SSL.TLS1_2_VERSION, "TLSv1.2"), (SSL.TLS1_3_VERSION, "TLSv1.3")):
            server = handshake(tls, client(version=version))
            self.assertEqual(name, server.get_protocol_version_name())
        self.assertRaises(SSL.Error, handshake, tls, client(version=SSL.TLS1_1_VERSION))

    def test_forward_secrecy(self) -> None:
        """With TLS 1.2 a client without ECDHE and AEAD is not served."""
        tls = ServerTLS([self.credential("a.test")])
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
        context.set_cipher_list(b"ECDHE-ECDSA-AES256-SHA")
        self.assertRaises(SSL.Error, handshake, tls, SSL.Connection(context, None))

    def test_alpn(self) -> None:
        """Who says that it speaks SMTP is served, who says that it is a browser is not."""
        tls = ServerTLS([self.credential("a.test")])
        connection = client()
        connection.set_alpn_protos([b"http/1.1", b"smtp"])
        handshake(tls, connection)
        self.assertEqual(b"smtp", connection.get_alpn_proto_negotiated())
        browser = client()
        browser.set_alpn_protos([b"h2", b"http/1.1"])
        self.assertRaises(SSL.Error, handshake, tls, browser)

    def test_no_resumption(self) -> None:
        """A session is not resumed: each client does the whole handshake."""
        tls = ServerTLS([self.credential("a.test")])
        first = client()
        handshake(tls, first)
        session = first.get_session()
        second = SSL.Connection(first.get_context(), None)
        if session is not None:
            second.set_session(session)
        handshake(tls, second)
        self.assertNotEqual(first.server_random(), second.server_random())
        self.assertFalse(SSL._lib.SSL_session_reused(second._ssl))  # type: ignore[attr-defined]


class ClientCertificateTests(TLSTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.authority = Path(self.mktemp())
        self.authority.write_bytes(authority().certificate)

    def info(self, pair: Pair | None, host: bytes = b"") -> Any:
        tls = ServerTLS([self.credential("a.test", self.authority), self.credential("plain.test")])
        return tls_info(handshake(tls, client(host, pair)), starttls=True)

    def test_good(self) -> None:
        """A certificate of the authority is verified."""
        info = self.info(issued("jo", "jo@example.org"))
        self.assertEqual((True, 0), (info.peer_verified, info.verify_result))

    def test_none(self) -> None:
        """A client without one is served, and not verified."""
        info = self.info(None)
        self.assertEqual((None, False), (info.peer_certificate, info.peer_verified))

    def test_bad(self) -> None:
        """A client with somebody else's is served; what was wrong is known, not forgotten."""
        certificate, key, _ = self_signed(self.directory, "own", "jo.test")
        info = self.info(Pair(certificate.read_bytes(), key.read_bytes()))
        self.assertIsNotNone(info.peer_certificate)
        self.assertFalse(info.peer_verified)
        self.assertEqual(18, info.verify_result)  # X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT

    def test_name_without_authority(self) -> None:
        """A name whose certificate has no client_ca asks for no certificate."""
        info = self.info(issued("jo", "jo@example.org"), b"plain.test")
        self.assertEqual((None, False), (info.peer_certificate, info.peer_verified))


class FileTests(TLSTestCase):
    def test_self_signed(self) -> None:
        """Made once, for the host, and its key is for its owner only."""
        certificate, key, made = self_signed(self.directory, "default", "gw.test")
        self.assertTrue(made)
        self.assertEqual(0o600, stat.S_IMODE(key.stat().st_mode))
        before = certificate.read_bytes()
        self.assertEqual(
            (certificate, key, False), self_signed(self.directory, "default", "other.test")
        )
        self.assertEqual(before, certificate.read_bytes())
        parsed = x509.load_pem_x509_certificate(before)
        names = parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        self.assertEqual(["gw.test"], names.get_values_for_type(x509.DNSName))

    def test_half_made(self) -> None:
        """A key without its certificate, as a crash may leave it: both are made anew."""
        certificate, key, _ = self_signed(self.directory, "default", "gw.test")
        certificate.unlink()
        self.assertTrue(self_signed(self.directory, "default", "gw.test")[2])
        load_credential("default", certificate, key)

    def problem(self, certificate: Path, key: Path, ca: Path | None = None) -> tuple[str, str]:
        error = self.assertRaises(
            CertificateProblem, load_credential, "default", certificate, key, ca
        )
        return error.key, error.message.replace(f"{self.directory}/", "")

    def test_problems(self) -> None:
        """What is wrong with the files is said, and which key of the configuration it is about."""
        certificate, key, _ = self_signed(self.directory, "one", "one.test")
        _, other, _ = self_signed(self.directory, "two", "two.test")
        text = self.directory / "text"
        text.write_text("no PEM")
        self.assertEqual(
            (
                "private_key",
                "two.key.pem is not the key of one.cert.pem, expected the two to belong together",
            ),
            self.problem(certificate, other),
        )
        self.assertEqual(
            ("certificate", "text has no certificate, expected PEM"), self.problem(text, key)
        )
        self.assertEqual(
            ("private_key", "text has no private key, expected one as PEM"),
            self.problem(certificate, text),
        )
        self.assertEqual(
            ("client_ca", "text has no certificate, expected PEM"),
            self.problem(certificate, key, text),
        )
