"""lowBoundary(), highBoundary(), precision() and comparable(): STU in the current build.

A value stands for everything that would be written like it: 1.587 for 1.5865 to 1.5875, 2014
for the whole year. Precision counts digits after the point, for dates and times all digits.
"""

from __future__ import annotations

import calendar
from collections.abc import Callable
from dataclasses import replace
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.equality import as_quantity, is_number
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items
from profiles.fhirpath.numbers import EXACT, decimal
from profiles.fhirpath.quantity import Quantity, compare
from profiles.fhirpath.singles import value, whole_number
from profiles.fhirpath.temporal import Part, Temporal

_DEFAULT_DIGITS = 8
_MOST_DIGITS = 31
#: Kind → precision → how many parts are kept.
_PARTS: dict[str, dict[int, int]] = {
    "Date": {4: 1, 6: 2, 8: 3},
    "DateTime": {4: 1, 6: 2, 8: 3, 10: 4, 12: 5, 14: 6, 17: 6},
    "Time": {2: 1, 4: 2, 6: 3, 9: 3},
}
_FULL = {"Date": 8, "DateTime": 17, "Time": 9}
_MILLISECONDS = frozenset({17, 9})
#: The earliest and the latest time zone, in minutes.
_ZONES = {True: 14 * 60, False: -12 * 60}


def _boundary(*, low: bool) -> Callable[..., Items]:
    def call(_evaluation: Evaluation, items: Items, precision: Items | None = None) -> Items:
        known = value(items)
        digits = whole_number(precision, "a boundary") if precision else None
        found = None if known is None else _bound(known, digits, low=low)
        return [] if found is None else [found]

    return call


def _bound(known: Any, digits: int | None, *, low: bool) -> Any:
    if is_number(known):
        return _decimal_bound(decimal(known), digits, low=low)
    if known.__class__ is Quantity:
        bound = _decimal_bound(known.value, digits, low=low)
        return None if bound is None else replace(known, value=bound)
    if isinstance(known, Temporal):
        return _temporal_bound(known, digits, low=low)
    raise FHIRPathError("a boundary is asked of what has none")


def _decimal_bound(known: Decimal, digits: int | None, *, low: bool) -> Decimal | None:
    digits = _DEFAULT_DIGITS if digits is None else digits
    if not 0 <= digits <= _MOST_DIGITS:
        return None
    half = Decimal(5).scaleb(min(int(known.as_tuple().exponent), 0) - 1)
    bound = EXACT.subtract(known, half) if low else EXACT.add(known, half)
    # Towards the value itself the extra digits are cut, away from it they are rounded.
    outward = (bound < 0) == low
    rounding = ROUND_HALF_UP if outward else ROUND_DOWN
    try:
        return bound.quantize(Decimal(1).scaleb(-digits), rounding=rounding, context=EXACT)
    except InvalidOperation:  # more digits than a decimal has
        return None


def _temporal_bound(known: Temporal, digits: int | None, *, low: bool) -> Temporal | None:
    precision = _FULL[known.kind] if digits is None else digits
    kept = _PARTS[known.kind].get(precision)
    if kept is None:
        return None
    parts = _filled(known, low=low)[:kept]
    if precision in _MILLISECONDS:
        parts[-1] = Decimal(parts[-1]).quantize(Decimal("0.001"), rounding=ROUND_DOWN)
    elif kept == len(_filled(known, low=low)) and known.kind != "Date":
        parts[-1] = Decimal(int(parts[-1]))
    offset = known.offset
    if known.kind == "DateTime" and kept > 3 and offset is None:
        offset = _ZONES[low]
    return Temporal(known.kind, tuple(parts), offset if kept > 3 else None)


def _filled(known: Temporal, *, low: bool) -> list[Part]:
    """Complete a value to all its parts with the first or the last there is."""
    parts = list(known.parts)
    if known.kind != "Time":
        if known.kind == "DateTime" and len(parts) == 4:
            # FHIR has no hour alone: it is written with its minutes, so T08 reads T08:00.
            parts.append(0)
        if len(parts) < 2:
            parts.append(1 if low else 12)
        if len(parts) < 3:
            last = calendar.monthrange(int(parts[0]), int(parts[1]))[1]
            parts.append(1 if low else last)
    clock = len(parts) if known.kind == "Time" else len(parts) - 3
    if known.kind == "Date":
        return parts
    last_second = Decimal("59.999")
    ends: tuple[Part, ...] = (0, 0, Decimal(0)) if low else (23, 59, last_second)
    if clock == 3:
        return [*parts[:-1], _last_fraction(Decimal(parts[-1]), low=low)]
    return [*parts, *ends[clock:]]


def _last_fraction(second: Decimal, *, low: bool) -> Decimal:
    digits = -int(second.as_tuple().exponent)
    if low or digits >= 3:
        return second
    return second + Decimal(1).scaleb(-digits) - Decimal("0.001")


def _precision(_evaluation: Evaluation, items: Items) -> Items:
    known = value(items)
    if known is None:
        return []
    if isinstance(known, Temporal):
        return [known.precision]
    quantity = as_quantity(known)
    if quantity is None:
        raise FHIRPathError("precision() is asked of what has none")
    return [max(0, -int(quantity.value.as_tuple().exponent))]


def _comparable(_evaluation: Evaluation, items: Items, other: Items) -> Items:
    if not items or not other:
        return []
    known, against = value(items), value(other)
    if known is None or against is None:
        return [False]
    mine, second = as_quantity(known), as_quantity(against)
    if mine is None or second is None:
        raise FHIRPathError("comparable() works on quantities")
    return [compare(mine, second) is not None]


FUNCTIONS: dict[str, Function] = {
    "lowBoundary": Function(_boundary(low=True), 0, 1),
    "highBoundary": Function(_boundary(low=False), 0, 1),
    "precision": Function(_precision),
    "comparable": Function(_comparable, 1, 1),
}
