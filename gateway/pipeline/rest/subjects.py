"""Whose a resource is: the Patients it names, and what a Provenance speaks of.

https://hl7.org/fhir/R4/compartmentdefinition-patient.html
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

#: Elements that name the Patient a resource belongs to, the most telling first.
ELEMENTS = ("subject", "patient", "beneficiary", "for", "individual", "candidate")
#: Types of nobody's compartment, whatever they name.
_NOBODYS = frozenset(
    {"Organization", "Practitioner", "PractitionerRole", "Location", "Endpoint", "Group", "List"}
)
_PATIENT = "Patient/"


def subjects(resource: dict[str, Any], base: str) -> tuple[str, ...]:
    """Return the logical ids of Patients the resource may belong to, without repetition."""
    if resource["resourceType"] in _NOBODYS:
        return ()
    return tuple(dict.fromkeys(_subjects(resource, base)))


def own_targets(provenance: dict[str, Any], base: str) -> tuple[str, ...]:
    """Return `Type/id` of the targets, their versions left out."""
    references = (_reference(one) for one in provenance.get("target", ()))
    local = (one.removeprefix(f"{base}/") for one in references)
    return tuple("/".join(one.split("/")[:2]) for one in local if one)


def _subjects(resource: dict[str, Any], base: str) -> Iterator[str]:
    for element in ELEMENTS:
        value = resource.get(element)
        for one in value if isinstance(value, list) else [value]:
            named = _reference(one).removeprefix(f"{base}/")
            if named.startswith(_PATIENT):
                yield named.split("/")[1]
    if resource["resourceType"] == "Bundle":
        yield from _held(resource, base)


def _held(bundle: dict[str, Any], base: str) -> Iterator[str]:
    """A Bundle belongs to whom the resources in it belong to, its first one before the others."""
    for entry in bundle.get("entry", ()):
        resource = entry.get("resource")
        if isinstance(resource, dict) and "resourceType" in resource:
            if resource["resourceType"] == "Patient" and isinstance(resource.get("id"), str):
                yield resource["id"]
            yield from _subjects(resource, base)


def _reference(value: Any) -> str:
    if not isinstance(value, dict):
        return ""
    written = value.get("reference")
    return written if isinstance(written, str) else ""
