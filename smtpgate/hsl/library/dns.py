"""Domain names and what name servers know about them (manual: DNS)."""

from __future__ import annotations

from typing import Any

from smtpgate.hsl.builtin import (
    ARRAY,
    NO_OPTIONS,
    NUMBER,
    STRING,
    Array,
    Boolean,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats import domains
from smtpgate.hsl.library.resolving import Answer, read_servers, resolver_of
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import Map, arrays, literal

#: Options of every function that asks name servers.
LOOKUP_OPTIONS = {
    "timeout": Option((NUMBER,), 5.0, "Seconds that the question may take."),
    "servers": Option(
        (ARRAY,), [], "Name servers: IP addresses, with a port or without. The system's if none."
    ),
}
_QUERY_OPTIONS = {
    "type": Option(
        (STRING,),
        "a",
        "The type of record.",
        ("a", "aaaa", "mx", "txt", "cname", "ns", "ptr"),
    ),
    **LOOKUP_OPTIONS,
}


def check_timeout(timeout: float, what: str) -> float:
    """A time-out in seconds.

    :param what: how the message names it
    :raises Fault: if it is not more than 0, or endless
    """
    if not 0 < timeout < float("inf"):
        raise Fault(f"{what} must be more than 0 seconds and finite, {literal(timeout)} given")
    return timeout


@builtin("dns_query", options=_QUERY_OPTIONS, waits=True)
def dns_query(execution: Execution, host: String, options: Options = NO_OPTIONS) -> Array:
    """Ask for the records of a name.

    The array has either ``result``, a list, or ``error``, the name of a DNS
    response code (``NXDOMAIN``, ``SERVFAIL``, ``REFUSED``) or ``NO_DATA`` if the
    name has no such record, ``TRY_AGAIN`` if no server answered in time and
    ``NO_RECOVERY`` if it is no name that can be asked for.  ``dnssec`` says
    whether the server has checked the answer's signatures; it is worth as much
    as the way to that server.

    Names come without a dot at the end, those of ``mx`` with the preferred ones
    first, the strings of a ``txt`` record joined.  Aliases are followed.  The
    servers are asked in their order, twice each.

    :param string host: the name
    :param array options: options array
    :return: the result
    :rtype: array

    .. code-block:: hsl

       echo dns_query("example.com");
       // => ["result"=>[0=>"192.0.2.1"],"dnssec"=>false]
       echo dns_query("example.com", ["type" => "mx"])["result"][0]; // => mx1.example.com
       echo dns_query("nobody.example");
       // => ["error"=>"NXDOMAIN","dnssec"=>false]
       echo dns_query(inet_reverse("192.0.2.1"), ["type" => "ptr", "timeout" => 2])["result"];
       // => [0=>"mail.example.com"]
    """
    kind = options["type"].upper()
    servers = read_servers(list(arrays.values(options["servers"])), 'dns_query() option "servers"')
    timeout = check_timeout(options["timeout"], 'dns_query() option "timeout"')
    resolver = resolver_of(execution, "dns_query()")
    answer: Answer = execution.wait(resolver.lookup(host, kind, timeout, servers))
    if answer.error is not None:
        return Map({"error": answer.error, "dnssec": answer.authenticated})
    return Map({"result": _results(kind, answer.values), "dnssec": answer.authenticated})


def _results(kind: str, values: tuple[Any, ...]) -> list[str]:
    if kind == "MX":
        return [name for _, name in sorted(values)]
    if kind == "TXT":
        return [b"".join(strings).decode("latin-1") for strings in values]
    return list(values)


@builtin("domain_includes", aliases=("is_subdomain",))
def domain_includes(subdomain: String, domain: String) -> Boolean:
    """Whether a domain is another one or below it.

    If the other one begins with a dot, only what is below it counts.

    :param string subdomain: the domain to ask about
    :param string domain: the domain that it may be in
    :return: true if it is
    :rtype: boolean

    .. code-block:: hsl

       echo domain_includes("www.example.com", "example.com"); // => 1
       echo domain_includes("example.com", "example.com"); // => 1
       echo domain_includes("example.com", ".example.com"); // => 0
       echo domain_includes("badexample.com", "example.com"); // => 0
    """
    return domains.includes(subdomain, domain)


@builtin("idna_encode")
def idna_encode(domain: String) -> String | None:
    r"""The ASCII form of an internationalised domain name (RFC 5891).

    :param string domain: the name, as UTF-8
    :return: the name in ASCII; none if it is no domain name
    :rtype: string or none

    .. code-block:: hsl

       echo idna_encode("fu\xc3\x9fball.example"); // => xn--fuball-cta.example
       echo idna_encode("a..b"); // => none
    """
    try:
        return domains.encode(domain)
    except domains.DomainError:
        return None


@builtin("idna_decode")
def idna_decode(domain: String) -> String | None:
    r"""The Unicode form of an internationalised domain name (RFC 5891).

    :param string domain: the name in ASCII
    :return: the name, as UTF-8; none if it is no domain name
    :rtype: string or none

    .. code-block:: hsl

       echo idna_decode("xn--fuball-cta.example") == "fu\xc3\x9fball.example"; // => 1
       echo idna_decode("xn--\xff"); // => none
    """
    try:
        return domains.decode(domain)
    except domains.DomainError:
        return None


FUNCTIONS = (dns_query, domain_includes, idna_decode, idna_encode)
