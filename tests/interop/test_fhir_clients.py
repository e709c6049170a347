"""FHIR clients we did not write read what the hospital sent: fhirpy and SMART's fhirclient.

fhirclient builds its own R4 models of whatever arrives and refuses what does not fit them.
"""

from __future__ import annotations

import pytest
from fhirclient import client as smart
from fhirclient.models import capabilitystatement, documentreference, encounter, patient
from fhirclient.server import FHIRNotFoundException
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, OperationOutcome, ResourceNotFound

PATIENTS = "https://klinikum-am-ring.example/patienten"
NUMBER = f"{PATIENTS}|8800417"
#: The stay as a whole; department and ward contacts are parts of it.
STAY = "http://fhir.de/CodeSystem/Kontaktebene|einrichtungskontakt"


@pytest.fixture
def fhirpy(told):
    """Make a fhirpy client for an organization."""

    def connect(organization):
        gateway = told.gateway
        return SyncFHIRClient(
            gateway.fhir, authorization=gateway.bearer(organization)["Authorization"]
        )

    return connect


@pytest.fixture
def server(told):
    """Make a fhirclient server for an organization."""
    opened = []

    def connect(organization):
        made = smart.FHIRClient({"app_id": "interop", "api_base": told.gateway.fhir}).server
        made.session.headers.update(told.gateway.bearer(organization))
        opened.append(made.session)
        return made

    yield connect
    for session in opened:
        session.close()


@pytest.fixture
def known(fhirpy):
    """The patient as the hospital reads it."""
    return fhirpy("klinikum").resources("Patient").search(identifier=NUMBER).get()


def test_fhirclient_reads_a_capability_statement_of_r4(server):
    statement = capabilitystatement.CapabilityStatement.read_from("metadata", server("klinikum"))

    assert statement.fhirVersion == "4.0.1"
    offered = {one.type: one for one in statement.rest[0].resource}
    assert {"read", "vread", "search-type", "create", "update", "patch", "delete"} <= {
        one.code for one in offered["Patient"].interaction
    }


def test_fhirclient_reads_patient_stay_and_letter_into_its_own_models(server, known):
    hospital = server("klinikum")

    read = patient.Patient.read(known.id, hospital)
    stays = list(encounter.Encounter.where({"patient": known.id}).perform_resources_iter(hospital))
    letters = list(
        documentreference.DocumentReference.where(
            {"patient": known.id, "type": "http://loinc.org|18842-5"}
        ).perform_resources_iter(hospital)
    )

    assert read.name[0].family == "Öhlschläger"
    assert read.birthDate.isostring == "1951-05-02"
    levels = [(stay.type[0].coding[0].code, stay.status) for stay in stays]
    assert sorted(levels) == [
        ("abteilungskontakt", "finished"),
        ("einrichtungskontakt", "finished"),
        ("versorgungsstellenkontakt", "finished"),
    ]
    assert [letter.status for letter in letters] == ["current"]
    assert letters[0].subject.reference == f"Patient/{known.id}"


@pytest.mark.parametrize(
    "search",
    [
        {"identifier": NUMBER},
        {"identifier": "http://fhir.de/sid/gkv/kvid-10|H512605190"},
        {"family": "Öhlschläger"},
        {"family": "ohlsch"},
        {"name": "Hildegard", "birthdate": "1951-05-02"},
        {"birthdate": ["ge1951-05-01", "lt1951-06-01"]},
    ],
)
def test_fhirpy_finds_one_patient(fhirpy, known, search):
    found = fhirpy("klinikum").resources("Patient").search(**search).fetch_all()

    assert [one.id for one in found] == [known.id]


def test_fhirpy_follows_the_pages_of_a_search(fhirpy, known):
    results = fhirpy("klinikum").resources("Observation").search(patient=known.id)

    whole = results.fetch_all()
    paged = results.limit(1).fetch_all()

    assert len(whole) > 2
    assert [one.id for one in paged] == [one.id for one in whole]
    assert {one.subject.reference for one in whole} == {f"Patient/{known.id}"}


def test_fhirpy_reads_every_version_of_a_stay(fhirpy, known):
    hospital = fhirpy("klinikum")
    stay = hospital.resources("Encounter").search(patient=known.id, type=STAY).get()
    last = int(stay.meta.versionId)

    versions = [
        hospital.execute(f"Encounter/{stay.id}/_history/{number}", method="get")
        for number in range(1, last + 1)
    ]

    assert [one.meta.versionId for one in versions] == [str(n) for n in range(1, last + 1)]
    assert versions[0].status == "in-progress"
    assert versions[-1].status == "finished"


def test_fhirpy_resolves_a_reference_the_gateway_wrote(fhirpy, known):
    stay = fhirpy("klinikum").resources("Encounter").search(patient=known.id, type=STAY).get()

    assert stay.subject.to_resource().id == known.id


def test_the_practice_sees_what_its_patient_consented_to(fhirpy, known):
    practice = fhirpy("praxis-weber")

    assert practice.reference("Patient", known.id).to_resource().name[0].family == "Öhlschläger"
    letters = practice.resources("DocumentReference").search(patient=known.id).fetch_all()
    assert len(letters) == 1


def test_the_agency_the_patient_refused_sees_nothing(fhirpy, server, known):
    agency = fhirpy("sozialberatung")

    assert agency.resources("Patient").search(identifier=NUMBER).fetch_all() == []
    assert agency.resources("Patient").search(family="Öhlschläger").fetch_all() == []
    assert agency.resources("Observation").search(patient=known.id).fetch_all() == []
    with pytest.raises(ResourceNotFound):
        agency.reference("Patient", known.id).to_resource()
    with pytest.raises(FHIRNotFoundException):
        patient.Patient.read(known.id, server("sozialberatung"))


def test_a_stranger_is_asked_who_it_is(told):
    stranger = SyncFHIRClient(told.gateway.fhir, authorization="Bearer falsch")

    with pytest.raises(AuthorizationError):
        stranger.resources("Patient").fetch()


def test_a_search_nobody_defined_is_refused_where_the_client_insists(told):
    strict = SyncFHIRClient(
        told.gateway.fhir,
        authorization=told.gateway.bearer("klinikum")["Authorization"],
        extra_headers={"Prefer": "handling=strict"},
    )

    with pytest.raises(OperationOutcome) as refused:
        strict.resources("Patient").search(shoesize="43").fetch()
    assert refused.value.resource["issue"][0]["code"] == "not-supported"
