"""Every ADT event says what it means: of visits, accounts, patients and beds."""

from __future__ import annotations

from typing import Any

import pytest

import mappers
from mappers.base import Action, Change, Context, Mapped
from mappers.dialect import Dialect
from mappers.hl7v2 import events

CONTEXT = Context(b"key", Dialect(), "https://haus.example/sid")
HEAD = "MSH|^~\\&|KIS|HAUS|GW|NETZ|20270111120000||ADT^{0}|1|P|2.5||||||UNICODE UTF-8"
PID = "PID|1||4711^^^HAUS^PI||Weiß^Änne||19480314|F"
PV1 = "PV1|1|I|3B^12^2|||1A^1^1|||||||||||||F-9^^^HAUS^VN"


def read(event: str, *lines: str) -> Mapped:
    data = "\r".join([HEAD.format(event), f"EVN|{event}|20270111115900", *lines]).encode()
    mapped = mappers.translate(data, "hl7v2", CONTEXT)
    assert mapped.refusal is None, mapped.refusal
    return mapped


def of(mapped: Mapped, kind: str) -> list[Change]:
    return [change for change in mapped.changes if change.type == kind]


def visit(event: str, *lines: str) -> Change:
    (found,) = of(read(event, *(lines or (PID, PV1))), "Encounter")
    return found


@pytest.mark.parametrize(
    ("event", "status", "action"),
    [
        ("A01", "in-progress", Action.MERGE),
        ("A05", "planned", Action.MERGE),
        ("A06", "in-progress", Action.MERGE),
        ("A14", "planned", Action.MERGE),
        ("A11", "cancelled", Action.CANCEL),
        ("A13", "in-progress", Action.CANCEL),
        ("A21", "onleave", Action.MERGE),
        ("A22", "in-progress", Action.MERGE),
        ("A23", "entered-in-error", Action.CANCEL),
        ("A27", "cancelled", Action.CANCEL),
        ("A38", "cancelled", Action.CANCEL),
        ("A52", "in-progress", Action.MERGE),
        ("A53", "onleave", Action.MERGE),
    ],
)
def test_an_event_says_what_becomes_of_the_visit(event: str, status: str, action: Action) -> None:
    found = visit(event)
    assert (found.resource["status"], found.action) == (status, action)
    assert "status" not in found.weak


@pytest.mark.parametrize("event", ["A08", "A15", "A16", "A25", "A26", "A54", "A61"])
def test_other_events_leave_the_status_alone(event: str) -> None:
    assert visit(event).weak == ("status",)


@pytest.mark.parametrize("event", sorted(events.ALL - events.PATIENTLESS))
def test_every_event_is_taken(event: str) -> None:
    mapped = read(event, PID, "MRG|9^^^HAUS^PI||K-1^^^HAUS||F-1^^^HAUS", PV1)
    assert of(mapped, "Patient")
    assert not [issue for issue in mapped.issues if issue.code == "not-supported"]


def places(change: Change) -> set[tuple[str, str]]:
    return {
        (str(entry["location"]["display"]), entry["status"])
        for entry in change.resource.get("location", ())
    }


def test_a_pending_transfer_reserves_a_place_and_its_cancel_does_not() -> None:
    pending = "PV1|1|I|3B||||||||||||||||F-9^^^HAUS" + "|" * 23 + "5C"
    assert ("5C", "reserved") in places(visit("A15", PID, pending))
    assert ("5C", "reserved") not in places(visit("A26", PID, pending))


def test_two_patients_swap_their_beds() -> None:
    second = ("PID|2||4712^^^HAUS^PI||Rot^Emil", "PV1|2|I|1A^1^1||||||||||||||||F-8^^^HAUS^VN")
    visits = of(read("A17", PID, PV1, *second), "Encounter")
    assert len({change.resource["subject"]["reference"] for change in visits}) == 2
    assert {("2", "active")} <= places(visits[0])
    assert {("1A", "active")} <= places(visits[1])


def test_the_state_of_a_bed_is_no_patients() -> None:
    _, _, bed = of(read("A20", "NPU|3B^12^2|K"), "Location")
    assert bed.resource["operationalStatus"]["code"] == "K"
    assert bed.resource["identifier"][0]["value"] == "3B/12/2"


def records(event: str) -> list[Change]:
    return of(read(event, PID, "PID|2||4712^^^HAUS^PI||Weiss^Aenne"), "Patient")


def test_linked_records_point_at_each_other_and_stay_two() -> None:
    one, other = records("A24")
    assert one.resource["link"] == [
        {"other": {"reference": f"Patient/{other.id}"}, "type": "seealso"}
    ]
    assert other.resource["link"][0]["other"]["reference"] == f"Patient/{one.id}"
    assert {one.action, other.action} == {Action.LINK}


def test_unlinking_takes_the_link_away() -> None:
    assert [change.cleared for change in records("A37")] == [("link",), ("link",)]


def test_a_deleted_person_is_no_longer_active() -> None:
    (patient,) = of(read("A29", PID), "Patient")
    assert patient.resource["active"] is False


@pytest.mark.parametrize("event", sorted(events.PATIENT_MERGES))
def test_a_patient_goes_on_as_another(event: str) -> None:
    survivor, gone = of(read(event, PID, "MRG|9^^^HAUS^PI"), "Patient")
    assert gone.action is Action.LINK
    assert gone.resource["link"][0]["type"] == "replaced-by"
    assert gone.resource["identifier"][0]["value"] == "9"
    assert survivor.resource["link"][0]["type"] == "replaces"


@pytest.mark.parametrize("event", ["A35", "A41", "A44", "A49"])
def test_an_account_goes_on_as_another_and_the_patient_stays(event: str) -> None:
    pid = f"{PID}||||||||||K-2^^^HAUS"
    mapped = read(event, pid, "MRG|4711^^^HAUS^PI||K-1^^^HAUS")
    accounts = {c.resource["identifier"][0]["value"]: c.resource for c in of(mapped, "Account")}
    assert accounts["K-1"]["status"] == "inactive"
    assert accounts["K-1"]["partOf"]["reference"] == f"Account/{accounts['K-2']['id']}"
    assert len(of(mapped, "Patient")) == 1


def by_number(mapped: Mapped) -> dict[str, dict[str, Any]]:
    return {c.resource["identifier"][0]["value"]: c.resource for c in of(mapped, "Encounter")}


def test_a_merged_visit_ends_in_the_other_one() -> None:
    visits = by_number(read("A42", PID, "MRG|4711^^^HAUS^PI||||F-1^^^HAUS^VN", PV1))
    (link,) = visits["F-1"]["extension"]
    assert visits["F-1"]["status"] == "entered-in-error"
    assert link["valueReference"]["reference"] == f"Encounter/{visits['F-9']['id']}"


def test_a_visit_with_a_new_number_answers_to_both() -> None:
    (change,) = of(read("A50", PID, "MRG|4711^^^HAUS^PI||||F-1^^^HAUS^VN", PV1), "Encounter")
    assert {key.value for key in change.keys} == {"F-9", "F-1"}
    old = [i for i in change.resource["identifier"] if i.get("use") == "old"]
    assert [i["value"] for i in old] == ["F-1"]


def test_moved_visits_belong_to_the_patient_they_moved_to() -> None:
    other = PV1.replace("F-9", "F-8")
    lines = [line for visit in (PV1, other) for line in ("MRG|9^^^HAUS||||F-9^^^HAUS", visit)]
    mapped = read("A45", PID, *lines)
    patient, former = of(mapped, "Patient")
    visits = of(mapped, "Encounter")
    assert {c.resource["subject"]["reference"] for c in visits} == {f"Patient/{patient.id}"}
    assert {c.action for c in visits if c.keys[0].value == "F-9"} == {Action.MOVE}
    assert former.resource["identifier"][0]["value"] == "9"
    assert "active" not in former.resource


def test_an_allergy_taken_back_was_entered_in_error() -> None:
    kept, gone = of(
        read(
            "A60",
            PID,
            "IAM|1|DA^Drug^HL70127|PEN^Penicillin|SV|Ausschlag^Rash~Fieber|A|A-1^HAUS||||2019",
            "IAM|2|FA|NUSS^Nüsse|||D|A-2^HAUS",
        ),
        "AllergyIntolerance",
    )
    assert kept.resource["reaction"][0]["severity"] == "severe"
    assert len(kept.resource["reaction"][0]["manifestation"]) == 2
    assert kept.resource["onsetDateTime"] == "2019"
    assert gone.action is Action.CANCEL
    assert gone.resource["verificationStatus"]["coding"][0]["code"] == "entered-in-error"
    assert "clinicalStatus" not in gone.resource


def test_what_a_patient_wants_known_is_kept_beside_his_house() -> None:
    mapped = read("A28", PID, "PD1|A|||||||Y^Ja^HL70316", "PD1|||Praxis Nord^^7")
    (patient,), (facts,) = of(mapped, "Patient"), of(mapped, "Observation")
    assert patient.resource["generalPractitioner"][0]["display"] == "Praxis Nord"
    names = {part["code"]["text"] for part in facts.resource["component"]}
    assert names == {"Living Dependency", "Organ Donor Code"}


def test_an_accident_is_told_field_by_field() -> None:
    mapped = read("A01", PID, PV1, "ACC|20270110|TRA^Verkehr|Kreuzung Nordstraße||Y|N")
    (accident,) = of(mapped, "Observation")
    told = {part["code"]["text"]: part for part in accident.resource["component"]}
    assert told["Accident Date/Time"]["valueDateTime"] == "2027-01-10"
    assert told["Accident Location"]["valueString"] == "Kreuzung Nordstraße"
    assert told["Accident Job Related Indicator"]["valueBoolean"] is True
    assert mapped.loss.unmapped == ()


def test_who_pays_stands_on_the_account() -> None:
    pid = f"{PID}||||||||||K-2^^^HAUS"
    mapped = read("A01", pid, PV1, "GT1|1||Weiß^Otto||Weg 1^^Ort^^01234|||||||||")
    (account,), (payer,) = of(mapped, "Account"), of(mapped, "RelatedPerson")
    assert account.resource["guarantor"] == [{"party": {"reference": f"RelatedPerson/{payer.id}"}}]


def test_a_restriction_is_a_flag_until_it_is_taken_back() -> None:
    (kept, gone) = of(
        read("A01", PID, PV1, "ARV|1|A|DEM|PAT|Nur Station|20270101^20271231", "ARV|2|D|LOC"),
        "Flag",
    )
    assert kept.resource["status"] == "active"
    assert kept.resource["period"]["start"] == "2027-01-01"
    assert kept.resource["code"]["text"] == "Nur Station"
    assert (gone.action, gone.resource["status"]) == (Action.CANCEL, "entered-in-error")


def test_a_role_says_where_and_since_when() -> None:
    rol = "ROL|1|AD|AT|77^Arzt^Ines|20270101|20270131|||||Weg 2^^Ort|^PRN^PH^^49^30^123|4B|Haus^^9"
    mapped = read("A01", PID, PV1, rol)
    (role,), (found,) = of(mapped, "PractitionerRole"), of(mapped, "Encounter")
    assert found.resource["participant"][0]["period"]["end"] == "2027-01-31"
    assert role.resource["organization"]["display"] == "Haus"
    assert role.resource["location"][0]["display"] == "4B"


def test_a_person_without_visit_loses_nothing_for_it() -> None:
    told = read("A31", PID, "PV1|1|N")
    assert of(told, "Encounter") == []
    assert told.loss.unmapped == ()
