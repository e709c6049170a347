"""Orders become requests with their specimens, times, people and images; answers change them."""

import json
from pathlib import Path
from typing import Any

import pytest

import mappers
from gateway.cli.app import run
from mappers.base import Context, Mapped
from mappers.dialect import Dialect
from profiles.validate import structure

SAMPLES = Path(__file__).parents[2] / "samples" / "hl7v2"
CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
FILES = (
    "oml_o21_auftrag",
    "orm_o01_storno",
    "omi_o23_ct",
    "oul_r22_proben",
    "oru_r01_mikrobiologie",
)


def translated(data: bytes) -> Mapped:
    result = mappers.translate(data, "hl7v2", CONTEXT)
    assert result.refusal is None
    return result


def sample(name: str) -> Mapped:
    return translated((SAMPLES / f"{name}.hl7").read_bytes())


def message(*segments: str, kind: str = "ORM^O01") -> Mapped:
    head = f"MSH|^~\\&|KIS|HAUS|GW|NETZ|20270113||{kind}|1|P|2.5||||||UNICODE UTF-8"
    return translated("\r".join([head, "PID|1||1^^^HAUS||Weiß^Ä", *segments]).encode())


def of(result: Mapped, kind: str) -> list[dict[str, Any]]:
    return [change.resource for change in result.changes if change.type == kind]


def request(*segments: str, kind: str = "ORM^O01") -> dict[str, Any]:
    (found,) = of(message(*segments, kind=kind), "ServiceRequest")
    return found


@pytest.mark.parametrize("name", FILES)
def test_every_leaf_is_kept_and_every_resource_is_valid(name: str) -> None:
    result = sample(name)
    assert result.loss.unmapped == ()
    for change in result.changes:
        wrong = [i for i in structure(change.resource) if i.severity in ("error", "fatal")]
        assert wrong == []


@pytest.mark.parametrize("name", FILES)
def test_orders_can_be_converted_on_the_command_line(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["convert", str(SAMPLES / f"{name}.hl7")]) == 0
    bundle = json.loads(capsys.readouterr().out)
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert {"Patient", "ServiceRequest"} <= kinds


def test_a_laboratory_order_says_what_when_why_and_of_what() -> None:
    result = sample("oml_o21_auftrag")
    (order,) = of(result, "ServiceRequest")
    (specimen,) = of(result, "Specimen")
    (weight,) = (o for o in of(result, "Observation") if "valueQuantity" in o)
    timing = order["occurrenceTiming"]["repeat"]
    assert (order["status"], order["intent"], order["priority"]) == ("active", "order", "stat")
    assert timing["timeOfDay"] == ["06:00:00", "12:00:00"]
    assert timing["boundsPeriod"]["end"] == "2027-01-14"
    assert order["reasonCode"][0]["coding"][0]["display"] == "Verdacht auf Herzinfarkt"
    assert order["specimen"] == [{"reference": f"Specimen/{specimen['id']}"}]
    assert order["supportingInfo"] == [{"reference": f"Observation/{weight['id']}"}]
    assert specimen["container"][0]["identifier"][0]["value"] == "88001234-1"
    assert {note["text"] for note in order["note"]} == {
        "Bitte Ergebnis telefonisch durchgeben.",
        "Vor Heparingabe abnehmen",
    }


def test_whoever_asks_in_a_house_is_a_role_there() -> None:
    result = sample("oml_o21_auftrag")
    (order,) = of(result, "ServiceRequest")
    identity = order["requester"]["reference"].partition("/")[2]
    (role,) = (r for r in of(result, "PractitionerRole") if r["id"] == identity)
    assert role["practitioner"]["display"] == "Dr. med. Ärmgard Übel"
    assert role["organization"]["display"] == "Innere Medizin 2"


def test_who_entered_an_order_stands_in_its_provenance() -> None:
    result = sample("orm_o01_storno")
    (order,) = of(result, "ServiceRequest")
    (event,) = (p for p in of(result, "Provenance") if "activity" in p)
    agents = {a["type"]["coding"][0]["code"]: a["who"]["display"] for a in event["agent"]}
    assert event["target"] == [{"reference": f"ServiceRequest/{order['id']}"}]
    assert event["activity"]["coding"][0]["code"] == "CANCEL"
    assert agents == {"enterer": "Uta Nägele", "author": "Dr. med. Ärmgard Übel"}


def test_messages_about_one_order_mean_one_request() -> None:
    ids = {
        request["id"]
        for name in ("oml_o21_auftrag", "orm_o01_storno", "oul_r22_proben")
        for request in of(sample(name), "ServiceRequest")
        if request["identifier"][0]["value"] == "A27-5001"
    }
    assert len(ids) == 1


def test_an_imaging_order_names_its_study() -> None:
    (study,) = of(sample("omi_o23_ct"), "ImagingStudy")
    assert study["identifier"][0] == {
        "system": "urn:dicom:uid",
        "value": "urn:oid:1.2.276.0.7230010.3.1.2.27.12",
    }
    assert [coding["code"] for coding in study["modality"]] == ["CT"]


@pytest.mark.parametrize(
    ("control", "status"),
    [
        ("NW", "active"),
        ("CA", "revoked"),
        ("OC", "revoked"),
        ("CR", "revoked"),
        ("DC", "revoked"),
        ("HD", "on-hold"),
        ("OH", "on-hold"),
        ("RL", "active"),
        ("UA", "revoked"),
        ("SC", "unknown"),
    ],
)
def test_order_control_says_the_status_where_no_status_is_stated(control: str, status: str) -> None:
    assert request(f"ORC|{control}|1^KIS", "OBR|1|1^KIS||BB")["status"] == status


def test_a_stated_status_counts_more_than_the_control_code() -> None:
    assert request("ORC|SC|1^KIS|||IP", "OBR|1|1^KIS||BB")["status"] == "active"
    assert request("ORC|SC|1^KIS|||CM", "OBR|1|1^KIS||BB")["status"] == "completed"


def test_a_number_assigned_later_changes_no_status() -> None:
    result = message("ORC|NA|1^KIS|9^LIS", "OBR|1|1^KIS|9^LIS|BB")
    (change,) = (c for c in result.changes if c.type == "ServiceRequest")
    assert "status" in change.weak
    assert [i["value"] for i in change.resource["identifier"]] == ["1", "9"]


def test_a_replacement_names_the_order_it_replaces() -> None:
    result = message("ORC|RP|1^KIS", "OBR|1|1^KIS||BB", "ORC|RO|2^KIS", "OBR|2|2^KIS||GBB")
    old, new = of(result, "ServiceRequest")
    assert new["replaces"] == [{"reference": f"ServiceRequest/{old['id']}"}]
    assert "replaces" not in old


def test_the_time_of_a_later_event_is_not_when_the_order_was_made() -> None:
    def weak(control: str) -> bool:
        result = message(f"ORC|{control}|1^KIS|||||||20270113", "OBR|1|1^KIS||BB")
        (change,) = (c for c in result.changes if c.type == "ServiceRequest")
        return "authoredOn" in change.weak

    assert [weak(control) for control in ("SC", "CA", "NW")] == [True, True, False]


def test_groups_parents_and_other_numbers_are_kept_apart() -> None:
    order = request(
        "ORC|NW|1^KIS||G7^KIS||||P1&KIS^P2&LIS" + "|" * 25 + "X9^^^KIS",
        "OBR|1|1^KIS||BB|||||||G",
    )
    assert order["intent"] == "reflex-order"
    assert order["requisition"]["value"] == "G7"
    assert [parent["identifier"]["value"] for parent in order["basedOn"]] == ["P1", "P2"]
    assert [number["value"] for number in order["identifier"]] == ["1", "X9"]


def test_confidentiality_becomes_a_label() -> None:
    order = request("ORC|NW|1^KIS" + "|" * 26 + "R", "OBR|1|1^KIS||BB")
    assert order["meta"]["security"] == [
        {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}
    ]


def test_a_participant_of_the_order_is_none_of_the_visit() -> None:
    result = message(
        "PV1|1|I",
        "ORC|NW|1^KIS",
        "PRT||AD||OP^Anforderer^HL70912|77^Nägele^Uta",
        "OBR|1|1^KIS||BB",
        "PRT||AD||SB^Absender^HL70912||||||GER-1^^AB12^L",
    )
    (order,) = of(result, "ServiceRequest")
    (visit,) = of(result, "Encounter")
    assert order["requester"]["display"] == "Uta Nägele"
    assert "participant" not in visit
    assert any(d["identifier"][0]["value"] == "GER-1" for d in of(result, "Device"))


def test_an_answer_changes_the_order_it_names() -> None:
    result = message("MSA|AA|1", "ORC|OK|1^KIS|9^LIS", kind="ORG^O20")
    (order,) = of(result, "ServiceRequest")
    assert order["status"] == "active"


def test_earlier_results_that_come_with_an_order_are_results() -> None:
    result = message(
        "ORC|NW|1^KIS",
        "OBR|1|1^KIS||BB",
        "ORC|PR|0^KIS|8^LIS",
        "OBR|2|0^KIS|8^LIS|BB||||||||||||||||||||||F",
        "OBX|1|NM|718-7^Hb^LN||14|g/dl|||||F",
        kind="OML^O21",
    )
    (report,) = of(result, "DiagnosticReport")
    (found,) = of(result, "Observation")
    assert report["result"] == [{"reference": f"Observation/{found['id']}"}]


def test_copies_of_a_result_are_a_request_to_send_them() -> None:
    result = message("ORC|NW|1^KIS", "OBR|1|1^KIS||BB" + "|" * 24 + "77^Nägele^Uta~78^Groß^Jörg")
    (order,) = of(result, "ServiceRequest")
    (copies,) = of(result, "CommunicationRequest")
    assert copies["basedOn"] == [{"reference": f"ServiceRequest/{order['id']}"}]
    assert [one["display"] for one in copies["recipient"]] == ["Uta Nägele", "Jörg Groß"]


def test_the_preferred_way_of_contact_is_marked() -> None:
    result = message(
        "ORC|NW|1^KIS",
        "OBR|1|1^KIS||BB",
        "PRT||AD||OP|77^Nägele^Uta||||||||||^WPN^PH^^^07071^1~^NET^Internet^u@haus.example"
        + "|" * 8
        + "E",
    )
    (role,) = of(result, "PractitionerRole")
    marked = [point["value"] for point in role["telecom"] if "preferred" in str(point)]
    assert marked == ["u@haus.example"]


def test_the_time_of_a_laboratory_order_is_that_of_its_specimen() -> None:
    data = (
        "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270110||OML^O21|1|P|2.5\rPID|1||4711^^^HAUS||Weiß^A\r"
        "ORC|NW|1^KIS\rOBR|1|1^KIS||BB^Blutbild^L|||20270110080000\r"
    )
    (mapped,) = mappers.convert(data.encode(), format="hl7v2")
    (specimen,) = [c.resource for c in mapped.changes if c.type == "Specimen"]
    assert specimen["collection"]["collectedDateTime"] == "2027-01-10T08:00:00+01:00"
    assert mapped.loss.unmapped == ()
