"""Label: security labels by the region's own rules; without rules nothing is labelled.

https://hl7.org/fhir/R4/security-labels.html. Labels are only added, never taken away.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from profiles.search import Criteria, parse_criteria

Resource = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LabelRule:
    """What is labelled, with which codes, and whether a person looks before it leaves."""

    criteria: Criteria
    #: (system, code) of Resource.meta.security.
    codes: tuple[tuple[str, str], ...]
    hold: bool = False


def label_rules(rules: Sequence[Mapping[str, Any]]) -> tuple[LabelRule, ...]:
    """Read rules: criteria, security = ["system|code", …], hold = true | false."""
    return tuple(
        LabelRule(
            parse_criteria(rule["criteria"]),
            tuple(_coding(text) for text in rule.get("security", ())),
            bool(rule.get("hold", False)),
        )
        for rule in rules
    )


def label(resource: Resource, rules: Sequence[LabelRule]) -> tuple[Resource, bool]:
    """Return a resource with the codes of every rule it meets, and whether one of them holds it.

    The argument stays as it is.
    """
    hold = False
    for rule in rules:
        if rule.criteria.resource_type != resource["resourceType"]:
            continue
        if rule.criteria.matches(resource):
            hold = hold or rule.hold
            resource = _labelled(resource, rule.codes)
    return resource, hold


def _labelled(resource: Resource, codes: Sequence[tuple[str, str]]) -> Resource:
    meta = resource.get("meta", {})
    present = [*meta.get("security", ())]
    known = {(coding.get("system", ""), coding.get("code", "")) for coding in present}
    present.extend(
        {"system": system, "code": code} for system, code in codes if (system, code) not in known
    )
    return {**resource, "meta": {**meta, "security": present}}


def _coding(text: str) -> tuple[str, str]:
    system, _, code = text.rpartition("|")
    return system, code
