"""A message's octets as DATA carries them, RFC 5321 4.5.2: the reverse of what framing undoes."""

from __future__ import annotations

from smtpgate.smtp.framing import dotted

_CRLF = b"\r\n"


class DotStuffer:
    """Doubles the dot at the start of a line, wherever the message was cut into parts.

    Only CRLF ends a line. A message that does not end with CRLF gets one before the dot.
    """

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = _CRLF  # the end of what has gone by, as far as it may matter

    def feed(self, octets: bytes) -> bytes:
        """The next part, ready to be sent."""
        if not octets:
            return b""
        tail = self._tail
        if octets.endswith(_CRLF) or (tail == b"\r" and octets == b"\n"):
            self._tail = _CRLF
        else:
            self._tail = b"\r" if octets.endswith(b"\r") else b""
        if dotted(octets):
            octets = octets.replace(b"\r\n.", b"\r\n..")
        if tail == _CRLF and octets.startswith(b"."):
            return b"." + octets
        if tail == b"\r" and octets.startswith(b"\n."):
            return b"\n." + octets[1:]
        return octets

    def finish(self) -> bytes:
        """The end of the message; the stuffer is ready for another one."""
        end = b".\r\n" if self._tail == _CRLF else b"\r\n.\r\n"
        self._tail = _CRLF
        return end
