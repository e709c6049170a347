"""Records that are linked, merged, renumbered, moved and deleted, through the whole pipeline."""

from __future__ import annotations

import orjson
import pytest

from gateway.pipeline.claim import claim
from gateway.pipeline.ports import Settled

LATER = "2026030{}080000+0100"


def event(build, kind, patient, *extra, day=5, visit="", control="", **fields):
    return build.message(
        event=kind,
        control=control or f"{kind}-{patient}-{day}",
        patient=patient,
        visit=visit,
        time=LATER.format(day),
        extra=extra,
        **fields,
    )


def mrg(patient, visit="", account=""):
    house = "^^^KLINIKUM^"
    fields = [f"{patient}{house}PI", "", f"{account}{house}AN" if account else "", ""]
    fields += [f"{visit}{house}VN" if visit else ""]
    return "MRG|" + "|".join(fields)


def stored(world, kind):
    """Present resources of a type with the local number of their Patient."""
    rows = world.query("SELECT resource, patient FROM resource WHERE type = ?", kind)
    bodies = world.do(lambda tx: tx.current_by_number([row[0] for row in rows]))
    names = world.patients()
    return [(names.get(patient), orjson.loads(bodies[number].body)) for number, patient in rows]


def subject_of(world, resource):
    ids = {
        row[0]: row[1]
        for row in world.query("SELECT id, resource FROM resource WHERE type = 'Patient'")
    }
    return world.patients()[ids[resource["subject"]["reference"].removeprefix("Patient/")]]


def patient(world, name):
    return next(body for number, body in stored(world, "Patient") if number == name)


def states(world):
    return [row[0] for row in world.query("SELECT state FROM message ORDER BY message")]


def test_an_update_of_a_merged_record_does_not_undo_the_merge(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    world.record(event(build, "A40", "P1", mrg("P2")))
    world.record(event(build, "A08", "P2", visit="V2", day=6, name="Muster^Anna Maria"))
    assert world.persons() == {("P1", "P2")}
    gone = patient(world, "P2")
    assert gone["active"] is False
    assert [link["type"] for link in gone["link"]] == ["replaced-by"]
    assert gone["name"][0]["given"] == ["Anna Maria"]


def test_a_merge_is_taken_back_by_unlinking_and_can_be_stated_again(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    world.record(event(build, "A40", "P1", mrg("P2")))
    second = "PID|2||P2^^^KLINIKUM^PI||Muster^Anna^^^^^L||19800101|F"
    world.record(event(build, "A37", "P1", second, day=6))
    assert world.persons() == set()
    gone = patient(world, "P2")
    assert (gone["active"], gone.get("link")) == (True, None)
    world.record(event(build, "A40", "P1", mrg("P2"), day=7))
    assert world.persons() == {("P1", "P2")}
    kinds = [row[0] for row in world.query("SELECT kind FROM link_event ORDER BY event")]
    assert kinds == ["merged", "unmerged", "merged"]


def test_linked_records_are_one_person_and_both_stay_in_use(world, build):
    world.record(build.message(control="M1", patient="P1"))
    second = "PID|2||P2^^^KLINIKUM^PI||Muster^Anna^^^^^L||19800101|F"
    world.record(event(build, "A24", "P1", second))
    assert world.persons() == {("P1", "P2")}
    assert patient(world, "P2").get("active") is not False
    world.record(event(build, "A37", "P1", second, day=6))
    assert world.persons() == set()


def test_a_number_moved_to_another_patient_leaves_the_first(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    world.record(event(build, "A40", "P1", mrg("P3")))
    assert world.persons() == {("P1", "P3")}
    world.record(event(build, "A43", "P2", mrg("P3"), day=6))
    assert world.persons() == {("P2", "P3")}


def test_a_changed_number_of_a_patient_names_the_same_person(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(event(build, "A47", "P1-NEU", mrg("P1")))
    assert world.persons() == {("P1", "P1-NEU")}


def test_a_visit_under_a_new_number_answers_to_both(world, build):
    world.record(build.message(control="M1", patient="P1", visit="V1"))
    world.record(event(build, "A50", "P1", mrg("P1", "V1"), visit="V9"))
    world.record(event(build, "A08", "P1", visit="V1", day=6))
    ((_, visit),) = stored(world, "Encounter")
    assert {number["value"] for number in visit["identifier"]} == {"V1", "V9"}


def test_a_moved_visit_takes_all_that_belongs_to_it_along(world, build):
    diagnosis = "DG1|1||J44.1^COPD^I10G2026||20260301|F"
    world.record(build.message(control="M1", patient="P1", extra=[diagnosis]))
    world.record(build.message(control="M2", patient="P2", visit="V2", extra=[diagnosis]))
    world.record(event(build, "A45", "P2", mrg("P1", "V1"), visit="V1"))
    assert set(states(world)) <= {"routed", "unrouted"}
    for kind in ("Encounter", "Condition"):
        found = stored(world, kind)
        assert [owner for owner, _ in found] == ["P2", "P2"], kind
        assert [subject_of(world, body) for _, body in found] == ["P2", "P2"], kind
    # Body and data key go together: erasing P1 leaves what is P2's readable.
    keys = "SELECT count(DISTINCT subject) FROM resource WHERE type IN ('Encounter', 'Condition')"
    assert world.query(keys) == [(1,)]
    assert patient(world, "P1")["identifier"][0]["value"] == "P1"


def test_a_move_from_a_patient_whose_visit_it_is_not_is_quarantined(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    (done,) = world.record(event(build, "A45", "P2", mrg("P3", "V1"), visit="V1"))
    assert done.outcome == "quarantined"
    assert sorted(owner for owner, _ in stored(world, "Encounter")) == ["P1", "P2"]


def test_after_a_move_a_message_of_before_does_not_bring_the_visit_back(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(event(build, "A45", "P2", mrg("P1", "V1"), visit="V1"))
    (late,) = world.record(event(build, "A08", "P1", visit="V1", day=2))
    assert late.outcome == "quarantined"
    assert [owner for owner, _ in stored(world, "Encounter")] == ["P2"]
    (again,) = world.record(event(build, "A45", "P2", mrg("P1", "V1"), visit="V1", control="X"))
    assert again.outcome == "stored"
    assert [owner for owner, _ in stored(world, "Encounter")] == ["P2"]


def test_an_account_changes_its_patient(world, build):
    guarantor = "GT1|1||Muster^Bert"
    first = build.message(control="M1", patient="P1", visit="", event="A31", extra=[guarantor])
    first = first.replace(b"19800101|F", b"19800101|F||||||||||A-1^^^KLINIKUM^AN")
    world.record(first)
    moved = event(build, "A44", "P2", mrg("P1", account="A-1"))
    world.record(moved.replace(b"19800101|F", b"19800101|F||||||||||A-1^^^KLINIKUM^AN"))
    ((owner, body),) = stored(world, "Account")
    assert owner == "P2"
    assert len(body["subject"]) == 1


def test_deleted_visits_and_persons_stay_readable_as_what_they_are(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(event(build, "A23", "P1", visit="V1"))
    ((_, visit),) = stored(world, "Encounter")
    assert visit["status"] == "entered-in-error"
    world.record(event(build, "A08", "P1", visit="V1", day=2))
    ((_, visit),) = stored(world, "Encounter")
    assert visit["status"] == "entered-in-error"
    world.record(event(build, "A29", "P1", day=6))
    assert patient(world, "P1")["active"] is False


def test_a_batch_with_a_move_is_the_same_as_its_messages_one_by_one(world, build, tmp_path):
    messages = [
        build.message(control="M1", patient="P1", extra=["DG1|1||J44.1^COPD^I10G2026||20260301|F"]),
        event(build, "A45", "P2", mrg("P1", "V1"), visit="V1"),
        event(build, "A08", "P2", visit="V1", day=6),
    ]
    world.record(*messages)
    assert [owner for owner, _ in stored(world, "Encounter")] == ["P2"]
    assert [owner for owner, _ in stored(world, "Condition")] == ["P2"]


def letters(build, **changes):
    """A region in which letters and admissions go to the patient's own practice."""
    organizations = dict(build.region().organizations)
    endpoints = dict(build.region().endpoints)
    endpoints["sozial-out"] = build.outgoing("sozial-out", "sozialdienst")
    routes = dict(build.region().routes)
    routes["befunde"] = build.replace(
        routes["aufnahmen"], id="befunde", criteria="Condition?code=J44.1", to=("sozial-out",)
    )
    return build.region(organizations=organizations, endpoints=endpoints, routes=routes, **changes)


def going(world, position):
    """Deliveries of the message that came in this place."""
    numbers = [row[0] for row in world.query("SELECT message FROM message ORDER BY message")]
    return [d for d in world.deliveries() if d.message_id == numbers[position]]


DIAGNOSIS = "DG1|1||J44.1^COPD^I10G2026||20260301|F"


@pytest.mark.parametrize("consent", ["", "J"], ids=["waiting", "queued"])
def test_what_has_moved_leaves_for_nobody_of_the_former_patient(world, build, consent):
    world.use(letters(build))
    world.record(build.message(control="M1", patient="P1", consent=consent, extra=[DIAGNOSIS]))
    world.record(build.message(control="M2", patient="P2", visit="V2", consent="J"))
    before = {d.id for d in going(world, 0)}
    assert before
    world.record(event(build, "A45", "P2", mrg("P1", "V1"), visit="V1"))
    ended = [d for d in world.deliveries() if d.id in before]
    assert {(d.state, d.reason) for d in ended} == {(build.State.DEAD, "patient-corrected")}
    # Under its own patient, and by that patient's consent, all of it is told anew.
    anew = going(world, 2)
    assert {(d.endpoint, d.state) for d in anew} == {
        ("praxis-out", build.State.QUEUED),
        ("sozial-out", build.State.QUEUED),
    }
    names = world.patients()
    assert {names[number] for d in anew for number in d.patients} == {"P2"}
    claimed = world.do(lambda tx: claim(tx, world.site, {"praxis-out": 9, "sozial-out": 9}))
    assert {d.id for d in (*going(world, 1), *anew)} >= {o.delivery.id for o in claimed.ready}
    assert "sozial-out" in {one.delivery.endpoint for one in claimed.ready}
    gone = patient(world, "P1")["id"].encode()
    assert not [one for one in claimed.ready if gone in one.payload]


def test_what_has_moved_waits_for_the_consent_of_the_patient_it_belongs_to(world, build):
    world.use(letters(build))
    world.record(build.message(control="M1", patient="P1", consent="J", extra=[DIAGNOSIS]))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    world.record(event(build, "A45", "P2", mrg("P1", "V1"), visit="V1"))
    assert {d.state for d in going(world, 2)} == {build.State.WAITING_FOR_CONSENT}


def test_nothing_of_before_a_move_can_be_sent_again_by_hand(world, build):
    world.use(letters(build))
    world.record(build.message(control="M1", patient="P1", consent="J", extra=[DIAGNOSIS]))
    world.record(event(build, "A45", "P2", mrg("P1", "V1"), visit="V1"))
    dead = [d for d in world.deliveries() if d.state is build.State.DEAD]
    assert dead
    rows = [Settled(d.id, d.fence, build.State.QUEUED, "", 0) for d in dead]
    world.do(lambda tx: tx.settle(rows))
    claimed = world.do(lambda tx: claim(tx, world.site, {"praxis-out": 9, "sozial-out": 9}))
    assert claimed.ready == ()
    assert {d.state for d in world.deliveries(numbers=[d.id for d in dead])} == {build.State.DEAD}


def test_a_merge_and_its_end_decide_again_about_what_waits(world, build):
    world.use(letters(build))
    world.record(build.message(control="M1", patient="P1", consent="J"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    waiting = build.State.WAITING_FOR_CONSENT
    assert [d.state for d in going(world, 1)] == [waiting]
    world.record(event(build, "A40", "P1", mrg("P2")))
    assert [d.state for d in going(world, 1)] == [build.State.QUEUED]
    second = "PID|2||P2^^^KLINIKUM^PI||Muster^Anna^^^^^L||19800101|F"
    world.record(event(build, "A37", "P1", second, day=6))
    assert [d.state for d in going(world, 1)] == [waiting]


def test_a_number_moved_to_another_patient_is_sent_by_that_patients_consent_only(world, build):
    world.use(letters(build))
    world.record(build.message(control="M1", patient="P1", consent="J"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    world.record(build.message(control="M3", patient="P3", visit="V3"))
    world.record(event(build, "A40", "P1", mrg("P3")))
    assert [d.state for d in going(world, 2)] == [build.State.QUEUED]
    world.record(event(build, "A43", "P2", mrg("P3"), day=6))
    assert [d.state for d in going(world, 2)] == [build.State.WAITING_FOR_CONSENT]


def test_a_merge_the_wrong_way_round_is_put_right_by_the_one_that_is_meant(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    world.record(event(build, "A40", "P1", mrg("P2")))
    world.record(event(build, "A40", "P2", mrg("P1"), day=6))
    assert world.persons() == {("P1", "P2")}
    gone, living = patient(world, "P1"), patient(world, "P2")
    assert (gone["active"], living.get("active")) == (False, None)
    assert [link["type"] for link in gone["link"]] == ["replaced-by"]
    assert [link["type"] for link in living["link"]] == ["replaces"]


def test_a_visit_that_ended_in_another_stays_ended_whatever_is_said_of_it(world, build):
    world.record(build.message(control="M1", patient="P1", visit="V1"))
    world.record(build.message(control="M2", patient="P1", visit="V2"))
    world.record(event(build, "A42", "P1", mrg("P1", "V2"), visit="V1"))
    world.record(event(build, "A08", "P1", visit="V2", day=6))
    visits = {body["identifier"][0]["value"]: body for _, body in stored(world, "Encounter")}
    assert {number: body["status"] for number, body in visits.items()} == {
        "V1": "in-progress",
        "V2": "entered-in-error",
    }
    (link,) = [e for e in visits["V2"]["extension"] if e["url"].endswith("associatedEncounter")]
    assert link["valueReference"]["reference"] == f"Encounter/{visits['V1']['id']}"


def test_two_patients_of_one_message_keep_what_is_theirs(world, build):
    pid, obr = "PID|{0}||{1}^^^KLINIKUM^PI||Muster^Anna||19800101|F", "OBR|1||{0}|GLU^Glukose^L|||"
    obx = "OBX|1|NM|GLU^Glukose^L||{0}|mg/dl|||||F|||20260305"
    groups = [pid.format(2, "P2"), obr.format("F-1"), obx.format(99)]
    first = [obr.format("F-1"), obx.format(55)]
    world.record(event(build, "R01", "P1", *first, *groups).replace(b"ADT^R01", b"ORU^R01"))
    found = {owner: body["valueQuantity"]["value"] for owner, body in stored(world, "Observation")}
    assert found == {"P1": 55, "P2": 99}
    assert sorted(owner for owner, _ in stored(world, "DiagnosticReport")) == ["P1", "P2"]
