"""What a hook decides: the functions that end a script with a decision."""

from __future__ import annotations

from smtpgate.hooks.replying import ANY, DISCONNECT, make_reply, reply_codes
from smtpgate.hsl.builtin import (
    BOOLEAN,
    NO_OPTIONS,
    STRING,
    Array,
    Nothing,
    Option,
    Options,
    String,
    builtin,
)
from smtpgate.hsl.errors import Fault
from smtpgate.smtp import reply
from smtpgate.smtp.server import policy

#: Octets of the longest line that the state machine can be given: an answer to an AUTH
#: challenge without its CRLF, RFC 4954 4.
LONGEST_COMMAND = 12286

#: The line as it came, to the state machine.
PASS = policy.AS_IT_CAME

_NEXT = Option((BOOLEAN,), False, "Have the very next line as well, whatever it is")


@builtin(
    "Pass",
    options={
        "command": Option((STRING,), None, "The line to pass. The default is ``$command``"),
        "next": _NEXT,
    },
    terminates=True,
)
def proxy_pass(options: Options = NO_OPTIONS) -> policy.Pass:
    """Give the line to the SMTP server, as if the client had sent it."""
    command = options["command"]
    if command is None:
        return policy.Pass(next=True) if options["next"] else PASS
    return policy.Pass(_line(command), options["next"])


@builtin(
    "Reply",
    options={"disconnect": DISCONNECT, "reply_codes": reply_codes(ANY), "next": _NEXT},
    terminates=True,
)
def proxy_reply(
    reason: String | Array | Nothing = None,
    options: Options = NO_OPTIONS,
) -> policy.Answer:
    """Answer the client; the SMTP server never sees the line."""
    answer = make_reply(
        "Reply",
        reason,
        options["reply_codes"],
        code=250,
        disconnect=options["disconnect"],
    )
    return policy.Answer(answer, options["next"])


def _line(command: str) -> bytes:
    if "\r" in command or "\n" in command or "\0" in command:
        raise Fault('Pass() option "command" must not contain CR, LF or NUL')
    line = reply.octets(command)
    if len(line) > LONGEST_COMMAND:
        raise Fault(
            f'Pass() option "command" must be at most {LONGEST_COMMAND} octets, {len(line)} given'
        )
    return line
