"""A day of a practice with clients we did not write: fhirpy and SMART's fhirclient.

Create, read, update, search, page, transaction, history, patch, delete; conditional on the way.
"""

from __future__ import annotations

import uuid

import pytest
from fhirclient import client as smart
from fhirclient.models import (
    bundle,
    codeableconcept,
    fhirreference,
    humanname,
    identifier,
    observation,
    patient,
)
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome, ResourceNotFound
from requests.exceptions import HTTPError

PRACTICE = "praxis-weber"


@pytest.fixture
def practice(told):
    """A fhirpy client of the practice."""
    gateway = told.gateway
    return SyncFHIRClient(gateway.fhir, authorization=gateway.bearer(PRACTICE)["Authorization"])


@pytest.fixture
def server(told):
    """A fhirclient server of the practice."""
    made = smart.FHIRClient({"app_id": "interop", "api_base": told.gateway.fhir}).server
    made.session.headers.update(told.gateway.bearer(PRACTICE))
    yield made
    made.session.close()


@pytest.fixture
def system():
    """An identifier system of this test's own."""
    return f"https://praxis-weber.example/{uuid.uuid4()}"


def test_a_day_with_fhirpy(practice, system):
    person = practice.resource(
        "Patient",
        identifier=[{"system": system, "value": "1"}],
        name=[{"family": "Öhlschläger", "given": ["Hildegard"]}],
    )
    person.save()
    assert person.id
    assert person.meta.versionId == "1"

    person["birthDate"] = "1951-05-02"
    person.save()
    assert person.meta.versionId == "2"
    person.patch(gender="female")
    assert person.gender == "female"

    for number in range(5):
        practice.resource(
            "Observation",
            status="final",
            code={"text": "weight"},
            subject=person.to_reference(),
            valueQuantity={"value": 70 + number, "unit": "kg"},
        ).save()
    found = practice.resources("Observation").search(patient=person.id)
    assert found.count() == 5
    assert len(found.limit(2).fetch_all()) == 5
    assert len(list(found.limit(2))) == 5

    read = practice.reference("Patient", person.id).to_resource()
    assert read.name[0].family == "Öhlschläger"
    history = practice.execute(f"Patient/{person.id}/_history", method="get")
    assert [one["resource"]["meta"]["versionId"] for one in history["entry"]] == ["3", "2", "1"]

    for weighed in found.fetch_all():
        weighed.delete()
    person.delete()
    with pytest.raises(ResourceNotFound):
        practice.reference("Patient", person.id).to_resource()


def test_a_transaction_and_conditions_with_fhirpy(practice, system):
    url = f"urn:uuid:{uuid.uuid4()}"
    sent = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": url,
                "resource": {
                    "resourceType": "Patient",
                    "identifier": [{"system": system, "value": "1"}],
                },
                "request": {
                    "method": "POST",
                    "url": "Patient",
                    "ifNoneExist": f"identifier={system}|1",
                },
            },
            {
                "resource": {
                    "resourceType": "Observation",
                    "status": "final",
                    "code": {"text": "weight"},
                    "subject": {"reference": url},
                },
                "request": {"method": "POST", "url": "Observation"},
            },
        ],
    }

    for _ in range(2):
        answer = practice.execute("", method="post", data=sent)
        assert answer["type"] == "transaction-response"

    (person,) = practice.resources("Patient").search(identifier=f"{system}|1").fetch_all()
    assert practice.resources("Observation").search(patient=person.id).count() == 2

    again, made = (
        practice.resources("Patient")
        .search(identifier=f"{system}|1")
        .get_or_create(practice.resource("Patient", identifier=[{"system": system, "value": "1"}]))
    )
    assert (again.id, made) == (person.id, False)
    changed, made = (
        practice.resources("Patient")
        .search(identifier=f"{system}|1")
        .update(
            practice.resource(
                "Patient", identifier=[{"system": system, "value": "1"}], birthDate="1951-05-02"
            )
        )
    )
    assert (changed.id, made) == (person.id, False)
    patched = practice.resources("Patient").search(identifier=f"{system}|1").patch(gender="female")
    assert patched.gender == "female"


def test_what_is_wrong_is_told_to_fhirpy(practice):
    with pytest.raises(OperationOutcome):
        practice.resource("Patient", gender="woman").save()
    with pytest.raises(ResourceNotFound):
        practice.resource("Patient", id="nobody").save()


def test_a_day_with_fhirclient(server, system):
    person = patient.Patient(
        {"identifier": [identifier.Identifier({"system": system, "value": "1"}).as_json()]}
    )
    answer = person.create(server)
    person = patient.Patient.read(answer["id"], server)

    name = humanname.HumanName()
    name.family, name.given = "Öhlschläger", ["Hildegard"]
    person.name = [name]
    person.update(server)
    assert patient.Patient.read(person.id, server).name[0].family == "Öhlschläger"

    for _ in range(3):
        weighed = observation.Observation()
        weighed.status = "final"
        weighed.code = codeableconcept.CodeableConcept({"text": "weight"})
        weighed.subject = fhirreference.FHIRReference({"reference": f"Patient/{person.id}"})
        weighed.create(server)
    search = observation.Observation.where({"patient": person.id, "_count": "1"})
    assert len(list(search.perform_resources_iter(server))) == 3

    history = bundle.Bundle(server.request_json(f"Patient/{person.id}/_history"))
    assert [one.response.status for one in history.entry] == ["200", "201"]

    for one in observation.Observation.where({"patient": person.id}).perform_resources_iter(server):
        one.delete(server)
    person.delete(server)
    search = observation.Observation.where({"patient": person.id})
    assert list(search.perform_resources_iter(server)) == []
    with pytest.raises(HTTPError):
        patient.Patient.read(person.id, server)
