"""Calling library functions as a script does, without a script."""

from __future__ import annotations

from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from twisted.internet.task import Clock

from smtpgate.hsl.builtin import BuiltinClass
from smtpgate.hsl.runtime.environment import Environment
from smtpgate.hsl.sources import ScriptRoot
from smtpgate.hsl.values import Function, Map
from tests.support.network import Names, Pages
from tests.support.signers import certificate, private_octets, public_octets
from tests.support.vectors import nist_key


class Running:
    """What the library sees of an execution; Deferreds it settles have fired already."""

    def __init__(self, **given: Any) -> None:
        self.clock: Any = Clock()
        self.environment = Environment(self.clock, **given)
        self.turns = 0

    def slow_by(self, seconds: float) -> None:
        """Let each look at the clock be ``seconds`` later than the last."""
        times = count(self.clock.seconds(), seconds)
        self.clock.seconds = lambda: next(times)

    def give_way(self) -> None:
        self.turns += 1

    def settle(self, answer: Any) -> Any:
        if not hasattr(answer, "addCallbacks"):
            return answer
        results: list[Any] = []
        answer.addCallback(results.append)
        return results[0]


def call(function: Any, *arguments: Any, running: Any = None, this: Any = None) -> Any:
    """Call a library function with a script's arguments."""
    function.check_arity(len(arguments))
    leading = [this] if function.needs_object else []
    if function.needs_execution:
        leading.append(running if running is not None else Running())
    return function.code(*leading, *arguments)


def method(this: Any, name: str, *arguments: Any, running: Any = None) -> Any:
    """Call a method of a library object."""
    made = BuiltinClass(type(this)).methods[name]
    return call(made, *arguments, running=running, this=this)


def script_function(code: Any, count: int) -> Function:
    """A function value of ``count`` parameters."""
    return Function("", code, count, count)


def options(**given: Any) -> Map:
    """An options array."""
    return Map(given)


class Mailer:
    """Takes messages in, and forgets them."""

    def submit(self, *_arguments: Any) -> str:
        return "message-1"


@lru_cache(maxsize=1)
def manual_keys() -> dict[str, str]:
    """The manual's keys, by file name: PEM as ``openssl`` writes it."""
    key = nist_key()
    private = private_octets(key, "PEM", "PKCS8")
    return {
        "key.pem": private,
        "public.pem": public_octets(key, "PEM", "SubjectPublicKeyInfo"),
        "mail.pem": certificate(key, "mail.example.org") + private,
    }


def furnished(clock: Any, folder: str, **given: Any) -> Environment:
    """An environment with every capability; its files, in a new folder, are the manual's."""
    root = Path(folder)
    root.mkdir(parents=True)
    (root / "blocked.txt").write_text("spam.example\njunk.example\n")
    (root / "hosts.csv").write_text("ip,comment\n192.0.2.1,mail server\n")
    for name, text in manual_keys().items():
        (root / name).write_text(text)
    return Environment(
        clock,
        files=ScriptRoot(root),
        serial="gateway-17",
        statistics=lambda _name, _numbers: None,
        mailer=Mailer(),
        resolver=Names(),
        web=Pages(),
        **given,
    )
