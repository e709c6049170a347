"""Every element of a Bundle is in the message or named as left out."""

from __future__ import annotations

from typing import Any

import pytest

from tests.mappers.hl7v2.write.builders import (
    V2,
    bundle,
    document,
    encounter,
    observation,
    patient,
    write,
)


def left_out(*resources: dict[str, Any]) -> tuple[str, ...]:
    return write(bundle(*resources)).left_out


def test_what_is_carried_is_not_named() -> None:
    assert left_out(patient(gender="female", birthDate="1948-03-14"), encounter()) == ()


def test_an_element_without_place_is_named_once() -> None:
    photo = [{"contentType": "image/png", "data": "AAAA"}]
    assert left_out(patient(photo=photo)) == ("Patient/p1.photo",)


def test_a_part_without_place_is_named_exactly() -> None:
    telecom = [{"system": "phone", "value": "1", "period": {"end": "2026"}}]
    assert left_out(patient(telecom=telecom)) == ("Patient/p1.telecom[0].period",)


def test_an_extension_of_a_primitive_is_named_below_its_element() -> None:
    unknown = {"extension": [{"url": "https://x.example", "valueCode": "a"}]}
    named = patient(birthDate="1948", _birthDate=unknown)
    assert left_out(named) == ("Patient/p1.birthDate.extension",)


def test_a_resource_without_place_is_named_whole() -> None:
    device = {"resourceType": "Device", "id": "x", "status": "active"}
    assert left_out(patient(), encounter(), device) == ("Device/x",)


def test_a_status_no_code_has_is_named() -> None:
    assert "Observation/o1.status" in left_out(patient(), observation(status="amended"))


def test_a_finer_time_than_hl7_has_is_named() -> None:
    visit = encounter(period={"start": "2026-11-03T10:15:00.123456+01:00"})
    assert left_out(patient(), visit) == ("Encounter/e1.period",)


def test_further_values_of_a_single_field_are_named() -> None:
    identifiers = [{"system": "urn:oid:1.2", "value": str(n)} for n in range(3)]
    assert left_out(patient(), encounter(identifier=identifiers)) == ("Encounter/e1.identifier[2]",)


def test_events_without_a_segment_for_it_leave_a_statement_out() -> None:
    allergy = {"resourceType": "AllergyIntolerance", "id": "a", "code": {"text": "Pollen"}}
    found = left_out(patient(), encounter(status="cancelled"), allergy)
    assert found == ("AllergyIntolerance/a",)


def test_a_taken_back_document_keeps_its_content_to_itself() -> None:
    found = left_out(patient(), document(status="entered-in-error"))
    assert found == ("DocumentReference/d1.content",)


@pytest.mark.parametrize(
    "entry",
    [
        {"request": {"method": "DELETE", "url": "Observation/9"}},
        {"request": {"method": "DELETE", "url": "Observation/9"}, "resource": None},
    ],
)
def test_a_deletion_has_no_message(entry: dict[str, Any]) -> None:
    content = bundle(patient())
    content["entry"].append(entry)
    assert write(content).left_out == ("DELETE Observation/9",)


def test_what_a_server_keeps_is_no_content() -> None:
    meta = {"versionId": "3", "lastUpdated": "2026-11-03T10:15:00Z"}
    text = {"status": "generated", "div": "<div xmlns='http://www.w3.org/1999/xhtml'>Weiß</div>"}
    assert left_out(patient(meta=meta, text=text)) == ()


def test_a_security_label_without_place_is_named() -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}
    assert left_out(patient(meta={"security": [label]})) == ("Patient/p1.meta",)


def test_nulls_among_primitives_are_no_content() -> None:
    part = {"extension": [{"url": "https://x.example", "valueString": "b"}]}
    name = {"family": "Weiß", "given": ["A", "B"], "_given": [None, part]}
    assert left_out(patient(name=[name])) == ("Patient/p1.name[0].given[1].extension",)


def test_a_system_without_a_code_says_nothing_a_field_could_carry() -> None:
    core = "http://hl7.org/fhir/StructureDefinition/"
    nothing = {"coding": [{"system": f"{V2}0119"}]}
    control = {"url": f"{core}alternate-codes", "valueCodeableConcept": nothing}
    order = {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "status": "active",
        "_status": {"extension": [control]},
        "intent": "order",
        "subject": {"reference": "Patient/p1"},
        "code": {"text": "Labor"},
    }
    assert any(path.startswith("ServiceRequest/s1.status") for path in left_out(patient(), order))
    section = {"coding": [{"system": f"{V2}0074"}]}
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "category": [section],
        "code": {"text": "Labor"},
        "subject": {"reference": "Patient/p1"},
    }
    assert any("category" in path for path in left_out(patient(), report))
    kind = {"coding": [{"system": f"{V2}0305"}]}
    place = {"location": {"display": "3B"}, "status": "active", "physicalType": kind}
    assert any("physicalType" in path for path in left_out(patient(), encounter(location=[place])))
