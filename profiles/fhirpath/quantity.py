"""Quantities: comparing, converting and calculating.

https://hl7.org/fhirpath/N1/#quantity, https://hl7.org/fhirpath/N1/#time-valued-quantities:
calendar years and months are something else than UCUM's `a` and `mo`; weeks and shorter
calendar units equal UCUM's. A FHIR Quantity in a UCUM time unit means both
(https://hl7.org/fhir/R4/fhirpath.html#quantity).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from profiles.fhirpath.numbers import EXACT, equivalent, from_fraction, shown, text_of
from profiles.fhirpath.syntax import CALENDAR_WORDS
from profiles.fhirpath.temporal_math import SECONDS
from profiles.fhirpath.ucum import Unit, read_unit

UnitKind = Literal["ucum", "calendar", "either"]

#: UCUM code → calendar unit that means the same or, for a and mo, is related.
CALENDAR_OF = {
    "a": "year",
    "mo": "month",
    "wk": "week",
    "d": "day",
    "h": "hour",
    "min": "minute",
    "s": "second",
    "ms": "millisecond",
}
_UCUM_OF = {word: code for code, word in CALENDAR_OF.items()}
_INDEFINITE = frozenset({"year", "month"})
_MONTHS = {"year": Fraction(12), "month": Fraction(1)}
_WRITTEN = re.compile(
    r"\s*(?P<value>[+-]?\d{1,60}(?:\.\d{1,60})?)\s*(?:'(?P<code>[^']+)'|(?P<word>[a-z]+))?\s*\Z"
)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A value with a unit: a UCUM code, or a calendar unit in the singular."""

    value: Decimal
    unit: str = "1"
    kind: UnitKind = "ucum"

    def __str__(self) -> str:
        """Write it as a literal."""
        number = text_of(self.value)
        if self.kind == "calendar":
            return f"{number} {self.unit}{'' if self.value == 1 else 's'}"
        return f"{number} '{self.unit}'"


def read_quantity(text: str) -> Quantity | None:
    """Read what toQuantity() takes as text."""
    match = _WRITTEN.match(text)
    if match is None:
        return None
    value = Decimal(match["value"])
    if match["code"]:
        return Quantity(value, match["code"])
    if match["word"] is None:
        return Quantity(value)
    word = CALENDAR_WORDS.get(match["word"])
    return Quantity(value, word, "calendar") if word else None


def compare(left: Quantity, right: Quantity) -> int | None:
    """Order two quantities: -1, 0, 1; None when they are not comparable."""
    scaled = _scaled(left, right)
    if scaled is None:
        return None
    return (scaled[0] > scaled[1]) - (scaled[0] < scaled[1])


def equivalent_quantities(left: Quantity, right: Quantity) -> bool:
    """Compare in the finer unit, rounded to the less precise value."""
    left, right = _as_ucum(left), _as_ucum(right)
    if left.unit == right.unit:
        return equivalent(left.value, right.value)
    mine, other = read_unit(left.unit), read_unit(right.unit)
    if mine is None or other is None or mine.dimension != other.dimension:
        return False
    target = left.unit if mine.factor < other.factor else right.unit
    first, second = convert(left, target), convert(right, target)
    return bool(first and second and equivalent(first.value, second.value))


def convert(quantity: Quantity, target: str) -> Quantity | None:
    """Convert to a UCUM code or calendar unit; None when that is not possible."""
    word = CALENDAR_WORDS.get(target)
    if word is not None:
        wanted = Quantity(Decimal(1), word, "calendar")
    else:
        wanted = Quantity(Decimal(1), target)
    quantity = _resolved(quantity, wanted)
    if (quantity.unit, quantity.kind) == (wanted.unit, wanted.kind):
        return quantity
    if quantity.kind == wanted.kind == "ucum":
        return _converted_ucum(quantity, target)
    scaled = _scaled(quantity, wanted)
    return replace(wanted, value=from_fraction(scaled[0] / scaled[1])) if scaled else None


def _converted_ucum(quantity: Quantity, target: str) -> Quantity | None:
    mine, other = read_unit(quantity.unit), read_unit(target)
    if mine is None or other is None or mine.dimension != other.dimension:
        return None
    base = (Fraction(quantity.value) + mine.offset) * mine.factor
    return Quantity(from_fraction(base / other.factor - other.offset), target)


def add(left: Quantity, right: Quantity, sign: int = 1) -> Quantity | None:
    """Add, or subtract with sign -1; the result has the finer unit."""
    left, right = _resolved(left, right), _resolved(right, left)
    if "ucum" in (left.kind, right.kind) and not (_takes_part(left) and _takes_part(right)):
        return None
    one, other = _scaled(replace(left, value=Decimal(1)), replace(right, value=Decimal(1))) or (
        None,
        None,
    )
    if one is None or other is None:
        return None
    target = left if one <= other else right
    # Kept as decimals where units agree, so that written digits survive.
    first = left.value if target is left else from_fraction(Fraction(left.value) * one / other)
    second = right.value if one == other or target is right else None
    if second is None:
        second = from_fraction(Fraction(right.value) * other / one)
    return _with(target, EXACT.add(first, sign * second))


def multiply(left: Quantity, right: Quantity) -> Quantity | None:
    """Multiply; a dimensionless factor keeps the other's unit."""
    for factor, other in ((left, right), (right, left)):
        unit = _dimensionless(factor)
        if unit is not None and _known(other):
            scale = from_fraction(Fraction(factor.value) * unit.factor)
            return _with(other, EXACT.multiply(other.value, scale))
    return _product(left, right, 1)


def divide(left: Quantity, right: Quantity) -> Quantity | None:
    """Divide; None for a zero divisor and for calendar durations."""
    if not right.value:
        return None
    unit = _dimensionless(right)
    if unit is not None and _known(left):
        scale = from_fraction(Fraction(right.value) * unit.factor)
        return _with(left, EXACT.divide(left.value, scale))
    return _product(left, right, -1)


def _product(left: Quantity, right: Quantity, sign: int) -> Quantity | None:
    if "calendar" in (left.kind, right.kind) or not (_takes_part(left) and _takes_part(right)):
        return None
    mine, other = read_unit(left.unit), read_unit(right.unit)
    if mine is None or other is None:
        return None
    operate: Callable[[Decimal, Decimal], Decimal] = EXACT.multiply if sign > 0 else EXACT.divide
    value = operate(left.value, right.value)
    whole = mine.times(other, sign)
    if not whole.dimension:
        return _with(Quantity(value), EXACT.multiply(value, from_fraction(whole.factor)))
    return _with(Quantity(value, _unit_text(left.unit, right.unit, sign)), value)


def _unit_text(left: str, right: str, sign: int) -> str:
    if "." in right or "/" in right:
        right = f"({right})"
    if left == "1":
        return f"1/{right}" if sign < 0 else right
    return f"{left}{'.' if sign > 0 else '/'}{right}"


def _with(quantity: Quantity, value: Decimal) -> Quantity | None:
    fitting = shown(value)
    return None if fitting is None else replace(quantity, value=fitting)


def _dimensionless(quantity: Quantity) -> Unit | None:
    if quantity.kind == "calendar":
        return None
    unit = read_unit(quantity.unit)
    return unit if unit is not None and not unit.dimension else None


def _known(quantity: Quantity) -> bool:
    return quantity.kind == "calendar" or read_unit(quantity.unit) is not None


def _takes_part(quantity: Quantity) -> bool:
    """Temperature scales and unknown units are in no sum of different units and no product."""
    if quantity.kind == "calendar":
        return True
    unit = read_unit(quantity.unit)
    return unit is not None and not unit.offset


def _scaled(left: Quantity, right: Quantity) -> tuple[Fraction, Fraction] | None:
    """Return both values in one unit; None when they are not comparable."""
    left, right = _resolved(left, right), _resolved(right, left)
    if left.kind == right.kind and left.unit == right.unit:
        return Fraction(left.value), Fraction(right.value)
    if left.kind == right.kind == "ucum":
        return _scaled_ucum(left, right)
    if left.kind == right.kind and {left.unit, right.unit} <= _INDEFINITE:
        return (
            Fraction(left.value) * _MONTHS[left.unit],
            Fraction(right.value) * _MONTHS[right.unit],
        )
    seconds = [_seconds(one, definite=left.kind != right.kind) for one in (left, right)]
    if seconds[0] is None or seconds[1] is None:
        return None
    return seconds[0], seconds[1]


def _scaled_ucum(left: Quantity, right: Quantity) -> tuple[Fraction, Fraction] | None:
    mine, other = read_unit(left.unit), read_unit(right.unit)
    if mine is None or other is None or mine.dimension != other.dimension:
        return None
    return (
        (Fraction(left.value) + mine.offset) * mine.factor,
        (Fraction(right.value) + other.offset) * other.factor,
    )


def _seconds(quantity: Quantity, *, definite: bool) -> Fraction | None:
    word: str | None = quantity.unit
    if quantity.kind == "ucum":
        word = CALENDAR_OF.get(quantity.unit)
    if word is None or (definite and word in _INDEFINITE):
        return None
    return Fraction(quantity.value) * Fraction(SECONDS[word])


def _resolved(quantity: Quantity, other: Quantity) -> Quantity:
    """A FHIR Quantity in a time unit is what its partner is."""
    if quantity.kind != "either":
        return quantity
    if other.kind == "calendar":
        return Quantity(quantity.value, CALENDAR_OF[quantity.unit], "calendar")
    return Quantity(quantity.value, quantity.unit)


def _as_ucum(quantity: Quantity) -> Quantity:
    code = _UCUM_OF[quantity.unit] if quantity.kind == "calendar" else quantity.unit
    return Quantity(quantity.value, code)
