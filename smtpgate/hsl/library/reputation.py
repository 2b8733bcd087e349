"""What others say about a client: DNS block lists, and SPF (manual: Mail)."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from smtpgate.hsl.builtin import NO_OPTIONS, Array, Number, Options, String, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats import domains
from smtpgate.hsl.library.dns import LOOKUP_OPTIONS, check_timeout
from smtpgate.hsl.library.network import inet_reverse, pack_address
from smtpgate.hsl.library.resolving import (
    NO_DATA,
    NO_RECOVERY,
    NXDOMAIN,
    Answer,
    read_servers,
    resolver_of,
)
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import Map, arrays

#: Seconds for all the questions of one SPF check (RFC 7208 4.6.4).
_SPF_SECONDS = 20.0


@builtin("dnsbl", waits=True)
def dnsbl(
    execution: Execution,
    ip: String,
    hostname: String,
    resolvers: Array | None = None,
    timeout: Number = 5.0,
) -> Array:
    """The addresses that a DNS block list has for an address (RFC 5782).

    No address means: not listed, or the list did not answer;
    :func:`dns_query` on :func:`inet_reverse` tells one from the other.

    :param string ip: an IPv4 or IPv6 address
    :param string hostname: the list's domain
    :param array resolvers: name servers: IP addresses, with a port or without;
        the system's if there are none
    :param number timeout: seconds that the question may take
    :return: the list's answers
    :rtype: array

    .. code-block:: hsl

       echo dnsbl("127.0.0.2", "dnsbl.example"); // => [0=>"127.0.0.2"]
       echo dnsbl("192.0.2.1", "dnsbl.example"); // => []
    """
    given = [] if resolvers is None else list(arrays.values(resolvers))
    servers = read_servers(given, 'dnsbl() parameter "resolvers"')
    check_timeout(timeout, 'dnsbl() parameter "timeout"')
    name = inet_reverse.code(ip, hostname)
    if name is None:
        raise Fault(f'dnsbl() parameter "ip" must be an IP address, "{ip}" given')
    resolver = resolver_of(execution, "dnsbl()")
    answer: Answer = execution.wait(resolver.lookup(name, "A", timeout, servers))
    return list(answer.values)


@builtin("spf_query", options=LOOKUP_OPTIONS, waits=True)
def spf_query(
    execution: Execution, ip: String, helo: String, domain: String, options: Options = NO_OPTIONS
) -> Array:
    """Whether a domain lets a client send its mail (SPF, RFC 7208).

    ``result`` in the array is ``pass``, ``fail``, ``softfail``, ``neutral``,
    ``none``, ``temperror`` or ``permerror``, or ``invalid`` if ``ip`` is no
    address.  Without a domain, as for bounces, the HELO name is checked.  The
    time-out is that of each question; all of them may take 20 seconds.

    :param string ip: the client's address
    :param string helo: the name that it gave at HELO or EHLO
    :param string domain: the sender's domain
    :param array options: options array
    :return: the result
    :rtype: array

    .. code-block:: hsl

       echo spf_query("192.0.2.1", "mail.example.com", "example.com")["result"]; // => pass
       echo spf_query("192.0.2.9", "mail.example.com", "example.com")["result"]; // => fail
    """
    servers = read_servers(list(arrays.values(options["servers"])), 'spf_query() option "servers"')
    timeout = check_timeout(options["timeout"], 'spf_query() option "timeout"')
    resolver = resolver_of(execution, "spf_query()")
    clock = execution.environment.clock
    end = clock.seconds() + _SPF_SECONDS

    def look_up(name: str, kind: str) -> Answer:
        left = end - clock.seconds()
        if left <= 0:
            return Answer(error="TRY_AGAIN")
        found: Answer = execution.wait(resolver.lookup(name, kind, min(timeout, left), servers))
        return found

    return Map({"result": _evaluate(ip, helo, domain, look_up)})


_LookUp = Callable[[str, str], Answer]

#: How pyspf's questions reach the script that asks: each script's greenlet has its own.
_asking: ContextVar[_LookUp] = ContextVar("_asking")


def _evaluate(ip: str, helo: str, domain: str, look_up: _LookUp) -> str:
    if pack_address(ip) is None:
        return "invalid"
    spf = _pyspf()
    # RFC 7208 4.3: a domain that is none has no policy.
    try:
        checked = domains.encode(domain or helo)
    except domains.DomainError:
        return "none"
    token = _asking.set(look_up)
    try:
        query = spf.query(ip, f"postmaster@{checked}", helo or checked)
        result, _code, _explanation = query.check()
    except spf.TempError:
        return "temperror"
    except (spf.PermError, UnicodeError):
        # Octets beyond ASCII in names and macros.
        return "permerror"
    finally:
        _asking.reset(token)
    return str(result)


def _pyspf() -> Any:
    """pyspf, asking us; imported at first use, as it takes a while."""
    import spf

    spf.DNSLookup = _answer
    return spf


def _answer(name: str, kind: str, _strict: Any = True, _timeout: float = 0) -> list[Any]:
    """What pyspf's own DNSLookup functions return: ``((name, type), value)`` for each record.

    :raises spf.TempError: if the servers cannot tell
    """
    import spf

    answer = _asking.get()(name, kind)
    if answer.error not in (None, NO_DATA, NXDOMAIN, NO_RECOVERY):
        raise spf.TempError(f"DNS {answer.error}")
    return [((name, kind), value) for value in answer.values]


FUNCTIONS = (dnsbl, spf_query)
