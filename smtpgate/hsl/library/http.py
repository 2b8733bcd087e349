"""Requests to web services (manual: File and HTTP, http)."""

from __future__ import annotations

import re
from base64 import b64encode
from typing import Any, Final
from urllib.parse import quote, unquote, urlencode

from smtpgate import __version__
from smtpgate.hsl.builtin import (
    ARRAY,
    BOOLEAN,
    INTEGER,
    NO_OPTIONS,
    NONE,
    NUMBER,
    STRING,
    Array,
    Option,
    Options,
    String,
    Value,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.library.background import Background
from smtpgate.hsl.library.network import pack_address
from smtpgate.hsl.library.web import Request, RequestFailed, Response, TooLarge, Web, web_of
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.limits.bounds import check_string
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import Map, arrays, literal, to_string, type_name

_OPTIONS = {
    "extended_result": Option((BOOLEAN,), False, "Return an array of ``status`` and ``content``."),
    "connect_timeout": Option((NUMBER,), 10.0, "Seconds that connecting may take."),
    "timeout": Option(
        (NUMBER, NONE),
        None,
        "Seconds that the server may be silent once connected; no limit if none.",
    ),
    "max_file_size": Option(
        (NUMBER, NONE), None, "Octets of the longest content; as many as a string may have if none."
    ),
    "sourceip": Option(
        (STRING, NONE), None, "The own IP address to connect from; the system chooses if none."
    ),
    "sourceipid": Option(
        (STRING, NONE), None, "Not available, an error: addresses have no ids here."
    ),
    "method": Option(
        (STRING, NONE), None, "The method; if none GET, or POST if something is posted."
    ),
    "headers": Option((ARRAY,), [], "More header fields, each a string ``Name: value``."),
    "response_headers": Option(
        (BOOLEAN,), False, "Return the answer with its header, whatever its status is."
    ),
    "redirects": Option((INTEGER,), 0, "How many redirects are followed; -1 for any number."),
    "tls_verify_peer": Option((BOOLEAN,), True, "Whether an authority must vouch for the server."),
    "tls_verify_host": Option(
        (BOOLEAN,), False, "Whether the certificate must be for the URL's host."
    ),
    "tls_default_ca": Option(
        (BOOLEAN,), False, "Trust the system's authorities; they always are trusted."
    ),
    "tls_client_cert": Option(
        (STRING, NONE), None, "Not available, an error: keys have no names here."
    ),
    "background": Option((BOOLEAN,), False, "Do not wait for the answer."),
    "background_hash": Option(
        (INTEGER,), 0, "The queue for the background; each sends one request after the other."
    ),
    "background_retry_count": Option((INTEGER,), 0, "How often a failed request is sent again."),
    "background_retry_delay": Option((NUMBER,), 0.0, "Seconds before it is sent again."),
    "proxy": Option(
        (STRING, NONE),
        None,
        'The URL of an HTTP proxy, ``""`` for no proxy; if none that of the environment.',
    ),
}

_METHOD = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 5.1 and 5.5
_FIELD = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*")
_PLACE = re.compile(r"\$([1-9][0-9]{0,2})")
_PERIOD: Final = "must be more than 0 seconds and finite"
_NEVER_IN_URL = re.compile(r"[\x00-\x20\x7f]")
_FORM: Final = "application/x-www-form-urlencoded"
#: What the connection itself says.
_OWN_FIELDS: Final = frozenset({"content-length", "transfer-encoding", "connection"})


@builtin("http", options=_OPTIONS, waits=True)
def http(
    execution: Execution,
    url: String,
    options: Options = NO_OPTIONS,
    get: Array | None = None,
    post: Array | String | None = None,
) -> Value:
    """Ask a web server.

    The result is the content if the server's status is 2xx, else none: so it is
    too if the server cannot be reached, is silent for too long, has a
    certificate that is not in order, or if ``url`` is no URL of ``http`` or
    ``https``.  With ``extended_result`` it is an array of ``status`` and
    ``content`` whatever the status is, and none only without an answer.
    Content that is compressed with gzip comes unpacked.

    A script that its client leaves, or whose time is up, ends its request.  In
    the background a request goes on without the script: the result is true as
    soon as the request is in its queue, none if that is full.  Answers without a
    status of 2xx have failed there.  A restart forgets the queues.

    A certificate is checked against the system's authorities, but not whether it
    is that of the host, unless ``tls_verify_host`` says so.

    Nothing keeps a request from machines that only the gateway can reach.  What
    a client sends belongs into ``get`` and ``post``, and never into the host of
    a URL.

    :param string url: the URL
    :param array options: options array
    :param array get: values that replace ``$1``, ``$2`` and so on in the URL, encoded
    :param post: what to post: an array of fields, or the content itself
    :type post: array or string
    :return: the content, or status and content; none if there is none
    :rtype: string, array, boolean or none

    .. code-block:: hsl

       echo http("https://policy.example/allow?user=$1", [], ["jo"]); // => yes
       echo http("https://policy.example/nothing"); // => none
       $answer = http("https://policy.example/nothing", ["extended_result" => true]);
       echo $answer["status"]; // => 404
       $json = json_encode(["sender" => "jo@example.org"]);
       $headers = ["Content-Type: application/json"];
       echo http("https://policy.example/log", ["headers" => $headers], [], $json); // => noted
    """
    if options["sourceipid"] is not None:
        raise Fault('http() option "sourceipid" is not available here, use "sourceip"')
    if options["tls_client_cert"] is not None:
        raise Fault('http() option "tls_client_cert" is not available here')
    request = _request(url, options, get, post)
    web = web_of(execution, "http()")
    if request is None:
        return None
    if options["background"]:
        return _in_background(execution, web, request, options)
    try:
        response: Response = execution.wait(web.request(request))
    except TooLarge:
        if options["max_file_size"] is None:
            check_string(request.max_size + 1)
        return None
    except RequestFailed:
        return None
    return _result(response, options)


def _result(response: Response, options: Options) -> Value:
    content = response.body.decode("latin-1")
    if options["response_headers"]:
        content = response.head().decode("latin-1") + content
    check_string(len(content))
    if options["extended_result"]:
        return Map({"status": float(response.status), "content": content})
    return content if response.successful or options["response_headers"] else None


def _in_background(
    execution: Execution, web: Web, request: Request, options: Options
) -> bool | None:
    environment = execution.environment
    count, delay = options["background_retry_count"], options["background_retry_delay"]
    _check(0 <= count <= 1000, "background_retry_count", "must be 0 to 1000", count)
    _check(0 <= delay <= 86400, "background_retry_delay", "must be 0 to 86400 seconds", delay)
    if environment.background is None:
        environment.background = Background(web, environment)
    queued = environment.background.add(options["background_hash"], request, count, delay)
    return True if queued else None


def _check(good: bool, option: str, words: str, given: Value) -> None:
    if not good:
        raise Fault(f'http() option "{option}" {words}, {literal(given)} given')


def _request(url: str, options: Options, get: Any, post: Any) -> Request | None:
    """What to send; ``None`` if the URL is none."""
    headers, body = _content(options, post)
    target = _target(url, list(arrays.values(get or [])))
    timeout, most, source = options["timeout"], options["max_file_size"], options["sourceip"]
    connecting, proxy = options["connect_timeout"], options["proxy"]
    method = options["method"] or ("GET" if body is None else "POST")
    _check(_METHOD.fullmatch(method) is not None, "method", "must be a method's name", method)
    _check(0 < connecting < float("inf"), "connect_timeout", _PERIOD, connecting)
    positive = timeout is None or 0 < timeout < float("inf")
    _check(positive, "timeout", _PERIOD, timeout)
    _check(most is None or most >= 0, "max_file_size", "must not be negative", most)
    addressed = source is None or pack_address(source) is not None
    _check(addressed, "sourceip", "must be an IP address", source)
    _check(options["redirects"] >= -1, "redirects", "must be -1 or more", options["redirects"])
    if proxy:
        from smtpgate.hsl.library.webroute import read_proxy

        _check(read_proxy(proxy) is not None, "proxy", "must be the URL of an HTTP proxy", proxy)
    if target is None:
        return None
    address, login = target
    if login is not None and "authorization" not in {name.lower() for name, _ in headers}:
        headers.append(("Authorization", login))
    limit = ACTIVE.limits.string
    return Request(
        method=method,
        url=address,
        headers=tuple(headers),
        body=body,
        connect_timeout=connecting,
        timeout=timeout,
        max_size=limit if most is None else min(most, limit),
        source=source,
        verify_peer=options["tls_verify_peer"],
        verify_host=options["tls_verify_host"],
        redirects=options["redirects"],
        proxy=proxy,
    )


def _content(options: Options, post: Any) -> tuple[list[tuple[str, str]], bytes | None]:
    """The header fields, and the body if there is one."""
    headers: list[tuple[str, str]] = []
    for text in arrays.values(options["headers"]):
        found = _FIELD.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise Fault('http() option "headers" must have strings such as "Name: value"')
        if found[1].lower() not in _OWN_FIELDS:
            headers.append((found[1], found[2]))
    named = {name.lower() for name, _ in headers}
    if "user-agent" not in named:
        headers.append(("User-Agent", f"smtpgate/{__version__}"))
    if post is None:
        return headers, None
    if "content-type" not in named:
        headers.append(("Content-Type", _FORM))
    if isinstance(post, str):
        return headers, post.encode("latin-1")
    fields = [(_octets(name), _octets(value)) for name, value in arrays.pairs(post)]
    return headers, urlencode(fields).encode("ascii")


def _octets(value: Any) -> bytes:
    if not isinstance(value, (str, float, int)):
        raise Fault(f"http() takes strings to send, {type_name(value)} given")
    return to_string(value).encode("latin-1")


def _target(url: str, values: list[Any]) -> tuple[str, str | None] | None:
    """The URL to ask, in ASCII and with ``values`` in it, and what its login says."""
    from hyperlink import EncodedURL

    def replace(place: re.Match[str]) -> str:
        number = int(place[1])
        return place[0] if number > len(values) else quote(_octets(values[number - 1]), safe="")

    text = _PLACE.sub(replace, url)
    if _NEVER_IN_URL.search(text):
        return None
    try:
        parsed = EncodedURL.from_text(text.encode("latin-1").decode("utf-8")).to_uri()
        login = None
        if parsed.userinfo:
            user, _, password = parsed.userinfo.partition(":")
            pair = f"{unquote(user, 'latin-1')}:{unquote(password, 'latin-1')}"
            login = f"Basic {b64encode(pair.encode('latin-1')).decode('ascii')}"
            parsed = parsed.replace(userinfo="")
        address = parsed.to_text()
    except (ValueError, TypeError):
        # UnicodeError and hyperlink's own are ValueErrors.
        return None
    reachable = bool(parsed.host) and 0 < (parsed.port or 0) < 65536
    if parsed.scheme not in ("http", "https") or not reachable or not address.isascii():
        return None
    return address, login


FUNCTIONS = (http,)
