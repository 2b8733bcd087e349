"""Domain names."""

from __future__ import annotations

from smtpgate.hsl import domains
from smtpgate.hsl.builtin import Boolean, String, builtin


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


FUNCTIONS = (domain_includes, idna_encode, idna_decode)
