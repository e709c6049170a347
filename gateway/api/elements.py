"""`_summary` and `_elements`: a part of each resource, marked as such.

https://hl7.org/fhir/R4/search.html#summary, https://hl7.org/fhir/R4/search.html#elements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from profiles.r4 import facts

Json = dict[str, Any]
Cut = Callable[[Json], Json]

#: Says that a resource is not whole.
SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
}
#: What every answer has.
_ALWAYS = frozenset({"resourceType", "id", "meta"})


def cut_of(asked: Mapping[str, str]) -> Cut | None:
    """Return what cuts an answer as the query wants it; None where nothing is to be cut."""
    summary = asked.get("_summary", "false")
    elements = [one for one in asked.get("_elements", "").split(",") if one]
    if summary in _SUMMARIES:
        whole = _SUMMARIES[summary]
        return lambda answer: _answer(answer, whole, whole)
    if elements:
        names = frozenset(elements)
        return lambda answer: _answer(answer, lambda one: _only(one, names), None)
    return None


def _answer(answer: Json, cut: Cut, cut_included: Cut | None) -> Json:
    """Cut a resource, or what a search has found; an OperationOutcome stays whole."""
    kind = answer.get("resourceType")
    if kind == "OperationOutcome":
        return answer
    if kind != "Bundle" or answer.get("type") != "searchset":
        return _marked(cut(answer))
    if not answer.get("entry"):
        return answer
    cuts: Mapping[str, Cut | None] = {"match": cut, "include": cut_included}
    return {**answer, "entry": [_entry(one, cuts) for one in answer["entry"]]}


def _entry(entry: Json, cuts: Mapping[str, Cut | None]) -> Json:
    cut = cuts.get(entry.get("search", {}).get("mode", ""))
    if cut is None or "resource" not in entry:
        return entry
    return {**entry, "resource": _marked(cut(entry["resource"]))}


def _marked(resource: Json) -> Json:
    meta = resource.get("meta", {})
    tags = [one for one in meta.get("tag", []) if one.get("code") != SUBSETTED["code"]]
    return {**resource, "meta": {**meta, "tag": [*tags, SUBSETTED]}}


def _only(resource: Json, names: frozenset[str]) -> Json:
    """Keep the elements named, and what the resource must have."""
    kept = names | _required(resource["resourceType"]) | _ALWAYS
    return {name: value for name, value in resource.items() if _plain(name, kept)}


def _text(resource: Json) -> Json:
    kept = _required(resource["resourceType"]) | _ALWAYS | {"text"}
    return {name: value for name, value in resource.items() if name.removeprefix("_") in kept}


def _data(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "text"}


def _true(resource: Json) -> Json:
    return _part(resource, "", _summary(resource["resourceType"]))


#: Value of `_summary` → what is left; `count` has no resources to cut.
_SUMMARIES: dict[str, Cut] = {"true": _true, "text": _text, "data": _data}


def _part(value: Json, place: str, summary: frozenset[str]) -> Json:
    """Keep what is part of the summary; inside of backbone elements as well."""
    kept: Json = {}
    for name, child in value.items():
        path = f"{place}{name.removeprefix('_')}"
        if not place and name in _ALWAYS:
            kept[name] = child
        elif path in summary:
            kept[name] = _inside(child, f"{path}.", summary)
    return kept


def _inside(child: Any, place: str, summary: frozenset[str]) -> Any:
    if not any(path.startswith(place) for path in summary):
        return child
    if isinstance(child, list):
        return [_inside(one, place, summary) for one in child]
    return _part(child, place, summary) if isinstance(child, dict) else child


def _plain(name: str, kept: frozenset[str]) -> bool:
    """Choices are asked for by their name without the type: `value` means `valueQuantity`."""
    plain = name.removeprefix("_")
    return plain in kept or any(
        plain.startswith(one) and plain[len(one) : len(one) + 1].isupper() for one in kept
    )


@cache
def _required(type_: str) -> frozenset[str]:
    return frozenset(facts("summary")[type_]["required"])


@cache
def _summary(type_: str) -> frozenset[str]:
    return frozenset(facts("summary")[type_]["summary"])
