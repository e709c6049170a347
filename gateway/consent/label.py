"""Security labels of resources and elements: what they say, and what may leave with the data.

https://hl7.org/fhir/R4/security-labels.html, HL7 FHIR Data Segmentation for Privacy
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.consent.codes import (
    ACT_CODE,
    ACT_REASON,
    CONFIDENTIALITY,
    HANDLING,
    NOT_STIGMATISING,
    OBSERVATION_VALUE,
    RANK,
)
from gateway.consent.compiled import Code
from gateway.consent.shape import objects

INLINE_LABEL = (
    "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label"
)


@dataclass(frozen=True, slots=True)
class Labels:
    """What is known about how protected something is."""

    #: Whether anybody labelled it at all.
    labelled: bool
    #: Rank of its confidentiality in `RANK`; unlabelled is normal, stigmatising is restricted.
    rank: int
    sensitivities: frozenset[Code]
    #: Every label as stated.
    stated: frozenset[Code]


#: Types with an element for their own confidentiality.
_LABELLED_ELSEWHERE = frozenset({"DocumentReference", "Composition"})
_UNLABELLED = Labels(labelled=False, rank=RANK["N"], sensitivities=frozenset(), stated=frozenset())


def read_labels(resource: Mapping[str, Any]) -> Labels:
    """Read the labels of a resource wherever its type keeps them."""
    if _is_unlabelled(resource):
        return _UNLABELLED
    codings = list(_codings(resource["meta"].get("security"))) if _has_meta(resource) else []
    kind = resource.get("resourceType")
    if kind == "DocumentReference":
        for concept in objects(resource.get("securityLabel")):
            codings += _codings(concept.get("coding"))
    elif kind == "Composition" and isinstance(resource.get("confidentiality"), str):
        codings.append((CONFIDENTIALITY, resource["confidentiality"]))
    return weigh(codings)


def _is_unlabelled(resource: Mapping[str, Any]) -> bool:
    """Tell quickly what nearly every resource is."""
    meta = resource.get("meta")
    plain = meta is None or (type(meta) is dict and "security" not in meta)
    return plain and resource.get("resourceType") not in _LABELLED_ELSEWHERE


def _has_meta(resource: Mapping[str, Any]) -> bool:
    return "meta" in resource and isinstance(resource["meta"], Mapping)


def weigh(codings: list[Code]) -> Labels:
    """Weigh labels together: the highest protection of all of them counts."""
    if not codings:
        return _UNLABELLED
    ranks = [RANK.get(code, RANK["V"]) for system, code in codings if system == CONFIDENTIALITY]
    sensitive = frozenset(code for code in codings if is_sensitivity(code))
    if any(system == ACT_CODE and code not in NOT_STIGMATISING for system, code in sensitive):
        ranks.append(RANK["R"])
    return Labels(
        labelled=bool(ranks or sensitive),
        rank=max(ranks, default=RANK["N"]),
        sensitivities=sensitive,
        stated=frozenset(codings),
    )


def is_sensitivity(label: Code) -> bool:
    """Whether a label says what is sensitive; an unknown label does, to be on the safe side."""
    system, code = label
    if system in (CONFIDENTIALITY, ACT_REASON, OBSERVATION_VALUE):
        return False
    return not (system == ACT_CODE and code in HANDLING)


def inline_labels(resource: Mapping[str, Any]) -> Iterator[tuple[str, list[Code]]]:
    """Yield (element path, labels) of every element that is labelled on its own."""
    if _has_inline_label(resource):
        yield from _inline(resource, "")


def _has_inline_label(resource: Mapping[str, Any]) -> bool:
    """Look for one label quickly: nearly no resource has any."""
    stack: list[Any] = list(resource.values())
    while stack:
        item = stack.pop()
        if type(item) is list:
            stack += item
        elif type(item) is dict:
            if item.get("url") == INLINE_LABEL:
                return True
            stack += item.values()
    return False


def _inline(value: Mapping[str, Any], path: str) -> Iterator[tuple[str, list[Code]]]:
    for name, element in value.items():
        if name in ("extension", "contained", "resourceType"):
            continue
        below = f"{path}.{name.removeprefix('_')}" if path else name.removeprefix("_")
        if isinstance(element, Mapping):
            yield from _labelled(element, below)
        elif isinstance(element, list):
            for index, item in enumerate(element):
                if isinstance(item, Mapping):
                    yield from _labelled(item, f"{below}[{index}]")


def _labelled(element: Mapping[str, Any], path: str) -> Iterator[tuple[str, list[Code]]]:
    found = [
        code
        for extension in objects(element.get("extension"))
        if extension.get("url") == INLINE_LABEL
        for code in _codings([extension.get("valueCoding")])
    ]
    if found:
        yield path, found
    yield from _inline(element, path)


def _codings(value: Any) -> Iterator[Code]:
    for item in objects(value):
        if isinstance(item.get("code"), str):
            system, code = item.get("system"), item["code"]
            if not isinstance(system, str):
                system = CONFIDENTIALITY if code in RANK else ACT_CODE
            yield system, code
