"""DKIM signatures of messages that scripts make (RFC 6376, and RFC 8463 for Ed25519)."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library import signing
from smtpgate.hsl.limits.turns import LONG, pause, pieces
from smtpgate.hsl.values import literal

#: RFC 6376 5.4.1.
RECOMMENDED = (
    "from", "reply-to", "subject", "date", "to", "cc",
    "resent-date", "resent-from", "resent-to", "resent-cc", "in-reply-to", "references",
    "list-id", "list-help", "list-unsubscribe", "list-subscribe", "list-post", "list-owner",
    "list-archive",
)  # fmt: skip

ALGORITHMS = ("rsa-sha1", "rsa-sha256", "ed25519-sha256")

_LABELS = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")
_NAME = re.compile(r"[!-9<-~]{1,76}")  # also without the semicolon, which ends h=
_WIDTH = 76
#: Octets of a body that are digested before others have their turn.
_PART = 1024 * 1024
# What may go on in the next part of a body: white space, and half a line end behind it.
_OPEN_END = re.compile(rb" ?\r?\Z")


@dataclass(frozen=True, slots=True)
class Signer:
    """What to sign with, and how."""

    selector: str
    domain: str
    key: Any
    algorithm: str
    relaxed_header: bool
    relaxed_body: bool
    headers: tuple[str, ...]
    oversign: tuple[str, ...]


def load_key(key: str, algorithm: str) -> Any:
    """The private key for an algorithm: PEM text, or the 32 octets of an Ed25519 key.

    :raises Fault: if it is not one
    """
    octets = key.encode("latin-1")
    try:
        if algorithm == "ed25519-sha256" and len(octets) == 32:
            return ed25519.Ed25519PrivateKey.from_private_bytes(octets)
        found = signing.PRIVATE_PEM.search(octets)
        loaded = signing.load_private_key(found[0] + b"\n" if found else b"", True)
    except ValueError:
        raise Fault("signDKIM(): the private key cannot be read") from None
    wanted = ed25519.Ed25519PrivateKey if algorithm == "ed25519-sha256" else rsa.RSAPrivateKey
    if not isinstance(loaded, wanted):
        raise Fault(f"signDKIM(): the private key is not one for {algorithm}")
    return loaded


def check_names(selector: str, domain: str, headers: tuple[str, ...]) -> None:
    """Refuse what cannot stand in a signature.

    :raises Fault: for a selector, domain or header name that is none, and where
        From is not signed (RFC 6376 5.4)
    """
    for what, value in (("selector", selector), ("domain", domain)):
        if _LABELS.fullmatch(value) is None or ".." in value:
            raise Fault(f'signDKIM() parameter "{what}" is no domain name: {literal(value[:80])}')
    for header in headers:
        if _NAME.fullmatch(header) is None:
            raise Fault(f"signDKIM(): {literal(header[:80])} is no header name")
    if "from" not in headers:
        raise Fault("signDKIM(): the From header must be signed")


def signature(signer: Signer, message: str, now: float) -> str:
    """The DKIM-Signature field of a message, without the last line end.

    :param message: the whole message with CRLF line ends
    :param now: seconds since 1970
    :raises Fault: if the message has no From field
    """
    head, _, body = message.encode("latin-1").partition(b"\r\n\r\n")
    fields = _fields(head)
    signed = _signed(signer, [name for name, _ in fields])
    digest = hashlib.sha1 if signer.algorithm == "rsa-sha1" else hashlib.sha256
    hashed = digest()
    for piece in pieces(_body(body, signer.relaxed_body), _PART):
        hashed.update(piece)
    body_hash = hashed.digest()
    modes = ("simple", "relaxed")
    unsigned = "".join(
        (
            f"DKIM-Signature: v=1; a={signer.algorithm};",
            f" c={modes[signer.relaxed_header]}/{modes[signer.relaxed_body]};",
            f"\r\n\td={signer.domain};\r\n\ts={signer.selector}; t={int(now)};",
            f"\r\n\th={_fold_names(signed)};",
            f"\r\n\tbh={base64.b64encode(body_hash).decode()};\r\n\tb=",
        )
    )
    data = b""
    for name in signed:
        # RFC 6376 5.4.2: the last field of a name first.
        for at in range(len(fields) - 1, -1, -1):
            if fields[at][0] == name:
                data += _header(fields.pop(at)[1], signer.relaxed_header) + b"\r\n"
                break
    data += _header(unsigned.encode("latin-1"), signer.relaxed_header)
    octets = base64.b64encode(_sign(signer, data)).decode()
    lines = [octets[at : at + 72] for at in range(0, len(octets), 72)]
    return unsigned + "\r\n\t ".join(lines)


def _fields(head: bytes) -> list[tuple[str, bytes]]:
    """The fields' names in lower case, and the fields without the last line end."""
    found: list[tuple[str, bytes]] = []
    for field in re.split(rb"\r\n(?![ \t])", head.removesuffix(b"\r\n")):
        name = field.partition(b":")[0].strip(b" \t").decode("latin-1")
        found.append((name.lower(), field))
    return found


def _signed(signer: Signer, present: list[str]) -> list[str]:
    """The names for ``h=``: each as often as it is there, once more where oversigned."""
    counts = Counter(present)
    if not counts["from"]:
        raise Fault("signDKIM(): the message has no From header")
    names: list[str] = []
    for name in signer.headers:
        names += [name] * (counts[name] + (name in signer.oversign))
    return names


def _fold_names(names: list[str]) -> str:
    text = ""
    width = 4
    for number, name in enumerate(names):
        if number:
            text += ":"
        if number and width + len(name) > _WIDTH:
            text += "\r\n\t "
            width = 4
        text += name
        width += len(name) + 1
    return text


def _header(field: bytes, relaxed: bool) -> bytes:
    """RFC 6376 3.4.1 and 3.4.2, without the line end."""
    if not relaxed:
        return field
    name, _, value = field.partition(b":")
    value = re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip(b" ")
    return name.strip(b" \t").lower() + b":" + value


def _body(body: bytes, relaxed: bool) -> bytes:
    """RFC 6376 3.4.3 and 3.4.4; on the wire the last line has its end."""
    body = body.removesuffix(b"\r\n") + b"\r\n"
    if relaxed:
        body = _single_spaces(body)
    end = len(body)
    for empty in (b"\r\n" * 1024, b"\r\n"):
        while body.endswith(empty, 0, end):
            end -= len(empty)
    body = body[:end]
    return body + b"\r\n" if body or not relaxed else b""


def _single_spaces(body: bytes) -> bytes:
    """One space for white space within lines, none at their ends; with turns for others."""
    parts: list[bytes] = []
    kept = b""
    begin = 0
    while begin < len(body):
        end = begin + LONG
        part = re.sub(rb"[ \t]+", b" ", kept + body[begin:end]).replace(b" \r\n", b"\r\n")
        # What these may belong to comes with the next part.
        kept = b""
        if end < len(body):
            found = _OPEN_END.search(part)
            assert found is not None
            kept = found[0]
            part = part[: found.start()]
            pause()
        parts.append(part)
        begin = end
    return b"".join(parts)


def _sign(signer: Signer, data: bytes) -> bytes:
    made: bytes
    if signer.algorithm == "ed25519-sha256":
        made = signer.key.sign(hashlib.sha256(data).digest())  # RFC 8463 3
    else:
        digest = hashes.SHA1() if signer.algorithm == "rsa-sha1" else hashes.SHA256()
        made = signer.key.sign(data, padding.PKCS1v15(), digest)
    return made
