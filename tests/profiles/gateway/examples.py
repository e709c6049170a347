"""One resource per profile that satisfies it, and a way to spoil it."""

from __future__ import annotations

import copy
import re
from typing import Any

from profiles.gateway import PROFILES

Json = dict[str, Any]

V2 = "http://terminology.hl7.org/CodeSystem/v2-"
CORE = "http://hl7.org/fhir/StructureDefinition/"
OWN = "https://region-gateway.example/fhir/StructureDefinition/"
PID = {"system": "https://klinikum.example/sid/pid", "value": "4711"}
KVNR = {"system": "http://fhir.de/sid/gkv/kvid-10", "value": "A123456780"}
ANNA = {"reference": "Patient/anna"}
DOCTOR = {"identifier": {"system": "https://klinikum.example/sid/arzt", "value": "100001"}}
HOUSE = {"identifier": {"system": "http://fhir.de/sid/arge-ik/iknr", "value": "260510007"}}
HBA1C = {"coding": [{"system": "http://loinc.org", "code": "4548-4"}]}
MOVEMENT = {"system": "https://klinikum.example/sid/bewegung", "value": "1"}
SHA = "ab" * 32


def _coded(system: str, code: str, **members: Any) -> Json:
    return {"coding": [{"system": system, "code": code, **members}]}


def _diagnosis() -> Json:
    return _coded(
        "http://fhir.de/CodeSystem/bfarm/icd-10-gm",
        "J44.19",
        version="2026",
        extension=[
            _mark("icd-10-gm-diagnosesicherheit", "G"),
            _mark("seitenlokalisation", "L"),
            _mark("icd-10-gm-mehrfachcodierungs-kennzeichen", "†"),
        ],
    )


def _mark(name: str, code: str) -> Json:
    return {
        "url": f"http://fhir.de/StructureDefinition/{name}",
        "valueCoding": {"system": "https://codes.example", "code": code},
    }


_DOSE = {"value": 1, "unit": "mg", "system": "http://unitsofmeasure.org", "code": "mg"}
_PZN = _coded("http://fhir.de/CodeSystem/ifa/pzn", "02859353")

EXAMPLES: dict[str, Json] = {
    "Medication": {
        "identifier": [PID],
        "code": _PZN,
        "amount": {"numerator": _DOSE, "denominator": {"value": 1}},
    },
    "MedicationRequest": {
        "identifier": [PID],
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": _PZN,
        "subject": ANNA,
        "requester": DOCTOR,
        "dosageInstruction": [{"doseAndRate": [{"doseQuantity": _DOSE}]}],
    },
    "MedicationDispense": {
        "identifier": [PID],
        "status": "completed",
        "medicationCodeableConcept": _PZN,
        "subject": ANNA,
        "performer": [{"actor": DOCTOR}],
        "quantity": _DOSE,
        "whenHandedOver": "2026-11-20",
    },
    "MedicationAdministration": {
        "identifier": [PID],
        "status": "not-done",
        "statusReason": [{"text": "Patient lehnt ab"}],
        "medicationCodeableConcept": _PZN,
        "subject": ANNA,
        "effectiveDateTime": "2026-11-20",
        "performer": [{"actor": DOCTOR}],
    },
    "Immunization": {
        "identifier": [PID],
        "status": "not-done",
        "statusReason": {"text": "Eltern lehnen ab"},
        "vaccineCode": _PZN,
        "patient": ANNA,
        "occurrenceDateTime": "2026-11-20",
        "doseQuantity": _DOSE,
        "performer": [{"actor": DOCTOR}],
    },
    "Patient": {
        "identifier": [PID, KVNR, {**KVNR, "system": "http://fhir.de/sid/pkv/kvid-10"}],
        "name": [
            {
                "family": "von Öhlschläger",
                "_family": {
                    "extension": [{"url": f"{CORE}humanname-own-prefix", "valueString": "von"}]
                },
                "given": ["Anna"],
                "prefix": ["Dr."],
                "_prefix": [
                    {"extension": [{"url": f"{CORE}iso21090-EN-qualifier", "valueCode": "AC"}]}
                ],
            }
        ],
        "gender": "other",
        "_gender": {
            "extension": [
                {
                    "url": "http://fhir.de/StructureDefinition/gender-amtlich-de",
                    "valueCoding": {
                        "system": "http://fhir.de/CodeSystem/gender-amtlich-de",
                        "code": "D",
                    },
                }
            ]
        },
        "birthDate": "1950-03-02",
        "_birthDate": {
            "extension": [
                {"url": f"{CORE}patient-birthTime", "valueDateTime": "1950-03-02T04:05:00+01:00"}
            ]
        },
        "address": [
            {
                "type": "both",
                "line": ["Ring 1"],
                "_line": [
                    {
                        "extension": [
                            {"url": f"{CORE}iso21090-ADXP-streetName", "valueString": "Ring"},
                            {"url": f"{CORE}iso21090-ADXP-houseNumber", "valueString": "1"},
                        ]
                    }
                ],
                "postalCode": "06484",
                "city": "Quedlinburg",
                "country": "DE",
            }
        ],
        "generalPractitioner": [DOCTOR],
        "active": False,
        "link": [{"other": {"reference": "Patient/berta"}, "type": "replaced-by"}],
    },
    "RelatedPerson": {"patient": ANNA, "name": [{"family": "Öhlschläger"}]},
    "Practitioner": {
        "identifier": [
            {
                "system": "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR",
                "value": "123456601",
            },
            {"system": "https://gematik.de/fhir/sid/telematik-id", "value": "1-20012345"},
        ],
        "name": [{"family": "Weber"}],
    },
    "PractitionerRole": {"practitioner": DOCTOR, "organization": HOUSE},
    "Organization": {
        "identifier": [
            HOUSE["identifier"],
            {"system": "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_BSNR", "value": "123456700"},
        ],
        "partOf": HOUSE,
    },
    "Location": {"name": "Station 3", "managingOrganization": HOUSE},
    "Encounter": {
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"},
        "type": [_coded("http://fhir.de/CodeSystem/Kontaktebene", "einrichtungskontakt")],
        "subject": ANNA,
        "extension": [{"url": f"{OWN}encounter-movement-cancelled", "valueIdentifier": MOVEMENT}],
        "participant": [
            {
                "type": [
                    _coded("http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "ATND")
                ],
                "individual": DOCTOR,
            }
        ],
        "period": {"start": "2026-11-01T08:00:00+01:00", "end": "2026-11-03T08:00:00+01:00"},
        "diagnosis": [
            {
                "condition": {"reference": "Condition/copd"},
                "use": _coded("http://terminology.hl7.org/CodeSystem/diagnosis-role", "AD"),
            }
        ],
        "location": [
            {
                "location": {"identifier": {"system": "urn:wards", "value": "3"}},
                "status": "completed",
                "extension": [{"url": f"{OWN}encounter-movement", "valueIdentifier": MOVEMENT}],
            }
        ],
    },
    "Observation": {
        "status": "final",
        "code": HBA1C,
        "subject": ANNA,
        "performer": [HOUSE],
        "valueQuantity": {
            "value": 6,
            "unit": "%",
            "system": "http://unitsofmeasure.org",
            "code": "%",
        },
    },
    "DiagnosticReport": {
        "status": "final",
        "code": HBA1C,
        "subject": ANNA,
        "basedOn": [{"reference": "ServiceRequest/s"}],
        "result": [{"reference": "Observation/hba1c"}],
        "presentedForm": [{"contentType": "application/pdf", "url": "Binary/b"}],
    },
    "ServiceRequest": {
        "identifier": [PID],
        "requisition": PID,
        "status": "active",
        "intent": "order",
        "code": HBA1C,
        "subject": ANNA,
        "requester": DOCTOR,
        "extension": [
            {"url": f"{OWN}ordering-facility", "valueReference": HOUSE},
            {"url": f"{OWN}order-effective-time", "valueDateTime": "2026-11-01T08:00:00+01:00"},
        ],
    },
    "Condition": {
        "code": _diagnosis(),
        "subject": ANNA,
        "verificationStatus": _coded(
            "http://terminology.hl7.org/CodeSystem/condition-ver-status", "confirmed"
        ),
        "clinicalStatus": _coded(
            "http://terminology.hl7.org/CodeSystem/condition-clinical", "active"
        ),
    },
    "Procedure": {
        "status": "completed",
        "code": _coded("http://fhir.de/CodeSystem/bfarm/ops", "1-710", version="2026"),
        "subject": ANNA,
        "performer": [{"actor": DOCTOR}],
        "performedDateTime": "2026-11-02",
    },
    "AllergyIntolerance": {
        "patient": ANNA,
        "code": {"text": "Penicillin"},
        "clinicalStatus": _coded(
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "active"
        ),
    },
    "Coverage": {
        "status": "active",
        "beneficiary": ANNA,
        "type": _coded("http://fhir.de/CodeSystem/versicherungsart-de-basis", "GKV"),
        "payor": [HOUSE],
        "extension": [
            {
                "url": "http://fhir.de/StructureDefinition/gkv/versichertenart",
                "valueCoding": {"system": "https://codes.example", "code": "1"},
            }
        ],
    },
    "DocumentReference": {
        "masterIdentifier": PID,
        "status": "current",
        "type": _coded("http://loinc.org", "18842-5"),
        "subject": ANNA,
        "relatesTo": [{"code": "replaces", "target": {"identifier": PID}}],
        "content": [{"attachment": {"contentType": "application/pdf", "url": "Binary/b"}}],
    },
    "Specimen": {
        "identifier": [PID],
        "accessionIdentifier": PID,
        "type": {"text": "EDTA-Blut"},
        "subject": ANNA,
        "collection": {"collector": DOCTOR},
    },
    "Consent": {
        "status": "active",
        "scope": _coded("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy"),
        "category": [_coded("http://loinc.org", "59284-0")],
        "patient": ANNA,
        "dateTime": "2026-11-01",
        "organization": [HOUSE],
        "sourceReference": {"identifier": PID},
        "policy": [{"uri": "https://klinikum.example/sid/policy/attested-consent"}],
        "policyRule": {"text": "§ 39 (1a) SGB V"},
        "provision": {
            "type": "permit",
            "actor": [
                {
                    "role": _coded(
                        "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "IRCP"
                    ),
                    "reference": HOUSE,
                }
            ],
        },
    },
    "Provenance": {
        "target": [{"reference": "Patient/anna/_history/1"}],
        "recorded": "2026-11-03T09:15:00Z",
        "policy": ["urn:region-gateway:mapping:2"],
        "activity": _coded(V2 + "0003", "A01"),
        "agent": [
            {
                "type": _coded(
                    "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
                    "assembler",
                ),
                "who": {
                    "type": "Device",
                    "identifier": {"system": "urn:region-gateway:build", "value": "0.1.0"},
                },
            }
        ],
        "entity": [
            {
                "role": "source",
                "what": {"identifier": {"system": "urn:oid:2.16.840.1.101.3.4.2.1", "value": SHA}},
            },
            {
                "role": "source",
                "what": {
                    "identifier": {"system": "urn:region-gateway:message", "value": "adt/4711"}
                },
            },
        ],
    },
    "AuditEvent": {
        "type": {"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "110107"},
        "subtype": [
            {
                "system": "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle",
                "code": "receive",
            }
        ],
        "action": "C",
        "recorded": "2026-11-03T09:15:00Z",
        "outcome": "0",
        "agent": [
            {
                "type": _coded("http://dicom.nema.org/resources/ontology/DCM", "110153"),
                "who": HOUSE,
                "requestor": True,
            }
        ],
        "source": {
            "observer": {"reference": "Device/gateway"},
            "type": [
                {
                    "system": "http://terminology.hl7.org/CodeSystem/security-source-type",
                    "code": "4",
                }
            ],
        },
        "entity": [
            {
                "what": {"identifier": {"system": "urn:region-gateway:message", "value": "4711"}},
                "type": {
                    "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
                    "code": "2",
                },
                "detail": [{"type": "sha256", "valueString": SHA}],
            },
            {
                "what": ANNA,
                "type": {
                    "system": "http://terminology.hl7.org/CodeSystem/audit-entity-type",
                    "code": "1",
                },
                "role": {
                    "system": "http://terminology.hl7.org/CodeSystem/object-role",
                    "code": "1",
                },
            },
        ],
    },
    "Task": {
        "status": "requested",
        "intent": "order",
        "code": _coded("http://hl7.org/fhir/CodeSystem/task-code", "fulfill"),
        "focus": {"reference": "ServiceRequest/s"},
        "for": ANNA,
        "authoredOn": "2026-11-01T08:00:00+01:00",
        "lastModified": "2026-11-01T08:00:00+01:00",
        "requester": DOCTOR,
        "owner": HOUSE,
    },
    "Binary": {"contentType": "application/pdf", "data": "JVBERg=="},
    "Bundle": {
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a",
                "resource": {
                    "resourceType": "Binary",
                    "contentType": "text/plain",
                    "data": "QQ==",
                },
                "request": {"method": "POST", "url": "Binary"},
            },
            {
                "fullUrl": "urn:uuid:88f151c0-a954-468a-88bd-5ae15c08e059",
                "resource": {
                    "resourceType": "Organization",
                    "identifier": [PID],
                },
                "request": {"method": "PUT", "url": "Organization?identifier=urn:x|1"},
            },
        ],
    },
}


def example(kind: str) -> Json:
    """Return a resource of a type that claims and satisfies our profile."""
    base = {} if kind == "Bundle" else {"id": "example"}
    stated = copy.deepcopy(EXAMPLES[kind])
    return {"resourceType": kind, **base, "meta": {"profile": [PROFILES[kind]]}, **stated}


_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def spoiled(resource: Json, path: str, value: Any = None) -> Json:
    """Return a copy with another value at a path such as `name[0].family`; None removes it."""
    made = copy.deepcopy(resource)
    steps = [name or int(index) for name, index in _STEP.findall(path)]
    node: Any = made
    for step in steps[:-1]:
        if isinstance(step, str) and step not in node:
            node[step] = {}
        node = node[step]
    if value is None:
        del node[steps[-1]]
    elif isinstance(node, list) and steps[-1] == len(node):
        node.append(value)
    else:
        node[steps[-1]] = value
    return made
