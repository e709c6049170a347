"""Questionnaire: what its items may have (que-1 to que-13), and what their conditions ask about.

https://hl7.org/fhir/R4/questionnaire.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from profiles.issue import Issue, Severity

Json = dict[str, Any]

_OPTIONS = frozenset(
    {
        *("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string"),
        "quantity",
    }
)
_WITH_LENGTH = frozenset({"boolean", "decimal", "integer", "string", "text", "url", "open-choice"})


def questionnaire_issues(questionnaire: Json, place: str) -> Iterator[Issue]:
    """Questionnaire: its invariants, and conditions that ask about other questions of it."""
    order: dict[str, int] = {}
    items = list(items_below(questionnaire, place))
    for position, (where, item) in enumerate(items):
        for holds, severity, text, member in _RULES:
            if holds(item):
                yield Issue(severity, "invariant", text, f"{where}{member}")
        link_id = item.get("linkId")
        if isinstance(link_id, str):
            if link_id in order:
                text = "que-2: the link ids for groups and questions must be unique"
                yield Issue("error", "invariant", text, f"{where}.linkId")
            order.setdefault(link_id, position)
    for position, (where, item) in enumerate(items):
        if "enableWhen" in item:
            yield from _conditions(item, where, position, order)


def items_below(holder: Json, place: str) -> Iterator[tuple[str, Json]]:
    """Go through all items of a Questionnaire in document order, with their places."""
    waiting = [*reversed(list(_inner(holder, place)))]
    while waiting:
        where, item = waiting.pop()
        yield where, item
        waiting.extend(reversed(list(_inner(item, where))))


def _inner(holder: Json, place: str) -> Iterator[tuple[str, Json]]:
    items = holder.get("item")
    for index, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield f"{place}.item[{index}]", item


def conditions_of(item: Json) -> list[Json]:
    """Return the enableWhen of an item."""
    conditions = item.get("enableWhen")
    if not isinstance(conditions, list):
        return []
    return [one for one in conditions if isinstance(one, dict)]


def _many(item: Json, member: str) -> int:
    value = item.get(member)
    return len(value) if isinstance(value, list) else 0


def _conditions(item: Json, where: str, position: int, order: dict[str, int]) -> Iterator[Issue]:
    conditions = conditions_of(item)
    for index, condition in enumerate(conditions):
        location = f"{where}.enableWhen[{index}]"
        if condition.get("operator") == "exists" and "answerBoolean" not in condition:
            text = "que-7: if the operator is 'exists', the value must be a boolean"
            yield Issue("error", "invariant", text, f"{location}.answer")
        question = condition.get("question")
        if not isinstance(question, str):
            continue
        asked = order.get(question)
        location = f"{location}.question"
        if asked is None:
            text = "the condition asks about a link id that is not in the questionnaire"
            yield Issue("error", "not-found", text, location)
        elif asked == position:
            yield Issue("error", "value", "the condition asks about its own item", location)
        elif asked > position:
            text = "the condition asks about a question that comes after the item"
            yield Issue("warning", "value", text, location)


def _is_display(item: Json) -> bool:
    return item.get("type") == "display"


def _is_among(item: Json, types: frozenset[str]) -> bool:
    kind = item.get("type")
    return isinstance(kind, str) and kind in types


#: Breach of an item → severity, sentence, member it is about.
_RULES: tuple[tuple[Callable[[Json], bool], Severity, str, str], ...] = (
    (
        lambda item: item.get("type") == "group" and "item" not in item,
        "error",
        "que-1: group items must have nested items",
        "",
    ),
    (
        lambda item: _is_display(item) and "item" in item,
        "error",
        "que-1: display items cannot have nested items",
        ".item",
    ),
    (
        lambda item: _is_display(item) and "code" in item,
        "error",
        'que-3: display items cannot have a "code" asserted',
        ".code",
    ),
    (
        lambda item: "answerOption" in item and "answerValueSet" in item,
        "error",
        "que-4: a question cannot have both answerOption and answerValueSet",
        ".answerValueSet",
    ),
    (
        lambda item: (
            ("answerOption" in item or "answerValueSet" in item) and not _is_among(item, _OPTIONS)
        ),
        "error",
        "que-5: items of this type cannot have answerOption or answerValueSet",
        "",
    ),
    (
        lambda item: _is_display(item) and ("required" in item or "repeats" in item),
        "error",
        "que-6: required and repeat aren't permitted for display items",
        "",
    ),
    (
        lambda item: "initial" in item and _is_among(item, frozenset({"group", "display"})),
        "error",
        "que-8: initial values can't be specified for groups or display items",
        ".initial",
    ),
    (
        lambda item: _is_display(item) and "readOnly" in item,
        "error",
        'que-9: read-only can\'t be specified for "display" items',
        ".readOnly",
    ),
    (
        lambda item: "maxLength" in item and not _is_among(item, _WITH_LENGTH),
        "error",
        "que-10: maximum length can only be declared for simple question types",
        ".maxLength",
    ),
    (
        lambda item: "answerOption" in item and "initial" in item,
        "error",
        "que-11: if one or more answerOption is present, initial[x] must be missing",
        ".initial",
    ),
    (
        lambda item: _many(item, "enableWhen") > 2 and "enableBehavior" not in item,
        "error",
        "que-12: if there are more than one enableWhen, enableBehavior must be specified",
        ".enableBehavior",
    ),
    (
        # The sentence of que-12 says one, its expression two.
        lambda item: _many(item, "enableWhen") == 2 and "enableBehavior" not in item,
        "warning",
        "que-12: if there are more than one enableWhen, enableBehavior must be specified",
        ".enableBehavior",
    ),
    (
        lambda item: _many(item, "initial") > 1 and item.get("repeats") is not True,
        "error",
        "que-13: can only have multiple initial values for repeating items",
        ".initial",
    ),
)
