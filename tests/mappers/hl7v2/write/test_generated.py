"""FHIR → HL7 v2 → FHIR: every leaf comes back or is named as left out, in every version."""

from __future__ import annotations

import base64
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mappers
from mappers.dialect import Outgoing
from mappers.hl7v2.write.versions import VERSIONS
from tests.mappers.hl7v2.write.builders import (
    NAMESPACE,
    V2,
    bundle,
    context,
    document,
    encounter,
    observation,
    patient,
    write,
)
from tests.mappers.hl7v2.write.survival import lost_silently

TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
SUBJECT = {"subject": {"reference": "Patient/p1"}}

versions = st.sampled_from(VERSIONS)
words = st.text(st.sampled_from("aäßéZ|^~\\&-'"), min_size=1, max_size=9).map(lambda w: f"x{w}x")
days = st.dates(min_value=date(1920, 1, 1)).map(str)
hours = st.builds("{}T{:02}:{:02}:00+01:00".format, days, st.integers(0, 23), st.integers(0, 59))
moments = st.one_of(days, hours)


def some(**elements: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Any of these elements, in any combination."""
    return st.fixed_dictionaries({}, optional=elements)


def coded(system: str = "http://loinc.org") -> st.SearchStrategy[dict[str, Any]]:
    coding = st.fixed_dictionaries(
        {"system": st.just(system), "code": st.from_regex(r"[A-Z][0-9]{2}", fullmatch=True)},
        optional={"display": words},
    )
    # A text that only repeats a display need not come back.
    said = words.map(lambda w: f"t{w}")
    codings = st.lists(coding, min_size=1, max_size=2, unique_by=str)
    return some(coding=codings, text=said).filter(bool)


def periods(ends: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, str]]:
    """A start, an end, or both in their order."""
    both = st.tuples(ends, ends).map(sorted).map(lambda e: {"start": e[0], "end": e[1]})
    return st.one_of(both, some(start=ends), some(end=ends))


names = st.fixed_dictionaries(
    {"family": words, "given": st.lists(words, min_size=1, max_size=2)},
    optional={
        "use": st.sampled_from(["official", "maiden", "nickname"]),
        "prefix": st.lists(words, min_size=1, max_size=1),
        "period": st.fixed_dictionaries({"start": days}),
    },
)
addresses = st.fixed_dictionaries(
    {"city": words},
    optional={
        "use": st.sampled_from(["home", "work", "temp"]),
        "line": st.lists(words, min_size=1, max_size=1),
        "postalCode": st.from_regex(r"[0-9]{5}", fullmatch=True),
        "country": st.sampled_from(["DE", "DEU", "AT"]),
        "period": st.fixed_dictionaries({"start": days}),
    },
)
numbers = st.from_regex(r"[1-9][0-9]{5,8}", fullmatch=True)
contacts = st.fixed_dictionaries(
    {"system": st.sampled_from(["phone", "fax", "email"]), "value": numbers},
    optional={
        "use": st.sampled_from(["home", "work", "mobile", "temp"]),
        "rank": st.integers(1, 3),
        "period": st.fixed_dictionaries({"start": days}),
    },
)
people = some(
    name=st.lists(names, min_size=1, max_size=2),
    gender=st.sampled_from(["male", "female", "other", "unknown"]),
    birthDate=days,
    address=st.lists(addresses, min_size=1, max_size=2),
    telecom=st.lists(contacts, min_size=1, max_size=3),
    maritalStatus=coded(TERMINOLOGY + "v3-MaritalStatus"),
    deceasedDateTime=moments,
    multipleBirthInteger=st.integers(1, 4),
    generalPractitioner=st.just([{"reference": "Practitioner/dr"}]),
    photo=st.just([{"contentType": "image/png"}]),
)
visits = some(
    status=st.sampled_from(["planned", "in-progress", "finished", "cancelled", "onleave"]),
    period=periods(hours),
    serviceType=coded(TERMINOLOGY + "v2-0069"),
    reasonCode=st.lists(coded(), min_size=1, max_size=1),
    priority=coded(),
    participant=st.lists(
        st.fixed_dictionaries(
            {
                "type": st.sampled_from(["ATND", "REF", "CON", "ADM", "PPRF"]).map(
                    lambda c: [
                        {"coding": [{"system": TERMINOLOGY + "v3-ParticipationType", "code": c}]}
                    ]
                ),
                "individual": st.just({"reference": "Practitioner/dr"}),
            }
        ),
        max_size=2,
    ),
    location=st.just([{"location": {"reference": "Location/l1"}, "status": "active"}]),
    serviceProvider=st.just({"reference": "Organization/org"}),
)
conditions = some(
    code=coded("http://fhir.de/CodeSystem/bfarm/icd-10-gm"),
    recordedDate=moments,
    note=st.just([{"text": "Notiz"}]),
    severity=coded(),
)
procedures = some(
    code=coded("http://fhir.de/CodeSystem/bfarm/ops"),
    performedDateTime=moments,
    status=st.sampled_from(["completed", "in-progress", "entered-in-error"]),
    reasonCode=st.lists(coded(), max_size=1),
)
allergies = some(
    code=coded(),
    type=st.sampled_from(["allergy", "intolerance"]),
    category=st.lists(st.sampled_from(["food", "medication", "environment"]), max_size=2),
    criticality=st.sampled_from(["low", "high", "unable-to-assess"]),
    onsetDateTime=days,
    reaction=st.just([{"manifestation": [{"text": "Exanthem"}], "severity": "mild"}]),
)
coverages = some(
    subscriberId=st.just("T987654328"),
    period=periods(days),
    payor=st.just([{"reference": "Organization/org"}]),
    relationship=coded(TERMINOLOGY + "subscriber-relationship"),
)
quantities = st.fixed_dictionaries(
    {"value": st.decimals(-999, 999, places=2)},
    optional={"comparator": st.sampled_from(["<", ">="]), "unit": words},
)
plain = st.fixed_dictionaries({"value": st.integers(0, 99)})
values = st.one_of(
    st.fixed_dictionaries({"valueQuantity": quantities}),
    st.fixed_dictionaries({"valueString": words}),
    st.fixed_dictionaries({"valueCodeableConcept": coded()}),
    st.fixed_dictionaries({"valueDateTime": moments}),
    st.fixed_dictionaries({"valueTime": st.just("10:15:00")}),
    st.fixed_dictionaries({"valuePeriod": periods(hours)}),
    st.fixed_dictionaries({"valueRange": some(low=plain, high=plain)}),
    st.fixed_dictionaries({"valueRatio": some(numerator=plain, denominator=plain)}),
    st.fixed_dictionaries({"valueSampledData": st.just({"dimensions": 1, "data": "1 2"})}),
)
results = st.builds(
    lambda value, rest: {**rest, **value},
    values,
    some(
        code=coded(),
        effectiveDateTime=moments,
        note=st.lists(st.fixed_dictionaries({"text": words}), max_size=2),
        interpretation=st.lists(coded(TERMINOLOGY + "v3-ObservationInterpretation"), max_size=1),
        method=coded(),
        bodySite=coded(),
        performer=st.just([{"reference": "Organization/org"}]),
        status=st.sampled_from(["final", "preliminary", "amended", "corrected", "cancelled"]),
    ),
)
letters = some(
    description=words,
    date=hours,
    docStatus=st.sampled_from(["preliminary", "final", "amended"]),
    author=st.just([{"reference": "Practitioner/dr"}]),
    authenticator=st.just({"reference": "Practitioner/dr"}),
    content=st.lists(
        st.fixed_dictionaries(
            {
                "contentType": st.sampled_from(
                    ["application/pdf", "text/plain; charset=utf-8", "image/jpeg"]
                ),
                "data": st.binary(min_size=1, max_size=9).map(
                    lambda data: base64.b64encode(data).decode()
                ),
            },
            optional={"title": words, "creation": hours},
        ).map(lambda a: {"attachment": a}),
        min_size=1,
        max_size=2,
    ),
)
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "dr",
    "identifier": [{"system": f"{NAMESPACE}/practitioner", "value": "100001"}],
    "name": [{"family": "Bergmann", "given": ["Ines"]}],
}
HOUSE = {
    "resourceType": "Organization",
    "id": "org",
    "identifier": [{"system": f"{NAMESPACE}/organization", "value": "ORG"}],
    "name": "Haus am Park",
}
PLACE = {
    "resourceType": "Location",
    "id": "l1",
    "identifier": [{"system": f"{NAMESPACE}/location/ward", "value": "3B"}],
}


def check(version: str, *resources: dict[str, Any]) -> None:
    """Write for a partner of this version, read again and compare."""
    text = str(resources)
    named = [r for r in (DOCTOR, HOUSE, PLACE) if f"'{r['resourceType']}/{r['id']}'" in text]
    content = bundle(*resources, *named)
    partner = context(any_event=True, outgoing=Outgoing(version=version))
    written = write(content, with_context=partner)
    read = mappers.translate(written.data, "hl7v2", partner)
    assert read.refusal is None
    silent = [
        (place, value)
        for place, value in lost_silently(content, written, read)
        if not place.startswith(("Practitioner", "Organization", "Location"))
    ]
    assert silent == []


@settings(max_examples=25, deadline=None)
@given(versions, people)
def test_a_person_comes_back_or_is_named(version: str, who: dict[str, Any]) -> None:
    check(version, patient(**who))


@settings(max_examples=25, deadline=None)
@given(versions, visits)
def test_a_visit_comes_back_or_is_named(version: str, stay: dict[str, Any]) -> None:
    check(version, patient(), encounter(**stay))


@settings(max_examples=25, deadline=None)
@given(versions, conditions, procedures, allergies, coverages)
def test_statements_beside_a_visit_come_back_or_are_named(
    version: str,
    condition: dict[str, Any],
    procedure: dict[str, Any],
    allergy: dict[str, Any],
    coverage: dict[str, Any],
) -> None:
    check(
        version,
        patient(),
        encounter(),
        {"resourceType": "Condition", "id": "c", **SUBJECT, **condition},
        {"resourceType": "Procedure", "id": "pr", "status": "completed", **SUBJECT, **procedure},
        {
            "resourceType": "AllergyIntolerance",
            "id": "al",
            "patient": SUBJECT["subject"],
            **allergy,
        },
        {"resourceType": "Coverage", "id": "cv", "status": "active", **coverage},
    )


@settings(max_examples=40, deadline=None)
@given(versions, results)
def test_a_result_comes_back_or_is_named(version: str, made: dict[str, Any]) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "code": {"text": "Labor"},
        "result": [{"reference": "Observation/o1"}],
        **SUBJECT,
    }
    check(version, patient(), report, observation(**made))


@settings(max_examples=25, deadline=None)
@given(versions, letters)
def test_a_letter_comes_back_or_is_named(version: str, made: dict[str, Any]) -> None:
    check(version, patient(), document(**made))


@pytest.mark.parametrize("version", VERSIONS)
def test_whatever_is_named_is_a_place_in_the_bundle(version: str) -> None:
    who = patient(photo=[{"contentType": "image/png"}], link=[])
    kind = {"system": V2 + "0004", "code": "I"}
    partner = context(outgoing=Outgoing(version=version))
    found = write(bundle(who, encounter(**{"class": kind})), with_context=partner).left_out
    assert "Patient/p1.photo" in found
