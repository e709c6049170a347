"""The content chooses the message, and one Bundle is one message or none."""

from __future__ import annotations

from typing import Any

import pytest

from mappers.hl7v2.header import read_header
from profiles.issue import NotConformant, NotSupported
from tests.mappers.hl7v2.write.builders import (
    V2,
    bundle,
    document,
    encounter,
    line,
    message,
    observation,
    patient,
    write,
)

REPORT = {
    "resourceType": "DiagnosticReport",
    "id": "r1",
    "status": "final",
    "code": {"text": "Labor"},
    "subject": {"reference": "Patient/p1"},
    "result": [{"reference": "Observation/o1"}],
}
CONDITION = {
    "resourceType": "Condition",
    "id": "c1",
    "code": {"text": "Husten"},
    "subject": {"reference": "Patient/p1"},
}
REPLACES = [{"code": "replaces", "target": {"identifier": {"system": "urn:oid:1.2", "value": "0"}}}]
EVENT = {"coding": [{"system": V2 + "0003", "code": "A08"}]}


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        ([], "ADT^A31"),
        ([encounter()], "ADT^A01"),
        ([encounter(**{"class": {"code": "AMB"}})], "ADT^A04"),
        ([encounter(status="planned")], "ADT^A05"),
        ([encounter(status="finished")], "ADT^A03"),
        ([encounter(status="cancelled")], "ADT^A11"),
        ([encounter(status="onleave")], "ADT^A08"),
        ([CONDITION], "ADT^A31"),
        ([REPORT, observation()], "ORU^R01"),
        ([observation()], "ORU^R01"),
        ([observation(), encounter()], "ORU^R01"),
        ([observation(), CONDITION, encounter()], "ADT^A01"),
        ([document()], "MDM^T02"),
        ([document(content=[])], "MDM^T01"),
        ([document(docStatus="amended")], "MDM^T08"),
        ([document(relatesTo=REPLACES)], "MDM^T10"),
        ([document(relatesTo=REPLACES, content=[])], "MDM^T09"),
        ([document(status="entered-in-error")], "MDM^T11"),
        ([encounter(), {"resourceType": "Provenance", "activity": EVENT}], "ADT^A08"),
    ],
)
def test_the_content_chooses_the_message(resources: list[Any], expected: str) -> None:
    content = bundle(patient(), *resources)
    written = write(content)
    header = read_header(written.data)
    assert written.message_type == expected
    assert f"{header.message_code}^{header.trigger}" == expected


def test_a_merge_names_the_patient_who_goes() -> None:
    gone = patient(
        id="p2",
        identifier=[{"system": "urn:oid:1.2.3", "value": "999"}],
        active=False,
        link=[{"type": "replaced-by", "other": {"reference": "Patient/p1"}}],
    )
    written = write(bundle(patient(), gone))
    assert (written.message_type, written.left_out) == ("ADT^A40", ())
    assert line(bundle(gone, patient()), "MRG")[1] == "999^^^&1.2.3&ISO"
    assert line(bundle(gone, patient()), "PID")[3] == "4711"


@pytest.mark.parametrize(
    "content",
    [
        bundle(encounter()),
        bundle(patient(), patient(id="p2")),
        bundle(patient(), encounter(), encounter(id="e2")),
        bundle(patient(), document(), document(id="d2")),
        bundle(patient(), document(), observation()),
        bundle(patient(), REPORT, CONDITION),
        bundle(patient(), {"resourceType": "Immunization", "id": "i1"}),
    ],
    ids=[
        "nobody",
        "two people",
        "two visits",
        "two letters",
        "letter and value",
        "both",
        "nothing",
    ],
)
def test_what_needs_several_messages_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(NotSupported):
        write(content)


def test_the_header_is_addressed_to_the_partner() -> None:
    header = read_header(write(bundle(patient()), charset="8859/1").data)
    assert (header.sending_application, header.sending_facility) == ("GATEWAY", "REGION")
    assert (header.receiving_application, header.receiving_facility) == ("KIS", "HAUS")
    assert (header.control_id, header.time) == ("C-1", "20261121120000+0100")
    assert (header.version, header.charset, header.processing_id) == ("2.5", "8859/1", "P")
    assert header.structure == "ADT_A05"


def test_the_bytes_are_in_the_partners_character_set() -> None:
    assert "Weiß^Änne".encode("latin-1") in write(bundle(patient()), charset="8859/1").data
    assert "Weiß^Änne".encode() in write(bundle(patient())).data


def test_a_character_the_partner_lacks_is_refused_not_replaced() -> None:
    polish = patient(name=[{"family": "Wałęsa"}])
    with pytest.raises(NotConformant):
        write(bundle(polish), charset="8859/1")


def test_an_unknown_character_set_is_refused() -> None:
    with pytest.raises(NotSupported):
        write(bundle(patient()), charset="KLINGON")


def test_the_same_bundle_gives_the_same_bytes() -> None:
    content = bundle(patient(), encounter(), CONDITION)
    assert write(content) == write(content)


def test_the_bundle_is_not_changed() -> None:
    content = bundle(patient(), encounter(), CONDITION)
    before = repr(content)
    write(content)
    assert repr(content) == before


def test_a_person_without_visit_has_no_patient_class() -> None:
    assert line(bundle(patient()), "PV1") == ["PV1", "1", "N"]


def test_the_outermost_contact_of_a_stay_is_the_visit() -> None:
    ward = encounter(id="e2", partOf={"reference": "Encounter/e1"}, identifier=[])
    content = bundle(patient(), ward, encounter())
    assert line(content, "PV1")[19] == "F-1"
    assert write(content).left_out == ("Encounter/e2",)


def test_a_transaction_bundle_with_urn_references_is_understood() -> None:
    child = encounter(subject={"reference": "urn:uuid:11111111-1111-4111-8111-111111111111"})
    who = {**patient()}
    del who["id"]
    content = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {"fullUrl": "urn:uuid:11111111-1111-4111-8111-111111111111", "resource": who},
            {"fullUrl": "urn:uuid:2", "resource": child},
        ],
    }
    assert write(content).left_out == ()


def test_observations_of_an_admission_stay_with_it() -> None:
    admission = {**EVENT, "coding": [{"system": V2 + "0003", "code": "A01"}]}
    record = {"resourceType": "Provenance", "activity": admission}
    found = message(bundle(patient(), encounter(), observation(), record))
    names = [segment.name for segment in found.segments]
    assert names == ["MSH", "EVN", "PID", "PV1", "OBX"]


OUTPATIENT = {"class": {"code": "AMB"}}
PLANNED = [{"status": "planned", "period": {}}]
NOON = "2027-01-11T12:00:00+01:00"
MOVED = [
    {
        "location": {
            "identifier": {"system": "https://region.example/sid/haus/location/ward", "value": name}
        },
        "status": status,
        "period": {side: NOON},
        "physicalType": {"coding": [{"code": "wa"}]},
    }
    for name, status, side in (("ST1", "completed", "end"), ("ST2", "active", "start"))
]


@pytest.mark.parametrize(
    ("elements", "version", "expected"),
    [
        ({}, "1", "ADT^A01"),
        ({}, "2", "ADT^A08"),
        ({"statusHistory": PLANNED}, "2", "ADT^A01"),
        ({"status": "planned"}, "1", "ADT^A05"),
        ({"status": "planned"}, "2", "ADT^A08"),
        ({"status": "finished"}, "2", "ADT^A03"),
        ({"statusHistory": [{"status": "finished", "period": {}}]}, "3", "ADT^A13"),
        ({"location": MOVED}, "2", "ADT^A02"),
        ({"location": MOVED}, "1", "ADT^A01"),
        ({"location": MOVED[1:]}, "2", "ADT^A08"),
        ({"status": "cancelled"}, "2", "ADT^A11"),
        ({"status": "cancelled", "statusHistory": PLANNED}, "2", "ADT^A38"),
        ({"classHistory": [{**OUTPATIENT, "period": {}}]}, "2", "ADT^A06"),
        (
            {**OUTPATIENT, "classHistory": [{"class": {"code": "IMP"}, "period": {}}]},
            "2",
            "ADT^A07",
        ),
    ],
)
def test_the_history_of_a_visit_chooses_the_event(
    elements: dict[str, Any], version: str, expected: str
) -> None:
    content = bundle(patient(), encounter(**elements, meta={"versionId": version}))
    assert write(content).message_type == expected


def test_a_transfer_says_where_the_patient_was_and_is() -> None:
    visit = encounter(location=MOVED, meta={"versionId": "2"})
    pv1 = next(s for s in message(bundle(patient(), visit)).segments if s.name == "PV1")
    assert (str(pv1.first(3)), str(pv1.first(6))) == ("ST2", "ST1")


def test_news_a_transfer_has_no_segment_for_are_an_update() -> None:
    visit = encounter(location=MOVED, meta={"versionId": "2"})
    insured = {"resourceType": "Coverage", "id": "c", "status": "active"}
    assert write(bundle(patient(), visit, insured)).message_type == "ADT^A08"


@pytest.mark.parametrize(("version", "expected"), [("1", "ADT^A28"), ("2", "ADT^A31")])
def test_a_person_is_new_or_known(version: str, expected: str) -> None:
    assert write(bundle(patient(meta={"versionId": version}))).message_type == expected
