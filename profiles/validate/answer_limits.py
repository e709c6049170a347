"""Limits that extensions put on the answers to a question.

https://hl7.org/fhir/R4/questionnaire-profiles.html#extensions. `regex` is left out: a pattern from
a message may cost more than an answer is worth.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from profiles.issue import Issue
from profiles.validate.enable_when import ordered
from profiles.validate.limits import compared

Json = dict[str, Any]
#: (answer, limit) → is the limit kept? None where it says nothing about such an answer.
Limit = Callable[[Any, Any], bool | None]

_BASE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
_MEGABYTE = 1_000_000


def _least(value: Any, limit: Any) -> bool | None:
    return ordered(">=", value, limit)


def _most(value: Any, limit: Any) -> bool | None:
    return ordered("<=", value, limit)


def _least_quantity(value: Any, limit: Any) -> bool | None:
    """Compare after conversion of the units; as they are written where they are no UCUM."""
    order = compared(value, limit)
    return order >= 0 if order is not None else ordered(">=", value, limit)


def _most_quantity(value: Any, limit: Any) -> bool | None:
    order = compared(value, limit)
    return order <= 0 if order is not None else ordered("<=", value, limit)


def _decimal_places(value: Any, limit: Any) -> bool | None:
    if not isinstance(value, int | float | Decimal) or not isinstance(limit, int):
        return None
    fraction = re.search(r"\.([0-9]+)", f"{value}")
    return fraction is None or len(fraction.group(1)) <= limit


def _length(value: Any, limit: Any) -> bool | None:
    return len(value) >= limit if isinstance(value, str) and isinstance(limit, int) else None


def _size(value: Any, limit: Any) -> bool | None:
    if not isinstance(value, dict) or not isinstance(limit, int | float | Decimal):
        return None
    size, data = value.get("size"), value.get("data")
    if isinstance(data, str):
        size = len(data) * 3 // 4
    return bool(size <= limit * _MEGABYTE) if isinstance(size, int) else None


#: Extension → limit that each answer keeps, and what is said when it does not.
_EACH: dict[str, tuple[Limit, str]] = {
    f"{_BASE}minValue": (_least, "the answer is less than the question allows"),
    f"{_BASE}maxValue": (_most, "the answer is greater than the question allows"),
    f"{_BASE}maxDecimalPlaces": (_decimal_places, "the answer has too many decimal places"),
    f"{_BASE}minLength": (_length, "the answer is shorter than the question allows"),
    f"{_SDC}minQuantity": (_least_quantity, "the quantity is less than the question allows"),
    f"{_SDC}maxQuantity": (_most_quantity, "the quantity is greater than the question allows"),
    f"{_BASE}maxSize": (_size, "the attachment is larger than the question allows"),
}
_MIME_TYPE = f"{_BASE}mimeType"
_UNIT = f"{_BASE}questionnaire-unitOption"


def limit_issues(extensions: list[Json], value: Any, where: str) -> Iterator[Issue]:
    """Judge one answer by the extensions of its question."""
    for extension in extensions:
        limit, text = _EACH.get(str(extension.get("url")), (None, ""))
        if limit is not None and limit(value, _value(extension)) is False:
            yield Issue("error", "value", text, where)
    if not isinstance(value, dict):
        return
    types = [_value(one) for one in extensions if one.get("url") == _MIME_TYPE]
    if types and "contentType" in value and value["contentType"] not in types:
        text = "the attachment is of another type than the question allows"
        yield Issue("error", "value", text, f"{where}.contentType")
    units = [_unit(_value(one)) for one in extensions if one.get("url") == _UNIT]
    if units and "value" in value and _unit(value) not in units:
        text = "the quantity has another unit than the question allows"
        yield Issue("error", "value", text, where)


def _value(extension: Json) -> Any:
    return next((value for name, value in extension.items() if name.startswith("value")), None)


def _unit(coded: Any) -> tuple[Any, Any] | None:
    return (coded.get("system"), coded.get("code")) if isinstance(coded, dict) else None
