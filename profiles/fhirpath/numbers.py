"""Integers, Longs and exact decimals.

https://hl7.org/fhirpath/N1/#integer, https://hl7.org/fhirpath/N1/#decimal: Integer has 32 bits,
Long 64, a decimal at least 28 digits; what does not fit gives an empty result.
"""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal, InvalidOperation, Overflow
from fractions import Fraction

#: Enough digits that a chain of operations keeps the 28 the specification asks for.
EXACT = Context(prec=40, rounding=ROUND_HALF_EVEN, Emax=400, Emin=-400, traps=[InvalidOperation])
_SHOWN = Context(prec=34, rounding=ROUND_HALF_EVEN, Emax=400, Emin=-400)
#: For rounding, which may not fail on a long number.
_WIDE = Context(prec=200, rounding=ROUND_HALF_UP, Emax=999, Emin=-999)
_FAILURES = (InvalidOperation, Overflow)
_INTEGER = 2**31
_LONG = 2**63


class Long(int):
    """A 64-bit integer, written `5L`."""

    __slots__ = ()


Number = int | Decimal


def integer(value: int) -> int | None:
    """Return an Integer result, None when it overflows."""
    return value if -_INTEGER <= value < _INTEGER else None


def long_integer(value: int) -> Long | None:
    """Return a Long result, None when it overflows."""
    return Long(value) if -_LONG <= value < _LONG else None


def whole(value: int, *operands: object) -> int | None:
    """Return an integer result of the widest operand's type."""
    if any(isinstance(operand, Long) for operand in operands):
        return long_integer(value)
    return integer(value)


def decimal(value: Decimal | float) -> Decimal:
    """Return any number as Decimal; a float by its shortest text."""
    if isinstance(value, Decimal):
        return value
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


def shown(value: Decimal) -> Decimal | None:
    """Cut a computed decimal to 34 digits; None for overflow and NaN."""
    if not value.is_finite():
        return None
    return _SHOWN.plus(value)


def from_fraction(value: Fraction) -> Decimal:
    """Write a fraction as decimal, exact where that is possible in 34 digits."""
    quotient = EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
    tidy = _SHOWN.plus(quotient).normalize(_SHOWN)
    return tidy.quantize(Decimal(1)) if 0 < int(tidy.as_tuple().exponent) < 30 else tidy


def text_of(value: Number) -> str:
    """Write a number without exponent."""
    return f"{value:f}" if isinstance(value, Decimal) else str(int(value))


def decimals_of(value: Decimal) -> int:
    """Count digits after the point, trailing zeros not."""
    return max(0, -int(value.normalize(EXACT).as_tuple().exponent))


def round_to(value: Decimal, digits: int) -> Decimal:
    """Round half away from zero; a number that has not so many digits stays as it is."""
    if -int(value.as_tuple().exponent) <= digits and value.adjusted() + digits > EXACT.prec - 2:
        return value
    return value.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP, context=_WIDE)


def equivalent(left: Number, right: Number) -> bool:
    """Compare rounded to the precision of the less precise (https://hl7.org/fhirpath/N1/#equivalent)."""
    first, second = decimal(left), decimal(right)
    digits = min(decimals_of(first), decimals_of(second))
    try:
        return round_to(first, digits) == round_to(second, digits)
    except _FAILURES:
        return first == second
