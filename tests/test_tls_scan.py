"""testssl.sh against the running gateway, with STARTTLS and with implicit TLS.

A whole scan takes three quarters of a minute; both ports are scanned at the same time.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import mkdtemp

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID
from twisted.trial.unittest import SynchronousTestCase

from tests.support.process import SMTPGATE, GatewayProcess, free_ports

CONFIG = """\
hostname = "gw.test"
[certificates.default]
certificate = "cert.pem"
private_key = "key.pem"
[transports.local]
type = "discard"
[[servers]]
id = "in"
transport = "local"
certificate = "default"
listeners = [
  {{ endpoint = "tcp:{starttls}:interface=127.0.0.1" }},
  {{ endpoint = "tcp:{implicit}:interface=127.0.0.1", tls = "implicit" }},
]
"""
TESTSSL = shutil.which("testssl") or shutil.which("testssl.sh")
#: Findings below what matters: how the scan went, what is good, and what is only told.
FINE = ("DEBUG", "INFO", "OK")
#: What the scan may fail to find out: whether a ticket resumes a session.  Its client leaves when
#: the handshake is over, and where it is quicker than the server's ticket it has none to come
#: back with.
CHANCE = {"sessionresumption_ticket", "sessionresumption_ID"}
#: What a scan that was complete has looked at.
ESSENTIAL = {
    "SSLv2", "SSLv3", "TLS1", "TLS1_1", "TLS1_2", "TLS1_3", "cipherlist_NULL", "cipherlist_aNULL",
    "cipherlist_EXPORT", "cipherlist_LOW", "cipherlist_3DES_IDEA", "PFS", "cipher_order",
    "cert_keySize", "cert_signatureAlgorithm", "cert_trust", "cert_chain_of_trust",
    "cert_expirationStatus", "heartbleed", "CCS", "ROBOT", "secure_renego", "secure_client_renego",
    "CRIME_TLS", "POODLE_SSL", "SWEET32", "FREAK", "DROWN", "LOGJAM", "BEAST", "LUCKY13", "RC4",
}  # fmt: skip


def make_certificate(directory: Path) -> None:
    """A certificate as a good authority makes them (ca.pem, cert.pem, key.pem).

    It names a list of revoked certificates, which the scan has no need to fetch.
    """
    now = datetime.now(UTC)
    issuer = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test CA")])
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "gw.test")])
    issuer_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))

    def begin(name: x509.Name, owner: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(issuer)
            .public_key(owner.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=80))
        )

    def usage(*names: str) -> x509.KeyUsage:
        every = (
            "digital_signature", "content_commitment", "key_encipherment", "data_encipherment",
            "key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
        )  # fmt: skip
        return x509.KeyUsage(**{name: name in names for name in every})

    authority = (
        begin(issuer, issuer_key)
        .add_extension(x509.BasicConstraints(True, None), critical=True)
        .add_extension(usage("key_cert_sign", "crl_sign"), critical=True)
        .sign(issuer_key, hashes.SHA256())
    )
    revoked = x509.UniformResourceIdentifier("http://127.0.0.1/ca.crl")
    certificate = (
        begin(subject, key)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("gw.test")]), critical=False)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(
            x509.CRLDistributionPoints([x509.DistributionPoint([revoked], None, None, None)]),
            critical=False,
        )
        .sign(issuer_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(authority.public_bytes(pem))
    (directory / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (directory / "key.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


class ScanTests(SynchronousTestCase):
    """Nothing at severity LOW or above."""

    if TESTSSL is None:
        skip = "testssl.sh is not installed"

    def scan(self, port: int, *options: str) -> subprocess.Popen[str]:
        """Scan a port; neither DNS nor anything else outside the loopback is asked."""
        assert TESTSSL is not None
        return subprocess.Popen(
            [TESTSSL, "--quiet", "--color", "0", "--warnings", "off", "--nodns", "none",
             "--ip", "127.0.0.1", "--add-ca", "ca.pem", "--openssl-timeout", "30",
             "--jsonfile", f"{port}.json", *options, f"gw.test:{port}"],
            cwd=self.directory, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, env={**os.environ, "TERM": "dumb"},
        )  # fmt: skip

    def test_scan(self) -> None:
        """Protocols, ciphers, certificate, known vulnerabilities, on both kinds of port."""
        self.directory = Path(mkdtemp(prefix="smtpgate"))
        self.addCleanup(shutil.rmtree, self.directory)
        make_certificate(self.directory)
        starttls, implicit = free_ports(2)
        (self.directory / "smtpgate.toml").write_text(
            CONFIG.format(starttls=starttls, implicit=implicit)
        )
        command = [*SMTPGATE, "start", "--config", "smtpgate.toml"]
        gateway = GatewayProcess(command, self.directory)
        self.addCleanup(gateway.stop)
        gateway.wait_for("server in is up")
        scans = {
            "STARTTLS": (starttls, self.scan(starttls, "--starttls", "smtp")),
            "implicit": (implicit, self.scan(implicit)),
        }
        for scan in scans.values():
            self.addCleanup(scan[1].kill)
        for name, (port, process) in scans.items():
            output, _ = process.communicate(timeout=400)
            findings = json.loads((self.directory / f"{port}.json").read_text())
            missing = ESSENTIAL - {finding["id"] for finding in findings}
            self.assertEqual(set(), missing, f"{name}: the scan was not complete:\n{output}")
            bad = [
                f"{name}: {finding['id']} {finding['severity']}: {finding['finding']}"
                for finding in findings
                if finding["severity"] not in FINE
                and not (finding["severity"] == "WARN" and finding["id"] in CHANCE)
            ]
            self.assertEqual([], bad)
        self.assertNotIn("Traceback", gateway.log)
