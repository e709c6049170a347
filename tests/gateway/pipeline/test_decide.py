"""Consent decides per destination, and again when the patient's consents change."""

from __future__ import annotations

import orjson
import pytest

from gateway.domain.delivery import DeliveryState as State


def only(world):
    (delivery,) = world.deliveries()
    return delivery


def test_without_a_consent_a_delivery_waits_and_its_decision_explains_itself(world, build):
    world.record(build.message())
    delivery = only(world)
    assert (delivery.state, delivery.reason) == (State.WAITING_FOR_CONSENT, "no-consent")
    assert world.query("SELECT count(*) FROM audit_event WHERE class = 'decided'") == [(1,)]


def test_an_attested_consent_of_the_message_itself_permits_it(world, build):
    (done,) = world.record(build.message(consent="J"))
    assert only(world).state == State.QUEUED
    assert done.queued == 1


def test_an_attested_refusal_is_final(world, build):
    world.record(build.message(consent="N"))
    assert only(world).state == State.CANCELLED_BY_CONSENT


def test_a_consent_that_comes_later_releases_what_waits_in_the_same_commit(world, build):
    world.record(build.message(control="M1"))
    (done,) = world.record(
        build.message(control="M2", event="A31", visit="", consent="J", time="20260301090000+0100")
    )
    assert only(world).state == State.QUEUED
    assert done.queued == 1


def test_a_withdrawal_cancels_what_is_queued_in_the_same_commit(world, build):
    world.record(build.message(control="M1", consent="J"))
    world.record(
        build.message(control="M2", event="A31", visit="", consent="N", time="20260301090000+0100")
    )
    assert only(world).state == State.CANCELLED_BY_CONSENT
    classes = dict(world.query("SELECT class, count(*) FROM audit_event GROUP BY class"))
    assert classes["decided"] == 2
    assert classes["delivery-state"] == 1


def test_release_and_withdrawal_work_within_one_batch_as_well(world, build):
    world.record(
        build.message(control="M1"),
        build.message(control="M2", event="A31", visit="", consent="J", time="20260301090000+0100"),
        build.message(
            control="M3", patient="P2", visit="V2", time="20260301090000+0100", consent="J"
        ),
        build.message(
            control="M4",
            patient="P2",
            event="A31",
            visit="",
            consent="N",
            time="20260301100000+0100",
        ),
    )
    states = {d.message_id: d.state for d in world.deliveries()}
    assert sorted(states.values()) == [State.CANCELLED_BY_CONSENT, State.QUEUED]


def test_the_consent_of_one_patient_opens_nothing_for_another(world, build):
    world.record(build.message(control="M1"))
    world.record(build.message(control="M2", patient="P2", event="A31", visit="", consent="J"))
    assert only(world).state == State.WAITING_FOR_CONSENT


def test_an_implicit_policy_permits_without_any_consent(world, build):
    world.use(build.region(policy={"implicit": "permit"}))
    world.record(build.message())
    assert only(world).state == State.QUEUED


def test_two_routes_to_one_endpoint_make_one_delivery(world, build):
    routes = dict(world.region.routes)
    routes["zweite"] = build.replace(
        routes["aufnahmen"], id="zweite", to=("praxis-out",), criteria="Encounter"
    )
    world.use(build.region(routes=routes))
    world.record(build.message(consent="J"))
    assert only(world).endpoint == "praxis-out"


def test_each_destination_has_its_own_decision(world, build):
    routes = dict(world.region.routes)
    routes["sozial"] = build.replace(
        routes["aufnahmen"], id="sozial", to=("sozial-out",), purpose="HMARKT"
    )
    world.use(build.region(routes=routes))
    world.record(build.message(consent="J"))
    states = {d.endpoint: d.state for d in world.deliveries()}
    assert states["praxis-out"] == State.QUEUED
    assert states["sozial-out"] != State.QUEUED


def test_a_delivery_waits_no_longer_than_its_route_says(world, build):
    world.record(build.message())
    delivery = only(world)
    route = world.region.routes["aufnahmen"]
    received = world.query("SELECT received_at FROM message")[0][0]
    assert delivery.expires_at == received + route.wait


@pytest.mark.parametrize("consent", ["J", "N"])
def test_a_decision_names_the_consent_and_version_it_rests_on(world, build, consent):
    world.record(build.message(consent=consent))
    world.record(
        build.message(control="M2", consent=consent, time="20260301090000+0100", visit="V2")
    )
    stored = world.query("SELECT id, version FROM resource WHERE type = 'Consent'")
    last = max(world.deliveries(), key=lambda d: d.id)
    decision = orjson.loads(decision_of(world, last.id))
    assert decision["consents"] == [{"id": stored[0][0], "versionId": str(stored[0][1])}]


def decision_of(world, delivery):
    from gateway.store.seal import Kind

    with world.store.reader.view() as view:
        ((body, slot),) = view.db.query(
            "SELECT decision_body, decision_slot FROM delivery WHERE delivery = ?", (delivery,)
        )
        return view.bodies.read([(body, Kind.DECISIONS)])[body][slot]
