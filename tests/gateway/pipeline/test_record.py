"""Messages become versions: older never overwrites newer, equal content makes no new version."""

from __future__ import annotations

import orjson


def versions(world, kind):
    return world.query("SELECT version FROM resource WHERE type = ? ORDER BY resource", kind)


def body(world, kind):
    (number,) = [
        row[0] for row in world.query("SELECT resource FROM resource WHERE type = ?", kind)
    ]
    return orjson.loads(world.do(lambda tx: tx.current_by_number([number]))[number].body)


def test_an_admission_is_stored_with_provenance_that_names_every_target(world, build):
    (done,) = world.record(build.message())
    assert (done.outcome, done.duplicate) == ("stored", False)
    provenance = body(world, "Provenance")
    named = {target["reference"] for target in provenance["target"]}
    stored = world.query("SELECT type, id, version FROM resource WHERE type <> 'Provenance'")
    assert named == {f"{kind}/{name}/_history/{version}" for kind, name, version in stored}


def test_equal_content_makes_no_new_version_but_its_own_provenance(world, build):
    world.record(build.message(control="M1", event="A08"))
    world.record(build.message(control="M2", event="A08", time="20260301090000+0100"))
    assert versions(world, "Patient") == [(1,)]
    assert len(versions(world, "Provenance")) == 2


def test_a_newer_statement_makes_the_next_version(world, build):
    world.record(build.message(control="M1"))
    world.record(
        build.message(control="M2", event="A08", time="20260301090000+0100", name="Neumann^Anna")
    )
    assert versions(world, "Patient") == [(2,)]
    assert body(world, "Patient")["name"][0]["family"] == "Neumann"


def test_an_older_statement_of_the_same_application_never_overwrites_a_newer_one(world, build):
    newer = build.message(
        control="M2", event="A08", time="20260301090000+0100", name="Neumann^Anna"
    )
    older = build.message(control="M1", event="A08", time="20260301080000+0100", name="Alt^Anna")
    world.record(newer)
    world.record(older)
    assert body(world, "Patient")["name"][0]["family"] == "Neumann"
    assert versions(world, "Patient") == [(1,)]


def test_a_repetition_counts_as_newest_statement_although_it_changes_nothing(world, build):
    world.record(build.message(control="M1", event="A08", time="20260301080000+0100"))
    world.record(build.message(control="M3", event="A08", time="20260301100000+0100"))
    world.record(
        build.message(control="M2", event="A08", time="20260301090000+0100", name="Zwischen^Anna")
    )
    assert body(world, "Patient")["name"][0]["family"] == "Muster"


def test_every_message_names_what_it_spoke_of_even_when_nothing_changed(world, build):
    world.record(build.message(control="M1", event="A08"))
    (done,) = world.record(build.message(control="M2", event="A08", time="20260301090000+0100"))
    contents = world.do(lambda tx: tx.contents([done.message]))[done.message]
    assert {"Patient", "Encounter"} <= {current.type for current in contents}


def test_a_crash_while_recording_quarantines_its_message_and_nothing_of_it_stays(world, build):
    good, bad = (
        world.item(build.message(control="M1")),
        world.item(build.message(control="M2", patient="P2", visit="V2")),
    )
    broken = build.replace(
        bad.translated.statements[1], body=b"", resource=b"no json", action="bogus"
    )
    # The second statement about the same resource meets a stored one and cannot be read.
    statements = (*bad.translated.statements, broken)
    bad = build.replace(bad, translated=build.replace(bad.translated, statements=statements))
    after = world.item(build.message(control="M3", patient="P3", visit="V3"))
    first, second, third = world.record(good, bad, after)
    assert (first.outcome, second.outcome, third.outcome) == ("stored", "quarantined", "stored")
    assert sorted(world.patients().values()) == ["P1", "P3"]
    rows = world.query("SELECT control_id, state FROM message ORDER BY control_id")
    assert rows == [("M1", "routed"), ("M2", "quarantined"), ("M3", "routed")]


def test_a_rejected_message_is_kept_as_evidence_and_stores_nothing_else(world, build):
    (done,) = world.record(build.message(birth="19991399"))
    assert done.outcome == "rejected"
    assert done.code == "AE"
    assert world.query("SELECT state FROM message") == [("rejected",)]
    assert world.query("SELECT count(*) FROM resource") == [(0,)]
    assert world.query("SELECT class FROM audit_event") == [("received",)]


def test_the_same_input_again_gets_the_stored_answer_and_is_stored_once(world, build):
    data = build.message()
    (first,) = world.record(data)
    (second,) = world.record(data)
    assert second.duplicate
    assert (second.message, second.code, second.answer) == (first.message, first.code, first.answer)
    assert world.query("SELECT count(*) FROM message") == [(1,)]


def test_copies_of_one_input_in_one_batch_are_stored_once(world, build):
    data = build.message()
    results = world.record(data, data, data)
    assert [r.duplicate for r in results] == [False, True, True]
    assert len({r.answer for r in results}) == 1


def test_the_same_control_id_with_other_bytes_is_a_new_message_and_a_warning(world, build):
    world.record(build.message(name="Muster^Anna"))
    (second,) = world.record(build.message(name="Andere^Anna"))
    assert not second.duplicate
    assert second.reused
    assert world.query("SELECT count(*) FROM message") == [(2,)]


def test_a_rejected_input_is_processed_anew_when_it_comes_again(world, build):
    data = build.message(birth="19991399")
    world.record(data)
    (again,) = world.record(data)
    assert not again.duplicate
    assert world.query("SELECT count(*) FROM message") == [(2,)]


def test_a_visit_stated_for_another_patient_moves_nothing_and_waits_for_a_person(world, build):
    world.record(build.message(control="M1", patient="P1", visit="V1"))
    (done,) = world.record(
        build.message(control="M2", patient="P2", visit="V1", time="20260301090000+0100")
    )

    assert (done.outcome, done.reason) == ("quarantined", "other-patient")
    assert done.code in {"AA", "CA"}
    assert list(world.patients().values()) == ["P1"]
    (owner,) = world.query("SELECT patient FROM resource WHERE type = 'Encounter'")
    assert owner[0] in world.patients()


def test_a_visit_follows_its_patient_into_a_merge(world, build):
    world.record(build.message(control="M1", patient="P2", visit="V1"))
    world.record(
        build.message(
            control="M2",
            event="A40",
            patient="P1",
            visit="",
            time="20260301090000+0100",
            extra=("MRG|P2^^^KLINIKUM^PI",),
        )
    )
    (done,) = world.record(
        build.message(control="M3", patient="P1", visit="V1", time="20260301100000+0100")
    )

    assert (done.outcome, done.reason) == ("stored", "")
