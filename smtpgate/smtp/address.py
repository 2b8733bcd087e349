"""Mailboxes and the paths of MAIL and RCPT (RFC 5321 4.1.2, RFC 6531 3.3), read in linear time.

Text here is `str` with one character for each octet that was sent (latin-1). A UTF-8 address
therefore keeps its octets through comparison, scripts and output: `text.encode("latin-1")` gives
back exactly what was sent, and `text.encode("latin-1").decode("utf-8")` what a person reads.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv6Address
from typing import Final

from smtpgate.smtp.refusal import EnhancedCode, Refusal

LOCAL_PART_LIMIT: Final = 64
"""Octets of a local part, its quotes included (RFC 5321 4.5.3.1.1)."""

DOMAIN_LIMIT: Final = 255
"""Octets of a domain or an address literal (RFC 5321 4.5.3.1.2)."""

PATH_LIMIT: Final = 256
"""Octets of a path, its brackets included (RFC 5321 4.5.3.1.3)."""

LABEL_LIMIT: Final = 63
"""Octets of a domain's label, in its A-label form (RFC 1035 2.3.4)."""

BAD_SENDER: Final[EnhancedCode] = (5, 1, 7)
BAD_RECIPIENT: Final[EnhancedCode] = (5, 1, 3)
NOT_ASCII: Final[EnhancedCode] = (5, 6, 7)


class AddressError(Refusal):
    """An address that is refused: `code`, `enhanced` and `text` make the reply."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A mailbox as it was sent: `local` with its quotes, `domain` with a literal's brackets.

    `domain` is empty only for the bare `Postmaster` (RFC 5321 4.1.1.3). Two mailboxes are equal
    when they were sent alike; see `lower` and `unquoted` for other ways to compare.
    """

    local: str
    domain: str

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """`local@domain`, as sent."""
        return f"{self.local}@{self.domain}" if self.domain else self.local

    @property
    def lower(self) -> str:
        """The text with A to Z in lower case. Octets beyond ASCII stay as they are."""
        return self.text.encode("latin-1").lower().decode("latin-1")

    @property
    def unquoted(self) -> str:
        """The local part without the quotes and backslashes that carried it."""
        if not self.local.startswith('"'):
            return self.local
        return _QUOTED_PAIR.sub(r"\1", self.local[1:-1])

    @property
    def is_ascii(self) -> bool:
        """Whether the mailbox may be used without SMTPUTF8."""
        return self.local.isascii() and self.domain.isascii()


_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)

# Repetitions are possessive: a pattern walks over its octets once and never goes back.
_ASCII_ATEXT = rb"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_ATEXT = rb"\x80-\xff" + _ASCII_ATEXT
_ATOMS = re.compile(rb"[%b]++(?:\.[%b]++)*+" % (_ATEXT, _ATEXT))
_QUOTED = re.compile(rb'"(?:[ !#-\[\]-~\x80-\xff]++|\\[ -~])*+"')
_NAME = re.compile(rb"[A-Za-z0-9.\x80-\xff-]*+")
_LITERAL = re.compile(rb"\[([!-Z^-~]*+)\]")
# What nearly all paths look like: the same grammar in one expression, with every limit implied.
# Whatever it does not match is walked, to find what is wrong or what is rare.
_PLAIN = re.compile(
    rb" *+<(?=[^>]{3,254}>)"
    rb"((?=[^@]{1,%d}@)[%b]++(?:\.[%b]++)*+)@"
    rb"((?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,%d}[A-Za-z0-9])?(?:\.(?!>)|(?=>)))++)>"
    rb"((?: .*+)?)\Z" % (LOCAL_PART_LIMIT, _ASCII_ATEXT, _ASCII_ATEXT, LABEL_LIMIT - 2),
    re.DOTALL,
)
_TAG = re.compile(r"[A-Za-z0-9-]++(?<!-)")


def quote_local(text: str) -> str:
    """Write a local part so that it can be sent: as it is, or as a quoted string.

    Raises ValueError for control characters, which no local part can carry.
    """
    octets = text.encode("latin-1")
    if any(octet < 32 or octet == 127 for octet in octets):
        raise ValueError("a local part cannot hold control characters")
    if _ATOMS.fullmatch(octets):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parse_path(
    octets: bytes,
    *,
    allow_null: bool = False,
    allow_postmaster: bool = False,
    smtputf8: bool = True,
) -> tuple[Mailbox | None, bytes]:
    """Read what follows `MAIL FROM:` or `RCPT TO:`: the path, then the parameters.

    Gives the mailbox (None for the null path `<>`) and the octets of the parameters without the
    spaces around them. Spaces before the path are tolerated, missing brackets are not. A source
    route is read and left out.

    `allow_null` is for MAIL; without it errors are those of a recipient. `allow_postmaster` lets
    `<Postmaster>` do without a domain. Without `smtputf8` an address must be ASCII; a MAIL command
    says only after its path whether it is SMTPUTF8, so parse it with `smtputf8` and call
    `require_ascii` when the parameter is missing.

    Raises AddressError.
    """
    plain = _PLAIN.match(octets)
    if plain is not None:
        return Mailbox(plain[1].decode("ascii"), plain[2].decode("ascii")), plain[3].strip(b" ")
    return walk_path(octets, allow_null, allow_postmaster, smtputf8)


def walk_path(
    octets: bytes, allow_null: bool, allow_postmaster: bool, smtputf8: bool
) -> tuple[Mailbox | None, bytes]:
    """What :func:`parse_path` does with the paths that are rare or wrong; right for all."""
    return _PathParser(octets, BAD_SENDER if allow_null else BAD_RECIPIENT).path(
        allow_null, allow_postmaster, smtputf8
    )


def require_ascii(mailbox: Mailbox) -> None:
    """Refuse a mailbox that needs SMTPUTF8 in a transaction without it (RFC 6531 3.5)."""
    if not mailbox.is_ascii:
        raise AddressError(553, NOT_ASCII, "Non-ASCII addresses need the SMTPUTF8 parameter")


def parse_mailbox(octets: bytes) -> Mailbox:
    """Read `local@domain` without brackets, all of it. Raises AddressError (as a recipient's)."""
    parser = _PathParser(octets, BAD_RECIPIENT)
    mailbox = parser.mailbox(allow_postmaster=False)
    if parser.at != len(octets):
        raise parser.error("Nothing may follow the address")
    if len(octets) > PATH_LIMIT - 2:
        raise parser.error(f"The address is longer than {PATH_LIMIT - 2} octets")
    return mailbox


class _PathParser:
    """Walks over the octets of one path. `at` is the index of the next octet."""

    __slots__ = ("at", "enhanced", "octets")

    def __init__(self, octets: bytes, enhanced: EnhancedCode) -> None:
        self.octets = octets
        self.at = 0
        self.enhanced = enhanced

    def error(self, text: str, code: int = 501) -> AddressError:
        return AddressError(code, self.enhanced, text)

    def sees(self, octets: bytes) -> bool:
        return self.octets.startswith(octets, self.at)

    def path(
        self, allow_null: bool, allow_postmaster: bool, smtputf8: bool
    ) -> tuple[Mailbox | None, bytes]:
        self.at = len(self.octets) - len(self.octets.lstrip(b" "))
        start = self.at
        if not self.sees(b"<"):
            raise self.error("The address must be in angle brackets")
        self.at += 1
        mailbox = None
        if not self.sees(b">"):
            if self.sees(b"@"):
                self.route()
                allow_postmaster = False
            mailbox = self.mailbox(allow_postmaster)
            if not self.sees(b">"):
                raise self.error("The address must end with a closing angle bracket")
        elif not allow_null:
            raise self.error("The null address cannot be a recipient")
        self.at += 1
        if self.at - start > PATH_LIMIT:
            raise self.error(f"The path is longer than {PATH_LIMIT} octets")
        if self.at < len(self.octets) and not self.sees(b" "):
            raise AddressError(501, (5, 5, 4), "A space must separate the path and its parameters")
        if mailbox is not None and not smtputf8:
            require_ascii(mailbox)
        return mailbox, self.octets[self.at :].strip(b" ")

    def route(self) -> None:
        """Pass over a source route, `@host,@host:`: read, and ignored (RFC 5321 4.1.2)."""
        while True:
            if not self.sees(b"@"):
                raise self.error("The source route is not well-formed")
            self.at += 1
            self.domain(b",:")
            if self.at == len(self.octets):
                raise self.error("The source route is not well-formed")
            self.at += 1
            if self.octets[self.at - 1] == ord(":"):
                return

    def mailbox(self, allow_postmaster: bool) -> Mailbox:
        local = self.local()
        if not self.sees(b"@"):
            if allow_postmaster and self.sees(b">") and local.lower() == b"postmaster":
                return Mailbox(local.decode("latin-1"), "")
            if self.sees(b">") or self.at == len(self.octets):
                raise self.error("The address has no domain")
            raise self.error("The local part holds a character that is not allowed")
        self.at += 1
        domain = self.literal() if self.sees(b"[") else self.domain()
        return Mailbox(local.decode("latin-1"), domain.decode("latin-1"))

    def local(self) -> bytes:
        quoted = self.sees(b'"')
        match = (_QUOTED if quoted else _ATOMS).match(self.octets, self.at)
        if match is None and quoted:
            raise self.error("The quoted local part is not well-formed")
        if match is not None:
            self.at = match.end()
        if self.sees(b"."):
            raise self.error("The local part has a dot in the wrong place")
        if match is None:
            if self.sees(b"@"):
                raise self.error("The local part is empty")
            raise self.error("The local part holds a character that is not allowed")
        local = match[0]
        if len(local) > LOCAL_PART_LIMIT:
            raise self.error(f"The local part is longer than {LOCAL_PART_LIMIT} octets")
        if not local.isascii():
            self.unicode(local)
        return local

    def unicode(self, octets: bytes) -> str:
        """Decode UTF-8; C1 controls are controls too (RFC 6531 3.3, RFC 5198 section 2)."""
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError:
            raise self.error("The address is not valid UTF-8") from None
        if any("\x80" <= character <= "\x9f" for character in text):
            raise self.error("The address holds a control character")
        return text

    def domain(self, ends: bytes = b">") -> bytes:
        match = _NAME.match(self.octets, self.at)
        assert match is not None  # the pattern matches the empty string
        name = match[0]
        self.at = match.end()
        if not name:
            raise self.error("The domain is empty")
        if len(name) > DOMAIN_LIMIT:
            raise self.error(f"The domain is longer than {DOMAIN_LIMIT} octets")
        if name.isascii():
            text = name.decode("ascii")
        else:
            text = self.unicode(name)
        for label in text.split("."):
            self.label(label)
        if self.at < len(self.octets) and self.octets[self.at] not in ends:
            raise self.error("The domain holds a character that is not allowed")
        return name

    def label(self, label: str) -> None:
        if not label:
            raise self.error("The domain has an empty label")
        ascii_form = label
        if not label.isascii():
            ascii_form = "xn--" + label.encode("punycode").decode("ascii")
            if unicodedata.combining(label[0]) or not all(map(_is_label_character, label)):
                raise self.error("The domain holds a character that is not allowed")
        if len(ascii_form) > LABEL_LIMIT:
            raise self.error(f"A label of the domain is longer than {LABEL_LIMIT} octets")
        if label[0] == "-" or label[-1] == "-":
            raise self.error("A label of the domain begins or ends with a hyphen")

    def literal(self) -> bytes:
        match = _LITERAL.match(self.octets, self.at)
        if match is None:
            raise self.error("The address literal is not well-formed")
        self.at = match.end()
        if len(match[0]) > DOMAIN_LIMIT:
            raise self.error(f"The domain is longer than {DOMAIN_LIMIT} octets")
        if not _is_literal_content(match[1]):
            raise self.error("The address literal is not well-formed")
        return match[0]


def _is_literal_content(content: bytes) -> bool:
    """Whether an address literal may hold this between its brackets (RFC 5321 4.1.3)."""
    text = content.decode("ascii")
    tag, colon, value = text.partition(":")
    if not colon:
        return _is_address(IPv4Address, text)
    if tag.lower() == "ipv6":
        return _is_address(IPv6Address, value)
    # A general address literal. One that forgot its `IPv6:` tag is not meant.
    return bool(value and _TAG.fullmatch(tag)) and not _is_address(IPv6Address, text)


def _is_address(kind: type[IPv4Address] | type[IPv6Address], text: str) -> bool:
    try:
        kind(text)
    except AddressValueError:
        return False
    return "%" not in text  # a zone means nothing on another machine


# RFC 5892 A.3 to A.9: characters that labels may hold though they are no letter, mark or digit.
_CONTEXTUAL = frozenset("-\u00b7\u0375\u05f3\u05f4\u200c\u200d\u3007\u30fb")


def _is_label_character(character: str) -> bool:
    """Whether a U-label may hold the character; keeps out dots and spaces in disguise."""
    if character in _CONTEXTUAL:
        return True
    category = unicodedata.category(character)
    return category[0] in "LM" or category == "Nd"
