"""Encodings: base64, CSV, JSON, percent-encoding and binary formats."""

from __future__ import annotations

import base64
import re
from typing import Final

from smtpgate.hsl.builtin import (
    ARRAY,
    BOOLEAN,
    NO_OPTIONS,
    STRING,
    Array,
    Integer,
    Option,
    Options,
    String,
    Value,
    builtin,
)
from smtpgate.hsl.formats import csvtext, jsontext, packing
from smtpgate.hsl.limits.bounds import check_string, rewritten
from smtpgate.hsl.limits.turns import LONG, escaped_pieces, pieces


@builtin("base64_encode")
def base64_encode(string: String) -> String:
    r"""Encode a string in base64 (RFC 4648 section 4), without line ends.

    :param string string: the octets
    :return: the base64 text
    :rtype: string

    .. code-block:: hsl

       echo base64_encode("\x00user\x00secret"); // => AHVzZXIAc2VjcmV0
    """
    check_string(len(string) // 3 * 4 + 4)
    return "".join(
        base64.b64encode(piece.encode("latin-1")).decode("ascii")
        for piece in pieces(string, _WHOLE)
    )


#: Octets that are a whole number of groups in base64, encoded and not.
_WHOLE: Final = 3 * LONG

_NOT_BASE64: Final = re.compile(r"[^A-Za-z0-9+/]+")


@builtin("base64_decode")
def base64_decode(string: String) -> String:
    r"""Decode a base64 text (RFC 4648 section 4).

    What is no digit of base64, such as line ends, is skipped; the text ends at
    the first ``=``, which may also be missing.

    :param string string: the base64 text
    :return: the octets
    :rtype: string

    .. code-block:: hsl

       echo base64_decode("aGVsbG8="); // => hello
       echo base64_decode("aGVs\r\nbG8"); // => hello
    """
    digits = rewritten(string.partition("=")[0], lambda piece: _NOT_BASE64.sub("", piece))
    # One digit alone has fewer bits than an octet.
    if len(digits) % 4 == 1:
        digits = digits[:-1]
    digits += "=" * (-len(digits) % 4)
    return "".join(base64.b64decode(piece).decode("latin-1") for piece in pieces(digits, _WHOLE))


@builtin(
    "csv_decode",
    options={
        "delimiter": Option((STRING,), ",", "What stands between two cells: one octet"),
        "header": Option((BOOLEAN,), True, "Whether the first row names the columns"),
        "schema": Option((ARRAY,), None, "The types of the columns, by name"),
    },
)
def csv_decode(string: String, options: Options = NO_OPTIONS) -> Array:
    r"""Read CSV (RFC 4180).

    The rows are arrays: with a header under the names of the columns, without
    one numbered.  Empty lines are skipped.

    A schema has, for every column that is not a plain string, an array of:
    ``type`` ("string", "boolean" or "number"); ``nullable``, true to read empty
    cells as none, or an array of the cells to read as none; ``true`` and
    ``false``, arrays of the cells that stand for them, ``["true"]`` and
    ``["false"]`` by default.  A cell that does not fit is an error.

    :param string string: the text
    :param array options: an options array
    :return: the rows
    :rtype: array

    .. code-block:: hsl

       echo csv_decode("mx;ip\na;b", ["delimiter" => ";"]); // => [0=>["mx"=>"a","ip"=>"b"]]
       echo csv_decode("a,b", ["header" => false]); // => [0=>[0=>"a",1=>"b"]]
       $schema = ["on" => ["type" => "boolean", "true" => ["yes"], "false" => ["no"]]];
       echo csv_decode("on\nyes\nno", ["schema" => $schema])[1]; // => ["on"=>false]
    """
    return csvtext.decode(
        "csv_decode", string, options["delimiter"], options["header"], options["schema"]
    )


@builtin(
    "csv_encode",
    options={"delimiter": Option((STRING,), ",", "What stands between two cells: one octet")},
)
def csv_encode(values: Array, options: Options = NO_OPTIONS) -> String:
    """Write one row of CSV (RFC 4180), without an end of line.

    :param array values: the cells: strings, numbers and booleans
    :param array options: an options array
    :return: the row; cells with delimiters, quotes or space are quoted
    :rtype: string

    .. code-block:: hsl

       echo csv_encode(["mx1", 25, "a b"]); // => mx1,25,"a b"
    """
    return csvtext.encode("csv_encode", values, options["delimiter"])


@builtin(
    "json_encode",
    options={
        "ensure_ascii": Option((BOOLEAN,), True, "Write what is not US-ASCII as ``\\uXXXX``"),
        "pretty_print": Option((BOOLEAN,), False, "Write an item a line, indented"),
    },
)
def json_encode(value: Value, options: Options = NO_OPTIONS) -> String | None:
    r"""The JSON text (RFC 8259) of a value.

    Strings are taken as UTF-8.  An array with the keys 0, 1, 2 and so on becomes
    a JSON array, any other one an object, whose names are strings.

    :param any value: none, a boolean, a number, a string or an array
    :param array options: an options array
    :return: the text; none if a string is no UTF-8, a number not finite, or
        anything in the value has no JSON
    :rtype: string or none

    .. code-block:: hsl

       echo json_encode(["to" => ["a", "b"], "size" => 10]); // => {"to":["a","b"],"size":10}
       echo json_encode("\xff"); // => none
    """
    try:
        return jsontext.encode(value, options["ensure_ascii"], options["pretty_print"])
    except jsontext.JSONError:
        return None


@builtin(
    "json_decode",
    options={
        "allow_comments": Option((BOOLEAN,), False, "Skip ``//`` and ``/* */`` comments"),
    },
)
def json_decode(string: String, options: Options = NO_OPTIONS) -> Value:
    """The value of a JSON text (RFC 8259).

    Objects and arrays become arrays, null becomes none, strings are UTF-8.  Of
    members with the same name the last one counts.

    :param string string: the text, as UTF-8
    :param array options: an options array
    :return: the value; none if the text is no JSON
    :rtype: any

    .. code-block:: hsl

       echo json_decode(''{"to": ["a"], "size": null}''); // => ["to"=>[0=>"a"],"size"=>none]
       echo json_decode("{"); // => none
       echo json_decode("[1] // one", ["allow_comments" => true]); // => [0=>1]
    """
    try:
        return jsontext.decode(string, options["allow_comments"])
    except jsontext.JSONError:
        return None


@builtin("pack")
def pack(format: String, *args: Value) -> String | None:
    """Write values as a binary string.

    The format is a row of codes, each followed by a number or by ``*`` if it
    stands for more than one octet, digit or number:

    ======  =============================================
    code    writes
    ======  =============================================
    ``a``   a string, cut or filled with NUL
    ``C``   an octet
    ``e``   a double, little-endian
    ``E``   a double, big-endian
    ``H``   a string of hexadecimal digits
    ``n``   16 bits, big-endian
    ``N``   32 bits, big-endian
    ``v``   16 bits, little-endian
    ``V``   32 bits, little-endian
    ``x``   NUL; takes no value and no ``*``
    ``Z``   a string, the last octet of which is NUL
    ======  =============================================

    The number of a string's code says how many octets (or digits) to write;
    ``*`` writes the whole string.  The number of another code says how many
    values to write; ``*`` writes all that are left.  Numbers lose the bits that
    do not fit.

    :param string format: the format
    :param any args: the values, strings and numbers
    :return: the octets; none if the format and the values do not fit
    :rtype: string or none

    .. code-block:: hsl

       echo unpack("C*", pack("nC", 513, 3)); // => [0=>2,1=>1,2=>3]
       echo pack("H4a*", "4142", "CD"); // => ABCD
       echo pack("n", "25"); // => none
    """
    try:
        return packing.pack(format, args)
    except packing.PackingError:
        return None


@builtin("unpack")
def unpack(format: String, data: String, offset: Integer = 0) -> Array | None:
    r"""Read values from a binary string.

    The codes are those of :func:`pack` and ``c``, a signed octet.  ``x`` skips
    octets; ``Z*`` reads up to the next NUL and skips it; ``a*`` and ``H*`` read
    all that is left, the other codes with ``*`` as many values as are left.

    :param string format: the format
    :param string data: the octets
    :param number offset: where to begin
    :return: the values; none if the format is wrong or the data too short
    :rtype: array or none

    .. code-block:: hsl

       echo unpack("nZ*C", "\x00\x19mx\x00\x07"); // => [0=>25,1=>"mx",2=>7]
       echo unpack("N", "\x00"); // => none
    """
    try:
        return packing.unpack(format, data, offset)
    except packing.PackingError:
        return None


_RESERVED: Final = re.compile(r"[^A-Za-z0-9._~-]")
_ESCAPED: Final = re.compile(r"%([0-9A-Fa-f]{2})")


@builtin("urlencode")
def urlencode(string: String) -> String:
    """Write a string so that it can stand in any part of a URL.

    All but the unreserved characters of RFC 3986 section 2.3 is written as
    ``%XX``.

    :param string string: the octets
    :return: the encoded string
    :rtype: string

    .. code-block:: hsl

       echo urlencode("a b&c=1"); // => a%20b%26c%3D1
    """
    return rewritten(string, _url_encoded)


def _url_encoded(string: str) -> str:
    return _RESERVED.sub(lambda found: f"%{ord(found[0]):02X}", string)


@builtin("urldecode")
def urldecode(string: String) -> String:
    """Read what :func:`urlencode` or a form's browser has written.

    ``%XX`` stands for an octet, ``+`` for a space; a ``%`` without two
    hexadecimal digits stays.

    :param string string: the encoded string
    :return: the octets
    :rtype: string

    .. code-block:: hsl

       echo urldecode("a+b%26c"); // => a b&c
    """
    return "".join(
        _ESCAPED.sub(lambda found: chr(int(found[1], 16)), piece.replace("+", " "))
        for piece in escaped_pieces(string, "%")
    )


FUNCTIONS = (
    base64_encode, base64_decode, csv_decode, csv_encode, json_encode, json_decode, pack,
    unpack, urlencode, urldecode,
)  # fmt: skip
