"""What only shows when several keys are seen together.

The checks read the values as they came, so that they find their errors also in a
file that has others: whatever has the wrong type is somebody else's error.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from os.path import exists, isdir, realpath
from pathlib import Path
from typing import Any

from .document import Document
from .endpoints import Endpoint, parse_endpoint
from .errors import ConfigError, KeyPath, name_of, one_of, suggest
from .fields import unreadable

#: Mechanisms that the session speaks itself.
PASSWORD_MECHANISMS = ("PLAIN", "LOGIN", "SCRAM-SHA-256")
BUILT_IN_MECHANISMS = (*PASSWORD_MECHANISMS, "EXTERNAL")


def check(document: Document) -> Iterator[ConfigError]:
    """All errors between keys, in no order."""
    for found in _CHECKS:
        for path, message in found(document):
            yield document.error(path, message)


Findings = Iterator[tuple[KeyPath, str]]


def _table(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _certificates_of(server: dict[str, Any]) -> list[tuple[KeyPath, str]]:
    """The names of a server's certificates, each with its key below the server."""
    value = server.get("certificate", [])
    if isinstance(value, str):
        return [(("certificate",), value)]
    return [
        (("certificate", n), name) for n, name in enumerate(_list(value)) if isinstance(name, str)
    ]


def _ids(document: Document) -> Findings:
    seen: dict[str, int] = {}
    for index, server in document.servers():
        name = server.get("id")
        if not isinstance(name, str):
            continue
        if name in seen:
            other = document.lines.get(("servers", seen[name], "id"), 1)
            yield (
                ("servers", index, "id"),
                f"{name!r} is the id of the server on line {other} too, expected another name",
            )
        else:
            seen[name] = index


def _endpoints(document: Document) -> Findings:
    seen: list[tuple[Endpoint, KeyPath]] = []
    for index, server in document.servers():
        for number, listener in enumerate(_list(server.get("listeners"))):
            description = _table(listener).get("endpoint")
            if not isinstance(description, str):
                continue
            path = ("servers", index, "listeners", number, "endpoint")
            try:
                endpoint = parse_endpoint(description)
            except ValueError:
                continue
            for other, place in seen:
                if endpoint.collides(other):
                    line = document.lines.get(place, 1)
                    yield (
                        path,
                        f"{description!r} is taken by {name_of(place)} on line {line}, "
                        "expected an endpoint of its own",
                    )
                    break
            seen.append((endpoint, path))


def _unknown(what: str, name: str, known: dict[str, Any]) -> str:
    if not known:
        return f"{name!r} is no {what}, expected a table [{what}s.{name}]"
    close = suggest(name, known)
    question = f" (did you mean {close!r}?)" if close else ""
    return f"{name!r} is no {what}{question}, expected {one_of(repr(each) for each in known)}"


def _names(document: Document) -> Findings:
    """Transports and certificates that are spoken of exist."""
    transports = _table(document.values.get("transports"))
    certificates = _table(document.values.get("certificates"))
    for index, server in document.servers():
        transport = server.get("transport")
        if isinstance(transport, str) and transport not in transports:
            yield (
                ("servers", index, "transport"),
                _unknown("transport", transport, transports),
            )
        for path, name in _certificates_of(server):
            if name not in certificates:
                yield ("servers", index, *path), _unknown("certificate", name, certificates)
    for key, relay in transports.items():
        shown = _table(relay).get("certificate")
        if isinstance(shown, str) and shown not in certificates:
            yield ("transports", key, "certificate"), _unknown("certificate", shown, certificates)


def _certificates(document: Document) -> Findings:
    for name, table in _table(document.values.get("certificates")).items():
        if not isinstance(table, dict):
            continue
        path: KeyPath = ("certificates", name)
        has_certificate, has_key = "certificate" in table, "private_key" in table
        if has_certificate != has_key:
            present, absent = "certificate", "private_key"
            if has_key:
                present, absent = absent, present
            yield path, f"has `{present}` without `{absent}`, expected both or neither"
        elif not has_certificate and table.get("self_signed", False) is False:
            yield (
                path,
                ("has no files, expected `certificate` and `private_key`, or `self_signed = true`"),
            )


def _is_domain(host: object) -> bool:
    """Whether DNS may be asked for the mail servers of an entry of `hosts`."""
    if not isinstance(host, str):
        return True  # somebody else's error
    return ":" not in host and not host.replace(".", "").isdigit()


def _relays(document: Document) -> Findings:
    for name, table in _table(document.values.get("transports")).items():
        if not isinstance(table, dict) or table.get("type") not in ("smtp", "lmtp"):
            continue
        path: KeyPath = ("transports", name)
        by_mx = table.get("mx") is True and table["type"] == "smtp"
        if by_mx and not any(_is_domain(host) for host in _list(table.get("hosts"))):
            yield (
                (*path, "mx"),
                "is true, but no host is a name without a port, expected one in `hosts`",
            )
        login = table.get("auth")
        verified = table.get("tls", "opportunistic") in ("required", "implicit")
        if table.get("pass_auth") is True and not verified:
            yield (
                (*path, "pass_auth"),
                (
                    "would send passwords without verified TLS, "
                    'expected `tls = "required"` or `tls = "implicit"`'
                ),
            )
        if isinstance(login, dict) and not verified and login.get("in_clear") is not True:
            yield (
                (*path, "auth"),
                (
                    "would send the password without verified TLS, "
                    'expected `tls = "required"` or `tls = "implicit"`'
                ),
            )


def _maildirs(document: Document) -> Findings:
    for name, table in _table(document.values.get("transports")).items():
        path = _table(table).get("path")
        if not isinstance(path, str):
            continue
        for place in re.findall(r"\{[^{}]*\}", path):
            if place not in ("{user}", "{domain}"):
                yield (
                    ("transports", name, "path"),
                    f"has {place!r} in it, expected '{{user}}' or '{{domain}}'",
                )
                break


def _tls(document: Document) -> Findings:
    for index, server in document.servers():
        if server.get("certificate", []) != []:
            continue
        for number, listener in enumerate(_list(server.get("listeners"))):
            if _table(listener).get("tls") == "implicit":
                yield (
                    ("servers", index, "listeners", number, "tls"),
                    "is 'implicit', but the server has no certificate, "
                    "expected `certificate = NAME` in the server",
                )


def _auth(document: Document) -> Findings:
    certificates = _table(document.values.get("certificates"))
    for index, server in document.servers():
        auth = server.get("auth")
        if not isinstance(auth, dict):
            continue
        path: KeyPath = ("servers", index, "auth")
        by_script = "auth" in _table(server.get("hooks"))
        names = _certificates_of(server)
        mechanisms = auth.get("mechanisms", ["PLAIN", "LOGIN"])
        if mechanisms == []:
            yield (*path, "mechanisms"), "is empty, expected at least one SASL mechanism"
        for number, mechanism in enumerate(_list(mechanisms)):
            place: KeyPath = (*path, "mechanisms", number)
            if mechanism in _list(mechanisms)[:number]:
                yield place, f"{mechanism!r} is listed twice, expected each mechanism once"
            elif mechanism in PASSWORD_MECHANISMS:
                if "users" not in document.values and not (
                    by_script and mechanism != "SCRAM-SHA-256"
                ):
                    yield place, f"{mechanism!r} needs accounts, expected a table [users]"
            elif mechanism == "EXTERNAL":
                if not any("client_ca" in _table(certificates.get(name)) for _, name in names):
                    yield (
                        place,
                        (
                            "'EXTERNAL' needs client certificates, "
                            "expected a certificate with `client_ca`"
                        ),
                    )
            elif isinstance(mechanism, str) and not by_script:
                close = suggest(mechanism, BUILT_IN_MECHANISMS)
                question = f" (did you mean {close!r}?)" if close else ""
                yield (
                    place,
                    (
                        f"{mechanism!r} is not built in{question}, expected "
                        f"{one_of(BUILT_IN_MECHANISMS)}, or an auth hook that serves it"
                    ),
                )
        if auth.get("require_tls", True) is True and server.get("certificate", []) == []:
            yield (
                path,
                (
                    "is never offered: it requires TLS, and the server has no certificate, "
                    "expected `certificate = NAME` or `require_tls = false`"
                ),
            )


def _scripts(document: Document) -> Findings:
    root = document.places.scripts
    if isinstance(document.values.get("scripts"), str) and not isdir(root):
        # Nothing is below it: that is said once, whatever the hooks name.
        fault = "is no directory" if exists(root) else "does not exist"
        yield ("scripts",), f"{root} {fault}, expected a directory"
        return
    for named in document.scripts():
        problem = _script_problem(root, named.script)
        if problem is not None:
            yield named.key, problem


def _script_problem(root: Path, script: str) -> str | None:
    if not script or "\0" in script:
        return f"is {script!r}, expected the path of a script"
    if not isdir(root):
        return f"{script!r} is not there: {root} is no directory, expected `scripts` to be one"
    file = root / script
    if not Path(realpath(file)).is_relative_to(realpath(root)):
        return f"{script!r} is outside of {root}, expected a path below it"
    if not exists(file):
        known = [str(each.relative_to(root)) for each in root.rglob("*.hsl")]
        close = suggest(script, known)
        question = f" (did you mean {close!r}?)" if close else ""
        return f"{file} does not exist{question}, expected a script"
    return unreadable(file, "script")


_CHECKS: tuple[Callable[[Document], Findings], ...] = (
    _ids,
    _endpoints,
    _names,
    _certificates,
    _relays,
    _maildirs,
    _tls,
    _auth,
    _scripts,
)
