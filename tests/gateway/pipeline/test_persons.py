"""Who is one person: the stories that go wrong when a KVNR is taken for proof."""

from __future__ import annotations

from gateway.domain.delivery import DeliveryState as State

KVNR = "A123456780"
OTHER = "T987654328"


def test_two_records_with_equal_kvnr_birth_date_and_name_are_one_person(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR))
    world.record(build.message(control="M2", patient="P2", visit="V2", kvnr=KVNR))
    assert world.persons() == {("P1", "P2")}
    assert world.query("SELECT count(*) FROM audit_event WHERE class = 'identity'") == [(1,)]


def test_within_one_batch_they_are_found_as_well(world, build):
    world.record(
        build.message(control="M1", patient="P1", kvnr=KVNR),
        build.message(control="M2", patient="P2", visit="V2", kvnr=KVNR),
    )
    assert world.persons() == {("P1", "P2")}


def test_a_newborn_on_its_mothers_insurance_is_held_for_a_person(world, build):
    world.record(build.message(control="M1", patient="MUTTER", kvnr=KVNR, consent="J"))
    world.record(
        build.message(
            control="M2", patient="KIND", visit="V2", kvnr=KVNR, birth="20260301", name="Muster^Lia"
        )
    )
    assert world.persons() == set()
    # The newcomer waits, the mother's own mail does not; and her consent is not the child's.
    assert world.cases() == ["KIND"]
    mother, child = sorted(world.deliveries(), key=lambda d: d.id)
    assert (mother.state, child.state) == (State.QUEUED, State.WAITING_FOR_CONSENT)


def test_an_open_case_holds_what_consent_permits(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR))
    world.record(
        build.message(
            control="M2", patient="P2", visit="V2", kvnr=KVNR, birth="19990101", consent="J"
        )
    )
    newest = max(world.deliveries(), key=lambda d: d.id)
    assert (newest.state, newest.reason) == (State.HELD, "identity-case")


def test_a_kvnr_learned_on_day_three_links_from_then_on(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR, consent="J"))
    world.record(build.message(control="M2", patient="P2", visit="V2"))
    assert world.persons() == set()
    waiting = max(world.deliveries(), key=lambda d: d.id)
    assert waiting.state == State.WAITING_FOR_CONSENT
    world.record(
        build.message(
            control="M3",
            event="A08",
            patient="P2",
            visit="V2",
            kvnr=KVNR,
            time="20260304080000+0100",
        )
    )
    assert world.persons() == {("P1", "P2")}
    # The consent given under the other record now speaks for this one.
    released = next(d for d in world.deliveries() if d.id == waiting.id)
    assert released.state == State.QUEUED


def test_a_wrong_kvnr_corrected_by_an_update_takes_the_link_back(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR))
    world.record(build.message(control="M2", patient="P2", visit="V2", kvnr=KVNR))
    assert world.persons() == {("P1", "P2")}
    world.record(
        build.message(
            control="M3",
            event="A08",
            patient="P2",
            visit="V2",
            kvnr=OTHER,
            time="20260301090000+0100",
        )
    )
    assert world.persons() == set()


def test_a_wrong_kvnr_corrected_closes_the_case_and_releases_what_it_held(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR))
    world.record(
        build.message(
            control="M2", patient="P2", visit="V2", kvnr=KVNR, birth="19990101", consent="J"
        )
    )
    held = max(world.deliveries(), key=lambda d: d.id)
    world.record(
        build.message(
            control="M3",
            event="A31",
            patient="P2",
            visit="",
            kvnr=OTHER,
            birth="19990101",
            time="20260301090000+0100",
        )
    )
    assert world.cases() == []
    released = next(d for d in world.deliveries() if d.id == held.id)
    assert released.state == State.QUEUED


def test_placeholder_names_match_nobody(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR, name="Unbekannt^Unbekannt"))
    world.record(
        build.message(control="M2", patient="P2", visit="V2", kvnr=KVNR, name="Unbekannt^Unbekannt")
    )
    assert world.persons() == set()
    assert world.cases() == []


def test_a_delivery_stands_in_the_lanes_of_all_records_of_the_person(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR))
    world.record(build.message(control="M2", patient="P2", visit="V2", kvnr=KVNR))
    newest = max(world.deliveries(), key=lambda d: d.id)
    assert len(newest.patients) == 2


def test_an_identifier_known_under_another_record_is_exchanged_and_the_exchange_recorded(
    world, build
):
    import orjson

    world.record(build.message(control="M1", patient="P1"))
    item = world.item(build.message(control="M2", patient="P9", visit="V2", event="A08"))
    known = world.item(build.message(control="M0", patient="P1"))
    # A further identifier of the sender's names the same record: the table decides.
    first, *rest = item.translated.statements
    also = build.replace(first, terms=(*first.terms, *known.translated.statements[0].terms))
    translated = build.replace(item.translated, statements=(also, *rest))
    (done,) = world.record(build.replace(item, translated=translated))
    assert world.query("SELECT count(*) FROM resource WHERE type = 'Patient'") == [(1,)]
    (patient,) = world.query("SELECT id FROM resource WHERE type = 'Patient'")[0]
    contents = world.do(lambda tx: tx.contents([done.message]))[done.message]
    encounter = next(c for c in contents if c.type == "Encounter")
    assert orjson.loads(encounter.body)["subject"]["reference"] == f"Patient/{patient}"


def merge(build, survivor, retired, control="M9", time="20260305080000+0100", **fields):
    segments = [f"MRG|{retired}^^^KLINIKUM^PI||||||Muster^Anna^^^^^L"]
    return build.message(
        event="A40",
        control=control,
        patient=survivor,
        visit="",
        time=time,
        extra=segments,
        **fields,
    )


def test_a_merge_makes_both_records_one_person_and_keeps_both(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(build.message(control="M2", patient="P2", visit="V2", consent="J"))
    world.record(merge(build, "P1", "P2"))
    assert world.persons() == {("P1", "P2")}
    assert sorted(world.patients().values()) == ["P1", "P2"]
    # What waited for the surviving record follows the consent given under the retired one.
    assert world.states() == [State.QUEUED, State.QUEUED]


def test_a_merge_of_records_nobody_knew_is_kept_for_later(world, build):
    world.record(merge(build, "P1", "P2"))
    world.record(build.message(control="M1", patient="P2", consent="J", time="20260306080000+0100"))
    assert world.persons() == {("P1", "P2")}
    (delivery,) = world.deliveries()
    assert len(delivery.patients) == 2


def test_a_merge_after_a_link_by_kvnr_leaves_one_person(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR))
    world.record(build.message(control="M2", patient="P2", visit="V2", kvnr=KVNR))
    world.record(merge(build, "P1", "P2", kvnr=KVNR))
    assert world.persons() == {("P1", "P2")}
    # The KVNR of one record turns out wrong; the merge the sender stated stands by itself.
    world.record(
        build.message(
            control="M4",
            event="A31",
            patient="P2",
            visit="",
            kvnr=OTHER,
            time="20260306090000+0100",
        )
    )
    assert world.persons() == {("P1", "P2")}


def test_a_merge_of_two_valid_kvnrs_is_held_for_a_person(world, build):
    world.record(build.message(control="M1", patient="P1", kvnr=KVNR))
    world.record(build.message(control="M2", patient="P2", visit="V2", kvnr=OTHER))
    world.record(merge(build, "P1", "P2", kvnr=KVNR))
    assert world.persons() == set()
    assert world.cases() != []


def test_a_repeated_merge_writes_no_second_event(world, build):
    world.record(build.message(control="M1", patient="P1"))
    world.record(merge(build, "P1", "P2"))
    world.record(merge(build, "P1", "P2", control="M10", time="20260305090000+0100"))
    assert world.query("SELECT kind FROM link_event") == [("merged",)]
