"""What `:in`, `:not-in`, `:above` and `:below` ask of terminology, answered by a worker process.

https://hl7.org/fhir/R4/search.html#token. Each comes to an expansion (`ValueSet/$expand`) of a
value set or of a hierarchy; what cannot be listed is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gateway.api.ports import Gateway
from gateway.domain.time import fhir_instant
from gateway.pipeline.documents import dump, load
from gateway.pipeline.rest.asked import Call
from profiles.issue import NotConformant
from profiles.search import ASKING_TERMINOLOGY

#: What one search may ask.
_MOST = 20
#: Codes of one answer, and on one page of it.
_CODES, _PAGE = 10_000, 1_000
_ESCAPED = re.compile(r"\\([,|$\\])")
_COMMA = re.compile(r"(?<!\\),")
#: Modifier → the filter of a code system that lists the same.
_FILTERS = {"below": "is-a", "above": "generalizes"}

#: (modifier, system or value set, code).
Asked = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Answers that were fetched before the criteria are read (`profiles.search.Codes`)."""

    answers: dict[Asked, frozenset[tuple[str, str]] | None] = field(default_factory=dict)

    def members(self, value_set: str) -> Collection[tuple[str, str]] | None:
        """Return everything in a value set."""
        return self.answers.get(("in", value_set, ""))

    def below(self, system: str, code: str) -> Collection[tuple[str, str]] | None:
        """Return a code and everything it subsumes."""
        return self.answers.get(("below", system, code))

    def above(self, system: str, code: str) -> Collection[tuple[str, str]] | None:
        """Return a code and everything that subsumes it."""
        return self.answers.get(("above", system, code))


async def vocabulary(gateway: Gateway, pairs: Iterable[tuple[str, str]]) -> Vocabulary | None:
    """Fetch what the parameters of a search ask; None when they ask nothing.

    Raises NotConformant for too many questions, Unavailable.
    """
    questions = list(dict.fromkeys(_asked(pairs)))
    if len(questions) > _MOST:
        raise NotConformant("The search asks terminology too much.")
    if not questions:
        return None
    return Vocabulary({one: await _expanded(gateway, one) for one in questions})


def _asked(pairs: Iterable[tuple[str, str]]) -> Iterator[Asked]:
    for name, value in pairs:
        modifier = name.rpartition(":")[2] if ":" in name else ""
        for text in _COMMA.split(value) if modifier in ASKING_TERMINOLOGY else ():
            plain = _ESCAPED.sub(r"\1", text)
            system, bar, code = plain.rpartition("|")
            if modifier in _FILTERS:
                if bar and system and code:
                    yield modifier, system, code
            else:
                yield "in", plain, ""


async def _expanded(gateway: Gateway, asked: Asked) -> frozenset[tuple[str, str]] | None:
    """Return all codes, page by page; None when there is no answer, or no end of it."""
    found: set[tuple[str, str]] = set()
    for offset in range(0, _CODES, _PAGE):
        page = await _page(gateway, asked, offset)
        if page is None:
            return None
        found.update((one.get("system", ""), one["code"]) for one in page if "code" in one)
        if len(page) < _PAGE:
            return frozenset(found)
    return None


async def _page(gateway: Gateway, asked: Asked, offset: int) -> list[dict[str, Any]] | None:
    body = _expand(asked, offset)
    answer = await gateway.check(
        Call(type="ValueSet", key=("ValueSet", "expand"), data=dump(body), time=_time(gateway))
    )
    if answer.refused or not answer.answer:
        return None
    contained: list[dict[str, Any]] = load(answer.answer).get("expansion", {}).get("contains", [])
    return contained


def _time(gateway: Gateway) -> str:
    return fhir_instant(gateway.now())


def _expand(asked: Asked, offset: int) -> dict[str, Any]:
    modifier, system, code = asked
    wanted = (
        {"name": "url", "valueUri": system}
        if modifier == "in"
        else {"name": "valueSet", "resource": _hierarchy(system, modifier, code)}
    )
    limits = [
        {"name": "offset", "valueInteger": offset},
        {"name": "count", "valueInteger": _PAGE},
    ]
    return {"resourceType": "Parameters", "parameter": [wanted, *limits]}


def _hierarchy(system: str, modifier: str, code: str) -> dict[str, Any]:
    chosen = {"property": "concept", "op": _FILTERS[modifier], "value": code}
    return {
        "resourceType": "ValueSet",
        "status": "active",
        "compose": {"include": [{"system": system, "filter": [chosen]}]},
    }
