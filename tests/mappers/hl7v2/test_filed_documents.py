"""MDM whole: every event, and all TXA says of how a document is made, signed and filed."""

from pathlib import Path
from typing import Any

import pytest

import mappers
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


def mdm(event: str, number: str = "D-2", parent: str = "", available: str = "AV") -> Mapped:
    head = f"MSH|^~\\&|DOK|HAUS|GW|NETZ|20261108||MDM^{event}|1|P|2.5.1||||||UNICODE UTF-8"
    txa = f"TXA|1|DS|TX|||20261107||||||{number}|{parent}||||AU||{available}"
    obx = ["OBX|1|TX|18842-5^Brief^LN||Text||||||F"] if int(event[1:]) % 2 == 0 else []
    return translated("\r".join([head, "PID|1||4711^^^HAUS||Weiß^Ä", txa, *obx]).encode())


def document(result: Mapped) -> Change:
    (found,) = [c for c in result.changes if c.type == "DocumentReference" and not c.partial]
    return found


@pytest.fixture(scope="module")
def replaced() -> Mapped:
    return translated((SAMPLES / "mdm_t10_ersetzung.hl7").read_bytes())


def test_a_document_says_where_it_was_made_and_is_filed(replaced: Mapped) -> None:
    made = document(replaced).resource
    assert made["custodian"]["display"] == "KLINIKUM-AUENTAL"
    assert made["context"]["practiceSetting"]["coding"][0]["code"] == "0800"
    folder = [one for one in made["context"]["related"] if one.get("type") == "List"]
    assert folder[0]["display"] == "Pneumologie 2026"
    assert [one["value"] for one in made["identifier"]] == ["arztbrief_2026.txt"]
    assert made["meta"]["tag"][0]["code"] == "AC"
    lost = {path for path, _ in replaced.loss.unmapped if path.startswith("TXA")}
    assert lost <= {"TXA-7", "TXA-26"}


def test_who_signed_it_is_named_with_the_time(replaced: Mapped) -> None:
    made = document(replaced).resource
    parts: dict[str, Any] = {part["url"]: part for part in made["extension"][0]["extension"]}
    assert parts["time"]["valueDateTime"] == "2026-11-08T13:50:00+01:00"
    assert parts["party"]["valueReference"]["display"] == "Prof. Dr. Karl Vogt"
    assert made["authenticator"]["display"] == "Prof. Dr. Karl Vogt"


def test_why_it_changed_and_who_gets_it_stand_in_provenance(replaced: Mapped) -> None:
    origin = replaced.provenance
    assert origin is not None
    assert {"text": "Dosierung berichtigt"} in origin["reason"]
    people = {agent["who"].get("display") for agent in origin["agent"]}
    assert {"Mona Kessler", "Dr. med. Mehmet Krause", "Dr. med. Ines Bergmann"} <= people


def test_a_stated_consent_is_left_to_the_loss_report(replaced: Mapped) -> None:
    """What CON says permits nothing: a Consent only comes of what the sender's dialect says."""
    assert not [c for c in replaced.changes if c.type == "Consent"]
    assert "CON-11.1" in {path for path, _ in replaced.loss.unmapped}


@pytest.mark.parametrize("event", [f"T{number:02}" for number in range(1, 12)])
def test_every_event_of_documents_is_known(event: str) -> None:
    result = mdm(event)
    assert "201" not in {issue.hl7_code for issue in result.issues}
    ended = event == "T11"
    made = document(result)
    assert (made.action is Action.CANCEL) is ended
    assert made.resource["status"] == ("entered-in-error" if ended else "current")


@pytest.mark.parametrize(
    ("event", "relation"), [("T06", "appends"), ("T08", "replaces"), ("T10", "replaces")]
)
def test_an_addendum_joins_and_a_replacement_supersedes(event: str, relation: str) -> None:
    first, second = mdm("T02", "D-1"), mdm(event, "D-2", "D-1")
    (stated,) = document(second).resource["relatesTo"]
    old = document(first)
    assert (stated["code"], stated["target"]["reference"]) == (
        relation,
        f"DocumentReference/{old.id}",
    )
    current = mappers.apply(None, old)
    for change in second.changes:
        if change.id == old.id:
            current = mappers.apply(current, change)
    assert current is not None
    assert current["status"] == ("superseded" if relation == "replaces" else "current")


def test_a_status_change_leaves_the_content_alone() -> None:
    first, later = document(mdm("T02")), document(mdm("T03", available="OB"))
    current = mappers.apply(mappers.apply(None, first), later)
    assert current is not None
    assert current["status"] == "superseded"
    stated = current["_status"]["extension"][0]["valueCodeableConcept"]
    assert stated["coding"][0]["code"] == "OB"
    assert current["content"] == first.resource["content"]
