"""Where lines, messages and chunks end: the octets of a session cut into their parts, without I/O.

Rules that this file keeps:

* What an octet means depends on the last reply (a command, an answer to AUTH, a body), so octets
  are queued and one line is cut only when it is asked for.
* Only CRLF ends a line. A bare CR or LF is never a line end, neither in a command nor in a body.
* Only CRLF.CRLF ends DATA, whatever the policy for bare newlines is.
* How the network cuts the octets makes no difference to the result.
* Every octet is looked at a bounded number of times, and what is kept is bounded by the caller's
  limits.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import Final, Literal, NamedTuple

import pcre2

from smtpgate.smtp.refusal import Refusal

COMMAND_LINE_LIMIT: Final = 2048
"""Octets of a command line, CRLF included. RFC 5321 4.5.3.1.4 asks for 512 plus extensions."""

AUTH_LINE_LIMIT: Final = 12288
"""Octets of an answer to an AUTH challenge, CRLF included (RFC 4954 section 4)."""

BareNewlines = Literal["reject", "normalize", "pass"]
"""What happens to a bare CR or LF in a message: refuse it, make it CRLF, or leave it alone."""

# As numbers: Python finds a number among octets ten times as fast as a string of one octet.
CR: Final = 13
LF: Final = 10
NUL: Final = 0


class LineFault(Enum):
    """Why a command line cannot be run. The session answers each with one 500."""

    TOO_LONG = "Line too long"
    CONTROL = "CR, LF and NUL are not allowed inside a command"


class LineBuffer:
    """The octets that wait to be understood, and the lines that are cut from them.

    `len(buffer)` is the number of octets that wait.
    """

    __slots__ = ("_at", "_octets", "_scanned", "_skipping")

    def __init__(self) -> None:
        self._octets = b""
        self._at = 0  # octets at the front that were taken
        self._scanned = 0  # the next CRLF does not begin in front of this one
        self._skipping = False  # inside a line that was reported as too long

    def __len__(self) -> int:
        return len(self._octets) - self._at

    def append(self, octets: bytes) -> None:
        """Queue what the network brought."""
        if self._octets:
            # What waits is short: the rest of a line, or as much as the caller lets wait.
            self._scanned -= self._at
            self._octets = self._octets[self._at :] + octets
            self._at = 0
        else:
            self._octets = octets

    def take(self, limit: int = COMMAND_LINE_LIMIT) -> bytes | LineFault | None:
        """Cut the next line, without its CRLF; None when it is not complete yet.

        `limit` is the longest line in octets, CRLF included. A longer one is reported once, as
        soon as it is known to be too long, so that a client that never sends CRLF is told. The
        rest of it is dropped by the calls that follow.
        """
        octets = self._octets
        if not octets or (self._skipping and not self._skip()):
            return None
        octets, at = self._octets, self._at
        end = octets.find(b"\r\n", self._scanned, at + limit)
        if end < 0:
            waiting = len(octets) - at
            if waiting >= limit:
                self._skipping = True
                self._scanned = at + limit - 1  # a CR there may be the first half of the CRLF
                return LineFault.TOO_LONG
            self._scanned = at + max(waiting - 1, 0)
            return None
        line = octets[at:end]
        at = end + 2
        if at == len(octets):
            self._octets = b""
            at = 0
        self._at = self._scanned = at
        if LF in line or CR in line or NUL in line:
            return LineFault.CONTROL
        return line

    def _skip(self) -> bool:
        """Drop the rest of a line that is too long; tell whether its CRLF was found."""
        octets = self._octets
        end = octets.find(b"\r\n", self._scanned)
        if end < 0:
            self._octets = b"\r" if octets.endswith(b"\r") else b""
            self._at = self._scanned = 0
            return False
        self._octets = octets[end + 2 :]
        self._at = self._scanned = 0
        self._skipping = False
        return True

    def drain(self) -> bytes:
        """Take all octets out, for the reader of a body. What it leaves over is appended again."""
        octets = self._octets[self._at :]
        self.clear()
        return octets

    def clear(self) -> None:
        """Forget everything, as before STARTTLS (RFC 3207 section 4.2)."""
        self._octets = b""
        self._at = self._scanned = 0
        self._skipping = False


class Piece(NamedTuple):
    """What one `feed` gave: octets of the message, whether the end was reached, what follows it."""

    octets: bytes
    done: bool
    rest: bytes


# PCRE makes machine code of this: it goes through Base64 more than twice as fast as anything else.
_BARE = pcre2.compile(rb"\r(?!\n)|(?<!\r)\n")


def dotted(octets: bytes) -> bool:
    """Whether a dot follows a CRLF somewhere."""
    # Most of a large message is Base64 and has no dot at all, and CPython finds one octet twenty
    # times as fast as three. Three are found twice as fast from the back.
    return b"." in octets and octets.rfind(b"\r\n.") >= 0


class _MessageReader:
    """What DATA and BDAT share: the policy for bare newlines, the size, the verdict.

    `size` counts the octets of the message so far: unstuffed, and normalised if that is the policy.
    `bare`: a bare CR or LF was seen; with the policy `pass` nobody looks for them.
    `refused`: the message cannot be accepted; what was handed out before is to be thrown away.
    """

    __slots__ = ("bare", "bare_newlines", "limit", "refused", "size")

    def __init__(self, bare_newlines: BareNewlines = "reject", limit: int | None = None) -> None:
        self.bare_newlines: BareNewlines = bare_newlines
        self.limit = limit
        self.size = 0
        self.bare = False
        self.refused = False

    @property
    def bare_refused(self) -> bool:
        """A bare CR or LF was seen and the policy is `reject`. Nothing more is handed out."""
        return self.bare_newlines == "reject" and self.bare

    @property
    def too_large(self) -> bool:
        """The message is larger than the limit. Nothing more of it is handed out."""
        return self.limit is not None and self.size > self.limit

    def _judge(self, octets: bytes) -> bytes:
        """Give what may be handed out of a piece of the message.

        No CRLF may be cut by the edges of a piece. Size and newlines of a refused message are
        watched to its end, so that the verdict does not depend on how the network cut it.
        """
        if self.bare_newlines != "pass" and _BARE.search(octets) is not None:
            self.bare = True
            if self.bare_newlines == "reject":
                self.refused = True
            else:
                octets = octets.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
                octets = octets.replace(b"\n", b"\r\n")
        self.size += len(octets)
        if self.too_large:
            self.refused = True
        return b"" if self.refused else octets


_END = b"\r\n.\r\n"


class BodyReader(_MessageReader):
    """Reads the message after DATA up to CRLF.CRLF, and unstuffs its dots (RFC 5321 4.5.2).

    `bare_newlines` says what a bare CR or LF does; `limit` is the largest size in octets, None for
    no limit. A message that is refused is still read to its end.
    """

    __slots__ = ("_begun", "_held")

    def __init__(self, bare_newlines: BareNewlines = "reject", limit: int | None = None) -> None:
        super().__init__(bare_newlines, limit)
        # The line of the DATA command ended with CRLF: a dot that comes first begins a line.
        self._held = b"\r\n"
        self._begun = False

    def feed(self, octets: bytes) -> Piece:
        """Read on. After `done` the reader must not be fed again."""
        if self._held:
            octets = self._held + octets
        dots = dotted(octets)
        if dots and octets.rfind(_END) >= 0:
            end = octets.index(_END)  # the first one counts
            rest = octets[end + len(_END) :]
            return Piece(self._unstuff(octets[: end + 2], dots), True, rest)
        held = _start_of_end(octets)
        if held:
            self._held = octets[-held:]
            octets = octets[:-held]
        else:
            self._held = b""
        return Piece(self._unstuff(octets, dots), False, b"")

    def _unstuff(self, octets: bytes, dots: bool) -> bytes:
        if not octets:
            return b""
        if dots:
            octets = octets.replace(b"\r\n.", b"\r\n")
        if not self._begun:
            self._begun = True
            octets = octets[2:]  # the CRLF that the client did not send
        return self._judge(octets)


def _start_of_end(octets: bytes) -> int:
    """How many octets at the end of `octets` may be the beginning of CRLF.CRLF."""
    for length in (4, 3, 2, 1):
        if octets.endswith(_END[:length]):
            return length
    return 0


class ChunkReader(_MessageReader):
    """Reads one message that comes in BDAT chunks (RFC 3030); a dot means nothing here.

    One reader serves all chunks of a message, because a CRLF may be cut by a chunk's edge.
    """

    __slots__ = ("_held", "_last", "_left")

    def __init__(self, bare_newlines: BareNewlines = "reject", limit: int | None = None) -> None:
        super().__init__(bare_newlines, limit)
        self._held = b""
        self._left = 0
        self._last = False

    def begin(self, size: int, last: bool) -> None:
        """Begin a chunk of `size` octets. Feed it at least once, with nothing when it is empty."""
        self._left = size
        self._last = last

    def feed(self, octets: bytes) -> Piece:
        """Read on. `done` is the end of the chunk; `begin` the next one before feeding again."""
        taken = octets[: self._left]
        rest = octets[self._left :]
        self._left -= len(taken)
        done = self._left == 0
        if self._held:
            taken = self._held + taken
            self._held = b""
        if taken.endswith(b"\r") and not (done and self._last):
            # Its LF may follow, even in the next chunk.
            self._held = b"\r"
            taken = taken[:-1]
        return Piece(self._judge(taken), done, rest)


class Bdat(NamedTuple):
    """The argument of BDAT: octets of the chunk, and whether it is the message's last."""

    size: int
    last: bool


# Spaces at the end are tolerated (RFC 5321 4.1.1).
_BDAT = re.compile(rb"([0-9]{1,20})(?: (LAST))? *", re.IGNORECASE)


def parse_bdat(argument: bytes) -> Bdat:
    """Read what follows `BDAT ` (RFC 3030 section 2: 1 to 20 digits, then LAST or nothing).

    Raises Refusal (501 5.5.4). How many octets follow is then unknown: the session cannot go on.
    """
    match = _BDAT.fullmatch(argument)
    if match is None:
        raise Refusal(501, (5, 5, 4), "Syntax: BDAT size [LAST]")
    return Bdat(int(match[1]), match[2] is not None)
