"""Replies: what the server answers to one command, and its form on the wire.

Every reply that the server gives by itself has a name here, so that its code,
enhanced status code (RFC 3463) and words are decided in one place.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from smtpgate.smtp.refusal import EnhancedCode, Refusal

_BLANKED = {ord("\r"): " ", ord("\0"): " "}


def octets(text: str) -> bytes:
    """The octets of reply text: a character an octet, or UTF-8 when one does not fit."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class Reply:
    """One SMTP reply, RFC 5321 4.2.

    :param code: 200 to 599
    :param lines: its text, at least one line, without line ends
    :param enhanced: sent in front of each line's text when given, RFC 2034 4
    :param close: disconnect after it is written
    :var wire: the reply as it is sent, with its line ends
    :var positive: whether the command did what was asked, or goes on (2xx and 3xx)
    :raises ValueError: for a code out of range, no line, or CR, LF or NUL inside a line
    """

    code: int
    lines: tuple[str, ...]
    enhanced: EnhancedCode | None = None
    close: bool = False
    wire: bytes = field(init=False, repr=False, compare=False)
    positive: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 200 <= self.code <= 599:
            raise ValueError(f"a reply code is 200 to 599, not {self.code}")
        if not self.lines:
            raise ValueError("a reply has at least one line")
        for line in self.lines:
            # They would break the line apart, or hide text in it.
            if "\r" in line or "\n" in line or "\0" in line:
                raise ValueError(f"a reply line holds no CR, LF or NUL: {line!r}")
        prefix = "" if self.enhanced is None else _prefix(self.enhanced)
        *former, last = self.lines
        wire = octets(f"{self.code} {prefix}{last}\r\n")
        if former:
            wire = b"".join([octets(f"{self.code}-{prefix}{line}\r\n") for line in former]) + wire
        object.__setattr__(self, "wire", wire)
        object.__setattr__(self, "positive", self.code < 400)

    @classmethod
    def of(
        cls,
        code: int,
        text: str | Iterable[str],
        enhanced: EnhancedCode | None = None,
        close: bool = False,
    ) -> Reply:
        """A reply from any text: LF starts a new line, CR and NUL become blanks.

        For text that the server did not write: a script's or the next hop's.
        """
        parts = [text] if isinstance(text, str) else list(text)
        lines = [
            line.translate(_BLANKED)
            for part in parts
            for line in part.replace("\r\n", "\n").split("\n")
        ]
        return cls(code, tuple(lines or [""]), enhanced, close)

    @classmethod
    def refusing(cls, refusal: Refusal) -> Reply:
        """What a parser says about a command, as a reply."""
        return cls(refusal.code, (refusal.text,), refusal.enhanced)

    @property
    def text(self) -> str:
        """All lines as one, for logs."""
        return " / ".join(self.lines)

    def closing(self) -> Reply:
        """The same reply, with the connection closed behind it."""
        return self if self.close else Reply(self.code, self.lines, self.enhanced, True)


@lru_cache(maxsize=256)
def _prefix(enhanced: EnhancedCode) -> str:
    return "{}.{}.{} ".format(*enhanced)


def worst(replies: Iterable[Reply]) -> Reply:
    """The one answer for several next hops: permanent before temporary before success.

    :raises ValueError: when there is none
    """
    return max(replies, key=lambda reply: reply.code // 100)


def _reply(code: int, enhanced: str, text: str, close: bool = False) -> Reply:
    first, second, third = enhanced.split(".")
    return Reply(code, (text,), (int(first), int(second), int(third)), close)


# Success
OK = _reply(250, "2.0.0", "OK")
RESET = _reply(250, "2.0.0", "Reset")
SENDER_OK = _reply(250, "2.1.0", "Sender OK")
RECIPIENT_OK = _reply(250, "2.1.5", "Recipient OK")
CHUNK_OK = _reply(250, "2.0.0", "Chunk received")
CANNOT_VERIFY = _reply(252, "2.5.0", "Cannot verify, but will take a message and try")
AUTHENTICATED = _reply(235, "2.7.0", "Authentication succeeded")
READY_FOR_TLS = _reply(220, "2.0.0", "Ready to start TLS")
START_MAIL = Reply(354, ("Start mail input, end with <CRLF>.<CRLF>",))

# The command line itself
LINE_TOO_LONG = _reply(500, "5.5.2", "Line too long")
BAD_CHARACTER = _reply(500, "5.5.2", "Control characters are not allowed in a command")
BAD_VERB = _reply(500, "5.5.2", "Command not recognised")
UNKNOWN_COMMAND = _reply(500, "5.5.1", "Command not recognised")
NOT_IMPLEMENTED = _reply(502, "5.5.1", "Command not implemented")
NO_ARGUMENTS = _reply(501, "5.5.4", "This command takes no arguments")
SYNTAX = _reply(501, "5.5.4", "Syntax error in arguments")
HELO_NAME = _reply(501, "5.5.4", "A host name is needed")
WEB_CLIENT = _reply(554, "5.5.1", "This is a mail server", close=True)

# Order
HELO_FIRST = _reply(503, "5.5.1", "Say EHLO or HELO first")
EHLO_FIRST = _reply(503, "5.5.1", "Say EHLO first")
BAD_SEQUENCE = _reply(503, "5.5.1", "Bad sequence of commands")
NESTED_MAIL = _reply(503, "5.5.1", "A sender was given already")
MAIL_FIRST = _reply(503, "5.5.1", "Say MAIL first")
NO_RECIPIENTS = _reply(554, "5.5.1", "No valid recipients")
BDAT_BEGUN = _reply(503, "5.5.1", "Only BDAT and RSET may follow BDAT")
TLS_TWICE = _reply(503, "5.5.1", "TLS is active already")

# TLS and AUTH
TLS_UNAVAILABLE = _reply(502, "5.5.1", "TLS is not offered here")
AUTH_REQUIRED = _reply(530, "5.7.0", "Authentication required")
AUTH_TWICE = _reply(503, "5.5.1", "Authenticated already")
AUTH_IN_TRANSACTION = _reply(503, "5.5.1", "AUTH is not allowed during a mail transaction")
AUTH_UNAVAILABLE = _reply(502, "5.5.1", "AUTH is not offered here")
AUTH_NEEDS_TLS = _reply(538, "5.7.11", "Encryption required for this authentication mechanism")
AUTH_MECHANISM = _reply(504, "5.5.4", "Unrecognised authentication mechanism")
AUTH_SYNTAX = _reply(501, "5.5.2", "Cannot decode the response")
AUTH_TOO_LONG = _reply(500, "5.5.6", "Authentication exchange line is too long")
AUTH_CANCELLED = _reply(501, "5.7.0", "Authentication cancelled")
AUTH_FAILED = _reply(535, "5.7.8", "Authentication failed")
AUTH_TEMPORARY = _reply(454, "4.7.0", "Temporary authentication failure")

# The envelope and the message
TOO_MANY_RECIPIENTS = _reply(452, "4.5.3", "Too many recipients")
TOO_MANY_MESSAGES = _reply(452, "4.5.3", "Too many messages on this connection")
MESSAGE_TOO_LARGE = _reply(552, "5.3.4", "Message too large")
BARE_NEWLINE = _reply(554, "5.6.0", "Bare CR or LF in the message, lines end with CRLF")
UNKNOWN_TRANSPORT = _reply(451, "4.3.5", "Server configuration error")
DELIVERY_TROUBLE = _reply(451, "4.3.0", "Temporary local problem, try again later")
UNDECIDED = _reply(421, "4.3.0", "Nobody has decided about the message, try again", close=True)
NO_SPOOL = _reply(452, "4.3.1", "No room for the message now, try again later")

# XCLIENT
XCLIENT_DENIED = _reply(550, "5.7.0", "XCLIENT is not allowed from here")


@lru_cache(maxsize=64)
def banner(hostname: str) -> Reply:
    """The greeting at connect, RFC 5321 4.3.1: it has no enhanced code (RFC 2034 4)."""
    return Reply(220, (f"{hostname} ESMTP",))


@lru_cache(maxsize=256)
def hello(lines: tuple[str, ...], close: bool = False) -> Reply:
    """The answer to HELO and EHLO: it has no enhanced code (RFC 2034 4)."""
    return Reply(250, lines, close=close)


@lru_cache(maxsize=64)
def goodbye(hostname: str) -> Reply:
    """The answer to QUIT."""
    return _reply(221, "2.0.0", f"{hostname} Goodbye", close=True)


def challenge(encoded: str) -> Reply:
    """AUTH wants another response; ``encoded`` is Base64, RFC 4954 4."""
    return Reply(334, (encoded,))


def queued(identity: str) -> Reply:
    """The message is safe; ``identity`` names it in our logs."""
    return Reply(250, (f"OK {identity}",), (2, 0, 0))


def local_trouble(hostname: str) -> Reply:
    """Whoever decides about this session has failed: it cannot go on."""
    return _reply(421, "4.3.0", f"{hostname} Temporary local problem", close=True)


def shutting_down(hostname: str) -> Reply:
    """The service stops."""
    return _reply(421, "4.3.2", f"{hostname} Service is shutting down", close=True)


def timed_out(hostname: str) -> Reply:
    """The client was silent, or slow, for too long."""
    return _reply(421, "4.4.2", f"{hostname} Timeout, closing connection", close=True)


def too_many_connections(hostname: str) -> Reply:
    """The server, or this client's address or network, has as many sessions as it may."""
    return _reply(421, "4.7.0", f"{hostname} Too many connections, try again later", close=True)


def too_many_commands(hostname: str) -> Reply:
    """More commands than one connection may issue."""
    return _reply(421, "4.7.0", f"{hostname} Too many commands", close=True)


def too_many_errors(hostname: str) -> Reply:
    """More errors than one connection may make."""
    return _reply(421, "4.7.0", f"{hostname} Too many errors", close=True)


def too_many_attempts(hostname: str) -> Reply:
    """More failed authentications than one connection may make."""
    return _reply(421, "4.7.0", f"{hostname} Too many failed authentications", close=True)


def early_talker(hostname: str) -> Reply:
    """The client spoke before the greeting, RFC 5321 4.3.1 forbids that."""
    return _reply(554, "5.5.1", f"{hostname} Protocol error, wait for the greeting", close=True)
