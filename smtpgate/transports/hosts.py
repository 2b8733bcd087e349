"""Which next hops there are, in which order they are tried, and which are left alone for a while.

Hosts are tried in the order of the configuration. A name without a port stands for its mail
exchangers when ``mx`` is wanted: by preference, equal ones in any order (RFC 5321 5.1).

A host that failed rests four times as long as it took to find that out, a minute at most. So a
dead host that lets every connection run into its time-out is asked now and then, and does not
cost every session that time; one that refuses at once costs nothing and is asked each time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred

from smtpgate.smtp.connection.clock import Clock

REST_FACTOR = 4.0
LONGEST_REST = 60.0

#: Asks for the mail exchangers of a name, as a resolver's ``lookupMailExchange`` does.
LookUp = Callable[[str], Deferred[Any]]


class Host(NamedTuple):
    """One place to connect to: a name or an address, and a port."""

    name: str
    port: int

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


class HostsUnknown(Exception):
    """DNS does not say where to connect to."""


class Health:
    """Remembers which hosts failed, and for how long they are left alone."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: dict[Host, float] = {}

    def failed(self, host: Host, seconds: float) -> None:
        """A host was tried in vain; it took so many seconds to know that."""
        rest = min(seconds * REST_FACTOR, LONGEST_REST)
        self._until[host] = self._clock.seconds() + rest

    def works(self, host: Host) -> None:
        """A host is ready for mail."""
        self._until.pop(host, None)

    def rests(self, host: Host) -> bool:
        """Whether a host is to be left alone."""
        return self._until.get(host, 0.0) > self._clock.seconds()


class Hosts:
    """The next hops of one transport.

    :param entries: names or addresses in order, each with its port, or None for none given
    :param default_port: for those without
    :param lookup: finds the mail exchangers of names without a port; None: they are hosts
    """

    def __init__(
        self,
        entries: Sequence[tuple[str, int | None]],
        default_port: int = 25,
        lookup: LookUp | None = None,
    ) -> None:
        self._entries = tuple(entries)
        self._port = default_port
        self._lookup = lookup
        self._known: tuple[Host, ...] | None = None  # those that nobody has to be asked for
        if not any(self._is_domain(name, port) for name, port in self._entries):
            hosts = (Host(name, port or default_port) for name, port in self._entries)
            self._known = tuple(dict.fromkeys(hosts))

    @property
    def by_mx(self) -> bool:
        """Whether DNS may be asked which hosts there are."""
        return self._lookup is not None

    def candidates(self) -> Sequence[Host] | Deferred[Sequence[Host]]:
        """All hosts in the order in which they are to be tried, each once.

        :raises HostsUnknown: when there is none
        """
        return self._known or Deferred.fromCoroutine(self._look_up())

    async def _look_up(self) -> Sequence[Host]:
        found: dict[Host, None] = {}
        problem: HostsUnknown | None = None
        for name, port in self._entries:
            names = [name]
            if self._is_domain(name, port):
                assert self._lookup is not None
                try:
                    names = await mail_exchangers(self._lookup, name)
                except HostsUnknown as error:
                    problem = error
                    continue
            for each in names:
                found[Host(each, port or self._port)] = None
        if not found:
            raise problem or HostsUnknown("no host")
        return list(found)

    def _is_domain(self, name: str, port: int | None) -> bool:
        """Whether DNS is to be asked for a name's mail exchangers."""
        return port is None and self._lookup is not None and not _is_address(name)


async def mail_exchangers(lookup: LookUp, name: str) -> list[str]:
    """The mail exchangers of a name; the name itself when it has none, RFC 5321 5.1.

    :raises HostsUnknown: when DNS does not answer, the name does not exist, or takes no mail
        (RFC 7505)
    """
    # Imported where DNS is asked: most next hops are hosts.
    from twisted.names import dns
    from twisted.names.error import DomainError

    try:
        answers, _, _ = await lookup(name)
    except CancelledError:
        raise
    except (DomainError, OSError, TimeoutError) as error:
        words = str(error) or type(error).__name__
        raise HostsUnknown(f"no mail exchangers of {name}: {words}") from None
    except Exception as error:
        # A resolver's time-outs have no class in common.
        raise HostsUnknown(f"no mail exchangers of {name}: {type(error).__name__}") from error
    records = [answer.payload for answer in answers if answer.type == dns.MX]
    if not records:
        return [name]
    random.shuffle(records)
    records.sort(key=lambda record: record.preference)
    names = [str(record.name).rstrip(".") for record in records]
    if not all(names):
        raise HostsUnknown(f"{name} takes no mail")
    return names


def _is_address(name: str) -> bool:
    """Whether what the configuration took for a host is an address."""
    return ":" in name or name.replace(".", "").isdigit()
