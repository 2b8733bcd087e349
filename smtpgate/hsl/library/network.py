"""IP addresses as text, octets and reverse names, without any I/O (manual: Misc, inet_*)."""

from __future__ import annotations

import ipaddress
import socket
from functools import lru_cache

from smtpgate.hsl.builtin import Boolean, String, builtin


def pack_address(text: str) -> bytes | None:
    """The 4 or 16 octets of a printed IPv4 or IPv6 address, ``None`` for any other text."""
    family = socket.AF_INET6 if ":" in text else socket.AF_INET
    try:
        return socket.inet_pton(family, text)
    except (OSError, ValueError):
        return None


def _bounds(octets: bytes, prefix: str) -> tuple[bytes, bytes] | None:
    """The first and last address of a subnet; bits behind the prefix may be set."""
    bits = len(octets) * 8
    if not (prefix.isascii() and prefix.isdigit() and len(prefix) <= 3 and int(prefix) <= bits):
        return None
    free = (1 << (bits - int(prefix))) - 1
    number = int.from_bytes(octets, "big")
    return (number & ~free).to_bytes(len(octets), "big"), (number | free).to_bytes(
        len(octets), "big"
    )


def _mask(octets: bytes, mask: str) -> tuple[bytes, bytes] | None:
    """The bounds of an IPv4 subnet written with a netmask."""
    try:
        network = ipaddress.IPv4Network(f"0.0.0.0/{mask}")
    except ValueError:
        return None
    # The library takes 0.0.0.255 for a netmask as well.
    if len(octets) != 4 or str(network.netmask) != mask:
        return None
    return _bounds(octets, str(network.prefixlen))


# Scripts test every connection against the same few networks.
@lru_cache(maxsize=4096)
def _network(text: str) -> tuple[bytes, bytes] | None:
    """The first and last address of an address, subnet or range; ``None`` if it is neither."""
    first, slash, prefix = text.partition("/")
    if slash:
        octets = pack_address(first)
        if octets is None:
            return None
        return _mask(octets, prefix) if "." in prefix else _bounds(octets, prefix)
    first, dash, last = text.partition("-")
    low = pack_address(first.strip(" "))
    high = pack_address(last.strip(" ")) if dash else low
    if low is None or high is None or len(low) != len(high):
        return None
    return low, high


@builtin("inet_includes", aliases=("in_network",))
def inet_includes(ip: String, network: String) -> Boolean:
    """Whether an address lies in a network; false if either is none.

    IPv4 and IPv6 addresses are never in a network of the other kind.

    :param string ip: the address
    :param string network: an address, a subnet (``10.0.0.0/8``) or a range
        (``10.0.0.1-10.0.0.9``)
    :return: whether the network includes the address
    :rtype: boolean

    .. code-block:: hsl

      echo inet_includes("127.0.0.1", "127.0.0.0/8");  // => 1
      echo inet_includes("2001:db8::1", "2001:db8::-2001:db8::ff");  // => 1
      echo inet_includes("192.0.2.1", "2001:db8::/32");  // => 0
    """
    octets = pack_address(ip)
    bounds = _network(network)
    if octets is None or bounds is None or len(octets) != len(bounds[0]):
        return False
    return bounds[0] <= octets <= bounds[1]


@builtin("inet_ntop")
def inet_ntop(ip: String) -> String | None:
    """An address in octets as text; none if there are not 4 or 16 octets.

    :param string ip: 4 octets (IPv4) or 16 octets (IPv6)
    :return: the printed address
    :rtype: string or none

    .. code-block:: hsl

      echo inet_ntop("\\x0a\\x00\\x00\\x01");  // => 10.0.0.1
    """
    if len(ip) not in (4, 16):
        return None
    family = socket.AF_INET if len(ip) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, ip.encode("latin-1"))


@builtin("inet_pton")
def inet_pton(ip: String) -> String | None:
    """A printed address as octets; none if it is no address.

    :param string ip: the address
    :return: 4 octets (IPv4) or 16 octets (IPv6)
    :rtype: string or none

    .. code-block:: hsl

      echo length(inet_pton("10.0.0.1"));  // => 4
      echo inet_ntop(inet_pton("2001:DB8:0:0::1"));  // => 2001:db8::1
    """
    octets = pack_address(ip)
    return None if octets is None else octets.decode("latin-1")


@builtin("inet_reverse")
def inet_reverse(ip: String, zone: String | None = None) -> String | None:
    """An address as the name that PTR and block list queries ask for; none if it is no address.

    :param string ip: the address
    :param string zone: what the name ends with; ``in-addr.arpa`` or ``ip6.arpa`` if left out
    :return: the name
    :rtype: string or none

    .. code-block:: hsl

      echo inet_reverse("192.0.2.1");  // => 1.2.0.192.in-addr.arpa
      echo inet_reverse("192.0.2.1", "dnsbl.example");  // => 1.2.0.192.dnsbl.example
    """
    octets = pack_address(ip)
    if octets is None:
        return None
    if len(octets) == 4:
        labels, default = [str(octet) for octet in octets], "in-addr.arpa"
    else:
        labels, default = list(octets.hex()), "ip6.arpa"
    return ".".join([*reversed(labels), default if zone is None else zone])


FUNCTIONS = (inet_includes, inet_ntop, inet_pton, inet_reverse)
