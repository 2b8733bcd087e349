"""Mail header fields (manual: Mail)."""

from __future__ import annotations

import re

from smtpgate.hsl.builtin import BOOLEAN, NO_OPTIONS, Array, Option, Options, String, builtin
from smtpgate.hsl.library import addresslist
from smtpgate.hsl.values import Map, arrays

_FIELD_OPTION = {
    "field": Option((BOOLEAN,), False, "The value is a whole field: name, colon and value."),
}

_FIELD = re.compile(r"[!-9;-~]+[ \t]*:(.*)", re.DOTALL)
_FOLD = re.compile(r"\r?\n(?=[ \t])")


def _field_value(value: str, whole_field: bool) -> str | None:
    """The unfolded value; ``None`` if it is no field, more than one, or far too long."""
    if len(value) > addresslist.MAX_LENGTH:
        return None
    if whole_field:
        found = _FIELD.fullmatch(value)
        if found is None:
            return None
        value = found[1]
    unfolded = _FOLD.sub("", value).strip(" \t\r\n")
    return None if "\r" in unfolded or "\n" in unfolded else unfolded


@builtin("header_addresslist_extract", aliases=("GetAddressList",), options=_FIELD_OPTION)
def header_addresslist_extract(value: String, options: Options = NO_OPTIONS) -> Array | None:
    """The addresses in a From, To or Cc field (RFC 5322 3.4); none if it is malformed.

    Display names, comments and groups are left out, the addresses stay as they
    are written.  Semicolons may separate addresses as commas do.  A value of
    more than 128 KiB is malformed.

    :param string value: the field's value
    :param array options: options array
    :return: the addresses
    :rtype: array or none

    .. code-block:: hsl

      echo header_addresslist_extract("Jo <jo@example.org>; sam@example.com");
      // => [0=>"jo@example.org",1=>"sam@example.com"]
      echo header_addresslist_extract("From: jo@example.org (Jo)", ["field" => true]);
      // => [0=>"jo@example.org"]
      echo header_addresslist_extract("no address");  // => none
    """
    text = _field_value(value, options["field"])
    return None if text is None else addresslist.extract(text)


# RFC 6376 3.2: tag-name, and tval of printable characters with white space between.
_TAG = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_]*)[ \t]*=[ \t]*([!-:<-~ \t]*)")


@builtin("header_dkim_decode", options=_FIELD_OPTION)
def header_dkim_decode(value: String, options: Options = NO_OPTIONS) -> Array | None:
    """The tags of a DKIM-Signature or ARC field (RFC 6376 3.2); none if it is malformed.

    A tag that comes twice makes the list malformed, and so do more than 128 KiB.

    :param string value: the field's value
    :param array options: options array
    :return: the values by tag, unfolded and without white space around them
    :rtype: array or none

    .. code-block:: hsl

      $tags = header_dkim_decode("v=1; d=example.org; s=mail");
      echo $tags["s"] . "._domainkey." . $tags["d"];  // => mail._domainkey.example.org
      echo header_dkim_decode("d=example.org; d=example.com");  // => none
    """
    text = _field_value(value, options["field"])
    if text is None:
        return None
    parts = text.split(";")
    if len(parts) > 1 and not parts[-1].strip(" \t"):
        parts.pop()
    tags = Map()
    for part in parts:
        found = _TAG.fullmatch(part)
        if found is None or found[1] in tags:
            return None
        tags[found[1]] = found[2].rstrip(" \t")
    return arrays.normal(tags)


FUNCTIONS = (header_addresslist_extract, header_dkim_decode)
