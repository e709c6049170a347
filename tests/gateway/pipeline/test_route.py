"""Routing: who receives a message, and the reason why somebody does not. Never a guess."""

from __future__ import annotations

import pytest

from gateway.domain.region import Identifier, Practitioner
from gateway.pipeline import route


def state(world):
    (row,) = world.query("SELECT state, reason FROM message")
    return row


def test_the_general_practitioner_named_in_the_message_receives(world, build):
    world.record(build.message(consent="J"))
    (delivery,) = world.deliveries()
    assert (delivery.endpoint, delivery.organization) == ("praxis-out", "praxis")
    assert state(world) == ("routed", "")


def test_a_practitioner_nobody_registered_leaves_the_message_unrouted(world, build):
    world.record(build.message(practitioner="999999900"))
    assert state(world) == ("unrouted", "unknown-recipient")


def test_a_practitioner_of_two_organizations_is_no_guess(world, build):
    doctors = (
        *world.region.practitioners,
        Practitioner(organization="sozialdienst", lanr="123456601"),
    )
    world.use(build.region(practitioners=doctors))
    world.record(build.message())
    assert state(world) == ("unrouted", "several-recipients")


def test_without_a_name_in_the_message_the_stored_patient_names_the_practitioner(world, build):
    world.record(build.message(control="M1", event="A28", visit=""))
    world.record(build.message(control="M2", practitioner="", time="20260301090000+0100"))
    rows = dict(world.query("SELECT control_id, state FROM message"))
    assert rows["M2"] == "routed"
    assert [d.endpoint for d in world.deliveries()] == ["praxis-out"]


def test_without_any_name_the_message_is_unrouted(world, build):
    world.record(build.message(practitioner=""))
    assert state(world) == ("unrouted", "unknown-recipient")


def test_a_message_no_route_wants_is_unrouted(world, build):
    world.record(build.message(event="A28", visit=""))
    assert state(world) == ("unrouted", "no-route")


def test_a_test_message_goes_to_test_endpoints_only(world, build):
    data = build.message(processing="T", consent="J")
    world.record(world.item(data, endpoint="kis-test"))
    assert state(world) == ("unrouted", "test-message")
    endpoints = dict(world.region.endpoints)
    endpoints["praxis-out"] = build.replace(endpoints["praxis-out"], mode="test")
    world.use(build.region(endpoints=endpoints))
    world.record(
        world.item(
            build.message(control="M2", processing="T", consent="J", visit="V2"),
            endpoint="kis-test",
        )
    )
    assert [d.endpoint for d in world.deliveries()] == ["praxis-out"]


def test_a_live_message_never_goes_to_a_test_endpoint(world, build):
    endpoints = dict(world.region.endpoints)
    endpoints["praxis-out"] = build.replace(endpoints["praxis-out"], mode="test")
    world.use(build.region(endpoints=endpoints))
    world.record(build.message(consent="J"))
    assert state(world) == ("unrouted", "test-endpoint")


def test_a_shadow_endpoint_does_everything_but_deliver(world, build):
    endpoints = dict(world.region.endpoints)
    endpoints["kis"] = build.replace(endpoints["kis"], mode="shadow")
    world.use(build.region(endpoints=endpoints))
    world.record(build.message(consent="J"))
    assert state(world) == ("routed", "shadow")
    assert world.deliveries() == []


def test_the_hospitals_own_numbers_count_in_its_own_namespace_only(build):
    doctors = (Practitioner(organization="praxis", local=(Identifier("klinikum", "100001"),)),)
    directory = route.RouteTable.of(
        build.region(practitioners=doctors), "https://region.example/sid"
    ).directory
    own = "https://region.example/sid/klinikum/practitioner"
    other = "https://region.example/sid/praxis/practitioner"
    assert directory.organizations(own, "100001") == {"praxis"}
    assert directory.organizations(other, "100001") == frozenset()


def test_two_numbers_of_one_doctor_narrow_each_other_down(build):
    doctors = (
        Practitioner(organization="praxis", lanr="1", local=(Identifier("klinikum", "7"),)),
        Practitioner(organization="sozialdienst", lanr="1"),
    )
    directory = route.RouteTable.of(build.region(practitioners=doctors), "urn:x").directory
    lanr = ("https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR", "1")
    assert directory.one_of([lanr]) == {"praxis", "sozialdienst"}
    assert directory.one_of([lanr, ("urn:x/klinikum/practitioner", "7")]) == {"praxis"}


@pytest.mark.parametrize(
    ("endpoint", "event", "reason"),
    [("kis", "A28", "criteria-not-met"), ("kis", "A01", ""), ("kis-test", "A01", "test-message")],
)
def test_explain_says_for_every_route_where_it_leads_or_why_not(
    world, build, endpoint, event, reason
):
    visit = "" if event == "A28" else "V1"
    item = world.item(build.message(event=event, visit=visit), endpoint=endpoint)
    (explained,) = route.explain(
        item.translated, world.region, endpoint=endpoint, namespace="https://region.example/sid"
    )
    assert explained.reason == reason
    assert explained.route == "aufnahmen"


def test_explain_names_a_route_that_listens_elsewhere(world, build):
    routes = {"aufnahmen": build.replace(world.region.routes["aufnahmen"], sources=("kis-test",))}
    registered = build.region(routes=routes)
    world.use(registered)
    item = world.item(build.message())
    (explained,) = route.explain(
        item.translated, registered, endpoint="kis", namespace="https://region.example/sid"
    )
    assert explained.reason == "other-source"
