"""Proxy scripts that say yes to a command which the server then never sees.

The client goes on as if the server had begun a transaction, a message or a TLS handshake;
the server has not.  Scripts are tried with lines of such commands and with others: a yes that
only the former get is one that somebody meant for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from smtpgate.hooks.commands import Commands
from smtpgate.hsl.builtin import Builtin
from smtpgate.hsl.checks.sampling import Reached, reached
from smtpgate.hsl.constants import UNKNOWN
from smtpgate.hsl.runtime.environment import Check, Remark
from smtpgate.hsl.scopes import Resolution
from smtpgate.hsl.values import Map

#: Lines by verb whose yes changes what comes next.
SAMPLES = {
    "MAIL": ("MAIL FROM:<jo@example.org>", "MAIL FROM:<jo@example.org> SIZE=1000", "mail from: <>"),
    "RCPT": ("RCPT TO:<jo@example.org>", "rcpt to: <jo@example.org>"),
    "DATA": ("DATA", "data"),
    "BDAT": ("BDAT 1000 LAST", "bdat 1000"),
    "RSET": ("RSET", "rset"),
    "STARTTLS": ("STARTTLS", "starttls"),
}
#: Lines that a yes meant for one of those does not go to.
_OTHERS = ("NOOP", "X", "XVERB with words", "noop")


def positive_replies(*settings: Commands) -> Check:
    """A warning about each Reply() that says yes.

    :param settings: when the servers that have the script ask it; "all" if there are none
    """
    asked = {narrow(commands) for commands in settings or ("all",)}

    def check(resolution: Resolution, functions: Mapping[str, Builtin]) -> Iterable[Remark]:
        if not any("Reply" in program.source for program in resolution.programs):
            return

        @cache
        def yes(line: str) -> dict[int, Reached]:
            variables = {"command": line, "arguments": Map(command=line)}
            found = reached(resolution, functions, variables)
            return {id(each.call): each for each in found if _says_yes(each)}

        said: dict[int, tuple[Reached, set[str]]] = {}
        for verbs in asked:
            # A script that is asked about nothing else means those.
            others = _OTHERS if verbs is None else ()
            general = {key for line in others for key in yes(line)}
            for verb in SAMPLES if verbs is None else verbs:
                for line in SAMPLES[verb]:
                    for key, each in yes(line).items():
                        if key not in general:
                            said.setdefault(key, (each, set()))[1].add(verb)
        for each, words in said.values():
            yield Remark(
                each.call.position,
                f"Reply() says yes to {_listed([verb for verb in SAMPLES if verb in words])}, "
                "which the server never sees: Pass() it to accept it",
            )

    return check


def narrow(commands: Commands) -> frozenset[str] | None:
    """The verbs of a setting when all of them are among the samples; else None."""
    if isinstance(commands, str):
        return None
    verbs = frozenset(verb.upper() for verb in commands)
    return verbs if verbs and verbs <= set(SAMPLES) else None


def _says_yes(each: Reached) -> bool:
    """Whether a reply is certainly positive, and the session goes on."""
    if each.name != "Reply":
        return False
    options = each.arguments[1] if len(each.arguments) > 1 else Map()
    if not options:
        return True
    if not isinstance(options, Map) or options.get("disconnect", False) is not False:
        return False
    codes = options.get("reply_codes")
    if not codes:
        return True
    code: Any = codes.get("code", 250.0) if isinstance(codes, Map) else UNKNOWN
    return isinstance(code, (int, float)) and (200 <= code < 300 or code == 354)


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
