"""ORU messages become reports and observations; numbers keep their digits."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import mappers
from mappers.base import Action, Context, Mapped
from mappers.dialect import Dialect
from profiles.reading import write_json

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")


def sample() -> Mapped:
    data = (SAMPLES / "oru_r01_korrektur.hl7").read_bytes()
    return mappers.translate(data, "hl7v2", CONTEXT)


def by_code(result: Mapped) -> dict[str, Any]:
    return {
        c.resource["code"]["coding"][0]["code"]: c
        for c in result.changes
        if c.type == "Observation"
    }


def observation(obx: str, *more: str) -> dict[str, Any]:
    head = "MSH|^~\\&|LIS|LAB|GW|NETZ|20270111||ORU^R01|1|P|2.5||||||UNICODE UTF-8"
    lines = [head, "PID|1||1^^^HAUS||Weiß^Ä", "OBR|1|||BB||||20270111", obx, *more]
    result = mappers.translate("\r".join(lines).encode(), "hl7v2", CONTEXT)
    assert result.refusal is None
    (found,) = [c.resource for c in result.changes if c.type == "Observation"]
    return found


def test_decimals_keep_their_literal() -> None:
    quantity = by_code(sample())["718-7"].resource["valueQuantity"]
    assert quantity["value"] == Decimal("7.10")
    assert b'"value":7.10,' in write_json(quantity)
    bundle = write_json(sample().bundle)
    assert b'"value":7.10,' in bundle


@pytest.mark.parametrize("literal", ["7.10", "0.0000001", "100", "-3.50", "1200000.000"])
def test_every_way_to_write_a_number_survives(literal: str) -> None:
    made = observation(f"OBX|1|NM|718-7^Hb^LN||{literal}|||||F|")
    assert f'"value":{literal}'.encode() in write_json(made)


@pytest.mark.parametrize(
    ("obx", "expected"),
    [
        ("SN|x||>^60", {"valueQuantity": {"value": 60, "comparator": ">"}}),
        (
            "SN|x||^1^:^128",
            {"valueRatio": {"numerator": {"value": 1}, "denominator": {"value": 128}}},
        ),
        ("SN|x||^5^-^10", {"valueRange": {"low": {"value": 5}, "high": {"value": 10}}}),
        ("NM|x||<120", {"valueQuantity": {"value": 120, "comparator": "<"}}),
        ("ST|x||positiv", {"valueString": "positiv"}),
        ("FT|x||a\\.br\\b", {"valueString": "a\nb"}),
        ("CWE|x||A^Alpha^L", None),
        ("DT|x||20270111", {"valueDateTime": "2027-01-11"}),
        ("TM|x||0730", {"valueTime": "07:30:00"}),
        ("TS|x||202701110730", {"valueDateTime": "2027-01-11T07:30:00+01:00"}),
        ("DR|x||2026^2027", {"valuePeriod": {"start": "2026", "end": "2027"}}),
        ("NR|x||1^2", {"valueRange": {"low": {"value": 1}, "high": {"value": 2}}}),
        ("XPN|x||Weiß^Änne", {"valueString": "Weiß Änne"}),
    ],
)
def test_values_by_their_datatype(obx: str, expected: dict[str, Any] | None) -> None:
    made = observation(f"OBX|1|{obx}||||||F")
    value = {key: v for key, v in made.items() if key.startswith("value")}
    if expected is None:
        assert value["valueCodeableConcept"]["coding"][0]["display"] == "Alpha"
    else:
        assert value == expected


@pytest.mark.parametrize(
    ("status", "expected", "action"),
    [
        ("F", "final", Action.MERGE),
        ("C", "corrected", Action.MERGE),
        ("P", "preliminary", Action.MERGE),
        ("D", "entered-in-error", Action.CANCEL),
        ("W", "entered-in-error", Action.CANCEL),
        ("X", "cancelled", Action.MERGE),
    ],
)
def test_status_of_a_result(status: str, expected: str, action: Action) -> None:
    head = "MSH|^~\\&|LIS|LAB|GW|NETZ|20270111||ORU^R01|1|P|2.5||||||UNICODE UTF-8"
    obx = f"OBX|1|NM|718-7^Hb^LN||7||||||{status}"
    data = "\r".join([head, "PID|1||1^^^HAUS||Weiß^Ä", "OBR|1||L1^LIS|BB", obx]).encode()
    result = mappers.translate(data, "hl7v2", CONTEXT)
    (change,) = [c for c in result.changes if c.type == "Observation"]
    assert (change.resource["status"], change.action) == (expected, action)


def test_a_correction_is_the_same_observation() -> None:
    head = "MSH|^~\\&|LIS|LAB|GW|NETZ|2027011{}||ORU^R01|{}|P|2.5||||||UNICODE UTF-8"
    pid, obr = "PID|1||1^^^HAUS||Weiß^Ä", "OBR|1||L1^LIS|BB"
    made = []
    for day, value, status in ((1, "7.1", "P"), (2, "7.3", "C")):
        obx = f"OBX|1|NM|718-7^Hb^LN||{value}||||||{status}"
        data = "\r".join([head.format(day, day), pid, obr, obx]).encode()
        result = mappers.translate(data, "hl7v2", CONTEXT)
        made.append(next(c for c in result.changes if c.type == "Observation"))
    assert made[0].id == made[1].id
    late = mappers.apply(mappers.apply(None, made[1]), made[0])
    assert late is not None
    assert late["valueQuantity"]["value"] == Decimal("7.3")


def test_text_over_several_obx_is_one_observation() -> None:
    assert by_code(sample())["600-7"].resource["valueString"] == "Kein Wachstum\nnach 48 h"


def test_notes_belong_to_what_stands_before_them() -> None:
    result = sample()
    (report,) = [c.resource for c in result.changes if c.type == "DiagnosticReport"]
    assert report["extension"][0]["valueAnnotation"]["text"] == "Probe leicht hämolytisch"
    note = by_code(result)["718-7"].resource["note"][0]["text"]
    assert note == "Kontrolliert\nBitte beachten\nZweite Zeile"


def test_reference_ranges_are_read_where_they_are_plain() -> None:
    interval = observation("OBX|1|NM|x||7|mmol/L|7.40-9.9||||F")["referenceRange"][0]
    unit = {"unit": "mmol/L", "system": "http://unitsofmeasure.org", "code": "mmol/L"}
    assert interval == {
        "low": {"value": Decimal("7.40"), **unit},
        "high": {"value": Decimal("9.9"), **unit},
        "text": "7.40-9.9",
    }
    assert observation("OBX|1|NM|x||7||<5.0||||F")["referenceRange"][0]["high"]
    assert observation("OBX|1|NM|x||7||altersabhängig||||F")["referenceRange"] == [
        {"text": "altersabhängig"}
    ]


def test_two_quotes_delete_the_value() -> None:
    change = by_code(sample())["6690-2"]
    assert change.cleared == ("value[x]",)
    assert not any(key.startswith("value") for key in change.resource)


def test_a_missing_value_says_why() -> None:
    made = observation("OBX|1|NM|x||||||||X")
    assert made["dataAbsentReason"]["coding"][0]["code"] == "not-performed"


def test_a_report_in_pdf_is_a_form_of_the_report() -> None:
    result = sample()
    (report,) = [c.resource for c in result.changes if c.type == "DiagnosticReport"]
    (binary,) = [c for c in result.changes if c.type == "Binary"]
    assert report["presentedForm"][0]["url"] == f"Binary/{binary.id}"


def test_patients_of_one_message_are_kept_apart() -> None:
    head = "MSH|^~\\&|LIS|LAB|GW|NETZ|20270111||ORU^R01|1|P|2.5||||||UNICODE UTF-8"
    group = ["PID|1||{0}^^^HAUS||P{0}^X", "OBR|1||L{0}^LIS|BB", "OBX|1|NM|718-7^Hb^LN||{0}||||||F"]
    lines = [head, *(line.format(n) for n in (1, 2) for line in group)]
    result = mappers.translate("\r".join(lines).encode(), "hl7v2", CONTEXT)
    assert len(result.patients) == 2
    observations = [c for c in result.changes if c.type == "Observation"]
    assert {c.subject for c in observations} == {facts.id for facts in result.patients}
    assert all(c.resource["subject"]["reference"] == f"Patient/{c.subject}" for c in observations)


def test_results_before_any_patient_are_refused() -> None:
    data = b"MSH|^~\\&|LIS|LAB|GW|N|2027||ORU^R01|1|P|2.5\rOBR|1||1|x\rPID|1||1\r"
    refusal = mappers.translate(data, "hl7v2", CONTEXT).refusal
    assert refusal is not None
    assert refusal.issues[0].hl7_code == "100"
