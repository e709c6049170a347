"""Fixtures of the FHIRPath tests."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

# The suites' runner is a program as well, beside the tests.
sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def patient():
    """A synthetic patient of a German practice."""
    return {
        "resourceType": "Patient",
        "id": "erika",
        "active": True,
        "identifier": [{"system": "http://fhir.de/sid/gkv/kvid-10", "value": "X110411675"}],
        "name": [
            {"use": "official", "family": "Mustermann", "given": ["Erika", "Marie"]},
            {"use": "maiden", "family": "Gabler", "_family": {"id": "f1"}},
            {"use": "nickname", "given": ["Rike"]},
        ],
        "gender": "female",
        "birthDate": "1964-08",
        "_birthDate": {
            "extension": [
                {
                    "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
                    "valueCode": "unknown",
                }
            ]
        },
        "contact": [{"name": {"family": "Mustermann"}, "gender": "male"}],
        "contained": [{"resourceType": "Organization", "id": "kasse", "name": "AOK Beispiel"}],
        "managingOrganization": {"reference": "#kasse"},
    }
