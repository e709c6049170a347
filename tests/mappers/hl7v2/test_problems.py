"""PPR and its like: problems, goals and pathways, linked as they stand behind one another."""

import json
from pathlib import Path
from typing import Any

import pytest

import mappers
from gateway.cli.app import run
from mappers.base import Action, Change, Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import structure

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")


def translated(data: bytes) -> Mapped:
    result = mappers.translate(data, "hl7v2", CONTEXT)
    assert result.refusal is None, result.refusal
    for change in result.changes:
        assert [i for i in structure(change.resource) if i.severity == "error"] == []
    return result


def ppr(event: str, *segments: str, code: str = "PPR") -> Mapped:
    head = f"MSH|^~\\&|KIS|HAUS|GW|NETZ|20261105||{code}^{event}|1|P|2.5.1||||||UNICODE UTF-8"
    return translated("\r".join([head, "PID|1||4711^^^HAUS||Weiß^Ä", *segments]).encode())


def of(result: Mapped, kind: str) -> list[Change]:
    return [c for c in result.changes if c.type == kind]


@pytest.fixture(scope="module")
def listed() -> Mapped:
    return translated((SAMPLES / "ppr_pc1_problemliste.hl7").read_bytes())


def test_a_problem_says_what_since_when_and_how_sure(listed: Mapped) -> None:
    assert listed.loss.unmapped == ()
    made, second = (c.resource for c in of(listed, "Condition"))
    assert made["identifier"][0]["value"] == "P-17"
    assert made["code"]["coding"][0]["code"] == "J44.1"
    assert made["verificationStatus"]["coding"][0]["code"] == "confirmed"
    assert made["clinicalStatus"]["coding"][0]["code"] == "active"
    assert made["onsetDateTime"] == "2019-03-01"
    assert made["recordedDate"] == "2026-11-05T09:15:00+01:00"
    assert [note["text"] for note in made["note"]] == [
        "seit Frühjahr 2019",
        "Raucherin, 30 Packungsjahre",
    ]
    assert made["severity"]["coding"][0]["code"] == "24484000"
    assert second["code"]["coding"][0]["code"] == "E11.90"


def test_what_fhir_has_no_element_for_is_an_observation_about_the_problem(listed: Mapped) -> None:
    problem = of(listed, "Condition")[0]
    about = [
        c.resource
        for c in of(listed, "Observation")
        if c.resource.get("focus") == [{"reference": f"Condition/{problem.id}"}]
    ]
    details, variance = about
    said = {part["code"]["text"]: part for part in details["component"]}
    assert said["Probability of Problem"]["valueQuantity"]["value"].__class__.__name__ != "str"
    assert said["Problem Prognosis"]["valueCodeableConcept"]["coding"][0]["code"] == "gut"
    assert variance["identifier"][0]["value"] == "V-1"
    assert variance["performer"][0]["display"] == "Dr. med. Ines Bergmann"
    assert variance["component"][-1]["valueString"] == "Kortison nicht vertragen"


def test_goal_and_pathway_address_the_problem_before_them(listed: Mapped) -> None:
    problem = {"reference": f"Condition/{of(listed, 'Condition')[0].id}"}
    (goal,), (plan,) = of(listed, "Goal"), of(listed, "CarePlan")
    assert goal.resource["addresses"] == plan.resource["addresses"] == [problem]
    assert plan.resource["goal"] == [{"reference": f"Goal/{goal.id}"}]
    assert (plan.resource["status"], plan.resource["intent"]) == ("active", "plan")
    assert goal.resource["lifecycleStatus"] == "accepted"
    assert goal.resource["target"] == [{"dueDate": "2026-11-19"}]
    measured = next(c for c in of(listed, "Observation") if "valueQuantity" in c.resource)
    assert goal.resource["outcomeReference"] == [{"reference": f"Observation/{measured.id}"}]


def test_a_goal_that_leads_addresses_the_problems_behind_it() -> None:
    result = ppr(
        "PC6", "GOL|AD||Z^Ziel^L|G-1", "PRB|AD||A^A^L|P-1", "PRB|AD||B^B^L|P-2", code="PGL"
    )
    (goal,) = of(result, "Goal")
    named = [one["reference"] for one in goal.resource["addresses"]]
    assert named == [f"Condition/{c.id}" for c in of(result, "Condition")]


@pytest.mark.parametrize("event", ["PC1", "PC3"])
def test_a_deleted_problem_is_an_error_without_clinical_status(event: str) -> None:
    action = "DE" if event == "PC1" else "AD"
    (found,) = of(ppr(event, f"PRB|{action}||A^A^L|P-1||||||||||ACTIVE"), "Condition")
    assert found.action is Action.CANCEL
    assert found.resource["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in found.resource


def test_what_has_ended_is_resolved_whatever_its_status_says() -> None:
    (found,) = of(ppr("PC2", "PRB|UP||A^A^L|P-1|||||20261101|||||ACTIVE"), "Condition")
    status = found.resource["clinicalStatus"]
    assert (status["coding"][0]["code"], status["text"]) == ("resolved", "ACTIVE")


def test_a_problem_keeps_its_name_when_its_code_is_refined() -> None:
    first, later = (ppr("PC2", f"PRB|UP||{code}^x^L|P-1") for code in ("J44", "J44.1"))
    assert of(first, "Condition")[0].id == of(later, "Condition")[0].id


def test_a_code_no_status_has_stays_beside_it() -> None:
    result = ppr("PCB", "PTH|AD|X^X^L|W-1||SELTSAM", code="PPP")
    made: dict[str, Any] = of(result, "CarePlan")[0].resource
    assert made["status"] == "active"
    assert made["_status"]["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "SELTSAM"
    assert "103" in {issue.hl7_code for issue in result.issues}


def test_convert_writes_the_problem_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(SAMPLES / "ppr_pc1_problemliste.hl7")]) == 0
    kinds = [e["resource"]["resourceType"] for e in json.loads(capsys.readouterr().out)["entry"]]
    assert (kinds.count("Condition"), kinds.count("Goal"), kinds.count("CarePlan")) == (2, 1, 1)
