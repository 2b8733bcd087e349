"""Transcripts of SMTP sessions: read, then played against a server.

A transcript has a head and lines::

    # what it shows
    script: xclient.hsl            a file of etc/scripts, or indented lines below; one in a
                                   directory runs at the hook that the directory is named after
    hook: rcptto                   where it runs, if not at the proxy hook
    commands: XCLIENT MAIL         all, first or verbs
    client: 10.0.0.7 50000         the client's address, and its port if that matters
    users: jo=secret               accounts for AUTH
    mechanisms: CRAM               SASL mechanisms, if not PLAIN and LOGIN
    transports: lists              names of other transports than local
    dns: a.example.net=192.0.2.1   what name servers know
    tls: yes                       STARTTLS is offered

    S: 220 gw.example.org ESMTP    the server says exactly this; <...> stands for any text
    S: ...                         the rest of this reply, whatever it is
    C: NOOP                        the client says this; lines in a row go out together
    -- after 5 seconds             time passes
    -- tls                         the handshake
    -- closed                      the server has closed the connection
    -- leaves                      the client goes
    -- error: text                 a script failed, and the log says this
    -- mail from <a> to <b>, <c>   a message with this envelope was accepted

Whatever the server says and the transcript does not is an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import dedent

from tests.support.session import EXAMPLES, Session

ANYTHING = "<...>"
REST = "..."


@dataclass
class Transcript:
    """A transcript that was read."""

    head: dict[str, str] = field(default_factory=dict)
    steps: list[tuple[int, str, str]] = field(default_factory=list)


class Mismatch(AssertionError):
    """The session did not go as the transcript says."""


def parse(text: str) -> Transcript:
    """Read a transcript.

    :raises ValueError: with the line, when it is none
    """
    found = Transcript()
    lines = text.splitlines()
    key = None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            if key is not None:
                found.head[key] += "\n"
            continue
        if key is not None and line[0] in " \t":
            found.head[key] += line.strip("\r") + "\n"
            continue
        key = None
        if line.startswith("#"):
            continue
        kind, separator, rest = line.partition(" ")
        if kind in ("S:", "C:", "--"):
            found.steps.append((number, kind, rest if separator else ""))
        elif kind.endswith(":") and kind[:-1].isalpha() and not found.steps:
            found.head[kind[:-1]] = rest.strip()
            key = None if rest.strip() else kind[:-1]
        else:
            raise ValueError(f"line {number} is no line of a transcript: {line}")
    if not found.steps:
        raise ValueError("a transcript without a dialogue")
    return found


def hook_of(name: str) -> str:
    """Where a file of etc/scripts belongs."""
    directory = Path(name).parent.name
    return directory or "proxy"


def session(
    transcript: Transcript, script: str | None = None, commands=None, hook: str = "proxy"
) -> Session:
    """The session that a transcript's head asks for."""
    head = dict(transcript.head)
    name = "proxy.hsl"
    source = head.pop("script", script)
    hook = head.pop("hook", hook)
    if source is not None and source.endswith(".hsl"):
        name = source
        hook = hook_of(name)
        source = (EXAMPLES / name).read_text("latin-1")
    elif source is not None:
        source = dedent(source)
    words = head.pop("commands", "all").split()
    if commands is None:
        commands = words[0] if words in (["all"], ["first"]) else words
    address, _, port = head.pop("client", "192.0.2.7 41666").partition(" ")
    settings = {}
    if head.pop("tls", "no") == "yes":
        settings["tls"] = object()
    if "mechanisms" in head:
        settings["mechanisms"] = tuple(head.pop("mechanisms").split())
    settings["transports"] = head.pop("transports", "").split()
    known = dict(pair.split("=", 1) for pair in head.pop("dns", "").split())
    settings["records"] = {(host, "A"): (found,) for host, found in known.items()}
    if hook != "proxy" and source is not None:
        settings["hooks"] = {hook: source}
        source = None
    users = dict(pair.split("=", 1) for pair in head.pop("users", "").split())
    if head:
        raise ValueError(f"unknown keys in the head of a transcript: {', '.join(head)}")
    return Session(
        source,
        commands=commands,
        name=name,
        client=(address, int(port or 41666)),
        users=users,
        **settings,
    )


class Player:
    """Plays a transcript.  Everything the server says has to be expected."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.said = session.replies()
        self.spoken: list[str] = []
        self.mail = 0

    def play(self, transcript: Transcript) -> None:
        """Play all steps; then neither words, errors nor mail may be left.

        :raises Mismatch: where the session goes another way
        """
        number = 0
        for number, kind, text in transcript.steps:
            if kind == "C:":
                self._silence(number, flush=False)
                self.spoken.append(text)
                continue
            self._speak()
            if kind == "S:":
                self._expect(number, text)
            else:
                self._silence(number)
                self._direct(number, text)
        self._speak()
        self._silence(number)
        if self.session.errors:
            raise Mismatch(f"a script failed: {self.session.errors[0]}")
        for failure in self.session.troubles:
            raise Mismatch(failure.getTraceback())

    def _speak(self) -> None:
        if self.spoken:
            spoken, self.spoken = self.spoken, []
            self.said += self.session.send(*spoken)

    def _silence(self, number: int, flush: bool = True) -> None:
        if self.said:
            raise Mismatch(f"line {number}: the server says more: {self.said}")

    def _expect(self, number: int, text: str) -> None:
        if not self.said:
            problems = [str(error) for error in self.session.errors]
            raise Mismatch(f"line {number}: silence instead of: {text} {problems}")
        if text == REST:
            while self.said and self.said.pop(0)[3:4] == "-":
                pass
            return
        said = self.said.pop(0)
        pattern = ".*".join(re.escape(part) for part in text.split(ANYTHING))
        if not re.fullmatch(pattern, said, re.DOTALL):
            problems = [str(error) for error in self.session.errors]
            raise Mismatch(f"line {number}: expected {text!r}, the server said {said!r} {problems}")

    def _direct(self, number: int, text: str) -> None:
        words = text.split()
        match words:
            case ["after", seconds, "second" | "seconds"]:
                self.said += self.session.advance(float(seconds))
            case ["tls"]:
                self.said += self.session.shake_hands()
            case ["closed"]:
                if not self.session.closed:
                    raise Mismatch(f"line {number}: the connection is still open")
            case ["leaves"]:
                self.session.leave()
            case ["error:", *_]:
                errors = self.session.errors
                expected = text.partition(" ")[2]
                said = str(errors.pop(0)) if errors else "nothing"
                if said != expected:
                    raise Mismatch(f"line {number}: expected error {expected!r}, logged: {said!r}")
            case ["mail", "from", _, "to", *_]:
                self._expect_mail(number, text)
            case _:
                raise ValueError(f"line {number}: no such direction: {text}")

    def _expect_mail(self, number: int, text: str) -> None:
        if self.mail >= len(self.session.mail):
            raise Mismatch(f"line {number}: no mail was accepted")
        mail = self.session.mail[self.mail]
        self.mail += 1
        to = ", ".join(f"<{recipient}>" for recipient in mail.recipients)
        accepted = f"mail from <{mail.sender or ''}> to {to}"
        if accepted != text:
            raise Mismatch(f"line {number}: expected {text!r}, accepted: {accepted!r}")


def play(text: str, script: str | None = None, commands=None, hook: str = "proxy") -> Session:
    """Play a transcript; the session, for whoever wants to look closer."""
    transcript = parse(text)
    played = session(transcript, script, commands, hook)
    try:
        Player(played).play(transcript)
    finally:
        played.leave()
    return played
