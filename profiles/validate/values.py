"""Fixed values and patterns (https://hl7.org/fhir/R4/elementdefinition.html#fixed).

A fixed value is the whole value; a pattern has to be in the value: every member it names, and of
lists every item somewhere.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

_NUMBERS = (int, float, Decimal)


def equals(value: Any, fixed: Any) -> bool:
    """Say whether a JSON value is exactly the fixed one; numbers are compared by value."""
    if isinstance(fixed, dict):
        return (
            isinstance(value, dict)
            and value.keys() == fixed.keys()
            and all(equals(value[name], one) for name, one in fixed.items())
        )
    if isinstance(fixed, list):
        return (
            isinstance(value, list) and len(value) == len(fixed) and all(map(equals, value, fixed))
        )
    return _same(value, fixed)


def fits(value: Any, pattern: Any) -> bool:
    """Say whether a JSON value has everything that the pattern has."""
    if isinstance(pattern, dict):
        return isinstance(value, dict) and all(
            name in value and fits(value[name], one) for name, one in pattern.items()
        )
    if isinstance(pattern, list):
        return isinstance(value, list) and all(
            any(fits(item, one) for item in value) for one in pattern
        )
    return _same(value, pattern)


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, _NUMBERS) and isinstance(other, _NUMBERS):
        return _decimal(value) == _decimal(other)
    return bool(value == other)


def _decimal(number: float | Decimal) -> Decimal:
    return Decimal(str(number)) if isinstance(number, float) else Decimal(number)
