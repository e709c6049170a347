"""REF and RRI: what is asked, who refers, who is asked, and what the payer authorized."""

import json
from pathlib import Path
from typing import Any

import pytest

import mappers
from gateway.cli.app import run
from mappers.base import Change, Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import structure
from tests.mappers.hl7v2.write.builders import bundle, context, patient, told, write

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")


def translated(data: bytes) -> Mapped:
    result = mappers.translate(data, "hl7v2", CONTEXT)
    assert result.refusal is None, result.refusal
    for change in result.changes:
        assert [i for i in structure(change.resource) if i.severity == "error"] == []
    return result


def ref(event: str, *segments: str, code: str = "REF") -> Mapped:
    head = f"MSH|^~\\&|PVS|HAUS|GW|NETZ|20261105||{code}^{event}|1|P|2.6||||||UNICODE UTF-8"
    more = ["MSA|AA|1"] if code == "RRI" else []
    pid = "PID|1||4711^^^HAUS||Weiß^Ä"
    return translated("\r".join([head, *more, *segments, pid]).encode())


def of(result: Mapped, kind: str) -> list[Change]:
    return [c for c in result.changes if c.type == kind]


def one(result: Mapped, kind: str) -> dict[str, Any]:
    (found,) = of(result, kind)
    return found.resource


@pytest.fixture(scope="module")
def referred() -> Mapped:
    return translated((SAMPLES / "ref_i12_ueberweisung.hl7").read_bytes())


PRD = "PRD|RP|Krause^Mehmet|||||754236701^LANR"


def test_a_referral_says_what_is_asked_why_and_until_when(referred: Mapped) -> None:
    made = one(referred, "ServiceRequest")
    assert (made["status"], made["intent"], made["priority"]) == ("active", "order", "routine")
    assert [i["value"] for i in made["identifier"]] == ["UEB-77", "E-55"]
    assert made["code"]["coding"][0]["code"] == "LUFU"
    assert made["occurrencePeriod"] == {"start": "2026-11-02", "end": "2026-12-31"}
    assert made["reasonCode"][0]["coding"][0]["code"] == "J44.1"
    assert {c["coding"][0]["code"] for c in made["category"]} == {"MED", "A", "3457005"}
    assert "Kortison zuletzt nicht vertragen" in [note["text"] for note in made["note"]]


def test_who_refers_and_who_is_asked_are_named_with_their_houses(referred: Mapped) -> None:
    made = one(referred, "ServiceRequest")
    assert made["requester"]["display"] == "Dr. med. Mehmet Krause"
    assert [who["display"] for who in made["performer"]] == ["Dr. med. Ines Bergmann"]
    roles = {c.id: c.resource for c in of(referred, "PractitionerRole")}
    role = roles[made["requester"]["reference"].partition("/")[2]]
    assert role["organization"]["display"] == "Praxis Dr. Krause"
    assert role["code"][0]["coding"][0]["code"] == "RP"
    assert role["period"] == {"start": "2020-01-01"}
    practices = [c.resource.get("name") for c in of(referred, "Organization")]
    assert {"Praxis Dr. Krause", "Klinikum Auental"} <= set(practices)


def test_how_a_provider_is_reached_and_best_is_kept(referred: Mapped) -> None:
    people = {c.resource["name"][0]["family"]: c.resource for c in of(referred, "Practitioner")}
    points = {p["system"]: p for p in people["Krause"]["telecom"]}
    assert points["email"]["rank"] == 1
    assert "rank" not in points["phone"]
    assert people["Krause"]["address"][0]["city"] == "Auental"
    assert people["Krause"]["identifier"][0]["period"] == {"end": "2030-12-31"}
    who = one(referred, "Patient")["generalPractitioner"][0]
    assert who["display"] == "Dr. med. Mehmet Krause"


def test_a_contact_works_where_the_provider_before_it_does(referred: Mapped) -> None:
    roles = [c.resource for c in of(referred, "PractitionerRole")]
    (contact,) = [r for r in roles if r["practitioner"]["display"] == "Selin Yilmaz"]
    assert contact["organization"]["display"] == "Praxis Dr. Krause"


def test_an_authorization_is_a_claim_response_the_referral_names(referred: Mapped) -> None:
    granted = one(referred, "ClaimResponse")
    assert (granted["use"], granted["preAuthRef"]) == ("preauthorization", "G-4411")
    assert granted["preAuthPeriod"] == {"start": "2026-11-02", "end": "2027-03-31"}
    assert granted["insurer"]["display"] == "AOK Nord"
    paid = {
        who["reference"].partition("/")[0] for who in one(referred, "ServiceRequest")["insurance"]
    }
    assert paid == {"ClaimResponse", "Coverage"}
    said = [c.resource for c in of(referred, "Observation")]
    (number,) = [
        part["valueQuantity"]["value"]
        for made in said
        for part in made.get("component", ())
        if part["code"]["text"] == "Authorized Number of Treatments"
    ]
    assert int(number) == 6


@pytest.mark.parametrize(
    ("event", "stated", "expected"),
    [
        ("I12", "P", "active"),
        ("I13", "A", "active"),
        ("I13", "R", "revoked"),
        ("I14", "P", "revoked"),
    ],
)
def test_status_is_what_is_stated_unless_it_is_taken_back(
    event: str, stated: str, expected: str
) -> None:
    result = ref(event, f"RF1|{stated}|||||U-1", PRD)
    assert one(result, "ServiceRequest")["status"] == expected


def test_an_answer_is_a_task_about_the_referral() -> None:
    asked = ref("I12", "RF1|P|||||U-1", PRD)
    told = ref("I12", "RF1|R|||||U-1||||VOLL^Keine Kapazität^L", PRD, code="RRI")
    order = of(told, "ServiceRequest")[0]
    assert order.id == of(asked, "ServiceRequest")[0].id
    task = one(told, "Task")
    assert (task["status"], task["intent"]) == ("rejected", "order")
    assert task["focus"] == {"reference": f"ServiceRequest/{order.id}"}
    assert task["statusReason"]["coding"][0]["code"] == "VOLL"


def test_an_order_that_comes_with_it_stays_an_order_of_its_own() -> None:
    head = "MSH|^~\\&|PVS|HAUS|GW|NETZ|20261105||REF^I12|1|P|2.6||||||UNICODE UTF-8"
    pid = "PID|1||4711^^^HAUS||Weiß^Ä"
    more = ["RF1|P|||||U-1", PRD, pid, "OBR|1|A-9||CRP^CRP^L"]
    found = of(translated("\r".join([head, *more]).encode()), "ServiceRequest")
    assert sorted(c.resource["identifier"][0]["value"] for c in found) == ["A-9", "U-1"]


def test_a_referral_we_write_reads_back_the_same() -> None:
    """What RF1, PRD and OBR carry comes back in one ServiceRequest."""
    asked = {
        "resourceType": "ServiceRequest",
        "id": "s1",
        "status": "active",
        "intent": "order",
        "priority": "routine",
        "identifier": [{"system": "https://region.example/sid/haus/order", "value": "R-1"}],
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "3457005"}]},
        "subject": {"reference": "Patient/p1"},
        "authoredOn": "2026-11-21T09:00:00+01:00",
        "occurrencePeriod": {"start": "2026-11-23", "end": "2026-12-31"},
        "reasonCode": [{"text": "Pflegegrad 2"}],
        "requester": {"reference": "Practitioner/dr"},
    }
    doctor = {
        "resourceType": "Practitioner",
        "id": "dr",
        "identifier": [{"system": "https://region.example/sid/haus/practitioner", "value": "1"}],
        "name": [{"family": "Bergmann", "given": ["Ines"]}],
    }
    written = write(bundle(patient(), asked, doctor))
    assert written.message_type == "REF^I12"
    read = mappers.translate(written.data, "hl7v2", context())
    made = one(read, "ServiceRequest")
    for element in ("status", "intent", "priority", "authoredOn", "occurrencePeriod", "reasonCode"):
        assert made[element] == asked[element], element
    assert made["code"]["coding"][0]["code"] == "3457005"
    assert made["requester"]["display"] == "Ines Bergmann"


def test_a_referral_that_was_read_is_written_as_one() -> None:
    data = (SAMPLES / "ref_i12_ueberweisung.hl7").read_bytes()
    first = mappers.translate(data, "hl7v2", context())
    written = write(told(first))
    assert written.message_type == "REF^I12"
    again = mappers.translate(written.data, "hl7v2", context())
    assert of(again, "ServiceRequest")[0].id == of(first, "ServiceRequest")[0].id


def test_convert_writes_the_referral(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(SAMPLES / "ref_i12_ueberweisung.hl7")]) == 0
    kinds = {e["resource"]["resourceType"] for e in json.loads(capsys.readouterr().out)["entry"]}
    assert {"ServiceRequest", "ClaimResponse", "PractitionerRole", "Organization"} <= kinds
