"""What is asked about: codes, Codings and CodeableConcepts as JSON."""

from __future__ import annotations

from typing import Any

from profiles.terminology.answers import Validated
from profiles.terminology.concept import Json
from profiles.terminology.validate_code import DEFAULT, Question, Strictness

#: The best answer of several codings comes first.
_ORDER = {"yes": 0, "undecided": 1, "no": 2}


def question(coding: Json, strictness: Strictness = DEFAULT) -> Question:
    """Return the question of one Coding; members of another JSON type count as absent."""
    return Question(
        system=_text(coding, "system"),
        version=_text(coding, "version"),
        code=_text(coding, "code"),
        display=_text(coding, "display"),
        strictness=strictness,
    )


def questions(coded: Any, strictness: Strictness = DEFAULT) -> list[Question]:
    """Return one question per coding of a code, Coding or CodeableConcept."""
    if isinstance(coded, str):
        return [Question(code=coded, strictness=strictness)]
    if not isinstance(coded, dict):
        return []
    listed = coded.get("coding") if "coding" in coded else [coded]
    codings = listed if isinstance(listed, list) else []
    return [question(one, strictness) for one in codings if isinstance(one, dict) and "code" in one]


def best(answers: tuple[Validated, ...]) -> Validated:
    """Return the answer of a CodeableConcept: one valid coding is enough."""
    if not answers:
        return Validated(outcome="no", reason="no-system")
    first = min(answers, key=lambda one: _ORDER[one.outcome])
    return Validated(
        outcome=first.outcome,
        reason=first.reason,
        system=first.system,
        version=first.version,
        code=first.code,
        display=first.display,
        inactive=first.inactive,
        missing=first.missing,
        warnings=first.warnings,
        codings=answers,
    )


def _text(content: Json, member: str) -> str:
    value = content.get(member)
    return value if isinstance(value, str) else ""
