"""The kinds of values that a configuration has, each with the words for what is expected."""

from __future__ import annotations

import re
import stat
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from os.path import normpath, realpath
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from .endpoints import parse_endpoint

Network = IPv4Network | IPv6Network

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_MECHANISM = re.compile(r"[A-Z0-9_-]{1,20}")
_VERB = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@-]*")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a value should be, as the second half of an error sentence: "a host name"."""

    words: str


@dataclass(frozen=True, slots=True)
class Places:
    """What relative paths are relative to; validators find it as their context."""

    directory: Path
    state: Path
    scripts: Path


def below(base: Path, path: str) -> Path:
    """A path as the configuration has it, relative to a place; without ``..`` where that is the
    same.

    :raises ValueError: for what is no path
    """
    if not path or "\0" in path:
        raise ValueError(f"is {path!r}, expected a path")
    try:
        found = base / Path(path).expanduser()
    except RuntimeError:
        raise ValueError(f"is {path!r}, expected a home directory that there is") from None
    plain = Path(normpath(found))
    # Behind a symbolic link `..` is somewhere else.
    return plain if realpath(plain) == realpath(found) else found


def wrong(message: str) -> PydanticCustomError:
    """An error with our own whole sentence."""
    # The template has no fields of its own: braces in a value must not be taken for one.
    return PydanticCustomError("smtpgate", "{message}", {"message": message})


def checked(pattern: re.Pattern[str], expected: str) -> AfterValidator:
    """A string that has to match as a whole."""

    def check(value: str) -> str:
        if not pattern.fullmatch(value):
            raise wrong(f"is {value!r}, expected {expected}")
        return value

    return AfterValidator(check)


def _hostname(value: str) -> str:
    if len(value) > 253 or not all(_LABEL.fullmatch(label) for label in value.split(".")):
        raise wrong(f"is {value!r}, expected a host name such as 'gw.example.org'")
    return value


def _network(value: object) -> Network:
    if not isinstance(value, str):
        raise wrong(f"is {describe(value)}, expected a network such as '10.0.0.0/8'")
    try:
        return ip_network(value)
    except ValueError:
        pass
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        raise wrong(f"is {value!r}, expected a network such as '10.0.0.0/8'") from None
    raise wrong(f"{value!r} has bits set behind its prefix, expected '{network}'")


def _port(host: str) -> tuple[str, int | None]:
    """``name``, ``name:port``, ``[::1]:port``, ``::1``: the host and its port, if it has one."""
    if host.startswith("["):
        name, bracket, rest = host[1:].partition("]")
        if bracket and (not rest or rest[0] == ":"):
            return name, int(rest[1:]) if rest else None
        raise ValueError(host)
    if host.count(":") > 1:
        return host, None
    name, colon, port = host.partition(":")
    return name, int(port) if colon else None


def _next_host(value: str) -> str:
    try:
        name, port = _port(value)
        if port is not None and not 0 < port < 65536:
            raise ValueError(port)
        if ":" in name:
            ip_address(name)
        else:
            _hostname(name)
    except (ValueError, PydanticCustomError):
        raise wrong(
            f"is {value!r}, expected a host or HOST:PORT such as '127.0.0.1:2526' or '[::1]:25'"
        ) from None
    return value


def split_host(value: str, default_port: int) -> tuple[str, int]:
    """A checked entry of ``hosts`` as (host, port).

    :raises ValueError: when it is none
    """
    name, port = _port(value)
    return name, default_port if port is None else port


def _endpoint(value: str) -> str:
    try:
        parse_endpoint(value)
    except ValueError as error:
        raise wrong(str(error)) from None
    return value


def _relative_to(place: str) -> BeforeValidator:
    def resolve(value: object, info: ValidationInfo) -> object:
        if isinstance(value, Path):  # a default
            value = str(value)
        if not isinstance(value, str):
            return value
        base: Path = getattr(info.context, place)
        try:
            return below(base, value)
        except ValueError as error:
            raise wrong(str(error)) from None

    return BeforeValidator(resolve)


def unreadable(path: Path, kind: str) -> str | None:
    """What keeps a file from being read, as a sentence; None when nothing does.

    :param kind: what is expected: a file, or what sort of one
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return f"{path} is no file, expected a {kind}"
        with path.open("rb"):
            return None
    except (FileNotFoundError, NotADirectoryError):
        return f"{path} does not exist, expected a {kind}"
    except OSError as error:
        words = (error.strerror or "failed").lower()
        return f"{path} cannot be read ({words}), expected a readable {kind}"


def _file(path: Path) -> Path:
    problem = unreadable(path, "file")
    if problem is not None:
        raise wrong(problem)
    return path


def _listed(value: object) -> object:
    """One name stands for a list of one."""
    return [value] if isinstance(value, str) else value


def _verbs(value: object) -> object:
    words = "expected \"all\", \"first\" or a list of commands such as ['MAIL', 'RCPT']"
    if value in ("all", "first"):
        return value
    if not isinstance(value, list):
        raise wrong(f"is {describe(value)}, {words}")
    if not value:
        raise wrong(f"is an empty list, {words}")
    for verb in value:
        if not isinstance(verb, str) or not _VERB.fullmatch(verb):
            raise wrong(f"contains {describe(verb)}, {words}")
    return [verb.upper() for verb in value]


def describe(value: object) -> str:
    """A TOML value in an error sentence: its kind, and itself when it is short."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return repr(value) if len(value) <= 60 else "a long string"
        case int() | float():
            return f"the number {value}"
        case list():
            return "a list"
        case dict():
            return "a table"
    return "a date or time"


Hostname = Annotated[
    str, AfterValidator(_hostname), Expected("a host name such as 'gw.example.org'")
]
NetworkField = Annotated[
    Network, PlainValidator(_network), Expected("a network such as '10.0.0.0/8'")
]
NextHost = Annotated[str, AfterValidator(_next_host), Expected("a host or HOST:PORT")]
Endpoint = Annotated[
    str, AfterValidator(_endpoint), Expected("an endpoint such as 'tcp:25:interface=127.0.0.1'")
]
ServerId = Annotated[
    str,
    checked(_NAME, "a name of letters, digits and _ . : @ -"),
    Expected("a name of letters, digits and _ . : @ -"),
]
Mechanism = Annotated[
    str,
    checked(_MECHANISM, "a SASL mechanism in capitals such as 'PLAIN'"),
    Expected("a SASL mechanism in capitals such as 'PLAIN'"),
]
Directory = Annotated[Path, _relative_to("directory"), Expected("a path")]
StatePath = Annotated[Path, _relative_to("state"), Expected("a path")]
ExistingFile = Annotated[
    Path, _relative_to("directory"), AfterValidator(_file), Expected("the path of a file")
]
Script = Annotated[str, Expected("the path of a script below `scripts`")]
Verbs = Annotated[
    str | list[str],
    PlainValidator(_verbs),
    Expected('"all", "first" or a list of commands'),
]
Names = Annotated[list[str], BeforeValidator(_listed), Expected("a name or a list of names")]
