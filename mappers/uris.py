"""URIs of FHIR and HL7 terminology that several formats state."""

from __future__ import annotations

#: Prefix of the code systems of the HL7 v2 tables; the number of the table follows.
V2 = "http://terminology.hl7.org/CodeSystem/v2-"
ALTERNATE_CODES = "http://hl7.org/fhir/StructureDefinition/alternate-codes"
ORIGINAL_TEXT = "http://hl7.org/fhir/StructureDefinition/originalText"
