"""HL7 v2 datatypes to FHIR datatypes, sources carried over (annex "Datatypes" of v2-to-FHIR)."""
