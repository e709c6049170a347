"""Orders and referrals: what is asked for, by whom, how it stands."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.dialect import Outgoing
from tests.mappers.hl7v2.write.builders import (
    NAMESPACE,
    V2,
    bundle,
    context,
    encounter,
    line,
    message,
    observation,
    patient,
    write,
)

SNOMED = "http://snomed.info/sct"


def order(**elements: Any) -> dict[str, Any]:
    number = {"type": {"coding": [{"system": V2 + "0203", "code": "PLAC"}]}}
    found = {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "status": "active",
        "intent": "order",
        "code": {"coding": [{"system": f"{NAMESPACE}/code/L", "code": "TK"}]},
        "subject": {"reference": "Patient/p1"},
        "identifier": [{**number, "system": f"{NAMESPACE}/order", "value": "R-5501"}],
    }
    return {**found, **elements}


def referral(**elements: Any) -> dict[str, Any]:
    kind = {"coding": [{"system": SNOMED, "code": "3457005"}]}
    return order(**{"category": [kind], **elements})


DOCTOR = {
    "resourceType": "Practitioner",
    "id": "dr",
    "identifier": [{"system": f"{NAMESPACE}/practitioner", "value": "100001"}],
    "name": [{"family": "Bergmann", "given": ["Ines"]}],
    "telecom": [{"system": "email", "value": "praxis@kim.example"}],
}
HOUSE = {
    "resourceType": "Organization",
    "id": "org",
    "name": "Sozialdienst Beispielhausen",
    "identifier": [{"system": f"{NAMESPACE}/organization", "value": "SD"}],
}
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "code": {"text": "COPD"},
    "subject": {"reference": "Patient/p1"},
}


def test_an_order_says_what_is_asked_when_and_by_whom() -> None:
    asked = order(
        priority="asap",
        occurrenceDateTime="2026-11-23T09:00:00+01:00",
        authoredOn="2026-11-22T15:00:00+01:00",
        requester={"reference": "Practitioner/dr"},
        note=[{"text": "Frage nach Therapie | Eskalation"}],
    )
    doctor = {**DOCTOR, "telecom": []}
    content = bundle(patient(), doctor, asked)
    orc, obr = line(content, "ORC"), line(content, "OBR")
    assert orc[1:4] == ["NW", "R-5501", ""]
    assert (orc[9], orc[12]) == ("20261122150000+0100", "100001^Bergmann^Ines")
    assert (obr[2], obr[4], obr[16]) == ("R-5501", "TK^^L", "100001^Bergmann^Ines")
    assert line(content, "TQ1")[7:] == ["20261123090000+0100", "", "A^^HL70485"]
    assert line(content, "NTE")[3] == "Frage nach Therapie \\F\\ Eskalation"
    assert write(content).left_out == ()


@pytest.mark.parametrize(
    ("status", "version", "control", "state"),
    [
        ("active", "1", "NW", ""),
        ("active", "2", "XO", "IP"),
        ("revoked", "2", "CA", "CA"),
        ("entered-in-error", "2", "CA", "ER"),
        ("on-hold", "2", "HD", "HD"),
        ("completed", "2", "SC", "CM"),
    ],
)
def test_what_becomes_of_an_order_is_its_control_code(
    status: str, version: str, control: str, state: str
) -> None:
    asked = order(status=status, meta={"versionId": version})
    found = [*line(bundle(patient(), asked), "ORC"), "", "", ""]
    assert (found[1], found[5]) == (control, state)
    assert write(bundle(patient(), asked)).left_out == ()


def test_several_orders_of_one_patient_are_one_message() -> None:
    content = bundle(patient(), order(), order(id="s2"), encounter())
    names = [segment.name for segment in message(content).segments]
    assert names == ["MSH", "PID", "PV1", "ORC", "OBR", "ORC", "OBR"]


def test_what_an_order_rests_on_stands_with_it() -> None:
    asked = order(
        reasonReference=[{"reference": "Condition/c1"}],
        supportingInfo=[{"reference": "Observation/o1"}],
    )
    content = bundle(patient(), asked, CONDITION, observation(valueInteger=3))
    names = [segment.name for segment in message(content).segments]
    assert names == ["MSH", "PID", "ORC", "OBR", "DG1", "OBX"]
    assert write(content).left_out == ()


def test_a_result_of_an_order_is_a_result() -> None:
    answered = observation(basedOn=[{"reference": "ServiceRequest/s1"}])
    assert write(bundle(patient(), order(), answered)).message_type == "ORU^R01"


@pytest.mark.parametrize(
    ("status", "version", "expected"),
    [
        ("active", "1", "REF^I12"),
        ("active", "3", "REF^I13"),
        ("revoked", "3", "REF^I14"),
    ],
)
def test_a_referral_has_a_message_of_its_own(status: str, version: str, expected: str) -> None:
    content = bundle(patient(), referral(status=status, meta={"versionId": version}))
    assert write(content).message_type == expected


def test_a_referral_names_who_refers_and_to_whom() -> None:
    asked = referral(
        priority="routine",
        requester={"reference": "Practitioner/dr"},
        performer=[{"reference": "Organization/org"}],
        reasonCode=[{"text": "Pflegegrad 2"}],
    )
    content = bundle(patient(), DOCTOR, HOUSE, asked, CONDITION)
    found = message(content)
    assert [s.name for s in found.segments] == [
        *("MSH", "RF1", "PRD", "PRD", "PID", "DG1", "OBR"),
    ]
    rf1, (one, other) = found.segments[1], found.all("PRD")
    assert (rf1.raw[1], rf1.raw[2], rf1.raw[6], rf1.raw[10]) == (
        "P",
        "R",
        "R-5501",
        "^Pflegegrad 2",
    )
    assert one.raw[1] == "RP^Referring Provider^HL70286"
    assert (one.raw[2], one.raw[5]) == ("Bergmann^Ines", "^NET^Internet^praxis@kim.example")
    assert other.raw[1].startswith("RT^")
    assert other.raw[2] == "Sozialdienst Beispielhausen"


def test_the_certainty_of_a_diagnosis_stands_where_the_partner_keeps_it() -> None:
    url = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"
    system = "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_ICD_DIAGNOSESICHERHEIT"
    coding = {
        "system": "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "version": "2026",
        "code": "J44.19",
        "extension": [{"url": url, "valueCoding": {"system": system, "code": "V"}}],
    }
    content = bundle(patient(), {**CONDITION, "code": {"coding": [coding]}})
    nowhere = write(content)
    assert nowhere.left_out == ("Condition/c1.code.coding[0].extension",)
    theirs = context(outgoing=Outgoing(diagnosis_certainty="ZDG-2"))
    assert line(content, "ZDG", theirs) == ["ZDG", "1", "V"]
    assert write(content, with_context=theirs).left_out == ()
    inside = context(outgoing=Outgoing(version="2.6", diagnosis_certainty="DG1-17"))
    assert line(content, "DG1", inside)[17] == "V"


@pytest.mark.parametrize(
    ("version", "place"), [("2.5", ("TQ1", 9)), ("2.3", ("OBR", 27)), ("2.3", ("ORC", 7))]
)
def test_an_urgent_order_is_written_as_one_that_will_not_wait(
    version: str, place: tuple[str, int]
) -> None:
    partner = context(outgoing=Outgoing(version=version))
    content = bundle(patient(), order(priority="urgent"))
    name, field = place
    segment = next(s for s in message(content, partner).segments if s.name == name)
    written = segment.first(field) if name == "TQ1" else segment.component(field, 6)
    assert written == "A"
    assert write(content, with_context=partner).left_out == ("ServiceRequest/s1.priority",)
