"""What is sent follows the decision of the moment, and one delivery's fault stays its own."""

from __future__ import annotations

import json
import random
import time

from gateway.domain.delivery import DeliveryState
from gateway.pipeline.deliver import Deliver
from gateway.pipeline.ports import Settled

KVNR = "A123456780"
ACT = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
TYPES = "http://hl7.org/fhir/resource-types"


def deliver(world):
    return Deliver(
        writer=world.store.writer,
        site=lambda: world.site,
        paused=frozenset,
        open_sender=lambda endpoint: None,
        clock=world.clock,
        random=random.Random(1),
        monotonic=time.monotonic,
    )


def take(world):
    return world.do(lambda tx: deliver(world)._take(tx, {"praxis-out": 9, "sozial-out": 9}))


def consent(*hidden):
    provision = {"type": "permit", "purpose": [{"system": ACT, "code": "TREAT"}]}
    if hidden:
        classes = [{"system": TYPES, "code": name} for name in hidden]
        provision["provision"] = [{"type": "deny", "class": classes}]
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": KVNR}],
        "name": [{"family": "Muster", "given": ["Anna"]}],
        "birthDate": "1980-01-01",
    }
    stated = {
        "resourceType": "Consent",
        "id": "c",
        "status": "active",
        "scope": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                    "code": "patient-privacy",
                }
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/p"},
        "dateTime": "2026-01-01",
        "organization": [{"display": "Praxis Weber"}],
        "policy": [{"uri": "https://region.example/policy"}],
        "provision": provision,
    }
    entries = [{"resource": patient}, {"resource": stated}]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def enter(world, data, key):
    world.record(world.item(data, endpoint="pvs", control=key, format="fhir_r4"))


def types(payload):
    return {entry["resource"]["resourceType"] for entry in json.loads(payload)["entry"]}


def test_a_resend_never_carries_what_was_denied_since_the_first_attempt(world, build):
    enter(world, consent(), "1")
    diagnosis = "DG1|1||I10.90^Hypertonie^I10G2026|||A"
    world.record(build.message(kvnr=KVNR, extra=(diagnosis,)))
    (first,) = take(world)
    world.do(
        lambda tx: tx.settle(
            [Settled(first.delivery.id, first.delivery.fence, DeliveryState.RETRY, "503", 1)]
        )
    )
    enter(world, consent("Condition"), "2")

    assert take(world) == []
    (second,) = take(world)

    assert "Condition" in types(first.payload)
    assert "Condition" not in types(second.payload)
    assert second.delivery.control_id != first.delivery.control_id
    ended = world.deliveries(numbers=[first.delivery.id])[0]
    assert (ended.state, ended.reason) == ("cancelled_by_consent", "decision-changed")


def test_a_resend_repeats_its_bytes_when_nothing_changed(world, build):
    enter(world, consent(), "1")
    world.record(build.message(kvnr=KVNR))
    (first,) = take(world)
    world.do(
        lambda tx: tx.settle(
            [Settled(first.delivery.id, first.delivery.fence, DeliveryState.RETRY, "503", 1)]
        )
    )

    (second,) = take(world)

    assert second.payload == first.payload
    assert second.delivery.control_id == first.delivery.control_id


def test_a_delivery_nobody_can_write_ends_alone(world, build):
    enter(world, consent(), "1")
    world.record(build.message(kvnr=KVNR))
    changed = dict(world.region.endpoints)
    changed["praxis-out"] = build.outgoing("praxis-out", "praxis", connection_type="telegraph")
    world.use(build.region(endpoints=changed))

    assert take(world) == []
    (dead,) = world.deliveries(state={DeliveryState.DEAD})
    assert dead.reason == "form"
