"""QuestionnaireResponse: it answers the questions of its Questionnaire, and no others.

https://hl7.org/fhir/R4/questionnaireresponse.html. `readOnly`, `initial` and what is only shown to
people play no part.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from profiles.issue import Issue
from profiles.validate.answers import (
    Membership,
    Questions,
    answer_issues,
    contained_value_sets,
)
from profiles.validate.enable_when import Enabling, Scope
from profiles.validate.questionnaire import items_below
from profiles.validate.references import type_of_target

Json = dict[str, Any]
#: Canonical URL → the Questionnaire, or None when it is not at hand.
Questionnaires = Callable[[str], Json | None]

#: An item is required in what is finished, not in what is under way or withdrawn.
_FINISHED = frozenset({"completed", "amended"})
_WITHOUT_ANSWERS = frozenset({"group", "display", "question"})
#: A link id worth repeating: what a person chose as a name, not a text.
_LINK_ID = re.compile(r"[A-Za-z0-9._/-]{1,40}")


#: A questionnaire in the response itself could make groups times questions of work.
_MOST_LOOKS = 100_000
_MOST_ISSUES = 1_000
#: Items of a Questionnaire, items of the response, its place, what surrounds it.
_Step = tuple[Json, Json, str, Scope]


def questionnaire_response_issues(
    response: Json, place: str, questionnaire_of: Questionnaires, is_member: Membership
) -> Iterator[Issue]:
    """QuestionnaireResponse: items, nesting, order, required items, types and options of answers.

    A Questionnaire that the response contains is used as it is; any other is asked for by its
    canonical URL (with `|version`, as written). Without it nothing but a warning comes out.
    """
    yield from _beneath_both(response, place)
    canonical = response.get("questionnaire")
    if not isinstance(canonical, str):
        text = "the response names no questionnaire, so its answers are not checked"
        yield Issue("warning", "not-found", text, f"{place}.questionnaire")
        return
    questionnaire = _questionnaire(response, canonical, questionnaire_of)
    if questionnaire is None:
        text = "the questionnaire is not at hand, so the answers are not checked"
        yield Issue("warning", "not-found", text, f"{place}.questionnaire")
        return
    if questionnaire.get("resourceType") != "Questionnaire":
        text = "the response names something that is no questionnaire"
        yield Issue("error", "value", text, f"{place}.questionnaire")
        return
    yield from _subject(response, questionnaire, place)
    known = Questions(contained_value_sets(questionnaire), is_member)
    finished = str(response.get("status")) in _FINISHED
    reader = _Reader(questionnaire, known, finished=finished)
    yield from islice(reader.issues(response, place), _MOST_ISSUES)


def _questionnaire(response: Json, canonical: str, ask: Questionnaires) -> Json | None:
    if not canonical.startswith("#"):
        return ask(canonical)
    for one in _dicts(response.get("contained")):
        if f"#{one.get('id')}" == canonical:
            return one
    return None


def _subject(response: Json, questionnaire: Json, place: str) -> Iterator[Issue]:
    """The response is about a type of resource its Questionnaire is meant for, if that is told."""
    kinds = _listed(questionnaire.get("subjectType"))
    kind = type_of_target(response.get("subject"))
    if kinds and kind and kind not in kinds:
        text = "the questionnaire is not for subjects of this type"
        yield Issue("error", "business-rule", text, f"{place}.subject")


def _beneath_both(response: Json, place: str) -> Iterator[Issue]:
    waiting = [(place, response)]
    while waiting:
        where, holder = waiting.pop()
        for index, item in reversed([*enumerate(_listed(holder.get("item")))]):
            inner = f"{where}.item[{index}]"
            if not isinstance(item, dict):
                continue
            if "item" in item and "answer" in item:
                text = "qrs-1: nested item can't be beneath both item and answer"
                yield Issue("error", "invariant", text, inner)
            waiting.append((inner, item))
            for number, answer in enumerate(_listed(item.get("answer"))):
                if isinstance(answer, dict):
                    waiting.append((f"{inner}.answer[{number}]", answer))


@dataclass(frozen=True, slots=True)
class _Level:
    """The items of a Questionnaire that stand side by side."""

    #: Link id → item.
    questions: dict[str, Json]
    #: Link id → its position.
    order: dict[str, int]
    #: Items that must be answered when they are enabled.
    required: tuple[tuple[str, Json], ...]


def _level(asked: Json) -> _Level:
    questions = {str(one.get("linkId")): one for one in _dicts(asked.get("item"))}
    order = {link_id: position for position, link_id in enumerate(questions)}
    required = (
        (link_id, one)
        for link_id, one in questions.items()
        if one.get("required") is True and one.get("type") != "display"
    )
    return _Level(questions, order, tuple(required))


class _Reader:
    """Holds a response against one Questionnaire, level by level."""

    def __init__(self, questionnaire: Json, known: Questions, *, finished: bool) -> None:
        self._questionnaire = questionnaire
        self._known = known
        self._finished = finished
        self._link_ids = {str(item.get("linkId")) for _, item in items_below(questionnaire, "")}
        self._enabling = Enabling()
        self._levels: dict[int, _Level] = {}
        self._left = _MOST_LOOKS

    def issues(self, response: Json, place: str) -> Iterator[Issue]:
        waiting: list[_Step] = [(self._questionnaire, response, place, ())]
        while waiting:
            asked, given, where, scope = waiting.pop()
            level = self._levels.setdefault(id(asked), _level(asked))
            below = (*scope, _dicts(given.get("item")))
            placed = _placed(given, where)
            yield from self._belonging(level, placed)
            yield from self._required(level, below, where)
            inner: list[_Step] = []
            for location, item in placed:
                question = level.questions.get(str(item.get("linkId")))
                if question is not None:
                    yield from self._item(question, item, location, below)
                    inner.extend(_inside(question, item, location, below))
            waiting.extend(reversed(inner))
            if self._left < 0:
                text = "the response repeats more than can be checked"
                yield Issue("error", "too-costly", text, place)
                return

    def _belonging(self, level: _Level, placed: list[tuple[str, Json]]) -> Iterator[Issue]:
        """Items stand where the Questionnaire has them, in its order, once."""
        last = -1
        seen: set[str] = set()
        for where, item in placed:
            link_id = str(item.get("linkId"))
            position = level.order.get(link_id)
            if position is None:
                yield self._stray(link_id, f"{where}.linkId")
                continue
            if position < last:
                text = "the items stand in another order than in the questionnaire"
                yield Issue("error", "structure", text, where)
            last = max(last, position)
            if link_id in seen and not _may_repeat(level.questions[link_id]):
                text = "there is one item of this link id only"
                yield Issue("error", "structure", text, where)
            seen.add(link_id)

    def _stray(self, link_id: str, where: str) -> Issue:
        if link_id in self._link_ids:
            text = "the questionnaire has this item at another place"
            return Issue("error", "structure", text, where)
        return Issue("error", "not-found", "the questionnaire has no item of this link id", where)

    def _required(self, level: _Level, scope: Scope, where: str) -> Iterator[Issue]:
        if not self._finished or not level.required:
            return
        self._left -= len(level.required)
        given = {str(item.get("linkId")) for item in scope[-1] if _is_answered(item)}
        for link_id, question in level.required:
            if link_id not in given and self._enabling.is_enabled(question, scope):
                name = f" {link_id}" if _LINK_ID.fullmatch(link_id) else ""
                text = f"the required item{name} has no answer"
                yield Issue("error", "required", text, f"{where}.item")

    def _item(self, question: Json, item: Json, where: str, scope: Scope) -> Iterator[Issue]:
        if _is_answered(item) and self._enabling.is_enabled(question, scope) is False:
            text = "the item is answered, though other answers do not enable it"
            yield Issue("error", "business-rule", text, where)
        kind = str(question.get("type"))
        if kind in _WITHOUT_ANSWERS:
            if "answer" in item:
                text = f"an item of type {kind} cannot have answers"
                yield Issue("error", "structure", text, f"{where}.answer")
            return
        if "item" in item and "answer" not in item:
            text = "items of a question stand beneath its answer"
            yield Issue("error", "structure", text, f"{where}.item")
        yield from answer_issues(question, _dicts(item.get("answer")), where, self._known)


def _inside(question: Json, item: Json, where: str, scope: Scope) -> Iterator[_Step]:
    """The next level: items of a group, or of each answer."""
    if question.get("type") == "group":
        yield question, item, where, scope
        return
    if question.get("type") == "display":
        return
    for index, answer in enumerate(_listed(item.get("answer"))):
        if isinstance(answer, dict) and ("item" in answer or "item" in question):
            yield question, answer, f"{where}.answer[{index}]", scope


def _may_repeat(question: Json) -> bool:
    """A repeated group is several items, a repeated question several answers."""
    return question.get("type") == "group" and question.get("repeats") is True


def _is_answered(item: Json) -> bool:
    return "answer" in item or "item" in item


def _placed(holder: Json, place: str) -> list[tuple[str, Json]]:
    return [
        (f"{place}.item[{index}]", item)
        for index, item in enumerate(_listed(holder.get("item")))
        if isinstance(item, dict)
    ]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: Any) -> list[Json]:
    return [one for one in _listed(value) if isinstance(one, dict)]
