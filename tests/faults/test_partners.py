"""Partners that misbehave: what a delivery becomes, and that a resend is the same message."""

from __future__ import annotations

import time

import pytest
from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.region import Destination
from rig.wire import ask, code

from tests.ports import free_port

SINK, PRACTICE = "mllp_sink", "practice"
KINDS = {SINK: "hl7v2-mllp", PRACTICE: "hl7-fhir-rest"}

#: What becomes of the first attempt at an endpoint that must not get anything twice.
FIRST = {
    (SINK, "accept"): "delivered",
    (SINK, "twice"): "delivered",
    (SINK, "reject-ae"): "dead",
    (SINK, "reject-ar"): "dead",
    (SINK, "wrong-id"): "ambiguous",
    (SINK, "silent"): "ambiguous",
    (SINK, "close"): "ambiguous",
    (SINK, "reset"): "ambiguous",
    (SINK, "half"): "ambiguous",
    (SINK, "garbage"): "ambiguous",
    (PRACTICE, "accept"): "delivered",
    (PRACTICE, "500"): "retry",
    (PRACTICE, "503"): "retry",
    (PRACTICE, "429"): "retry",
    (PRACTICE, "401"): "dead",
    (PRACTICE, "422"): "dead",
    (PRACTICE, "302"): "dead",
    (PRACTICE, "html"): "ambiguous",
    (PRACTICE, "truncated"): "ambiguous",
    (PRACTICE, "outcome"): "ambiguous",
    (PRACTICE, "close"): "ambiguous",
    (PRACTICE, "silent"): "ambiguous",
}
#: Misbehaviour after which an idempotent endpoint gets the same message once more.
AGAIN = [key for key, state in FIRST.items() if state in {"ambiguous", "retry"}]


def name(kind, mode):
    return f"{kind.replace('_', '-')}-{mode}"


def destinations(rig, keys, *, idempotent, options=(), retry):
    """Start one partner for each misbehaviour, and describe them."""
    made = {}
    for kind, mode in keys:
        extra = ("--retry-after", "40") if kind == PRACTICE else ()
        made[kind, mode] = rig.partner(kind, name(kind, mode), "--mode", mode, *extra, *options)
    described = [
        Destination(name(kind, mode), one.port, KINDS[kind], idempotent, "5s", retry)
        for (kind, mode), one in made.items()
    ]
    return made, tuple(described)


@pytest.mark.slow
def test_each_answer_of_a_partner_leads_to_its_delivery_state(rig):
    retry = '{ attempts = 5, first = "30s", most = "60s" }'
    _, described = destinations(rig, FIRST, idempotent=False, retry=retry)
    nobody = Destination("nobody", free_port(), retry=retry)
    rig.serve(destinations=(*described, nobody))
    before = time.time()
    assert code(ask(rig.region, admission("PARTNER1"))) == "CA"
    settled = {"delivered", "dead", "ambiguous", "retry"}
    eventually(lambda: set(rig.inside.states()) <= settled, "one attempt at each endpoint")
    deliveries = {one.endpoint: one for one in rig.inside.deliveries()}
    states = {endpoint: one.state.value for endpoint, one in deliveries.items()}
    assert states == {"nobody": "retry"} | {name(*key): state for key, state in FIRST.items()}
    # Retry-After is longer than the endpoint's own first pause.
    assert deliveries["practice-503"].next_at / 1_000_000 > before + 39
    listed = {one.number for one in rig.inside.worklist() if one.kind == "delivery"}
    wanted = {one.id for one in deliveries.values() if one.state in {"dead", "ambiguous"}}
    assert listed == wanted
    assert not invariants.unproven(rig.inside)


@pytest.mark.slow
def test_an_idempotent_partner_gets_the_same_message_again_until_it_answers(sqlite_rig):
    rig = sqlite_rig
    retry = '{ attempts = 9, first = "200ms", most = "1s" }'
    made, described = destinations(
        rig, AGAIN, idempotent=True, options=("--first", "1"), retry=retry
    )
    rig.serve(destinations=described)
    assert code(ask(rig.region, admission("PARTNER2"))) == "CA"
    eventually(lambda: set(rig.inside.states()) == {"delivered"}, "everything is delivered", 90)
    assert rig.gateway.stop() == 0
    for (kind, mode), partner in made.items():
        partner.stop()
        identity = "bundle" if kind == PRACTICE else "control_id"
        seen = [(line[identity], line["sha256"]) for line in partner.received()]
        assert len(seen) == 2, (kind, mode)
        assert len(set(seen)) == 1, (kind, mode)
