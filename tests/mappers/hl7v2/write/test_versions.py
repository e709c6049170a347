"""Segments, fields and parts of fields only as the partner's version knows them."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from mappers.dialect import Outgoing
from mappers.hl7v2.header import read_header
from mappers.hl7v2.tokenizer import Message, tokenize
from mappers.hl7v2.write.versions import VERSIONS, fields, structure
from profiles.issue import NotConformant, NotSupported
from tests.mappers.hl7v2.write.builders import (
    KVNR,
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

CORE = "http://hl7.org/fhir/StructureDefinition/"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"
LONG_NAME = {
    "use": "official",
    "family": "von der Heide",
    "_family": {
        "extension": [
            {"url": CORE + "humanname-own-prefix", "valueString": "von der"},
            {"url": CORE + "humanname-own-name", "valueString": "Heide"},
        ]
    },
    "given": ["Änne"],
}
STREET = {
    "line": ["Lindenweg 12a"],
    "_line": [
        {
            "extension": [
                {"url": CORE + "iso21090-ADXP-streetName", "valueString": "Lindenweg"},
                {"url": CORE + "iso21090-ADXP-houseNumber", "valueString": "12a"},
            ]
        }
    ],
    "city": "Beispielhausen",
}
CODED = {
    "coding": [
        {"system": "http://loinc.org", "version": "2.77", "code": "1988-5", "display": "CRP"}
    ],
    "text": "C-reaktives Protein",
}
DOCTOR = {
    "resourceType": "Practitioner",
    "id": "dr",
    "identifier": [{"system": f"{NAMESPACE}/practitioner", "value": "100001"}],
    "name": [{"family": "Bergmann", "given": ["Ines"]}],
}
HOUSE = {
    "resourceType": "Organization",
    "id": "org",
    "identifier": [{"system": f"{NAMESPACE}/organization", "value": "ST3B"}],
    "name": "Station 3B",
}
SUBJECT = {"subject": {"reference": "Patient/p1"}}
CONDITION = {"resourceType": "Condition", "id": "c1", "code": CODED, **SUBJECT}
ORDER = {
    "resourceType": "ServiceRequest",
    "id": "s1",
    "status": "active",
    "intent": "order",
    "priority": "stat",
    "code": {"text": "Telekonsil"},
    "identifier": [
        {
            "type": {"coding": [{"system": V2 + "0203", "code": "PLAC"}]},
            "system": f"{NAMESPACE}/order",
            "value": "R-1",
        }
    ],
    "occurrenceDateTime": "2026-11-23T09:00:00+01:00",
    "authoredOn": "2026-11-22",
    "requester": {"reference": "Practitioner/dr"},
    **SUBJECT,
}
SPECIMEN = {
    "resourceType": "Specimen",
    "id": "sp1",
    "type": {"coding": [{"system": V2 + "0487", "code": "SER"}]},
    **SUBJECT,
}
REPORT = {
    "resourceType": "DiagnosticReport",
    "id": "r1",
    "status": "amended",
    "code": CODED,
    "result": [{"reference": "Observation/o1"}],
    "specimen": [{"reference": "Specimen/sp1"}],
    **SUBJECT,
}
APPOINTMENT = {
    "resourceType": "Appointment",
    "id": "a1",
    "status": "booked",
    "start": "2026-11-23T09:00:00+01:00",
    "end": "2026-11-23T09:30:00+01:00",
    "minutesDuration": 30,
    "identifier": [{"system": f"{NAMESPACE}/appointment", "value": "T-1"}],
    "participant": [
        {"actor": {"reference": "Patient/p1"}, "status": "accepted"},
        {"actor": {"reference": "Practitioner/dr"}, "status": "accepted"},
    ],
}
WHO = patient(
    name=[LONG_NAME, {"use": "maiden", "family": "Groß"}],
    address=[STREET],
    telecom=[{"system": "phone", "use": "home", "value": "03643 1"}],
    identifier=[{"system": KVNR, "value": "T987654328"}],
    generalPractitioner=[{"reference": "Organization/org"}],
    maritalStatus={"coding": [{"system": TERMINOLOGY + "v3-MaritalStatus", "code": "M"}]},
)
VALUED = observation(
    code=CODED, valueCodeableConcept=CODED, effectiveDateTime="2026-11-20", bodySite=CODED
)
CONTENTS = {
    "visit": bundle(WHO, encounter(), CONDITION, DOCTOR, HOUSE, VALUED),
    "report": bundle(WHO, REPORT, VALUED, SPECIMEN, HOUSE),
    "letter": bundle(WHO, document(author=[{"reference": "Practitioner/dr"}]), DOCTOR, HOUSE),
    "order": bundle(WHO, ORDER, DOCTOR, HOUSE, CONDITION),
    "appointment": bundle(WHO, APPOINTMENT, DOCTOR, HOUSE),
}


def told(content: dict[str, Any], version: str) -> Message:
    partner = context(outgoing=Outgoing(version=version))
    return tokenize(write(content, with_context=partner).data)


def raw(content: dict[str, Any], version: str, name: str) -> list[str]:
    found = told(content, version).get(name)
    assert found is not None, name
    return [*found.raw, *[""] * 60]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CONTENTS)
def test_nothing_is_written_the_version_does_not_know(name: str, version: str) -> None:
    found = told(CONTENTS[name], version)
    header = found.header
    assert header.version == version
    kind = structure(f"{header.message_code}^{header.trigger}", version)
    assert kind is not None
    assert {s.name for s in found.segments} - {"MSH", "ZBE"} <= set(kind.segments)
    for segment in found.segments[1:]:
        known = fields(version)[segment.name]
        for number, stated in enumerate(segment.raw[1:], 1):
            if not stated:
                continue
            shape = known[number]
            repetitions = stated.split("~")
            assert shape.repeats or len(repetitions) == 1, (segment.name, number)
            for repetition in repetitions if shape.datatype != "varies" else ():
                parts = repetition.split("^")
                assert len(parts) <= max(len(shape.parts), 1), (segment.name, number)
                for part, most in zip(parts, shape.parts or (1,), strict=False):
                    assert not part or len(part.split("&")) <= most, (segment.name, number)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", CONTENTS)
def test_another_library_reads_the_same_segments(name: str, version: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import hl7
    partner = context(outgoing=Outgoing(version=version))
    data = write(CONTENTS[name], with_context=partner).data
    theirs, ours = hl7.parse(data.decode()), tokenize(data)
    assert [str(segment[0]) for segment in theirs] == [s.name for s in ours.segments]
    assert str(theirs.segment("PID")[5]) == ours.all("PID")[0].raw[5]


def test_names_have_parts_since_2_4() -> None:
    assert raw(CONTENTS["visit"], "2.3", "PID")[5] == "von der Heide^Änne^^^^^L"
    parted = "von der Heide&von der&Heide^Änne^^^^^L~Groß^^^^^^B"
    assert raw(CONTENTS["visit"], "2.4", "PID")[5] == parted


def test_a_birth_name_is_an_alias_where_there_is_one_name() -> None:
    assert raw(CONTENTS["visit"], "2.3", "PID")[9] == "Groß^^^^^^B"


def test_streets_have_parts_since_2_4() -> None:
    assert raw(CONTENTS["visit"], "2.3.1", "PID")[11] == "Lindenweg 12a^^Beispielhausen"
    parted = "Lindenweg 12a&Lindenweg&12a^^Beispielhausen"
    assert raw(CONTENTS["visit"], "2.4", "PID")[11] == parted


def test_a_number_moves_to_its_new_component_in_2_7() -> None:
    assert raw(CONTENTS["visit"], "2.6", "PID")[13] == "03643 1^PRN^PH"
    assert raw(CONTENTS["visit"], "2.7", "PID")[13] == "^PRN^PH^^^^^^^^^03643 1"


def test_the_number_of_a_house_moves_to_its_new_component_in_2_5() -> None:
    assert raw(CONTENTS["visit"], "2.4", "PD1")[3].split("^")[2] == "ST3B"
    assert raw(CONTENTS["visit"], "2.5", "PD1")[3].split("^")[9] == "ST3B"


@pytest.mark.parametrize(("version", "kind"), [("2.3", "CE"), ("2.5", "CE"), ("2.5.1", "CWE")])
def test_codes_are_ce_before_cwe(version: str, kind: str) -> None:
    assert raw(CONTENTS["report"], version, "OBX")[2] == kind


@pytest.mark.parametrize(("version", "kind"), [("2.3", "TS"), ("2.5.1", "TS"), ("2.6", "DTM")])
def test_times_are_ts_before_dtm(version: str, kind: str) -> None:
    timed = bundle(WHO, observation(valueDateTime="2026-11"))
    assert raw(timed, version, "OBX")[2] == kind


def test_the_version_of_a_code_is_left_out_where_ce_has_no_place_for_it() -> None:
    sick = bundle(patient(), CONDITION)
    assert write(sick, with_context=context(outgoing=Outgoing(version="2.7"))).left_out == ()
    lost = ("Condition/c1.code.coding[0].version", "Condition/c1.code.text")
    assert write(sick, with_context=context(outgoing=Outgoing(version="2.5"))).left_out == lost


def test_specimens_stand_in_the_order_before_spm() -> None:
    assert raw(CONTENTS["report"], "2.4", "OBR")[15] == "SER&&HL70487"
    assert told(CONTENTS["report"], "2.4").get("SPM") is None
    assert raw(CONTENTS["report"], "2.5", "SPM")[4] == "SER^^HL70487"


def test_an_amended_report_is_a_correction() -> None:
    assert raw(CONTENTS["report"], "2.5", "OBR")[25] == "C"


def test_timing_has_a_segment_of_its_own_since_2_5() -> None:
    assert raw(CONTENTS["order"], "2.4", "ORC")[7] == "^^^20261123090000+0100^^S"
    assert told(CONTENTS["order"], "2.4").get("TQ1") is None
    timing = raw(CONTENTS["order"], "2.5", "TQ1")
    assert (timing[7], timing[9]) == ("20261123090000+0100", "S^^HL70485")
    assert raw(CONTENTS["order"], "2.5", "ORC")[7] == ""


def test_the_time_of_an_appointment_moves_to_tq1_in_2_7() -> None:
    when = ("20261123090000+0100", "20261123093000+0100")
    assert raw(CONTENTS["appointment"], "2.5", "SCH")[11] == "^^^" + "^".join(when)
    timing = raw(CONTENTS["appointment"], "2.7", "TQ1")
    assert (timing[7], timing[8]) == when


@pytest.mark.parametrize(
    ("version", "orders", "expected"),
    [
        ("2.3", "", "ORM^O01"),
        ("2.4", "", "ORM^O01"),
        ("2.4", "OMG", "OMG^O19"),
        ("2.5", "", "OMG^O19"),
        ("2.5", "ORM", "ORM^O01"),
        ("2.8", "", "OMG^O19"),
    ],
)
def test_orders_are_told_as_the_version_or_the_partner_wants(
    version: str, orders: str, expected: str
) -> None:
    partner = context(outgoing=Outgoing(version=version, orders=orders))
    assert write(CONTENTS["order"], with_context=partner).message_type == expected


@pytest.mark.parametrize(("version", "orders"), [("2.3", "OMG"), ("2.7", "ORM")])
def test_a_message_the_version_does_not_have_is_refused(version: str, orders: str) -> None:
    partner = context(outgoing=Outgoing(version=version, orders=orders))
    with pytest.raises(NotSupported):
        write(CONTENTS["order"], with_context=partner)


def test_the_structure_is_named_since_2_3_1() -> None:
    old = context(outgoing=Outgoing(version="2.3"))
    header = read_header(write(CONTENTS["visit"], with_context=old).data)
    assert (header.trigger, header.structure) == ("A01", "")
    new = context(outgoing=Outgoing(version="2.3.1"))
    assert read_header(write(CONTENTS["visit"], with_context=new).data).structure == "ADT_A01"


def test_a_day_is_a_day_where_the_version_has_no_time() -> None:
    insured = {
        "resourceType": "Coverage",
        "id": "v1",
        "status": "active",
        "period": {"start": "2026-01-01T08:00:00+01:00"},
        "payor": [{"display": "Beispielkasse"}],
    }
    found = write(bundle(patient(), insured, encounter()))
    segment = tokenize(found.data).get("IN1")
    assert segment is not None
    assert segment.raw[12] == "20260101"
    assert found.left_out == ("Coverage/v1.period",)


@pytest.mark.parametrize(
    "stated",
    [
        {"version": "2.9"},
        {"missing_characters": "guess"},
        {"longest_segment": 20},
        {"orders": "OML"},
        {"delimiters": "|^~"},
        {"delimiters": "|^~+&"},
        {"diagnosis_certainty": "PID-3"},
        {"versions": "2.5"},
    ],
)
def test_a_wish_nobody_can_fulfil_is_an_error_of_the_configuration(stated: dict[str, Any]) -> None:
    from mappers.dialect import Dialect

    with pytest.raises(NotConformant):
        Dialect.from_mapping("kis", {"outgoing": stated})
