"""ADT messages become visits with German codes; refusals carry the codes of table 0357."""

from pathlib import Path
from typing import Any

import pytest

import mappers
from mappers.base import Action, Context, Mapped
from mappers.dialect import Dialect

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")


def mapped(data: bytes) -> Mapped:
    return mappers.translate(data, "hl7v2", CONTEXT)


def adt(event: str, *segments: str, version: str = "2.5", time: str = "20270110083000") -> Mapped:
    head = f"MSH|^~\\&|KIS|HAUS|GW|NETZ|{time}||ADT^{event}|C1|P|{version}||||||UNICODE UTF-8"
    lines = [head, f"EVN|{event}|{time}", "PID|1||4711^^^HAUS^PI||Weiß^Änne||1948", *segments]
    return mapped(("\r".join(lines) + "\r").encode())


def only(result: Mapped, kind: str) -> dict[str, Any]:
    assert result.refusal is None, result.refusal
    (found,) = [c.resource for c in result.changes if c.type == kind]
    return found


def pv1(**fields: str) -> str:
    numbered = {int(name[1:]): value for name, value in fields.items()}
    values = [numbered.get(number, "") for number in range(max(numbered) + 1)]
    return "PV1|1|" + "|".join(values[2:])


def test_a_dense_admission_loses_nothing_but_its_z_segment() -> None:
    result = mapped((SAMPLES / "adt_a01_aufnahme_dicht.hl7").read_bytes())
    assert {path.partition("-")[0] for path, _ in result.loss.unmapped} == {"ZUS"}
    loss = result.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    kinds = {change.type for change in result.changes}
    assert kinds == {
        "Patient",
        "Encounter",
        "Practitioner",
        "RelatedPerson",
        "AllergyIntolerance",
        "Condition",
        "Procedure",
        "Observation",
        "Organization",
        "Coverage",
        "Location",
        "Device",
    }


@pytest.mark.parametrize(
    ("code", "kind", "contact"),
    [
        ("I", "IMP", ""),
        ("O", "AMB", ""),
        ("E", "EMER", ""),
        ("V", "PRENC", "vorstationaer"),
        ("VS", "IMP", "normalstationaer"),
        ("H", "IMP", "teilstationaer"),
        ("NS", "AMB", "nachstationaer"),
    ],
)
def test_patient_classes_with_the_german_additions(code: str, kind: str, contact: str) -> None:
    encounter = only(adt("A01", pv1(f2=code, f19="F1")), "Encounter")
    codes = [c["code"] for t in encounter["type"] for c in t["coding"]]
    assert encounter["class"]["code"] == kind
    assert "einrichtungskontakt" in codes
    assert contact in [*codes, ""]


def test_the_discharge_reason_is_taken_apart() -> None:
    encounter = only(adt("A03", pv1(f2="I", f19="F1", f36="072", f45="20270116")), "Encounter")
    extension = encounter["hospitalization"]["dischargeDisposition"]["extension"][0]
    assert [(e["url"], e["valueCoding"]["code"]) for e in extension["extension"]] == [
        ("ErsteUndZweiteStelle", "07"),
        ("DritteStelle", "2"),
    ]
    assert encounter["status"] == "finished"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("202703280130", "2027-03-28T01:30:00+01:00"),
        ("202703280330", "2027-03-28T03:30:00+02:00"),
        ("202707010830", "2027-07-01T08:30:00+02:00"),
        ("202710310230", "2027-10-31T02:30:00+02:00"),
        ("20270701083000+0000", "2027-07-01T08:30:00+00:00"),
        ("20270701", "2027-07-01"),
    ],
)
def test_times_without_zone_are_local_across_daylight_saving(written: str, expected: str) -> None:
    encounter = only(adt("A01", pv1(f2="I", f19="F1", f44=written)), "Encounter")
    assert encounter["period"]["start"] == expected


def test_a_doubtful_local_time_is_reported() -> None:
    result = adt("A01", pv1(f2="I", f19="F1", f44="202710310230"))
    assert [i.severity for i in result.issues] == ["information"]


def test_a_department_is_coded_by_its_key() -> None:
    encounter = only(adt("A01", pv1(f2="I", f10="0800", f19="F1")), "Encounter")
    assert encounter["serviceType"]["coding"][0] == {
        "system": "http://fhir.de/CodeSystem/dkgev/Fachabteilungsschluessel",
        "code": "0800",
        "display": "Pneumologie",
    }


def test_diagnoses_carry_catalogue_year_and_mark() -> None:
    result = adt("A01", pv1(f2="I", f19="F1"), "DG1|1||E10.90+^Diabetes^I10G2027|||F")
    code = only(result, "Condition")["code"]["coding"][0]
    assert (code["system"], code["version"]) == (
        "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "2027",
    )
    assert code["code"] == "E10.90"
    assert code["extension"][0]["valueCoding"]["code"] == "†"
    diagnosis = only(result, "Encounter")["diagnosis"][0]
    assert diagnosis["use"]["coding"][0]["code"] == "DD"


def test_a_deleted_diagnosis_is_entered_in_error() -> None:
    result = adt("A08", pv1(f2="I", f19="F1"), "DG1|1||I10^Hypertonie^I10G2027" + "|" * 18 + "D")
    (change,) = [c for c in result.changes if c.type == "Condition"]
    assert change.action is Action.CANCEL
    status = change.resource["verificationStatus"]["coding"][0]["code"]
    assert status == "entered-in-error"


def test_family_insurance_names_the_insured() -> None:
    result = mapped((SAMPLES / "adt_a01_aufnahme_dicht.hl7").read_bytes())
    coverage = only(result, "Coverage")
    insured = next(
        c.resource
        for c in result.changes
        if coverage["subscriber"]["reference"] == f"{c.type}/{c.id}"
    )
    assert insured["name"][0]["given"] == ["Elfriede"]
    assert coverage["relationship"]["coding"][0]["code"] == "spouse"
    assert coverage["payor"][0]["identifier"]["system"] == "http://fhir.de/sid/arge-ik/iknr"
    assert coverage["extension"][0]["valueCoding"]["code"] == "1"


def test_a_merge_links_two_records_and_mixes_nothing() -> None:
    result = adt("A40", "MRG|0815^^^HAUS^PI||||||Weiss^Aenne")
    survivor, merged = (c for c in result.changes if c.type == "Patient")
    assert merged.action is Action.LINK
    assert merged.resource["active"] is False
    assert merged.resource["link"] == [
        {"other": {"reference": f"Patient/{survivor.id}"}, "type": "replaced-by"}
    ]
    assert survivor.resource["link"][0]["type"] == "replaces"


def test_a_merge_without_a_record_to_merge_is_refused() -> None:
    assert adt("A40").refusal is not None
    refusal = adt("A40", "MRG|").refusal
    assert refusal is not None
    assert refusal.issues[0].hl7_code == "101"


@pytest.mark.parametrize(
    ("message", "kind", "code"),
    [
        (b"MSH|^~\\&|A|B|C|D|2027||ADT^Z99|1|P|2.5\rPID|1||1\r", "NotSupported", "201"),
        (b"MSH|^~\\&|A|B|C|D|2027||ZZZ^Z01|1|P|2.5\rPID|1||1\r", "NotSupported", "200"),
        (b"MSH|^~\\&|A|B|C|D|2027||ADT^A01|1|P|9.9\rPID|1||1\r", "NotSupported", "203"),
        (b"MSH|^~\\&|A|B|C|D|2027||ADT^A01|1|P|2.5\rEVN|A01\r", "NotConformant", "100"),
        (b"MSH|^~\\&|A|B|C|D|2027||ADT^A01||P|2.5\rPID|1||1\r", "NotConformant", "101"),
        (b"hello", "NotUnderstood", ""),
    ],
)
def test_what_cannot_be_translated_is_refused_with_its_code(
    message: bytes, kind: str, code: str
) -> None:
    result = mapped(message)
    assert type(result.refusal).__name__ == kind
    assert result.changes == ()
    assert result.bundle["resourceType"] == "OperationOutcome"
    assert result.refusal is not None
    assert result.refusal.issues[0].hl7_code == code


def test_other_people_s_versions_and_separators_are_read() -> None:
    text = "MSH#*$?!#KIS#HAUS#G#N#2027##ADT*A04#1#P#2.2\rPID#1##4711*** HAUS!1.2!ISO##Weiß*Ä\r"
    result = mapped(text.encode("cp1252"))
    assert result.refusal is None
    assert result.patients[0].family == "Weiß"
