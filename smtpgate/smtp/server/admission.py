"""How many sessions there are, and whether there may be another one."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from twisted.internet.defer import Deferred

from smtpgate.smtp.session import Limits

#: Whether a session is admitted; a Deferred when somebody else has to be asked.
Admitted = bool | Deferred[bool]


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """The /24 or /64 an address belongs to; an IPv4-mapped one counts as IPv4."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        if parsed.ipv4_mapped is None:
            return parsed.exploded[:19]
        parsed = parsed.ipv4_mapped
    return str(parsed).rpartition(".")[0]


class Admission:
    """Counts one server's sessions: all, by address and by network.

    A session is first counted with :meth:`enter`, and by its address with :meth:`identify` once
    that is known (behind a PROXY header it is not at first).  Both are undone when it ends.
    """

    def __init__(self) -> None:
        self.sessions = 0
        self._addresses: dict[str, int] = {}
        self._networks: dict[str, int] = {}

    def enter(self, limits: Limits) -> Admitted:
        """Count a session; False when there are too many, and it is not counted then."""
        if limits.connections and self.sessions >= limits.connections:
            return False
        self.sessions += 1
        return True

    def leave(self) -> None:
        """Undo :meth:`enter`."""
        self.sessions -= 1

    def identify(self, address: str, limits: Limits) -> Admitted:
        """Count a session's address; False when it has too many, and it is not counted then."""
        network = network_of(address)
        if 0 < limits.connections_per_address <= self._addresses.get(address, 0):
            return False
        if 0 < limits.connections_per_network <= self._networks.get(network, 0):
            return False
        self._addresses[address] = self._addresses.get(address, 0) + 1
        self._networks[network] = self._networks.get(network, 0) + 1
        return True

    def forget(self, address: str) -> None:
        """Undo :meth:`identify`."""
        network = network_of(address)
        _uncount(self._addresses, address)
        _uncount(self._networks, network)


def _uncount(counted: dict[str, int], key: str) -> None:
    left = counted[key] - 1
    if left:
        counted[key] = left
    else:
        del counted[key]
