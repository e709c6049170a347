"""The practice is a FHIR server we did not write: Medplum's router, repository and validator.

It validates every resource against the R4 definitions before it stores it, so what it took was
conformant in its eyes too.
"""

from __future__ import annotations

import base64
import subprocess
import sys

import httpx
import pytest

PATIENTS = "https://klinikum-am-ring.example/patienten"
NUMBER = "8800417"
URI = "urn:ietf:rfc:3986"
JSON = {"Content-Type": "application/fhir+json"}
#: Endpoint → how it is written to, and where it stands in medplum/server.mjs.
WRITES = {"praxis-weber": "conditional", "praxis-lenz": "put"}
PLACES = {"praxis-weber": "weber/batch", "praxis-lenz": "lenz/transaction"}


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
    return Practice(f"http://127.0.0.1:{practices}/{PLACES[request.param]}/fhir")


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


def test_results_are_stored_where_they_fit_and_a_refusal_elsewhere_is_told_a_person(
    corrected, practices, eventually
):
    """One practice takes at most eight entries beside a condition: final, not to be retried."""

    def reports(endpoint):
        listed = corrected.deliveries(endpoint)
        found = [one for one in listed if one["route"] == "laborbefunde"]
        return [(one["state"], one["attempts"]) for one in found]

    eventually(lambda: reports("praxis-kunz") == 2 * [("dead", 1)])

    assert reports("praxis-kunz") == 2 * [("dead", 1)]
    assert reports("praxis-weber") == 2 * [("delivered", 1)]
    assert len(Practice(f"http://127.0.0.1:{practices}/weber/batch/fhir").find("Observation")) == 6
    assert not Practice(f"http://127.0.0.1:{practices}/kunz/transaction/fhir").find("Patient")
    worklist = [one for one in corrected.command("worklist") if one["kind"] == "delivery"]
    assert {one["endpoint"] for one in worklist} == {"praxis-kunz"}


def test_what_convert_writes_is_taken_as_it_is_and_again_without_doubles(
    practices, records, tmp_path
):
    """`gateway convert` promises Bundles a FHIR server can take; Provenance is made each time."""
    base = f"http://127.0.0.1:{practices}/someone/batch/fhir"
    letter = tmp_path / "letter.json"
    source = records / "04_discharge_letter_t02.hl7"
    command = [sys.executable, "-m", "gateway", "convert", source, "--output", letter]
    subprocess.run(command, check=True, capture_output=True)

    for _ in range(2):
        taken = httpx.post(base, content=letter.read_bytes(), headers=JSON)
        assert {e["response"]["status"][0] for e in taken.json()["entry"]} == {"2"}

    practice = Practice(base)
    counts = {kind: len(practice.find(kind)) for kind in ("Patient", "Encounter", "Practitioner")}
    assert counts == {"Patient": 1, "Encounter": 1, "Practitioner": 3}
    assert len(practice.find("DocumentReference")) == 1
