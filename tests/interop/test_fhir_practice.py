"""The practice is a FHIR server we did not write: Medplum's router, repository and validator.

It validates every resource against the R4 definitions before it stores it, so what it took was
conformant in its eyes too.
"""

from __future__ import annotations

import base64

import httpx
import pytest

PATIENTS = "https://klinikum-am-ring.example/patienten"
NUMBER = "8800417"
URI = "urn:ietf:rfc:3986"
WRITES = {"praxis-weber": "conditional", "praxis-lenz": "put"}


@pytest.fixture(scope="module")
def corrected(delivering, records, eventually):
    """Two letters and the correction of one, all delivered to both practices."""
    message = (records / "05_corrected_letter_t08.hl7").read_bytes()
    (ack,) = delivering.gateway.mllp_send(message)
    assert str(ack.segment("MSA")[1]) == "CA"

    def states():
        listed = [one for endpoint in WRITES for one in delivering.gateway.deliveries(endpoint)]
        return [one["state"] for one in listed if one["route"] == "entlassbriefe"]

    eventually(lambda: states() == 6 * ["delivered"])
    assert states() == 6 * ["delivered"]
    return delivering.gateway


@pytest.fixture(params=WRITES, ids=WRITES.values())
def practice(request, practices, corrected):
    """A practice that has received the letters, asked over its own FHIR interface."""
    return Practice(f"http://127.0.0.1:{practices[request.param]}/fhir")


class Practice:
    def __init__(self, base):
        self.base = base

    def find(self, query):
        answer = httpx.get(f"{self.base}/{query}").raise_for_status().json()
        return [entry["resource"] for entry in answer.get("entry", [])]

    def read(self, reference):
        return httpx.get(f"{self.base}/{reference}").raise_for_status().json()

    def patient(self):
        (patient,) = self.find(f"Patient?identifier={PATIENTS}|{NUMBER}")
        return patient

    def letters(self):
        """The first letter and its correction."""
        found = self.find(f"DocumentReference?subject=Patient/{self.patient()['id']}")
        return sorted(found, key=lambda letter: letter["date"])


def test_the_practice_finds_its_patient_by_the_hospitals_number(practice):
    patient = practice.patient()

    assert patient["name"][0]["family"] == "Öhlschläger"
    assert patient["birthDate"] == "1951-05-02"
    assert "H512605190" in [identifier["value"] for identifier in patient["identifier"]]


def test_the_practice_reads_letter_author_stay_and_pdf_by_its_own_references(practice):
    letter = practice.letters()[-1]

    assert practice.read(letter["subject"]["reference"]) == practice.patient()
    assert practice.read(letter["author"][0]["reference"])["name"][0]["family"] == "Albers"
    stay = practice.read(letter["context"]["encounter"][0]["reference"])
    assert stay["subject"]["reference"] == letter["subject"]["reference"]
    pdf = practice.read(letter["content"][0]["attachment"]["url"])
    assert base64.b64decode(pdf["data"]).startswith(b"%PDF-")


def test_a_correction_replaces_the_letter_the_practice_has(practice):
    first, correction = practice.letters()

    assert correction["relatesTo"][0]["target"]["reference"] == f"DocumentReference/{first['id']}"
    assert (first["status"], correction["status"]) == ("superseded", "current")


def test_three_letters_leave_one_of_everything_they_share(practice):
    numbers = [
        next(one["value"] for one in patient["identifier"] if one["system"] == PATIENTS)
        for patient in practice.find("Patient")
    ]

    assert len(numbers) == len(set(numbers)) == 2
    assert len(practice.find("Encounter")) == 2
    assert len(practice.find("DocumentReference")) == len(practice.find("Binary")) == 3
    authors = [one["identifier"][0] for one in practice.find("Practitioner")]
    assert len(authors) == len({(one["system"], one["value"]) for one in authors})


def test_the_gateways_identifier_survives_the_exchange_of_full_urls(practice):
    for resource in (practice.patient(), *practice.letters()):
        own = [i["value"] for i in resource["identifier"] if i["system"] == URI]
        assert [value.startswith("urn:uuid:") for value in own] == [True]
        (found,) = practice.find(f"{resource['resourceType']}?identifier={URI}|{own[0]}")
        assert found["id"] == resource["id"]


def test_a_refusal_of_the_practice_is_final_and_a_person_is_told(corrected, eventually):
    """Medplum takes at most eight entries where a condition asks for strict isolation."""

    def reports():
        listed = corrected.deliveries("praxis-weber")
        return [one for one in listed if one["route"] == "laborbefunde"]

    eventually(lambda: all(one["state"] == "dead" for one in reports()))
    assert [(one["state"], one["attempts"]) for one in reports()] == 2 * [("dead", 1)]
    told = {one["number"] for one in corrected.command("worklist") if one["kind"] == "delivery"}
    assert told == {one["delivery"] for one in reports()}
