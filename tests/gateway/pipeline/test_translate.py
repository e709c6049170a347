"""What messages repeat is made once, and gives the same every time."""

from __future__ import annotations

import base64
from dataclasses import replace

from gateway.pipeline.dialects import dialect_of
from gateway.pipeline.translate import REMEMBERED, prepare, translate
from gateway.pipeline.translated import Job, Outcome


def done(ready, data, number=1):
    return translate(Job(number, "kis", "hl7v2", "M1", b"d", 0, data), ready)


def test_what_is_remembered_is_what_would_be_made_anew(world, build):
    ready = prepare(world.config)
    visits = [build.message(visit=f"V{number}", control=f"M{number}") for number in range(6)]
    remembered = [done(ready, visit) for visit in visits]
    anew = [done(prepare(world.config), visit) for visit in visits]
    assert remembered == anew
    assert {one.type for one in remembered[0].statements} >= {"Patient", "Practitioner"}
    assert any(b'"Practitioner"' in body for body in ready.memory.kept)


def test_a_fault_is_found_again_in_what_is_remembered(world):
    ready = prepare(replace(world.config))
    bad = b'{"resourceType":"Patient","id":"1","gender":"weiblich"}'
    found = [translate(Job(1, "pvs", "fhir_r4", "k", b"d", 0, bad), ready) for _ in range(4)]
    assert {one.outcome for one in found} == {Outcome.REJECTED}
    assert len({one.issues for one in found}) == 1


def test_documents_are_not_remembered(world, build):
    ready = prepare(world.config)
    pdf = base64.b64encode(b"%PDF-1.7" + bytes(2 * REMEMBERED)).decode()
    letter = (
        "TXA|1|DS^Brief|AP|20260301080000|||||||BRIEF-1|||||AU",
        f"OBX|1|ED|PDF^Brief||^application^pdf^Base64^{pdf}||||||F",
    )
    data = build.message(extra=letter).replace(b"ADT^A01", b"MDM^T02")
    for _ in range(3):
        assert done(ready, data).outcome is Outcome.STORED
    assert all(len(body) <= REMEMBERED for body in ready.memory.kept)


def test_a_message_profile_attached_to_the_endpoint_comes_before_the_dialects(world, build):
    rules = [{"place": "PV1-44", "usage": "R"}]
    endpoints = dict(build.region().endpoints)
    endpoints["kis"] = build.incoming("kis", message_profile={"action": "reject", "rules": rules})
    world.use(build.region(endpoints=endpoints))

    (done,) = world.record(build.message())

    assert (done.outcome, done.code) == ("rejected", "AE")
    assert b"PV1^1^44" in done.answer


def test_an_endpoint_may_name_a_dialect_that_comes_with_the_gateway(world, build):
    for name in ("de", "", "standard"):
        dialect = dialect_of(build.region(), build.incoming("neu", dialect=name))
        assert dialect.base == (name or "de")
