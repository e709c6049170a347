"""What is sent follows the decision of the moment, and one delivery's fault stays its own."""

from __future__ import annotations

import asyncio
import json
import random
import time
from concurrent.futures import Future

from gateway.domain.delivery import DeliveryState
from gateway.domain.transport import Sent
from gateway.pipeline.claim import claim
from gateway.pipeline.deliver import Deliver
from gateway.pipeline.ports import Settled
from profiles.issue import NotSupported, Unavailable

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


def run_until(loop, done):
    """Let delivery run until something has happened, then stop it in order."""

    async def attempt():
        stop = asyncio.Event()
        running = asyncio.create_task(loop.run(stop))
        for _ in range(3_000):
            if done():
                break
            await asyncio.sleep(0.02)
        stop.set()
        await running

    asyncio.run(asyncio.wait_for(attempt(), 60))


def take(world):
    room = {"praxis-out": 9, "sozial-out": 9}
    return list(world.do(lambda tx: claim(tx, world.site, room)).ready)


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


class Torn:
    """A connection type that breaks in a way its contract does not name."""

    async def send(self, delivery):
        raise MemoryError

    async def close(self):
        pass


def test_an_attempt_that_breaks_inside_is_uncertain_and_does_not_stay_on_the_wire(world, build):
    world.use(build.region(policy={"implicit": "permit-treatment"}))
    world.record(build.message(kvnr=KVNR))
    loop = build.replace(deliver(world), open_sender=lambda endpoint: Torn())

    run_until(loop, lambda: any(one.attempts for one in world.deliveries()))
    (delivery,) = world.deliveries()
    assert (delivery.state, delivery.reason) == ("retry", "The attempt failed on our side.")


class Gone:
    """A writer whose database goes away while the only delivery is on the wire."""

    def __init__(self, writer):
        self.writer, self.gone = writer, False

    def submit(self, job, *, joins=False):
        if not self.gone:
            return self.writer.submit(job)
        future = Future()
        future.set_exception(Unavailable())
        return future

    async def send(self, delivery):
        self.gone = True
        return Sent("200", b"{}")

    async def close(self):
        pass


def test_a_stop_without_a_database_ends_and_leaves_the_result_to_the_next_start(world, build):
    world.use(build.region(policy={"implicit": "permit-treatment"}))
    world.record(build.message(kvnr=KVNR))
    gone = Gone(world.store.writer)
    loop = build.replace(deliver(world), writer=gone, open_sender=lambda endpoint: gone)

    run_until(loop, lambda: gone.gone)
    assert world.states() == ["inflight"]


def retry(world, item):
    """End an attempt with a refusal that may be repeated."""
    settled = Settled(item.delivery.id, item.delivery.fence, DeliveryState.RETRY, "503", 1)
    assert world.do(lambda tx: tx.settle([settled])) == []


def test_what_is_made_anew_still_comes_before_the_patients_later_messages(world, build):
    enter(world, consent(), "1")
    diagnosis = ("DG1|1||I10.90^Hypertonie^I10G2026|||A",)
    world.record(build.message(control="M1", kvnr=KVNR, extra=diagnosis))
    world.record(build.message(control="M2", kvnr=KVNR, time="20260301090000+0100"))
    (first,) = take(world)
    retry(world, first)
    enter(world, consent("Condition"), "2")
    assert take(world) == []

    (anew,) = take(world)
    assert anew.delivery.message_id == first.delivery.message_id
    assert take(world) == []
    delivered = DeliveryState.DELIVERED
    world.do(
        lambda tx: tx.settle([Settled(anew.delivery.id, anew.delivery.fence, delivered, "200")])
    )
    (later,) = take(world)
    assert later.delivery.message_id > first.delivery.message_id


def test_a_claim_says_whether_more_may_be_due(world, build):
    def claimed(room):
        return world.do(lambda tx: claim(tx, world.site, room))

    enter(world, consent(), "1")
    diagnosis = ("DG1|1||I10.90^Hypertonie^I10G2026|||A",)
    world.record(build.message(kvnr=KVNR, extra=diagnosis))

    one = claimed({"praxis-out": 1})
    assert len(one.ready) == 1
    assert one.leaves_more({"praxis-out": 1})
    assert not one.leaves_more({"praxis-out": 2})
    assert not claimed({"praxis-out": 1}).leaves_more({"praxis-out": 1})

    retry(world, one.ready[0])
    enter(world, consent("Condition"), "2")
    moved = claimed({"praxis-out": 9})
    assert not moved.ready
    assert moved.leaves_more({"praxis-out": 9})


def test_a_decision_that_cannot_be_made_holds_its_own_delivery_alone(world, build):
    endpoints = world.region.endpoints | {"sozial-out": build.outgoing("sozial-out", "praxis")}
    routes = {
        name: build.replace(world.region.routes["aufnahmen"], id=name, to=(to,))
        for name, to in (("heil", "praxis-out"), ("krank", "sozial-out"))
    }
    policy = {"implicit": "permit-treatment"}
    world.use(build.region(endpoints=endpoints, routes=routes, policy=policy))
    world.record(build.message(kvnr=KVNR))
    # Our own fault: the criteria of one route are not there.
    whole = world.site
    world.site = build.replace(whole, criteria={"heil": whole.criteria["heil"]})

    (ready,) = take(world)

    assert ready.delivery.endpoint == "praxis-out"
    (held,) = world.deliveries(state={DeliveryState.HELD})
    assert (held.endpoint, held.reason) == ("sozial-out", "decision-failed")
    assert held.attempts == 0


class Fickle:
    """Opens a sender once; then the endpoint is registered anew, and it cannot be opened."""

    def __init__(self, world, build):
        self.world, self.build, self.opened = world, build, 0

    def __call__(self, endpoint):
        self.opened += 1
        if self.opened > 1:
            raise NotSupported("there is no certificate")
        changed = dict(self.world.region.endpoints)
        changed["praxis-out"] = self.build.replace(endpoint, parallel=1)
        self.world.use(self.build.region(endpoints=changed, policy=self.world.region.policy))
        return Torn()


def test_a_sender_lost_between_claim_and_start_gives_the_delivery_back(world, build):
    world.use(build.region(policy={"implicit": "permit-treatment"}))
    world.record(build.message(kvnr=KVNR))
    fickle = Fickle(world, build)
    loop = build.replace(deliver(world), open_sender=fickle)

    run_until(loop, lambda: any(one.attempts for one in world.deliveries()))
    (delivery,) = world.deliveries()
    assert (delivery.state, delivery.reason) == ("retry", "no-sender")
    assert fickle.opened > 1
