"""CSV texts (RFC 4180) and the arrays they stand for."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from io import StringIO
from typing import Any, Final

from smtpgate.hsl.builtin import ARRAY, BOOLEAN, STRING, Option, read_options
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.formats.csvrows import LongRows
from smtpgate.hsl.limits.bounds import check_array, check_string, rewritten
from smtpgate.hsl.limits.turns import LONG, MANY, chunks, paced, pause
from smtpgate.hsl.values import Array, Map, Value, arrays, parse_number, to_string, type_name

#: What the schema of a column may say.
_COLUMN: Final[Mapping[str, Option]] = {
    "type": Option((STRING,), "string", choices=("string", "number", "boolean")),
    "nullable": Option((BOOLEAN, ARRAY), False),
    "true": Option((ARRAY,), ["true"]),
    "false": Option((ARRAY,), ["false"]),
}

Converter = Callable[[str], Value]


def decode(
    name: str, text: str, delimiter: str = ",", header: bool = True, schema: Array | None = None
) -> Array:
    """The rows of a CSV text, each an array.

    With a header each row has its names as keys; a cell beyond the header has
    its number.  A short row has fewer items.  Empty lines are skipped.

    :param name: the function or statement that complaints begin with
    :raises Fault: for a delimiter that can be none, a schema that cannot be
        understood, and a cell that does not fit the schema
    """
    _check_delimiter(name, delimiter)
    if len(text) <= LONG:
        rows: Any = csv.reader(StringIO(text, newline=""), delimiter=delimiter)
    else:
        rows = LongRows(text, delimiter)
    converters = _converters(name, schema if schema is not None else [])
    names: list[Any] = []
    if header:
        first: list[str] = next((row for row in rows if row), [])
        names = [arrays.key(column) for column in paced(first, first)]
    found: list[Array] = []
    read = 0
    for row in rows:
        if not row:
            continue
        check_array(len(found) + 1)
        read += len(row)
        if read >= MANY:
            pause()
            read = 0
        columns = [*names[: len(row)], *range(len(names), len(row))]
        values = [
            _convert(name, rows, column, cell, converters)
            for column, cell in paced(zip(columns, row, strict=True), row)
        ]
        found.append(arrays.from_pairs(paced(zip(columns, values, strict=True), row)))
    return found


def _check_delimiter(name: str, delimiter: str) -> None:
    if len(delimiter) != 1 or delimiter in '"\r\n':
        raise Fault(f'{name}() option "delimiter" must be one octet, no quote and no end of line')


def _convert(
    name: str, rows: Any, column: Any, cell: str, converters: Mapping[Any, Converter]
) -> Value:
    convert = converters.get(column)
    if convert is None:
        return cell
    try:
        return convert(cell)
    except Fault as fault:
        raise Fault(f'{name}() line {rows.line_num}, column "{column}": {fault}') from None


def _converters(name: str, schema: Array) -> dict[Any, Converter]:
    converters: dict[Any, Converter] = {}
    for column, wanted in arrays.pairs(schema):
        if not isinstance(wanted, (list, Map)):
            raise Fault(
                f'{name}() schema of column "{column}" must be an array, {type_name(wanted)} given'
            )
        converters[column] = _converter(read_options(name, _COLUMN, wanted))
    return converters


def _converter(column: Mapping[str, Any]) -> Converter:
    nullable = column["nullable"]
    if nullable is True:
        nulls: tuple[Any, ...] = ("",)
    else:
        nulls = tuple(arrays.values(nullable)) if nullable else ()
    kind = column["type"]
    if kind == "number":
        convert: Converter = _number
    elif kind == "boolean":
        convert = _booleans(arrays.values(column["true"]), arrays.values(column["false"]))
    else:
        convert = str
    return lambda cell: None if cell in nulls else convert(cell)


def _number(cell: str) -> Value:
    number = parse_number(cell)
    if number is None:
        raise Fault(f'"{cell}" is no number')
    return number


def _booleans(true: Any, false: Any) -> Converter:
    def convert(cell: str) -> Value:
        if cell in true:
            return True
        if cell in false:
            return False
        raise Fault(f'"{cell}" is neither true nor false')

    return convert


def encode(name: str, values: Array, delimiter: str = ",") -> str:
    """One line of CSV, without its end; a cell is quoted where it needs to be.

    :raises Fault: for a value that is no string, number or boolean
    """
    _check_delimiter(name, delimiter)
    texts: list[str] = []
    length = 0
    for chunk in chunks(arrays.values(values), values):
        cells = [_cell(name, value, delimiter) for value in chunk]
        length += sum(map(len, cells)) + len(cells)
        check_string(length)
        texts.append(delimiter.join(cells))
    return delimiter.join(texts)


def _doubled(text: str) -> str:
    return text.replace('"', '""')


def _cell(name: str, value: Value, delimiter: str) -> str:
    if value is None or not isinstance(value, (str, bool, float, int)):
        raise Fault(
            f'{name}() parameter "values" must hold strings, numbers or booleans, '
            f"{type_name(value)} given"
        )
    text = to_string(value)
    if any(special in text for special in (delimiter, '"', " ", "\t", "\r", "\n")):
        return f'"{rewritten(text, _doubled)}"'
    return text


__all__ = ["decode", "encode"]
