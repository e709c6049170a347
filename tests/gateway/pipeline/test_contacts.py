"""The levels of a stay: ward and department contacts end right, whatever the order of messages."""

from __future__ import annotations

import itertools

import orjson
import pytest

from gateway.domain.message import MessageState

EBENE = "http://fhir.de/CodeSystem/Kontaktebene"
HEAD = "MSH|^~\\&|KIS|KLINIKUM|GW|REGION|202603{day:02}080000+0100||ADT^{event}|{event}-{day}|P|2.5"
PID = "PID|1||P1^^^KLINIKUM^PI||Muster^Anna^^^^^L||19800101|F"


def adt(event, day, *, place="ST1", department="0100", zbe="", former="", end=""):
    """An ADT message of one stay; `zbe` is "number|start day|end|action|historic|origin"."""
    fields = {2: "I", 3: place, 6: former, 10: department, 19: "V1^^^KLINIKUM^VN", 45: end}
    lines = [
        HEAD.format(day=day, event=event),
        f"EVN|{event}|202603{day:02}080000+0100",
        PID,
        "PV1|" + "|".join(fields.get(n, "") for n in range(1, 46)),
    ]
    if zbe:
        number, start, ended, action, historic, origin = zbe.split("|")
        at = f"202603{start}0700+0100"
        until = f"202603{ended}0700+0100" if ended else ""
        lines.append(f"ZBE|{number}^KIS|{at}|{until}|{action}|{historic}|{origin}|Station")
    return ("\r".join(lines) + "\r").encode()


ADMITTED = adt("A01", 1, zbe="B1|01||INSERT|N|")
MOVED = adt("A02", 3, place="ST2", former="ST1", zbe="B2|03||INSERT|N|")
MOVED_ON = adt("A02", 5, place="ST3", former="ST2", department="1500", zbe="B3|05||INSERT|N|")
TAKEN_BACK = adt("A12", 6, place="ST2", former="ST3", department="0100", zbe="B3|05||CANCEL|N|A02")
DISCHARGED = adt("A03", 9, place="ST2", zbe="B4|09||INSERT|N|", end="202603090700+0100")


def levels(world):
    """(level, last part of its name) → (status, first day, last day) of every contact."""
    rows = world.query("SELECT resource FROM resource WHERE type = 'Encounter'")
    bodies = world.do(lambda tx: tx.current_by_number([row[0] for row in rows]))
    found = {}
    ids = {}
    for current in bodies.values():
        body = orjson.loads(current.body)
        kinds = [c for kind in body["type"] for c in kind["coding"]]
        level = next(c["code"] for c in kinds if c["system"] == EBENE)
        named = body["identifier"][0]["value"] if "identifier" in body else ""
        named = named or body["serviceType"]["coding"][0]["code"]
        period = body.get("period", {})
        days = [period.get(side, "")[8:10] for side in ("start", "end")]
        found[level[:3], named] = (body["status"], *days)
        ids[body["id"]] = body
    for body in ids.values():
        above = body.get("partOf", {}).get("reference", "").removeprefix("Encounter/")
        assert above in ids or not above
    return found


def test_a_german_stay_ends_in_the_right_picture(world):
    for data in (ADMITTED, MOVED, MOVED_ON, TAKEN_BACK, DISCHARGED):
        world.record(data)
    found = levels(world)
    assert found["ver", "B1"] == ("finished", "01", "03")
    assert found["ver", "B2"] == ("finished", "03", "09")
    assert found["ver", "B3"][0] == "cancelled"
    assert found["abt", "0100"] == ("finished", "01", "09")
    assert found["abt", "1500"][0] == "cancelled"
    assert found["ein", "V1"][0] == "finished"
    assert len(found) == 6


def test_every_order_of_arrival_ends_in_the_same_picture(store, keys, clock, build):
    """Late messages bring nothing back: all orders of four messages, one stay for each."""
    pictures = set()
    for number, order in enumerate(itertools.permutations((ADMITTED, MOVED, MOVED_ON, DISCHARGED))):
        world = build.World(store, keys, clock, build.region())
        ours = [data.replace(b"P1^", b"P%d^" % (100 + number)) for data in order]
        ours = [data.replace(b"V1^", b"V%d^" % (100 + number)) for data in ours]
        for own in (b"B1^", b"B2^", b"B3^", b"B4^"):
            ours = [data.replace(own, own[:2] + b"-%d^" % (100 + number)) for data in ours]
        world.record(*ours)
        found = {
            (level, name.partition("-")[0].strip("1234567890") or name): value
            for (level, name), value in levels(world).items()
            if level == "ver" and name.endswith(f"-{100 + number}")
        }
        names = {
            name.partition("-")[0]: value
            for (level, name), value in levels(world).items()
            if level == "ver" and name.endswith(f"-{100 + number}")
        }
        assert found
        pictures.add(tuple(sorted(names.items())))
    assert pictures == {
        (
            ("B1", ("finished", "01", "03")),
            ("B2", ("finished", "03", "05")),
            ("B3", ("finished", "05", "09")),
        )
    }


def test_a_movement_told_late_ends_the_one_before_it(world):
    world.record(ADMITTED)
    world.record(MOVED_ON)
    assert levels(world)["ver", "B1"] == ("finished", "01", "05")
    world.record(MOVED.replace(b"|N|", b"|Y|"))
    found = levels(world)
    assert found["ver", "B1"] == ("finished", "01", "03")
    assert found["ver", "B2"] == ("finished", "03", "05")
    assert found["ver", "B3"] == ("in-progress", "05", "")
    assert found["abt", "0100"] == ("finished", "01", "05")
    assert found["abt", "1500"] == ("in-progress", "05", "")


def test_a_corrected_time_moves_both_ends(world):
    for data in (ADMITTED, MOVED):
        world.record(data)
    world.record(adt("A08", 7, place="ST2", zbe="B2|04||UPDATE|N|A02"))
    found = levels(world)
    assert found["ver", "B1"] == ("finished", "01", "04")
    assert found["ver", "B2"] == ("in-progress", "04", "")


def test_a_cancelled_admission_withdraws_every_level(world):
    world.record(ADMITTED)
    world.record(adt("A11", 2, zbe="B1|01||CANCEL|N|A01"))
    assert {status for status, _, _ in levels(world).values()} == {"cancelled"}


def test_a_movement_deleted_was_entered_in_error(world):
    for data in (ADMITTED, MOVED):
        world.record(data)
    world.record(adt("A12", 4, zbe="B2|03||DELETE|N|A02"))
    found = levels(world)
    assert found["ver", "B2"][0] == "entered-in-error"
    assert found["ver", "B1"] == ("in-progress", "01", "")


def test_a_cancelled_discharge_goes_on_where_the_patient_was(world):
    for data in (ADMITTED, MOVED, DISCHARGED):
        world.record(data)
    world.record(adt("A13", 10, place="ST2", zbe="B4|09||CANCEL|N|A03"))
    found = levels(world)
    assert found["ver", "B2"] == ("in-progress", "03", "")
    assert found["abt", "0100"] == ("in-progress", "01", "")
    assert ("ver", "B4") not in found


def test_a_repeated_message_makes_no_new_version(world):
    for data in (ADMITTED, MOVED):
        world.record(data)
    before = world.query("SELECT id, version FROM resource WHERE type = 'Encounter' ORDER BY id")
    for data in (ADMITTED, MOVED):
        world.record(data.replace(b"|P|2.5", b"-2|P|2.5"))
    after = world.query("SELECT id, version FROM resource WHERE type = 'Encounter' ORDER BY id")
    assert before == after
    state = str(MessageState.QUARANTINED)
    assert world.query("SELECT count(*) FROM message WHERE state = ?", state) == [(0,)]


@pytest.mark.parametrize("together", [True, False])
def test_without_movements_one_contact_keeps_where_the_patient_was(world, together):
    messages = [
        adt("A01", 1),
        adt("A02", 3, place="ST2", former="ST1"),
        adt("A03", 9, place="ST2", end="202603090700+0100"),
    ]
    if together:
        world.record(*messages)
    else:
        for data in messages:
            world.record(data)
    assert set(levels(world)) == {("ein", "V1")}


BACK = adt("A02", 7, place="ST1", former="ST3", department="0100", zbe="B5|07||INSERT|N|")
ON_FROM_THERE = adt("A02", 8, place="ST2", former="ST1", department="0100", zbe="B6|08||INSERT|N|")


def departments(world):
    """Department, status, first and last day of each of its contacts, and its movements."""
    rows = world.query("SELECT resource FROM resource WHERE type = 'Encounter'")
    bodies = world.do(lambda tx: tx.current_by_number([row[0] for row in rows]))
    contacts = [orjson.loads(current.body) for current in bodies.values()]
    found = []
    for one in contacts:
        if "serviceType" not in one or "location" in one:
            continue
        held = {"reference": f"Encounter/{one['id']}"}
        wards = [w["identifier"][0]["value"] for w in contacts if w.get("partOf") == held]
        days = [one.get("period", {}).get(side, "")[8:10] for side in ("start", "end")]
        code = one["serviceType"]["coding"][0]["code"]
        found.append((code, one["status"], *days, "".join(sorted(wards))))
    return sorted(found)


@pytest.mark.parametrize("order", [(0, 1, 2, 3, 4), (0, 3, 4, 2, 1), (4, 3, 2, 1, 0)])
def test_a_department_the_patient_comes_back_to_begins_anew(world, order):
    messages = (ADMITTED, MOVED, MOVED_ON, BACK, ON_FROM_THERE)
    for position in order:
        world.record(messages[position])
    assert departments(world) == [
        ("0100", "finished", "01", "05", "B1B2"),
        ("0100", "in-progress", "07", "", "B5B6"),
        ("1500", "finished", "05", "07", "B3"),
    ]
    # What is said once more of the second contact leaves it where it is.
    world.record(BACK.replace(b"A02-7|P", b"A02-7-again|P"))
    assert ("0100", "in-progress", "07", "", "B5B6") in departments(world)


def test_a_return_whose_leaving_is_taken_back_never_was_one(world):
    for data in (ADMITTED, MOVED_ON, BACK):
        world.record(data)
    world.record(
        adt("A12", 9, place="ST1", former="ST3", department="0100", zbe="B3|05||CANCEL|N|A02")
    )
    assert departments(world) == [
        ("0100", "entered-in-error", "07", "", ""),
        ("0100", "in-progress", "01", "", "B1B5"),
        ("1500", "cancelled", "05", "07", "B3"),
    ]
