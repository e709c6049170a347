"""Resources that validation is measured on: invented people in the detail of a German hospital."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from profiles.packages import Packages

#: Canonical URLs of ISiKPatient, by version of ISiK.
_ISIK_PATIENT = (
    "https://gematik.de/fhir/isik/StructureDefinition/ISiKPatient",
    "https://gematik.de/fhir/isik/v3/Basismodul/StructureDefinition/ISiKPatient",
)
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_TYPES = "http://fhir.de/CodeSystem/identifier-type-de-basis"

FULL_PATIENT: Final[dict[str, Any]] = {
    "resourceType": "Patient",
    "id": "aenne",
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Änne Töpfer-Weiß, geboren am '
        "14. März 1948, <b>Beispielhausen</b></p><table><tbody><tr><td>Telefon</td>"
        "<td>03643 000000</td></tr></tbody></table></div>",
    },
    "identifier": [
        {
            "use": "usual",
            "type": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
                ]
            },
            "system": "https://klinikum.example/sid/pid",
            "value": "0000471100",
            "period": {"start": "2001-05-06"},
            "assigner": {"display": "Klinikum Beispiel"},
        }
    ],
    "active": True,
    "name": [
        {"use": "official", "family": "Töpfer-Weiß", "given": ["Änne", "Luise"]},
        {"use": "maiden", "family": "Weiß", "period": {"end": "1972"}},
        {"use": "usual", "given": ["Änne"]},
    ],
    "telecom": [
        {"system": "phone", "value": "03643 000000", "use": "home", "rank": 1},
        {"system": "phone", "value": "0151 00000000", "use": "mobile", "rank": 2},
        {"use": "old", "system": "email", "value": "aenne@example.org"},
    ],
    "gender": "female",
    "birthDate": "1948-03-14",
    "deceasedBoolean": False,
    "address": [
        {
            "use": "home",
            "type": "both",
            "text": "Lindenweg 12a, 99999 Beispielhausen",
            "line": ["Lindenweg 12a"],
            "city": "Beispielhausen",
            "postalCode": "99999",
            "country": "DE",
            "period": {"start": "1974-12-25"},
        }
    ],
    "contact": [
        {
            "relationship": [
                {
                    "coding": [
                        {"system": "http://terminology.hl7.org/CodeSystem/v2-0131", "code": "N"}
                    ]
                }
            ],
            "name": {"family": "Töpfer", "given": ["Karl"]},
            "telecom": [{"system": "phone", "value": "03643 000099"}],
            "gender": "male",
            "period": {"start": "2012"},
        }
    ],
    "managingOrganization": {"reference": "Organization/1"},
}

#: A patient as ISiK profiles it: name and address with their parts, insured by a GKV.
ISIK_PATIENT: Final[dict[str, Any]] = {
    "resourceType": "Patient",
    "id": "aenne-isik",
    "text": FULL_PATIENT["text"],
    "identifier": [
        {
            "type": {
                "coding": [
                    {"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}
                ]
            },
            "system": "https://klinikum.example/sid/pid",
            "value": "0000471100",
        },
        {
            "type": {"coding": [{"system": _TYPES, "code": "GKV"}]},
            "system": "http://fhir.de/sid/gkv/kvid-10",
            "value": "A000500015",
        },
    ],
    "active": True,
    "name": [
        {
            "use": "official",
            "family": "von Töpfer-Weiß",
            "_family": {
                "extension": [
                    {"url": f"{_CORE}humanname-own-prefix", "valueString": "von"},
                    {"url": f"{_CORE}humanname-own-name", "valueString": "Töpfer-Weiß"},
                ]
            },
            "given": ["Änne", "Luise"],
        },
        {
            "use": "maiden",
            "family": "Weiß",
            "_family": {
                "extension": [{"url": f"{_CORE}humanname-own-name", "valueString": "Weiß"}]
            },
        },
    ],
    "gender": "female",
    "birthDate": "1948-03-14",
    "address": [
        {
            "type": "both",
            "line": ["Lindenweg 12a"],
            "_line": [
                {
                    "extension": [
                        {"url": f"{_CORE}iso21090-ADXP-streetName", "valueString": "Lindenweg"},
                        {"url": f"{_CORE}iso21090-ADXP-houseNumber", "valueString": "12a"},
                    ]
                }
            ],
            "city": "Beispielhausen",
            "postalCode": "99999",
            "country": "DE",
        }
    ],
}


def isik_profile(packages: Packages) -> str:
    """Return the canonical URL of ISiKPatient; "" when no package has it."""
    at_hand = (url for url in _ISIK_PATIENT if (found := packages.find(url)) and found.exact)
    return next(at_hand, "")


def laboratory_bundle(entries: int) -> dict[str, Any]:
    """Make a transaction of laboratory results."""
    made = []
    for number in range(entries):
        value = {
            "value": 7.5 + number / 100,
            "unit": "mmol/l",
            "system": "http://unitsofmeasure.org",
            "code": "mmol/L",
        }
        observation = {
            "resourceType": "Observation",
            "status": "final",
            "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
            "subject": {"reference": "Patient/aenne"},
            "effectiveDateTime": "2026-11-03T10:45:00+01:00",
            "valueQuantity": value,
        }
        made.append(
            {
                "fullUrl": f"urn:uuid:00000000-0000-4000-8000-{number:012d}",
                "resource": observation,
                "request": {"method": "POST", "url": "Observation"},
            }
        )
    return {"resourceType": "Bundle", "type": "transaction", "entry": made}
