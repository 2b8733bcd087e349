"""DKIM signatures of messages that scripts build, by what another implementation verifies."""

from __future__ import annotations

import base64
import re
from typing import Any

import dkim as verifier
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from tests.support.library import Running, method, options
from tests.support.messages import FaultCase, make, octets_of, text_of

RSA = rsa.generate_private_key(65537, 2048)
PEM = RSA.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
).decode()
RSA_RECORD = b"v=DKIM1; k=rsa; p=" + base64.b64encode(
    RSA.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
)
# RFC 8463 A.2: the key of the examples.
ED25519 = base64.b64decode("nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=").decode("latin-1")
ED25519_RECORD = b"v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="


class DKIMTests(FaultCase):
    """signDKIM(), verified by dkimpy."""

    def setUp(self) -> None:
        self.running = Running()
        self.running.clock.advance(1_500_000_000)

    def message(self) -> Any:
        part = method(make(), "addHeader", "From", "Jo <jo@example.org>")
        method(part, "addHeader", "Subject", octets_of("Gr\u00fc\u00dfe  aus   K\u00f6ln " * 5))
        method(part, "addHeader", "To", "sam@example.com")
        method(part, "addHeader", "Content-Transfer-Encoding", "8bit")
        return method(part, "setBody", "Hello  World \n\n  x\t\n\n\n")

    def sign(self, part: Any, key: str = PEM, **given: Any) -> Any:
        return method(part, "signDKIM", "mail", "example.org", key, options(**given))

    def verify(self, octets: bytes, record: bytes = RSA_RECORD) -> bool:
        asked: list[bytes] = []

        def lookup(name: bytes, timeout: int = 5) -> bytes:
            asked.append(name)
            return record

        try:
            good = bool(verifier.DKIM(octets).verify(dnsfunc=lookup))
        except verifier.ValidationError:
            return False
        self.assertEqual(asked, [b"mail._domainkey.example.org."])
        return good

    def octets(self, part: Any) -> bytes:
        """The message as it is on the wire."""
        octets = text_of(part, self.running).encode("latin-1")
        return octets.removesuffix(b"\r\n") + b"\r\n"

    def test_canonicalizations(self) -> None:
        """Both forms of header and body, with RSA and Ed25519."""
        for header in ("simple", "relaxed"):
            for body in ("simple", "relaxed"):
                for algorithm, key, record in (
                    ("rsa-sha256", PEM, RSA_RECORD),
                    ("ed25519-sha256", ED25519, ED25519_RECORD),
                ):
                    part = self.sign(
                        self.message(),
                        key,
                        canonicalization_header=header,
                        canonicalization_body=body,
                        algorithm=algorithm,
                    )
                    octets = self.octets(part)
                    self.assertIn(f"a={algorithm}; c={header}/{body};".encode(), octets)
                    self.assertIs(self.verify(octets, record), True)
                    self.assertIs(self.verify(octets.replace(b"Hello", b"Hullo"), record), False)

    def test_bodies(self) -> None:
        """Empty bodies, and bodies of nothing but empty lines and spaces."""
        for body in ("", "\n", "\n\n\n", " ", " \n", "a", "a \n ", "\n\na\n\n"):
            for form in ("simple", "relaxed"):
                part = self.sign(
                    method(self.message(), "setBody", body), canonicalization_body=form
                )
                self.assertIs(self.verify(self.octets(part)), True, (body, form))

    def test_multipart(self) -> None:
        """A whole multipart, signed before its last headers are added."""
        part = method(make(), "setType", "multipart/mixed")
        self.sign(part)
        method(part, "addHeader", "From", "jo@example.org")
        method(part, "addHeader", "Subject", "late")
        method(part, "appendPart", method(make(), "setBody", "x"))
        octets = self.octets(part)
        self.assertIs(self.verify(octets), True)
        self.assertIs(self.verify(octets.replace(b"late", b"lazy")), False)

    def tags(self, octets: bytes) -> dict[str, str]:
        field = octets.decode("latin-1").split("\r\nFrom:")[0].partition(":")[2]
        return dict(tag.strip().split("=", 1) for tag in re.sub(r"\s", "", field).split(";"))

    def test_tags(self) -> None:
        """The header's lines, time and list of signed headers; From is oversigned."""
        octets = self.octets(self.sign(self.message()))
        tags = self.tags(octets)
        self.assertEqual(tags["v"], "1")
        self.assertEqual((tags["d"], tags["s"], tags["t"]), ("example.org", "mail", "1500000000"))
        self.assertEqual(tags["h"], "from:from:subject:to")
        self.assertTrue(all(len(line) <= 78 for line in octets.split(b"\r\n")[:12]))
        forged = b"From: evil@example.com\r\n" + octets
        self.assertIs(self.verify(forged), False)

    def test_body_hashes(self) -> None:
        """RFC 6376 3.4.3 and 3.4.4: hashes of the empty body; RFC 8463 A.3: of its example."""
        game = "Hi.\n\nWe lost the game.  Are you hungry yet?\n\nJoe.\n"
        for body, form, algorithm, expected in (
            ("", "simple", "rsa-sha1", "uoq1oCgLlTqpdDX/iUbLy7J1Wic="),
            ("", "simple", "rsa-sha256", "frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY="),
            ("", "relaxed", "rsa-sha1", "2jmj7l5rSw0yVb/vlWAYkK/YBwk="),
            ("", "relaxed", "rsa-sha256", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="),
            (game, "relaxed", "rsa-sha256", "2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8="),
        ):
            part = method(self.message(), "setBody", body)
            self.sign(part, canonicalization_body=form, algorithm=algorithm)
            self.assertEqual(self.tags(self.octets(part))["bh"], expected)

    def test_others_have_their_turn(self) -> None:
        """A loop that signs lets the reactor in after each one."""
        self.octets(self.message())
        self.assertEqual(self.running.turns, 0)
        self.running.slow_by(0.01)
        self.octets(self.sign(self.message()))
        self.assertEqual(self.running.turns, 1)

    def test_chosen_headers(self) -> None:
        """Headers of one's own choice, more of them, and oversigned ones that are not there."""
        part = method(self.message(), "addHeader", "X-A", "1")
        method(part, "addHeader", "x-a", "2")
        self.sign(
            part,
            headers=["From", "To"],
            additional_headers=["X-A"],
            oversign_headers=["cc", "To"],
        )
        octets = self.octets(part)
        self.assertEqual(self.tags(octets)["h"], "from:to:to:x-a:x-a:cc")
        self.assertIs(self.verify(octets), True)
        self.assertIs(self.verify(octets.replace(b"x-a: 2", b"x-a: 3")), False)
        self.assertIs(self.verify(octets.replace(b"\r\nTo:", b"\r\nCc: x@y\r\nTo:", 1)), False)

    def test_sha1(self) -> None:
        """rsa-sha1, which verifiers do not take any more (RFC 8301), by hand."""
        part = make()
        method(part, "addHeader", "From", "jo@example.org")
        self.sign(part, algorithm="rsa-sha1", headers=["from"], oversign_headers=[])
        text = self.octets(part).decode("latin-1")
        field = text[: text.index("\r\nFrom:")]
        unsigned = field[: field.index("\tb=") + 3]
        relaxed = "dkim-signature:" + re.sub(r"\s+", " ", unsigned.partition(":")[2]).strip()
        RSA.public_key().verify(
            base64.b64decode(field[len(unsigned) :].replace("\r\n\t ", "")),
            f"from:jo@example.org\r\n{relaxed}".encode(),
            padding.PKCS1v15(),
            hashes.SHA1(),
        )

    def test_two_signatures(self) -> None:
        """RFC 8463 3: a message with an RSA and an Ed25519 signature; each one verifies."""
        part = self.sign(self.sign(self.message()), ED25519, algorithm="ed25519-sha256")
        checker = verifier.DKIM(self.octets(part))
        for number, record in enumerate((RSA_RECORD, ED25519_RECORD)):
            self.assertIs(checker.verify(number, dnsfunc=lambda *_a, r=record, **_k: r), True)

    def test_key_in_pem(self) -> None:
        """An Ed25519 key as PEM text, and an RSA key as PKCS #8 with text and a key around it."""
        key = ed25519.Ed25519PrivateKey.from_private_bytes(ED25519.encode("latin-1"))
        pem = [
            found.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ).decode()
            for found in (key, RSA)
        ]
        part = self.sign(self.message(), pem[0], algorithm="ed25519-sha256")
        self.assertIs(self.verify(self.octets(part), ED25519_RECORD), True)
        part = self.sign(self.message(), "the keys:\n" + pem[1] + "\n" + pem[0])
        self.assertIs(self.verify(self.octets(part)), True)

    def test_faults(self) -> None:
        """Keys, names and headers that cannot be."""
        for arguments, message in (
            (("mail", "example.org", "no key"), "signDKIM(): the private key cannot be read"),
            (
                ("mail", "example.org", PEM, options(algorithm="ed25519-sha256")),
                "signDKIM(): the private key is not one for ed25519-sha256",
            ),
            (
                ("mail", "example.org", "pki:1"),
                'signDKIM(): keys named "pki:" are not available here; pass the key itself',
            ),
            (
                ("m;x", "example.org", PEM),
                'signDKIM() parameter "selector" is no domain name: "m;x"',
            ),
            (
                ("mail", "a\r\nb", PEM),
                'signDKIM() parameter "domain" is no domain name: "a\\r\\nb"',
            ),
            (("mail", "a..b", PEM), 'signDKIM() parameter "domain" is no domain name: "a..b"'),
            (
                ("mail", "example.org", PEM, options(headers=["to"], oversign_headers=[])),
                "signDKIM(): the From header must be signed",
            ),
            (
                ("mail", "example.org", PEM, options(additional_headers=["a;b"])),
                'signDKIM(): "a;b" is no header name',
            ),
            (
                ("mail", "example.org", PEM, options(headers=[1.0])),
                'signDKIM() option "headers" must hold strings, number given',
            ),
        ):
            self.assertEqual(self.fault(self.message(), "signDKIM", *arguments), message)
        self.assertEqual(
            self.fault(self.sign(make()), "toString", running=self.running),
            "signDKIM(): the message has no From header",
        )
