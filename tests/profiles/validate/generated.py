"""Conformant resources of many types, generated from the element facts of FHIR R4.

Elements are drawn by cardinality, type and required binding. What invariants tie together is built
by hand (`_BUILT`) or left out (`_LEFT_OUT`).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import date
from typing import Any

from hypothesis import strategies as st

from profiles.r4 import facts

Json = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

TYPES = (
    *("Account", "AllergyIntolerance", "CarePlan", "ChargeItem", "Condition"),
    *("Coverage", "Device", "DiagnosticReport", "DocumentReference", "Encounter"),
    *("EpisodeOfCare", "Flag", "Immunization", "Location", "MedicationAdministration"),
    *("MedicationRequest", "Observation", "Organization", "Patient", "Practitioner"),
    *("PractitionerRole", "Procedure", "RelatedPerson", "ServiceRequest", "Specimen", "Task"),
)
#: From this level on only required elements are drawn.
_DEEPEST = 3
_MOST_OPTIONAL = 4
#: Not drawn: resources in resources, and elements that an invariant ties to others.
_LEFT_OUT = frozenset(
    {
        *("contained", "modifierExtension", "text", "implicitRules", "meta"),
        *("Observation.dataAbsentReason", "Observation.component.dataAbsentReason"),
        *("Condition.abatement[x]", "Condition.verificationStatus"),
        *("AllergyIntolerance.clinicalStatus", "AllergyIntolerance.verificationStatus"),
        *("Task.restriction", "Timing.repeat", "CarePlan.activity.detail"),
        *("Organization.address", "ServiceRequest.orderDetail"),
    }
)
#: Elements bound to languages, of which there is no list.
_LANGUAGES = frozenset({"language", "communication.language", "Practitioner.communication"})
#: Elements with members without which their invariants do not hold.
_WANTED = {
    "Patient.contact": ("name",),
    "Organization": ("name",),
    "Observation.referenceRange": ("text",),
    "AllergyIntolerance": ("clinicalStatus",),
    "Condition": ("clinicalStatus",),
    "CarePlan.activity": ("reference",),
    "Condition.evidence": ("detail",),
    "Condition.stage": ("assessment",),
    "MedicationAdministration.dosage": ("dose",),
    "Immunization.education": ("reference",),
}
_UNIQUE = st.integers(1, 10**6)
_WORDS = st.text(alphabet="aeionrstßÄöü€–'<&ﬀ", max_size=8).map(lambda one: f"x{one}")
_DAYS = st.dates(min_value=date(1900, 1, 1), max_value=date(2099, 12, 31)).map(str)
_URIS = _UNIQUE.map(lambda one: f"https://harz.example/fhir/{one}")
_INSTANTS = _DAYS.map(lambda one: f"{one}T08:15:00.5+02:00")
_PRIMITIVES: dict[str, st.SearchStrategy[Any]] = {
    "base64Binary": st.binary(min_size=1, max_size=9).map(
        lambda one: base64.b64encode(one).decode()
    ),
    "boolean": st.booleans(),
    "canonical": _URIS,
    "code": _UNIQUE.map(lambda one: f"c{one}"),
    "date": _DAYS | _DAYS.map(lambda one: one[:7]) | _DAYS.map(lambda one: one[:4]),
    "dateTime": _DAYS | _INSTANTS,
    "decimal": st.integers(-(10**9), 10**9) | st.integers(-999, 999).map(lambda one: one / 8),
    "id": _UNIQUE.map(lambda one: f"id-{one}.x"),
    "instant": _INSTANTS,
    "integer": st.integers(-(2**31), 2**31 - 1),
    "markdown": _WORDS,
    "oid": _UNIQUE.map(lambda one: f"urn:oid:2.16.{one}"),
    "positiveInt": st.integers(1, 2**31 - 1),
    "string": _WORDS,
    "time": st.times().map(lambda one: one.strftime("%H:%M:%S")),
    "unsignedInt": st.integers(0, 2**31 - 1),
    "uri": _URIS,
    "url": _URIS,
    "uuid": st.uuids().map(lambda one: f"urn:uuid:{one}"),
}


def _quantity(draw: Draw, _targets: list[str]) -> Json:
    return {
        "value": draw(st.integers(1, 999)),
        "unit": "mg",
        "system": "http://unitsofmeasure.org",
        "code": "mg",
    }


def _of_time(draw: Draw, _targets: list[str]) -> Json:
    return {"value": draw(st.integers(1, 99)), "system": "http://unitsofmeasure.org", "code": "a"}


def _count(draw: Draw, _targets: list[str]) -> Json:
    return {"value": draw(st.integers(1, 99)), "system": "http://unitsofmeasure.org", "code": "1"}


def _distance(draw: Draw, _targets: list[str]) -> Json:
    return {"value": draw(st.integers(1, 99)), "system": "http://unitsofmeasure.org", "code": "m"}


def _reference(draw: Draw, targets: list[str]) -> Json:
    kind = draw(st.sampled_from([one for one in targets if one != "Resource"] or ["Patient"]))
    return {"reference": f"{kind}/{draw(_UNIQUE)}"}


def _extension(draw: Draw, _targets: list[str]) -> Json:
    code = draw(st.sampled_from(sorted(_PRIMITIVES)))
    return {"url": draw(_URIS), f"value{code[0].upper()}{code[1:]}": draw(_PRIMITIVES[code])}


def _coding(draw: Draw, _targets: list[str]) -> Json:
    return {"system": draw(_URIS), "code": draw(_PRIMITIVES["code"]), "display": draw(_WORDS)}


def _period(draw: Draw, _targets: list[str]) -> Json:
    start, end = sorted((draw(_DAYS), draw(_DAYS)))
    return {"start": start, "end": end}


def _range(draw: Draw, targets: list[str]) -> Json:
    low = _quantity(draw, targets)
    return {"low": low, "high": low | {"value": 1_000}}


_BUILT: dict[str, Callable[[Draw, list[str]], Json]] = {
    **dict.fromkeys(("Quantity", "SimpleQuantity", "MoneyQuantity"), _quantity),
    **dict.fromkeys(("Age", "Duration"), _of_time),
    "Attachment": lambda draw, _: {
        "contentType": "text/plain",
        "data": draw(_PRIMITIVES["base64Binary"]),
    },
    "Coding": _coding,
    "Count": _count,
    "Distance": _distance,
    "ContactPoint": lambda draw, _: {"system": "phone", "value": draw(_WORDS)},
    "Extension": _extension,
    "Identifier": lambda draw, _: {"system": draw(_URIS), "value": draw(_WORDS)},
    "Period": _period,
    "Range": _range,
    "Ratio": lambda draw, _: {"numerator": _quantity(draw, _), "denominator": _quantity(draw, _)},
    "Reference": _reference,
    "SampledData": lambda draw, _: {
        "origin": {"value": 0},
        "period": 10,
        "dimensions": 1,
        "data": "1 2 E",
    },
}


@st.composite
def resources(draw: Draw, kind: str) -> Json:
    """Draw a conformant resource of a type."""
    narrative = {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{kind}</div>',
    }
    return {"resourceType": kind, "text": narrative} | _Maker(draw).object(kind, "", 0)


class _Maker:
    def __init__(self, draw: Draw) -> None:
        self.draw = draw

    def object(self, kind: str, path: str, level: int) -> Json:
        """Draw what an object of a type (or of an element within it) holds."""
        holder = ".".join(filter(None, (kind, path)))
        wanted = _WANTED.get(holder, ())
        optional, required = [], []
        for one in facts("elements")["types"][kind]["elements"]:
            above, _, leaf = one["path"].rpartition(".")
            if above != path:
                continue
            if one["min"] or leaf in wanted:
                required.append(one)
            elif not _LEFT_OUT & {leaf, f"{kind}.{one['path']}"} and one["max"] != "0":
                optional.append(one)
        most = _MOST_OPTIONAL if level < _DEEPEST else 0
        chosen = st.lists(
            st.sampled_from(optional), max_size=most, unique_by=lambda one: one["path"]
        )
        drawn = [*required, *(self.draw(chosen) if optional and most else [])]
        # An id alone is no content (ele-1).
        if all(one["path"].rpartition(".")[2] == "id" for one in drawn):
            said = [one for one in optional if one["path"].rpartition(".")[2] != "id"]
            drawn.append(min(said, key=lambda one: one.get("types", [""])[0] not in _PRIMITIVES))
        return dict(member for one in drawn for member in self._members(kind, one, level))

    def _members(self, kind: str, element: Json, level: int) -> list[tuple[str, Any]]:
        name = element["path"].rpartition(".")[2]
        codes = element.get("types", [""])
        code = codes[0]
        if name.endswith("[x]"):
            code = self.draw(st.sampled_from(codes))
            name = name.removesuffix("[x]") + code[0].upper() + code[1:]
        value = self._value(kind, element, code, level)
        return [(name, [value] if element["max"] == "*" else value)]

    def _value(self, kind: str, element: Json, code: str, level: int) -> Any:
        bound = facts("bindings")["finite"].get(element.get("binding"))
        if _LANGUAGES & {element["path"], f"{kind}.{element['path']}"}:
            coding = {"system": "urn:ietf:bcp:47", "code": "de"}
            return "de" if code == "code" else {"coding": [coding]}
        if bound is not None and code in {"code", "Coding", "CodeableConcept"}:
            system = self.draw(st.sampled_from(sorted(bound)))
            chosen = self.draw(st.sampled_from(bound[system]))
            coding = {"system": system, "code": chosen}
            return {"code": chosen, "Coding": coding}.get(code, {"coding": [coding]})
        if code in _PRIMITIVES:
            return self.draw(_PRIMITIVES[code])
        if code in _BUILT:
            return _BUILT[code](self.draw, element.get("targets", []))
        if "content" in element:
            root, _, path = element["content"].partition(".")
            return self.object(root, path, level + 1)
        if code in {"BackboneElement", "Element"}:
            return self.object(kind, element["path"], level + 1)
        return self.object(code, "", level + 1)


@st.composite
def bundles(draw: Draw) -> Json:
    """Draw a Bundle of resources that have a full URL each."""
    kinds = draw(st.lists(st.sampled_from(TYPES), min_size=1, max_size=3))
    base = "https://harz.example/fhir"
    drawn = [draw(resources(kind)) | {"id": f"r{at}"} for at, kind in enumerate(kinds)]
    entries = [
        {"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one} for one in drawn
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}
