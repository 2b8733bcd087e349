"""Regular expressions: matching, extracting and replacing.

A pattern is a Perl compatible regular expression, or ``/expression/modifiers``
with the modifiers of the operator ``=~``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from smtpgate.hsl.builtin import Array, Callback, Integer, String, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.limits.bounds import check_array, check_string, rewritten
from smtpgate.hsl.patterns import Regex, compile_pattern
from smtpgate.hsl.runtime.execution import Execution
from smtpgate.hsl.values import Value, arrays, to_string, type_name


def _groups(regex: Regex, found: Any) -> list[str]:
    """The texts of a match's groups; of a pattern without groups the whole match."""
    texts = found.groups(b"") if regex.groups else (found.group(0),)
    return [text.decode("latin-1") for text in texts]


def _named(regex: Regex, groups: list[Any]) -> Array:
    """Groups under their numbers, counted from 0, and under their names."""
    if not regex.names:
        return groups
    names = {number - 1: name for name, number in regex.names.items()}
    pairs: list[tuple[Any, Any]] = []
    for number, group in enumerate(groups):
        if number in names:
            pairs.append((names[number], group))
        pairs.append((number, group))
    return arrays.from_pairs(pairs)


def _matches(execution: Execution, regex: Regex, subject: str) -> Iterator[Any]:
    """All matches; each is a step of the script, so that they end and others have their turn."""
    for _, found in zip(execution.turns(), regex.finditer(subject), strict=False):
        yield found


@builtin("pcre_match")
def pcre_match(pattern: String, subject: String) -> Array:
    r"""What the groups of a regular expression match in a string.

    The groups are numbered from 0; a named one is there under its name as well.
    A group that took no part in the match is "".  A pattern without groups
    gives the whole match.  Only to know whether a string matches there is the
    operator ``=~``.

    :param string pattern: the regular expression
    :param string subject: the string
    :return: the groups of the first match; an empty array if there is none
    :rtype: array

    .. code-block:: hsl

       echo pcre_match(''^(.+)@(.+)$'', "user@example.com"); // => [0=>"user",1=>"example.com"]
       echo pcre_match(''(?<port>\d+)'', "port 25"); // => ["port"=>"25",0=>"25"]
       echo pcre_match("/^mail/i", "RCPT"); // => []
    """
    regex = compile_pattern(pattern)
    found = regex.search(subject)
    return [] if found is None else _named(regex, _groups(regex, found))


@builtin("pcre_match_all", waits=True)
def pcre_match_all(execution: Execution, pattern: String, subject: String) -> Array:
    r"""What the groups of a regular expression match in a string, everywhere.

    It is :func:`pcre_match` with an array of texts for each group, one of every
    match.

    :param string pattern: the regular expression
    :param string subject: the string
    :return: for each group what it matched; an empty array if there is no match
    :rtype: array

    .. code-block:: hsl

       echo pcre_match_all(''(\w)=(\d)'', "a=1 b=2"); // => [0=>[0=>"a",1=>"b"],1=>[0=>"1",1=>"2"]]
       echo pcre_match_all(''(\d)'', "none"); // => []
    """
    regex = compile_pattern(pattern)
    columns: list[list[str]] = []
    count = 0
    for found in _matches(execution, regex, subject):
        groups = _groups(regex, found)
        if not columns:
            columns = [[] for _ in groups]
        count += len(groups)
        check_array(count)
        for column, text in zip(columns, groups, strict=True):
            column.append(text)
    return _named(regex, columns) if columns else []


#: What has a meaning of its own somewhere in a pattern, space and # with the modifier x.
_META: Final = re.compile(r"[.\\+*?\[^\]$(){}=!<>|:\-# \t\n\r\v\f]")


@builtin("pcre_quote")
def pcre_quote(string: String) -> String:
    r"""Write a string so that a regular expression matches exactly it.

    :param string string: the string
    :return: the string with a backslash before each character that has a meaning
        in patterns
    :rtype: string

    .. code-block:: hsl

       echo pcre_quote("1.5 (sic)"); // => 1\.5\ \(sic\)
       echo "a+b" =~ pcre_quote("a+b"); // => 1
    """
    return rewritten(string, _quoted)


def _quoted(string: str) -> str:
    return _META.sub(lambda found: "\\" + found[0], string).replace("\0", "\\x00")


@builtin("pcre_replace", waits=True)
def pcre_replace(
    execution: Execution,
    pattern: String,
    replace: String | Callback,
    subject: String,
    limit: Integer = 0,
) -> String:
    r"""A string with the matches of a regular expression replaced.

    In a replacement ``$0`` stands for the whole match, ``$1`` for its first
    group and so on; other dollar signs stand for themselves.  A function is
    called with the array of these texts instead and returns the replacement.

    :param string pattern: the regular expression
    :param replace: the replacement, or a function of one argument
    :type replace: string or function
    :param string subject: the string
    :param number limit: how many matches to replace; 0 for all
    :return: the changed string
    :rtype: string

    .. code-block:: hsl

       echo pcre_replace(''(\w+)@(\w+)'', "$2 at $1", "user@example"); // => example at user
       $up = function ($match) { return str_upper($match[0]); };
       echo pcre_replace(''\b[a-z]'', $up, "hello world"); // => Hello World
       echo pcre_replace("o", "0", "foo", 1); // => f0o
    """
    regex = compile_pattern(pattern)
    make = _template(replace, regex) if isinstance(replace, str) else _caller(replace, regex)
    octets = subject.encode("latin-1")
    parts: list[str] = []
    length = place = 0
    for count, found in enumerate(_matches(execution, regex, subject), 1):
        begin, end = found.span(0)
        parts += (octets[place:begin].decode("latin-1"), make(found))
        length += len(parts[-1]) + len(parts[-2])
        check_string(length)
        place = end
        if count == limit:
            break
    parts.append(octets[place:].decode("latin-1"))
    check_string(length + len(parts[-1]))
    return "".join(parts)


def _text(found: Any, group: int) -> str:
    text: bytes | None = found.group(group)
    return "" if text is None else text.decode("latin-1")


_REFERENCE: Final = re.compile(r"\$([0-9]{1,2})")


def _template(template: str, regex: Regex) -> Callable[[Any], str]:
    """A function that fills a match into a replacement."""
    parts: list[str | int] = []
    place = 0
    for reference in _REFERENCE.finditer(template):
        digits = reference[1]
        if int(digits) > regex.groups:
            # "$12" of a pattern with fewer groups is group 1, and a 2.
            digits = digits[0]
            if int(digits) > regex.groups:
                continue
        parts += (template[place : reference.start()], int(digits))
        place = reference.start() + 1 + len(digits)
    if not parts:
        return lambda found: template
    parts.append(template[place:])
    return lambda found: "".join(
        part if isinstance(part, str) else _text(found, part) for part in parts
    )


def _caller(callback: Any, regex: Regex) -> Callable[[Any], str]:
    """A function that has a script's function make the replacement of a match."""
    call = callback.accepting(1)

    def make(found: Any) -> str:
        result: Value = call(regex.captures(found))
        if result is None or not isinstance(result, (str, bool, float, int)):
            raise Fault(
                f"the function given to pcre_replace() must return a string, "
                f"{type_name(result)} returned"
            )
        return to_string(result)

    return make


FUNCTIONS = (pcre_match, pcre_match_all, pcre_quote, pcre_replace)
