"""Vaccination messages become Immunizations with what their observations say of them."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

import mappers
from gateway.cli.app import run
from mappers.base import Action, Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import validate

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|PVS|PRAXIS|GW|NETZ|20270111||VXU^V04|1|P|2.5.1||||||UNICODE UTF-8"
PID = "PID|1||4711^^^HAUS||Weiß^Änne"


def read(*lines: str) -> Mapped:
    return mappers.translate("\r".join([HEAD, PID, *lines]).encode(), "hl7v2", CONTEXT)


@pytest.fixture(scope="module")
def sample() -> Mapped:
    data = (SAMPLES / "vxu_v04_impfungen.hl7").read_bytes()
    return mappers.translate(data, "hl7v2", CONTEXT)


def of(mapped: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in mapped.changes if change.type == kind]


def one(mapped: Mapped) -> dict[str, Any]:
    (found,) = of(mapped, "Immunization")
    return found


def test_everything_of_the_sample_is_valid_and_kept(sample: Mapped) -> None:
    assert sample.refusal is None
    for kind in ("Immunization", "ImmunizationEvaluation", "ImmunizationRecommendation"):
        assert of(sample, kind)
        for resource in of(sample, kind):
            assert [i for i in validate(resource) if i.severity == "error"] == []
    assert [path for path, _ in sample.loss.unmapped if path[:3] in ("RXA", "RXR", "OBX")] == []


def test_the_command_line_converts_vaccinations(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(SAMPLES / "vxu_v04_impfungen.hl7")]) == 0
    bundle = json.loads(capsys.readouterr().out)
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    assert kinds.count("Immunization") == 4


def test_a_vaccination_says_what_was_given_where_by_whom_from_which_lot(sample: Mapped) -> None:
    given = of(sample, "Immunization")[0]
    systems = [coding["system"] for coding in given["vaccineCode"]["coding"]]
    assert systems == [
        "http://fhir.de/CodeSystem/bfarm/atc",
        "http://fhir.de/CodeSystem/ifa/pzn",
    ]
    assert given["doseQuantity"]["value"] == Decimal("0.5")
    assert (given["lotNumber"], given["expirationDate"]) == ("A21CE881B", "2028-04-30")
    assert given["manufacturer"]["display"] == "GlaxoSmithKline"
    assert given["primarySource"] is True
    functions = [p["function"]["coding"][0]["code"] for p in given["performer"]]
    assert functions == ["AP", "OP"]
    (place,) = [p for p in of(sample, "Location") if p.get("address")]
    assert place["address"]["city"] == "Bad Oldesloe"
    assert given["route"]["coding"][0]["code"] == "IM"
    assert given["site"]["coding"][0]["code"] == "LT"


def test_observations_fill_the_elements_they_are_about(sample: Mapped) -> None:
    given = of(sample, "Immunization")[0]
    assert given["fundingSource"]["coding"][0]["code"] == "SI"
    assert given["programEligibility"][0]["coding"][0]["code"] == "GKV"
    assert given["education"] == [
        {
            "documentType": "Merkblatt Sechsfachimpfung",
            "publicationDate": "2025-01-01",
            "presentationDate": "2026-10-05",
        }
    ]
    assert given["protocolApplied"] == [
        {"doseNumberPositiveInt": 2, "seriesDosesPositiveInt": 3, "series": "STIKO-Empfehlung"}
    ]
    reaction = given["reaction"][0]
    assert reaction["date"] == "2026-10-06"
    found = {f"Observation/{o['id']}": o for o in of(sample, "Observation")}
    result = found[reaction["detail"]["reference"]]
    assert result["note"][0]["text"] == "nach zwei Tagen abgeklungen"
    assert result["partOf"][0]["reference"] == f"Immunization/{given['id']}"


def test_the_validity_of_a_dose_and_what_is_due_are_resources(sample: Mapped) -> None:
    (evaluation,) = of(sample, "ImmunizationEvaluation")
    assert evaluation["doseStatus"]["coding"][0]["code"] == "valid"
    (forecast,) = of(sample, "ImmunizationRecommendation")
    (due,) = forecast["recommendation"][0]["dateCriterion"]
    assert (due["code"]["coding"][0]["code"], due["value"]) == ("30980-7", "2027-03-05")


def test_history_refusal_and_deletion(sample: Mapped) -> None:
    _, history, refused, deleted = of(sample, "Immunization")
    assert (history["status"], history["primarySource"]) == ("completed", False)
    assert "doseQuantity" not in history
    assert "9999" not in {i["value"] for i in history.get("identifier", ())}
    assert refused["status"] == "not-done"
    assert refused["statusReason"]["coding"][0]["display"] == "Eltern lehnen ab"
    assert deleted["status"] == "entered-in-error"
    actions = [c.action for c in sample.changes if c.type == "Immunization"]
    assert actions == [Action.MERGE, Action.MERGE, Action.MERGE, Action.CANCEL]


@pytest.mark.parametrize(
    ("refusal", "completion", "action", "status"),
    [
        ("", "CP", "A", "completed"),
        ("", "", "", "completed"),
        ("", "PA", "", "completed"),
        ("", "NA", "", "not-done"),
        ("00^Ablehnung^L", "RE", "A", "not-done"),
        ("00^Ablehnung^L", "", "", "not-done"),
        ("", "CP", "D", "entered-in-error"),
    ],
)
def test_status_by_refusal_completion_and_action(
    refusal: str, completion: str, action: str, status: str
) -> None:
    line = f"RXA|0|1|20270110||J07BH01^Rotarix^ATC|1|ml|||||||||||{refusal}||{completion}|{action}"
    assert one(read("ORC|RE||8^PVS", line))["status"] == status


def test_a_correction_is_the_same_vaccination() -> None:
    line = "RXA|0|1|20270110||J07BH01^Rotarix^ATC|{0}|ml|||||||||||||CP|{1}"
    first = one(read("ORC|RE||8^PVS", line.format("1", "A")))
    second = one(read("ORC|RE||8^PVS", line.format("1,5", "U")))
    assert first["id"] == second["id"]
    assert second["doseQuantity"]["value"] == Decimal("1.5")


def test_a_vaccination_without_number_is_named_by_vaccine_and_day() -> None:
    line = "RXA|0|1|{0}||J07BH01^Rotarix^ATC|1|ml"
    ids = [one(read(line.format(day)))["id"] for day in ("20270110", "20270110", "20270111")]
    assert ids[0] == ids[1] != ids[2]


def test_several_vaccinations_of_one_order_stay_apart() -> None:
    lines = ["ORC|RE||8^PVS", *(f"RXA|0|{n}|20270110||{n}^X^CVX|1|ml" for n in (1, 2))]
    assert len(of(read(*lines), "Immunization")) == 2


def test_information_without_a_document_stays_an_observation() -> None:
    obx = "OBX|1|DT|29769-7^VIS^LN|2|20270110||||||F"
    mapped = read("RXA|0|1|20270110||1^X^CVX|1|ml", obx)
    assert "education" not in one(mapped)
    assert of(mapped, "Observation")[0]["valueDateTime"] == "2027-01-10"


def test_an_empty_vaccination_is_valid_all_the_same() -> None:
    assert [i for i in validate(one(read("RXA|"))) if i.severity == "error"] == []
