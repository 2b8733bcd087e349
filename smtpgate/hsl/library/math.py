"""Mathematical functions.

Outside a function's domain the result is what C's library gives: ``nan`` or an
infinity, never an error.
"""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Context, Decimal

from smtpgate.hsl.builtin import Integer, Number, builtin


@builtin("abs")
def absolute(number: Number) -> Number:
    """The absolute value of a number.

    :param number number: the number
    :return: the number without its sign
    :rtype: number

    .. code-block:: hsl

       echo abs(-1.5); // => 1.5
    """
    return abs(number)


@builtin("ceil")
def ceil(number: Number) -> Number:
    """Round a number up to an integer.

    :param number number: the number
    :return: the smallest integer that is not below it
    :rtype: number

    .. code-block:: hsl

       echo ceil(1.2); // => 2
       echo ceil(-1.2); // => -1
    """
    return float(math.ceil(number)) if math.isfinite(number) else number


@builtin("floor")
def floor(number: Number) -> Number:
    """Round a number down to an integer.

    :param number number: the number
    :return: the largest integer that is not above it
    :rtype: number

    .. code-block:: hsl

       echo floor(1.8); // => 1
       echo floor(-1.2); // => -2
    """
    return float(math.floor(number)) if math.isfinite(number) else number


def _logarithm(number: float) -> float:
    if number > 0:
        return math.log(number)
    return -math.inf if number == 0 else math.nan


@builtin("log")
def log(number: Number, base: Number = math.e) -> Number:
    """The logarithm of a number.

    The logarithm of 0 is ``-inf``, that of a negative number ``nan``.

    :param number number: the number
    :param number base: the base; by default e, which gives the natural logarithm
    :return: the logarithm
    :rtype: number

    .. code-block:: hsl

       echo log(1); // => 0
       echo log(1000, 10); // => 3
       echo log(-1); // => nan
    """
    # The dedicated functions are exact for the powers of their base.
    if number > 0 and math.isfinite(number):
        if base == 10:
            return math.log10(number)
        if base == 2:
            return math.log2(number)
    above = _logarithm(number)
    if base == math.e:
        return above
    below = _logarithm(base)
    if below == 0:
        return math.nan if above == 0 or math.isnan(above) else math.copysign(math.inf, above)
    return above / below


@builtin("pow")
def power(base: Number, exponent: Number) -> Number:
    """A base raised to an exponent; the operator ``**`` does the same, faster.

    :param number base: the base
    :param number exponent: the exponent
    :return: the power, ``inf`` where it is too large, ``nan`` where there is none
    :rtype: number

    .. code-block:: hsl

       echo pow(2, 10); // => 1024
       echo pow(-8, 1 / 3); // => nan
    """
    try:
        return math.pow(base, exponent)
    except OverflowError:
        odd = base < 0 and math.fmod(exponent, 2) != 0
        return -math.inf if odd else math.inf
    except ValueError:
        if base == 0:  # and a negative exponent
            odd = abs(math.fmod(exponent, 2)) == 1
            return math.copysign(math.inf, base) if odd else math.inf
        return math.nan


#: Room for the largest number with the most decimals that a number can have.
_EXACT = Context(prec=800, rounding=ROUND_HALF_UP)


@builtin("round")
def round_half_up(number: Number, decimals: Integer = 0) -> Number:
    """Round a number to some decimals; a half is rounded away from zero.

    What is rounded is the number as it is printed, so that
    ``round(1.005, 2)`` is 1.01.  With negative decimals the tens, hundreds and
    so on are rounded.

    :param number number: the number
    :param number decimals: how many decimals to keep
    :return: the rounded number
    :rtype: number

    .. code-block:: hsl

       echo round(2.5); // => 3
       echo round(-2.5); // => -3
       echo round(3.14159, 2); // => 3.14
       echo round(1250, -2); // => 1300
    """
    if not math.isfinite(number) or decimals > 323:
        return number
    if decimals < -309:
        return math.copysign(0.0, number)
    unit = Decimal(1).scaleb(-decimals, _EXACT)
    return float(Decimal(repr(float(number))).quantize(unit, context=_EXACT))


@builtin("sqrt")
def sqrt(number: Number) -> Number:
    """The square root of a number; that of a negative number is ``nan``.

    :param number number: the number
    :return: the square root
    :rtype: number

    .. code-block:: hsl

       echo sqrt(9); // => 3
       echo sqrt(-1); // => nan
    """
    return math.sqrt(number) if number >= 0 else math.nan


FUNCTIONS = (absolute, ceil, floor, log, power, round_half_up, sqrt)
