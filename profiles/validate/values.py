"""Fixed values and patterns (https://hl7.org/fhir/R4/elementdefinition.html#fixed).

A fixed value is the whole value; a pattern has to be in the value: every member it names, and of
lists every item somewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any, Literal

from profiles.validate.members import Item
from profiles.validate.run import Check, Run

#: Says whether a JSON value is as wanted.
Test = Callable[[Any], bool]

_NUMBERS = (int, float, Decimal)


def equal_to(fixed: Any) -> Test:
    """Return what says whether a JSON value is exactly the fixed one; numbers count by value."""
    if isinstance(fixed, dict):
        inner = {name: equal_to(one) for name, one in fixed.items()}
        return lambda value: (
            isinstance(value, dict)
            and value.keys() == inner.keys()
            and all(test(value[name]) for name, test in inner.items())
        )
    if isinstance(fixed, list):
        tests = [equal_to(one) for one in fixed]
        return lambda value: (
            isinstance(value, list)
            and len(value) == len(tests)
            and all(test(one) for test, one in zip(tests, value, strict=True))
        )
    return _same_as(fixed)


def fitting(pattern: Any) -> Test:
    """Return what says whether a JSON value has everything that the pattern has."""
    if isinstance(pattern, dict):
        return _with_members(pattern)
    if isinstance(pattern, list):
        tests = [fitting(one) for one in pattern]
        if len(tests) == 1:
            return _with_item(tests[0])
        return lambda value: (
            isinstance(value, list) and all(any(map(test, value)) for test in tests)
        )
    return _same_as(pattern)


def _with_item(fits: Test) -> Test:
    def test(value: Any) -> bool:
        if type(value) is not list:
            return False
        for one in value:  # noqa: SIM110 - a generator costs more
            if fits(one):
                return True
        return False

    return test


def _with_members(pattern: dict[str, Any]) -> Test:
    # Texts tell patterns apart, and every identifier comes by: they are compared first, directly.
    texts = [(name, one) for name, one in pattern.items() if type(one) is str]
    others = [(name, fitting(one)) for name, one in pattern.items() if type(one) is not str]

    def test(value: Any) -> bool:
        if type(value) is not dict:
            return False
        for name, wanted in texts:
            if value.get(name) != wanted:
                return False
        return not others or all(name in value and fits(value[name]) for name, fits in others)

    return test


def _same_as(wanted: Any) -> Test:
    if isinstance(wanted, str):
        return lambda value: bool(value == wanted)
    return lambda value: _same(value, wanted)


def value_check(kind: Literal["fixed", "pattern"], wanted: Any, profile: str) -> Check:
    """Return what checks the fixed value or the pattern a profile asks for."""
    test = equal_to(wanted) if kind == "fixed" else fitting(wanted)
    word = "is not the fixed value" if kind == "fixed" else "does not have what the pattern asks"
    text = f"the value {word} of {profile}"

    def check(item: Item, run: Run) -> None:
        if item.value is not None and not test(item.value):
            run.report("error", "value", text, item.place)

    return check


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, bool) or isinstance(other, bool):
        return value is other
    if isinstance(value, _NUMBERS) and isinstance(other, _NUMBERS):
        return _decimal(value) == _decimal(other)
    return bool(value == other)


def _decimal(number: float | Decimal) -> Decimal:
    return Decimal(str(number)) if isinstance(number, float) else Decimal(number)
