"""The gateway's own profiles: which one a resource claims that the gateway itself made.

`package/` is a FHIR package (https://hl7.org/fhir/R4/profiling.html): a StructureDefinition per
resource type and private extension, with the data types, value sets and naming systems they need.
Packages that are open hold it always (`profiles.packages`); who only claims loads none of it.
"""

from __future__ import annotations

CANONICAL = "https://region-gateway.example/fhir"
_STRUCTURE = f"{CANONICAL}/StructureDefinition"

#: Resource type → the profile that resources of the gateway's making claim and satisfy. A type
#: without a line has no profile of ours: it claims none and satisfies base R4. To add one, write
#: `package/StructureDefinition-<id>.json` and its line here.
PROFILES: dict[str, str] = {
    "AllergyIntolerance": f"{_STRUCTURE}/gateway-allergy-intolerance",
    "AuditEvent": f"{_STRUCTURE}/gateway-audit-event",
    "Binary": f"{_STRUCTURE}/gateway-binary",
    "Bundle": f"{_STRUCTURE}/gateway-bundle",
    "Condition": f"{_STRUCTURE}/gateway-condition",
    "Consent": f"{_STRUCTURE}/gateway-consent",
    "Coverage": f"{_STRUCTURE}/gateway-coverage",
    "DiagnosticReport": f"{_STRUCTURE}/gateway-diagnostic-report",
    "DocumentReference": f"{_STRUCTURE}/gateway-document-reference",
    "Encounter": f"{_STRUCTURE}/gateway-encounter",
    "Immunization": f"{_STRUCTURE}/gateway-immunization",
    "Location": f"{_STRUCTURE}/gateway-location",
    "Medication": f"{_STRUCTURE}/gateway-medication",
    "MedicationAdministration": f"{_STRUCTURE}/gateway-medication-administration",
    "MedicationDispense": f"{_STRUCTURE}/gateway-medication-dispense",
    "MedicationRequest": f"{_STRUCTURE}/gateway-medication-request",
    "Observation": f"{_STRUCTURE}/gateway-observation",
    "Organization": f"{_STRUCTURE}/gateway-organization",
    "Patient": f"{_STRUCTURE}/gateway-patient",
    "Practitioner": f"{_STRUCTURE}/gateway-practitioner",
    "PractitionerRole": f"{_STRUCTURE}/gateway-practitioner-role",
    "Procedure": f"{_STRUCTURE}/gateway-procedure",
    "Provenance": f"{_STRUCTURE}/gateway-provenance",
    "RelatedPerson": f"{_STRUCTURE}/gateway-related-person",
    "ServiceRequest": f"{_STRUCTURE}/gateway-service-request",
    "Specimen": f"{_STRUCTURE}/gateway-specimen",
    "Task": f"{_STRUCTURE}/gateway-task",
}
