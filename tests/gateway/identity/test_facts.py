from __future__ import annotations

from gateway.identity.facts import KnownPatient, facts_of

KVID = "http://fhir.de/sid/gkv/kvid-10"


def test_facts_are_those_in_force():
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [
            {"system": "https://klinikum.example/patient", "value": "1"},
            {"system": KVID, "value": "A123456780", "use": "old"},
            {"system": KVID, "value": " t987654328"},
        ],
        "name": [
            {"use": "maiden", "family": "Weiß"},
            {"use": "old", "family": "Huber", "given": ["Änne"]},
            {"use": "official", "family": "von Töpfer-Weiß", "given": ["Änne", "Luise"]},
        ],
        "birthDate": "1948-03-14",
    }
    assert facts_of(patient) == KnownPatient(
        "p", "T987654328", "1948-03-14", "von Töpfer-Weiß", "Änne Luise", "Weiß"
    )


def test_a_patient_about_whom_nothing_is_known_has_empty_facts():
    assert facts_of({"resourceType": "Patient", "id": "p"}) == KnownPatient("p")
    assert facts_of({"id": "p", "name": [{"use": "old", "family": "Huber"}]}) == KnownPatient("p")


def test_a_name_without_use_counts_before_none():
    assert facts_of({"name": [{"use": "nickname", "family": "B"}, {"family": "A"}]}).family == "A"
