"""XCLIENT: a trusted proxy tells who its client is.

Source: Postfix's XCLIENT_README.  Values are xtext; ``[UNAVAILABLE]`` and ``[TEMPUNAVAIL]`` mean
that the proxy does not know.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from smtpgate.smtp.commands.parameters import decode_xtext
from smtpgate.smtp.refusal import Refusal
from smtpgate.smtp.session import Connection, assumed_address

_UNKNOWN = ("[UNAVAILABLE]", "[TEMPUNAVAIL]")
_NAME = re.compile(r"[!#-'*+./0-9:=?@A-Z\[\]^_`a-z{|}~-]{1,255}")


def assume(connection: Connection, argument: bytes) -> None:
    """Read the attributes and give them to the connection, as if its client had just come.

    Nothing is changed when one of them is wrong.

    :raises Refusal: 501
    """
    changes: list[tuple[Callable[[Connection, str], None], str]] = []
    for word in argument.split(b" "):
        if not word:
            continue
        name, equals, encoded = word.partition(b"=")
        attribute = _ATTRIBUTES.get(name.upper())
        if attribute is None or not equals:
            raise _refusal("Bad XCLIENT attribute")
        check, change = attribute
        try:
            value = decode_xtext(encoded.decode("latin-1")).decode("latin-1")
            known = "" if value.upper() in _UNKNOWN else check(value)
        except ValueError:
            raise _refusal(f"Bad XCLIENT value of {name.upper().decode('ascii')}") from None
        changes.append((change, known))
    if not changes:
        raise _refusal("XCLIENT needs attributes")
    connection.forget_greeting()
    connection.protocol = None
    for change, known in changes:
        change(connection, known)


def _refusal(text: str) -> Refusal:
    return Refusal(501, (5, 5, 4), text)


def _address(value: str) -> str:
    return assumed_address(value[5:] if value[:5].upper() == "IPV6:" else value)


def _port(value: str) -> str:
    if not (value.isascii() and value.isdigit() and len(value) <= 5 and int(value) <= 65535):
        raise ValueError(value)
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError(value)
    return value


def _protocol(value: str) -> str:
    if value.upper() not in ("SMTP", "ESMTP"):
        raise ValueError(value)
    return value.upper()


def _set_ptr(connection: Connection, value: str) -> None:
    connection.peer_ptr = value


def _set_address(connection: Connection, value: str) -> None:
    connection.peer_ip = value


def _set_port(connection: Connection, value: str) -> None:
    connection.peer_port = int(value or 0)


def _set_protocol(connection: Connection, value: str) -> None:
    connection.protocol = value or None


def _set_helo(connection: Connection, value: str) -> None:
    connection.helo = value


def _set_login(connection: Connection, value: str) -> None:
    connection.username = value or None
    connection.mechanism = "XCLIENT" if value else None


def _set_local_address(connection: Connection, value: str) -> None:
    connection.local_ip = value


def _set_local_port(connection: Connection, value: str) -> None:
    connection.local_port = int(value or 0)


_ATTRIBUTES: dict[bytes, tuple[Callable[[str], str], Callable[[Connection, str], None]]] = {
    b"NAME": (_name, _set_ptr),
    b"ADDR": (_address, _set_address),
    b"PORT": (_port, _set_port),
    b"PROTO": (_protocol, _set_protocol),
    b"HELO": (_name, _set_helo),
    b"LOGIN": (_name, _set_login),
    b"DESTADDR": (_address, _set_local_address),
    b"DESTPORT": (_port, _set_local_port),
}
