"""Twisted's server endpoint descriptions, checked before anything listens.

What a description may say is Twisted's (``twisted.internet.endpoints``); here is
which kinds a gateway can use, and when two of them want the same port.
"""

from __future__ import annotations

from dataclasses import dataclass

#: The kinds, with what a description of each looks like.
KINDS = {
    "tcp": "tcp:25:interface=127.0.0.1",
    "tcp6": "tcp6:25:interface=\\:\\:1",
    "unix": "unix:/run/smtpgate.sock:mode=660",
    "systemd": "systemd:domain=INET:index=0",
}
_ANYWHERE = ("", "0.0.0.0", "::")
_REPLACED = {
    "ssl": 'a tcp endpoint and `tls = "implicit"`',
    "tls": 'a tcp endpoint and `tls = "implicit"`',
    "haproxy": "a tcp endpoint and `proxy_protocol = [networks]`",
}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A description's parts; ``interface`` is "" for all interfaces."""

    kind: str
    address: str
    interface: str = ""

    def collides(self, other: Endpoint) -> bool:
        """Whether the two cannot listen at the same time; port 0 never collides."""
        if {self.kind, other.kind} <= {"tcp", "tcp6"}:
            if self.address != other.address or self.address == "0":
                return False
            if self.kind != other.kind and self.interface != "::" != other.interface:
                return False
            return (
                self.interface == other.interface
                or self.interface in _ANYWHERE
                or other.interface in _ANYWHERE
            )
        return (self.kind, self.address) == (other.kind, other.address)


def parse_endpoint(description: str) -> Endpoint:
    """The parts of a description.

    :raises ValueError: with the sentence for the user, when it is none that can be used
    """
    from twisted.internet.endpoints import serverFromString

    positional, named = _split(description)
    kind = positional[0]
    if kind in _REPLACED:
        raise ValueError(f"{kind!r} endpoints are not for SMTP, expected {_REPLACED[kind]}")
    if kind not in KINDS:
        examples = " or ".join(f"'{KINDS[example]}'" for example in ("tcp", "unix"))
        raise ValueError(f"is {description!r}, expected an endpoint such as {examples}")
    address = _address(kind, positional, named)
    if kind in ("tcp", "tcp6") and not (address.isdecimal() and int(address) < 65536):
        raise ValueError(f"has the port {address!r}, expected a number from 0 to 65535")
    try:
        # The reactor is only kept for listening later.
        serverFromString(None, description)  # type: ignore[no-untyped-call]
    except TypeError:
        raise ValueError(
            f"{description!r} has arguments that a {kind} endpoint does not take, "
            f"expected the form '{KINDS[kind]}'"
        ) from None
    except (ValueError, LookupError):
        raise ValueError(
            f"{description!r} has an argument with a value that does not fit, "
            f"expected the form '{KINDS[kind]}'"
        ) from None
    return Endpoint(kind, address, named.get("interface", ""))


def _address(kind: str, positional: list[str], named: dict[str, str]) -> str:
    """What the endpoint listens on: a port, a path, a descriptor."""
    keyword = {"tcp": "port", "tcp6": "port", "unix": "address"}.get(kind)
    if kind == "systemd":
        return named.get("name") or named.get("index", "")
    if len(positional) > 1:
        return positional[1]
    if keyword in named:
        return named[keyword]
    raise ValueError(f"has no {keyword}, expected the form '{KINDS[kind]}'")


def _split(description: str) -> tuple[list[str], dict[str, str]]:
    """Arguments are parted by colons; a backslash takes the next character as it is."""
    positional: list[str] = []
    named: dict[str, str] = {}
    key: str | None = None
    current = ""
    characters = iter(description + ":")
    for character in characters:
        if character == "\\":
            current += next(characters, "")
        elif character == ":":
            if key is None:
                positional.append(current)
            else:
                named[key] = current
            key, current = None, ""
        elif character == "=" and key is None:
            key, current = current, ""
        else:
            current += character
    return positional, named
