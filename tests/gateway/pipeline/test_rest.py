"""What a caller of the FHIR interface writes has the consequences a message's statements have."""

from __future__ import annotations

import json
import uuid

import pytest

from gateway.domain.delivery import DeliveryState as State
from gateway.pipeline.documents import load
from gateway.pipeline.rest.asked import Check, Kind, Method, Order, Stated
from gateway.pipeline.rest.check import Checker
from gateway.pipeline.rest.perform import perform
from gateway.store import retention

KVNR = "A123456780"
KVID = "http://fhir.de/sid/gkv/kvid-10"
ROLE = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
SCOPE = "http://terminology.hl7.org/CodeSystem/consentscope"


@pytest.fixture
def write(world):
    """Write one resource in the name of an organization, as the interface would."""
    checker = Checker(world.config)

    def writing(resource, *, by="klinikum", method="POST", sight=None):
        resource = {name: value for name, value in resource.items() if value != []}
        id_ = resource.get("id") or str(uuid.uuid4())
        asked = Check(
            kind=Kind.RESOURCE,
            data=json.dumps(resource).encode(),
            type=resource["resourceType"],
            id=id_,
        )
        checked = checker.check(asked)
        assert not checked.refused, checked.issues
        act = checked.acts[0]._replace(method=Method(method))
        if method == "DELETE":
            act = act._replace(body=b"", terms=b"", subjects=())
        order = Order(acts=(act,), caller=Stated(by, "10.0.0.1"), sight=sight or {})
        return world.do(lambda tx: perform(tx, order, world.site))

    return writing


def patient(*, kvnr=KVNR, name="Muster", birth="1980-01-01", **more):
    return {
        "resourceType": "Patient",
        "identifier": [{"system": KVID, "value": kvnr}],
        "name": [{"use": "official", "family": name, "given": ["Anna"]}],
        "birthDate": birth,
        **more,
    }


def consent(whose, *, status="active", **more):
    return {
        "resourceType": "Consent",
        "status": status,
        "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": {"reference": f"Patient/{whose}"},
        "dateTime": "2026-01-01",
        "organization": [{"reference": "Organization/klinikum"}],
        "policy": [{"uri": "https://region.example/policies/1"}],
        "provision": {
            "type": "permit",
            "actor": [
                {
                    "role": {"coding": [{"system": ROLE, "code": "IRCP"}]},
                    "reference": {"reference": "Organization/praxis"},
                }
            ],
            "purpose": [{"system": REASON, "code": "TREAT"}],
        },
        **more,
    }


def admitted(world, build):
    """Let a message wait for a consent; return the logical id of its Patient."""
    world.record(build.message())
    assert world.states() == [State.WAITING_FOR_CONSENT]
    (row,) = world.query("SELECT id FROM resource WHERE type = 'Patient'")
    return row[0]


def test_a_consent_releases_what_waits_and_its_withdrawal_cancels_it(world, build, write):
    whose = admitted(world, build)

    given = write(consent(whose))

    assert given.released == 1
    assert world.states() == [State.QUEUED]
    withdrawn = write(consent(whose, status="inactive", id=given.done[0].id), method="PUT")
    assert withdrawn.done[0].status == 200
    assert world.states() == [State.CANCELLED_BY_CONSENT]


def test_deleting_a_consent_lets_wait_again_what_it_released(world, build, write):
    whose = admitted(world, build)
    given = write(consent(whose)).done[0]

    write({**consent(whose), "id": given.id}, method="DELETE")

    assert world.states() == [State.WAITING_FOR_CONSENT]


def test_a_consent_is_taken_for_patients_of_the_caller_only(world, build, write):
    whose = admitted(world, build)
    name = ("Patient", whose)

    unsure = write(consent(whose, organization=[]), by="praxis")
    seen = write(consent(whose, organization=[]), by="praxis", sight={name: True})
    nobody = write(consent("nobody"), sight={("Patient", "nobody"): False})

    assert unsure.unsure == (name,)
    assert (seen.done[0].status, nobody.done[0].status) == (422, 422)
    assert world.states() == [State.WAITING_FOR_CONSENT]


def test_nobody_consents_in_the_name_of_another_organization(world, build, write):
    whose = admitted(world, build)
    forged = consent(whose, organization=[{"reference": "Organization/praxis"}])

    assert write(forged).done[0].status == 403


def test_equal_kvnr_birth_date_and_name_make_one_person(world, write):
    first = write(patient(), by="klinikum").done[0]
    second = write(patient(), by="praxis").done[0]

    linked = world.do(lambda tx: tx.linked([first.number]))[first.number]

    assert linked == (first.number, second.number)


def test_another_birth_date_is_held_for_a_person(world, write):
    first = write(patient()).done[0]
    second = write(patient(birth="2026-01-01"), by="praxis").done[0]

    assert world.do(lambda tx: tx.linked([first.number]))[first.number] == (first.number,)
    cases = world.do(lambda tx: tx.open_identity_cases([first.number, second.number]))
    assert cases == {second.number}


def test_a_corrected_kvnr_takes_the_link_back(world, write):
    first = write(patient()).done[0]
    second = write(patient(), by="praxis").done[0]

    write({**patient(kvnr="B987654329"), "id": second.id}, by="praxis", method="PUT")

    assert world.do(lambda tx: tx.linked([first.number]))[first.number] == (first.number,)


def test_a_deleted_patient_proposes_no_links(world, write):
    first = write(patient()).done[0]
    write({**patient(), "id": first.id}, method="DELETE")

    second = write(patient(), by="praxis").done[0]

    assert world.do(lambda tx: tx.linked([second.number]))[second.number] == (second.number,)


def test_a_stated_link_joins_records_of_the_caller_only(world, write):
    first = write(patient(kvnr="A123456780")).done[0]
    foreign = write(patient(kvnr="B987654329", name="Anders"), by="praxis").done[0]

    def linking(other):
        return [{"type": "seealso", "other": {"reference": f"Patient/{other.id}"}}]

    own = write(patient(kvnr="", name="Muster", identifier=[], link=linking(first))).done[0]
    write(patient(kvnr="", identifier=[], link=linking(foreign)))

    assert world.do(lambda tx: tx.linked([first.number]))[first.number] == (
        first.number,
        own.number,
    )
    assert world.do(lambda tx: tx.linked([foreign.number]))[foreign.number] == (foreign.number,)


def test_a_removed_link_separates_the_records(world, write):
    first = write(patient(identifier=[])).done[0]
    link = [{"type": "seealso", "other": {"reference": f"Patient/{first.id}"}}]
    second = write(patient(identifier=[], link=link)).done[0]
    assert len(world.do(lambda tx: tx.linked([first.number]))[first.number]) == 2

    write({**patient(identifier=[]), "id": second.id}, method="PUT")

    assert world.do(lambda tx: tx.linked([first.number]))[first.number] == (first.number,)


def test_what_belongs_to_a_patient_is_sealed_with_its_key_and_goes_with_it(world, write):
    whose = write(patient()).done[0]
    measured = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": f"Patient/{whose.id}"},
    }

    observation = write(measured).done[0]

    rows = dict(world.query("SELECT resource, subject FROM resource"))
    assert rows[observation.number] == rows[whose.number]
    patients = {row[0] for row in world.query("SELECT patient FROM resource")}
    assert patients == {whose.number}


def test_a_reference_to_a_patient_nobody_knows_is_kept_as_it_is(world, write):
    measured = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": "Patient/nobody"},
    }

    done = write(measured, sight={("Patient", "nobody"): False}).done[0]

    assert done.patient == 0
    assert load(done.body)["subject"] == {"reference": "Patient/nobody"}


def test_a_corrected_subject_moves_what_was_measured(world, write):
    first, second = write(patient()).done[0], write(patient(identifier=[], name="Zwei")).done[0]
    measured = {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "weight"},
        "subject": {"reference": f"Patient/{first.id}"},
    }
    done = write(measured).done[0]

    moved = {**measured, "id": done.id, "subject": {"reference": f"Patient/{second.id}"}}
    write(moved, method="PUT")

    ((owner, subject),) = world.query(
        "SELECT patient, subject FROM resource WHERE resource = ?", done.number
    )
    assert owner == second.number
    ((key,),) = world.query("SELECT subject FROM resource WHERE resource = ?", second.number)
    assert subject == key


def test_what_a_caller_writes_goes_when_its_time_is_over(world, write):
    whose = write(patient()).done[0]
    write({**patient(), "id": whose.id, "gender": "female"}, method="PUT")
    kept = write(patient(identifier=[], name="Kept")).done[0]
    world.do(
        lambda tx: tx.unit.db.execute(
            "UPDATE resource SET retain_until = ? WHERE resource = ?", (2**60, kept.number)
        )
    )

    retention.run(world.store, world.site, now=2**59)

    left = {row[0] for row in world.query("SELECT resource FROM resource")}
    assert whose.number not in left
    assert kept.number in left
    assert world.query("SELECT count(*) FROM version")[0][0] == 0
    assert world.query("SELECT count(*) FROM patient_kvnr")[0][0] == 0


def test_a_message_finds_what_its_sender_wrote_before(world, write):
    local = {"system": "https://kis.example/patients", "value": "P77"}
    known = write(patient(identifier=[local]), by="praxis").done[0]
    sent = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "resource": {
                    "resourceType": "Patient",
                    "identifier": [local],
                    "name": [{"family": "Muster", "given": ["Anna"]}],
                    "gender": "female",
                },
                "request": {
                    "method": "PUT",
                    "url": f"Patient?identifier={local['system']}|{local['value']}",
                },
            }
        ],
    }

    world.record(
        world.item(json.dumps(sent).encode(), endpoint="pvs", control="c", format="fhir_r4")
    )

    rows = world.query("SELECT resource, version FROM resource WHERE type = 'Patient'")
    assert list(map(tuple, rows)) == [(known.number, 2)]


def test_a_refused_write_leaves_only_its_evidence(world, write):
    before = world.query("SELECT count(*) FROM audit_event")[0][0]

    done = write({**patient(), "id": "x"}, method="PUT", sight={("Patient", "x"): False}).done[0]

    assert done.status == 404
    assert world.query("SELECT count(*) FROM resource")[0][0] == 0
    assert world.query("SELECT count(*) FROM audit_event")[0][0] == before + 1
