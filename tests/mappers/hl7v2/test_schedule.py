"""SIU, SRM and SRR: appointments, what is booked for them, and time that is blocked."""

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
NOTE = "http://hl7.org/fhir/StructureDefinition/note"


def translated(data: bytes) -> Mapped:
    result = mappers.translate(data, "hl7v2", CONTEXT)
    assert result.refusal is None, result.refusal
    loss = result.loss
    assert loss.fields == loss.mapped + loss.ignored + len(loss.unmapped)
    for change in result.changes:
        assert [i for i in structure(change.resource) if i.severity == "error"] == []
    return result


def sample(name: str) -> Mapped:
    return translated((SAMPLES / name).read_bytes())


def siu(event: str, *segments: str, time: str = "20261102081500", kind: str = "SIU") -> Mapped:
    head = f"MSH|^~\\&|TB|HAUS|GW|NETZ|{time}+0100||{kind}^{event}|1|P|2.5.1||||||UNICODE UTF-8"
    return translated("\r".join([head, *segments]).encode())


def sch(status: str = "", reason: str = "", when: str = "^^^20261123090000^20261123093000") -> str:
    fields = ["SCH", "T-1", "F-1", "", "", "", reason, "", "", "", "", when]
    return "|".join([*fields, *[""] * 13, status])


PID = "PID|1||4711^^^HAUS||Weiß^Ä"


def change(result: Mapped, kind: str = "Appointment") -> Change:
    (found,) = [c for c in result.changes if c.type == kind]
    return found


def appointment(result: Mapped) -> dict[str, Any]:
    return change(result).resource


def participants(result: Mapped) -> list[tuple[str, str]]:
    return [(p["actor"]["display"], p["status"]) for p in appointment(result)["participant"][3:-1]]


def test_a_booked_appointment_says_when_where_with_whom_and_why() -> None:
    result = sample("siu_s12_lungenfunktion.hl7")
    made = appointment(result)
    assert result.loss.unmapped == ()
    assert (made["status"], made["minutesDuration"].__class__) == ("booked", int)
    assert made["start"] == "2026-11-23T09:00:00+01:00"
    assert made["end"] == "2026-11-23T09:45:00+01:00"
    assert [i["value"] for i in made["identifier"]] == ["T-9001", "F-22871"]
    assert made["reasonCode"][0]["coding"][0]["code"] == "185389009"
    assert [c["code"] for c in made["appointmentType"]["coding"]] == ["Normal"]
    assert made["comment"] == "Bitte nüchtern erscheinen.\nLetzten Arztbrief mitbringen."
    assert made["serviceType"][0]["coding"][0]["code"] == "LUFU"
    assert participants(result) == [
        ("Bodyplethysmograph 2", "accepted"),
        ("Raum 2", "accepted"),
        ("Dr. med. Ines Bergmann", "tentative"),
    ]


def test_resources_have_their_own_time_note_and_group() -> None:
    device, _, doctor, patient = appointment(sample("siu_s12_lungenfunktion.hl7"))["participant"][
        3:
    ]
    assert device["period"] == {
        "start": "2026-11-23T09:00:00+01:00",
        "end": "2026-11-23T09:30:00+01:00",
    }
    (note,) = device["extension"]
    assert (note["url"], note["valueAnnotation"]["text"]) == (
        NOTE,
        "Gerät bis 8:45 Uhr kalibrieren.",
    )
    assert doctor["period"] == {
        "start": "2026-11-23T09:30:00+01:00",
        "end": "2026-11-23T09:45:00+01:00",
    }
    assert {kind["coding"][0]["code"] for kind in doctor["type"]} == {"OBERARZT", "ARZT", "N"}
    assert patient["actor"]["reference"].startswith("Patient/")


def test_the_order_of_an_appointment_is_named_and_gets_its_service() -> None:
    result = sample("siu_s12_lungenfunktion.hl7")
    order = change(result, "ServiceRequest")
    assert {"status", "intent", "code"} <= set(order.weak)
    assert [i["value"] for i in order.resource["identifier"]] == ["AUF-100", "R-5512"]
    assert order.resource["code"]["coding"][0]["code"] == "LUFU"
    assert order.resource["orderDetail"][0]["coding"][0]["code"] == "GROSS"
    based = appointment(result)["basedOn"][0]
    assert based["reference"] == f"ServiceRequest/{order.id}"


def test_who_entered_it_and_why_stand_in_provenance() -> None:
    origin = sample("siu_s12_lungenfunktion.hl7").provenance
    assert origin is not None
    assert "Jana Albrecht" in [agent["who"].get("display") for agent in origin["agent"]]
    assert origin["reason"][0]["coding"][0]["code"] == "NEU"


@pytest.mark.parametrize(
    ("event", "stated", "expected"),
    [
        ("S12", "Booked", "booked"),
        ("S13", "", "booked"),
        ("S14", "Pending", "pending"),
        ("S14", "STARTED", "checked-in"),
        ("S15", "Cancelled", "cancelled"),
        ("S15", "Booked", "cancelled"),
        ("S16", "", "cancelled"),
        ("S17", "Deleted", "entered-in-error"),
        ("S18", "Overbook", "booked"),
        ("S26", "Noshow", "noshow"),
    ],
)
def test_status_is_what_is_stated_unless_the_event_ends_it(
    event: str, stated: str, expected: str
) -> None:
    made = appointment(siu(event, sch(stated), PID))
    assert made["status"] == expected


def test_a_cancelled_appointment_says_why_and_a_deleted_one_only_in_provenance() -> None:
    cancelled = siu("S15", sch("Cancelled", "KRANK^Arzt erkrankt^L"), PID)
    assert appointment(cancelled)["cancelationReason"]["coding"][0]["code"] == "KRANK"
    assert cancelled.provenance is not None
    assert "reason" not in cancelled.provenance
    deleted = siu("S17", sch("Deleted", "FALSCH^Falscher Patient^L"), PID)
    assert "cancelationReason" not in appointment(deleted)
    assert change(deleted).action is Action.CANCEL
    assert deleted.provenance is not None
    assert deleted.provenance["reason"][0]["coding"][0]["code"] == "FALSCH"


def test_older_news_of_an_appointment_never_overwrite_newer() -> None:
    booked = change(siu("S12", sch("Booked"), PID))
    later = sch("Booked", when="^^^20261125100000^20261125103000")
    moved = change(siu("S13", later, PID, time="20261103081500"))
    assert booked.id == moved.id
    for order in ((booked, moved), (moved, booked)):
        current: dict[str, Any] | None = None
        for one in order:
            current = mappers.apply(current, one)
        assert current is not None
        assert current["start"] == "2026-11-25T10:00:00+01:00"


def test_what_is_added_joins_and_what_is_booked_anew_replaces() -> None:
    room, doctor = "AIL|1|%s|AMB1^Raum 2", "AIP|1|%s|77^Bergmann^Ines"
    first = change(siu("S12", sch(), PID, "RGS|1", room % ""))
    added = change(siu("S18", sch(), PID, "RGS|1", doctor % "A", time="20261103"))
    current = mappers.apply(mappers.apply(None, first), added)
    assert current is not None
    shown = {p["actor"].get("display") for p in current["participant"]}
    assert shown >= {"Raum 2", "Ines Bergmann"}
    gone = change(siu("S20", sch(), PID, "RGS|1", doctor % "D", time="20261104"))
    current = mappers.apply(current, gone)
    assert current is not None
    status = {p["actor"].get("display"): p["status"] for p in current["participant"]}
    assert (status["Raum 2"], status["Ines Bergmann"]) == ("accepted", "declined")
    anew = change(siu("S13", sch(), PID, "RGS|1", doctor % "", time="20261105"))
    current = mappers.apply(current, anew)
    assert current is not None
    assert "Raum 2" not in {p["actor"].get("display") for p in current["participant"]}


def test_the_end_follows_from_the_length_and_what_is_unknown_says_so() -> None:
    length = "SCH|T-1|F-1|||||||1|h|^^^20261123090000"
    assert appointment(siu("S12", length, PID))["end"] == "2026-11-23T10:00:00+01:00"
    open_end = appointment(siu("S12", sch(when="^^^20261123090000"), PID))
    assert "end" not in open_end
    assert open_end["_end"]["extension"][0]["valueCode"] == "unknown"
    backwards = siu("S12", sch(when="^^^20261123090000^20261122090000"), PID)
    assert "end" not in appointment(backwards)
    assert "the appointment ends before it begins" in {i.text for i in backwards.issues}


def test_tq1_states_the_time_where_sch_11_is_out_of_use() -> None:
    made = appointment(siu("S12", sch(when=""), "TQ1|1||||||20261123090000|20261123093000|S", PID))
    assert (made["start"], made["end"]) == (
        "2026-11-23T09:00:00+01:00",
        "2026-11-23T09:30:00+01:00",
    )
    assert made["extension"][0]["valueCodeableConcept"]["coding"][0]["code"] == "S"


def test_several_patients_take_part_in_one_appointment() -> None:
    other = "PID|2||4712^^^HAUS||Schwarz^Bo"
    made = appointment(siu("S12", sch(), PID, other, "RGS|1", "AIL|1||AMB1^Raum 2"))
    patients = [p for p in made["participant"] if "Patient/" in p["actor"].get("reference", "")]
    assert len(patients) == 2
    assert len({p["actor"]["reference"] for p in patients}) == 2


def test_the_occurrences_of_a_series_are_appointments_of_their_own() -> None:
    first, second = (siu("S12", f"SCH|T-1|F-1|{n}||||||||^^^20261123", PID) for n in (1, 2))
    assert change(first).id != change(second).id
    assert appointment(second)["extension"][0]["valuePositiveInt"] == 2


def test_blocked_time_is_a_slot_of_a_schedule_and_no_patients_appointment() -> None:
    result = sample("siu_s23_sperrzeit.hl7")
    assert not [c for c in result.changes if c.type in ("Appointment", "Patient")]
    slot, schedule = change(result, "Slot"), change(result, "Schedule")
    assert (slot.subject, slot.resource["status"]) == ("", "busy-unavailable")
    assert slot.resource["schedule"]["reference"] == f"Schedule/{schedule.id}"
    assert slot.resource["comment"] == "Jährliche Wartung"
    assert slot.resource["end"] == "2026-11-24T12:00:00+01:00"
    shown = [actor["display"] for actor in schedule.resource["actor"]]
    assert shown == ["Bodyplethysmograph 2", "Raum 2"]
    opened = siu("S24", sch())
    assert change(opened, "Slot").resource["status"] == "free"


def test_a_wish_is_proposed_until_the_book_answers() -> None:
    wish, answer = sample("srm_s01_terminwunsch.hl7"), sample("srr_s01_antwort.hl7")
    asked = appointment(wish)
    assert asked["status"] == "proposed"
    assert asked["requestedPeriod"] == [{"start": "2026-11-16", "end": "2026-11-27"}]
    assert (asked["priority"], asked["minutesDuration"]) == (2, 60)
    assert asked["comment"].splitlines()[:2] == ["PREFSTART 0800", "PREFEND 1200"]
    assert change(wish).id == change(answer).id
    told = change(answer, "AppointmentResponse").resource
    assert (told["participantStatus"], told["comment"]) == ("accepted", "Termin zugesagt")
    assert told["actor"]["display"] == "Petra Sommer"
    assert told["end"] == "2026-11-23T10:00:00+01:00"


def test_every_appointment_of_a_message_is_complete() -> None:
    second = "SCH|T-2|F-2"
    found = [c.resource for c in siu("S12", "SCH|T-1|F-1", second, PID).changes]
    made = [one for one in found if one["resourceType"] == "Appointment"]
    assert [bool(one["participant"]) and "_start" in one for one in made] == [True, True]
    blocked = siu("S23", sch(), second).changes
    schedules = [c.resource for c in blocked if c.type == "Schedule"]
    assert [len(one["actor"]) for one in schedules] == [1, 1]


def test_convert_writes_the_appointment(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["convert", str(SAMPLES / "siu_s12_lungenfunktion.hl7")]) == 0
    bundle = json.loads(capsys.readouterr().out)
    kinds = {entry["resource"]["resourceType"] for entry in bundle["entry"]}
    assert {"Appointment", "Device", "ServiceRequest", "Patient", "Provenance"} <= kinds
