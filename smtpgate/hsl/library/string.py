"""Functions on strings.

A string is a row of octets: no function here knows a character set beyond
US-ASCII.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smtpgate.hsl.builtin import Array, Integer, Number, String, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits import ACTIVE
from smtpgate.hsl.limits.bounds import check_array, check_string, rewritten
from smtpgate.hsl.limits.turns import LONG, MANY, pause, pieces
from smtpgate.hsl.values import ascii_lower


@builtin("chr")
def character(number: Integer) -> String:
    """The octet with a number; the opposite of :func:`ord`.

    :param number number: 0 to 255
    :return: a string of one octet
    :rtype: string

    .. code-block:: hsl

       echo chr(65); // => A
    """
    if not 0 <= number <= 255:
        raise Fault(f'chr() parameter "number" must be 0 to 255, {number} given')
    return chr(number)


@builtin("ord")
def ordinal(character: String) -> Number:
    """The number of an octet; the opposite of :func:`chr`.

    :param string character: a string, of which the first octet counts
    :return: 0 to 255
    :rtype: number

    .. code-block:: hsl

       echo ord("A"); // => 65
    """
    if not character:
        raise Fault('ord() parameter "character" must not be empty')
    return ord(character[0])


@builtin("str_find", aliases=("strpos",))
def str_find(string: String, substring: String, offset: Integer = 0) -> Number:
    """Where a string first contains another one.

    :param string string: where to look
    :param string substring: what to look for
    :param number offset: where to begin
    :return: the position, counted from 0; -1 if it is not there
    :rtype: number

    .. code-block:: hsl

       echo str_find("user@example.com", "@"); // => 4
       echo str_find("user@example.com", "e", 3); // => 5
       echo str_find("user@example.com", "!"); // => -1
    """
    return _find(string, substring, _natural("str_find", offset))


#: Octets that are looked through before others have their turn.
_PART: Final = 1024 * 1024
#: Octets of a string times octets of what is looked for: searched from the end at once.
_BACKWARDS: Final = 16 * 1024 * 1024


def _find(string: str, wanted: str, begin: int) -> int:
    """``find()``, with turns for others."""
    step = max(_PART, 4 * len(wanted))
    while len(string) - begin > step:
        found = string.find(wanted, begin, begin + step)
        if found >= 0:
            return found
        # It may begin in this part, and end in the next one.
        begin += step - len(wanted) + 1
        pause()
    return string.find(wanted, begin)


def _find_last(string: str, wanted: str, end: int) -> int:
    """``rfind()``, with turns for others, and in linear time.

    Python's own compares all that is wanted at every place, where it searches backwards.
    """
    if end * len(wanted) <= _BACKWARDS:
        return string.rfind(wanted, 0, end)
    mirrored = wanted[::-1]
    step = max(_PART, 4 * len(wanted))
    while True:
        begin = max(end - step, 0)
        found = string[begin:end][::-1].find(mirrored)
        if found >= 0:
            return end - found - len(wanted)
        if not begin:
            return -1
        end = begin + len(wanted) - 1
        pause()


@builtin("str_rfind", aliases=("strrpos",))
def str_rfind(string: String, find: String, offset: Integer = 0) -> Number:
    """Where a string last contains another one.

    :param string string: where to look
    :param string find: what to look for
    :param number offset: how many octets at the end to leave out
    :return: the position, counted from 0; -1 if it is not there
    :rtype: number

    .. code-block:: hsl

       echo str_rfind("mx.example.com", "."); // => 10
       echo str_rfind("mx.example.com", ".", 4); // => 2
       echo str_rfind("mx.example.com", "!"); // => -1
    """
    end = len(string) - _natural("str_rfind", offset)
    return _find_last(string, find, end) if end >= 0 else -1


def _natural(name: str, offset: int) -> int:
    if offset < 0:
        raise Fault(f'{name}() parameter "offset" must not be negative, {offset} given')
    return offset


@builtin("str_lower", aliases=("strtolower",))
def str_lower(string: String) -> String:
    """A string with the letters A to Z as small ones.

    :param string string: the string
    :return: the string in lower case
    :rtype: string

    .. code-block:: hsl

       echo str_lower("MAIL From"); // => mail from
    """
    # str.lower() would also change the letters of latin-1, which here may be
    # any octets.
    return string.lower() if string.isascii() else rewritten(string, ascii_lower)


@builtin("str_upper", aliases=("strtoupper",))
def str_upper(string: String) -> String:
    """A string with the letters a to z as capitals.

    :param string string: the string
    :return: the string in upper case
    :rtype: string

    .. code-block:: hsl

       echo str_upper("ehlo"); // => EHLO
    """
    return string.upper() if string.isascii() else rewritten(string, _upper)


def _upper(string: str) -> str:
    return string.encode("latin-1").upper().decode("latin-1")


@builtin("str_repeat")
def str_repeat(string: String, multiplier: Integer) -> String:
    """A string several times in a row; the operator ``*`` does the same, faster.

    :param string string: the string
    :param number multiplier: how often; less than 1 gives the empty string
    :return: the repeated string
    :rtype: string

    .. code-block:: hsl

       echo str_repeat("ab", 3); // => ababab
    """
    if not string or multiplier < 1:
        return ""
    check_string(len(string) * multiplier)
    return string * multiplier


@builtin("str_replace")
def str_replace(search: String, replace: String, subject: String) -> String:
    """A string with every occurrence of another one replaced.

    :param string search: what to look for; nothing is replaced if it is empty
    :param string replace: what to put there
    :param string subject: where to look
    :return: the changed string
    :rtype: string

    .. code-block:: hsl

       echo str_replace("-", " ", "a-b-c"); // => a b c
    """
    if not search:
        return subject
    if len(subject) > LONG:
        return _replace_long(search, replace, subject)
    if len(replace) > len(search):
        check_string(len(subject) + subject.count(search) * (len(replace) - len(search)))
    return subject.replace(search, replace)


def _replace_long(search: str, replace: str, subject: str) -> str:
    texts: list[str] = []
    length = 0
    for parts, last in _split_long(subject, search):
        texts.append(replace.join(parts) if last else replace.join([*parts, ""]))
        length += len(texts[-1])
        check_string(length)
    return "".join(texts)


def _split_long(string: str, delimiter: str) -> Iterator[tuple[list[str], bool]]:
    """What stands between the delimiters of a long string, some at a time.

    With each row comes whether it is the last; a delimiter follows on every other.
    """
    step = max(LONG, 4 * len(delimiter))
    # Pieces before the first delimiter, of which there may be many.
    begun: list[str] = []
    place = 0
    while place < len(string):
        end = place + step
        *whole, rest = string[place:end].split(delimiter)
        if end < len(string):
            # A delimiter may begin in what is left, and end behind it.
            kept = min(len(rest), len(delimiter) - 1)
            place = end - kept
            rest = rest[: len(rest) - kept]
        else:
            place = len(string)
        if whole:
            whole[0] = "".join([*begun, whole[0]])
            begun = [rest]
            yield whole, False
        else:
            begun.append(rest)
        pause()
    yield ["".join(begun)], True


def _split(name: str, string: str, delimiter: str, limit: int) -> list[str]:
    if not delimiter:
        raise Fault(f'{name}() parameter "delimiter" must not be empty')
    if len(string) > LONG and not limit:
        made: list[str] = []
        for found, _ in _split_long(string, delimiter):
            made += found
            if len(made) > ACTIVE.limits.array:
                check_array(string.count(delimiter) + 1)
        return made
    if len(string) > LONG:
        return _split_off(string, delimiter, limit)
    parts = string.count(delimiter) + 1
    if limit:
        parts = min(parts, abs(limit))
    check_array(parts)
    return string.rsplit(delimiter, parts - 1) if limit < 0 else string.split(delimiter, parts - 1)


def _split_off(string: str, delimiter: str, limit: int) -> list[str]:
    """A long string in so many parts at most, split from its begin or from its end."""
    if limit < 0:
        if len(string) * len(delimiter) > _BACKWARDS:
            parts = _split_off(string[::-1], delimiter[::-1], -limit)
            return [part[::-1] for part in reversed(parts)]
        check_array(min(string.count(delimiter) + 1, -limit))
        return string.rsplit(delimiter, -limit - 1)
    made: list[str] = []
    begin = 0
    while len(made) < limit - 1:
        found = _find(string, delimiter, begin)
        if found < 0:
            break
        made.append(string[begin:found])
        begin = found + len(delimiter)
        if not len(made) % MANY:
            check_array(len(made))
            pause()
    made.append(string[begin:])
    check_array(len(made))
    return made


@builtin("str_split")
def str_split(string: String, delimiter: String, limit: Integer = 0) -> Array:
    """Split a string at every occurrence of a delimiter.

    With a limit the last part holds the rest; with a negative limit the
    splitting begins at the end and the first part holds the rest.  The opposite
    is :func:`array_join`.

    :param string string: the string
    :param string delimiter: what stands between two parts
    :param number limit: how many parts at most; 0 for no limit
    :return: the parts
    :rtype: array

    .. code-block:: hsl

       echo str_split("a.b.c", "."); // => [0=>"a",1=>"b",2=>"c"]
       echo str_split("a.b.c", ".", 2); // => [0=>"a",1=>"b.c"]
       echo str_split("a.b.c", ".", -2); // => [0=>"a.b",1=>"c"]
    """
    return _split("str_split", string, delimiter, limit)


@builtin("explode")
def explode(delimiter: String, string: String, limit: Integer = 0) -> Array:
    """The older name of :func:`str_split`, with the delimiter first.

    :param string delimiter: what stands between two parts
    :param string string: the string
    :param number limit: how many parts at most; 0 for no limit
    :return: the parts
    :rtype: array

    .. code-block:: hsl

       echo explode("@", "user@example.com"); // => [0=>"user",1=>"example.com"]
    """
    return _split("explode", string, delimiter, limit)


@builtin("str_slice", aliases=("substr",))
def str_slice(string: String, offset: Integer, length: Integer | None = None) -> String:
    """A part of a string; the operator ``[:]`` does the same, faster.

    :param string string: the string
    :param number offset: where the part begins; a negative one counts from the end
    :param number length: how long it is at most; a negative one leaves out as many
        octets at the end; by default all the rest
    :return: the part, empty where there is nothing
    :rtype: string

    .. code-block:: hsl

       echo str_slice("example.com", 0, 7); // => example
       echo str_slice("example.com", -3); // => com
       echo str_slice("example.com", 0, -4); // => example
    """
    begin = max(len(string) + offset, 0) if offset < 0 else offset
    if length is None:
        return string[begin:]
    if length < 0:
        return string[begin : max(len(string) + length, 0)]
    return string[begin : begin + length]


_SPACE: Final = " \t\r\n"


@builtin("str_strip", aliases=("trim",))
def str_strip(string: String) -> String:
    r"""A string without the spaces, tabs, carriage returns and line feeds around it.

    :param string string: the string
    :return: the stripped string
    :rtype: string

    .. code-block:: hsl

       echo str_strip("  a b\r\n"); // => a b
    """
    begin, end = 0, len(string)
    if end <= LONG:
        return string.strip(_SPACE)
    for piece in pieces(string):
        left = piece.lstrip(_SPACE)
        begin += len(piece) - len(left)
        if left:
            break
    while end > begin:
        piece = string[max(begin, end - LONG) : end]
        left = piece.rstrip(_SPACE)
        end -= len(piece) - len(left)
        if left:
            break
        pause()
    return string[begin:end]


FUNCTIONS = (
    character, ordinal, str_repeat, str_replace, str_split, str_find, str_rfind, str_lower,
    str_upper, str_slice, str_strip, explode,
)  # fmt: skip
