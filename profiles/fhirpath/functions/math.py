"""Mathematics.

https://hl7.org/fhirpath/N1/#math: exact on decimals; a result that no decimal can hold is empty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import (
    ROUND_CEILING,
    ROUND_DOWN,
    ROUND_FLOOR,
    Decimal,
    DecimalException,
)
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.equality import is_number
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items
from profiles.fhirpath.numbers import EXACT, decimal, round_to, shown, whole
from profiles.fhirpath.quantity import Quantity
from profiles.fhirpath.singles import value, whole_number

_MOST_DIGITS = 34


def _result(computed: Any) -> Items:
    return [] if computed is None else [computed]


def _numeric(items: Items, name: str) -> Any:
    known = value(items)
    if known is None or is_number(known) or known.__class__ is Quantity:
        return known
    raise FHIRPathError(f"{name}() works on a number")


def _number(items: Items, name: str) -> Any:
    known = _numeric(items, name)
    if known.__class__ is Quantity:
        raise FHIRPathError(f"{name}() works on a number")
    return known


def _abs(_evaluation: Evaluation, items: Items) -> Items:
    known = _numeric(items, "abs")
    if known is None:
        return []
    if known.__class__ is Quantity:
        return [replace(known, value=abs(known.value))]
    return _result(whole(abs(known), known) if isinstance(known, int) else abs(known))


def _rounded(name: str, rounding: str) -> Callable[[Evaluation, Items], Items]:
    def call(_evaluation: Evaluation, items: Items) -> Items:
        known = _numeric(items, name)
        if known is None or isinstance(known, int):
            return _result(known)
        if known.__class__ is Quantity:
            return [replace(known, value=known.value.to_integral_value(rounding=rounding))]
        return _result(whole(int(known.to_integral_value(rounding=rounding))))

    return call


def _round(_evaluation: Evaluation, items: Items, precision: Items | None = None) -> Items:
    known = _numeric(items, "round")
    digits = whole_number(precision, "round()") if precision else 0
    if known is None:
        return []
    if digits is None:
        digits = 0
    if digits < 0:
        raise FHIRPathError("round() takes no negative precision")
    if isinstance(known, int) or digits > _MOST_DIGITS:
        return [known]
    if known.__class__ is Quantity:
        return [replace(known, value=round_to(known.value, digits))]
    return [round_to(known, digits)]


def _tidy(computed: Decimal) -> Decimal | None:
    """Cut to the digits that are certain, without zeros at the end."""
    fitting = shown(computed)
    if fitting is None:
        return None
    short = fitting.normalize()
    return short.quantize(Decimal(1)) if 0 < int(short.as_tuple().exponent) < 30 else short


def _computed(compute: Callable[[], Decimal]) -> Items:
    try:
        return _result(_tidy(compute()))
    except DecimalException:
        return []


def _exp(_evaluation: Evaluation, items: Items) -> Items:
    known = _number(items, "exp")
    return [] if known is None else _computed(lambda: EXACT.exp(decimal(known)))


def _ln(_evaluation: Evaluation, items: Items) -> Items:
    known = _number(items, "ln")
    return [] if known is None or known <= 0 else _computed(lambda: EXACT.ln(decimal(known)))


def _log(_evaluation: Evaluation, items: Items, base: Items) -> Items:
    known, radix = _number(items, "log"), _number(base, "log")
    if known is None or radix is None or known <= 0 or radix <= 0 or radix == 1:
        return []
    return _computed(lambda: EXACT.divide(EXACT.ln(decimal(known)), EXACT.ln(decimal(radix))))


def _sqrt(_evaluation: Evaluation, items: Items) -> Items:
    known = _number(items, "sqrt")
    return [] if known is None or known < 0 else _computed(lambda: EXACT.sqrt(decimal(known)))


def _power(_evaluation: Evaluation, items: Items, exponent: Items) -> Items:
    base, power = _number(items, "power"), _number(exponent, "power")
    if base is None or power is None:
        return []
    if isinstance(base, int) and isinstance(power, int) and power >= 0:
        return _whole_power(base, power)
    return _computed(lambda: EXACT.power(decimal(base), decimal(power)))


def _whole_power(base: int, power: int) -> Items:
    if abs(base) > 1 and power > 64:
        return []
    computed = int(base) ** (power if abs(base) > 1 else min(power, 2 + power % 2))
    return _result(whole(computed, base))


FUNCTIONS: dict[str, Function] = {
    "abs": Function(_abs),
    "ceiling": Function(_rounded("ceiling", ROUND_CEILING)),
    "floor": Function(_rounded("floor", ROUND_FLOOR)),
    "truncate": Function(_rounded("truncate", ROUND_DOWN)),
    "round": Function(_round, 0, 1),
    "exp": Function(_exp),
    "ln": Function(_ln),
    "log": Function(_log, 1, 1),
    "sqrt": Function(_sqrt),
    "power": Function(_power, 1, 1),
}
