"""Answers: type, options, length and number of the answers to one question.

https://hl7.org/fhir/R4/questionnaire.html, https://hl7.org/fhir/R4/valueset-item-type.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from profiles.issue import Issue
from profiles.validate.answer_limits import limit_issues
from profiles.validate.enable_when import equals

Json = dict[str, Any]
#: (value set, system, code) → is it in there? None when that cannot be decided.
Membership = Callable[[str, str, str], bool | None]

#: Type of a question → members that may hold its answer.
VALUES: dict[str, frozenset[str]] = {
    "boolean": frozenset({"valueBoolean"}),
    "decimal": frozenset({"valueDecimal"}),
    "integer": frozenset({"valueInteger"}),
    "date": frozenset({"valueDate"}),
    "dateTime": frozenset({"valueDateTime"}),
    "time": frozenset({"valueTime"}),
    "string": frozenset({"valueString"}),
    "text": frozenset({"valueString"}),
    "url": frozenset({"valueUri"}),
    "choice": frozenset({"valueCoding"}),
    "open-choice": frozenset({"valueCoding", "valueString"}),
    "attachment": frozenset({"valueAttachment"}),
    "reference": frozenset({"valueReference"}),
    "quantity": frozenset({"valueQuantity"}),
}
_CHOICES = frozenset({"choice", "open-choice"})
_OCCURS = "http://hl7.org/fhir/StructureDefinition/questionnaire-"


@dataclass(frozen=True, slots=True)
class Questions:
    """What is known around the questions of one Questionnaire."""

    #: Its contained value sets by "#id".
    contained: dict[str, Json]
    #: Who knows the other value sets.
    is_member: Membership

    def member(self, value_set: str, coding: Json) -> bool | None:
        """Say whether a coding is in a value set of the Questionnaire."""
        system, code = coding.get("system", ""), coding.get("code")
        if not isinstance(system, str) or not isinstance(code, str):
            return False if code is None else None
        if value_set.startswith("#"):
            inner = self.contained.get(value_set)
            codes = _enumerated(inner) if inner is not None else None
            return None if codes is None else (system, code) in codes
        return self.is_member(value_set, system, code)


def contained_value_sets(questionnaire: Json) -> dict[str, Json]:
    """Return the value sets a Questionnaire contains, by "#id"."""
    return {
        f"#{one.get('id')}": one
        for one in _dicts(questionnaire.get("contained"))
        if one.get("resourceType") == "ValueSet"
    }


def answer_issues(
    question: Json, answers: list[Json], place: str, known: Questions
) -> Iterator[Issue]:
    """Judge the answers to one question; `place` is the response's item."""
    yield from _number(question, len(answers), place)
    kind = str(question.get("type"))
    options = _dicts(question.get("answerOption"))
    allowed = VALUES.get(kind, frozenset())
    if kind in _CHOICES:  # options of another type than Coding are answered with their type
        allowed |= {name for one in options for name in one if name.startswith("value")}
    for index, answer in enumerate(answers):
        where = f"{place}.answer[{index}]"
        for name, value in answer.items():
            if name.startswith("value") and name not in allowed:
                text = "the answer has another type than its question"
                yield Issue("error", "value", text, f"{where}.value")
            elif name.startswith("value"):
                yield from _value(question, options, name, value, f"{where}.value", known)


def _number(question: Json, count: int, place: str) -> Iterator[Issue]:
    if count > 1 and question.get("repeats") is not True:
        text = "the question has one answer only"
        yield Issue("error", "structure", text, f"{place}.answer[1]")
    for extension in _dicts(question.get("extension")):
        limit = extension.get("valueInteger")
        if not isinstance(limit, int):
            continue
        if extension.get("url") == f"{_OCCURS}maxOccurs" and count > limit:
            text = "the question has more answers than it may have"
            yield Issue("error", "structure", text, f"{place}.answer")
        if extension.get("url") == f"{_OCCURS}minOccurs" and 0 < count < limit:
            text = "the question has fewer answers than it must have"
            yield Issue("error", "structure", text, f"{place}.answer")


def _value(
    question: Json, options: list[Json], name: str, value: Any, where: str, known: Questions
) -> Iterator[Issue]:
    kind = question.get("type")
    if isinstance(value, str) and kind == "string" and ("\n" in value or "\r" in value):
        text = "the answer to a question of type string is a single line"
        yield Issue("warning", "value", text, where)
    limit = question.get("maxLength")
    if isinstance(limit, int) and not isinstance(value, dict | list) and len(str(value)) > limit:
        yield Issue("error", "too-long", "the answer is longer than the question allows", where)
    if "extension" in question:
        yield from limit_issues(_dicts(question["extension"]), value, where)
    if kind == "open-choice" and name == "valueString":
        return
    if options:
        if not any(_is_option(one, name, value) for one in options):
            text = "the answer is none of the options of its question"
            yield Issue("error", "code-invalid", text, where)
    elif isinstance(value_set := question.get("answerValueSet"), str) and isinstance(value, dict):
        yield from _in_value_set(value_set, value, where, known)


def _is_option(option: Json, name: str, value: Any) -> bool:
    expected = option.get(name)
    return expected is not None and equals(value, expected) is True


def _in_value_set(value_set: str, value: Json, where: str, known: Questions) -> Iterator[Issue]:
    found = known.member(value_set, value)
    if found is False:
        text = "the answer is not in the value set of its question"
        yield Issue("error", "code-invalid", text, where)
    elif found is None:
        text = "whether the answer is in the value set of its question cannot be decided"
        yield Issue("information", "not-supported", text, where)


def _enumerated(value_set: Json) -> set[tuple[str, str]] | None:
    """Codes of a value set that lists them; None for one that needs more to be known."""
    expansion = value_set.get("expansion")
    if isinstance(expansion, dict):
        return {(str(one.get("system", "")), str(one.get("code"))) for one in _all(expansion)}
    compose = value_set.get("compose")
    if not isinstance(compose, dict) or "exclude" in compose:
        return None
    found: set[tuple[str, str]] = set()
    for include in _dicts(compose.get("include")):
        if "concept" not in include or "valueSet" in include:
            return None
        system = str(include.get("system", ""))
        found |= {(system, str(one.get("code"))) for one in _dicts(include["concept"])}
    return found


def _all(expansion: Json) -> Iterator[Json]:
    waiting = _dicts(expansion.get("contains"))
    while waiting:
        one = waiting.pop()
        yield one
        waiting.extend(_dicts(one.get("contains")))


def _dicts(value: Any) -> list[Json]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
