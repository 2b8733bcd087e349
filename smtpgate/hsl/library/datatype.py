"""Data types: length, conversions and questions about a value's type.

``array``, ``isset`` and ``unset`` belong to the language itself.
"""

from __future__ import annotations

from smtpgate.hsl import values
from smtpgate.hsl.builtin import Boolean, Number, String, Value, builtin
from smtpgate.hsl.values import Function, Map, type_name


@builtin("length", aliases=("count", "strlen"))
def length(value: Value) -> Number | None:
    """The number of items of an array or of octets of a string.

    :param any value: the value
    :return: the length; none for what is neither an array nor a string
    :rtype: number or none

    .. code-block:: hsl

       echo length([1, 2, 3]); // => 3
       echo length("hello"); // => 5
       echo length(none); // => none
    """
    return len(value) if isinstance(value, (str, list, Map)) else None


@builtin("boolean")
def boolean(value: Value) -> Boolean:
    """Convert a value to a boolean.

    none, ``false``, 0, the empty string and the empty array are false, all else
    is true.

    :param any value: the value
    :return: its truth
    :rtype: boolean

    .. code-block:: hsl

       echo boolean("false") === true; // => 1
       echo boolean([]) === false; // => 1
    """
    return values.to_boolean(value)


@builtin("number")
def number(value: Value) -> Number:
    """Convert a value to a number.

    A string may hold a decimal number or, after ``0x``, a hexadecimal one; a string
    of more than 1 MiB holds none.

    :param any value: the value
    :return: the number; 0 for what stands for none
    :rtype: number

    .. code-block:: hsl

       echo number("1.5"); // => 1.5
       echo number("0xff"); // => 255
       echo number("five"); // => 0
    """
    return values.to_number(value)


@builtin("string")
def string(value: Value) -> String:
    """Convert a value to a string, as ``echo`` prints it.

    :param any value: the value
    :return: the string
    :rtype: string

    .. code-block:: hsl

       echo string(1.50); // => 1.5
       echo string(["a" => true]); // => ["a"=>true]
    """
    return values.to_string(value)


@builtin("is_array")
def is_array(value: Value) -> Boolean:
    """Whether a value is an array.

    :param any value: the value
    :return: true if it is
    :rtype: boolean

    .. code-block:: hsl

       echo is_array([]) and !is_array(""); // => 1
    """
    return isinstance(value, (list, Map))


@builtin("is_boolean")
def is_boolean(value: Value) -> Boolean:
    """Whether a value is a boolean.

    :param any value: the value
    :return: true if it is
    :rtype: boolean

    .. code-block:: hsl

       echo is_boolean(false) and !is_boolean(0); // => 1
    """
    return isinstance(value, bool)


@builtin("is_function")
def is_function(value: Value) -> Boolean:
    """Whether a value is a function.

    :param any value: the value
    :return: true if it is
    :rtype: boolean

    .. code-block:: hsl

       echo is_function(strlen) and !is_function("strlen"); // => 1
    """
    return isinstance(value, Function)


@builtin("is_number")
def is_number(value: Value) -> Boolean:
    """Whether a value is a number.

    :param any value: the value
    :return: true if it is
    :rtype: boolean

    .. code-block:: hsl

       echo is_number(0x1f) and !is_number("31"); // => 1
    """
    return values.is_number(value)


@builtin("is_object")
def is_object(value: Value) -> Boolean:
    """Whether a value is an object, an instance of a class.

    :param any value: the value
    :return: true if it is
    :rtype: boolean

    .. code-block:: hsl

       class Point { constructor($x) { $this->x = $x; } }
       echo is_object(Point(1)) and !is_object([1]); // => 1
    """
    return type_name(value) == "object"


@builtin("is_string")
def is_string(value: Value) -> Boolean:
    """Whether a value is a string.

    :param any value: the value
    :return: true if it is
    :rtype: boolean

    .. code-block:: hsl

       echo is_string("1") and !is_string(1); // => 1
    """
    return isinstance(value, str)


FUNCTIONS = (
    length, boolean, number, string,
    is_array, is_boolean, is_function, is_number, is_object, is_string,
)  # fmt: skip
