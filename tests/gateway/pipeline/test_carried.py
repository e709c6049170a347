"""What no mapping takes reaches the receiver where the sender's dialect says so."""

from __future__ import annotations

import orjson

from gateway.pipeline.claim import claim
from tests.gateway.pipeline.conftest import DIALECT


def test_fields_nobody_maps_are_stored_with_the_patient_and_delivered(world, build):
    world.use(build.region(dialects={"kis": {**DIALECT, "unmapped": "basic"}}))
    world.record(build.message(consent="J", extra=["ZDI|1|vegan"]))
    rows = world.query("SELECT resource, patient, subject FROM resource WHERE type = 'Basic'")
    patients = world.query("SELECT resource, patient, subject FROM resource WHERE type = 'Patient'")
    assert {row[1:] for row in rows} == {patients[0][1:]}
    claimed = world.do(lambda tx: claim(tx, world.site, {"praxis-out": 9}))
    entries = orjson.loads(claimed.ready[0].payload)["entry"]
    sent = [one["resource"] for one in entries if one["resource"]["resourceType"] == "Basic"]
    assert any("vegan" in str(one) for one in sent)
    references = {one["subject"]["reference"] for one in sent}
    (patient,) = (one for one in entries if one["resource"]["resourceType"] == "Patient")
    assert references == {patient["fullUrl"]}
