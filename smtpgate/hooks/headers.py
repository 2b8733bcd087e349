"""The functions of end of data that read and change the header."""

from __future__ import annotations

from itertools import islice

from smtpgate.hooks import route
from smtpgate.hooks.examining import letter_of
from smtpgate.hsl.builtin import Array, Boolean, Number, String, builtin
from smtpgate.hsl.errors import Fault
from smtpgate.hsl.runtime.execution import Execution


@builtin("GetHeader")
def get_header(execution: Execution, name: String, decode: Boolean = True) -> String | None:
    """The value of the first header with a name; none when there is none."""
    return next(letter_of(execution).header.values(name, decode), None)


@builtin("GetHeaders")
def get_headers(execution: Execution, name: String | Boolean, decode: Boolean = True) -> Array:
    """The values of all headers with a name; with ``true`` all headers, name and value."""
    header = letter_of(execution).header
    if isinstance(name, str):
        return list(header.values(name, decode))
    if not name:
        raise Fault('GetHeaders() parameter "name" must be a string or true, false given')
    return list(header.fields(decode))


@builtin("AddHeader")
def add_header(execution: Execution, name: String, value: String, refold: Boolean = True) -> None:
    """Put a header on top of the message."""
    letter_of(execution).header.add("AddHeader", name, value, refold)


@builtin("SetHeader")
def set_header(execution: Execution, name: String, value: String, refold: Boolean = True) -> Number:
    """Give the headers with a name another value, or add one."""
    return float(letter_of(execution).header.set("SetHeader", name, value, refold))


@builtin("PrependHeader")
def prepend_header(
    execution: Execution, name: String, value: String, refold: Boolean = True
) -> Number:
    """Put text in front of the values of the headers with a name, or add one."""
    return float(letter_of(execution).header.prepend("PrependHeader", name, value, refold))


@builtin("AppendHeader")
def append_header(
    execution: Execution, name: String, value: String, refold: Boolean = True
) -> Number:
    """Put text behind the values of the headers with a name, or add one."""
    return float(letter_of(execution).header.append("AppendHeader", name, value, refold))


@builtin("DelHeader")
def del_header(execution: Execution, name: String) -> Number:
    """Remove the headers with a name; gives their number."""
    return float(letter_of(execution).header.delete(name))


@builtin("GetRoute")
def get_route(execution: Execution, extended_result: Boolean = False) -> Array:
    """The way of the message by its Received headers, an array for each, the newest first."""
    values = letter_of(execution).header.values("Received", False)
    return [route.hop(value, extended_result) for value in islice(values, route.MOST_HOPS)]


HEADER_FUNCTIONS = (
    get_header,
    get_headers,
    add_header,
    set_header,
    prepend_header,
    append_header,
    del_header,
    get_route,
)
