"""Appointments: when, with whom and where, and what became of them."""

from __future__ import annotations

from typing import Any

import pytest

from profiles.issue import NotSupported
from tests.mappers.hl7v2.write.builders import (
    NAMESPACE,
    V2,
    bundle,
    encounter,
    line,
    message,
    patient,
    write,
)

DOCTOR = {
    "resourceType": "Practitioner",
    "id": "dr",
    "identifier": [{"system": f"{NAMESPACE}/practitioner", "value": "100001"}],
    "name": [{"family": "Bergmann", "given": ["Ines"]}],
}
ROOM = {
    "resourceType": "Location",
    "id": "amb",
    "identifier": [{"system": f"{NAMESPACE}/location/ward", "value": "AMB1"}],
    "name": "Ambulanz 1",
}
TYPES = "http://terminology.hl7.org/CodeSystem/participant-type"


def appointment(**elements: Any) -> dict[str, Any]:
    found = {
        "resourceType": "Appointment",
        "id": "a1",
        "status": "booked",
        "identifier": [{"system": f"{NAMESPACE}/appointment", "value": "T-9001"}],
        "start": "2026-11-23T09:00:00+01:00",
        "end": "2026-11-23T09:30:00+01:00",
        "participant": [{"actor": {"reference": "Patient/p1"}, "status": "accepted"}],
    }
    return {**found, **elements}


@pytest.mark.parametrize(
    ("status", "version", "expected"),
    [
        ("booked", "1", "SIU^S12"),
        ("booked", "2", "SIU^S14"),
        ("pending", "1", "SIU^S12"),
        ("cancelled", "2", "SIU^S15"),
        ("noshow", "2", "SIU^S26"),
        ("entered-in-error", "2", "SIU^S17"),
    ],
)
def test_what_becomes_of_an_appointment_is_the_event(
    status: str, version: str, expected: str
) -> None:
    made = appointment(status=status, meta={"versionId": version})
    written = write(bundle(patient(), made))
    assert (written.message_type, written.left_out) == (expected, ())


def test_a_moved_appointment_stays_moved() -> None:
    record = {
        "resourceType": "Provenance",
        "activity": {"coding": [{"system": V2 + "0003", "code": "S13"}]},
    }
    assert write(bundle(patient(), appointment(), record)).message_type == "SIU^S13"


def test_an_appointment_says_when_with_whom_and_where() -> None:
    made = appointment(
        minutesDuration=30,
        reasonCode=[{"text": "Nachkontrolle"}],
        serviceType=[{"coding": [{"system": f"{NAMESPACE}/code/L", "code": "LUFU"}]}],
        comment="Bitte nüchtern",
        participant=[
            {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
            {"actor": {"reference": "Practitioner/dr"}, "status": "tentative"},
            {"actor": {"reference": "Location/amb"}, "status": "accepted"},
            {
                "type": [{"coding": [{"system": TYPES, "code": "filler contact"}]}],
                "actor": {"display": "Sekretariat"},
                "status": "accepted",
            },
        ],
    )
    content = bundle(patient(), DOCTOR, ROOM, made, encounter())
    names = [segment.name for segment in message(content).segments]
    assert names == ["MSH", "SCH", "NTE", "PID", "PV1", "RGS", "AIS", "AIL", "AIP"]
    sch = line(content, "SCH")
    assert (sch[2], sch[7], sch[9], sch[10]) == ("T-9001", "^Nachkontrolle", "30", "min^^UCUM")
    assert (sch[16], sch[25]) == ("^Sekretariat", "Booked^^HL70278")
    assert line(content, "AIS")[3] == "LUFU^^L"
    assert line(content, "AIL")[3] == "AMB1^^^^^^^^Ambulanz 1"
    assert line(content, "AIP")[3] == "100001^Bergmann^Ines"
    assert line(content, "AIP")[12] == "Pending^^HL70278"
    assert write(content).left_out == ()


def test_a_status_no_code_has_is_told_nearly_and_named() -> None:
    written = write(bundle(patient(), appointment(status="proposed")))
    assert written.left_out == ("Appointment/a1.status",)


def test_the_order_an_appointment_answers_is_named_by_its_numbers() -> None:
    number = {
        "type": {"coding": [{"system": V2 + "0203", "code": "PLAC"}]},
        "system": f"{NAMESPACE}/order",
        "value": "R-1",
    }
    made = appointment(basedOn=[{"type": "ServiceRequest", "identifier": number}])
    assert line(bundle(patient(), made), "SCH")[26] == "R-1"
    assert write(bundle(patient(), made)).left_out == ()


def test_two_appointments_need_two_messages() -> None:
    with pytest.raises(NotSupported):
        write(bundle(patient(), appointment(), appointment(id="a2")))
