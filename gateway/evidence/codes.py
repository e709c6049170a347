"""Codings that audit events and provenance use, with the displays the BALP patterns ask for.

IHE Basic Audit Log Patterns 1.1 (https://profiles.ihe.net/ITI/BALP), DICOM PS3.16 (DCM),
ISO 21089 record lifecycle. Triples of system, code, display; `coding` makes a fresh dict.
"""

from __future__ import annotations

from typing import Any

Code = tuple[str, str, str]

DCM = "http://dicom.nema.org/resources/ontology/DCM"
LIFECYCLE = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle"
INTERACTION = "http://hl7.org/fhir/restful-interaction"
DATA_OPERATION = "http://terminology.hl7.org/CodeSystem/v3-DataOperation"
PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
BALP = "https://profiles.ihe.net/ITI/BALP"
#: SHA-256 as an identifier system (its algorithm's object identifier).
SHA256 = "urn:oid:2.16.840.1.101.3.4.2.1"

#: Namespaces of this gateway's own identifiers.
MESSAGE = "urn:region-gateway:message"
DELIVERY = "urn:region-gateway:delivery"
ROUTE = "urn:region-gateway:route"
BUILD = "urn:region-gateway:build"
MAPPING = "urn:region-gateway:mapping"
ACT = "urn:region-gateway:administrative-act"

REST: Code = (
    "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "rest",
    "Restful Operation",
)
IMPORT: Code = (DCM, "110107", "Import")
EXPORT: Code = (DCM, "110106", "Export")
SECURITY_ALERT: Code = (DCM, "110113", "Security Alert")
PATIENT_RECORD: Code = (DCM, "110110", "Patient Record")
APPLICATION_ACTIVITY: Code = (DCM, "110100", "Application Activity")
AUDIT_LOG_USED: Code = (DCM, "110101", "Audit Log Used")

RECEIVE: Code = (LIFECYCLE, "receive", "Receive/Retain Record Lifecycle Event")
TRANSFORM: Code = (LIFECYCLE, "transform", "Transform/Translate Record Lifecycle Event")
# The BALP slice for this one knows no display.
DISCLOSE: Code = (LIFECYCLE, "disclose", "")
TRANSMIT: Code = (LIFECYCLE, "transmit", "Transmit Record Lifecycle Event")
DESTROY: Code = (LIFECYCLE, "destroy", "Destroy/Delete Record Lifecycle Event")
AUTHZ_CONSENT: Code = (f"{BALP}/CodeSystem/AuthZsubType", "AuthZ-Consent", "")
AUTHZ_ROLE: Code = (f"{BALP}/CodeSystem/AuthZsubType", "AuthZ-Role", "")

SOURCE_ROLE: Code = (DCM, "110153", "Source Role ID")
DESTINATION_ROLE: Code = (DCM, "110152", "Destination Role ID")
CUSTODIAN_ROLE: Code = (
    "http://terminology.hl7.org/CodeSystem/provenance-participant-type",
    "custodian",
    "Custodian",
)
APPLICATION: Code = (DCM, "110150", "Application")
RECIPIENT: Code = (
    "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
    "IRCP",
    "information recipient",
)
PROVIDER: Code = (
    "http://terminology.hl7.org/CodeSystem/v3-RoleClass",
    "PROV",
    "healthcare provider",
)
AUTHORIZER: Code = (
    "http://terminology.hl7.org/CodeSystem/extra-security-role-type",
    "authserver",
    "authorization server",
)
CUSTODIAN: Code = ("http://snomed.info/sct", "159541003", "Record keeping/library clerk")

_ENTITY_TYPE = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_OBJECT_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
PERSON: Code = (_ENTITY_TYPE, "1", "Person")
SYSTEM_OBJECT: Code = (_ENTITY_TYPE, "2", "System Object")
CONSENT: Code = ("http://hl7.org/fhir/resource-types", "Consent", "Consent")
REQUEST_ID: Code = (f"{BALP}/CodeSystem/BasicAuditEntityType", "XrequestId", "")
ROLE_PATIENT: Code = (_OBJECT_ROLE, "1", "Patient")
ROLE_DOMAIN_RESOURCE: Code = (_OBJECT_ROLE, "4", "Domain Resource")
ROLE_JOB: Code = (_OBJECT_ROLE, "20", "Job")
ROLE_QUERY: Code = (_OBJECT_ROLE, "24", "Query")
ROLE_SECURITY_RESOURCE: Code = (_OBJECT_ROLE, "13", "Security Resource")

APPLICATION_SERVER: Code = (
    "http://terminology.hl7.org/CodeSystem/security-source-type",
    "4",
    "Application Server",
)
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
ASSEMBLER: Code = (_PARTICIPANT, "assembler", "Assembler")
AUTHOR: Code = (_PARTICIPANT, "author", "Author")


def coding(code: Code) -> dict[str, Any]:
    """Make a Coding."""
    system, value, display = code
    if display:
        return {"system": system, "code": value, "display": display}
    return {"system": system, "code": value}


def concept(code: Code) -> dict[str, Any]:
    """Make a CodeableConcept with one coding."""
    return {"coding": [coding(code)]}
