"""Operators on evaluated operands.

https://hl7.org/fhirpath/N1/#operations. The logical ones are in the compiler, since they need
not evaluate both sides.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.equality import (
    Seen,
    as_quantity,
    equal_collections,
    equivalent_collections,
    is_number,
)
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.collections import union
from profiles.fhirpath.functions.conversion import to_text
from profiles.fhirpath.items import Items, Node
from profiles.fhirpath.numbers import EXACT, Long, decimal, shown, whole
from profiles.fhirpath.quantity import CALENDAR_OF, Quantity, add, divide, multiply
from profiles.fhirpath.quantity import compare as compare_quantities
from profiles.fhirpath.singles import single, value
from profiles.fhirpath.syntax import CALENDAR_WORDS
from profiles.fhirpath.temporal import Temporal, comparable
from profiles.fhirpath.temporal import compare as compare_temporal
from profiles.fhirpath.temporal_math import add as add_duration

Operate = Callable[[Evaluation, Items, Items], Items]

#: UCUM codes that are as long as the calendar unit of the same meaning.
_DEFINITE = {code: word for code, word in CALENDAR_OF.items() if code not in ("a", "mo")}


def _result(computed: Any) -> Items:
    return [] if computed is None else [computed]


def _equal(_evaluation: Evaluation, left: Items, right: Items) -> Items:
    return _result(equal_collections(left, right))


def _not_equal(_evaluation: Evaluation, left: Items, right: Items) -> Items:
    answer = equal_collections(left, right)
    return [] if answer is None else [not answer]


def _equivalent(evaluation: Evaluation, left: Items, right: Items) -> Items:
    return [equivalent_collections(evaluation, left, right)]


def _not_equivalent(evaluation: Evaluation, left: Items, right: Items) -> Items:
    return [not equivalent_collections(evaluation, left, right)]


def _ordering(accept: Callable[[int], bool]) -> Operate:
    def operate(_evaluation: Evaluation, left: Items, right: Items) -> Items:
        mine, other = value(left), value(right)
        if mine is None or other is None:
            return []
        order = compare(mine, other)
        return [] if order is None else [accept(order)]

    return operate


def compare(mine: Any, other: Any) -> int | None:
    """Order two System values; None for no answer, FHIRPathError for what has no order."""
    if is_number(mine) and is_number(other):
        return _sign(mine, other)
    if mine.__class__ is str and other.__class__ is str:
        return _sign(mine, other)
    if isinstance(mine, Temporal) and isinstance(other, Temporal) and comparable(mine, other):
        return compare_temporal(mine, other)
    if mine.__class__ is Quantity or other.__class__ is Quantity:
        first, second = as_quantity(mine), as_quantity(other)
        if first is not None and second is not None:
            return compare_quantities(first, second)
    raise FHIRPathError("values of these types have no order")


def _sign(mine: Any, other: Any) -> int:
    return int(mine > other) - int(mine < other)


def _operands(left: Items, right: Items) -> tuple[Any, Any]:
    mine, other = value(left), value(right)
    if mine.__class__ is Node or other.__class__ is Node:
        raise FHIRPathError("an operator works on values, not on elements")
    return mine, other


def _wrong(sign: str) -> FHIRPathError:
    return FHIRPathError(f"values of these types cannot be operands of {sign}")


def _plus(evaluation: Evaluation, left: Items, right: Items) -> Items:
    mine, other = _operands(left, right)
    if mine is None or other is None:
        return []
    if mine.__class__ is str and other.__class__ is str:
        evaluation.check_text(len(mine) + len(other))
        return [mine + other]
    if isinstance(other, Temporal) and mine.__class__ is Quantity:
        mine, other = other, mine
    return _sum(mine, other, 1)


def _minus(_evaluation: Evaluation, left: Items, right: Items) -> Items:
    mine, other = _operands(left, right)
    return [] if mine is None or other is None else _sum(mine, other, -1)


def _sum(mine: Any, other: Any, sign: int) -> Items:
    if is_number(mine) and is_number(other):
        if isinstance(mine, int) and isinstance(other, int):
            return _result(whole(int(mine) + sign * int(other), mine, other))
        return _result(shown(EXACT.add(decimal(mine), sign * decimal(other))))
    if isinstance(mine, Temporal) and other.__class__ is Quantity:
        return _moved(mine, other, sign)
    first, second = as_quantity(mine), as_quantity(other)
    if first is None or second is None:
        raise _wrong("+" if sign > 0 else "-")
    return _result(add(first, second, sign))


def _moved(moment: Temporal, duration: Quantity, sign: int) -> Items:
    unit: str | None = duration.unit
    if duration.kind == "ucum":
        # A calendar unit in quotes is no UCUM code and can mean nothing else.
        unit = _DEFINITE.get(duration.unit) or CALENDAR_WORDS.get(duration.unit)
    elif duration.kind == "either":
        unit = CALENDAR_OF[duration.unit]
    if unit is None:
        raise FHIRPathError("a date or time moves by a calendar duration only")
    try:
        return _result(add_duration(moment, sign * duration.value, unit))
    except ValueError as error:
        raise FHIRPathError(str(error)) from None


def _times(_evaluation: Evaluation, left: Items, right: Items) -> Items:
    mine, other = _operands(left, right)
    if mine is None or other is None:
        return []
    if is_number(mine) and is_number(other):
        if isinstance(mine, int) and isinstance(other, int):
            return _result(whole(int(mine) * int(other), mine, other))
        return _result(shown(EXACT.multiply(decimal(mine), decimal(other))))
    first, second = as_quantity(mine), as_quantity(other)
    if first is None or second is None:
        raise _wrong("*")
    return _result(multiply(first, second))


def _divided(_evaluation: Evaluation, left: Items, right: Items) -> Items:
    mine, other = _operands(left, right)
    if mine is None or other is None:
        return []
    if is_number(mine) and is_number(other):
        quotient = EXACT.divide(decimal(mine), decimal(other)) if other else None
        return [] if quotient is None else _result(shown(quotient))
    first, second = as_quantity(mine), as_quantity(other)
    if first is None or second is None:
        raise _wrong("/")
    return _result(divide(first, second))


def _whole_division(compute: Callable[[Any, Any], Any], sign: str) -> Operate:
    def operate(_evaluation: Evaluation, left: Items, right: Items) -> Items:
        mine, other = (_plain(one) for one in _operands(left, right))
        if mine is None or other is None:
            return []
        if not is_number(mine) or not is_number(other):
            raise _wrong(sign)
        return _result(compute(mine, other)) if other else []

    return operate


def _plain(operand: Any) -> Any:
    """A quantity without unit is a number."""
    if operand.__class__ is Quantity and operand.unit == "1":
        return operand.value
    return operand


def _div(mine: Any, other: Any) -> Any:
    if isinstance(mine, int) and isinstance(other, int):
        quotient = abs(int(mine)) // abs(int(other))
        return whole(quotient if (mine < 0) == (other < 0) else -quotient, mine, other)
    return whole(int(EXACT.divide(decimal(mine), decimal(other)).to_integral_value("ROUND_DOWN")))


def _mod(mine: Any, other: Any) -> Any:
    if isinstance(mine, int) and isinstance(other, int):
        rest = abs(int(mine)) % abs(int(other))
        return whole(-rest if mine < 0 else rest, mine, other)
    return _remainder(decimal(mine), decimal(other))


def _remainder(mine: Decimal, other: Decimal) -> Decimal | None:
    try:
        return shown(EXACT.remainder(mine, other))
    except InvalidOperation:  # the quotient has more digits than a decimal
        return None


def _concatenated(evaluation: Evaluation, left: Items, right: Items) -> Items:
    texts = []
    for operand in (value(left), value(right)):
        written = "" if operand is None else to_text(operand)
        if written is None:
            raise _wrong("&")
        texts.append(written)
    evaluation.check_text(len(texts[0]) + len(texts[1]))
    return [texts[0] + texts[1]]


def _in(evaluation: Evaluation, left: Items, right: Items) -> Items:
    item = single(left)
    if item is None:
        return []
    return [item in Seen(evaluation, right)]


def _contains(evaluation: Evaluation, left: Items, right: Items) -> Items:
    return _in(evaluation, right, left)


def negated(items: Items) -> Items:
    """Apply the sign `-` to a number or quantity."""
    known = value(items)
    if known is None:
        return []
    if known.__class__ is Quantity:
        return [Quantity(-known.value, known.unit, known.kind)]
    if not is_number(known):
        raise _wrong("the sign -")
    if known.__class__ is Long:
        return [Long(-int(known))]
    return [-known]


def positive(items: Items) -> Items:
    """Apply the sign `+`."""
    known = value(items)
    if known is None:
        return []
    if known.__class__ is not Quantity and not is_number(known):
        raise _wrong("the sign +")
    return [known]


OPERATORS: dict[str, Operate] = {
    "=": _equal,
    "!=": _not_equal,
    "~": _equivalent,
    "!~": _not_equivalent,
    "<": _ordering(lambda order: order < 0),
    "<=": _ordering(lambda order: order <= 0),
    ">": _ordering(lambda order: order > 0),
    ">=": _ordering(lambda order: order >= 0),
    "|": union,
    "+": _plus,
    "-": _minus,
    "*": _times,
    "/": _divided,
    "div": _whole_division(_div, "div"),
    "mod": _whole_division(_mod, "mod"),
    "&": _concatenated,
    "in": _in,
    "contains": _contains,
}
