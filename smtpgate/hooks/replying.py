"""A reply from a script's words: ``reason`` and the option ``reply_codes``.

Every hook function that answers the client (Reply in the proxy hook, Reject
and Defer in the others) takes these two, and they mean the same everywhere.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, TypeAlias

from smtpgate.hsl.builtin import ARRAY, BOOLEAN, Option
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.values import Array, Map, Value, arrays, format_number, to_string, type_name
from smtpgate.smtp.refusal import EnhancedCode
from smtpgate.smtp.reply import Reply

#: Octets of one reply line, its end included: RFC 5321 4.5.3.1.5.
LONGEST_LINE = 512

#: Octets of a whole reason, each item of an array counted with a line end: nobody reads
#: more, and everybody would have to wait for it.
LONGEST_REASON = 65536

#: An option of every function that answers.
DISCONNECT = Option((BOOLEAN,), False, "Disconnect the client when the reply is written")

#: The least and the greatest code that a function may be told to answer with.
Kind: TypeAlias = tuple[int, int]
ANY: Kind = (200, 599)
POSITIVE: Kind = (200, 299)
CONTINUING: Kind = (300, 399)
NEGATIVE: Kind = (400, 599)


def reply_codes(kind: Kind) -> Option:
    """The option of a function that may answer with some codes."""
    return Option(
        (ARRAY,),
        None,
        f'The reply\'s codes: ``"code"``, a number from {kind[0]} to {kind[1]}, and '
        '``"enhanced"``, an array of three numbers, or none for no enhanced code',
    )


#: What is said where a script gives a code and no reason.
_TEXTS = {
    211: "System status",
    214: "No help here",
    220: "Ready",
    221: "Goodbye",
    235: "Authentication succeeded",
    251: "Recipient not local, will forward",
    252: "Cannot verify, but will take a message and try",
    334: "",
    354: "Start mail input, end with <CRLF>.<CRLF>",
    421: "Service not available, closing connection",
    432: "A password transition is needed",
    450: "Not available now, try again later",
    451: "Local problem, try again later",
    452: "Out of resources, try again later",
    454: "Temporary authentication failure",
    455: "Cannot accommodate the parameters now",
    500: "Command not recognised",
    501: "Syntax error in arguments",
    502: "Command not implemented",
    503: "Bad sequence of commands",
    504: "Parameter not implemented",
    521: "This server does not accept mail",
    530: "Authentication required",
    534: "Authentication mechanism is too weak",
    535: "Authentication failed",
    538: "Encryption required",
    550: "Not available",
    551: "Recipient not local",
    552: "Message too large",
    553: "Mailbox name not allowed",
    554: "Transaction failed",
    555: "Parameters not recognised",
    556: "The domain does not accept mail",
}
_TEXTS_BY_CLASS = {2: "OK", 3: "Go on", 4: "Try again later", 5: "Refused"}


def default_text(code: int) -> str:
    """The words for a code that a script gave without any."""
    text = _TEXTS.get(code)
    return _TEXTS_BY_CLASS[code // 100] if text is None else text


def make_reply(
    function: str,
    reason: str | Array | None,
    codes: Array | None,
    *,
    code: int,
    usual: EnhancedCode | None = None,
    disconnect: bool = False,
    kind: Kind = ANY,
    bare: bool = False,
) -> Reply:
    """The reply that a script asks for.

    LF in the reason, and each item of an array, starts a line; other control
    characters can not break a line.  A line longer than RFC 5321 allows goes
    on in the next one.  Code 421 closes the connection, that is what it says
    (RFC 5321 4.2.3).

    :param function: its name, for messages
    :param reason: none for words that suit the code
    :param codes: the option ``reply_codes``
    :param code: where ``codes`` has none
    :param usual: what belongs to that code here, where ``codes`` has no enhanced code
    :param kind: the codes that may be chosen
    :param bare: without an enhanced code where ``codes`` has none, as RFC 2034 4 wants
        it of the greeting and of the answer to EHLO
    :raises Fault: for codes out of range, and a reason that is no text or too long
    """
    chosen, enhanced = read_codes(function, codes, code, kind, bare, usual)
    lines = _lines(function, reason)
    reply = Reply.of(
        chosen,
        default_text(chosen) if lines is None else lines,
        enhanced,
        disconnect or chosen == 421,
    )
    # 3xx is left alone: a challenge is one word, and its limit is another (RFC 4954 4).
    prefix = 6 if enhanced is None else 7 + len(_dotted(enhanced))
    room = LONGEST_LINE - prefix
    if chosen // 100 == 3 or all(len(line) <= room for line in reply.lines):
        return reply
    folded = tuple(part for line in reply.lines for part in _fold(line, room))
    return Reply(chosen, folded, enhanced, reply.close)


def read_codes(
    function: str,
    codes: Array | None,
    code: int,
    kind: Kind = ANY,
    bare: bool = False,
    usual: EnhancedCode | None = None,
) -> tuple[int, EnhancedCode | None]:
    """The reply code and the enhanced code of an option ``reply_codes``.

    :raises Fault: for a key, a type or a number that it can not have
    """
    what = f'{function}() option "reply_codes"'
    enhanced: Any = ...
    usually = code
    if codes:
        if not isinstance(codes, Map):
            raise Fault(
                f'{function}() option "reply_codes" must have the keys "code" and "enhanced"'
            )
        for key, value in codes.items():
            if key == "code":
                code = _code(function, value, kind)
            elif key == "enhanced":
                enhanced = value
            else:
                near = get_close_matches(str(key), ("code", "enhanced"), 1)
                hint = f', did you mean "{near[0]}"?' if near else ""
                raise Fault(f'{what} has no key "{key}"{hint}')
    if enhanced is ...:
        # RFC 2034 4: enhanced codes go with 2xx, 4xx and 5xx.
        if bare or code // 100 == 3:
            return code, None
        # RFC 3463 3.1: x.0.0 where no more than the class is known.
        return code, usual if usual and code == usually else (code // 100, 0, 0)
    return code, None if enhanced is None else _enhanced(function, enhanced, code)


def _code(function: str, value: Value, kind: Kind) -> int:
    what = f'{function}() option "reply_codes" key "code"'
    if type_name(value) != "number":
        raise Fault(f"{what} must be a number, {type_name(value)} given")
    least, most = kind
    if not least <= value <= most or value != int(value):
        raise Fault(
            f"{what} must be a whole number from {least} to {most}, {format_number(value)} given"
        )
    return int(value)


def _enhanced(function: str, value: Value, code: int) -> EnhancedCode:
    what = f'{function}() option "reply_codes" key "enhanced"'
    if not isinstance(value, (list, Map)):
        raise Fault(f"{what} must be an array, {type_name(value)} given")
    parts = list(arrays.values(value))
    if len(parts) != 3 or not all(_is_part(part) for part in parts):
        given = to_string(value)
        raise Fault(f"{what} must be three whole numbers from 0 to 999, {given} given")
    first, second, third = (int(part) for part in parts)
    if first != code // 100:
        given = f"{first}.{second}.{third}"
        raise Fault(f"{what} must begin with {code // 100} for code {code}, {given} given")
    return first, second, third


def _is_part(value: Value) -> bool:
    return type_name(value) == "number" and 0 <= value <= 999 and value == int(value)


def _lines(function: str, reason: str | Array | None) -> list[str] | None:
    if reason is None:
        return None
    lines = [reason] if isinstance(reason, str) else _items(function, reason)
    size = sum(map(len, lines)) + len(lines) - 1
    if size > LONGEST_REASON:
        raise Fault(
            f'{function}() parameter "reason" must be at most {LONGEST_REASON} octets, {size} given'
        )
    return lines or None


def _items(function: str, reason: Array) -> list[str]:
    for key, item in arrays.pairs(reason):
        if type_name(item) not in ("string", "number"):
            raise Fault(
                f'{function}() parameter "reason" must hold strings or numbers, '
                f'{type_name(item)} given for key "{key}"'
            )
    return [to_string(item) for item in arrays.values(reason)]


def _fold(line: str, room: int) -> list[str]:
    """The line in pieces of at most ``room`` octets, cut at blanks where it has some."""
    pieces = []
    start = 0
    while len(line) - start > room:
        blank = line.rfind(" ", start + room // 2, start + room + 1)
        end = start + room if blank < 0 else blank
        pieces.append(line[start:end])
        start = end if blank < 0 else end + 1
    return [*pieces, line[start:]]


def _dotted(enhanced: EnhancedCode) -> str:
    return "{}.{}.{}".format(*enhanced)
