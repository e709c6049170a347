"""Consent withdrawn while deliveries wait or flow: nothing leaves after its commit."""

from __future__ import annotations

import json
import time
import urllib.request

from rig import invariants
from rig.inside import eventually
from rig.messages import admission
from rig.region import TOKEN, Destination
from rig.wire import ask, code

KVNR = "H512605190"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"


def bundle(status, moment):
    """Make what a practice posts: the patient and the consent (status active or inactive)."""
    patient = {
        "resourceType": "Patient",
        "id": "4711",
        "identifier": [
            {"system": "http://fhir.de/sid/gkv/kvid-10", "value": KVNR},
            {"system": "https://praxis.example/patienten", "value": "4711"},
        ],
        "name": [{"use": "official", "family": "Öhlschläger", "given": ["Änne"]}],
        "gender": "female",
        "birthDate": "1951-05-02",
    }
    actor = {"identifier": {"system": "urn:region-gateway:organization", "value": "ziel"}}
    consent = {
        "resourceType": "Consent",
        "id": "c1",
        "identifier": [{"system": "https://praxis.example/einwilligungen", "value": "1"}],
        "status": status,
        "scope": {
            "coding": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/consentscope",
                    "code": "patient-privacy",
                }
            ]
        },
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": "Patient/4711"},
        "dateTime": moment,
        "policy": [{"uri": "https://region.example/richtlinie"}],
        "provision": {
            "type": "permit",
            "period": {"start": "2025-01-01"},
            "actor": [{"role": {"coding": [{"system": ROLE, "code": "IRCP"}]}, "reference": actor}],
        },
    }
    entries = [
        {
            "fullUrl": f"https://praxis.example/fhir/{one['resourceType']}/{one['id']}",
            "resource": one,
            "request": {"method": "PUT", "url": f"{one['resourceType']}/{one['id']}"},
        }
        for one in (patient, consent)
    ]
    made = {
        "resourceType": "Bundle",
        "type": "transaction",
        "timestamp": moment,
        "identifier": {"system": "https://praxis.example/nachrichten", "value": f"{status}-1"},
        "entry": entries,
    }
    return json.dumps(made).encode()


def post(rig, body):
    """Post to the practice's endpoint; returns after the gateway's commit."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{rig.region.http_port}/inbound/praxis-senden",
        data=body,
        headers={"content-type": "application/fhir+json", "authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200


def begin(rig, *sink_options):
    """Serve with default deny; the consent for `ziel` is given."""
    sink = rig.partner("mllp_sink", "ziel", *sink_options)
    rig.serve(implicit="deny", destinations=(Destination("ziel", sink.port, idempotent=True),))
    post(rig, bundle("active", "2025-03-01T08:00:00+01:00"))
    return sink


def send(rig, count):
    for number in range(count):
        message = admission(f"C{number:04d}", minute=number, kvnr=KVNR)
        assert code(ask(rig.region, message)) == "CA"


def withdraw(rig):
    post(rig, bundle("inactive", "2025-04-01T08:00:00+02:00"))


def test_nothing_queued_is_sent_after_the_withdrawal(rig):
    sink = begin(rig)
    send(rig, 1)
    eventually(sink.received, "with consent it flows")
    rig.region.command("endpoint", "pause", "ziel", "--config", str(rig.folder))
    time.sleep(3)  # the gateway looks about once a second
    send(rig, 15)
    assert rig.inside.states()["queued"] == 14
    withdraw(rig)
    rig.region.command("endpoint", "resume", "ziel", "--config", str(rig.folder))
    eventually(lambda: not rig.inside.undone(), "everything has ended")
    time.sleep(1)
    assert rig.inside.states() == {"delivered": 1, "cancelled_by_consent": 14}
    assert len(sink.received()) == 1
    assert not invariants.unproven(rig.inside)


def test_a_withdrawal_under_way_lets_at_most_the_one_on_the_wire_arrive(rig):
    sink = begin(rig, "--mode", "slow", "--delay", "1.5")
    send(rig, 12)
    eventually(lambda: len(sink.received()) > 2, "deliveries flow")
    withdraw(rig)
    after = len(sink.received())
    eventually(lambda: not rig.inside.undone(), "everything has ended")
    time.sleep(1)
    # One more may have been on its way while the withdrawal was committed and noted.
    assert len(sink.received()) <= after + 1
    assert set(rig.inside.states()) == {"delivered", "cancelled_by_consent"}
    assert rig.inside.states()["delivered"] == len(sink.received())
