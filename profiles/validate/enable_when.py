"""enableWhen: is an item of a questionnaire enabled by the answers given?

https://hl7.org/fhir/R4/questionnaire-definitions.html#Questionnaire.item.enableWhen. The answer is
None where FHIR leaves it open or another language than enableWhen decides.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

from profiles.validate.questionnaire import conditions_of

Json = dict[str, Any]
#: Items of one list in a response, outermost list first.
Scope = tuple[list[Json], ...]

_EXPRESSION = (
    "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-enableWhenExpression"
)
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


class Enabling:
    """Decides conditions against one QuestionnaireResponse."""

    def __init__(self) -> None:
        """Start with nothing looked up."""
        #: By identity of a list, which is kept so that no other one takes its place.
        self._found: dict[int, tuple[list[Json], dict[str, list[Json]]]] = {}

    def is_enabled(self, item: Json, scope: Scope) -> bool | None:
        """Say whether a questionnaire's item is enabled where `scope` is its surroundings.

        `scope` holds the lists of response items around it, from the outermost to its own.
        """
        if any(_is_expression(one) for one in _listed(item.get("extension"))):
            return None
        results = [self._holds(condition, scope) for condition in conditions_of(item)]
        if not results:
            return True
        if len(set(results)) == 1:
            return results[0]
        if item.get("enableBehavior") == "any":
            return True if True in results else None
        if item.get("enableBehavior") == "all":
            return False if False in results else None
        return None

    def _holds(self, condition: Json, scope: Scope) -> bool | None:
        question, test = condition.get("question"), condition.get("operator")
        expected = [value for name, value in condition.items() if name.startswith("answer")]
        if not isinstance(question, str) or not isinstance(test, str) or len(expected) != 1:
            return None
        answers = [*self._answers(question, scope)]
        if test == "exists":
            return bool(answers) is expected[0] if isinstance(expected[0], bool) else None
        if test in {"=", "!="}:
            equal = _any(equals(one, expected[0]) for one in answers)
            if test == "=" or equal is None:
                return equal
            # Whether no answer is unlike the expected one is read either way.
            return not equal if answers else None
        return _any(ordered(test, one, expected[0]) for one in answers) if test in _ORDERS else None

    def _answers(self, question: str, scope: Scope) -> Iterator[Any]:
        """Values of the nearest occurrence of a question, looking outwards."""
        for items in reversed(scope):
            found = self._index(items).get(question)
            if found:
                yield from values_of(found[-1])
                return

    def _index(self, items: list[Json]) -> dict[str, list[Json]]:
        """Items in and below a list by their link ids; kept, since many conditions ask."""
        if id(items) in self._found:
            return self._found[id(items)][1]
        index: dict[str, list[Json]] = {}
        self._found[id(items)] = (items, index)
        waiting = [*reversed(items)]
        while waiting:
            item = waiting.pop()
            index.setdefault(str(item.get("linkId")), []).append(item)
            waiting.extend(reversed(list(_below(item))))
        return index


def _is_expression(extension: Any) -> bool:
    return isinstance(extension, dict) and extension.get("url") == _EXPRESSION


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _below(item: Json) -> Iterator[Json]:
    holders = [item, *(one for one in _listed(item.get("answer")) if isinstance(one, dict))]
    for holder in holders:
        yield from (one for one in _listed(holder.get("item")) if isinstance(one, dict))


def values_of(item: Json) -> Iterator[Any]:
    """Values of the answers of a response's item."""
    for answer in _listed(item.get("answer")):
        if isinstance(answer, dict):
            yield from (value for name, value in answer.items() if name.startswith("value"))


def _any(results: Iterable[bool | None]) -> bool | None:
    found = set(results)
    if True in found:
        return True
    return None if None in found else False


def equals(given: Any, expected: Any) -> bool | None:
    """Compare an answer with an expected one; None where they cannot be compared."""
    if isinstance(given, dict) and isinstance(expected, dict):
        return _same_object(given, expected)
    if _is_number(given) and _is_number(expected):
        return bool(given == expected)
    return bool(given == expected) if type(given) is type(expected) else None


def _same_object(given: Json, expected: Json) -> bool | None:
    if "code" in expected and "value" not in expected:  # Coding
        same = given.get("code") == expected["code"]
        return same and ("system" not in expected or given.get("system") == expected["system"])
    if "value" in expected:  # Quantity
        same_unit = _unit(given) == _unit(expected)
        return equals(given.get("value"), expected["value"]) if same_unit else None
    if "reference" in expected:
        return bool(given.get("reference") == expected["reference"])
    if "display" in expected:  # Coding without a code
        return bool(given.get("display") == expected["display"])
    return None


def _unit(quantity: Json) -> tuple[str, str]:
    if "code" in quantity:
        return str(quantity.get("system")), str(quantity["code"])
    return "", str(quantity.get("unit", ""))


def ordered(test: str, given: Any, expected: Any) -> bool | None:
    """Compare by `>`, `<`, `>=` or `<=`; None for what has no order or another unit."""
    if isinstance(given, dict) and isinstance(expected, dict):
        if _unit(given) != _unit(expected):
            return None
        given, expected = given.get("value"), expected.get("value")
    if _is_number(given) and _is_number(expected):
        return bool(_ORDERS[test](given, expected))
    if isinstance(given, str) and isinstance(expected, str):
        return _ordered_times(_ORDERS[test], given, expected)
    return None


def _ordered_times(compare: Callable[[Any, Any], bool], given: str, expected: str) -> bool | None:
    """Dates and times of the same precision are in the order of their letters, if not zoned."""
    if "T" in given and "T" in expected:
        try:
            return compare(datetime.fromisoformat(given), datetime.fromisoformat(expected))
        except (ValueError, TypeError):
            return None
    shared = min(len(given), len(expected))
    if len(given) == len(expected) or given[:shared] != expected[:shared]:
        return compare(given, expected)
    return None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
